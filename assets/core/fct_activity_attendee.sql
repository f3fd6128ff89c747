-- Companies that attended an activity of the parks, one row each; a company counts again each time it comes.
-- materialized: view
SELECT
    t.activity_no,
    t.seq,
    a.activity_type,
    a.activity_date,
    a.park_code,
    t.enterprise_id,
    CASE
        WHEN s.usci IS NOT NULL OR t.usci IS NULL THEN COALESCE(c.company_key, 'name:' || replace(t.company_name, ' ', ''))
        ELSE t.usci
    END AS company_key,
    t.company_name,
    s.enterprise_id IS NOT NULL AS is_tenant,
    t.persons,
    a.org_code,
    'park_activity_attendee' AS _source_table,
    t.activity_no || '|' || CAST(t.seq AS VARCHAR) AS _source_key,
    t._row_hash
FROM known.park_activity_attendee AS t
LEFT JOIN known.park_activity AS a ON t.activity_no = a.activity_no
LEFT JOIN known.park_company AS s ON t.enterprise_id = s.enterprise_id
LEFT JOIN core.tenant_company AS c ON t.enterprise_id = c.enterprise_id
