-- Preparatory tasks of municipal projects: the days they were added, done or cancelled, project after the code map.
-- materialized: view
SELECT
    t.task_no,
    t.task_name,
    t.task_category,
    t.town_code,
    t.planned_year,
    t.added_date,
    t.prep_completed_date,
    t.cancelled_date,
    least(t.prep_completed_date, t.cancelled_date) AS ended_date,
    t.status,
    COALESCE(x.project_code, t.project_code) AS project_code,
    t.org_code,
    'con_municipal_task' AS _source_table,
    t.task_no AS _source_key,
    t._row_hash
FROM known.con_municipal_task AS t
CROSS JOIN core.cut_off AS c
LEFT JOIN known.con_project_code_map AS x
    ON x.system = 'CON'
    AND x.old_code = t.project_code
    AND x.valid_from <= c.cut_off_date
    AND COALESCE(x.valid_to, CAST('9999-12-31' AS DATE)) > c.cut_off_date
