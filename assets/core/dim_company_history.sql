-- Name and region of each company by day: the record that names it today, and the record of the books for its region.
-- materialized: table
-- The ledgers give no day of a change, so it is the day the change became known; the first state reaches back.
WITH chosen_name AS (
    SELECT
        company_key,
        source_table,
        source_key,
        row_number() OVER (PARTITION BY company_key ORDER BY source_rank, known_from DESC, source_key) AS newest
    FROM core.company_record
    WHERE company_name IS NOT NULL
),

chosen_region AS (
    SELECT
        company_key,
        source_table,
        source_key,
        row_number() OVER (PARTITION BY company_key ORDER BY source_rank, known_from DESC, source_key) AS newest
    FROM core.company_record
    WHERE region_code IS NOT NULL
),

name_change AS (
    SELECT
        r.company_key,
        CAST(r.known_from + INTERVAL 8 HOUR AS DATE) AS day,
        r.company_name,
        lag(r.company_name) OVER (PARTITION BY r.company_key ORDER BY r.known_from) AS before,
        row_number() OVER (PARTITION BY r.company_key ORDER BY r.known_from) AS place,
        row_number() OVER (
            PARTITION BY r.company_key, CAST(r.known_from + INTERVAL 8 HOUR AS DATE) ORDER BY r.known_from DESC
        ) AS last_of_day
    FROM core.company_record AS r
    INNER JOIN chosen_name AS c
        ON r.company_key = c.company_key AND r.source_table = c.source_table AND r.source_key = c.source_key
    WHERE c.newest = 1
),

region_change AS (
    SELECT
        r.company_key,
        CAST(r.known_from + INTERVAL 8 HOUR AS DATE) AS day,
        r.region_code,
        lag(r.region_code) OVER (PARTITION BY r.company_key ORDER BY r.known_from) AS before,
        row_number() OVER (PARTITION BY r.company_key ORDER BY r.known_from) AS place,
        row_number() OVER (
            PARTITION BY r.company_key, CAST(r.known_from + INTERVAL 8 HOUR AS DATE) ORDER BY r.known_from DESC
        ) AS last_of_day
    FROM core.company_record AS r
    INNER JOIN chosen_region AS c
        ON r.company_key = c.company_key AND r.source_table = c.source_table AND r.source_key = c.source_key
    WHERE c.newest = 1
),

named AS (
    SELECT company_key, CASE WHEN place = 1 THEN CAST('0001-01-01' AS DATE) ELSE day END AS day, company_name
    FROM name_change
    WHERE place = 1 OR (last_of_day = 1 AND company_name IS DISTINCT FROM before)
),

placed AS (
    SELECT company_key, CASE WHEN place = 1 THEN CAST('0001-01-01' AS DATE) ELSE day END AS day, region_code
    FROM region_change
    WHERE place = 1 OR (last_of_day = 1 AND region_code IS DISTINCT FROM before)
),

span AS (
    SELECT company_key, day, lead(day) OVER (PARTITION BY company_key ORDER BY day) AS until
    FROM (
        SELECT company_key, CAST('0001-01-01' AS DATE) AS day
        FROM core.dim_company
        UNION
        SELECT company_key, day
        FROM named
        UNION
        SELECT company_key, day
        FROM placed
    ) AS changed
),

name_of AS (
    SELECT s.company_key, s.day, max(n.day) AS name_day
    FROM span AS s
    INNER JOIN named AS n ON s.company_key = n.company_key AND n.day <= s.day
    GROUP BY s.company_key, s.day
),

region_of AS (
    SELECT s.company_key, s.day, max(p.day) AS region_day
    FROM span AS s
    INNER JOIN placed AS p ON s.company_key = p.company_key AND p.day <= s.day
    GROUP BY s.company_key, s.day
)

SELECT
    s.company_key,
    COALESCE(n.company_name, d.company_name) AS company_name,
    p.region_code,
    s.day AS valid_from,
    s.until AS valid_to
FROM span AS s
INNER JOIN core.dim_company AS d ON s.company_key = d.company_key
LEFT JOIN name_of AS o ON s.company_key = o.company_key AND s.day = o.day
LEFT JOIN named AS n ON o.company_key = n.company_key AND o.name_day = n.day
LEFT JOIN region_of AS g ON s.company_key = g.company_key AND s.day = g.day
LEFT JOIN placed AS p ON g.company_key = p.company_key AND g.region_day = p.day
