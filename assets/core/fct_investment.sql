-- Monthly investment report: highest revision per project, month and component, after the project code map.
-- materialized: table
WITH reported AS (
    SELECT
        project_code,
        stat_month,
        CAST(substr(stat_month, 1, 4) || '-' || substr(stat_month, 5, 2) || '-01' AS DATE) AS month_start,
        component,
        revision,
        amount_cny,
        ytd_cny,
        since_start_cny,
        physical_pct,
        basis,
        reported_at,
        _known_from,
        _row_hash
    FROM known.con_invest_month
),

-- The column holds codes and, at times, names. The map decides first, if it held on a day of the month, then the
-- project ledger; a code (plain ASCII) without a project infers one, a name nobody has mapped stays unresolved.
resolved AS (
    SELECT
        r.*,
        COALESCE(
            x.project_code,
            CASE
                WHEN p.project_code IS NOT NULL OR NOT regexp_matches(r.project_code, '[^ -~]')
                    THEN r.project_code
            END
        ) AS resolved_code
    FROM reported AS r
    LEFT JOIN known.con_project_code_map AS x
        ON x.system = 'STAT'
        AND x.old_code = r.project_code
        AND x.valid_from <= last_day(r.month_start)
        AND COALESCE(x.valid_to, CAST('9999-12-31' AS DATE)) > r.month_start
    LEFT JOIN known.con_project AS p ON r.project_code = p.project_code
),

ranked AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY COALESCE(resolved_code, project_code), stat_month, component
            ORDER BY revision DESC, reported_at DESC, _known_from DESC, project_code
        ) AS newest
    FROM resolved
)

SELECT
    i.resolved_code AS project_code,
    i.project_code AS reported_project,
    i.stat_month,
    last_day(i.month_start) AS month_end,
    i.component,
    i.revision,
    i.amount_cny,
    i.ytd_cny,
    i.since_start_cny,
    i.physical_pct,
    i.basis,
    i.reported_at,
    o.org_code,
    'con_invest_month' AS _source_table,
    i.project_code || '|' || i.stat_month || '|' || i.component || '|' || CAST(i.revision AS VARCHAR) AS _source_key,
    i._row_hash
FROM ranked AS i
LEFT JOIN known.con_project AS o ON i.resolved_code = o.project_code
WHERE i.newest = 1
