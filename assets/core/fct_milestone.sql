-- Milestones of projects and sections, latest revision of each: the range the plan names and the day it was met.
-- materialized: table
WITH resolved AS (
    SELECT
        COALESCE(x.project_code, m.project_code) AS project_code,
        m.project_code AS recorded_code,
        m.section_code,
        m.milestone_code,
        m.revision,
        m.due_from,
        m.due_to,
        m.date_met,
        m.status,
        m.defect_count,
        m.recorded_at,
        m._row_hash
    FROM known.con_milestone AS m
    LEFT JOIN known.con_project_code_map AS x
        ON x.system = 'CON'
        AND x.old_code = m.project_code
        AND x.valid_from <= CAST(m.recorded_at AS DATE)
        AND COALESCE(x.valid_to, CAST('9999-12-31' AS DATE)) > CAST(m.recorded_at AS DATE)
),

ranked AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY project_code, section_code, milestone_code
            ORDER BY revision DESC, recorded_at DESC, recorded_code
        ) AS newest
    FROM resolved
)

SELECT
    r.project_code,
    p.project_name,
    r.section_code,
    r.milestone_code,
    r.revision,
    r.due_from,
    r.due_to,
    r.date_met,
    r.status,
    r.defect_count,
    k.open_date AS park_open_date,
    r.recorded_at,
    p.org_code,
    'con_milestone' AS _source_table,
    r.recorded_code || '|' || r.section_code || '|' || r.milestone_code || '|'
    || CAST(r.revision AS VARCHAR) AS _source_key,
    r._row_hash
FROM ranked AS r
LEFT JOIN known.con_project AS p ON r.project_code = p.project_code
LEFT JOIN known.park_park AS k ON p.park_code = k.park_code
WHERE r.newest = 1
