-- Safety activities on building sites: inspections and drills, one row each.
-- materialized: view
SELECT
    s.activity_no,
    s.activity_type,
    s.activity_date,
    COALESCE(x.project_code, s.project_code) AS project_code,
    s.org_code,
    s.participants,
    s.issues_found,
    'con_safety_activity' AS _source_table,
    s.activity_no AS _source_key,
    s._row_hash
FROM known.con_safety_activity AS s
LEFT JOIN known.con_project_code_map AS x
    ON x.system = 'CON'
    AND x.old_code = s.project_code
    AND x.valid_from <= s.activity_date
    AND COALESCE(x.valid_to, CAST('9999-12-31' AS DATE)) > s.activity_date
