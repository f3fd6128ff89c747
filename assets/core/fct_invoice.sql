-- Invoices of the tax export and of the receivables, one row a number; amounts by the tax export.
-- materialized: table
-- The receivables know the bill or contract and the customer; a difference in amount stays a difference.
WITH numbered AS (
    SELECT invoice_no FROM known.fin_invoice
    UNION
    SELECT invoice_no FROM known.fin_ar_invoice
),

-- Some exports put the amount with tax into the column without it: then the tax tells the amount.
exported AS (
    SELECT
        *,
        CASE
            WHEN amount_ex_tax = amount_inc_tax AND tax_amount <> 0
                THEN CAST(amount_inc_tax - tax_amount AS DECIMAL(18, 2))
            ELSE amount_ex_tax
        END AS net_amount
    FROM known.fin_invoice
),

merged AS (
    SELECT
        n.invoice_no,
        CASE WHEN t.invoice_no IS NULL THEN 'AR' ELSE 'TAX' END AS source_system,
        a.invoice_no IS NOT NULL AS is_receivable,
        t.invoice_type,
        COALESCE(t.issue_date, a.issue_date) AS issue_date,
        COALESCE(t.org_code, a.org_code) AS org_code,
        COALESCE(a.counterparty_code, t.counterparty_code) AS counterparty_code,
        t.buyer_usci,
        COALESCE(t.biz_type, a.biz_type) AS biz_type,
        COALESCE(a.biz_doc_no, t.biz_doc_no) AS biz_doc_no,
        COALESCE(t.net_amount, a.amount_ex_tax) AS amount_ex_tax,
        COALESCE(t.tax_rate, a.tax_rate) AS tax_rate,
        COALESCE(t.tax_amount, a.tax_amount) AS tax_amount,
        COALESCE(t.amount_inc_tax, a.amount_inc_tax) AS amount_inc_tax,
        COALESCE(t.net_amount <> t.amount_ex_tax, FALSE) AS is_ex_tax_derived,
        a.amount_inc_tax AS ar_amount_inc_tax,
        CAST(a.amount_inc_tax - t.amount_inc_tax AS DECIMAL(18, 2)) AS merge_break_cny,
        COALESCE(t.red_of, a.red_of) AS red_of,
        COALESCE(t.status, a.status) AS status,
        t.file_period,
        COALESCE(t._row_hash, a._row_hash) AS _row_hash
    FROM numbered AS n
    LEFT JOIN exported AS t ON n.invoice_no = t.invoice_no
    LEFT JOIN known.fin_ar_invoice AS a ON n.invoice_no = a.invoice_no
)

SELECT
    m.invoice_no,
    m.source_system,
    m.is_receivable,
    m.invoice_type,
    m.issue_date,
    substr(replace(CAST(m.issue_date AS VARCHAR), '-', ''), 1, 6) AS issue_month,
    m.org_code,
    m.counterparty_code,
    m.buyer_usci,
    m.biz_type,
    m.biz_doc_no,
    m.amount_ex_tax,
    m.tax_rate,
    m.tax_amount,
    m.amount_inc_tax,
    m.is_ex_tax_derived,
    m.ar_amount_inc_tax,
    m.merge_break_cny,
    m.red_of,
    m.status,
    m.file_period,
    CASE WHEN m.source_system = 'TAX' THEN 'fin_invoice' ELSE 'fin_ar_invoice' END AS _source_table,
    m.invoice_no AS _source_key,
    m._row_hash
FROM merged AS m
