-- Every rule on every batch: what SQL and Great Expectations counted, and the verdict.
-- materialized: view
SELECT
    known_at,
    table_name,
    batch_id,
    rule_id,
    severity,
    unit,
    evaluated,
    violations,
    expectation_violations,
    status,
    message
FROM meta.rule_result
