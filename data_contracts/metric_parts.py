"""One metric's share of a fact query: its marks, amounts, joins and conditions.

Belongs here: the SQL fragments that one metric contributes, used alike by its figure and by its rows. Keep
out: how the fragments of several metrics become one query (``metric_sql``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from data_contracts.metric import Metric
from data_contracts.metric_terms import DIMENSION_KEYS, Term, parse_expression, parse_filter, parse_key


def texts(items: Iterable[str]) -> str:
    """SQL list of text literals."""
    return ", ".join(f"'{item}'" for item in items)


def hash_number(column: str) -> str:
    """SQL for the first 60 bits of an md5 text as BIGINT; Spark says ``conv(substr(h, 1, 15), 16, 10)``."""
    return f"CAST('0x' || SUBSTR({column}, 1, 15) AS BIGINT)"


@dataclass(frozen=True)
class Part:
    """One metric's share of a fact query; its columns carry ``number``."""

    number: int
    metric: Metric
    static: tuple[Term, ...]
    dynamic: tuple[Term, ...]

    @classmethod
    def of(cls, number: int, metric: Metric) -> Part:
        """The metric's filter split into what a row alone decides and what needs a dimension."""
        terms = parse_filter(metric.filter)
        return cls(
            number,
            metric,
            tuple(t for t in terms if t.is_static),
            tuple(t for t in terms if not t.is_static),
        )

    @property
    def measure(self) -> str:
        """How ``figure`` reads the metric's hits: sum, members, first, last, range or status."""
        if self.metric.kind in ("flow", "stock"):
            return "sum"
        if self.metric.kind == "event_date":
            return "first" if parse_expression(self.metric.expression or "")[0] == "min" else "last"
        return {"distinct": "members", "status": "status"}.get(self.metric.kind, "range")

    @property
    def key_columns(self) -> list[str]:
        """Fact columns that must stay apart in a cell: dates, and what dynamic conditions read."""
        dimensions = [d for t in self.dynamic for d in t.dimensions]
        joined = [c for d in dimensions for c in DIMENSION_KEYS[d]]
        day = [self.metric.dimensions_on] if self.metric.dimensions_on else []
        return [*self.metric.time.columns, *joined, *day, *(c for t in self.dynamic for c in t.columns)]

    def mark(self) -> str:
        """Line column: 1 where the row passes every condition that needs the row alone."""
        static = " AND ".join(f"({t.sql()})" for t in self.static) or "TRUE"
        return f"CASE WHEN {static} THEN 1 ELSE 0 END AS is_{self.number}"

    def amount(self) -> str | None:
        """Line column of the amount added up; ``None`` where nothing is added."""
        if self.measure != "sum":
            return None
        term = parse_expression(self.metric.expression or "")[1]
        return f"CAST({term.sql() if term else '1'} AS DECIMAL(38, 6)) AS x_{self.number}"

    def member(self) -> str | None:
        """Line column of the key counted once, or of the status; ``None`` where there is neither."""
        if self.measure == "status":
            term = parse_expression(self.metric.expression or "")[1]
        elif self.metric.distinct_key:
            term = parse_key(self.metric.distinct_key)
        else:
            return None
        return f"CAST({term.sql() if term else 'NULL'} AS VARCHAR) AS k_{self.number}"

    def joins(self) -> str:
        """Joins of source alias ``f`` to the periods it counts in and the dimensions valid on the day of scope."""
        periods = texts(self.metric.periods)
        lines = [f"JOIN period AS p ON p.period IN ({periods}) AND {time_condition(self.metric)}"]
        own = self.metric.dimensions_on
        day = f"f.{own} + p.scope_days" if own else "p.scope_date"
        for name in dict.fromkeys(d for t in self.dynamic for d in t.dimensions):
            keys = " AND ".join(f"{name}.{c} = f.{c}" for c in DIMENSION_KEYS[name])
            lines.append(
                f"LEFT JOIN core.{name}_history AS {name} ON {keys} AND {name}.valid_from <= {day}\n"
                f"    AND {_until(f'{name}.valid_to')} > {day}"
            )
        return "\n  ".join(lines)

    def dynamic_conditions(self) -> list[str]:
        """Conditions that need the period or a dimension."""
        return [t.sql("f") for t in self.dynamic]


def time_condition(metric: Metric) -> str:
    """Condition under which a row (alias ``f``) counts in a period (alias ``p``)."""
    time = metric.time
    if metric.kind == "event_date":
        return f"f.{time.date} <= p.{'report_end' if metric.window == 'cut_off' else 'as_of'}"
    if metric.kind == "forecast":
        open_ = f"f.{time.met} IS NULL"
        if metric.window == "as_of":
            open_ = f"({open_} OR f.{time.met} > p.as_of)"
        # Only the latest revision is in the fact, so only the report being written may quote it.
        return f"{open_} AND p.report_end = p.cut_off_date"
    if time.date:
        return f"f.{time.date} BETWEEN p.period_start AND p.period_end"
    if time.fiscal_quarter:
        # Quarters of one year compare as text: 2024Q1 < 2024Q3.
        first = "CASE WHEN p.period = 'ytd' THEN SUBSTR(p.quarter, 1, 4) || 'Q1' ELSE p.quarter END"
        return f"f.{time.fiscal_quarter} BETWEEN {first} AND p.quarter"
    if time.from_:
        day = "p.report_end" if metric.window == "cut_off" else "p.as_of"
        until = f" AND {_until(f'f.{time.to}')} > {day}" if time.to else ""
        return f"f.{time.from_} <= {day}{until}"
    return "TRUE"


def _until(column: str) -> str:
    # Not "IS NULL OR": an OR in an outer join's condition costs DuckDB its hash join (0.8 s became 45 s
    # on 250,000 rows).
    return f"COALESCE({column}, CAST('9999-12-31' AS DATE))"
