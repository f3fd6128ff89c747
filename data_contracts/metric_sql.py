"""Metrics as SQL: all metrics on one fact become one grouped query, ratios and sums are computed from its rows.

Belongs here: the query text and nothing that runs it. Keep out: what a metric means (``metric``), which
months a ledger owes (``assets/mart/coverage.sql``), where the result is stored.

Every query is one SELECT in the portable subset whose rows are those of ``mart.quarterly_metric``
(:data:`COLUMNS`). How a fact query works, CTE by CTE:

- ``period``: the quarters known, each as quarter, ytd and as_of; ``report_end`` is the last day the report of
  that quarter may speak of: the cut-off, but no later than the end of the next quarter; ``scope_date`` is the day
  at which dimensions are read, the as-of date, or for comparable figures that of a later quarter;
- ``line``: one scan of the fact, with one mark per metric where its filter needs nothing but the row;
- ``cell``: the same, added up over equal codes, dates and keys, so that volume ends here;
- ``hit``: one row per metric, period and cell that counts in it, with dimensions as valid at the scope date,
  and one empty row per metric and period, since zero is an answer;
- ``figure``: the grouping sets, one per grain; a missing code is the scope ``(none)``, so parts add up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from data_contracts.metric import Grain, Metric, Period, by_fact, definition_hash
from data_contracts.metric_parts import Part, hash_number, texts
from data_contracts.sql_text import literal

COLUMNS = (
    "metric_id", "quarter", "period", "grain", "scope_code", "value", "value_date", "value_date_to",
    "value_text", "row_count", "fingerprint", "unit", "definition_hash", "flags",
)  # fmt: skip
"""Columns of ``mart.quarterly_metric`` in order."""

FIGURE_KEY = COLUMNS[:5]
"""The columns that say which figure a row is."""

UNASSIGNED = "(none)"
"""Scope code of the rows that carry no code of a grain: they belong to the group's figure all the same."""

GRAIN_COLUMNS: Mapping[Grain, str] = {"org": "org_code", "project": "project_code", "park": "park_code"}

_PERIOD = """\
calendar AS (
  SELECT quarter, period, period_start, period_end, as_of, year_start FROM core.dim_quarter
  UNION ALL
  SELECT quarter, 'as_of', period_start, period_end, as_of, year_start FROM core.dim_quarter
  WHERE period = 'quarter'
),
every_period AS (
  SELECT q.*, c.cut_off_date,
    LEAST(
      c.cut_off_date,
      COALESCE(LEAD(q.as_of) OVER (PARTITION BY q.period ORDER BY q.quarter), c.cut_off_date)
    ) AS report_end,
    last_day(CAST(q.as_of + INTERVAL {months} MONTH AS DATE)) AS scope_date, MAX(q.as_of) OVER () AS last_as_of
  FROM calendar AS q CROSS JOIN core.cut_off AS c
),
period AS (
  SELECT *, CAST(scope_date - as_of AS INTEGER) AS scope_days
  FROM every_period WHERE scope_date <= last_as_of
)"""


def period_cte(scope_months: int = 0) -> str:
    """The CTE ``period`` and those it needs. ``scope_months``: by how many months scope is read after the as-of date;
    only quarters that have such a day after them."""
    return _PERIOD.format(months=scope_months)


def quarterly_metric_sql(metrics: Mapping[str, Metric], scope_months: int = 0) -> str:
    """One SELECT with every row of ``mart.quarterly_metric``; ``scope_months`` as in :func:`period_cte`.

    Reads ``core.dim_quarter``, ``core.cut_off``, the facts, histories, names (``core.*_alias``) and ``mart.coverage``.
    """
    facts = fact_queries(metrics, scope_months).values()
    return _with_derived([f"({one})" for one in facts], metrics)


def quarterly_metric_of(facts: Iterable[str], metrics: Mapping[str, Metric]) -> str:
    """The same SELECT from ``facts``, relations that hold the rows of :func:`fact_queries`."""
    return _with_derived([f"SELECT * FROM {one}" for one in facts], metrics)


def fact_queries(metrics: Mapping[str, Metric], scope_months: int = 0) -> dict[str, str]:
    """Fact to the SELECT of all its metrics' rows; ``scope_months`` as in :func:`period_cte`."""
    return {f: fact_sql(group, metrics, scope_months) for f, group in by_fact(metrics.values()).items()}


def _with_derived(facts: Iterable[str], metrics: Mapping[str, Metric]) -> str:
    derived = [
        ratio_sql(m, metrics, "figure") if m.ratio else sum_sql(m, metrics, "figure")
        for m in metrics.values()
        if m.inputs
    ]
    union = "\nUNION ALL\n"
    listed = ", ".join(COLUMNS)
    return (
        f"WITH figure AS (\n{union.join(facts)}\n)\nSELECT {listed} FROM figure"
        f"{''.join(union + one for one in derived)}"
    )


def fact_sql(group: Sequence[Metric], metrics: Mapping[str, Metric], scope_months: int = 0) -> str:
    """The grouped query of all metrics on one fact; ``metrics`` is the whole set, for the hashes."""
    parts = [Part.of(i, metric) for i, metric in enumerate(group)]
    grains = [g for g in GRAIN_COLUMNS if any(g in m.grains for m in group)]
    ctes = (
        period_cte(scope_months),
        f"metric AS (\n{_metric_rows(group, metrics)}\n)",
        _line_and_cell(group[0].fact or "", parts, grains),
        f"hit AS (\n{_hits(parts, grains)}\n)",
        _figure(group, grains),
        _gap(group[0].fact or "", grains),
    )
    return f"WITH {', '.join(ctes)}\n{_RESULT}"


def ratio_sql(metric: Metric, metrics: Mapping[str, Metric], source: str) -> str:
    """Rows of a ratio, from the rows of its two inputs in ``source`` (a relation with :data:`COLUMNS`).

    ``NULL`` where the denominator is 0. ``row_count`` and ``fingerprint`` are those of both inputs together.
    A double is enough: a ratio is no money, and both engines round it to six decimals alike.
    """
    if metric.ratio is None:
        raise ValueError(f"{metric.id} is no ratio")
    divided = "CAST(COALESCE(n.value, 0) AS DOUBLE) / CAST(d.value AS DOUBLE)"
    return f"""\
SELECT '{metric.id}' AS metric_id, d.quarter, d.period, d.grain, d.scope_code,
  CAST(CASE WHEN d.value <> 0 THEN {divided} END AS DECIMAL(38, 6)) AS value,
  CAST(NULL AS DATE) AS value_date, CAST(NULL AS DATE) AS value_date_to, CAST(NULL AS VARCHAR) AS value_text,
  d.row_count + COALESCE(n.row_count, 0) AS row_count,
  CAST(d.fingerprint + COALESCE(n.fingerprint, 0) AS DECIMAL(38, 0)) AS fingerprint,
  '{metric.unit}' AS unit, '{definition_hash(metric, metrics)}' AS definition_hash,
  CASE WHEN n.flags IS NULL OR n.flags = d.flags THEN d.flags
    WHEN d.flags IS NULL THEN n.flags ELSE d.flags || ' ' || n.flags END AS flags
FROM {source} AS d
LEFT JOIN {source} AS n ON n.metric_id = '{metric.ratio.numerator}' AND n.quarter = d.quarter
  AND n.period = d.period AND n.grain = d.grain AND n.scope_code = d.scope_code
WHERE d.metric_id = '{metric.ratio.denominator}' AND d.grain IN ({texts(metric.grains)})"""


def sum_sql(metric: Metric, metrics: Mapping[str, Metric], source: str) -> str:
    """Rows of a sum, from the rows of its terms in ``source`` (a relation with :data:`COLUMNS`).

    ``row_count`` and ``fingerprint`` are those of all terms together; a flag of one term is a flag of the sum.
    """
    terms = "\n  UNION ALL\n".join(
        f"  SELECT '{period}' AS said, {number} AS term, g.* FROM {source} AS g "
        f"WHERE g.metric_id = '{term.metric}' AND g.period = '{term.period or period}'"
        for period in metric.periods
        for number, term in enumerate(metric.terms)
    )
    flags = [
        f"COALESCE(MAX(CASE WHEN term = {n} THEN ' ' || flags END), '')" for n in range(len(metric.terms))
    ]
    return f"""\
SELECT '{metric.id}' AS metric_id, quarter, said AS period, grain, scope_code,
  CAST(SUM(value) AS DECIMAL(38, 6)) AS value, CAST(NULL AS DATE) AS value_date,
  CAST(NULL AS DATE) AS value_date_to, CAST(NULL AS VARCHAR) AS value_text,
  CAST(SUM(row_count) AS BIGINT) AS row_count, CAST(SUM(fingerprint) AS DECIMAL(38, 0)) AS fingerprint,
  '{metric.unit}' AS unit, '{definition_hash(metric, metrics)}' AS definition_hash,
  NULLIF(TRIM({" || ".join(flags)}), '') AS flags
FROM (
{terms}
) AS added
WHERE grain IN ({texts(metric.grains)})
GROUP BY quarter, said, grain, scope_code"""


def contributing_rows_sql(
    metric: Metric,
    quarter: str,
    period: Period,
    grain: Grain = "group",
    scope: str = "",
    scope_months: int = 0,
) -> str:
    """The fact rows behind one figure, by the figure's own conditions; ``scope_months`` as in :func:`period_cte`.

    Columns: the codes of its grains, its drill columns, the dates it is read from, ``_amount`` (what the row adds,
    NULL where nothing is added), ``_member`` (the key counted once, or the state), ``_source_table``,
    ``_source_key``, ``_row_hash``.
    Their count, sum and :func:`fingerprint` are the figure's ``row_count``, ``value`` and ``fingerprint``.
    """
    if metric.fact is None:
        raise ValueError(f"{metric.id} has no fact: read the rows of {', '.join(metric.inputs)}")
    part = Part.of(0, metric)
    codes = [column for name, column in GRAIN_COLUMNS.items() if name in metric.grains]
    # A date, a forecast or a state is read from its rows' own dates, whether or not a drill names them.
    dates = metric.time.columns if metric.kind in ("event_date", "forecast", "status") else ()
    shown = dict.fromkeys([*codes, *metric.drill, *dates, "_source_table", "_source_key", "_row_hash"])
    measured = {"_amount": ("x_0", part.amount()), "_member": ("k_0", part.member())}
    added = [f"f.{name} AS {title}" if sql else f"NULL AS {title}" for title, (name, sql) in measured.items()]
    line = ["*", *(sql for _, sql in measured.values() if sql)]
    static = [term.sql("f") for term in part.static]
    conditions = [*static, *part.dynamic_conditions(), f"p.quarter = '{quarter}'", f"p.period = '{period}'"]
    if grain != "group":
        conditions.append(f"COALESCE(f.{GRAIN_COLUMNS[grain]}, '{UNASSIGNED}') = {literal(scope)}")
    where = " AND ".join(f"({c})" for c in conditions)
    return (
        f"WITH {period_cte(scope_months)}\nSELECT {', '.join([*(f'f.{c}' for c in shown), *added])}\n"
        f"FROM (SELECT {', '.join(line)} FROM core.{metric.fact}) AS f\n{part.joins()}\nWHERE {where}"
    )


def fingerprint(column: str = "_row_hash") -> str:
    """SQL for the sum of the first 60 bits of md5 texts, as DECIMAL(38,0): order does not matter to it."""
    return f"CAST(COALESCE(SUM({hash_number(column)}), 0) AS DECIMAL(38, 0))"


def _metric_rows(group: Sequence[Metric], metrics: Mapping[str, Metric]) -> str:
    rows = [
        f"SELECT '{m.id}' AS metric_id, '{Part.of(0, m).measure}' AS measure, '{m.unit}' AS unit,\n"
        f"    '{','.join(m.grains)}' AS grains, '{','.join(m.periods)}' AS periods,\n"
        f"    '{m.gap_policy}' AS gap_policy, {m.max_age_days or 0} AS max_age_days,\n"
        f"    '{definition_hash(m, metrics)}' AS definition_hash"
        for m in group
    ]
    return "  " + "\n  UNION ALL ".join(rows)


def _line_and_cell(fact: str, parts: Sequence[Part], grains: Sequence[Grain]) -> str:
    columns = dict.fromkeys([GRAIN_COLUMNS[g] for g in grains])
    columns.update(dict.fromkeys(c for part in parts for c in part.key_columns))
    members = [f"k_{p.number}" for p in parts if p.member()]
    line = [*columns, f"{hash_number('_row_hash')} AS h"]
    sums: list[str] = []
    for part in parts:
        n = part.number
        line += [text for text in (part.mark(), part.amount(), part.member()) if text]
        if part.measure == "sum":
            sums.append(f"SUM(CASE WHEN is_{n} = 1 THEN x_{n} END) AS x_{n}")
        sums.append(f"SUM(is_{n}) AS n_{n}")
        sums.append(f"SUM(CASE WHEN is_{n} = 1 THEN h END) AS h_{n}")
    keys = ", ".join([*columns, *members])
    marked = " OR ".join(f"is_{p.number} = 1" for p in parts)
    return (
        f"line AS (\n  SELECT {_lines(line)}\n  FROM core.{fact}\n),\n"
        f"cell AS (\n  SELECT {_lines([keys, *sums] if keys else sums)}\n  FROM line\n  WHERE {marked}"
        f"{f'{chr(10)}  GROUP BY {keys}' if keys else ''}\n)"
    )


def _hits(parts: Sequence[Part], grains: Sequence[Grain]) -> str:
    codes = [GRAIN_COLUMNS[g] for g in grains]
    branches: list[str] = []
    for part in parts:
        n, time = part.number, part.metric.time
        dates = {
            "range": (time.from_, time.to), "first": (time.date, None), "last": (time.date, None),
            "status": (time.from_, None),
        }  # fmt: skip
        looked_ahead = (time.from_, None) if part.metric.window == "cut_off" else (None, None)
        start, end = dates.get(part.measure, looked_ahead)
        selected = [
            f"'{part.metric.id}' AS metric_id", "p.quarter", "p.period",
            *(f"f.{c}" for c in codes),
            f"{f'f.x_{n}' if part.measure == 'sum' else 'CAST(NULL AS DECIMAL(38, 6))'} AS amount",
            f"{f'f.k_{n}' if part.measure in ('members', 'status') else 'CAST(NULL AS VARCHAR)'} AS member",
            f"{f'f.{start}' if start else 'CAST(NULL AS DATE)'} AS date_from",
            f"{f'f.{end}' if end else 'CAST(NULL AS DATE)'} AS date_to",
            f"f.n_{n} AS n", f"f.h_{n} AS h",
        ]  # fmt: skip
        branches.append(
            f"  SELECT {', '.join(selected)}\n  FROM cell AS f\n  {part.joins()}\n"
            f"  WHERE {' AND '.join([f'f.n_{n} > 0', *(f'({c})' for c in part.dynamic_conditions())])}"
        )
    empty = ["m.metric_id", "p.quarter", "p.period", *("NULL" for _ in codes), *["NULL"] * 4, "0", "0"]
    branches.append(
        f"  SELECT {', '.join(empty)}\n  FROM metric AS m JOIN period AS p ON STRPOS(m.periods, p.period) > 0"
    )
    return "\n  UNION ALL\n".join(branches)


def _figure(group: Sequence[Metric], grains: Sequence[Grain]) -> str:
    selected = [
        "metric_id", "quarter", "period", *_grain_and_scope(grains),
        "SUM(amount) AS amount", "COUNT(DISTINCT member) AS members", "MAX(member) AS last_member",
        "MIN(date_from) AS first_date",
        "MAX(date_from) AS last_date", "MAX(date_to) AS range_end", "CAST(SUM(n) AS BIGINT) AS row_count",
        "CAST(COALESCE(SUM(h), 0) AS DECIMAL(38, 0)) AS fingerprint", f"{_value_text(group)} AS value_text",
    ]  # fmt: skip
    sets = _grouping_sets(("metric_id", "quarter", "period"), grains)
    return f"figure AS (\n  SELECT {_lines(selected)}\n  FROM hit\n  GROUP BY {sets}\n)"


def _value_text(group: Iterable[Metric]) -> str:
    cases = []
    for metric in (m for m in group if m.members):
        names = [
            f"MAX(CASE WHEN member = '{key}' THEN '、{label}' ELSE '' END)"
            for key, label in metric.members.items()
        ]
        cases.append(f"WHEN '{metric.id}' THEN NULLIF(SUBSTR({' || '.join(names)}, 2), '')")
    return f"CASE metric_id {' '.join(cases)} END" if cases else "CAST(NULL AS VARCHAR)"


def _gap(fact: str, grains: Sequence[Grain]) -> str:
    selected = [
        "quarter", "period", *_grain_and_scope(grains),
        "SUM(CASE WHEN reported THEN 0 ELSE 1 END) AS missing",
        "MAX(CASE WHEN NOT reported AND month_end = as_of THEN 1 ELSE 0 END) AS is_stale",
        "MIN(CASE WHEN NOT reported AND month_end = as_of THEN last_report END) AS last_report",
    ]  # fmt: skip
    codes = "".join(f"c.{GRAIN_COLUMNS[g]}, " for g in grains)
    return f"""\
owed AS (
  SELECT p.quarter, p.period, p.as_of, {codes}c.reported, c.last_report, c.month_end
  FROM mart.coverage AS c
  JOIN period AS p ON c.month_end BETWEEN p.period_start AND p.period_end
  WHERE c.fact = '{fact}'
),
owing AS (
  SELECT {_lines(selected)}
  FROM owed
  GROUP BY {_grouping_sets(("quarter", "period"), grains)}
),
gap AS (
  -- A unit without a code of the grain reports for every scope: one workbook, one platform.
  SELECT f.quarter, f.period, f.grain, f.scope_code, SUM(o.missing) AS missing,
    MAX(o.is_stale) AS is_stale, MIN(o.last_report) AS last_report
  FROM (SELECT DISTINCT quarter, period, grain, scope_code FROM figure) AS f
  JOIN owing AS o ON o.quarter = f.quarter AND o.period = f.period AND o.grain = f.grain
    AND (o.scope_code = f.scope_code OR o.scope_code = '{UNASSIGNED}')
  GROUP BY f.quarter, f.period, f.grain, f.scope_code
)"""


def _grain_and_scope(grains: Sequence[Grain]) -> tuple[str, str]:
    if not grains:
        return "'group' AS grain", "'' AS scope_code"
    grain = " ".join(f"WHEN GROUPING({GRAIN_COLUMNS[g]}) = 0 THEN '{g}'" for g in grains)
    scope = " ".join(
        f"WHEN GROUPING({GRAIN_COLUMNS[g]}) = 0 THEN COALESCE({GRAIN_COLUMNS[g]}, '{UNASSIGNED}')"
        for g in grains
    )
    return f"CASE {grain} ELSE 'group' END AS grain", f"CASE {scope} ELSE '' END AS scope_code"


def _grouping_sets(base: Sequence[str], grains: Sequence[Grain]) -> str:
    sets = [", ".join(base), *(", ".join([*base, GRAIN_COLUMNS[g]]) for g in grains)]
    return f"GROUPING SETS ({', '.join(f'({s})' for s in sets)})"


_RESULT = """\
SELECT f.metric_id, f.quarter, f.period, f.grain, f.scope_code,
  CAST(CASE m.measure WHEN 'sum' THEN COALESCE(f.amount, 0) WHEN 'members' THEN f.members END
    AS DECIMAL(38, 6)) AS value,
  CASE WHEN m.measure IN ('first', 'range') THEN f.first_date
    WHEN m.measure IN ('last', 'status') THEN f.last_date END
    AS value_date,
  CASE WHEN m.measure = 'range' THEN f.range_end END AS value_date_to,
  CASE WHEN m.measure <> 'status' THEN f.value_text WHEN f.members = 1 THEN f.last_member END AS value_text,
  f.row_count, f.fingerprint, m.unit, m.definition_hash,
  NULLIF(TRIM(
    CASE WHEN p.as_of > p.cut_off_date THEN 'open_period ' ELSE '' END
    || CASE WHEN m.measure <> 'range' AND f.last_date > p.as_of THEN 'after_period ' ELSE '' END
    || CASE WHEN m.measure = 'status' AND f.members > 1 THEN 'several_states ' ELSE '' END
    || CASE WHEN m.measure = 'range' AND p.report_end < p.cut_off_date THEN 'not_current ' ELSE '' END
    || CASE
      WHEN g.missing IS NULL OR g.missing = 0 THEN ''
      WHEN m.gap_policy = 'block' THEN 'gap:' || CAST(g.missing AS VARCHAR)
      WHEN m.gap_policy = 'exclude' THEN 'excluded:' || CAST(g.missing AS VARCHAR)
      WHEN g.is_stale = 0 THEN ''
      WHEN g.last_report + m.max_age_days >= p.as_of THEN 'carried:' || CAST(g.last_report AS VARCHAR)
      ELSE 'gap:1'
    END
  ), '') AS flags
FROM figure AS f
JOIN metric AS m ON m.metric_id = f.metric_id
JOIN period AS p ON p.quarter = f.quarter AND p.period = f.period
LEFT JOIN gap AS g ON g.quarter = f.quarter AND g.period = f.period AND g.grain = f.grain
  AND g.scope_code = f.scope_code
WHERE STRPOS(m.grains, f.grain) > 0 AND (f.grain = 'group' OR f.row_count > 0)"""


def _lines(items: Iterable[str]) -> str:
    return ",\n    ".join(items)
