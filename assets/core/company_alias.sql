-- Names that stand for a company, blanks left out, with the ledger that uses them and the days it did.
-- materialized: table
-- A name that fits two companies stands for neither; mart.unresolved_alias names it. A short name that no ledger uses
-- stands for the company of the registered name given, else for the one tenant, else the one lead, whose registered
-- name is formed with it: a place or none, the short name, a limited company. 金豪晨 is not 豪晨.
WITH single AS (
    SELECT alias
    FROM core.company_record
    WHERE alias <> ''
    GROUP BY alias
    HAVING count(DISTINCT company_key) = 1
),

place AS (
    SELECT '' AS word
    UNION
    SELECT region_name AS word FROM core.ref_region WHERE region_level <> 'town'
    UNION
    SELECT substr(region_name, 1, length(region_name) - 1) AS word
    FROM core.ref_region
    WHERE region_level <> 'town' AND length(region_name) > 2
    UNION
    SELECT word
    FROM (
        VALUES
            ('北京'), ('天津'), ('河北'), ('山西'), ('内蒙古'), ('辽宁'), ('吉林'), ('黑龙江'), ('上海'), ('江苏'),
            ('浙江'), ('安徽'), ('福建'), ('江西'), ('山东'), ('河南'), ('湖北'), ('湖南'), ('广东'), ('广西'),
            ('海南'), ('重庆'), ('四川'), ('贵州'), ('云南'), ('西藏'), ('陕西'), ('甘肃'), ('青海'), ('宁夏'), ('新疆')
    ) AS province(word)
),

place_before AS (
    SELECT DISTINCT p.word || q.word AS word
    FROM place AS p
    CROSS JOIN place AS q
),

formed AS (
    SELECT
        s.short_name,
        r.company_key,
        r.known_from,
        r.known_to,
        CASE WHEN r.alias = s.registered_name THEN 1 WHEN r.part = 'tenant' THEN 2 ELSE 3 END AS nearness
    FROM core.ref_short_name AS s
    INNER JOIN core.company_record AS r ON strpos(r.alias, s.short_name) > 0
    INNER JOIN place_before AS p ON substr(r.alias, 1, strpos(r.alias, s.short_name) - 1) = p.word
    WHERE
        r.part IN ('tenant', 'lead')
        AND (strpos(r.alias, '有限公司') > 0 OR strpos(r.alias, '有限责任公司') > 0)
        AND s.short_name NOT IN (SELECT alias FROM core.company_record WHERE alias IS NOT NULL)
),

nearest AS (
    SELECT short_name, min(nearness) AS nearness
    FROM formed
    GROUP BY short_name
),

named AS (
    SELECT r.alias, r.source_table, r.company_key, r.known_from, r.known_to
    FROM core.company_record AS r
    INNER JOIN single AS s ON r.alias = s.alias
    UNION ALL
    SELECT f.short_name AS alias, 'ref_short_name' AS source_table, f.company_key, f.known_from, f.known_to
    FROM formed AS f
    INNER JOIN nearest AS n ON f.short_name = n.short_name AND f.nearness = n.nearness
)

SELECT
    alias,
    source_table,
    min(company_key) AS company_key,
    CAST(min(known_from) + INTERVAL 8 HOUR AS DATE) AS valid_from,
    CASE
        WHEN max(CASE WHEN known_to IS NULL THEN 1 ELSE 0 END) = 0
            THEN CAST(max(known_to) + INTERVAL 8 HOUR AS DATE)
    END AS valid_to
FROM named
GROUP BY alias, source_table
HAVING count(DISTINCT company_key) = 1
