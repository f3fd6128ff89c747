-- General ledger, one row a posted voucher line, with the metric tag its account had in the fiscal period.
-- materialized: view
-- A red letter stays beside the line it reverses, so the two net to zero; the monthly profit transfer stays too
-- (voucher_kind pl_transfer) and each metric says whether it counts.
WITH fiscal_period(period_no, first_day, quarter_text) AS (
    -- Period 13 is the year's adjustment: it counts in the fourth quarter, under December's account map.
    VALUES
        ('01', '-01-01', 'Q1'), ('02', '-02-01', 'Q1'), ('03', '-03-01', 'Q1'),
        ('04', '-04-01', 'Q2'), ('05', '-05-01', 'Q2'), ('06', '-06-01', 'Q2'),
        ('07', '-07-01', 'Q3'), ('08', '-08-01', 'Q3'), ('09', '-09-01', 'Q3'),
        ('10', '-10-01', 'Q4'), ('11', '-11-01', 'Q4'), ('12', '-12-01', 'Q4'),
        ('13', '-12-01', 'Q4')
),

posted AS (
    SELECT
        v.pk_voucher,
        v.org_code,
        v.fiscal_year,
        v.period_no,
        v.fiscal_year || p.quarter_text AS fiscal_quarter,
        CAST(v.fiscal_year || p.first_day AS DATE) AS period_start,
        last_day(CAST(v.fiscal_year || p.first_day AS DATE)) AS period_end,
        v.voucher_type,
        v.voucher_no,
        -- The ledger keeps the date as text, 2024-09-10 or 2024.9.10 or 2024/9/10.
        TRY_CAST(replace(replace(v.voucher_date, '.', '-'), '/', '-') AS DATE) AS voucher_date,
        v.voucher_kind,
        v.reversal_of
    FROM known.fin_voucher AS v
    LEFT JOIN fiscal_period AS p ON v.period_no = p.period_no
    WHERE v.posted_flag = 'Y' AND v.dr = 0 AND v.void_flag = 'N'
)

SELECT
    l.pk_voucher,
    l.line_no,
    v.org_code,
    v.fiscal_year,
    v.period_no,
    v.fiscal_quarter,
    v.voucher_type,
    v.voucher_no,
    v.voucher_date,
    v.voucher_kind,
    l.account_code,
    a.group_account_code,
    a.metric_tag,
    l.debit,
    l.credit,
    CAST(l.credit - l.debit AS DECIMAL(20, 4)) AS net_credit,
    l.quantity,
    COALESCE(x.project_code, l.project_code) AS project_code,
    l.counterparty_code,
    l.park_code,
    l.product_code,
    l.biz_doc_no,
    v.reversal_of,
    'fin_voucher_line' AS _source_table,
    l.pk_detail AS _source_key,
    l._row_hash
FROM known.fin_voucher_line AS l
INNER JOIN posted AS v ON l.pk_voucher = v.pk_voucher
-- An open end is written as a far day, not with OR: only so do the engines join on the keys.
LEFT JOIN core.dim_account_history AS a
    ON v.org_code = a.org_code
    AND l.account_code = a.account_code
    AND a.valid_from <= v.period_start
    AND COALESCE(a.valid_to, CAST('9999-12-31' AS DATE)) > v.period_start
LEFT JOIN known.con_project_code_map AS x
    ON x.system = 'GL'
    AND x.old_code = l.project_code
    AND x.valid_from <= v.period_end
    AND COALESCE(x.valid_to, CAST('9999-12-31' AS DATE)) > v.period_start
