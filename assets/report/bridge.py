"""The bridge: how a quarter's figures got from one cut-off to a later one, by cause, down to the rows.

Belongs here: the states between the two, the figures in each, and the rows behind a difference. Keep out: which
cause a row has (``causes``), how a bridge is printed (the command line).

Sequential substitution: the later cut-off's own SQL runs over the ledger rows of the earlier one, and cause by cause
the rows that have it are exchanged for those of the later one. The difference that a cause makes is the difference
of two states, so the effects add up to the whole difference for any figure, sums, distinct counts and ratios alike.
What is left in the end is no rounding: it is ``unexplained``, an alarm.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from assets.mart.past import STAGED, attach, detach, run
from assets.report.causes import (
    CAUSES,
    IN_STEPS,
    Between,
    change_statements,
    has,
    in_between,
    is_last,
    record,
    same,
    standing,
)
from assets.staged.known import known_statements, refers
from assets.staged.tables import create_tables, key_text
from data_contracts.calendar import Quarter
from data_contracts.metric import Metric, Period
from data_contracts.metric_sql import FIGURE_KEY, contributing_rows_sql
from data_contracts.model import TableContract
from resources.engine import Engine, Session, quoted

UNEXPLAINED = "unexplained"
EFFECT_COLUMNS = (
    "metric_id", "period", "grain", "scope_code", "cause", "affects_quarter", "before", "after", "effect",
)  # fmt: skip
"""What is told of an effect, in order."""

_FIGURES, _ADJUSTMENTS = "mart.reported_metric", "mart.counted_adjustment"
SAID = ("reported_value", "value_date", "value_date_to", "value_text")
"""The columns of a figure that say its value."""

_CREATED = re.compile(r"CREATE (?:OR REPLACE )?(?P<kind>VIEW|TABLE) (?P<name>\w+\.\w+) AS\s")
_READ = re.compile(r"\b(?:known|core|mart)\.\w+")

FigureKey = tuple[str, str, str, str, str]
Figures = Mapping[FigureKey, "Value"]


@dataclass(frozen=True)
class Value:
    """What a figure says: a number, or a text (a date, a span of dates, a status); neither where there is none."""

    number: Decimal | None = None
    text: str = ""

    def __str__(self) -> str:
        return self.text if self.number is None else f"{self.number.normalize():f}"


@dataclass(frozen=True)
class Cut:
    """One end of a bridge: its name (``v1``, ``current``), its cut-off (aware), its SQL and its figures as reported."""

    name: str
    cut_off: datetime
    statements: Sequence[str]
    figures: Figures


@dataclass(frozen=True)
class Effect:
    """What one cause did to one figure. ``effect``: None where a figure is no number."""

    metric_id: str
    period: str
    grain: str
    scope_code: str
    cause: str
    affects_quarter: str
    before: Value
    after: Value

    @property
    def effect(self) -> Decimal | None:
        """Difference, in the metric's stored unit."""
        if self.before.number is None and self.after.number is None:
            return None
        return (self.after.number or Decimal(0)) - (self.before.number or Decimal(0))

    def told(self) -> dict[str, str | None]:
        """Its fields as texts, numbers without trailing zeros."""
        plain = None if self.effect is None else f"{self.effect.normalize():f}"
        return {name: plain if name == "effect" else str(getattr(self, name)) for name in EFFECT_COLUMNS}


@dataclass(frozen=True)
class RowEffect:
    """A ledger row that a cause made count otherwise in a group figure: amounts in the metric's stored unit.

    ``said``: which columns changed, of the row itself or of the row it belongs to.
    """

    metric_id: str
    cause: str
    affects_quarter: str
    source_table: str
    source_key: str
    amount_before: Decimal | None
    amount_after: Decimal | None
    counted_as: str
    said: str


@dataclass(frozen=True)
class _Made:
    """A table or view of a past warehouse: the statement that creates it, and what that reads."""

    kind: str
    name: str
    statement: str
    reads: set[str]


@dataclass(frozen=True)
class Bridge:
    """From one cut to another: effects by figure and cause, rows of the metrics asked for, changed rows by cause."""

    quarter: str
    start: Cut
    end: Cut
    effects: tuple[Effect, ...]
    rows: tuple[RowEffect, ...]
    changed: Mapping[tuple[str, str], int]

    @property
    def unexplained(self) -> tuple[Effect, ...]:
        """Effects that no cause explains: none, or something is wrong."""
        return tuple(e for e in self.effects if e.cause == UNEXPLAINED)


def bridge(
    engine: Engine,
    contracts: Mapping[str, TableContract],
    metrics: Mapping[str, Metric],
    quarter: Quarter,
    start: Cut,
    end: Cut,
    between: Between,
    only: Collection[str] = (),
) -> Bridge:
    """The bridge of ``quarter`` from ``start`` to ``end`` (the later cut-off): every figure, or those of the metrics
    ``only``, then with the rows behind each cause."""
    create_tables(engine, contracts.values())  # of a contract that no night has run yet
    program = _program(end.statements)
    read = {table for made in program for table in made.reads}
    ledgers = {name: contract for name, contract in contracts.items() if f"known.{name}" in read}
    listed = [metrics[m] for m in only if metrics[m].fact]
    effects: list[Effect] = []
    rows: list[RowEffect] = []
    with _prepared(engine, contracts, start, end) as (session, home):
        record(session, between)
        run(session, change_statements(ledgers, between), home)
        changed = _changed(session, ledgers)
        figures = _named(start.figures, only)
        _known(session, ledgers, {table for table, _ in changed})
        for cause in CAUSES:
            tables = [ledgers[t] for t, c in changed if c == cause]
            first = cause == CAUSES[0]
            if not (first or tables):
                continue
            # The rows of the figures as reported are those of the earlier SQL: of a new definition none are listed.
            listing = [] if first else listed
            for metric in listing:
                _keep_rows(session, metric, quarter, ledgers)
            if cause == "adjustment":
                session.run(f"CREATE TABLE change._adjustment AS SELECT * FROM {_ADJUSTMENTS}")
            for contract in tables:
                _apply(session, contract, cause, between)
            if first:
                run(session, (made.statement for made in program), home)
            else:
                _rebuild(session, program, {f"known.{c.name}" for c in tables}, home)
            now = _named(figures_of(session, f"{quarter.year}Q1", str(quarter)), only)
            effects += _effects(figures, now, cause, quarter, metrics)
            for metric in listing:
                rows += _row_effects(session, ledgers, metric, quarter, cause)
            if cause == "adjustment" and only:
                rows += _adjustments(session, quarter, only)
            figures = now
        effects += _effects(figures, _named(end.figures, only), UNEXPLAINED, quarter, metrics)
    return Bridge(str(quarter), start, end, tuple(effects), tuple(rows), changed)


def _named(figures: Figures, only: Collection[str]) -> Figures:
    return {k: v for k, v in figures.items() if k[0] in only} if only else figures


@contextmanager
def _prepared(
    engine: Engine, contracts: Mapping[str, TableContract], start: Cut, end: Cut
) -> Iterator[tuple[Session, str]]:
    """A catalog in memory with ``known`` as ``before`` and as ``after``; yields a session in it, and home's name."""
    with engine.begin() as session:
        home = attach(session)
    try:
        with engine.begin() as session:
            statements = [
                *(f"CREATE SCHEMA {name}" for name in ("before", "after", "change", "known", "core", "mart")),
                *known_statements(contracts, schema="before", staged=STAGED, cut_off=start.cut_off),
                *known_statements(contracts, schema="after", staged=STAGED, cut_off=end.cut_off),
            ]
            try:
                run(session, statements, home)
                yield session, home
            finally:
                session.run(f"USE {home}")
    finally:
        with engine.begin() as session:
            detach(session)


def _changed(session: Session, contracts: Mapping[str, TableContract]) -> dict[tuple[str, str], int]:
    """(table, cause) → changed rows; one with two causes stands under both."""
    parts = [
        f"SELECT '{name}' AS table_name, unnest(string_split(causes, ',')) AS cause FROM change.{name}"
        for name in contracts
    ]
    counted = (
        f"SELECT table_name, cause, count(*) FROM ({' UNION ALL '.join(parts)}) GROUP BY ALL ORDER BY ALL"
    )
    return {(table, cause): n for table, cause, n in session.rows(counted)}


def _known(session: Session, contracts: Mapping[str, TableContract], touched: Collection[str]) -> None:
    """``known`` as it was at the first cut-off: tables for what will change, views for the rest."""
    for name in contracts:
        kind = "TABLE" if name in touched else "VIEW"
        for table in (name, f"{name}__versions"):
            session.run(f"CREATE {kind} known.{table} AS SELECT * FROM before.{table}")


def _apply(session: Session, contract: TableContract, cause: str, between: Between) -> None:
    """Exchange the rows that have this cause, current ones and versions, for those they have become by it."""
    name = contract.name
    of_cause = f"FROM change.{name} AS c WHERE {has(cause)}"
    whole = f"FROM change.{name} AS c WHERE {is_last(cause)}"
    ids = quoted(contract.identity)
    for table in (name, f"{name}__versions"):
        session.run(f"DELETE FROM known.{table} WHERE ({ids}) IN (SELECT ({ids}) {of_cause})")
        session.run(
            f"INSERT INTO known.{table} BY NAME SELECT * FROM after.{table} WHERE ({ids}) IN (SELECT ({ids}) {whole})"
        )
    if cause not in IN_STEPS:
        return
    step = (
        f"SELECT {in_between(contract, cause, between.as_of)} FROM change.{name} AS c "
        f"JOIN ({standing(contract, 'before')}) AS b ON {same(contract, 'b', 'c')} "
        f"JOIN ({standing(contract, 'after')}) AS a ON {same(contract, 'a', 'c')} "
        f"WHERE {has(cause)} AND NOT {is_last(cause)}"
    )
    session.run(f"INSERT INTO known.{name} BY NAME {step}")
    session.run(
        f"INSERT INTO known.{name}__versions BY NAME SELECT *, CAST(NULL AS TIMESTAMP) AS _known_to FROM ({step})"
    )
    session.run(
        f"INSERT INTO known.{name}__versions BY NAME SELECT * FROM before.{name}__versions WHERE _known_to IS NOT NULL "
        f"AND ({ids}) IN (SELECT ({ids}) {of_cause} AND NOT {is_last(cause)})"
    )


def _program(statements: Sequence[str]) -> list[_Made]:
    """All that stands on ``known`` and that figures rest on, in order."""
    needed, program = {_FIGURES, _ADJUSTMENTS}, []
    for statement in reversed(statements):
        created = _CREATED.match(statement)
        if created and created["name"] in needed and not created["name"].startswith("known."):
            reads = {table.removesuffix("__versions") for table in _READ.findall(statement)}
            program.append(_Made(created["kind"], created["name"], statement, reads - {created["name"]}))
            needed |= reads
    return program[::-1]


def _rebuild(session: Session, program: Sequence[_Made], stale: set[str], home: str) -> None:
    """Run what rests on ``stale`` again, in order; a view that rests on it is another one by itself."""
    stale = set(stale)
    for made in program:
        if made.reads & stale:
            stale.add(made.name)
            if made.kind == "TABLE":
                run(session, [f"DROP TABLE {made.name}", made.statement], home)


def figures_of(session: Session, first: str, last: str) -> dict[FigureKey, Value]:
    """Figures as they would be reported now, of the quarters from ``first`` to ``last``."""
    rows = session.rows(
        f"SELECT {', '.join((*FIGURE_KEY, *SAID))} FROM {_FIGURES} WHERE quarter BETWEEN :first AND :last",
        first=first, last=last,
    )  # fmt: skip
    return {tuple(row[:5]): value_of(*row[5:]) for row in rows}


def value_of(number: object, day: object, until: object, text: object) -> Value:
    """A figure's four columns as what it says."""
    if number is not None:
        return Value(Decimal(str(number)))
    span = f"{day} … {until}" if until is not None and until != day else str(day or "")
    return Value(None, f"{text} {span}".strip() if text is not None else span)


def _effects(
    before: Figures, after: Figures, cause: str, quarter: Quarter, metrics: Mapping[str, Metric]
) -> Iterator[Effect]:
    """What differs, for the quarter's own figures; the year to date of a flow by the quarter it belongs to."""
    name = str(quarter)
    for key in sorted(before.keys() | after.keys()):
        metric_id, of, period, grain, scope = key
        old, new = before.get(key, Value()), after.get(key, Value())
        if of != name or old == new:
            continue
        effect = Effect(metric_id, period, grain, scope, cause, name, old, new)
        yield from _by_quarter(effect, before, after, quarter, metrics.get(metric_id))


def _by_quarter(
    effect: Effect, before: Figures, after: Figures, quarter: Quarter, metric: Metric | None
) -> Iterator[Effect]:
    if metric is None or metric.kind != "flow" or effect.period != "ytd" or "quarter" not in metric.periods:
        yield effect
        return
    left = effect.before
    parts = []
    for number in range(1, quarter.number + 1):
        of = f"{quarter.year}Q{number}"
        key = (effect.metric_id, of, "quarter", effect.grain, effect.scope_code)
        moved = (after.get(key, Value()).number or Decimal(0)) - (
            before.get(key, Value()).number or Decimal(0)
        )
        if moved:
            then = Value((left.number or Decimal(0)) + moved)
            parts.append(replace(effect, affects_quarter=of, before=left, after=then))
            left = then
    # Earlier quarters of a publication are not in it: then the difference stands whole.
    yield from parts if left == effect.after else [effect]


def _periods(metric: Metric, quarter: Quarter) -> list[tuple[str, Period]]:
    """(quarter, period) windows in which the rows of a figure are listed."""
    if "quarter" in metric.periods and "ytd" in metric.periods:
        return [(f"{quarter.year}Q{n}", "quarter") for n in range(1, quarter.number + 1)]
    return [(str(quarter), metric.periods[0])]


def _rows_sql(metric: Metric, quarter: Quarter, contracts: Mapping[str, TableContract]) -> str:
    """Rows of a figure by the quarter they count in and the ledger row they rest on, whatever its revision."""
    parts = [
        f"SELECT '{of}' AS affects_quarter, _source_table AS source_table, {_identity_text(contracts)} AS source_key, "
        f"CAST(_amount AS DECIMAL(38, 6)) AS amount, CAST(_member AS VARCHAR) AS member "
        f"FROM ({contributing_rows_sql(metric, of, period)})"
        for of, period in _periods(metric, quarter)
    ]
    return (
        "SELECT affects_quarter, source_table, source_key, sum(amount) AS amount, "
        "string_agg(DISTINCT member, '、' ORDER BY member) AS member, count(*) AS n "
        f"FROM ({' UNION ALL '.join(parts)}) GROUP BY ALL"
    )


def _identity_text(contracts: Mapping[str, TableContract]) -> str:
    """A fact's ``_source_key`` without its revision, which stands last."""
    cases = [
        f"WHEN _source_table = '{c.name}' AND len(string_split(_source_key, '|')) = {len(c.key)} "
        f"THEN array_to_string(string_split(_source_key, '|')[1:{len(c.identity)}], '|')"
        for c in contracts.values()
        if c.identity != c.key
    ]
    return f"CASE {' '.join(cases)} ELSE _source_key END" if cases else "_source_key"


def _keep_rows(
    session: Session, metric: Metric, quarter: Quarter, contracts: Mapping[str, TableContract]
) -> None:
    session.run(
        f"CREATE OR REPLACE TABLE change._rows_of_{metric.id} AS {_rows_sql(metric, quarter, contracts)}"
    )


def _row_effects(
    session: Session, contracts: Mapping[str, TableContract], metric: Metric, quarter: Quarter, cause: str
) -> list[RowEffect]:
    """Rows whose share in the figure is another since the rows were kept, with what is said of each."""
    using = "affects_quarter, source_table, source_key"
    session.run(
        f"CREATE OR REPLACE TABLE change._moved AS SELECT {using}, o.amount AS was, n.amount AS is_now, "
        f"COALESCE(n.member, o.member, '') AS member FROM change._rows_of_{metric.id} AS o "
        f"FULL JOIN ({_rows_sql(metric, quarter, contracts)}) AS n USING ({using}) "
        "WHERE o.amount IS DISTINCT FROM n.amount OR o.member IS DISTINCT FROM n.member OR o.n IS DISTINCT FROM n.n"
    )
    # A fact that is made of several ledger rows names the leading columns of their key.
    parts = session.rows(
        "SELECT source_table, max(len(string_split(source_key, '|'))) FROM change._moved GROUP BY 1"
    )
    tellers = [
        teller for table, n in parts if table in contracts for teller in _said(contracts[table], n, contracts)
    ]
    told = " UNION ALL ".join(tellers or ["SELECT '' AS source_table, '' AS source_key, '' AS said"])
    rows = session.rows(
        f"SELECT {', '.join(f'm.{c.strip()}' for c in using.split(','))}, m.was, m.is_now, m.member, "
        f"COALESCE(string_agg(DISTINCT t.said, '; ' ORDER BY t.said), '') FROM change._moved AS m "
        f"LEFT JOIN ({told}) AS t USING (source_table, source_key) GROUP BY ALL ORDER BY ALL"
    )
    return [RowEffect(metric.id, cause, *row) for row in rows]


def _adjustments(session: Session, quarter: Quarter, only: Collection[str]) -> list[RowEffect]:
    """Adjustments of these metrics that count otherwise than before, with their reasons."""
    rows = session.rows(
        "SELECT COALESCE(n.metric_id, o.metric_id), COALESCE(n.adjusted_quarter, o.adjusted_quarter), adjustment_no, "
        "o.amount, n.amount, COALESCE(n.accounting_reason || ': ' || n.reason, '') "
        f"FROM (SELECT * FROM change._adjustment WHERE quarter = :q) AS o "
        f"FULL JOIN (SELECT * FROM {_ADJUSTMENTS} WHERE quarter = :q) AS n USING (adjustment_no) "
        "WHERE o.amount IS DISTINCT FROM n.amount ORDER BY ALL",
        q=str(quarter),
    )
    return [
        RowEffect(metric_id, "adjustment", of, "fin_adjustment", number, was, is_now, "", said)
        for metric_id, of, number, was, is_now, said in rows
        if metric_id in only
    ]


def _said(contract: TableContract, parts: int, contracts: Mapping[str, TableContract]) -> Iterator[str]:
    """What changed of the rows of a ledger, by the first ``parts`` columns of their key: in the row itself, and in the
    rows it refers to."""
    name, named = contract.name, contract.identity[:parts]
    yield (
        f"SELECT '{name}' AS source_table, {key_text(contract, 'c', named)} AS source_key, said "
        f"FROM change.{name} AS c WHERE said <> ''"
    )
    for reference in contract.relationships:
        parent = contracts.get(reference.parent)
        if parent is None or reference.via or not set(reference.parent_columns) <= set(parent.identity):
            continue
        yield (
            f"SELECT '{name}', {key_text(contract, 'd', named)}, "
            f"'{parent.name} ' || p.key_text || ': ' || p.said "
            f"FROM after.{name} AS d JOIN change.{parent.name} AS p ON {refers(reference, 'd', 'p')} WHERE p.said <> ''"
        )
