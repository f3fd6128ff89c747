-- Weekly progress of the sections: each report holds until the next one, so the last on or before a day is in force.
-- materialized: table
WITH completed AS (
    SELECT section_code, date_met AS completion_date
    FROM core.fct_milestone
    WHERE milestone_code = 'completion' AND section_code <> ''
),

reported AS (
    SELECT
        g.section_code,
        g.report_date,
        lead(g.report_date) OVER (PARTITION BY g.section_code ORDER BY g.report_date) AS next_report_date,
        g.physical_pct,
        max(g.physical_pct) OVER (
            PARTITION BY g.section_code ORDER BY g.report_date ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS highest_before,
        g.output_value_cny,
        g.phase,
        g.note,
        g._row_hash
    FROM known.con_progress AS g
)

-- open_to ends a report where the section is completed, for what counts only while work goes on.
SELECT
    r.section_code,
    s.section_name,
    s.project_code,
    p.project_name,
    r.report_date,
    r.next_report_date,
    CASE
        WHEN c.completion_date IS NULL THEN r.next_report_date
        WHEN r.next_report_date IS NULL OR c.completion_date < r.next_report_date
            THEN greatest(c.completion_date, r.report_date)
        ELSE r.next_report_date
    END AS open_to,
    r.physical_pct,
    r.highest_before,
    COALESCE(r.physical_pct < r.highest_before, FALSE) AS went_down,
    r.output_value_cny,
    s.contract_value_cny,
    CAST(
        CAST(r.physical_pct * 0.01 AS DECIMAL(9, 4)) * s.contract_value_cny AS DECIMAL(18, 2)
    ) AS built_value_cny,
    r.phase,
    r.note,
    c.completion_date,
    s.org_code,
    'con_progress' AS _source_table,
    r.section_code || '|' || CAST(r.report_date AS VARCHAR) AS _source_key,
    r._row_hash
FROM reported AS r
INNER JOIN core.dim_section AS s ON r.section_code = s.section_code
LEFT JOIN core.dim_project AS p ON s.project_code = p.project_code
LEFT JOIN completed AS c ON r.section_code = c.section_code
