-- Leases room by room: each version of a contract with the days its terms were in force. A draft is no lease.
-- materialized: table
-- A version ends with its term, when the tenant gives up, or when a later version starts: whichever is first.
WITH signed AS (
    SELECT * FROM known.park_lease WHERE status <> 'draft'
),

contract_version AS (
    SELECT lease_no, version, min(start_date) AS start_date
    FROM signed
    GROUP BY lease_no, version
),

superseded AS (
    SELECT
        lease_no,
        version,
        min(start_date) OVER (
            PARTITION BY lease_no ORDER BY version ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
        ) AS superseded_from,
        max(version) OVER (PARTITION BY lease_no) AS last_version
    FROM contract_version
),

dated AS (
    SELECT
        s.*,
        least(
            CAST(s.end_date + INTERVAL 1 DAY AS DATE),
            COALESCE(s.terminated_date, CAST('9999-12-31' AS DATE)),
            COALESCE(x.superseded_from, CAST('9999-12-31' AS DATE))
        ) AS ends_before,
        s.version = x.last_version AS is_latest,
        row_number() OVER (PARTITION BY s.lease_no, s.version ORDER BY s.unit_code) AS room
    FROM signed AS s
    INNER JOIN superseded AS x ON s.lease_no = x.lease_no AND s.version = x.version
)

SELECT
    d.lease_no,
    d.unit_code,
    d.version,
    d.is_latest,
    d.enterprise_id,
    u.park_code,
    p.park_kind,
    u.usage,
    d.area_m2,
    d.price,
    CAST(d.area_m2 * d.price AS DECIMAL(14, 2)) AS monthly_rent_cny,
    CASE WHEN d.room = 1 THEN d.deposit_cny END AS deposit_cny,
    d.pay_cycle,
    d.status,
    d.start_date,
    d.end_date,
    d.free_start,
    d.free_end,
    d.terminated_date,
    d.start_date AS held_from,
    greatest(d.ends_before, d.start_date) AS held_to,
    u.org_code,
    'park_lease' AS _source_table,
    d.lease_no || '|' || d.unit_code || '|' || CAST(d.version AS VARCHAR) AS _source_key,
    d._row_hash
FROM dated AS d
LEFT JOIN core.dim_unit AS u ON d.unit_code = u.unit_code
LEFT JOIN core.dim_park AS p ON u.park_code = p.park_code
