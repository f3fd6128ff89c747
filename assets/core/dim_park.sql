-- Parks as they stand at the cut-off, inferred ones marked.
-- materialized: table
SELECT
    h.park_code,
    h.park_name,
    h.aliases,
    h.park_kind,
    h.is_managed,
    h.managed_from,
    h.managed_to,
    h.self_managed,
    h.town_code,
    h.gfa_m2,
    h.leasable_m2,
    h.open_date,
    h.org_code,
    h.project_code,
    h.is_inferred
FROM core.dim_park_history AS h
INNER JOIN core.cut_off AS c
    ON h.valid_from <= c.cut_off_date
    AND COALESCE(h.valid_to, CAST('9999-12-31' AS DATE)) > c.cut_off_date
