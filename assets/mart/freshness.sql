-- How fresh each table is: whether its source answered in the last run, and since when its rows stand still.
-- materialized: view
WITH loaded AS (
    SELECT
        table_name,
        max(known_at) AS last_loaded_at,
        max(CASE WHEN new_version > 0 OR deleted > 0 THEN known_at END) AS last_changed_at
    FROM meta.batch_load
    WHERE status = 'loaded'
    GROUP BY table_name
)

SELECT
    s.table_name,
    CASE WHEN s.state = 'failed' THEN 'stale' ELSE 'fresh' END AS state,
    l.last_loaded_at,
    l.last_changed_at,
    s.cause
FROM meta.source_state AS s
LEFT JOIN loaded AS l ON s.table_name = l.table_name
