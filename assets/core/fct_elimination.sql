-- Eliminations inside the group, one row a line of a sheet, with the metric tag of its group account.
-- materialized: table
WITH fiscal_period(period_no, first_day, quarter_text) AS (
    -- Period 13 is the year's adjustment: it counts in the fourth quarter, under December's account map.
    VALUES
        ('01', '-01-01', 'Q1'), ('02', '-02-01', 'Q1'), ('03', '-03-01', 'Q1'),
        ('04', '-04-01', 'Q2'), ('05', '-05-01', 'Q2'), ('06', '-06-01', 'Q2'),
        ('07', '-07-01', 'Q3'), ('08', '-08-01', 'Q3'), ('09', '-09-01', 'Q3'),
        ('10', '-10-01', 'Q4'), ('11', '-11-01', 'Q4'), ('12', '-12-01', 'Q4'),
        ('13', '-12-01', 'Q4')
),

line AS (
    SELECT
        e.*,
        e.fiscal_year || p.quarter_text AS fiscal_quarter,
        CAST(e.fiscal_year || p.first_day AS DATE) AS period_start
    FROM known.fin_elimination AS e
    LEFT JOIN fiscal_period AS p ON e.period_no = p.period_no
),

-- The sheets name accounts of the group chart, the map tags accounts of a book: of the accounts below one group
-- account at most one tag is used by figures.
tagged AS (
    SELECT l.org_code, l.group_account_code, l.period_start, max(a.metric_tag) AS metric_tag
    FROM (SELECT DISTINCT org_code, group_account_code, period_start FROM line) AS l
    INNER JOIN core.dim_account_history AS a
        ON l.org_code = a.org_code
        AND l.group_account_code = a.group_account_code
        AND a.valid_from <= l.period_start
        AND COALESCE(a.valid_to, CAST('9999-12-31' AS DATE)) > l.period_start
    GROUP BY l.org_code, l.group_account_code, l.period_start
)

SELECT
    l.fiscal_year,
    l.period_no,
    l.doc_no,
    l.line_no,
    l.fiscal_quarter,
    l.org_code,
    l.counter_org_code,
    l.group_account_code,
    t.metric_tag,
    l.elim_type,
    l.amount_cny,
    CAST(-l.amount_cny AS DECIMAL(20, 4)) AS net_credit,
    l.posted_at,
    l.file_period,
    'fin_elimination' AS _source_table,
    l.fiscal_year || '|' || l.period_no || '|' || l.doc_no || '|' || CAST(l.line_no AS VARCHAR) AS _source_key,
    l._row_hash
FROM line AS l
LEFT JOIN tagged AS t
    ON l.org_code = t.org_code
    AND l.group_account_code = t.group_account_code
    AND l.period_start = t.period_start
