-- Rooms and halls of the parks as they stand at the cut-off, inferred ones marked.
-- materialized: table
SELECT
    h.unit_code,
    h.park_code,
    h.building,
    h.floor,
    h.usage,
    h.area_m2,
    h.rentable,
    h.state,
    h.org_code,
    h.is_inferred
FROM core.dim_unit_history AS h
INNER JOIN core.cut_off AS c
    ON h.valid_from <= c.cut_off_date
    AND COALESCE(h.valid_to, CAST('9999-12-31' AS DATE)) > c.cut_off_date
