-- Projects as they stand at the cut-off, deleted ones and inferred ones marked.
-- materialized: table
SELECT
    h.project_code,
    h.national_code,
    h.project_name,
    h.org_code,
    h.owner_usci,
    h.owner_org_code,
    h.consultant_usci,
    h.project_type,
    h.construction_mode,
    h.investment_category,
    h.in_statistics,
    h.industry_code,
    h.region_code,
    h.town_code,
    h.park_code,
    h.planned_total_cny,
    h.gfa_m2,
    h.status,
    h.construction_status,
    h.construction_status_date,
    h.plan_doc_no,
    h.is_deleted,
    h.is_inferred
FROM core.dim_project_history AS h
INNER JOIN core.cut_off AS c
    ON h.valid_from <= c.cut_off_date
    AND COALESCE(h.valid_to, CAST('9999-12-31' AS DATE)) > c.cut_off_date
