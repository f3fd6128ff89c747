"""Bases: the figures of a quarter as first reported, as known on a date, as known now.

Belongs here: the relation that holds a basis' figures, with the columns of ``mart.reported_metric``, and why there is
none. Keep out: comparable figures, which have columns of their own (``mart.comparable_metric``); printing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from assets.mart.past import PAST, built, past_statements
from assets.report.publication import read
from assets.report.state import state_of
from data_contracts.calendar import SHANGHAI, Quarter
from data_contracts.comparable import is_compared
from data_contracts.metric import Metric, definition_hash
from data_contracts.model import TableContract
from resources.decisions import DecisionsLog
from resources.engine import Session, Transactions
from resources.failures import Refused

LATEST = "mart.reported_metric"
FIRST = "(SELECT * FROM report.figure WHERE version = 1)"


class NoBasis(Refused):
    """A quarter has no figures on the basis asked for."""


def first_reported(session: Session, quarter: str) -> str:
    """Figures of the first publication of ``quarter``. Raises :class:`NoBasis` where it was never published."""
    if session.rows("SELECT 1 FROM report.publication WHERE quarter = :q AND version = 1", q=quarter):
        return FIRST
    published = [
        r[0] for r in session.rows("SELECT DISTINCT quarter FROM report.publication ORDER BY quarter")
    ]
    known = f"published are {', '.join(published)}" if published else "no quarter is published yet"
    raise NoBasis(
        f"{quarter} was never published, so nothing of it was first reported; {known} → "
        "`--basis latest` shows it as known now, `jibao close` publishes it"
    )


@contextmanager
def known_at(
    engine: Transactions, contracts: Mapping[str, TableContract], cut_off: datetime
) -> Iterator[str]:
    """Figures recomputed as known at ``cut_off`` (aware). Raises :class:`NoBasis` for a cut-off without an answer."""
    with built(engine, known_at_statements(engine, contracts, cut_off)) as catalog:
        yield f"{catalog}{LATEST}"


def known_at_statements(
    engine: Transactions, contracts: Mapping[str, TableContract], cut_off: datetime
) -> list[str]:
    """The SQL of the warehouse as known at ``cut_off`` (aware). Raises :class:`NoBasis` as :func:`known_at` does."""
    with engine.begin() as session:
        if wrong := outside(session, cut_off):
            raise NoBasis(wrong)
    return past_statements(contracts, cut_off)


def first_statements(home: Path, quarter: str, metric: Metric, metrics: Mapping[str, Metric]) -> list[str]:
    """The SQL that made the first publication of ``quarter``, for the rows behind its figure of ``metric``.

    Raises :class:`NoBasis` where the figure was reported by another definition: its rows are found by that one.
    """
    state = state_of(quarter, DecisionsLog(home / "decisions.jsonl").entries())
    if not state.closings:
        raise NoBasis(f"{quarter} was never published, so nothing of it was first reported → `jibao close`")
    document = read(home, quarter, state.closings[0])
    reported, now = document["definitions"].get(metric.id), definition_hash(metric, metrics)
    if reported != now:
        raise NoBasis(
            f"{metric.id} was first reported by definition {(reported or 'none')[:12]} and is {now[:12]} by now, so "
            f"its rows of then are not found by it → `jibao publication verify {quarter}` proves what was reported, "
            f"`--basis known-at=…` explains it by the definition of now"
        )
    return list(document["statements"])


def comparable_statements(
    engine: Transactions,
    contracts: Mapping[str, TableContract],
    quarter: str,
    metric: Metric,
    metrics: Mapping[str, Metric],
) -> tuple[str, list[str]]:
    """The quarter a year before, and the SQL of its figure of ``metric`` in the scope of ``quarter``.

    Raises :class:`NoBasis` where nothing is compared.
    """
    this = Quarter.parse(quarter)
    last = str(Quarter(this.year - 1, this.number))
    if not is_compared(metric):
        raise NoBasis(f"{metric.id} is no number and has no comparable figure → `--basis latest`")
    with engine.begin() as session:
        (known,) = session.row("SELECT known_at FROM core.cut_off")
        if not session.rows("SELECT 1 FROM core.dim_quarter WHERE quarter = :q", q=last):
            raise NoBasis(
                f"nothing to compare {quarter} with: the warehouse speaks of no quarter before 2023Q1"
            )
    chosen = {name: metrics[name] for name in (*metric.inputs, metric.id)}
    return last, past_statements(contracts, known.replace(tzinfo=UTC), chosen, scope_years=1)


@contextmanager
def standing_on(engine: Transactions, statements: Iterable[str]) -> Iterator[Session]:
    """A session in which ``known``, ``core`` and ``mart`` are what ``statements`` make of the versions of rows."""
    with built(engine, statements), engine.begin() as session:
        (home,) = session.row("SELECT current_database()")
        session.run(f"USE {PAST}")
        try:
            yield session
        finally:
            session.run(f"USE {home}")


def outside(session: Session, cut_off: datetime) -> str | None:
    """Why the published warehouse cannot say what was known at ``cut_off`` (aware), or None where it can."""
    (last,) = session.row("SELECT known_at FROM core.cut_off")
    (first,) = session.row("SELECT min(_known_from) FROM mart.quarterly_metric_history")
    # Runs are known in whole seconds; the end of a day is the last moment of its last one.
    at = cut_off.astimezone(UTC).replace(tzinfo=None, microsecond=0)
    if at > last:
        return (
            f"{_shown(at)} lies after the last complete run, {_shown(last)} → "
            "`--basis latest` shows what is known by then, `jibao nightly` learns more"
        )
    if first is None or at < first:
        return (
            f"nothing was known yet at {_shown(at)}: the first complete run is of {_shown(first or last)} → "
            "choose a later cut-off"
        )
    return None


def _shown(at: datetime) -> str:
    """A naive UTC instant as people here read it."""
    return at.replace(tzinfo=UTC).astimezone(SHANGHAI).isoformat(timespec="seconds")
