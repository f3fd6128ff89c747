-- Stays of companies in parks. Count company_key, never rows: a company may stay in two parks.
-- materialized: view
SELECT
    s.enterprise_id,
    c.company_key,
    s.name AS company_name,
    s.usci,
    s.park_code,
    p.park_kind,
    s.tenant_kind,
    s.incubation_stage,
    s.in_park_date,
    s.exit_date,
    p.org_code,
    'park_company' AS _source_table,
    s.enterprise_id AS _source_key,
    s._row_hash
FROM known.park_company AS s
INNER JOIN core.tenant_company AS c ON s.enterprise_id = c.enterprise_id
LEFT JOIN known.park_park AS p ON s.park_code = p.park_code
