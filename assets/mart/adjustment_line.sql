-- Manual adjustments in force, one row for each quarter and period whose figures they touch.
-- materialized: table
-- An adjustment of a quarter counts in that quarter alone, at its end, and in the year to date from it on; which of
-- these a figure has is a matter of the figure.
WITH touched AS (
    SELECT quarter, 'quarter' AS period, quarter AS adjusted_quarter
    FROM core.dim_quarter
    WHERE period = 'quarter'
    UNION ALL
    SELECT quarter, 'as_of' AS period, quarter AS adjusted_quarter
    FROM core.dim_quarter
    WHERE period = 'quarter'
    UNION ALL
    SELECT y.quarter, 'ytd' AS period, q.quarter AS adjusted_quarter
    FROM core.dim_quarter AS y
    INNER JOIN core.dim_quarter AS q
        ON substr(y.quarter, 1, 4) = substr(q.quarter, 1, 4) AND q.quarter <= y.quarter
    WHERE y.period = 'ytd' AND q.period = 'quarter'
)

SELECT
    t.quarter,
    t.period,
    a.adjustment_no,
    a.metric_id,
    a.quarter AS adjusted_quarter,
    a.org_code,
    a.project_code,
    a.park_code,
    a.amount,
    a.accounting_reason,
    a.reason,
    a.prepared_by,
    a.approved_by,
    a.approved_date,
    a._row_hash
FROM known.fin_adjustment AS a
INNER JOIN touched AS t ON a.quarter = t.adjusted_quarter
WHERE COALESCE(a.void_flag, 'N') <> 'Y'
