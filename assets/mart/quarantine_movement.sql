-- Decisions on rejected rows: how many each looked at, admitted and left out, and the versions that made.
-- materialized: view
SELECT
    table_name,
    seq,
    kind,
    known_at,
    rule_id,
    key_text,
    decided_by,
    reason,
    considered,
    admitted,
    kept_out,
    ended,
    made,
    considered = admitted + kept_out AS holds
FROM meta.movement
