-- Projects by business date: construction status by its own date, other states by the day they were learnt.
-- materialized: table
WITH referenced AS (
    SELECT project_code FROM core.fct_gl_line
    UNION
    SELECT project_code FROM core.fct_investment
    UNION
    SELECT project_code FROM core.fct_plan_target
    UNION
    SELECT project_code FROM core.fct_milestone
    UNION
    SELECT project_code FROM core.fct_safety_activity
    UNION
    SELECT project_code FROM core.fct_municipal_task
    UNION
    SELECT project_code FROM core.dim_park_history
    UNION
    SELECT project_code FROM core.dim_section_history
    UNION
    SELECT project_code FROM core.fct_concrete_delivery
),

member AS (
    SELECT project_code, FALSE AS is_inferred FROM known.con_project
    UNION ALL
    SELECT r.project_code, TRUE AS is_inferred
    FROM referenced AS r
    LEFT JOIN known.con_project AS p ON r.project_code = p.project_code
    WHERE r.project_code IS NOT NULL AND p.project_code IS NULL
),

version AS (
    SELECT
        v.project_code,
        v.project_name,
        v.org_code,
        v.consultant_usci,
        v.in_statistics,
        v.planned_total_cny,
        v.status,
        v.plan_doc_no,
        v.construction_status,
        v.construction_status_date,
        v._known_from,
        least(CAST(v._known_from + INTERVAL 8 HOUR AS DATE), c.cut_off_date) AS known_date,
        lead(v.construction_status) OVER (PARTITION BY v.project_code ORDER BY v._known_from) AS next_status
    FROM known.con_project__versions AS v
    CROSS JOIN core.cut_off AS c
),

-- A status said again with another date corrects the date: only the last word of a run of one status counts.
status_said AS (
    SELECT
        project_code,
        construction_status,
        construction_status_date,
        min(construction_status_date) OVER (
            PARTITION BY project_code ORDER BY _known_from ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
        ) AS overruled_from
    FROM version
    WHERE construction_status IS DISTINCT FROM next_status
),

-- What a later version says from a date on overrules everything said before for that date or a later one.
status_span AS (
    SELECT
        project_code,
        construction_status,
        construction_status_date,
        lead(construction_status_date) OVER (
            PARTITION BY project_code ORDER BY construction_status_date
        ) AS to_date
    FROM status_said
    WHERE overruled_from IS NULL OR construction_status_date < overruled_from
),

event_day AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY project_code, known_date ORDER BY _known_from DESC) AS newest
    FROM version
),

event_change AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY project_code ORDER BY known_date) AS nth,
        lag(project_name) OVER (PARTITION BY project_code ORDER BY known_date) AS old_name,
        lag(org_code) OVER (PARTITION BY project_code ORDER BY known_date) AS old_org,
        lag(consultant_usci) OVER (PARTITION BY project_code ORDER BY known_date) AS old_consultant,
        lag(in_statistics) OVER (PARTITION BY project_code ORDER BY known_date) AS old_in_statistics,
        lag(planned_total_cny) OVER (PARTITION BY project_code ORDER BY known_date) AS old_planned_total,
        lag(status) OVER (PARTITION BY project_code ORDER BY known_date) AS old_status,
        lag(plan_doc_no) OVER (PARTITION BY project_code ORDER BY known_date) AS old_plan_doc
    FROM event_day
    WHERE newest = 1
),

event_span AS (
    SELECT
        project_code,
        project_name,
        org_code,
        consultant_usci,
        in_statistics,
        planned_total_cny,
        status,
        plan_doc_no,
        CASE WHEN nth = 1 THEN CAST('0001-01-01' AS DATE) ELSE known_date END AS from_date,
        lead(known_date) OVER (PARTITION BY project_code ORDER BY known_date) AS to_date
    FROM event_change
    WHERE
        nth = 1
        OR project_name IS DISTINCT FROM old_name
        OR org_code IS DISTINCT FROM old_org
        OR consultant_usci IS DISTINCT FROM old_consultant
        OR in_statistics IS DISTINCT FROM old_in_statistics
        OR planned_total_cny IS DISTINCT FROM old_planned_total
        OR status IS DISTINCT FROM old_status
        OR plan_doc_no IS DISTINCT FROM old_plan_doc
),

point AS (
    SELECT project_code, CAST('0001-01-01' AS DATE) AS valid_from FROM member
    UNION
    SELECT project_code, construction_status_date AS valid_from
    FROM status_span
    WHERE construction_status_date IS NOT NULL
    UNION
    SELECT project_code, from_date AS valid_from FROM event_span
),

span AS (
    SELECT
        project_code,
        valid_from,
        lead(valid_from) OVER (PARTITION BY project_code ORDER BY valid_from) AS valid_to
    FROM point
)

-- Before the first dated status the ledger says nothing: 'unknown', never today's status carried back, so that a
-- project stopped in October still counts on 30 September and its milestones decide.
SELECT
    m.project_code,
    p.national_code,
    COALESCE(e.project_name, m.project_code) AS project_name,
    e.org_code,
    p.owner_usci,
    p.owner_org_code,
    e.consultant_usci,
    p.project_type,
    p.construction_mode,
    p.investment_category,
    e.in_statistics,
    p.industry_code,
    p.region_code,
    p.town_code,
    p.park_code,
    e.planned_total_cny,
    p.gfa_m2,
    e.status,
    COALESCE(t.construction_status, 'unknown') AS construction_status,
    t.construction_status_date,
    e.plan_doc_no,
    COALESCE(p.is_deleted, FALSE) AS is_deleted,
    m.is_inferred,
    s.valid_from,
    s.valid_to
FROM member AS m
INNER JOIN span AS s ON m.project_code = s.project_code
LEFT JOIN known.con_project AS p ON m.project_code = p.project_code
LEFT JOIN status_span AS t
    ON m.project_code = t.project_code
    AND t.construction_status_date <= s.valid_from
    AND COALESCE(t.to_date, CAST('9999-12-31' AS DATE)) > s.valid_from
LEFT JOIN event_span AS e
    ON m.project_code = e.project_code
    AND e.from_date <= s.valid_from
    AND COALESCE(e.to_date, CAST('9999-12-31' AS DATE)) > s.valid_from
