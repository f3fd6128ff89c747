-- Companies of the group as they stand at the cut-off.
-- materialized: table
SELECT
    h.org_code,
    h.org_name,
    h.short_name,
    h.usci,
    h.parent_org_code,
    h.consolidation_pct,
    h.industry_code,
    h.name_valid_from,
    h.org_valid_to,
    h.is_inferred
FROM core.dim_org_history AS h
INNER JOIN core.cut_off AS c
    ON h.valid_from <= c.cut_off_date
    AND COALESCE(h.valid_to, CAST('9999-12-31' AS DATE)) > c.cut_off_date
