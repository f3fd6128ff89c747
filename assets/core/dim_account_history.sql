-- Accounts by business date: group account and metric tag by the account map, the rest by the day learnt.
-- materialized: table
WITH posted_to AS (
    SELECT DISTINCT v.org_code, l.account_code
    FROM known.fin_voucher_line AS l
    INNER JOIN known.fin_voucher AS v ON l.pk_voucher = v.pk_voucher
),

member AS (
    SELECT org_code, account_code, FALSE AS is_inferred FROM known.fin_account
    UNION ALL
    SELECT p.org_code, p.account_code, TRUE AS is_inferred
    FROM posted_to AS p
    LEFT JOIN known.fin_account AS a ON p.org_code = a.org_code AND p.account_code = a.account_code
    WHERE a.account_code IS NULL
),

map_row AS (
    SELECT
        org_code,
        account_code,
        group_account_code,
        metric_tag,
        valid_from,
        valid_to,
        lead(valid_from) OVER (PARTITION BY org_code, account_code ORDER BY valid_from) AS next_from
    FROM known.fin_account_map
),

-- A row ends where the next begins even if its own end was left open or set later: one account, one tag a day.
map_span AS (
    SELECT
        org_code,
        account_code,
        group_account_code,
        metric_tag,
        valid_from AS from_date,
        CASE
            WHEN valid_to IS NULL OR next_from < valid_to THEN next_from
            ELSE valid_to
        END AS to_date
    FROM map_row
),

version AS (
    SELECT
        v.org_code,
        v.account_code,
        v.is_leaf,
        v.aux_types,
        v._known_from,
        least(CAST(v._known_from + INTERVAL 8 HOUR AS DATE), c.cut_off_date) AS known_date
    FROM known.fin_account__versions AS v
    CROSS JOIN core.cut_off AS c
),

event_day AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY org_code, account_code, known_date ORDER BY _known_from DESC) AS newest
    FROM version
),

event_change AS (
    SELECT
        org_code,
        account_code,
        is_leaf,
        aux_types,
        known_date,
        row_number() OVER (PARTITION BY org_code, account_code ORDER BY known_date) AS nth,
        lag(is_leaf) OVER (PARTITION BY org_code, account_code ORDER BY known_date) AS old_is_leaf,
        lag(aux_types) OVER (PARTITION BY org_code, account_code ORDER BY known_date) AS old_aux_types
    FROM event_day
    WHERE newest = 1
),

event_span AS (
    SELECT
        org_code,
        account_code,
        is_leaf,
        aux_types,
        CASE WHEN nth = 1 THEN CAST('0001-01-01' AS DATE) ELSE known_date END AS from_date,
        lead(known_date) OVER (PARTITION BY org_code, account_code ORDER BY known_date) AS to_date
    FROM event_change
    WHERE
        nth = 1
        OR is_leaf IS DISTINCT FROM old_is_leaf
        OR aux_types IS DISTINCT FROM old_aux_types
),

point AS (
    SELECT org_code, account_code, CAST('0001-01-01' AS DATE) AS valid_from FROM member
    UNION
    SELECT org_code, account_code, from_date AS valid_from FROM map_span
    UNION
    SELECT org_code, account_code, to_date AS valid_from FROM map_span WHERE to_date IS NOT NULL
    UNION
    SELECT org_code, account_code, from_date AS valid_from FROM event_span
),

span AS (
    SELECT
        org_code,
        account_code,
        valid_from,
        lead(valid_from) OVER (PARTITION BY org_code, account_code ORDER BY valid_from) AS valid_to
    FROM point
)

SELECT
    m.org_code,
    m.account_code,
    COALESCE(a.account_name, m.account_code) AS account_name,
    a.level_no,
    substr(m.account_code, 1, 4) AS top_account_code,
    a.account_class,
    a.balance_dir,
    e.is_leaf,
    e.aux_types,
    g.group_account_code,
    g.metric_tag,
    m.is_inferred,
    s.valid_from,
    s.valid_to
FROM member AS m
INNER JOIN span AS s ON m.org_code = s.org_code AND m.account_code = s.account_code
LEFT JOIN known.fin_account AS a ON m.org_code = a.org_code AND m.account_code = a.account_code
LEFT JOIN map_span AS g
    ON m.org_code = g.org_code
    AND m.account_code = g.account_code
    AND g.from_date <= s.valid_from
    AND COALESCE(g.to_date, CAST('9999-12-31' AS DATE)) > s.valid_from
LEFT JOIN event_span AS e
    ON m.org_code = e.org_code
    AND m.account_code = e.account_code
    AND e.from_date <= s.valid_from
    AND COALESCE(e.to_date, CAST('9999-12-31' AS DATE)) > s.valid_from
