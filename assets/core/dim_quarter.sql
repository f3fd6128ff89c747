-- Windows a figure can speak for: each quarter from 2023Q1 to the one holding the cut-off, alone and to date.
-- materialized: table
WITH tens(ten) AS (
    VALUES ('202'), ('203'), ('204'), ('205'), ('206'), ('207'), ('208'), ('209')
),

ones(one) AS (
    VALUES ('0'), ('1'), ('2'), ('3'), ('4'), ('5'), ('6'), ('7'), ('8'), ('9')
),

quarters(quarter_text, first_day, last_day) AS (
    VALUES
        ('Q1', '-01-01', '-03-31'),
        ('Q2', '-04-01', '-06-30'),
        ('Q3', '-07-01', '-09-30'),
        ('Q4', '-10-01', '-12-31')
),

quarter_days AS (
    SELECT
        t.ten || o.one || q.quarter_text AS quarter,
        CAST(t.ten || o.one || '-01-01' AS DATE) AS year_start,
        CAST(t.ten || o.one || q.first_day AS DATE) AS quarter_start,
        CAST(t.ten || o.one || q.last_day AS DATE) AS quarter_end
    FROM tens AS t
    CROSS JOIN ones AS o
    CROSS JOIN quarters AS q
    WHERE t.ten || o.one >= '2023'
),

periods(period) AS (
    VALUES ('quarter'), ('ytd')
)

SELECT
    d.quarter,
    p.period,
    CASE WHEN p.period = 'ytd' THEN d.year_start ELSE d.quarter_start END AS period_start,
    d.quarter_end AS period_end,
    d.quarter_end AS as_of,
    d.year_start,
    c.cut_off_date <= d.quarter_end AS is_current
FROM quarter_days AS d
INNER JOIN core.cut_off AS c ON d.quarter_start <= c.cut_off_date
CROSS JOIN periods AS p
