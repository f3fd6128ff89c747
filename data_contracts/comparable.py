"""Comparable figures (同口径): last year beside this year, under this year's definitions and scope.

Belongs here: which metrics are compared and the queries whose rows are those of ``mart.comparable_metric`` and
``mart.scope_change``. Keep out: the figures' own SQL (``metric_sql``), which is the same with scope read later.

Last year's rows are counted by today's definitions, and dimensions (a project's status, whether a park is managed)
are read as valid on the as-of date of this year, or a year after the day of the row where the metric reads them
by row (``dimensions_on``). What differs is then what happened, not who was counted. A metric that reads no dimension
has one scope in all years: its figure of last year is comparable as it stands.

Inside a year the same question decides how its quarters add up: a year to date reads scope at its own as-of date, so a
project that enters the statistics in August brings its months since January, which no earlier quarter's figure holds.
``mart.scope_change`` is that difference: the year to the quarter before in this quarter's scope, less the same in its
own. Metrics read by row have none: the day of the row does not move.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from data_contracts.metric import Metric
from data_contracts.metric_parts import Part, texts
from data_contracts.metric_sql import quarterly_metric_sql

_KEY = "quarter, metric_id, period, grain, scope_code"
_NO_NUMBER = ("event_date", "forecast", "status")
_NOTHING = "SELECT * FROM mart.quarterly_metric WHERE FALSE"
_A_YEAR_LATER = "CAST(CAST(SUBSTR(quarter, 1, 4) AS INTEGER) + 1 AS VARCHAR) || SUBSTR(quarter, 5)"


def is_compared(metric: Metric) -> bool:
    """Whether the metric is a number, so that two years of it compare."""
    return metric.kind not in _NO_NUMBER


def scoped(metrics: Mapping[str, Metric]) -> list[str]:
    """Ids of the metrics whose figures depend on the day at which dimensions are read, in order."""

    def reads(metric: Metric) -> bool:
        if metric.inputs:
            return any(reads(metrics[name]) for name in metric.inputs)
        return any(term.dimensions for term in Part.of(0, metric).dynamic)

    return sorted(m.id for m in metrics.values() if reads(m))


def comparable_metric_sql(metrics: Mapping[str, Metric]) -> str:
    """One SELECT with every row of ``mart.comparable_metric``; reads ``mart.quarterly_metric`` beside what the figures
    are computed from.

    A scope without a row in one of the years adds nothing there, so changes of the parts add up as the figures do;
    a ratio that is missing has no change. Of a ratio, ``change`` is in its own unit and there is no percentage.
    """
    numbers = {name: m for name, m in metrics.items() if is_compared(m)}
    is_ratio = _among(m.id for m in numbers.values() if m.ratio)
    changing = scoped(numbers)
    counted_anew = {n: numbers[n] for name in changing for n in (*numbers[name].inputs, name)}
    is_scoped = _among(changing)
    anew = quarterly_metric_sql(counted_anew, scope_months=12) if changing else _NOTHING
    number, text = (f"CAST(NULL AS {kind})" for kind in ("DECIMAL(38, 6)", "VARCHAR"))
    return f"""\
WITH comparable AS (
  SELECT {_A_YEAR_LATER} AS quarter, metric_id, period, grain, scope_code, value, unit, flags
  FROM (
{anew}
  ) AS counted
  WHERE {is_scoped}
),
told AS (
  SELECT {_KEY}, value, {number} AS last_year_value, {number} AS comparable_value, unit, definition_hash, flags,
    {text} AS comparable_flags
  FROM mart.quarterly_metric
  UNION ALL
  SELECT {_A_YEAR_LATER}, metric_id, period, grain, scope_code, {number}, value,
    CASE WHEN NOT ({is_scoped}) THEN value END, unit, {text}, {text}, CASE WHEN NOT ({is_scoped}) THEN flags END
  FROM mart.quarterly_metric
  UNION ALL
  SELECT {_KEY}, {number}, {number}, value, unit, {text}, {text}, flags
  FROM comparable
),
side_by_side AS (
  SELECT {_KEY}, MAX(value) AS value, MAX(last_year_value) AS last_year_value,
    MAX(comparable_value) AS comparable_value, MAX(unit) AS unit, MAX(definition_hash) AS definition_hash,
    MAX(flags) AS flags, MAX(comparable_flags) AS comparable_flags
  FROM told
  WHERE metric_id IN ({texts(numbers)}) AND quarter IN (SELECT quarter FROM core.dim_quarter)
    AND quarter IN (SELECT {_A_YEAR_LATER} FROM core.dim_quarter)
  GROUP BY {_KEY}
),
compared AS (
  SELECT *, {is_ratio} AS is_ratio,
    CASE WHEN {is_ratio} THEN value - comparable_value
      ELSE COALESCE(value, 0) - COALESCE(comparable_value, 0) END AS change
  FROM side_by_side
)
SELECT {_KEY}, value, last_year_value, comparable_value, CAST(change AS DECIMAL(38, 6)) AS change,
  CAST(CASE WHEN comparable_value > 0 AND NOT is_ratio
    THEN 100 * CAST(change AS DOUBLE) / CAST(comparable_value AS DOUBLE) END AS DECIMAL(38, 6)) AS change_pct,
  unit, definition_hash, flags, comparable_flags
FROM compared"""


def scope_change_sql(metrics: Mapping[str, Metric]) -> str:
    """One SELECT with every row of ``mart.scope_change``: quarters after the first whose scope moved a flow's year."""
    moving = [n for n in scoped(metrics) if metrics[n].kind == "flow" and not metrics[n].dimensions_on]
    anew = quarterly_metric_sql({n: metrics[n] for n in moving}, scope_months=3) if moving else _NOTHING
    last = "SUBSTR(quarter, 1, 5) || CAST(CAST(SUBSTR(quarter, 6) AS INTEGER) + 1 AS VARCHAR)"
    return f"""\
WITH told AS (
  SELECT {_KEY}, value AS now_value, CAST(0 AS DECIMAL(38, 6)) AS before_value, unit
  FROM (
{anew}
  ) AS counted
  UNION ALL
  SELECT {_KEY}, CAST(0 AS DECIMAL(38, 6)) AS now_value, value AS before_value, unit
  FROM mart.quarterly_metric
),
side_by_side AS (
  SELECT {last} AS quarter, metric_id, grain, scope_code, CAST(SUM(now_value) AS DECIMAL(38, 6)) AS value,
    CAST(SUM(before_value) AS DECIMAL(38, 6)) AS own_scope_value, MAX(unit) AS unit
  FROM told
  WHERE {_among(moving)} AND period = 'ytd' AND SUBSTR(quarter, 6) < '4'
  GROUP BY quarter, metric_id, grain, scope_code
)
SELECT quarter, metric_id, grain, scope_code, value, own_scope_value,
  CAST(value - own_scope_value AS DECIMAL(38, 6)) AS change, unit
FROM side_by_side
WHERE value <> own_scope_value AND quarter IN (SELECT quarter FROM core.dim_quarter)"""


def _among(names: Iterable[str]) -> str:
    """Condition that a row is of one of these metrics."""
    listed = texts(names)
    return f"metric_id IN ({listed})" if listed else "FALSE"
