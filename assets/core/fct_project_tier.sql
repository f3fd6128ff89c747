-- Who answers for a project: owner, consultant and contractor, one row a tier, without a company where none is named.
-- materialized: table
WITH built AS (
    SELECT
        project_code,
        count(*) AS contracts,
        count(DISTINCT contractor_usci) AS companies,
        min(contractor_usci) AS contractor_usci,
        sum(CASE WHEN contractor_usci IS NULL THEN 1 ELSE 0 END) AS without_company
    FROM core.dim_section
    WHERE contract_nature = 'construction'
    GROUP BY project_code
),

held AS (
    SELECT
        p.project_code,
        'owner' AS tier,
        p.owner_usci AS company_usci,
        CASE WHEN p.owner_usci IS NULL THEN 0 ELSE 1 END AS companies
    FROM core.dim_project AS p
    UNION ALL
    SELECT
        p.project_code,
        'consultant' AS tier,
        p.consultant_usci AS company_usci,
        CASE WHEN p.consultant_usci IS NULL THEN 0 ELSE 1 END AS companies
    FROM core.dim_project AS p
    UNION ALL
    SELECT
        p.project_code,
        'contractor' AS tier,
        CASE WHEN b.without_company = 0 THEN b.contractor_usci END AS company_usci,
        COALESCE(b.companies, 0) AS companies
    FROM core.dim_project AS p
    LEFT JOIN built AS b ON p.project_code = b.project_code
)

SELECT
    h.project_code,
    h.tier,
    h.company_usci,
    h.companies,
    l.commencement_date,
    l.acceptance_date,
    l.org_code,
    CASE WHEN h.tier = 'contractor' THEN 'con_section' ELSE 'con_project' END AS _source_table,
    h.project_code || '|' || h.tier AS _source_key,
    md5(h.project_code || '|' || h.tier || '|' || COALESCE(h.company_usci, '-') || '|' || l._row_hash) AS _row_hash
FROM held AS h
INNER JOIN core.fct_project_life AS l ON h.project_code = l.project_code
