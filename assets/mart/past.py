"""The warehouse as known at a cut-off: the same core and metric SQL over ``staged`` as it was known then.

Belongs here: that SQL as a list of statements, and running it in a catalog in memory. Keep out: what is asked
of the result, and which cut-offs exist (``assets.report``). Facts are not versioned: every past view is a recompute.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from assets.mart.adjustments import reported_statements
from assets.materialize import cut_off_statement
from assets.sql_files import create_statement, sql_files
from assets.staged.known import known_statements
from data_contracts.metric import Metric, load_metrics
from data_contracts.metric_sql import fact_queries, quarterly_metric_of
from data_contracts.model import TableContract
from resources.engine import Session, Transactions

PAST = "past"
STAGED = "@staged@"
"""Stands in the statements for the schema that holds the versions, wherever the file lies."""


def past_statements(
    contracts: Mapping[str, TableContract],
    cut_off: datetime,
    metrics: Mapping[str, Metric] | None = None,
    scope_years: int = 0,
) -> list[str]:
    """Statements that build ``known``, ``core``, ``mart`` and the figures as known at ``cut_off`` (aware).

    ``scope_years``: by how many years after the as-of date scope is read, for comparable figures.
    """
    metrics = metrics or load_metrics()
    # A table a fact, so that a bridge computes anew only the figures of the facts it touches.
    by_fact = {f"mart.{f}_figure": sql for f, sql in fact_queries(metrics, 12 * scope_years).items()}
    return [
        *(f"CREATE SCHEMA {schema}" for schema in ("known", "core", "mart")),
        *known_statements(contracts, staged=STAGED, cut_off=cut_off),
        cut_off_statement(cut_off),
        # A run's own records (meta) are of that run; no past figure reads them.
        *(
            create_statement(file)
            for layer in ("core", "mart")
            for file in sql_files(layer).values()
            if not any(table.startswith("meta.") for table in file.reads)
        ),
        *(f"CREATE TABLE {table} AS {sql}" for table, sql in by_fact.items()),
        f"CREATE TABLE mart.quarterly_metric AS {quarterly_metric_of(by_fact, metrics)}",
        *reported_statements(metrics),
    ]


@contextmanager
def built(engine: Transactions, statements: Iterable[str]) -> Iterator[str]:
    """Run statements in a catalog in memory; yields its prefix (``past.``) and drops it afterwards."""
    with engine.begin() as session:
        home = attach(session)
    try:
        with step(engine, home) as session:
            run(session, statements, home)
        yield f"{PAST}."
    finally:
        with engine.begin() as session:
            detach(session)


@contextmanager
def step(engine: Transactions, home: str) -> Iterator[Session]:
    """One transaction in the attached catalog, whose tables are what names mean within it."""
    with engine.begin() as session:
        session.run(f"USE {PAST}")
        try:
            yield session
        finally:
            session.run(f"USE {home}")


def attach(session: Session) -> str:
    """Attach the catalog in memory; returns the name of the one that holds ``staged``."""
    (home,) = session.row("SELECT current_database()")
    session.run(f"ATTACH ':memory:' AS {PAST}")
    return str(home)


def detach(session: Session) -> None:
    """Drop the catalog in memory and all that is in it."""
    session.run(f"DETACH {PAST}")


def run(session: Session, statements: Iterable[str], home: str) -> None:
    """Run statements in a :func:`step`; ``home`` is the catalog that holds ``staged``."""
    for statement in statements:
        session.run(statement.replace(STAGED, f"{home}.staged"))
