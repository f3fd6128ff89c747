-- Safety hazards in parks, one row each, with the days they were found, rectified and verified.
-- materialized: view
SELECT
    h.hazard_no,
    h.park_code,
    h.category,
    h.level,
    h.found_date,
    h.rectified_date,
    h.verified_date,
    h.status,
    COALESCE(
        p.managed_from <= h.found_date AND (p.managed_to IS NULL OR h.found_date < p.managed_to), FALSE
    ) AS is_managed,
    p.org_code,
    'park_hazard' AS _source_table,
    h.hazard_no AS _source_key,
    h._row_hash
FROM known.park_hazard AS h
LEFT JOIN known.park_park AS p ON h.park_code = p.park_code
