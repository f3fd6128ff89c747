-- Concrete deliveries, one row a ticket, void ones included: status says which count.
-- materialized: view
SELECT
    d.ticket_no,
    d.plant_code,
    d.org_code,
    d.contract_no,
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
    d.status,
    'con_cc_delivery' AS _source_table,
    d.ticket_no AS _source_key,
    d._row_hash
FROM known.con_cc_delivery AS d
