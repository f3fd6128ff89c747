-- Activities, one row each: those of the parks and those of investment promotion after the duplicate rule.
-- materialized: table
-- Of an activity in both lists the promotion list's row stands; the platform's is evidence (fct_activity_pair).
WITH merged AS (
    SELECT
        activity_no,
        source_system,
        activity_type,
        title,
        activity_date,
        park_code,
        company_name,
        CAST(NULL AS VARCHAR) AS lead_no,
        CAST(NULL AS VARCHAR) AS dest_city,
        company_visits,
        person_visits,
        org_code,
        'park_activity' AS _source_table,
        _row_hash
    FROM known.park_activity
    WHERE activity_no NOT IN (SELECT evidence_no FROM core.fct_activity_pair)
    UNION ALL
    SELECT
        promo_no AS activity_no,
        source_system,
        activity_type,
        title,
        activity_date,
        park_code,
        company_name,
        lead_no,
        dest_city,
        company_visits,
        person_visits,
        org_code,
        'promo_activity' AS _source_table,
        _row_hash
    FROM known.promo_activity
),

evidence AS (
    SELECT activity_no, min(evidence_no) AS evidence_no
    FROM core.fct_activity_pair
    GROUP BY activity_no
)

SELECT
    a.activity_no,
    a.source_system,
    a.activity_type,
    a.title,
    a.activity_date,
    a.park_code,
    a.company_name,
    a.lead_no,
    a.dest_city,
    a.company_visits,
    a.person_visits,
    COALESCE(
        p.managed_from <= a.activity_date AND (p.managed_to IS NULL OR a.activity_date < p.managed_to), FALSE
    ) AS is_managed,
    e.evidence_no,
    a.org_code,
    a._source_table,
    a.activity_no AS _source_key,
    a._row_hash
FROM merged AS a
LEFT JOIN known.park_park AS p ON a.park_code = p.park_code
LEFT JOIN evidence AS e ON a.activity_no = e.activity_no
