-- Calendar from 2021-01-01 to 2026-12-31: quarter, month, dekad (旬), fiscal period and the National Day holiday.
-- materialized: table
WITH years(year_text) AS (
    VALUES ('2021'), ('2022'), ('2023'), ('2024'), ('2025'), ('2026')
),

months(month_text, quarter_no) AS (
    VALUES
        ('01', 1), ('02', 1), ('03', 1), ('04', 2), ('05', 2), ('06', 2),
        ('07', 3), ('08', 3), ('09', 3), ('10', 4), ('11', 4), ('12', 4)
),

days(day_text, dekad) AS (
    VALUES
        ('01', '上旬'), ('02', '上旬'), ('03', '上旬'), ('04', '上旬'), ('05', '上旬'),
        ('06', '上旬'), ('07', '上旬'), ('08', '上旬'), ('09', '上旬'), ('10', '上旬'),
        ('11', '中旬'), ('12', '中旬'), ('13', '中旬'), ('14', '中旬'), ('15', '中旬'),
        ('16', '中旬'), ('17', '中旬'), ('18', '中旬'), ('19', '中旬'), ('20', '中旬'),
        ('21', '下旬'), ('22', '下旬'), ('23', '下旬'), ('24', '下旬'), ('25', '下旬'),
        ('26', '下旬'), ('27', '下旬'), ('28', '下旬'), ('29', '下旬'), ('30', '下旬'),
        ('31', '下旬')
),

-- Days off around 1 October as announced by the State Council each year; in 2023 and 2025 one block with 中秋.
national_day(first_day, last_day) AS (
    VALUES
        (CAST('2021-10-01' AS DATE), CAST('2021-10-07' AS DATE)),
        (CAST('2022-10-01' AS DATE), CAST('2022-10-07' AS DATE)),
        (CAST('2023-09-29' AS DATE), CAST('2023-10-06' AS DATE)),
        (CAST('2024-10-01' AS DATE), CAST('2024-10-07' AS DATE)),
        (CAST('2025-10-01' AS DATE), CAST('2025-10-08' AS DATE)),
        (CAST('2026-10-01' AS DATE), CAST('2026-10-07' AS DATE))
),

-- 31 April is no date: the cast gives NULL and the row is left out below.
calendar AS (
    SELECT
        TRY_CAST(y.year_text || '-' || m.month_text || '-' || d.day_text AS DATE) AS calendar_date,
        y.year_text,
        m.month_text,
        m.quarter_no,
        d.dekad
    FROM years AS y
    CROSS JOIN months AS m
    CROSS JOIN days AS d
)

SELECT
    c.calendar_date,
    CAST(c.year_text AS INTEGER) AS year_no,
    CAST(c.quarter_no AS INTEGER) AS quarter_no,
    c.year_text || 'Q' || CAST(c.quarter_no AS VARCHAR) AS quarter,
    CAST(c.month_text AS INTEGER) AS month_no,
    c.year_text || c.month_text AS stat_month,
    c.dekad,
    c.year_text AS fiscal_year,
    c.month_text AS fiscal_period,
    c.calendar_date = last_day(c.calendar_date) AS is_month_end,
    h.first_day IS NOT NULL AS is_national_day_holiday
FROM calendar AS c
LEFT JOIN national_day AS h ON c.calendar_date BETWEEN h.first_day AND h.last_day
WHERE c.calendar_date IS NOT NULL
