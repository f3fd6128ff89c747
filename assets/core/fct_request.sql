-- Requests of companies and feedback of citizens, one row each; the one never answers for the other.
-- materialized: view
WITH entry AS (
    SELECT
        source_system,
        request_no,
        park_code,
        enterprise_id,
        category,
        created_date,
        resolved_date,
        status,
        satisfaction,
        'park_request' AS _source_table,
        _row_hash
    FROM known.park_request
    UNION ALL
    SELECT
        source_system,
        feedback_no AS request_no,
        park_code,
        CAST(NULL AS VARCHAR) AS enterprise_id,
        category,
        created_date,
        resolved_date,
        status,
        satisfaction,
        'park_feedback' AS _source_table,
        _row_hash
    FROM known.park_feedback
)

SELECT
    e.source_system,
    e.request_no,
    e.park_code,
    p.park_kind,
    e.enterprise_id,
    e.category,
    e.created_date,
    e.resolved_date,
    e.status,
    e.satisfaction,
    p.org_code,
    e._source_table,
    e.request_no AS _source_key,
    e._row_hash
FROM entry AS e
LEFT JOIN known.park_park AS p ON e.park_code = p.park_code
