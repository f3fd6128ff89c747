"""The bridge: how a quarter's figures got from one cut-off to a later one, by cause, down to the rows.

Belongs here: the states between the two and the figures in each. Keep out: which cause a row has (``causes``), the
rows behind a difference (``evidence``), how a bridge is printed (the command line).

Sequential substitution: the later cut-off's own SQL runs over the ledger rows of the earlier one, and cause by cause
the rows that have it are exchanged for those of the later one. The difference that a cause makes is the difference
of two states, so the effects add up to the whole difference for any figure, sums, distinct counts and ratios alike.
What moves with the rows that fit no cause, exchanged last, and what is left in the end is no rounding: it is
``unexplained``, an alarm.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from assets.mart.ledger_rows import LEDGER_ROWS
from assets.mart.past import STAGED, attach, detach, run, step
from assets.report.causes import (
    CAUSES,
    IN_STEPS,
    REST,
    Between,
    change_statements,
    has,
    in_between,
    is_last,
    record,
    same,
    standing,
)
from assets.report.evidence import (
    ADJUSTMENTS,
    Place,
    RowEffect,
    adjustments,
    keep_adjustments,
    keep_rows,
    row_effects,
    rows_sql,
)
from assets.staged.known import known_statements
from assets.staged.tables import create_tables
from data_contracts.calendar import Quarter
from data_contracts.metric import Metric
from data_contracts.metric_sql import FIGURE_KEY
from data_contracts.model import TableContract
from resources.engine import Engine, Session, quoted

UNEXPLAINED = "unexplained"
EFFECT_COLUMNS = (
    "metric_id", "period", "grain", "scope_code", "cause", "affects_quarter", "before", "after", "effect",
)  # fmt: skip
"""What is told of an effect, in order."""

_FIGURES = "mart.reported_metric"
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
    place: Place = ("group", ""),
) -> Bridge:
    """The bridge of ``quarter`` from ``start`` to ``end`` (the later cut-off): every figure, or those of the metrics
    ``only``, then with the rows behind each cause at ``place``."""
    create_tables(engine, contracts.values())  # of a contract that no night has run yet
    program = _program(end.statements)
    read = {table for made in program for table in made.reads}
    ledgers = {name: contract for name, contract in contracts.items() if f"known.{name}" in read}
    listed = [metrics[m] for m in only if metrics[m].fact and place[0] in metrics[m].grains]
    rests_on = {m.id: set(_READ.findall(rows_sql(m, quarter, place, ledgers))) for m in listed}
    rows: list[RowEffect] = []

    def said_now(session: Session) -> Figures:
        return _named(figures_of(session, f"{quarter.year}Q1", str(quarter)), only)

    with _prepared(engine, contracts, start, end) as home:
        with step(engine, home) as session:
            record(session, between)
            run(session, change_statements(ledgers, between), home)
            changed = _changed(session, ledgers)
            having = {c: [ledgers[t] for t, of in changed if of == c] for c in (*CAUSES, REST)}
            _known(session, ledgers, {table for table, _ in changed})
            for contract in having[CAUSES[0]]:
                _apply(session, contract, CAUSES[0], between)
            run(session, (made.statement for made in program), home)
            figures = said_now(session)
            effects = list(_effects(_named(start.figures, only), figures, CAUSES[0], quarter, metrics))
            # Rows of the figures as reported are those of the earlier SQL: of a new definition none are told.
            for metric in listed:
                keep_rows(session, metric, quarter, place, ledgers)
        for cause in (c for c in (*CAUSES[1:], REST) if having[c]):
            said = UNEXPLAINED if cause == REST else cause
            # A transaction a cause: what it replaces is let go before the next.
            with step(engine, home) as session:
                if cause == "adjustment":
                    keep_adjustments(session)
                for contract in having[cause]:
                    _apply(session, contract, cause, between)
                stale = _rebuild(session, program, {f"known.{c.name}" for c in having[cause]}, home)
                before, figures = figures, said_now(session)
                effects += _effects(before, figures, said, quarter, metrics)
                for metric in listed:
                    if rests_on[metric.id] & stale:
                        rows += row_effects(session, ledgers, metric, quarter, place, said)
                if cause == "adjustment" and only:
                    rows += adjustments(session, quarter, place, only)
        effects += _effects(figures, _named(end.figures, only), UNEXPLAINED, quarter, metrics)
    return Bridge(str(quarter), start, end, tuple(effects), tuple(rows), changed)


def _named(figures: Figures, only: Collection[str]) -> Figures:
    return {k: v for k, v in figures.items() if k[0] in only} if only else figures


@contextmanager
def _prepared(engine: Engine, contracts: Mapping[str, TableContract], start: Cut, end: Cut) -> Iterator[str]:
    """A catalog in memory with ``known`` as ``before`` and as ``after``; yields the name of the one with ``staged``."""
    with engine.begin() as session:
        home = attach(session)
    try:
        with step(engine, home) as session:
            statements = [
                *(f"CREATE SCHEMA {name}" for name in ("before", "after", "change", "known", "core", "mart")),
                *known_statements(contracts, schema="before", staged=STAGED, cut_off=start.cut_off),
                *known_statements(contracts, schema="after", staged=STAGED, cut_off=end.cut_off),
            ]
            run(session, statements, home)
        yield home
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
    """All that stands on ``known`` and that figures and their rows rest on, in order."""
    needed, program = {_FIGURES, ADJUSTMENTS, LEDGER_ROWS}, []
    for statement in reversed(statements):
        created = _CREATED.match(statement)
        if created and created["name"] in needed and not created["name"].startswith("known."):
            reads = {table.removesuffix("__versions") for table in _READ.findall(statement)}
            program.append(_Made(created["kind"], created["name"], statement, reads - {created["name"]}))
            needed |= reads
    return program[::-1]


def _rebuild(session: Session, program: Sequence[_Made], changed: set[str], home: str) -> set[str]:
    """Run what rests on ``changed`` again, in order; returns all that is another one now.

    A view that rests on it is another one by itself; a table only where its rows are others, and what rests on one
    that came out the same is left alone.
    """
    stale = set(changed)
    for made in program:
        if not made.reads & stale:
            continue
        if made.kind == "TABLE":
            before = _content(session, made.name)
            run(session, [f"DROP TABLE {made.name}", made.statement], home)
            if _content(session, made.name) == before:
                continue
        stale.add(made.name)
    return stale


def _content(session: Session, table: str) -> tuple[object, ...]:
    """How many rows, and a fingerprint of them all in any order."""
    return session.row(f"SELECT count(*), sum(hash(_whole)) FROM {table} AS _whole")


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
