-- Receipts and payments on the group's bank accounts, one row each party and document.
-- materialized: view
-- The day is the bank's. net_amount is positive for money in; amounts never net out inside one row.
SELECT
    t.txn_id,
    t.org_code,
    t.bank_account_code,
    -- The account is written as company and leaf of 1002: YWCT-03-10020105.
    CASE
        WHEN strpos(t.bank_account_code, t.org_code || '-') = 1
            THEN substr(t.bank_account_code, length(t.org_code) + 2)
    END AS account_code,
    t.txn_date,
    t.direction,
    t.amount_cny AS amount,
    CAST(CASE WHEN t.direction = 'IN' THEN t.amount_cny ELSE -t.amount_cny END AS DECIMAL(18, 2)) AS net_amount,
    t.counterparty_code,
    t.purpose,
    t.biz_doc_no,
    COALESCE(x.project_code, t.project_code) AS project_code,
    t.bank_ref,
    t.created_at,
    'fin_cash_txn' AS _source_table,
    t.txn_id AS _source_key,
    t._row_hash
FROM known.fin_cash_txn AS t
LEFT JOIN known.con_project_code_map AS x
    ON x.system = 'GL'
    AND x.old_code = t.project_code
    AND x.valid_from <= t.txn_date
    AND COALESCE(x.valid_to, CAST('9999-12-31' AS DATE)) > t.txn_date
