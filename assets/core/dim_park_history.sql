-- Parks by business date: managed by managed_from and managed_to, other states by the day they were learnt.
-- materialized: table
WITH referenced AS (
    SELECT park_code FROM known.fin_voucher_line
    UNION
    SELECT park_code FROM known.con_project
    UNION
    SELECT park_code FROM known.park_company
    UNION
    SELECT park_code FROM known.park_hazard
    UNION
    SELECT park_code FROM known.park_activity
    UNION
    SELECT park_code FROM known.promo_activity
    UNION
    SELECT park_code FROM known.park_lead
    UNION
    SELECT park_code FROM known.park_request
    UNION
    SELECT park_code FROM known.park_feedback
    UNION
    SELECT park_code FROM known.park_work
    UNION
    SELECT park_code FROM known.park_register
    UNION
    SELECT park_code FROM known.park_charge_stall
    UNION
    SELECT park_code FROM known.park_unit
    UNION
    SELECT park_code FROM known.park_bill
),

member AS (
    SELECT park_code, FALSE AS is_inferred FROM known.park_park
    UNION ALL
    SELECT r.park_code, TRUE AS is_inferred
    FROM referenced AS r
    LEFT JOIN known.park_park AS p ON r.park_code = p.park_code
    WHERE r.park_code IS NOT NULL AND p.park_code IS NULL
),

version AS (
    SELECT
        v.park_code,
        v.park_name,
        v.self_managed,
        v.leasable_m2,
        v.org_code,
        v._known_from,
        least(CAST(v._known_from + INTERVAL 8 HOUR AS DATE), c.cut_off_date) AS known_date
    FROM known.park_park__versions AS v
    CROSS JOIN core.cut_off AS c
),

event_day AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY park_code, known_date ORDER BY _known_from DESC) AS newest
    FROM version
),

event_change AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY park_code ORDER BY known_date) AS nth,
        lag(park_name) OVER (PARTITION BY park_code ORDER BY known_date) AS old_name,
        lag(self_managed) OVER (PARTITION BY park_code ORDER BY known_date) AS old_self_managed,
        lag(leasable_m2) OVER (PARTITION BY park_code ORDER BY known_date) AS old_leasable,
        lag(org_code) OVER (PARTITION BY park_code ORDER BY known_date) AS old_org
    FROM event_day
    WHERE newest = 1
),

event_span AS (
    SELECT
        park_code,
        park_name,
        self_managed,
        leasable_m2,
        org_code,
        CASE WHEN nth = 1 THEN CAST('0001-01-01' AS DATE) ELSE known_date END AS from_date,
        lead(known_date) OVER (PARTITION BY park_code ORDER BY known_date) AS to_date
    FROM event_change
    WHERE
        nth = 1
        OR park_name IS DISTINCT FROM old_name
        OR self_managed IS DISTINCT FROM old_self_managed
        OR leasable_m2 IS DISTINCT FROM old_leasable
        OR org_code IS DISTINCT FROM old_org
),

point AS (
    SELECT park_code, CAST('0001-01-01' AS DATE) AS valid_from FROM member
    UNION
    SELECT park_code, managed_from AS valid_from FROM known.park_park WHERE managed_from IS NOT NULL
    UNION
    SELECT park_code, managed_to AS valid_from FROM known.park_park WHERE managed_to IS NOT NULL
    UNION
    SELECT park_code, from_date AS valid_from FROM event_span
),

span AS (
    SELECT
        park_code,
        valid_from,
        lead(valid_from) OVER (PARTITION BY park_code ORDER BY valid_from) AS valid_to
    FROM point
)

SELECT
    m.park_code,
    COALESCE(e.park_name, m.park_code) AS park_name,
    p.aliases,
    p.park_kind,
    COALESCE(
        p.managed_from <= s.valid_from AND (p.managed_to IS NULL OR s.valid_from < p.managed_to), FALSE
    ) AS is_managed,
    p.managed_from,
    p.managed_to,
    e.self_managed,
    p.town_code,
    p.gfa_m2,
    e.leasable_m2,
    p.open_date,
    e.org_code,
    COALESCE(x.project_code, p.project_code) AS project_code,
    m.is_inferred,
    s.valid_from,
    s.valid_to
FROM member AS m
INNER JOIN span AS s ON m.park_code = s.park_code
CROSS JOIN core.cut_off AS c
LEFT JOIN known.park_park AS p ON m.park_code = p.park_code
LEFT JOIN known.con_project_code_map AS x
    ON x.system = 'PARK'
    AND x.old_code = p.project_code
    AND x.valid_from <= c.cut_off_date
    AND COALESCE(x.valid_to, CAST('9999-12-31' AS DATE)) > c.cut_off_date
LEFT JOIN event_span AS e
    ON m.park_code = e.park_code
    AND e.from_date <= s.valid_from
    AND COALESCE(e.to_date, CAST('9999-12-31' AS DATE)) > s.valid_from
