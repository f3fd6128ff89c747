-- Life of a project, one row each: the days its project-level milestones were met, and of its last stop.
-- materialized: table
-- A section ends nothing.
WITH met AS (
    SELECT
        project_code,
        max(CASE WHEN milestone_code = 'commencement' THEN date_met END) AS commencement_date,
        max(CASE WHEN milestone_code = 'completion' THEN date_met END) AS completion_date,
        max(CASE WHEN milestone_code = 'completion_acceptance' THEN date_met END) AS acceptance_date,
        max(CASE WHEN milestone_code = 'handover' THEN date_met END) AS handover_date,
        max(CASE WHEN milestone_code = 'park_opening' THEN date_met END) AS opening_date,
        max(CASE WHEN milestone_code = 'commencement' THEN _row_hash END) AS commencement_hash,
        max(CASE WHEN milestone_code = 'completion' THEN _row_hash END) AS completion_hash,
        max(CASE WHEN milestone_code = 'completion_acceptance' THEN _row_hash END) AS acceptance_hash,
        max(CASE WHEN milestone_code = 'handover' THEN _row_hash END) AS handover_hash,
        max(CASE WHEN milestone_code = 'park_opening' THEN _row_hash END) AS opening_hash
    FROM core.fct_milestone
    WHERE section_code = ''
    GROUP BY project_code
),

stopped AS (
    SELECT
        project_code,
        max(CASE WHEN construction_status = 'suspended' THEN construction_status_date END) AS suspended_date,
        max(CASE WHEN construction_status = 'cancelled' THEN construction_status_date END) AS cancelled_date
    FROM core.dim_project_history
    GROUP BY project_code
),

resumed AS (
    SELECT h.project_code, min(h.construction_status_date) AS resumed_date
    FROM core.dim_project_history AS h
    INNER JOIN stopped AS s ON h.project_code = s.project_code AND h.construction_status_date > s.suspended_date
    WHERE h.construction_status IN ('in_progress', 'completed')
    GROUP BY h.project_code
)

SELECT
    p.project_code,
    p.project_name,
    m.commencement_date,
    s.suspended_date,
    r.resumed_date,
    s.cancelled_date,
    m.completion_date,
    m.acceptance_date,
    m.handover_date,
    m.opening_date,
    p.org_code,
    'con_milestone' AS _source_table,
    p.project_code AS _source_key,
    md5(
        COALESCE(m.commencement_hash, '-') || '|' || COALESCE(m.completion_hash, '-') || '|'
        || COALESCE(m.acceptance_hash, '-') || '|' || COALESCE(m.handover_hash, '-') || '|'
        || COALESCE(m.opening_hash, '-') || '|' || COALESCE(CAST(s.suspended_date AS VARCHAR), '-') || '|'
        || COALESCE(CAST(r.resumed_date AS VARCHAR), '-') || '|' || COALESCE(CAST(s.cancelled_date AS VARCHAR), '-')
    ) AS _row_hash
FROM core.dim_project AS p
LEFT JOIN met AS m ON p.project_code = m.project_code
LEFT JOIN stopped AS s ON p.project_code = s.project_code
LEFT JOIN resumed AS r ON p.project_code = r.project_code
