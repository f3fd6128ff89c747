-- Reports owed and received: which unit owes which month of a fact, and whether it is known at the cut-off.
-- materialized: table
-- A unit owes a month once the month has ended. A month is reported when a row of it is known (a nil return is a
-- row), when the book is closed, or when the list or platform was heard from on or after the month's last day. An
-- empty safety workbook leaves no row, so it reads as not sent: the flag asks, a person answers.
WITH months AS (
    SELECT
        d.stat_month,
        d.calendar_date AS month_end,
        CAST(substr(d.stat_month, 1, 4) || '-' || substr(d.stat_month, 5, 2) || '-01' AS DATE) AS month_start
    FROM core.dim_date AS d
    CROSS JOIN core.cut_off AS c
    WHERE d.is_month_end AND d.calendar_date <= c.cut_off_date AND d.calendar_date >= CAST('2023-01-01' AS DATE)
),

-- A project in the statistics register owes every month from the one after its start until its acceptance, stopped
-- or not; January is exempt, its amounts stand in February.
investment_owed AS (
    SELECT p.project_code, p.org_code, m.stat_month, m.month_end
    FROM months AS m
    INNER JOIN core.fct_project_life AS l
        ON l.commencement_date < m.month_start
        AND (l.acceptance_date IS NULL OR l.acceptance_date > m.month_end)
    INNER JOIN core.dim_project_history AS p
        ON l.project_code = p.project_code
        AND p.valid_from <= m.month_end
        AND (p.valid_to IS NULL OR p.valid_to > m.month_end)
    WHERE
        substr(m.stat_month, 5, 2) <> '01'
        AND m.stat_month >= (SELECT min(stat_month) FROM core.fct_investment)
        AND NOT p.is_deleted
        AND p.in_statistics = 'Y'
        AND p.owner_org_code IS NOT NULL
        AND p.construction_status <> 'cancelled'
        AND (p.project_type = 'housing' OR p.planned_total_cny >= 5000000)
),

investment AS (
    SELECT
        'fct_investment' AS fact,
        'project' AS unit_kind,
        o.project_code AS unit_code,
        o.org_code,
        o.project_code,
        CAST(NULL AS VARCHAR) AS park_code,
        o.stat_month,
        o.month_end,
        r.last_report IS NOT NULL AS reported,
        r.last_report
    FROM investment_owed AS o
    LEFT JOIN (
        SELECT project_code, stat_month, max(reported_at) AS last_report
        FROM core.fct_investment
        GROUP BY project_code, stat_month
    ) AS r ON o.project_code = r.project_code AND o.stat_month = r.stat_month
),

-- A section owes its weekly report from the month after its start until it is completed; a month is reported when the
-- last report before its end is no older than two weeks.
section_owed AS (
    SELECT s.section_code, s.project_code, s.org_code, m.stat_month, m.month_end
    FROM months AS m
    INNER JOIN core.dim_section AS s ON s.start_date < m.month_start
    INNER JOIN core.dim_project AS p ON s.project_code = p.project_code
    LEFT JOIN core.fct_milestone AS c
        ON s.section_code = c.section_code
        AND c.milestone_code = 'completion'
    WHERE
        s.contract_nature = 'construction'
        AND NOT p.is_deleted
        AND (c.date_met IS NULL OR c.date_met > m.month_end)
        AND m.month_end >= (SELECT min(report_date) FROM core.fct_section_progress)
),

sections AS (
    SELECT
        'fct_section_progress' AS fact,
        'section' AS unit_kind,
        o.section_code AS unit_code,
        o.org_code,
        o.project_code,
        CAST(NULL AS VARCHAR) AS park_code,
        o.stat_month,
        o.month_end,
        COALESCE(max(r.report_date) >= o.month_end - INTERVAL 14 DAY, FALSE) AS reported,
        max(r.report_date) AS last_report
    FROM section_owed AS o
    LEFT JOIN core.fct_section_progress AS r ON o.section_code = r.section_code AND r.report_date <= o.month_end
    GROUP BY o.section_code, o.org_code, o.project_code, o.stat_month, o.month_end
),

book_state AS (
    SELECT
        org_code,
        fiscal_year || period_no AS stat_month,
        close_status,
        CAST(changed_at AS DATE) AS changed_date,
        row_number() OVER (PARTITION BY org_code, fiscal_year, period_no ORDER BY state_seq DESC) AS newest
    FROM known.fin_period
),

books AS (
    SELECT
        f.fact,
        'book' AS unit_kind,
        o.org_code AS unit_code,
        o.org_code,
        CAST(NULL AS VARCHAR) AS project_code,
        CAST(NULL AS VARCHAR) AS park_code,
        m.stat_month,
        m.month_end,
        COALESCE(s.close_status = 'closed', FALSE) AS reported,
        s.changed_date AS last_report
    FROM months AS m
    CROSS JOIN (VALUES ('fct_gl_line'), ('fct_gl_balance'), ('fct_cash')) AS f(fact)
    CROSS JOIN core.dim_org AS o
    LEFT JOIN book_state AS s ON o.org_code = s.org_code AND m.stat_month = s.stat_month AND s.newest = 1
    WHERE NOT o.is_inferred
),

plants AS (
    SELECT plant_code, org_code, min(delivered_date) AS first_date
    FROM core.fct_concrete_delivery
    GROUP BY plant_code, org_code
),

deliveries AS (
    SELECT
        'fct_concrete_delivery' AS fact,
        'plant' AS unit_kind,
        p.plant_code AS unit_code,
        p.org_code,
        CAST(NULL AS VARCHAR) AS project_code,
        CAST(NULL AS VARCHAR) AS park_code,
        m.stat_month,
        m.month_end,
        r.last_report IS NOT NULL AS reported,
        r.last_report
    FROM months AS m
    INNER JOIN plants AS p ON p.first_date <= m.month_end
    LEFT JOIN (
        SELECT t.plant_code, d.stat_month, max(t.delivered_date) AS last_report
        FROM core.fct_concrete_delivery AS t
        INNER JOIN core.dim_date AS d ON t.delivered_date = d.calendar_date
        GROUP BY t.plant_code, d.stat_month
    ) AS r ON p.plant_code = r.plant_code AND m.stat_month = r.stat_month
),

safety_books AS (
    SELECT file_period, max(activity_date) AS last_report
    FROM known.con_safety_activity
    GROUP BY file_period
),

safety AS (
    SELECT
        'fct_safety_activity' AS fact,
        'workbook' AS unit_kind,
        '安全管理台账' AS unit_code,
        CAST(NULL AS VARCHAR) AS org_code,
        CAST(NULL AS VARCHAR) AS project_code,
        CAST(NULL AS VARCHAR) AS park_code,
        m.stat_month,
        m.month_end,
        b.file_period IS NOT NULL AS reported,
        b.last_report
    FROM months AS m
    LEFT JOIN safety_books AS b ON m.stat_month = b.file_period
    WHERE m.stat_month >= (SELECT min(file_period) FROM known.con_safety_activity)
),

promotion_books AS (
    SELECT file_period, max(activity_date) AS last_report
    FROM known.promo_activity
    GROUP BY file_period
),

-- Trips stand in the promotion workbook alone; visits and salons may be in it, so the activities owe it too.
promotion AS (
    SELECT
        f.fact,
        'workbook' AS unit_kind,
        '招商活动' AS unit_code,
        CAST(NULL AS VARCHAR) AS org_code,
        CAST(NULL AS VARCHAR) AS project_code,
        CAST(NULL AS VARCHAR) AS park_code,
        m.stat_month,
        m.month_end,
        b.file_period IS NOT NULL AS reported,
        b.last_report
    FROM months AS m
    CROSS JOIN (VALUES ('fct_activity'), ('fct_activity_city')) AS f(fact)
    LEFT JOIN promotion_books AS b ON m.stat_month = b.file_period
    WHERE m.stat_month >= (SELECT min(file_period) FROM known.promo_activity)
),

whole_lists AS (
    SELECT 'fct_loi' AS fact, 'workbook' AS unit_kind, '招商台账' AS unit_code, max(snapshot_date) AS last_report
    FROM known.park_loi
    UNION ALL
    SELECT 'fct_lead' AS fact, 'workbook' AS unit_kind, '招商台账' AS unit_code, max(snapshot_date) AS last_report
    FROM known.park_lead
    UNION ALL
    SELECT 'fct_work' AS fact, 'workbook' AS unit_kind, '园区改造台账' AS unit_code, max(snapshot_date) AS last_report
    FROM known.park_work
    UNION ALL
    SELECT
        'fct_register_status' AS fact,
        'workbook' AS unit_kind,
        '事项登记' AS unit_code,
        max(snapshot_date) AS last_report
    FROM known.park_register
    UNION ALL
    SELECT
        'fct_municipal_task' AS fact,
        'workbook' AS unit_kind,
        '市政前期台账' AS unit_code,
        max(snapshot_date) AS last_report
    FROM known.con_municipal_task
),

platform_word AS (
    SELECT max(_known_from) AS word FROM known.park_company__versions
    UNION ALL
    SELECT max(_known_from) AS word FROM known.park_hazard__versions
    UNION ALL
    SELECT max(_known_from) AS word FROM known.park_activity__versions
    UNION ALL
    SELECT max(_known_from) AS word FROM known.park_unit__versions
    UNION ALL
    SELECT max(_known_from) AS word FROM known.park_lease__versions
    UNION ALL
    SELECT max(_known_from) AS word FROM known.park_bill__versions
    UNION ALL
    SELECT max(_known_from) AS word FROM known.park_activity_attendee__versions
    UNION ALL
    SELECT max(_known_from) AS word FROM known.park_request__versions
    UNION ALL
    SELECT max(_known_from) AS word FROM known.park_feedback__versions
),

platform_facts(fact) AS (
    VALUES
        ('fct_tenant_stay'), ('fct_hazard'), ('fct_activity'), ('fct_lease'), ('fct_lease_month'), ('fct_bill'),
        ('fct_activity_attendee'), ('fct_request')
),

platform AS (
    SELECT
        f.fact,
        'platform' AS unit_kind,
        '智慧园区管理平台' AS unit_code,
        (SELECT CAST(max(word) + INTERVAL 8 HOUR AS DATE) FROM platform_word) AS last_report
    FROM platform_facts AS f
),

heard_from AS (
    SELECT
        h.fact,
        h.unit_kind,
        h.unit_code,
        CAST(NULL AS VARCHAR) AS org_code,
        CAST(NULL AS VARCHAR) AS project_code,
        CAST(NULL AS VARCHAR) AS park_code,
        m.stat_month,
        m.month_end,
        COALESCE(h.last_report >= m.month_end, FALSE) AS reported,
        h.last_report
    FROM months AS m
    CROSS JOIN (
        SELECT fact, unit_kind, unit_code, last_report FROM whole_lists
        UNION ALL
        SELECT fact, unit_kind, unit_code, last_report FROM platform
    ) AS h
)

SELECT fact, unit_kind, unit_code, stat_month, month_end, org_code, project_code, park_code, reported, last_report
FROM investment
UNION ALL
SELECT fact, unit_kind, unit_code, stat_month, month_end, org_code, project_code, park_code, reported, last_report
FROM sections
UNION ALL
SELECT fact, unit_kind, unit_code, stat_month, month_end, org_code, project_code, park_code, reported, last_report
FROM books
UNION ALL
SELECT fact, unit_kind, unit_code, stat_month, month_end, org_code, project_code, park_code, reported, last_report
FROM deliveries
UNION ALL
SELECT fact, unit_kind, unit_code, stat_month, month_end, org_code, project_code, park_code, reported, last_report
FROM safety
UNION ALL
SELECT fact, unit_kind, unit_code, stat_month, month_end, org_code, project_code, park_code, reported, last_report
FROM promotion
UNION ALL
SELECT fact, unit_kind, unit_code, stat_month, month_end, org_code, project_code, park_code, reported, last_report
FROM heard_from
