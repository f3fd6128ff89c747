-- Balances of the accounts by period as the books state them, debit positive, from their first to their last day.
-- materialized: view
-- A closing balance stands from the last day of its period to the last day of the next one the book has opened.
-- Period 13 follows December and ends on the same day, so at the year's end its balance is the one in force.
WITH fiscal_period(period_no, first_day, quarter_text) AS (
    VALUES
        ('01', '-01-01', 'Q1'), ('02', '-02-01', 'Q1'), ('03', '-03-01', 'Q1'),
        ('04', '-04-01', 'Q2'), ('05', '-05-01', 'Q2'), ('06', '-06-01', 'Q2'),
        ('07', '-07-01', 'Q3'), ('08', '-08-01', 'Q3'), ('09', '-09-01', 'Q3'),
        ('10', '-10-01', 'Q4'), ('11', '-11-01', 'Q4'), ('12', '-12-01', 'Q4'),
        ('13', '-12-01', 'Q4')
),

shown AS (
    SELECT DISTINCT org_code, fiscal_year, period_no FROM known.fin_balance
),

period AS (
    SELECT
        s.org_code,
        s.fiscal_year,
        s.period_no,
        s.fiscal_year || p.quarter_text AS fiscal_quarter,
        CAST(s.fiscal_year || p.first_day AS DATE) AS period_start,
        last_day(CAST(s.fiscal_year || p.first_day AS DATE)) AS period_end,
        lead(last_day(CAST(s.fiscal_year || p.first_day AS DATE))) OVER (
            PARTITION BY s.org_code ORDER BY s.fiscal_year, s.period_no
        ) AS next_end
    FROM shown AS s
    INNER JOIN fiscal_period AS p ON s.period_no = p.period_no
)

SELECT
    b.org_code,
    b.fiscal_year,
    b.period_no,
    p.fiscal_quarter,
    b.account_code,
    a.group_account_code,
    a.metric_tag,
    COALESCE(x.project_code, NULLIF(b.project_code, '')) AS project_code,
    NULLIF(b.counterparty_code, '') AS counterparty_code,
    NULLIF(b.park_code, '') AS park_code,
    CAST(CASE WHEN b.open_dir = '贷' THEN -b.open_amt ELSE b.open_amt END AS DECIMAL(20, 4)) AS opening_balance,
    b.debit_amt AS debit,
    b.credit_amt AS credit,
    CAST(CASE WHEN b.close_dir = '贷' THEN -b.close_amt ELSE b.close_amt END AS DECIMAL(20, 4)) AS closing_balance,
    p.period_end AS balance_from,
    p.next_end AS balance_to,
    'fin_balance' AS _source_table,
    b.org_code || '|' || b.fiscal_year || '|' || b.period_no || '|' || b.account_code || '|' || b.project_code
    || '|' || b.counterparty_code || '|' || b.park_code AS _source_key,
    b._row_hash
FROM known.fin_balance AS b
INNER JOIN period AS p
    ON b.org_code = p.org_code AND b.fiscal_year = p.fiscal_year AND b.period_no = p.period_no
LEFT JOIN core.dim_account_history AS a
    ON b.org_code = a.org_code
    AND b.account_code = a.account_code
    AND a.valid_from <= p.period_start
    AND COALESCE(a.valid_to, CAST('9999-12-31' AS DATE)) > p.period_start
LEFT JOIN known.con_project_code_map AS x
    ON x.system = 'GL'
    AND x.old_code = b.project_code
    AND x.valid_from <= p.period_end
    AND COALESCE(x.valid_to, CAST('9999-12-31' AS DATE)) > p.period_end
