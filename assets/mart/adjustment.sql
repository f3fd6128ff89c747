-- Manual adjustments in force, added up for the figures they touch, at every grain.
-- materialized: table
-- Like the row of a fact, an adjustment counts for the group and at each other grain under its code, (none) where it
-- has none: parts add up. It never enters mart.quarterly_metric.
SELECT
    metric_id,
    quarter,
    period,
    CASE
        WHEN grouping(org_code) = 0 THEN 'org'
        WHEN grouping(project_code) = 0 THEN 'project'
        WHEN grouping(park_code) = 0 THEN 'park'
        ELSE 'group'
    END AS grain,
    CASE
        WHEN grouping(org_code) = 0 THEN COALESCE(org_code, '(none)')
        WHEN grouping(project_code) = 0 THEN COALESCE(project_code, '(none)')
        WHEN grouping(park_code) = 0 THEN COALESCE(park_code, '(none)')
        ELSE ''
    END AS scope_code,
    CAST(sum(amount) AS DECIMAL(38, 6)) AS amount,
    count(*) AS row_count
FROM mart.adjustment_line
GROUP BY
    GROUPING SETS (
        (metric_id, quarter, period),
        (metric_id, quarter, period, org_code),
        (metric_id, quarter, period, project_code),
        (metric_id, quarter, period, park_code)
    )
