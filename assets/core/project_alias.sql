-- Names and codes that stand for a project: what the code map says, and the names projects have had.
-- materialized: table
-- A name that two projects have had stands for none of them, and a code of no known project for nothing. An entry
-- whose code was replaced passes its names on; a deleted entry takes no name from one that stands.
WITH replaced AS (
    SELECT m.old_code, m.project_code
    FROM known.con_project_code_map AS m
    INNER JOIN core.dim_project AS p ON m.project_code = p.project_code
    WHERE m.system = 'CON'
),

named AS (
    SELECT
        h.project_name,
        COALESCE(r.project_code, h.project_code) AS project_code,
        h.is_deleted,
        h.valid_from,
        h.valid_to
    FROM core.dim_project_history AS h
    LEFT JOIN replaced AS r ON h.project_code = r.old_code
    WHERE NOT h.is_inferred AND h.project_name IS NOT NULL
),

project_name AS (
    SELECT
        project_name,
        project_code,
        min(CASE WHEN is_deleted THEN 1 ELSE 0 END) AS is_deleted,
        min(valid_from) AS valid_from,
        CASE WHEN max(CASE WHEN valid_to IS NULL THEN 1 ELSE 0 END) = 0 THEN max(valid_to) END AS valid_to
    FROM named
    GROUP BY project_name, project_code
),

standing AS (
    SELECT project_name, min(is_deleted) AS is_deleted
    FROM project_name
    GROUP BY project_name
),

single AS (
    SELECT n.project_name, min(n.project_code) AS project_code
    FROM project_name AS n
    INNER JOIN standing AS s ON n.project_name = s.project_name AND n.is_deleted = s.is_deleted
    GROUP BY n.project_name
    HAVING count(DISTINCT n.project_code) = 1
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
INNER JOIN single AS s ON n.project_name = s.project_name AND n.project_code = s.project_code
