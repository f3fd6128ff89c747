"""The ledger rows behind a figure, and the proof that they are all of them.

Belongs here: finding the rows by the figure's own SQL, tracing each to its batch and place at the source, and
proving count, value and fingerprint. Keep out: how rows are printed or exported (the command line), what a metric
means (``data_contracts.metric``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from assets.staged.tables import key_text
from data_contracts.claim import Figure
from data_contracts.metric import Grain, Metric, Period
from data_contracts.metric_parts import Part
from data_contracts.metric_sql import contributing_rows_sql, fingerprint
from data_contracts.model import TableContract
from resources.engine import Row, Session
from resources.failures import Refused

_FIGURE = tuple(Figure.__dataclass_fields__)
LAST = (
    "amount", "counted_as", "source_table", "source_key", "source_ref", "row_no", "batch_id", "known_from",
)  # fmt: skip
"""Columns that every explained row ends with: what it adds to the figure, the key (or state) it counts as, where it
stands at the source, and since when it is known."""


class NoFigure(Refused):
    """There is no such figure: the message names it and what there is."""


@dataclass(frozen=True)
class Scope:
    """Which figure of a metric: quarter, period, grain and code (``''`` for the group)."""

    quarter: str
    period: Period
    grain: Grain = "group"
    code: str = ""

    def __str__(self) -> str:
        return f"{self.quarter} {self.period}" + (f" {self.grain} {self.code}" if self.code else "")


@dataclass(frozen=True)
class Proof:
    """What the rows come to beside what the figure says; ``value`` is None where rows are not added up."""

    rows: int
    value: Decimal | str | None
    fingerprint: Decimal
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


def explain(
    session: Session,
    metric: Metric,
    scope: Scope,
    metrics: Mapping[str, Metric],
    contracts: Mapping[str, TableContract],
) -> Explanation:
    """Explain one figure of ``mart.quarterly_metric``. Raises :class:`NoFigure` where there is none."""
    figure, printed = _figure(session, metric, scope)
    if metric.inputs:
        periods = {t.metric: t.period for t in metric.terms}
        places = {
            name: Scope(scope.quarter, periods.get(name) or scope.period, scope.grain, scope.code)
            for name in metric.inputs
        }
        inputs = tuple(
            explain(session, metrics[name], place, metrics, contracts)
            for name, place in places.items()
            if _found(session, name, place)
        )
        return Explanation(metric, scope, figure, _of_inputs(metric, figure, printed, inputs), inputs=inputs)
    rows = contributing_rows_sql(metric, scope.quarter, scope.period, scope.grain, scope.code)
    query = _traced(session, rows, contracts)
    columns = tuple(name for name, _ in session.columns(query))
    return Explanation(metric, scope, figure, _proof(session, metric, rows, figure, printed), columns, query)


def rows(session: Session, explanation: Explanation, limit: int | None = None) -> list[Row]:
    """The rows of an explanation without inputs, those that weigh most first; ``limit`` None = all."""
    bound = f" LIMIT {limit}" if limit is not None else ""
    return session.rows(
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
    return session.rows(
        f"SELECT {', '.join(_FIGURE)}, fingerprint FROM mart.quarterly_metric WHERE metric_id = :m "
        "AND quarter = :q AND period = :p AND grain = :g AND scope_code = :s",
        m=metric_id, q=scope.quarter, p=scope.period, g=scope.grain, s=scope.code,
    )  # fmt: skip


def _proof(session: Session, metric: Metric, rows: str, figure: Figure, printed: Decimal) -> Proof:
    count, added, members, state, first, last, found = session.row(
        f"SELECT count(*), sum(_amount), count(DISTINCT _member), max(_member), {_dates(metric)}, "
        f"{fingerprint()} FROM ({rows})"
    )
    value: Any
    is_last = Part.of(0, metric).measure == "last"
    if metric.kind in ("flow", "stock"):
        value, same = (added or Decimal(0)), (added or 0) == figure.value
    elif metric.kind == "distinct":
        value, same = Decimal(members), members == figure.value
    elif metric.kind == "status":
        value, same = state, members > 1 or state == figure.value_text
    else:
        value = f"{first} … {last}" if metric.kind == "forecast" else (last if is_last else first)
        same = figure.value_date == (last if is_last else first)
    return Proof(count, value, found, same and count == figure.row_count and found == printed)


def _dates(metric: Metric) -> str:
    if metric.kind == "event_date":
        return f"min({metric.time.date}), max({metric.time.date})"
    if metric.kind == "forecast":
        return f"min({metric.time.from_}), max({metric.time.to})"
    return "NULL, NULL"


def _of_inputs(metric: Metric, figure: Figure, printed: Decimal, inputs: tuple[Explanation, ...]) -> Proof:
    count = sum(i.proof.rows for i in inputs)
    found = sum((i.proof.fingerprint for i in inputs), Decimal(0))
    values = {i.metric.id: i.figure.value or Decimal(0) for i in inputs}
    value: Decimal | None
    if metric.ratio:
        below = values.get(metric.ratio.denominator)
        above = values.get(metric.ratio.numerator, Decimal(0))
        value = Decimal(float(above) / float(below)).quantize(Decimal("0.000001")) if below else None
        # The engine divides doubles and rounds to six decimals: allow its last digit.
        same = value == figure.value or (
            value is not None
            and figure.value is not None
            and abs(value - figure.value) <= Decimal("0.000001")
        )
    else:
        value = sum((values.get(t.metric, Decimal(0)) for t in metric.terms), Decimal(0))
        same = value == figure.value
    whole = all(i.proof.holds for i in inputs)
    return Proof(count, value, found, same and whole and count == figure.row_count and found == printed)


def _traced(session: Session, rows: str, contracts: Mapping[str, TableContract]) -> str:
    """The rows with their place at the source; one that rests on several ledger rows stands with each.

    A fact's ``_source_key`` is the ledger's natural key, or its leading columns where a row is made of several.
    """
    kinds = session.rows(
        "SELECT _source_table, max(length(_source_key) - length(replace(_source_key, '|', ''))) + 1 "
        f"FROM ({rows}) GROUP BY _source_table"
    )
    # None of them: an empty answer with the same columns.
    tables = [(t, n) for t, n in kinds if t in contracts] or [next((c, 1) for c in contracts)]
    places = " UNION ALL ".join(_places(contracts[table], int(parts)) for table, parts in tables)
    return (
        f"WITH fact AS ({rows}), place AS ({places}) SELECT "
        "f.* EXCLUDE (_source_table, _source_key, _row_hash, _amount, _member), "
        "CAST(f._amount AS DECIMAL(38, 6)) AS amount, CAST(f._member AS VARCHAR) AS counted_as, "
        "f._source_table AS source_table, COALESCE(p.whole_key, f._source_key) AS source_key, p.source_ref, "
        "p.row_no, p.batch_id, p.known_from FROM fact AS f LEFT JOIN place AS p "
        "ON p.table_name = f._source_table AND p.key_text = f._source_key"
    )


def _places(contract: TableContract, parts: int) -> str:
    return (
        f"SELECT '{contract.name}' AS table_name, {key_text(contract, columns=contract.key[:parts])} AS key_text, "
        f"{key_text(contract)} AS whole_key, _source_ref AS source_ref, _row_no AS row_no, "
        f"_batch_id AS batch_id, _known_from AS known_from FROM known.{contract.name}"
    )
