-- Concrete deliveries, one row a ticket, void ones included, with the buyer and site of the supply contract.
-- materialized: view
-- The one place that says which rate a way of taxing means, and what is left of an amount without the tax: the
-- reciprocal of 1 + rate, since engines divide decimals differently.
WITH vat(vat_mode, vat_rate, net_share) AS (
    VALUES
        ('simple3', CAST('0.03' AS DECIMAL(5, 4)), CAST('0.970873786407767' AS DECIMAL(18, 15))),
        ('general13', CAST('0.13' AS DECIMAL(5, 4)), CAST('0.884955752212389' AS DECIMAL(18, 15)))
)

SELECT
    d.ticket_no,
    d.plant_code,
    d.org_code,
    d.contract_no,
    k.site_name,
    COALESCE(
        x.project_code,
        CASE
            WHEN p.project_code IS NOT NULL OR NOT regexp_matches(k.project_code, '[^ -~]') THEN k.project_code
        END
    ) AS project_code,
    k.customer_usci AS customer_key,
    k.customer_name,
    g.org_code AS customer_org_code,
    k.vat_mode,
    v.vat_rate,
    d.strength_grade,
    d.truck_no,
    d.plan_m3,
    d.batched_m3,
    d.signed_m3,
    d.returned_m3,
    d.out_time,
    d.arrive_time,
    d.sign_time,
    d.delivered_at,
    CAST(d.delivered_at AS DATE) AS delivered_date,
    d.unit_price,
    CAST(CAST(d.unit_price AS DECIMAL(20, 2)) * v.net_share AS DECIMAL(18, 8)) AS unit_price_ex_tax,
    CAST(d.signed_m3 * d.unit_price AS DECIMAL(18, 2)) AS value_inc_tax_cny,
    d.status,
    'con_cc_delivery' AS _source_table,
    d.ticket_no AS _source_key,
    d._row_hash
FROM known.con_cc_delivery AS d
CROSS JOIN core.cut_off AS c
LEFT JOIN known.con_cc_contract AS k ON d.contract_no = k.contract_no
LEFT JOIN vat AS v ON k.vat_mode = v.vat_mode
LEFT JOIN known.con_project_code_map AS x
    ON x.system = 'CON'
    AND x.old_code = k.project_code
    AND x.valid_from <= c.cut_off_date
    AND COALESCE(x.valid_to, CAST('9999-12-31' AS DATE)) > c.cut_off_date
LEFT JOIN known.con_project AS p ON k.project_code = p.project_code
LEFT JOIN (SELECT usci, min(org_code) AS org_code FROM known.fin_org GROUP BY usci) AS g ON k.customer_usci = g.usci
