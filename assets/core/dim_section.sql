-- Sections of the construction projects as they stand at the cut-off, inferred ones marked.
-- materialized: table
SELECT
    h.section_code,
    h.section_name,
    h.project_code,
    h.contract_no,
    h.contract_nature,
    h.contractor_usci,
    h.tender_no,
    h.sign_date,
    h.contract_amount_cny,
    h.amended_amount_cny,
    h.contract_value_cny,
    h.tax_rate,
    h.start_date,
    h.planned_end_date,
    h.org_code,
    h.is_inferred
FROM core.dim_section_history AS h
INNER JOIN core.cut_off AS c
    ON h.valid_from <= c.cut_off_date
    AND COALESCE(h.valid_to, CAST('9999-12-31' AS DATE)) > c.cut_off_date
