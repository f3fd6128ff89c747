-- Companies of the group by business date: the name by its own date, parent and share by the day learnt.
-- materialized: table
WITH referenced AS (
    SELECT org_code FROM known.fin_account
    UNION
    SELECT org_code FROM known.fin_voucher
    UNION
    SELECT org_code FROM known.fin_coop_benefit
    UNION
    SELECT org_code FROM known.fin_plan_target
    UNION
    SELECT org_code FROM known.fin_invoice
    UNION
    SELECT org_code FROM known.fin_ar_invoice
    UNION
    SELECT org_code FROM known.fin_elimination
    UNION
    SELECT counter_org_code FROM known.fin_elimination
    UNION
    SELECT org_code FROM known.con_project__versions
    UNION
    SELECT owner_org_code FROM known.con_project
    UNION
    SELECT org_code FROM known.con_safety_activity
    UNION
    SELECT org_code FROM known.con_cc_delivery
    UNION
    SELECT org_code FROM known.park_park__versions
    UNION
    SELECT org_code FROM known.park_loi
    UNION
    SELECT org_code FROM known.park_activity
    UNION
    SELECT org_code FROM known.promo_activity
    UNION
    SELECT org_code FROM known.park_lead
    UNION
    SELECT org_code FROM known.park_work
    UNION
    SELECT org_code FROM known.park_register
    UNION
    SELECT org_code FROM known.con_municipal_task
    UNION
    SELECT parent_org_code FROM known.fin_org__versions
),

member AS (
    SELECT org_code, FALSE AS is_inferred FROM known.fin_org
    UNION ALL
    SELECT r.org_code, TRUE AS is_inferred
    FROM referenced AS r
    LEFT JOIN known.fin_org AS o ON r.org_code = o.org_code
    WHERE r.org_code IS NOT NULL AND o.org_code IS NULL
),

version AS (
    SELECT
        v.org_code,
        v.org_name,
        v.valid_from AS name_from,
        v.parent_org_code,
        v.consolidation_pct,
        v._known_from,
        least(CAST(v._known_from + INTERVAL 8 HOUR AS DATE), c.cut_off_date) AS known_date,
        lead(v.org_name) OVER (PARTITION BY v.org_code ORDER BY v._known_from) AS next_name
    FROM known.fin_org__versions AS v
    CROSS JOIN core.cut_off AS c
),

-- A name said again with another date corrects the date: only the last word of a run of one name counts.
name_said AS (
    SELECT
        org_code,
        org_name,
        name_from,
        min(name_from) OVER (
            PARTITION BY org_code ORDER BY _known_from ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
        ) AS overruled_from
    FROM version
    WHERE org_name IS DISTINCT FROM next_name
),

-- The first name reaches back without end: it is a label, and every day needs one.
name_span AS (
    SELECT
        org_code,
        org_name,
        name_from,
        CASE
            WHEN lag(name_from) OVER (PARTITION BY org_code ORDER BY name_from) IS NULL
                THEN CAST('0001-01-01' AS DATE)
            ELSE name_from
        END AS from_date,
        lead(name_from) OVER (PARTITION BY org_code ORDER BY name_from) AS to_date
    FROM name_said
    WHERE overruled_from IS NULL OR name_from < overruled_from
),

event_day AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY org_code, known_date ORDER BY _known_from DESC) AS newest
    FROM version
),

event_change AS (
    SELECT
        org_code,
        parent_org_code,
        consolidation_pct,
        known_date,
        row_number() OVER (PARTITION BY org_code ORDER BY known_date) AS nth,
        lag(parent_org_code) OVER (PARTITION BY org_code ORDER BY known_date) AS old_parent,
        lag(consolidation_pct) OVER (PARTITION BY org_code ORDER BY known_date) AS old_pct
    FROM event_day
    WHERE newest = 1
),

event_span AS (
    SELECT
        org_code,
        parent_org_code,
        consolidation_pct,
        CASE WHEN nth = 1 THEN CAST('0001-01-01' AS DATE) ELSE known_date END AS from_date,
        lead(known_date) OVER (PARTITION BY org_code ORDER BY known_date) AS to_date
    FROM event_change
    WHERE
        nth = 1
        OR parent_org_code IS DISTINCT FROM old_parent
        OR consolidation_pct IS DISTINCT FROM old_pct
),

point AS (
    SELECT org_code, CAST('0001-01-01' AS DATE) AS valid_from FROM member
    UNION
    SELECT org_code, from_date AS valid_from FROM name_span
    UNION
    SELECT org_code, from_date AS valid_from FROM event_span
),

span AS (
    SELECT
        org_code,
        valid_from,
        lead(valid_from) OVER (PARTITION BY org_code ORDER BY valid_from) AS valid_to
    FROM point
)

SELECT
    m.org_code,
    COALESCE(n.org_name, m.org_code) AS org_name,
    o.short_name,
    o.usci,
    e.parent_org_code,
    e.consolidation_pct,
    o.industry_code,
    n.name_from AS name_valid_from,
    o.valid_to AS org_valid_to,
    m.is_inferred,
    s.valid_from,
    s.valid_to
FROM member AS m
INNER JOIN span AS s ON m.org_code = s.org_code
LEFT JOIN known.fin_org AS o ON m.org_code = o.org_code
LEFT JOIN name_span AS n
    ON m.org_code = n.org_code
    AND n.from_date <= s.valid_from
    AND COALESCE(n.to_date, CAST('9999-12-31' AS DATE)) > s.valid_from
LEFT JOIN event_span AS e
    ON m.org_code = e.org_code
    AND e.from_date <= s.valid_from
    AND COALESCE(e.to_date, CAST('9999-12-31' AS DATE)) > s.valid_from
