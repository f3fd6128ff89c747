"""The ledger rows behind a figure, and the proof that they are all of them.

Belongs here: finding the rows by the figure's own SQL and proving count, value, fingerprint and that each stands in a
ledger. Keep out: where that is (``ledger_rows``), how rows are printed or exported (the command line), what a metric
means (``data_contracts.metric``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from assets.mart.ledger_rows import traced
from data_contracts.claim import Figure
from data_contracts.metric import Grain, Metric, Period, Ratio
from data_contracts.metric_parts import Part
from data_contracts.metric_sql import GRAIN_COLUMNS, UNASSIGNED, contributing_rows_sql, fingerprint
from data_contracts.model import TableContract
from resources.engine import Row, Session
from resources.failures import Refused

_FIGURE = tuple(Figure.__dataclass_fields__)
LAST = (
    "amount", "counted_as", "source_table", "source_key", "source_ref", "row_no", "batch_id", "known_from",
)  # fmt: skip
"""Columns that every explained row ends with: what it adds to the figure, the key (or state) it counts as, where it
stands at the source, and since when it is known."""


LINE = (
    "adjustment_no", "adjusted_quarter", "amount", "accounting_reason", "reason", "prepared_by", "approved_by",
    "approved_date",
)  # fmt: skip
"""Columns told of a manual adjustment."""

_DATED = ("event_date", "forecast", "status")
_LAST_DIGIT = Decimal("0.000001")


class NoFigure(Refused):
    """There is no such figure: the message names it and what there is."""


@dataclass(frozen=True)
class Scope:
    """Which figure of a metric: quarter, period, grain and code (``''`` for the group).

    ``years``: by how many years after the quarter dimensions are read, 1 for a comparable figure.
    """

    quarter: str
    period: Period
    grain: Grain = "group"
    code: str = ""
    years: int = 0

    def __str__(self) -> str:
        later = (
            f" in the scope of {int(self.quarter[:4]) + self.years}{self.quarter[4:]}" if self.years else ""
        )
        return f"{self.quarter} {self.period}" + (f" {self.grain} {self.code}" if self.code else "") + later


@dataclass(frozen=True)
class Proof:
    """What the rows come to beside what the figure says; ``value`` is None where rows are not added up.

    ``rows``: facts that count. ``ledger_rows``: how many are listed, each fact with every ledger row it is made of.
    ``astray``: how many stand in no ledger, and which: they prove nothing.
    """

    rows: int
    value: Decimal | str | None
    fingerprint: Decimal
    holds: bool
    ledger_rows: int
    astray: str = ""


@dataclass(frozen=True)
class Adjusted:
    """A figure as reported beside what its rows make: ``lines`` are the manual adjustments that name this figure, those
    of its inputs stand with them. ``holds``: value and adjustments come to ``value``; a ratio is that of its inputs.
    """

    value: Decimal | None
    adjustment: Decimal
    lines: tuple[Row, ...]
    holds: bool


@dataclass(frozen=True)
class Explanation:
    """A figure, its proof and, for ratios and sums, the explanations of its inputs.

    ``columns``: names of the columns of :func:`rows`; the last are :data:`LAST`. ``query``: their SQL.
    """

    metric: Metric
    scope: Scope
    figure: Figure
    proof: Proof
    columns: tuple[str, ...] = ()
    query: str = ""
    inputs: tuple[Explanation, ...] = ()
    adjusted: Adjusted | None = None

    @property
    def holds(self) -> bool:
        """Whether the rows make the figure, and the adjustments what is reported of it."""
        return self.proof.holds and (self.adjusted is None or self.adjusted.holds)

    @property
    def reported(self) -> Decimal | None:
        """The number that is reported: with its adjustments where it has some."""
        return self.adjusted.value if self.adjusted else self.figure.value


def explain(
    session: Session,
    metric: Metric,
    scope: Scope,
    metrics: Mapping[str, Metric],
    contracts: Mapping[str, TableContract],
) -> Explanation:
    """Explain one figure and the adjustments beside it. Raises :class:`NoFigure` where there is none."""
    figure, printed = _figure(session, metric, scope)
    if metric.inputs:
        periods = {t.metric: t.period for t in metric.terms}
        places = {name: replace(scope, period=periods.get(name) or scope.period) for name in metric.inputs}
        inputs = tuple(
            explain(session, metrics[name], place, metrics, contracts)
            for name, place in places.items()
            if _found(session, name, place)
        )
        proof = _of_inputs(metric, figure, printed, inputs)
        adjusted = _adjusted(session, metric, scope, figure, inputs)
        return Explanation(metric, scope, figure, proof, inputs=inputs, adjusted=adjusted)
    rows = contributing_rows_sql(
        metric, scope.quarter, scope.period, scope.grain, scope.code, 12 * scope.years
    )
    query = traced(session, metric.fact or "", rows, contracts)
    columns = tuple(name for name, _ in session.columns(query))
    proof = _proof(session, metric, rows, query, figure, printed)
    adjusted = _adjusted(session, metric, scope, figure)
    return Explanation(metric, scope, figure, proof, columns, query, adjusted=adjusted)


def rows(session: Session, explanation: Explanation, limit: int | None = None) -> Iterator[Row]:
    """The rows of an explanation without inputs, those that weigh most first; ``limit`` None = all."""
    bound = f" LIMIT {limit}" if limit is not None else ""
    return session.each(
        f"SELECT * FROM ({explanation.query}) "
        f"ORDER BY abs(amount) DESC NULLS LAST, source_table, source_key, source_ref{bound}"
    )


def _figure(session: Session, metric: Metric, scope: Scope) -> tuple[Figure, Decimal]:
    found = _found(session, metric.id, scope)
    if not found:
        raise NoFigure(
            f"mart.quarterly_metric: no figure of {metric.id} for {scope} → its periods are "
            f"{', '.join(metric.periods)}, its grains {', '.join(metric.grains)}; see `jibao rollup {scope.quarter}`"
        )
    *values, printed = found[0]
    return Figure(*values), printed


def _found(session: Session, metric_id: str, scope: Scope) -> list[Row]:
    columns = (*_FIGURE, "fingerprint")
    computed = _read(session, "quarterly_metric", columns, metric_id, scope)
    if computed or not _takes_adjustments(session, scope):
        return computed
    # Only an adjustment stands for this scope: a figure of no rows.
    return _read(session, "reported_metric", columns, metric_id, scope)


def _read(session: Session, table: str, columns: Iterable[str], metric_id: str, scope: Scope) -> list[Row]:
    return session.rows(
        f"SELECT {', '.join(columns)} FROM mart.{table} WHERE metric_id = :m "
        "AND quarter = :q AND period = :p AND grain = :g AND scope_code = :s",
        m=metric_id, q=scope.quarter, p=scope.period, g=scope.grain, s=scope.code,
    )  # fmt: skip


def _takes_adjustments(session: Session, scope: Scope) -> bool:
    """Comparable figures take none, and publications of before there were adjustments have no such table."""
    return not scope.years and bool(
        session.rows(
            "SELECT 1 FROM information_schema.tables WHERE table_catalog = current_database() "
            "AND table_schema = 'mart' AND table_name = 'adjustment_line'"
        )
    )


def _adjusted(
    session: Session, metric: Metric, scope: Scope, figure: Figure, inputs: tuple[Explanation, ...] = ()
) -> Adjusted | None:
    if not _takes_adjustments(session, scope):
        return None
    found = _read(session, "reported_metric", ("value", "adjustment", "reported_value"), metric.id, scope)
    computed, adjustment, reported = found[0] if found else (None, None, None)
    if adjustment is None:
        same = computed == reported == figure.value
        return None if same else Adjusted(reported, Decimal(0), (), holds=False)
    place = ""
    if scope.grain != "group":
        place = f"AND COALESCE({GRAIN_COLUMNS[scope.grain]}, '{UNASSIGNED}') = :s "
    lines = session.rows(
        f"SELECT {', '.join(LINE)} FROM mart.adjustment_line WHERE metric_id = :m AND quarter = :q AND period = :p "
        f"{place}ORDER BY adjustment_no",
        m=metric.id, q=scope.quarter, p=scope.period, **({"s": scope.code} if place else {}),
    )  # fmt: skip
    added = sum((dict(zip(LINE, line, strict=True))["amount"] for line in lines), Decimal(0))
    if metric.ratio:
        same = _near(_divided(metric.ratio, {i.metric.id: i.reported for i in inputs}), reported)
    else:
        through = sum((i.adjusted.adjustment for i in inputs if i.adjusted), Decimal(0))
        same = (figure.value or Decimal(0)) + added + through == reported
    return Adjusted(reported, adjustment, tuple(lines), computed == figure.value and same)


def _proof(
    session: Session, metric: Metric, rows: str, query: str, figure: Figure, printed: Decimal
) -> Proof:
    count, found, *made = session.row(
        f"SELECT count(*), {fingerprint()}, sum(_amount), count(DISTINCT _member), max(_member), {_dates(metric)} "
        f"FROM ({rows})"
    )
    value, same = comes_to(metric, figure, *made)
    listed, lost, name = session.row(
        "SELECT count(*), count(*) FILTER (known_from IS NULL), "
        f"min(concat_ws(' ', source_table, source_key)) FILTER (known_from IS NULL) FROM ({query})"
    )
    holds = same and count == figure.row_count and found == printed and not lost
    return Proof(count, value, found, holds, listed, f"{lost:,} rows, the first {name}" if lost else "")


def comes_to(
    metric: Metric, figure: Figure, added: Any, members: int, state: Any, first: Any, last: Any
) -> tuple[Any, bool]:
    """What the rows come to, and whether that is all the figure says."""
    measure = Part.of(0, metric).measure
    if metric.kind in ("flow", "stock"):
        return (added or Decimal(0)), (added or 0) == figure.value
    if metric.kind == "distinct":
        return Decimal(members), members == figure.value
    if metric.kind == "status":
        # Rows of several states say none.
        text = state if members == 1 else None
        return text, (text, last) == (figure.value_text, figure.value_date)
    if metric.kind == "forecast":
        return f"{first} … {last}", (first, last) == (figure.value_date, figure.value_date_to)
    value = last if measure == "last" else first
    return value, value == figure.value_date


def _dates(metric: Metric) -> str:
    start = metric.time.date if metric.kind == "event_date" else metric.time.from_
    end = metric.time.to if metric.kind == "forecast" else start
    return f"min({start}), max({end})" if metric.kind in _DATED else "NULL, NULL"


def _of_inputs(metric: Metric, figure: Figure, printed: Decimal, inputs: tuple[Explanation, ...]) -> Proof:
    count = sum(i.proof.rows for i in inputs)
    found = sum((i.proof.fingerprint for i in inputs), Decimal(0))
    values = {i.metric.id: i.figure.value or Decimal(0) for i in inputs}
    value: Decimal | None
    if metric.ratio:
        value = _divided(metric.ratio, values)
        same = _near(value, figure.value)
    else:
        value = sum((values.get(t.metric, Decimal(0)) for t in metric.terms), Decimal(0))
        same = value == figure.value
    whole = all(i.holds for i in inputs)
    holds = same and whole and count == figure.row_count and found == printed
    listed, astray = (
        sum(i.proof.ledger_rows for i in inputs),
        [i.proof.astray for i in inputs if i.proof.astray],
    )
    return Proof(count, value, found, holds, listed, "; ".join(astray))


def _divided(ratio: Ratio, values: Mapping[str, Decimal | None]) -> Decimal | None:
    below, above = values.get(ratio.denominator), values.get(ratio.numerator) or Decimal(0)
    return Decimal(float(above) / float(below)).quantize(_LAST_DIGIT) if below else None


def _near(one: Decimal | None, other: Decimal | None) -> bool:
    # The engine divides doubles and rounds to six decimals: allow its last digit.
    return one == other or (one is not None and other is not None and abs(one - other) <= _LAST_DIGIT)
