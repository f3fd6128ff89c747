-- Account balances of the books, made from the vouchers the finance system holds (用友NC gl_balance).
--
-- One row per company, period, account and auxiliary values (project, counterparty, park; '' = none) with a
-- movement in the period or a balance before it. What counts: posted, not void, not deleted, balanced, on leaf
-- accounts, and of two vouchers with one number the one entered first. Period 13 lies between December and the
-- next January.
--
-- Setting demo.clock is the instant the system shows. A row's ts is that of the newest voucher behind it, or the
-- opening of its period, whichever is later; a row that changes for another reason gets the clock.
SET LOCAL work_mem = '256MB';

CREATE TEMP TABLE fresh AS
WITH period AS (
    SELECT
        org_code,
        fiscal_year,
        period_no,
        to_char(min(changed_at), 'YYYY-MM-DD HH24:MI:SS') AS opened,
        row_number() OVER (PARTITION BY org_code ORDER BY fiscal_year, period_no) AS nth
    FROM gl_close_state
    GROUP BY org_code, fiscal_year, period_no
),

repeated AS (
    SELECT pk_voucher
    FROM (
        SELECT
            pk_voucher,
            row_number() OVER (
                PARTITION BY org_code, fiscal_year, period_no, voucher_type, voucher_no
                ORDER BY created_at, pk_voucher
            ) AS copy
        FROM gl_voucher
    ) AS numbered
    WHERE copy > 1
),

faulty AS (
    SELECT d.pk_voucher
    FROM gl_detail AS d
    INNER JOIN gl_voucher AS v ON d.pk_voucher = v.pk_voucher
    LEFT JOIN bd_account AS a ON v.org_code = a.org_code AND d.account_code = a.account_code
    GROUP BY d.pk_voucher
    HAVING sum(d.debit) <> sum(d.credit) OR bool_or(a.is_leaf <> 'Y')
),

voucher AS (
    SELECT
        v.pk_voucher,
        v.org_code,
        p.nth,
        v.ts,
        v.posted_flag = 'Y' AND v.void_flag = 'N' AND v.dr = 0
        AND r.pk_voucher IS NULL AND f.pk_voucher IS NULL AS counts
    FROM gl_voucher AS v
    INNER JOIN period AS p USING (org_code, fiscal_year, period_no)
    LEFT JOIN repeated AS r USING (pk_voucher)
    LEFT JOIN faulty AS f USING (pk_voucher)
),

movement AS (
    SELECT
        v.org_code,
        d.account_code,
        trim(coalesce(d.project_code, '')) AS project_code,
        trim(coalesce(d.counterparty_code, '')) AS counterparty_code,
        trim(coalesce(d.park_code, '')) AS park_code,
        v.nth,
        coalesce(sum(d.debit) FILTER (WHERE v.counts), 0) AS debit,
        coalesce(sum(d.credit) FILTER (WHERE v.counts), 0) AS credit,
        bool_or(v.counts) AS moved,
        max(v.ts) AS ts
    FROM gl_detail AS d
    INNER JOIN voucher AS v ON d.pk_voucher = v.pk_voucher
    GROUP BY 1, 2, 3, 4, 5, 6
),

rolled AS (
    SELECT
        *,
        sum(debit - credit) OVER through AS closing,
        max(ts) OVER through AS last_ts,
        lead(nth) OVER through AS next
    FROM movement
    WINDOW through AS (
        PARTITION BY org_code, account_code, project_code, counterparty_code, park_code ORDER BY nth
    )
),

-- A balance stands in every period until the next movement.
spread AS (
    SELECT
        r.org_code,
        p.fiscal_year,
        p.period_no,
        r.account_code,
        r.project_code,
        r.counterparty_code,
        r.park_code,
        CASE WHEN p.nth = r.nth THEN r.closing - r.debit + r.credit ELSE r.closing END AS opening,
        CASE WHEN p.nth = r.nth THEN r.debit ELSE 0 END AS debit,
        CASE WHEN p.nth = r.nth THEN r.credit ELSE 0 END AS credit,
        r.closing,
        r.moved AND p.nth = r.nth AS moved,
        greatest(r.last_ts, p.opened) AS ts
    FROM rolled AS r
    INNER JOIN period AS p
        ON r.org_code = p.org_code AND p.nth >= r.nth AND p.nth < coalesce(r.next, 1000000)
)

SELECT
    org_code,
    fiscal_year,
    period_no,
    account_code,
    project_code,
    counterparty_code,
    park_code,
    CASE sign(opening) WHEN 1 THEN '借' WHEN -1 THEN '贷' ELSE '平' END AS open_dir,
    abs(opening) AS open_amt,
    debit AS debit_amt,
    credit AS credit_amt,
    CASE sign(closing) WHEN 1 THEN '借' WHEN -1 THEN '贷' ELSE '平' END AS close_dir,
    abs(closing) AS close_amt,
    ts
FROM spread
WHERE moved OR opening <> 0;

CREATE INDEX ON fresh (org_code, fiscal_year, period_no, account_code, counterparty_code);
ANALYZE fresh;

-- A balance that is no more stays as a row of nothing: the system takes no row back.
UPDATE gl_balance AS b
SET
    open_dir = '平', open_amt = 0, debit_amt = 0, credit_amt = 0, close_dir = '平', close_amt = 0,
    ts = current_setting('demo.clock')
WHERE
    (b.open_amt <> 0 OR b.debit_amt <> 0 OR b.credit_amt <> 0 OR b.close_amt <> 0)
    AND NOT EXISTS (
        SELECT 1 FROM fresh AS f
        WHERE
            (f.org_code, f.fiscal_year, f.period_no, f.account_code, f.counterparty_code)
            = (b.org_code, b.fiscal_year, b.period_no, b.account_code, b.counterparty_code)
            AND (f.project_code, f.park_code) = (b.project_code, b.park_code)
    );

UPDATE gl_balance AS b
SET
    open_dir = f.open_dir, open_amt = f.open_amt, debit_amt = f.debit_amt, credit_amt = f.credit_amt,
    close_dir = f.close_dir, close_amt = f.close_amt,
    ts = CASE WHEN f.ts > b.ts THEN f.ts ELSE current_setting('demo.clock') END
FROM fresh AS f
WHERE
    (f.org_code, f.fiscal_year, f.period_no, f.account_code, f.counterparty_code)
    = (b.org_code, b.fiscal_year, b.period_no, b.account_code, b.counterparty_code)
    AND (f.project_code, f.park_code) = (b.project_code, b.park_code)
    AND (f.open_dir, f.open_amt, f.debit_amt, f.credit_amt, f.close_dir, f.close_amt)
    IS DISTINCT FROM (b.open_dir, b.open_amt, b.debit_amt, b.credit_amt, b.close_dir, b.close_amt);

-- Not "where it does not exist": asked row by row, the table it fills would be read again for each of them.
INSERT INTO gl_balance
SELECT * FROM fresh
ON CONFLICT DO NOTHING;

DROP TABLE fresh;
