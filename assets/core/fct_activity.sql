-- Activities of the parks, one row each: events for companies, trainings, drills, visits, salons.
-- materialized: view
SELECT
    a.activity_no,
    a.source_system,
    a.activity_type,
    a.title,
    a.activity_date,
    a.park_code,
    a.company_name,
    a.company_visits,
    a.person_visits,
    COALESCE(
        p.managed_from <= a.activity_date AND (p.managed_to IS NULL OR a.activity_date < p.managed_to), FALSE
    ) AS is_managed,
    a.org_code,
    'park_activity' AS _source_table,
    a.activity_no AS _source_key,
    a._row_hash
FROM known.park_activity AS a
LEFT JOIN known.park_park AS p ON a.park_code = p.park_code
