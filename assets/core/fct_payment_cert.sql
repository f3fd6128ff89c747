-- Payment certificates of the sections: output certified, held back and payable, and the day of the approval.
-- materialized: view
SELECT
    c.section_code,
    c.cert_no,
    s.section_name,
    s.project_code,
    s.contract_nature,
    s.contractor_usci,
    c.period_month,
    last_day(
        CAST(substr(c.period_month, 1, 4) || '-' || substr(c.period_month, 5, 2) || '-01' AS DATE)
    ) AS month_end,
    c.period_output_cny,
    c.cumulative_output_cny,
    c.payable_ratio,
    c.advance_deduct_cny,
    c.retention_cny,
    c.wage_account_cny,
    c.payable_cny,
    c.period_output_cny - c.payable_cny - c.advance_deduct_cny AS withheld_cny,
    c.approved_at,
    CAST(c.approved_at AS DATE) AS approved_date,
    c.section_code || '/' || c.cert_no AS biz_doc_no,
    s.org_code,
    'con_payment_cert' AS _source_table,
    c.section_code || '|' || c.cert_no AS _source_key,
    c._row_hash
FROM known.con_payment_cert AS c
LEFT JOIN core.dim_section AS s ON c.section_code = s.section_code
