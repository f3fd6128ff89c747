-- Regions: divisions of GB/T 2260, towns, and the villages that the ledgers name.
-- materialized: table
-- A village stands below its town where that is listed, else below its county; its name is the latest one written.
WITH village AS (
    SELECT
        village_code,
        village_name,
        row_number() OVER (PARTITION BY village_code ORDER BY _known_from DESC, _source_ref DESC, _row_no DESC) AS newest
    FROM known.fin_coop_benefit
    WHERE village_code IS NOT NULL
)

SELECT region_code, region_name, region_level, parent_code
FROM core.ref_region
UNION ALL
SELECT
    v.village_code AS region_code,
    v.village_name AS region_name,
    'village' AS region_level,
    COALESCE(t.region_code, c.region_code) AS parent_code
FROM village AS v
LEFT JOIN core.ref_region AS t ON t.region_code = substr(v.village_code, 1, 9)
LEFT JOIN core.ref_region AS c ON c.region_code = substr(v.village_code, 1, 6)
WHERE v.newest = 1
