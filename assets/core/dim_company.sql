-- Companies, one row each whatever their stays and names: tenants, companies of the group, of leads and at events.
-- materialized: table
WITH stay AS (
    SELECT
        enterprise_id,
        COALESCE(usci, 'enterprise:' || enterprise_id) AS company_key,
        usci
    FROM known.park_company
),

-- Every name a company has gone by; the newest is in force, and the group's own register outranks a park's.
named AS (
    SELECT
        o.usci AS company_key,
        o.usci,
        v.org_name AS company_name,
        v.industry_code,
        o.org_code AS group_org_code,
        1 AS source_rank,
        v._known_from,
        o.org_code AS source_key
    FROM known.fin_org__versions AS v
    INNER JOIN known.fin_org AS o ON v.org_code = o.org_code
    UNION ALL
    SELECT
        s.company_key,
        s.usci,
        v.name AS company_name,
        v.industry_code,
        CAST(NULL AS VARCHAR) AS group_org_code,
        2 AS source_rank,
        v._known_from,
        v.enterprise_id AS source_key
    FROM known.park_company__versions AS v
    INNER JOIN stay AS s ON v.enterprise_id = s.enterprise_id
    UNION ALL
    SELECT
        l.company_key,
        CASE WHEN strpos(l.company_key, ':') = 0 THEN l.company_key END AS usci,
        l.company_name,
        l.industry_code,
        CAST(NULL AS VARCHAR) AS group_org_code,
        3 AS source_rank,
        k._known_from,
        l.lead_no AS source_key
    FROM core.fct_lead AS l
    INNER JOIN known.park_lead AS k ON l.lead_no = k.lead_no
    UNION ALL
    SELECT
        t.company_key,
        CASE WHEN strpos(t.company_key, ':') = 0 THEN t.company_key END AS usci,
        t.company_name,
        CAST(NULL AS VARCHAR) AS industry_code,
        CAST(NULL AS VARCHAR) AS group_org_code,
        4 AS source_rank,
        k._known_from,
        t._source_key AS source_key
    FROM core.fct_activity_attendee AS t
    INNER JOIN known.park_activity_attendee AS k ON t.activity_no = k.activity_no AND t.seq = k.seq
),

ranked AS (
    SELECT
        company_key,
        usci,
        company_name,
        industry_code,
        group_org_code,
        source_rank,
        _known_from,
        source_key,
        row_number() OVER (
            PARTITION BY company_key ORDER BY source_rank, _known_from DESC, source_key
        ) AS name_rank,
        row_number() OVER (
            PARTITION BY company_key
            ORDER BY
                CASE WHEN industry_code IS NULL THEN 1 ELSE 0 END,
                source_rank,
                _known_from DESC,
                source_key
        ) AS industry_rank
    FROM named
),

present AS (
    SELECT
        company_key,
        max(usci) AS usci,
        max(CASE WHEN name_rank = 1 THEN company_name END) AS company_name,
        max(CASE WHEN industry_rank = 1 THEN industry_code END) AS industry_code,
        max(group_org_code) AS group_org_code,
        max(CASE WHEN source_rank = 2 THEN 1 ELSE 0 END) AS stays
    FROM ranked
    GROUP BY company_key
),

former AS (
    SELECT
        r.company_key,
        r.company_name,
        row_number() OVER (
            PARTITION BY r.company_key ORDER BY r._known_from DESC, r.source_rank, r.source_key
        ) AS newest
    FROM ranked AS r
    INNER JOIN present AS p ON r.company_key = p.company_key
    WHERE r.company_name <> p.company_name
)

SELECT
    p.company_key,
    p.usci,
    p.company_name,
    f.company_name AS former_name,
    p.industry_code,
    p.stays = 1 AS is_tenant,
    p.group_org_code IS NOT NULL AS is_group_company,
    p.group_org_code
FROM present AS p
LEFT JOIN former AS f ON p.company_key = f.company_key AND f.newest = 1
