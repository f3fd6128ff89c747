-- Stays of companies in parks, one row each; a company with two stays has one company_key.
-- materialized: view
SELECT
    s.enterprise_id,
    COALESCE(s.usci, 'enterprise:' || s.enterprise_id) AS company_key,
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
LEFT JOIN known.park_park AS p ON s.park_code = p.park_code
