-- No row disappears: per batch, landed = new version + unchanged + duplicate + control + quarantined.
-- materialized: view
SELECT
    table_name,
    batch_id,
    known_at,
    status,
    landed,
    new_version,
    unchanged,
    duplicate,
    control,
    quarantined,
    deleted,
    landed = new_version + unchanged + duplicate + control + quarantined AS holds
FROM meta.batch_load
