-- Names in ledgers that stand for no project, park or company, or for more than one: a person has to map them.
-- materialized: view
SELECT
    'construction' AS system,
    'con_invest_month' AS table_name,
    'project' AS of_what,
    i.reported_project AS alias,
    count(*) AS row_count,
    'in no code map and no project ledger' AS reason
FROM core.fct_investment AS i
WHERE i.project_code IS NULL
GROUP BY i.reported_project
UNION ALL
SELECT
    'park' AS system,
    'park_loi' AS table_name,
    'park' AS of_what,
    l.park_name AS alias,
    count(*) AS row_count,
    'names no park, or two alike' AS reason
FROM core.fct_loi AS l
WHERE l.park_code IS NULL
GROUP BY l.park_name
UNION ALL
SELECT
    CASE
        WHEN strpos(r.source_table, 'park_') = 1 THEN 'park'
        WHEN strpos(r.source_table, 'con_') = 1 THEN 'construction'
        ELSE 'finance'
    END AS system,
    r.source_table AS table_name,
    'company' AS of_what,
    r.alias,
    count(DISTINCT r.source_key) AS row_count,
    'fits more than one company' AS reason
FROM core.company_record AS r
LEFT JOIN core.company_alias AS a ON r.alias = a.alias
WHERE a.alias IS NULL AND r.alias <> ''
GROUP BY r.source_table, r.alias
UNION ALL
SELECT
    'park' AS system,
    'ref_short_name' AS table_name,
    'company' AS of_what,
    s.short_name AS alias,
    count(*) AS row_count,
    'fits no company, or more than one' AS reason
FROM core.ref_short_name AS s
LEFT JOIN core.company_alias AS a ON s.short_name = a.alias
WHERE a.alias IS NULL
GROUP BY s.short_name
UNION ALL
SELECT
    'park' AS system,
    'park_company' AS table_name,
    'company' AS of_what,
    s.name AS alias,
    count(*) AS row_count,
    'its credit code stands under another name too' AS reason
FROM known.park_company AS s
INNER JOIN core.tenant_company AS c ON s.enterprise_id = c.enterprise_id
WHERE c.is_disputed
GROUP BY s.name
