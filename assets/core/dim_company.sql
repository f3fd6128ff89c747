-- Companies, one row each whatever their records and names: tenants, parties of the books, leads, the group's own.
-- materialized: table
-- Of several names the newest is in force; the group's own register outranks a park's, and that the books'.
WITH ranked AS (
    SELECT
        company_key,
        usci,
        company_name,
        industry_code,
        region_code,
        group_org_code,
        part,
        known_from,
        source_rank,
        source_key,
        row_number() OVER (
            PARTITION BY company_key
            ORDER BY
                CASE WHEN company_name IS NULL THEN 1 ELSE 0 END, source_rank, known_from DESC, source_key
        ) AS name_rank,
        row_number() OVER (
            PARTITION BY company_key
            ORDER BY
                CASE WHEN industry_code IS NULL THEN 1 ELSE 0 END, source_rank, known_from DESC, source_key
        ) AS industry_rank,
        row_number() OVER (
            PARTITION BY company_key
            ORDER BY
                CASE WHEN region_code IS NULL THEN 1 ELSE 0 END, source_rank, known_from DESC, source_key
        ) AS region_rank
    FROM core.company_record
),

present AS (
    SELECT
        company_key,
        max(usci) AS usci,
        COALESCE(max(CASE WHEN name_rank = 1 THEN company_name END), company_key) AS company_name,
        max(CASE WHEN industry_rank = 1 THEN industry_code END) AS industry_code,
        max(CASE WHEN region_rank = 1 THEN region_code END) AS region_code,
        max(group_org_code) AS group_org_code,
        max(CASE WHEN part = 'tenant' THEN 1 ELSE 0 END) AS tenant,
        max(CASE WHEN part IN ('customer', 'both') THEN 1 ELSE 0 END) AS customer,
        max(CASE WHEN part IN ('supplier', 'both') THEN 1 ELSE 0 END) AS supplier,
        max(CASE WHEN part = 'village' THEN 1 ELSE 0 END) AS village
    FROM ranked
    GROUP BY company_key
),

former AS (
    SELECT
        r.company_key,
        r.company_name,
        row_number() OVER (
            PARTITION BY r.company_key ORDER BY r.known_from DESC, r.source_rank, r.source_key
        ) AS newest
    FROM ranked AS r
    INNER JOIN present AS p ON r.company_key = p.company_key
    WHERE r.company_name <> p.company_name
)

SELECT
    p.company_key,
    p.usci,
    p.company_name,
    f.company_name AS former_name,
    p.industry_code,
    p.region_code,
    p.tenant = 1 AS is_tenant,
    p.customer = 1 AS is_customer,
    p.supplier = 1 AS is_supplier,
    p.village = 1 AS is_village_collective,
    p.group_org_code IS NOT NULL AS is_group_company,
    p.group_org_code
FROM present AS p
LEFT JOIN former AS f ON p.company_key = f.company_key AND f.newest = 1
