-- The company of each stay in a park (company_key): its credit code, else the stay itself.
-- materialized: table
-- One code under names that have nothing in common is one company's by mistake, and nobody can say from here whose
-- (D17): such stays are told apart by their name, never merged by guess, and mart.unresolved_alias names them. Names
-- have something in common if one holds the other without legal form, or a stay ever bore the other's name.
WITH borne AS (
    SELECT DISTINCT
        s.enterprise_id,
        s.usci,
        replace(replace(replace(replace(replace(replace(replace(replace(replace(
            v.name, ' ', ''), '（', ''), '）', ''), '(', ''), ')', ''), '公司', ''), '有限', ''), '股份', ''), '责任', '')
            AS plain_name
    FROM known.park_company__versions AS v
    INNER JOIN known.park_company AS s ON v.enterprise_id = s.enterprise_id
    WHERE s.usci IS NOT NULL
),

trimmed AS (
    SELECT enterprise_id, usci, replace(replace(plain_name, '集团', ''), '市', '') AS plain_name
    FROM borne
),

related AS (
    SELECT a.usci, a.enterprise_id, b.enterprise_id AS other_id
    FROM trimmed AS a
    INNER JOIN trimmed AS b
        ON a.usci = b.usci
        AND (strpos(a.plain_name, b.plain_name) > 0 OR strpos(b.plain_name, a.plain_name) > 0)
    GROUP BY a.usci, a.enterprise_id, b.enterprise_id
),

-- A stay goes with the first one, by its identifier, that its names relate it to.
first_of AS (
    SELECT usci, enterprise_id, min(other_id) AS first_id
    FROM related
    GROUP BY usci, enterprise_id
),

claimed AS (
    SELECT usci, count(DISTINCT first_id) AS companies
    FROM first_of
    GROUP BY usci
)

SELECT
    s.enterprise_id,
    CASE WHEN c.companies > 1 THEN 'enterprise:' || f.first_id ELSE COALESCE(s.usci, 'enterprise:' || s.enterprise_id) END
        AS company_key,
    COALESCE(c.companies > 1, FALSE) AS is_disputed
FROM known.park_company AS s
LEFT JOIN first_of AS f ON s.enterprise_id = f.enterprise_id
LEFT JOIN claimed AS c ON s.usci = c.usci
