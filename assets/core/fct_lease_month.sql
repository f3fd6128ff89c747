-- Every room at every month end: area let, contract rent, and the month's rent revenue on the straight line.
-- materialized: table
-- Revenue (CAS 21): the rent of the whole term without tax, rent-free days included, spread evenly over the term;
-- where a version ends before its term, its last month takes up the difference to what was owed by then.
-- Time is counted in ticks, 377,580 a month, which 28, 29, 30 and 31 divide; a room's rent of a month in 1/10,000
-- CNY, sums in fen: whole numbers all, none of them negative, so that every engine divides them alike.
WITH reach AS (
    SELECT min(q.period_start) AS first_day, max(last_day(c.cut_off_date)) AS final_day
    FROM core.dim_quarter AS q
    CROSS JOIN core.cut_off AS c
),

months AS (
    SELECT
        d.calendar_date AS month_end,
        CAST(d.calendar_date + INTERVAL 1 DAY AS DATE) AS next_month,
        lag(CAST(d.calendar_date + INTERVAL 1 DAY AS DATE)) OVER (ORDER BY d.calendar_date) AS month_start,
        d.calendar_date >= r.first_day AS is_shown
    FROM core.dim_date AS d
    CROSS JOIN reach AS r
    WHERE d.is_month_end AND d.calendar_date <= r.final_day
),

rent_tax AS (
    SELECT park_code, CAST(max(CAST(tax_rate * 10000 AS DECIMAL(9, 2))) AS BIGINT) AS tax_bp
    FROM known.park_bill
    WHERE fee_type = 'rent'
    GROUP BY park_code
),

day_ticks(days, ticks) AS (
    VALUES (28, 13485), (29, 13020), (30, 12586), (31, 12180)
),

held AS (
    SELECT
        l.*,
        CAST(CAST(CAST(l.area_m2 * l.price AS DECIMAL(18, 4)) * 10000 AS DECIMAL(22, 0)) AS BIGINT) AS rate,
        t.tax_bp,
        CAST(l.end_date + INTERVAL 1 DAY AS DATE) AS term_to,
        COALESCE(l.free_start, l.start_date) AS free_from,
        CASE
            WHEN l.free_start IS NULL OR l.free_end IS NULL THEN l.start_date
            ELSE CAST(l.free_end + INTERVAL 1 DAY AS DATE)
        END AS free_to
    FROM core.fct_lease AS l
    LEFT JOIN rent_tax AS t ON l.park_code = t.park_code
    WHERE l.held_from < l.held_to
),

lease_month AS (
    SELECT
        h.lease_no,
        h.version,
        h.unit_code,
        h.area_m2,
        h.monthly_rent_cny,
        h.rate,
        h.tax_bp,
        h._row_hash,
        m.month_end,
        h.held_to > m.month_end AS is_held_at_end,
        h.held_to <= m.next_month AS is_last_month,
        h.start_date,
        h.term_to,
        h.free_from,
        h.free_to,
        greatest(m.month_start, h.start_date) AS run_from,
        least(m.next_month, h.held_to) AS run_to
    FROM held AS h
    INNER JOIN months AS m ON h.held_from <= m.month_end AND h.held_to > m.month_start
    WHERE m.is_shown
),

-- Where each day stands on the line of ticks.
placed AS (
    SELECT
        x.*,
        CAST((CAST(year(x.start_date) * 12 AS BIGINT) + month(x.start_date)) * 377580 AS BIGINT)
            + CAST((day(x.start_date) - 1) * a.ticks AS BIGINT) AS start_at,
        CAST((CAST(year(x.term_to) * 12 AS BIGINT) + month(x.term_to)) * 377580 AS BIGINT)
            + CAST((day(x.term_to) - 1) * b.ticks AS BIGINT) AS term_at,
        CAST((CAST(year(x.free_from) * 12 AS BIGINT) + month(x.free_from)) * 377580 AS BIGINT)
            + CAST((day(x.free_from) - 1) * c.ticks AS BIGINT) AS free_at,
        CAST((CAST(year(x.free_to) * 12 AS BIGINT) + month(x.free_to)) * 377580 AS BIGINT)
            + CAST((day(x.free_to) - 1) * d.ticks AS BIGINT) AS free_over_at,
        CAST((CAST(year(x.run_from) * 12 AS BIGINT) + month(x.run_from)) * 377580 AS BIGINT)
            + CAST((day(x.run_from) - 1) * e.ticks AS BIGINT) AS run_at,
        CAST((CAST(year(x.run_to) * 12 AS BIGINT) + month(x.run_to)) * 377580 AS BIGINT)
            + CAST((day(x.run_to) - 1) * f.ticks AS BIGINT) AS run_over_at
    FROM lease_month AS x
    INNER JOIN day_ticks AS a ON a.days = day(last_day(x.start_date))
    INNER JOIN day_ticks AS b ON b.days = day(last_day(x.term_to))
    INNER JOIN day_ticks AS c ON c.days = day(last_day(x.free_from))
    INNER JOIN day_ticks AS d ON d.days = day(last_day(x.free_to))
    INNER JOIN day_ticks AS e ON e.days = day(last_day(x.run_from))
    INNER JOIN day_ticks AS f ON f.days = day(last_day(x.run_to))
),

-- Fen a room owes with tax: for the whole term, and by the end of the run of this month.
owed AS (
    SELECT
        p.*,
        term_at - start_at - greatest(0, least(term_at, free_over_at) - free_at) AS term_paid,
        run_over_at - start_at - greatest(0, least(run_over_at, free_over_at) - free_at) AS run_paid
    FROM placed AS p
),

with_tax AS (
    SELECT
        o.*,
        CAST(CAST(CAST(rate * 2 AS BIGINT) * term_paid AS BIGINT) + 37758000 AS BIGINT)
            // CAST(75516000 AS BIGINT) AS term_fen,
        CAST(CAST(CAST(rate * 2 AS BIGINT) * run_paid AS BIGINT) + 37758000 AS BIGINT)
            // CAST(75516000 AS BIGINT) AS run_fen
    FROM owed AS o
),

without_tax AS (
    SELECT
        w.*,
        CAST(CAST(term_fen * 20000 AS BIGINT) + 10000 + tax_bp AS BIGINT)
            // CAST(20000 + CAST(tax_bp * 2 AS BIGINT) AS BIGINT) AS term_net,
        CAST(CAST(run_fen * 20000 AS BIGINT) + 10000 + tax_bp AS BIGINT)
            // CAST(20000 + CAST(tax_bp * 2 AS BIGINT) AS BIGINT) AS run_net
    FROM with_tax AS w
),

recognised AS (
    SELECT
        n.*,
        CAST(CAST(CAST(term_net * 2 AS BIGINT) * (run_at - start_at) AS BIGINT) + term_at - start_at AS BIGINT)
            // CAST(CAST((term_at - start_at) * 2 AS BIGINT) AS BIGINT) AS fen_before,
        CASE
            WHEN is_last_month THEN run_net
            ELSE
                CAST(CAST(CAST(term_net * 2 AS BIGINT) * (run_over_at - start_at) AS BIGINT)
                    + term_at - start_at AS BIGINT)
                // CAST(CAST((term_at - start_at) * 2 AS BIGINT) AS BIGINT)
        END AS fen_after
    FROM without_tax AS n
),

-- A room that only leases name stands in no list of rooms: it rests on the first of them.
named AS (
    SELECT unit_code, min(lease_no || '|' || unit_code || '|' || CAST(version AS VARCHAR)) AS first_lease
    FROM known.park_lease
    GROUP BY unit_code
),

let AS (
    SELECT
        unit_code,
        month_end,
        sum(CASE WHEN is_held_at_end THEN 1 ELSE 0 END) AS leases,
        sum(CASE WHEN is_held_at_end THEN area_m2 ELSE 0 END) AS leased_m2,
        sum(CASE WHEN is_held_at_end THEN monthly_rent_cny ELSE 0 END) AS contract_rent_cny,
        sum(fen_after - fen_before) AS net_fen,
        min(_row_hash) AS least_hash,
        max(_row_hash) AS greatest_hash
    FROM recognised
    GROUP BY unit_code, month_end
)

SELECT
    u.unit_code,
    m.month_end,
    m.next_month AS next_month_start,
    u.park_code,
    p.park_kind,
    COALESCE(p.open_date <= m.month_end, FALSE) AS is_open,
    u.usage,
    CASE WHEN u.rentable THEN u.area_m2 ELSE CAST(0 AS DECIMAL(10, 2)) END AS rentable_m2,
    CAST(COALESCE(l.leases, 0) AS INTEGER) AS leases,
    CAST(COALESCE(l.leased_m2, 0) AS DECIMAL(12, 2)) AS leased_m2,
    CAST(COALESCE(l.contract_rent_cny, 0) AS DECIMAL(14, 2)) AS contract_rent_cny,
    CASE
        WHEN l.unit_code IS NULL THEN CAST(0 AS DECIMAL(14, 2))
        ELSE CAST(CAST(l.net_fen AS DECIMAL(16, 0)) * CAST('0.01' AS DECIMAL(3, 2)) AS DECIMAL(14, 2))
    END AS straight_line_rent_cny,
    u.org_code,
    CASE WHEN k.unit_code IS NULL THEN 'park_lease' ELSE 'park_unit' END AS _source_table,
    COALESCE(k.unit_code, n.first_lease) AS _source_key,
    md5(
        COALESCE(k._row_hash, u.unit_code) || '|' || COALESCE(l.least_hash, '-') || '|'
        || COALESCE(l.greatest_hash, '-') || '|' || CAST(m.month_end AS VARCHAR) || '|'
        || CAST(COALESCE(l.net_fen, 0) AS VARCHAR)
    ) AS _row_hash
FROM core.dim_unit_history AS u
INNER JOIN months AS m
    ON u.valid_from <= m.month_end
    AND COALESCE(u.valid_to, CAST('9999-12-31' AS DATE)) > m.month_end
LEFT JOIN known.park_unit AS k ON u.unit_code = k.unit_code
LEFT JOIN named AS n ON u.unit_code = n.unit_code
LEFT JOIN core.dim_park AS p ON u.park_code = p.park_code
LEFT JOIN let AS l ON u.unit_code = l.unit_code AND m.month_end = l.month_end
WHERE m.is_shown
