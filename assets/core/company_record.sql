-- What each ledger says of a company, all versions: who it is (company_key), its name, industry, region and part.
-- materialized: table
-- The key is the credit code the record has today, else its source and code. A letter of intent without a code
-- takes the one key its name has elsewhere, else that of the first letter of that name; two keys are never merged.
WITH stay AS (
    SELECT
        p.enterprise_id,
        CASE WHEN NOT c.is_disputed THEN p.usci END AS usci,
        c.company_key
    FROM known.park_company AS p
    INNER JOIN core.tenant_company AS c ON p.enterprise_id = c.enterprise_id
),

told AS (
    SELECT
        'fin_org' AS source_table,
        o.org_code AS source_key,
        COALESCE(o.usci, 'org:' || o.org_code) AS company_key,
        o.usci,
        v.org_name AS company_name,
        v.industry_code,
        CAST(NULL AS VARCHAR) AS region_code,
        o.org_code AS group_org_code,
        'group' AS part,
        1 AS source_rank,
        v._known_from,
        v._known_to
    FROM known.fin_org__versions AS v
    INNER JOIN known.fin_org AS o ON v.org_code = o.org_code
    UNION ALL
    SELECT
        'park_company' AS source_table,
        v.enterprise_id AS source_key,
        s.company_key,
        s.usci,
        v.name AS company_name,
        v.industry_code,
        CAST(NULL AS VARCHAR) AS region_code,
        CAST(NULL AS VARCHAR) AS group_org_code,
        'tenant' AS part,
        2 AS source_rank,
        v._known_from,
        v._known_to
    FROM known.park_company__versions AS v
    INNER JOIN stay AS s ON v.enterprise_id = s.enterprise_id
    UNION ALL
    SELECT
        'park_lead' AS source_table,
        l.lead_no AS source_key,
        l.company_key,
        CASE WHEN strpos(l.company_key, ':') = 0 THEN l.company_key END AS usci,
        l.company_name,
        l.industry_code,
        CAST(NULL AS VARCHAR) AS region_code,
        CAST(NULL AS VARCHAR) AS group_org_code,
        'lead' AS part,
        3 AS source_rank,
        k._known_from,
        k._known_to
    FROM core.fct_lead AS l
    INNER JOIN known.park_lead__versions AS k ON l.lead_no = k.lead_no
    WHERE k._known_to IS NULL
    UNION ALL
    SELECT
        'park_activity_attendee' AS source_table,
        t._source_key AS source_key,
        t.company_key,
        CASE WHEN strpos(t.company_key, ':') = 0 THEN t.company_key END AS usci,
        t.company_name,
        CAST(NULL AS VARCHAR) AS industry_code,
        CAST(NULL AS VARCHAR) AS region_code,
        CAST(NULL AS VARCHAR) AS group_org_code,
        'attendee' AS part,
        4 AS source_rank,
        k._known_from,
        k._known_to
    FROM core.fct_activity_attendee AS t
    INNER JOIN known.park_activity_attendee__versions AS k ON t.activity_no = k.activity_no AND t.seq = k.seq
    WHERE k._known_to IS NULL
    UNION ALL
    SELECT
        'fin_counterparty' AS source_table,
        c.counterparty_code AS source_key,
        COALESCE(c.usci, 'counterparty:' || c.counterparty_code) AS company_key,
        c.usci,
        v.name AS company_name,
        v.industry_code,
        v.region_code,
        CAST(NULL AS VARCHAR) AS group_org_code,
        c.cp_type AS part,
        5 AS source_rank,
        v._known_from,
        v._known_to
    FROM known.fin_counterparty__versions AS v
    INNER JOIN known.fin_counterparty AS c ON v.counterparty_code = c.counterparty_code
    UNION ALL
    SELECT
        'con_cc_contract' AS source_table,
        c.contract_no AS source_key,
        c.customer_usci AS company_key,
        c.customer_usci AS usci,
        v.customer_name AS company_name,
        CAST(NULL AS VARCHAR) AS industry_code,
        CAST(NULL AS VARCHAR) AS region_code,
        CAST(NULL AS VARCHAR) AS group_org_code,
        'customer' AS part,
        6 AS source_rank,
        v._known_from,
        v._known_to
    FROM known.con_cc_contract__versions AS v
    INNER JOIN known.con_cc_contract AS c ON v.contract_no = c.contract_no
    WHERE c.customer_usci IS NOT NULL
    UNION ALL
    SELECT
        'con_section' AS source_table,
        s.section_code AS source_key,
        s.contractor_usci AS company_key,
        s.contractor_usci AS usci,
        CAST(NULL AS VARCHAR) AS company_name,
        CAST(NULL AS VARCHAR) AS industry_code,
        CAST(NULL AS VARCHAR) AS region_code,
        CAST(NULL AS VARCHAR) AS group_org_code,
        'supplier' AS part,
        7 AS source_rank,
        k._known_from,
        k._known_to
    FROM known.con_section AS s
    INNER JOIN known.con_section__versions AS k ON s.section_code = k.section_code
    WHERE s.contractor_usci IS NOT NULL AND k._known_to IS NULL
),

letter AS (
    SELECT
        l.loi_no,
        l.usci,
        l.company_name,
        replace(replace(replace(l.company_name, ' ', ''), '（', '('), '）', ')') AS alias,
        k._known_from,
        k._known_to
    FROM known.park_loi AS l
    INNER JOIN known.park_loi__versions AS k ON l.loi_no = k.loi_no
    WHERE k._known_to IS NULL
),

by_name AS (
    SELECT alias, min(company_key) AS company_key
    FROM (
        SELECT replace(replace(replace(company_name, ' ', ''), '（', '('), '）', ')') AS alias, company_key
        FROM told
        WHERE company_name IS NOT NULL
        UNION ALL
        SELECT alias, usci AS company_key
        FROM letter
        WHERE usci IS NOT NULL
    ) AS known_name
    GROUP BY alias
    HAVING count(DISTINCT company_key) = 1
),

first_letter AS (
    SELECT alias, min(loi_no) AS loi_no
    FROM letter
    GROUP BY alias
),

every AS (
    SELECT
        source_table, source_key, company_key, usci, company_name, industry_code, region_code, group_org_code,
        part, source_rank, _known_from, _known_to
    FROM told
    UNION ALL
    SELECT
        'park_loi' AS source_table,
        l.loi_no AS source_key,
        COALESCE(l.usci, n.company_key, 'loi:' || f.loi_no) AS company_key,
        l.usci,
        l.company_name,
        CAST(NULL AS VARCHAR) AS industry_code,
        CAST(NULL AS VARCHAR) AS region_code,
        CAST(NULL AS VARCHAR) AS group_org_code,
        'letter' AS part,
        8 AS source_rank,
        l._known_from,
        l._known_to
    FROM letter AS l
    LEFT JOIN by_name AS n ON l.alias = n.alias
    LEFT JOIN first_letter AS f ON l.alias = f.alias
)

SELECT
    e.source_table,
    e.source_key,
    e._known_from AS known_from,
    e._known_to AS known_to,
    e.company_key,
    e.usci,
    e.company_name,
    replace(replace(replace(e.company_name, ' ', ''), '（', '('), '）', ')') AS alias,
    e.industry_code,
    e.region_code,
    e.group_org_code,
    e.part,
    e.source_rank
FROM every AS e
