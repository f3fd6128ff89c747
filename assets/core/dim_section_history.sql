-- Sections by business date: contractor, amended amount and planned end by the day they were learnt.
-- materialized: table
WITH referenced AS (
    SELECT section_code FROM known.con_progress
    UNION
    SELECT section_code FROM known.con_payment_cert
    UNION
    SELECT section_code FROM known.con_milestone WHERE section_code <> ''
),

member AS (
    SELECT section_code, FALSE AS is_inferred FROM known.con_section
    UNION ALL
    SELECT r.section_code, TRUE AS is_inferred
    FROM referenced AS r
    LEFT JOIN known.con_section AS s ON r.section_code = s.section_code
    WHERE s.section_code IS NULL
),

-- The column holds codes and, at times, names: see fct_investment.
resolved AS (
    SELECT
        s.section_code,
        COALESCE(
            x.project_code,
            CASE
                WHEN p.project_code IS NOT NULL OR NOT regexp_matches(s.project_code, '[^ -~]') THEN s.project_code
            END
        ) AS project_code
    FROM known.con_section AS s
    CROSS JOIN core.cut_off AS c
    LEFT JOIN known.con_project_code_map AS x
        ON x.system = 'CON'
        AND x.old_code = s.project_code
        AND x.valid_from <= c.cut_off_date
        AND COALESCE(x.valid_to, CAST('9999-12-31' AS DATE)) > c.cut_off_date
    LEFT JOIN known.con_project AS p ON s.project_code = p.project_code
),

version AS (
    SELECT
        v.section_code,
        v.contractor_usci,
        v.amended_amount_cny,
        v.planned_end_date,
        v._known_from,
        least(CAST(v._known_from + INTERVAL 8 HOUR AS DATE), c.cut_off_date) AS known_date
    FROM known.con_section__versions AS v
    CROSS JOIN core.cut_off AS c
),

event_day AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY section_code, known_date ORDER BY _known_from DESC) AS newest
    FROM version
),

event_change AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY section_code ORDER BY known_date) AS nth,
        lag(contractor_usci) OVER (PARTITION BY section_code ORDER BY known_date) AS old_contractor,
        lag(amended_amount_cny) OVER (PARTITION BY section_code ORDER BY known_date) AS old_amended,
        lag(planned_end_date) OVER (PARTITION BY section_code ORDER BY known_date) AS old_end
    FROM event_day
    WHERE newest = 1
),

event_span AS (
    SELECT
        section_code,
        contractor_usci,
        amended_amount_cny,
        planned_end_date,
        CASE WHEN nth = 1 THEN CAST('0001-01-01' AS DATE) ELSE known_date END AS valid_from,
        lead(known_date) OVER (PARTITION BY section_code ORDER BY known_date) AS valid_to
    FROM event_change
    WHERE
        nth = 1
        OR contractor_usci IS DISTINCT FROM old_contractor
        OR amended_amount_cny IS DISTINCT FROM old_amended
        OR planned_end_date IS DISTINCT FROM old_end
)

SELECT
    m.section_code,
    COALESCE(s.section_name, m.section_code) AS section_name,
    r.project_code,
    s.contract_no,
    s.contract_nature,
    e.contractor_usci,
    s.tender_no,
    s.sign_date,
    s.contract_amount_cny,
    e.amended_amount_cny,
    COALESCE(e.amended_amount_cny, s.contract_amount_cny) AS contract_value_cny,
    s.tax_rate,
    s.start_date,
    e.planned_end_date,
    p.org_code,
    m.is_inferred,
    COALESCE(e.valid_from, CAST('0001-01-01' AS DATE)) AS valid_from,
    e.valid_to
FROM member AS m
LEFT JOIN event_span AS e ON m.section_code = e.section_code
LEFT JOIN known.con_section AS s ON m.section_code = s.section_code
LEFT JOIN resolved AS r ON m.section_code = r.section_code
LEFT JOIN known.con_project AS p ON r.project_code = p.project_code
