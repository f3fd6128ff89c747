"""Figures as reported: what the ledgers make, and the manual adjustments beside it.

Belongs here: which figures an adjustment may name, and the text of the two queries. Keep out: which adjustments are
in force (``assets/mart/adjustment_line.sql``), the computed value (``metric_sql``), running the queries.

An adjustment counts in the figure it names, in the sums that add that figure up and in the ratios of it, at the grains
and periods these have. Where it stands for a scope without a row, the figure is 0 of 0 rows and the adjustment, so
that parts add up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from data_contracts.metric import Metric
from data_contracts.metric_parts import texts
from data_contracts.metric_sql import COLUMNS, FIGURE_KEY

ADJUSTABLE = ("flow", "stock", "sum")
"""Kinds of metrics that an adjustment may name: what adds up. A count of members or a date has nothing to add to."""

REPORTED_COLUMNS = (*COLUMNS, "adjustment", "reported_value")
"""Columns of ``mart.reported_metric`` in order."""

COUNTED_COLUMNS = (
    "quarter", "adjustment_no", "metric_id", "adjusted_quarter", "org_code", "project_code", "park_code", "amount",
    "accounting_reason", "reason", "prepared_by", "approved_by", "approved_date", "_row_hash",
)  # fmt: skip
"""Columns of an adjustment that a figure counts: the figure's quarter, then its own."""


def reported_metric_sql(metrics: Mapping[str, Metric]) -> str:
    """One SELECT with every row of ``mart.reported_metric``; reads ``mart.quarterly_metric``, ``mart.adjustment``."""
    ratios = [m for m in metrics.values() if m.ratio]
    counted = "\n  UNION ALL\n".join([_OWN, *_through_sums(metrics)])
    key = " AND ".join(f"a.{c} = q.{c}" for c in FIGURE_KEY)
    group = " AND ".join(f"g.{c} = a.{c}" for c in FIGURE_KEY[:3])
    values = [f"q.{c}" for c in COLUMNS]
    empty = {
        "grain": "a.grain", "scope_code": "a.scope_code", "value": "0", "value_date": "NULL", "value_date_to": "NULL",
        "value_text": "NULL", "row_count": "0", "fingerprint": "0", "flags": "NULL",
    }  # fmt: skip
    plain = f"metric_id NOT IN ({texts(m.id for m in ratios)})" if ratios else "TRUE"
    union = "\nUNION ALL\n".join(
        [
            f"SELECT {', '.join(COLUMNS)}, adjustment,\n"
            f"  CAST(value + COALESCE(adjustment, 0) AS DECIMAL(38, 6)) AS reported_value\nFROM figure WHERE {plain}",
            *(_ratio(m) for m in ratios),
        ]
    )
    return f"""\
WITH adjustable AS (
{_adjustable(metrics)}
),
counted AS (
{counted}
),
added AS (
  SELECT {", ".join(FIGURE_KEY)}, CAST(SUM(amount) AS DECIMAL(38, 6)) AS amount
  FROM counted
  GROUP BY {", ".join(FIGURE_KEY)}
),
figure AS (
  SELECT {", ".join(values)}, a.amount AS adjustment
  FROM mart.quarterly_metric AS q LEFT JOIN added AS a ON {key}
  UNION ALL
  SELECT {", ".join(empty.get(c, f"g.{c}") for c in COLUMNS)}, a.amount
  FROM added AS a
  INNER JOIN mart.quarterly_metric AS g ON {group} AND g.grain = 'group'
  LEFT JOIN mart.quarterly_metric AS q ON {key}
  WHERE q.metric_id IS NULL
)
{union}"""


def counted_adjustment_sql(metrics: Mapping[str, Metric]) -> str:
    """One SELECT: the adjustments that some figure of a quarter counts, once a quarter."""
    return (
        f"SELECT DISTINCT {', '.join(f'l.{c}' for c in COUNTED_COLUMNS)}\nFROM mart.adjustment_line AS l\n"
        f"INNER JOIN (\n{_adjustable(metrics)}\n) AS m\n"
        "  ON l.metric_id = m.metric_id AND STRPOS(m.periods, l.period) > 0"
    )


_OWN = """\
  SELECT a.metric_id, a.quarter, a.period, a.grain, a.scope_code, a.amount
  FROM mart.adjustment AS a
  INNER JOIN adjustable AS m ON a.metric_id = m.metric_id
  WHERE STRPOS(m.grains, a.grain) > 0 AND STRPOS(m.periods, a.period) > 0"""


def _adjustable(metrics: Mapping[str, Metric]) -> str:
    rows = [
        f"SELECT '{m.id}' AS metric_id, '{','.join(m.grains)}' AS grains, '{','.join(m.periods)}' AS periods"
        for m in metrics.values()
        if m.kind in ADJUSTABLE
    ]
    nothing = "SELECT '' AS metric_id, '' AS grains, '' AS periods"
    return "  " + "\n  UNION ALL ".join(rows or [nothing])


def _through_sums(metrics: Mapping[str, Metric]) -> Iterator[str]:
    for metric in metrics.values():
        for term in metric.terms:
            if metrics[term.metric].kind in ADJUSTABLE:
                for period in metric.periods:
                    yield (
                        f"  SELECT '{metric.id}', quarter, '{period}', grain, scope_code, amount\n"
                        f"  FROM mart.adjustment WHERE metric_id = '{term.metric}' "
                        f"AND period = '{term.period or period}' AND grain IN ({texts(metric.grains)})"
                    )


def _ratio(metric: Metric) -> str:
    """Rows of a ratio: where an input is adjusted, the ratio of the inputs as reported."""
    assert metric.ratio is not None
    n, d = "COALESCE(n.value, 0) + COALESCE(n.adjustment, 0)", "d.value + COALESCE(d.adjustment, 0)"
    divided = f"CAST(CASE WHEN {d} <> 0 THEN CAST({n} AS DOUBLE) / CAST({d} AS DOUBLE) END AS DECIMAL(38, 6))"
    reported = f"CASE WHEN COALESCE(n.adjustment, d.adjustment) IS NULL THEN f.value ELSE {divided} END"
    same = " AND ".join("{0}." + f"{c} = f.{c}" for c in FIGURE_KEY[1:])
    return (
        f"SELECT {', '.join(f'f.{c}' for c in COLUMNS)},\n"
        f"  CASE WHEN COALESCE(n.adjustment, d.adjustment) IS NOT NULL THEN {divided} - f.value END AS adjustment,\n"
        f"  {reported} AS reported_value\nFROM figure AS f\n"
        f"LEFT JOIN figure AS n ON n.metric_id = '{metric.ratio.numerator}' AND {same.format('n')}\n"
        f"LEFT JOIN figure AS d ON d.metric_id = '{metric.ratio.denominator}' AND {same.format('d')}\n"
        f"WHERE f.metric_id = '{metric.id}'"
    )
