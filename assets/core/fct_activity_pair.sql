-- Activities that stand in both lists: the row of the promotion list that counts, and the platform's kept as evidence.
-- materialized: table
-- One activity: same type, day and park (or none in both), and the same company after name resolution, or the same
-- title. Titles alone pair nothing where the companies differ, since many visits bear one title: two known ones, or two
-- names of which neither holds the other without the words of its legal form.
WITH resolved AS (
    SELECT alias AS plain_name, min(company_key) AS company_key
    FROM core.company_alias
    WHERE strpos(company_key, ':') = 0 OR strpos(company_key, 'enterprise:') = 1
    GROUP BY alias
),

platform AS (
    SELECT
        a.activity_no,
        a.activity_type,
        a.activity_date,
        a.park_code,
        replace(replace(a.title, ' ', ''), '　', '') AS plain_title,
        replace(replace(replace(a.company_name, ' ', ''), '（', '('), '）', ')') AS plain_name,
        replace(
            replace(
                replace(
                    replace(replace(replace(replace(a.company_name, ' ', ''), '（', '('), '）', ')'), '公司', ''),
                    '有限', ''
                ),
                '股份', ''
            ),
            '责任', ''
        ) AS core_name,
        r.company_key
    FROM known.park_activity AS a
    LEFT JOIN resolved AS r
        ON replace(replace(replace(a.company_name, ' ', ''), '（', '('), '）', ')') = r.plain_name
),

promotion AS (
    SELECT
        a.promo_no,
        a.activity_type,
        a.activity_date,
        a.park_code,
        replace(replace(a.title, ' ', ''), '　', '') AS plain_title,
        replace(replace(replace(a.company_name, ' ', ''), '（', '('), '）', ')') AS plain_name,
        replace(
            replace(
                replace(
                    replace(replace(replace(replace(a.company_name, ' ', ''), '（', '('), '）', ')'), '公司', ''),
                    '有限', ''
                ),
                '股份', ''
            ),
            '责任', ''
        ) AS core_name,
        COALESCE(r.company_key, l.company_key) AS company_key
    FROM known.promo_activity AS a
    LEFT JOIN resolved AS r
        ON replace(replace(replace(a.company_name, ' ', ''), '（', '('), '）', ')') = r.plain_name
    LEFT JOIN core.fct_lead AS l ON a.lead_no = l.lead_no AND strpos(l.company_key, 'lead:') = 0
),

candidate AS (
    SELECT
        q.promo_no,
        p.activity_no,
        COALESCE(p.plain_name = q.plain_name, FALSE) OR COALESCE(p.company_key = q.company_key, FALSE)
            AS same_company,
        p.plain_title = q.plain_title
        AND COALESCE(
            p.company_key = q.company_key,
            strpos(p.core_name, q.core_name) > 0 OR strpos(q.core_name, p.core_name) > 0,
            TRUE
        ) AS same_title
    FROM platform AS p
    INNER JOIN promotion AS q
        ON p.activity_type = q.activity_type
        AND p.activity_date = q.activity_date
        AND COALESCE(p.park_code, '') = COALESCE(q.park_code, '')
),

ranked AS (
    SELECT
        promo_no,
        activity_no,
        same_company,
        row_number() OVER (
            PARTITION BY activity_no ORDER BY CASE WHEN same_company THEN 0 ELSE 1 END, promo_no
        ) AS nearness
    FROM candidate
    WHERE same_company OR same_title
)

SELECT
    r.promo_no AS activity_no,
    r.activity_no AS evidence_no,
    CASE WHEN r.same_company THEN 'company' ELSE 'title' END AS same_by,
    a.activity_type,
    a.activity_date,
    a.park_code,
    a.company_visits AS evidence_company_visits,
    a.person_visits AS evidence_person_visits,
    a.org_code,
    'park_activity' AS _source_table,
    a.activity_no AS _source_key,
    a._row_hash
FROM ranked AS r
INNER JOIN known.park_activity AS a ON r.activity_no = a.activity_no
WHERE r.nearness = 1
