-- Letters of intent, one row each, with the park its free text names: by name, else alias, else former name.
-- materialized: view
-- A text that fits no park, or two parks equally well, leaves park_code empty and keeps the text: never a guess.
WITH park_words AS (
    SELECT park_code, 1 AS word_rank, ',' || replace(park_name, ' ', '') || ',' AS words
    FROM known.park_park
    UNION ALL
    SELECT park_code, 2 AS word_rank, ',' || replace(replace(aliases, '，', ','), ' ', '') || ',' AS words
    FROM known.park_park
    WHERE aliases IS NOT NULL
    UNION ALL
    SELECT v.park_code, 3 AS word_rank, ',' || replace(v.park_name, ' ', '') || ',' AS words
    FROM known.park_park__versions AS v
    INNER JOIN known.park_park AS p ON v.park_code = p.park_code
),

candidate AS (
    SELECT
        l.loi_no,
        w.park_code,
        rank() OVER (PARTITION BY l.loi_no ORDER BY w.word_rank) AS nearness
    FROM known.park_loi AS l
    INNER JOIN park_words AS w ON strpos(w.words, ',' || replace(l.park_name, ' ', '') || ',') > 0
),

named_park AS (
    SELECT loi_no, min(park_code) AS park_code
    FROM candidate
    WHERE nearness = 1
    GROUP BY loi_no
    HAVING count(DISTINCT park_code) = 1
)

SELECT
    l.loi_no,
    n.park_code,
    l.park_name,
    l.company_name,
    l.signed_date,
    l.converted_date,
    l.withdrawn_date,
    l.area_m2,
    l.org_code,
    'park_loi' AS _source_table,
    l.loi_no AS _source_key,
    l._row_hash
FROM known.park_loi AS l
LEFT JOIN named_park AS n ON l.loi_no = n.loi_no
