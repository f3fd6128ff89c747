-- Trips and the cities they went to, one row each: the text of a trip split on 、 ， and comma.
-- materialized: view
-- Count distinct city or activity_no, never rows: a trip to two cities stands twice. A city begins behind a comma; the
-- text has at most 60 characters.
WITH place(n) AS (
    SELECT eights.n + ones.n AS n
    FROM (VALUES (0), (8), (16), (24), (32), (40), (48), (56)) AS eights(n)
    CROSS JOIN (VALUES (1), (2), (3), (4), (5), (6), (7), (8)) AS ones(n)
),

trip AS (
    SELECT
        activity_no,
        activity_date,
        ',' || replace(replace(replace(dest_city, '、', ','), '，', ','), ' ', '') || ',' AS cities,
        org_code,
        _source_table,
        _source_key,
        _row_hash
    FROM core.fct_activity
    WHERE activity_type = 'outbound_promotion' AND dest_city IS NOT NULL
)

SELECT DISTINCT
    t.activity_no,
    substr(t.cities, p.n + 1, strpos(substr(t.cities, p.n + 1), ',') - 1) AS city,
    t.activity_date,
    t.org_code,
    t._source_table,
    t._source_key,
    t._row_hash
FROM trip AS t
INNER JOIN place AS p ON substr(t.cities, p.n, 1) = ','
WHERE strpos(substr(t.cities, p.n + 1), ',') > 1
