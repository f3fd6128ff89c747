-- Codes with their labels: the enums of every ledger, and the ladders in which states of a kind of thing follow.
-- materialized: table
-- A ladder is a domain of its own (ladder.<item type>): the same word may stand on another rung elsewhere.
WITH lead_ladder AS (
    SELECT item_type, status, ladder_rank
    FROM (
        VALUES
            ('lead', 'contacted', 1),
            ('lead', 'visited', 2),
            ('lead', 'negotiating', 3),
            ('lead', 'signed', 4),
            ('lead', 'landed', 5),
            ('lead', 'production', 6)
    ) AS listed(item_type, status, ladder_rank)
),

ladder AS (
    SELECT item_type, status, CAST(ladder_rank AS INTEGER) AS ladder_rank, 'park_register.status' AS labelled_as
    FROM core.dim_status_ladder
    UNION ALL
    SELECT item_type, status, CAST(ladder_rank AS INTEGER) AS ladder_rank, 'park_lead.stage' AS labelled_as
    FROM lead_ladder
)

SELECT code_domain, code, label_zh, label_en, CAST(NULL AS INTEGER) AS ladder_rank
FROM core.ref_code
UNION ALL
SELECT
    'ladder.' || l.item_type AS code_domain,
    l.status AS code,
    COALESCE(c.label_zh, l.status) AS label_zh,
    replace(l.status, '_', ' ') AS label_en,
    l.ladder_rank
FROM ladder AS l
LEFT JOIN core.ref_code AS c ON c.code_domain = l.labelled_as AND c.code = l.status
