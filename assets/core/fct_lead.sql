-- Leads of investment promotion, one row each, with the company they are about.
-- materialized: table
-- company_key: the lead's credit code, else the one code that its name has in the park platform or on other leads,
-- else the first lead of that name. A name with two codes resolves to none: never a guess.
WITH named AS (
    SELECT
        lead_no,
        usci,
        replace(replace(replace(company_name, ' ', ''), '（', '('), '）', ')') AS plain_name
    FROM known.park_lead
),

told AS (
    SELECT
        replace(replace(replace(v.name, ' ', ''), '（', '('), '）', ')') AS plain_name,
        s.company_key
    FROM known.park_company__versions AS v
    INNER JOIN core.tenant_company AS s ON v.enterprise_id = s.enterprise_id
    UNION ALL
    SELECT plain_name, usci AS company_key
    FROM named
    WHERE usci IS NOT NULL
),

resolved AS (
    SELECT plain_name, min(company_key) AS company_key
    FROM told
    GROUP BY plain_name
    HAVING count(DISTINCT company_key) = 1
),

first_lead AS (
    SELECT plain_name, min(lead_no) AS lead_no
    FROM named
    GROUP BY plain_name
)

SELECT
    l.lead_no,
    l.project_name,
    l.company_name,
    COALESCE(l.usci, r.company_key, 'lead:' || f.lead_no) AS company_key,
    l.usci,
    l.industry_code,
    i.chain_tag,
    l.level,
    l.tier,
    l.total_invest_cny,
    l.stage,
    l.contacted_date,
    l.signed_date,
    l.landed_date,
    l.production_date,
    l.lost_date,
    l.park_code,
    l.org_code,
    'park_lead' AS _source_table,
    l.lead_no AS _source_key,
    l._row_hash
FROM known.park_lead AS l
INNER JOIN named AS n ON l.lead_no = n.lead_no
INNER JOIN first_lead AS f ON n.plain_name = f.plain_name
LEFT JOIN resolved AS r ON n.plain_name = r.plain_name
LEFT JOIN core.dim_industry AS i ON l.industry_code = i.industry_code
