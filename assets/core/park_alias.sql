-- Names that stand for a park: its name, its listed aliases and the names it has had; blanks left out.
-- materialized: table
-- A name that fits two parks at the same rank stands for none; a nearer rank (name, alias, former name) decides.
WITH digit AS (
    SELECT n
    FROM (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS listed(n)
),

place AS (
    SELECT CAST(h.n * 100 AS INTEGER) + CAST(t.n * 10 AS INTEGER) + o.n + 1 AS at_char
    FROM digit AS h
    CROSS JOIN digit AS t
    CROSS JOIN digit AS o
    WHERE h.n < 3
),

listed AS (
    SELECT park_code, ',' || replace(replace(aliases, '，', ','), ' ', '') AS words
    FROM known.park_park
    WHERE aliases IS NOT NULL
),

named AS (
    SELECT replace(park_name, ' ', '') AS alias, park_code, 1 AS alias_rank, 'name' AS alias_kind
    FROM known.park_park
    UNION ALL
    SELECT
        substr(l.words, p.at_char + 1, strpos(substr(l.words || ',', p.at_char + 1), ',') - 1) AS alias,
        l.park_code,
        2 AS alias_rank,
        'alias' AS alias_kind
    FROM listed AS l
    INNER JOIN place AS p ON substr(l.words, p.at_char, 1) = ','
    UNION ALL
    SELECT replace(v.park_name, ' ', '') AS alias, v.park_code, 3 AS alias_rank, 'former name' AS alias_kind
    FROM known.park_park__versions AS v
    INNER JOIN known.park_park AS k ON v.park_code = k.park_code
),

nearest AS (
    SELECT alias, min(alias_rank) AS alias_rank
    FROM named
    WHERE alias <> ''
    GROUP BY alias
)

SELECT
    a.alias,
    min(a.park_code) AS park_code,
    min(a.alias_kind) AS alias_kind
FROM named AS a
INNER JOIN nearest AS n ON a.alias = n.alias AND a.alias_rank = n.alias_rank
GROUP BY a.alias
HAVING count(DISTINCT a.park_code) = 1
