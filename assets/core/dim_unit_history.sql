-- Rooms and halls by business date: use and whether they may be let by the day that was learnt.
-- materialized: table
WITH referenced AS (
    SELECT DISTINCT unit_code FROM known.park_lease
),

member AS (
    SELECT unit_code, FALSE AS is_inferred FROM known.park_unit
    UNION ALL
    SELECT r.unit_code, TRUE AS is_inferred
    FROM referenced AS r
    LEFT JOIN known.park_unit AS u ON r.unit_code = u.unit_code
    WHERE u.unit_code IS NULL
),

version AS (
    SELECT
        v.unit_code,
        v.usage,
        v.rentable,
        v._known_from,
        least(CAST(v._known_from + INTERVAL 8 HOUR AS DATE), c.cut_off_date) AS known_date
    FROM known.park_unit__versions AS v
    CROSS JOIN core.cut_off AS c
),

event_day AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY unit_code, known_date ORDER BY _known_from DESC) AS newest
    FROM version
),

event_change AS (
    SELECT
        unit_code,
        usage,
        rentable,
        known_date,
        row_number() OVER (PARTITION BY unit_code ORDER BY known_date) AS nth,
        lag(usage) OVER (PARTITION BY unit_code ORDER BY known_date) AS old_usage,
        lag(rentable) OVER (PARTITION BY unit_code ORDER BY known_date) AS old_rentable
    FROM event_day
    WHERE newest = 1
),

event_span AS (
    SELECT
        unit_code,
        usage,
        rentable,
        CASE WHEN nth = 1 THEN CAST('0001-01-01' AS DATE) ELSE known_date END AS valid_from,
        lead(known_date) OVER (PARTITION BY unit_code ORDER BY known_date) AS valid_to
    FROM event_change
    WHERE nth = 1 OR usage IS DISTINCT FROM old_usage OR rentable IS DISTINCT FROM old_rentable
)

SELECT
    m.unit_code,
    u.park_code,
    u.building,
    u.floor,
    e.usage,
    u.area_m2,
    e.rentable,
    u.state,
    p.org_code,
    m.is_inferred,
    COALESCE(e.valid_from, CAST('0001-01-01' AS DATE)) AS valid_from,
    e.valid_to
FROM member AS m
LEFT JOIN known.park_unit AS u ON m.unit_code = u.unit_code
LEFT JOIN known.park_park AS p ON u.park_code = p.park_code
LEFT JOIN event_span AS e ON m.unit_code = e.unit_code
