-- Ledger rows of the facts that are made of several: where a figure over them stands, and what changed behind it.
-- materialized: view
-- A fact that is named here has a key of its own in _source_key; every other one names its one ledger row there.
WITH life AS (
    SELECT p.project_code, 'con_project' AS source_table, p.project_code AS source_key
    FROM known.con_project AS p
    UNION ALL
    SELECT m.project_code, m._source_table AS source_table, m._source_key AS source_key
    FROM core.fct_milestone AS m
    WHERE
        m.section_code = ''
        AND m.milestone_code IN ('commencement', 'completion', 'completion_acceptance', 'handover', 'park_opening')
)

SELECT 'fct_project_life' AS fact, l.project_code AS fact_key, l.source_table, l.source_key
FROM life AS l
UNION ALL
SELECT 'fct_project_tier' AS fact, t._source_key AS fact_key, l.source_table, l.source_key
FROM core.fct_project_tier AS t
INNER JOIN life AS l ON t.project_code = l.project_code
UNION ALL
SELECT 'fct_project_tier' AS fact, t._source_key AS fact_key, 'con_section' AS source_table, s.section_code AS source_key
FROM core.fct_project_tier AS t
INNER JOIN core.dim_section AS s ON t.project_code = s.project_code
WHERE t.tier = 'contractor' AND s.contract_nature = 'construction'
