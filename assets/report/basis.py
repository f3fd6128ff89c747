"""Bases: the figures of a quarter as first reported, as known on a date, as known now.

Belongs here: the relation that holds a basis' figures, with the columns of ``mart.reported_metric``, and why there is
none. Keep out: comparable figures, which have columns of their own (``mart.comparable_metric``); printing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

from assets.mart.past import built, past_statements
from data_contracts.calendar import SHANGHAI
from data_contracts.model import TableContract
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
    with engine.begin() as session:
        if wrong := outside(session, cut_off):
            raise NoBasis(wrong)
    with built(engine, past_statements(contracts, cut_off)) as catalog:
        yield f"{catalog}{LATEST}"


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
