-- Accounts of every book as they stand at the cut-off, with the group account and the metric tag then in force.
-- materialized: table
SELECT
    h.org_code,
    h.account_code,
    h.account_name,
    h.level_no,
    h.top_account_code,
    h.account_class,
    h.balance_dir,
    h.is_leaf,
    h.aux_types,
    h.group_account_code,
    h.metric_tag,
    h.is_inferred
FROM core.dim_account_history AS h
INNER JOIN core.cut_off AS c
    ON h.valid_from <= c.cut_off_date
    AND COALESCE(h.valid_to, CAST('9999-12-31' AS DATE)) > c.cut_off_date
