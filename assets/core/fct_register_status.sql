-- States of the register's items by the day each was reached: the present one, and those earlier workbooks told.
-- materialized: table
-- A workbook shows the present state only, so earlier ones are the versions that were staged. What a later
-- workbook corrects is no state: one dated on or after a later workbook's, or the same state with another day.
-- A state holds from the day the row gives for filing, issue or passing, whatever day it was entered under; those days
-- tell of states before the first one staged too.
WITH version AS (
    SELECT
        item_no,
        status,
        COALESCE(
            CASE
                WHEN status = 'filed' THEN filed_date
                WHEN status = 'passed' THEN passed_date
                WHEN status = 'completed' AND item_type = 'policy' THEN issued_date
            END,
            status_date
        ) AS status_date,
        filed_date,
        passed_date,
        snapshot_date,
        _known_from,
        _row_hash
    FROM known.park_register__versions
),

told AS (
    SELECT
        v.item_no,
        v.status,
        v.status_date,
        v.filed_date,
        v.passed_date,
        v._row_hash,
        min(v.status_date) OVER (
            PARTITION BY v.item_no
            ORDER BY v._known_from, v.snapshot_date
            ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
        ) AS told_later
    FROM version AS v
    INNER JOIN known.park_register AS r ON v.item_no = r.item_no
),

standing AS (
    SELECT
        item_no,
        status,
        status_date,
        filed_date,
        passed_date,
        _row_hash,
        lead(status) OVER (PARTITION BY item_no ORDER BY status_date) AS then_status
    FROM told
    WHERE told_later IS NULL OR status_date < told_later
),

staged_state AS (
    SELECT item_no, status, status_date, filed_date, passed_date, _row_hash
    FROM standing
    WHERE then_status IS NULL OR then_status <> status
),

first_state AS (
    SELECT item_no, min(status_date) AS status_date
    FROM staged_state
    GROUP BY item_no
),

dated AS (
    SELECT item_no, item_type, 'filed' AS status, filed_date AS status_date, filed_date, passed_date, _row_hash
    FROM known.park_register
    UNION ALL
    SELECT item_no, item_type, 'passed' AS status, passed_date AS status_date, filed_date, passed_date, _row_hash
    FROM known.park_register
    UNION ALL
    SELECT item_no, item_type, 'completed' AS status, issued_date AS status_date, filed_date, passed_date, _row_hash
    FROM known.park_register
    WHERE item_type = 'policy'
),

state AS (
    SELECT item_no, status, status_date, filed_date, passed_date, _row_hash FROM staged_state
    UNION ALL
    SELECT d.item_no, d.status, d.status_date, d.filed_date, d.passed_date, d._row_hash
    FROM dated AS d
    INNER JOIN core.dim_status_ladder AS l ON d.item_type = l.item_type AND d.status = l.status
    INNER JOIN first_state AS f ON d.item_no = f.item_no AND d.status_date < f.status_date
),

span AS (
    SELECT
        item_no,
        status,
        status_date,
        filed_date,
        passed_date,
        _row_hash,
        lead(status_date) OVER (PARTITION BY item_no ORDER BY status_date) AS next_status_date
    FROM state
)

SELECT
    s.item_no,
    s.status_date,
    r.item_type,
    r.name AS item_name,
    u.name AS parent_name,
    r.park_code,
    r.topic,
    r.level,
    s.status,
    l.ladder_rank,
    s.next_status_date,
    s.next_status_date IS NULL AS is_current,
    s.filed_date,
    r.issued_date,
    r.due_from,
    r.due_to,
    s.passed_date,
    r.org_code,
    'park_register' AS _source_table,
    s.item_no AS _source_key,
    s._row_hash
FROM span AS s
INNER JOIN known.park_register AS r ON s.item_no = r.item_no
LEFT JOIN known.park_register AS u ON r.parent_item_no = u.item_no
LEFT JOIN core.dim_status_ladder AS l ON r.item_type = l.item_type AND s.status = l.status
