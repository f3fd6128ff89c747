-- Names that stand for a company, blanks left out, with the ledger that uses them and the days it did.
-- materialized: table
-- A name that fits two companies stands for neither; mart.unresolved_alias names it.
WITH single AS (
    SELECT alias
    FROM core.company_record
    WHERE alias <> ''
    GROUP BY alias
    HAVING count(DISTINCT company_key) = 1
)

SELECT
    r.alias,
    r.source_table,
    min(r.company_key) AS company_key,
    CAST(min(r.known_from) + INTERVAL 8 HOUR AS DATE) AS valid_from,
    CASE
        WHEN max(CASE WHEN r.known_to IS NULL THEN 1 ELSE 0 END) = 0
            THEN CAST(max(r.known_to) + INTERVAL 8 HOUR AS DATE)
    END AS valid_to
FROM core.company_record AS r
INNER JOIN single AS s ON r.alias = s.alias
GROUP BY r.alias, r.source_table
