-- Targets of the plan: the latest version of each figure, company, project, year and quarter.
-- materialized: table
WITH ranked AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY metric_id, org_code, project_code, plan_year, quarter ORDER BY version DESC
        ) AS newest
    FROM known.fin_plan_target
),

-- A quarter's share is what the plan in force adds to the quarter before, whichever version brought either.
in_force AS (
    SELECT
        *,
        CASE
            WHEN quarter > 0
                THEN CAST(
                    target_value - COALESCE(
                        lag(CASE WHEN quarter > 0 THEN target_value END) OVER (
                            PARTITION BY metric_id, org_code, project_code, plan_year ORDER BY quarter
                        ),
                        0
                    ) AS DECIMAL(20, 4)
                )
        END AS increment_value
    FROM ranked
    WHERE newest = 1
)

SELECT
    p.metric_id,
    p.org_code,
    p.project_code AS planned_for,
    p.plan_year,
    p.quarter,
    NULLIF(p.project_code, '') AS project_code,
    CASE WHEN p.quarter > 0 THEN p.plan_year || 'Q' || CAST(p.quarter AS VARCHAR) END AS fiscal_quarter,
    p.version,
    p.target_value,
    p.increment_value,
    p.unit,
    CAST(p.plan_year || '-01-01' AS DATE) AS plan_from,
    CAST(CAST(CAST(p.plan_year AS INT) + 1 AS VARCHAR) || '-01-01' AS DATE) AS plan_to,
    p.approved_at,
    'fin_plan_target' AS _source_table,
    p.metric_id || '|' || p.org_code || '|' || p.project_code || '|' || p.plan_year || '|'
    || CAST(p.quarter AS VARCHAR) || '|' || CAST(p.version AS VARCHAR) AS _source_key,
    p._row_hash
FROM in_force AS p
