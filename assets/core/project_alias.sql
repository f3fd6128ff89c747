-- Names and codes that stand for a project: what the code map says, and the names projects have had.
-- materialized: table
-- A name that two projects have had stands for none of them, and a code of no known project for nothing.
WITH project_name AS (
    SELECT
        project_name,
        project_code,
        min(valid_from) AS valid_from,
        CASE WHEN max(CASE WHEN valid_to IS NULL THEN 1 ELSE 0 END) = 0 THEN max(valid_to) END AS valid_to
    FROM core.dim_project_history
    WHERE NOT is_inferred AND project_name IS NOT NULL
    GROUP BY project_name, project_code
),

single AS (
    SELECT project_name
    FROM project_name
    GROUP BY project_name
    HAVING count(DISTINCT project_code) = 1
)

SELECT
    m.system,
    m.old_code AS alias,
    m.project_code,
    m.valid_from,
    m.valid_to,
    'con_project_code_map' AS source_table
FROM known.con_project_code_map AS m
INNER JOIN core.dim_project AS p ON m.project_code = p.project_code
UNION ALL
SELECT
    'PMS' AS system,
    n.project_name AS alias,
    n.project_code,
    n.valid_from,
    n.valid_to,
    'con_project' AS source_table
FROM project_name AS n
INNER JOIN single AS s ON n.project_name = s.project_name
