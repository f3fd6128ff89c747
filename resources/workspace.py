"""The workspace: everything below ``JIBAO_HOME``, held by one writer for the length of a run.

Belongs here: the layout of ``JIBAO_HOME``, the writer's lock and the run's ``known_at``. Keep out: what a
run does with them.

Layout: ``raw/`` landed batches, ``decisions.jsonl`` the log, ``work/`` the two work databases (a cache),
``sources.json`` how each source did last,
``published/`` versions and the pointer ``current.duckdb``, ``dagster/`` Dagster's own storage, ``evidence/``.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from data_contracts.calendar import naive_utc
from resources.decisions import DecisionsLog
from resources.engine import DuckDBEngine
from resources.expectations import Expectations
from resources.failures import RefusedRun
from resources.raw_store import RawStore
from resources.settings import Settings
from resources.states import SOURCE_STATES, SourceStates


@dataclass(frozen=True)
class Workspace:
    """Open workspace of one run; only inside :func:`hold`."""

    settings: Settings
    run_id: str
    known_at: datetime
    raw: RawStore
    decisions: DecisionsLog
    engine: DuckDBEngine
    expectations: Expectations
    states: SourceStates

    @property
    def home(self) -> Path:
        """``JIBAO_HOME``."""
        return self.settings.home

    @property
    def known_utc(self) -> datetime:
        """``known_at`` as the naive UTC that the warehouse stores."""
        return naive_utc(self.known_at)

    @property
    def stamp(self) -> str:
        """``known_at`` as it stands in batch ids and file names: ``20241010T120000Z``."""
        return stamp(self.known_at)


_STAMP = "%Y%m%dT%H%M%SZ"


def stamp(instant: datetime) -> str:
    """UTC instant, in whole seconds, as a name that sorts by time: ``20241010T120000Z``."""
    return instant.astimezone(UTC).strftime(_STAMP)


def stamped(name: str) -> datetime:
    """The instant :func:`stamp` wrote, aware UTC. ``ValueError`` for any other text."""
    return datetime.strptime(name, _STAMP).replace(tzinfo=UTC)


@contextmanager
def hold(
    settings: Settings, *, run_id: str, now: datetime | None = None, reading: bool = False
) -> Iterator[Workspace]:
    """Hold ``JIBAO_HOME`` for one run and yield its workspace.

    ``now``: the run's ``known_at`` (aware); None takes the pinned clock, else the system clock. ``reading``: the
    holder learns and decides nothing, so its ``known_at`` is that of the last run. Raises :class:`RefusedRun`
    when another writer holds the lock or ``known_at`` would not move forward, and
    :class:`~resources.decisions.BrokenChain` for a decisions log that somebody edited.
    """
    home = settings.home
    home.mkdir(parents=True, exist_ok=True)
    with _lock(home / "lock", run_id):
        decisions = DecisionsLog(home / "decisions.jsonl")
        decisions.verify()
        last = last_known_at(decisions) if reading else None
        known_at = last or _known_at(settings, decisions, now)
        engine = DuckDBEngine(
            home / "work" / "warehouse.duckdb",
            home / "work" / "private.duckdb",
            memory_limit=settings.memory_limit,
        )
        with Expectations(engine.url) as expectations:
            raw = RawStore(home / "raw")
            raw.sweep()
            try:
                states = SourceStates(home / SOURCE_STATES)
                yield Workspace(settings, run_id, known_at, raw, decisions, engine, expectations, states)
            finally:
                engine.close()


def last_known_at(decisions: DecisionsLog) -> datetime | None:
    """``known_at`` of the newest entry, None before the first."""
    dated = ("batch", "run", "republish", "waive", "revoke", "replay")
    instants = [datetime.fromisoformat(e["at"]) for e in decisions.entries() if e["kind"] in dated]
    return max(instants, default=None)


def _known_at(settings: Settings, decisions: DecisionsLog, now: datetime | None) -> datetime:
    last = last_known_at(decisions)
    # Whole seconds: they stand in names of batches and files, which sort by time.
    known_at = (now or settings.clock or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0)
    if last is None or known_at > last:
        return known_at
    if now is None and settings.clock is not None:
        # A pinned clock stands still between runs; the run still has to be later than the one before.
        return last + timedelta(seconds=1)
    raise RefusedRun(
        f"known_at {known_at.isoformat()} is not later than the last run's {last.isoformat()} → "
        "give a later --now; what a run has learnt cannot be dated back"
    )


def _holder(text: str) -> str:
    """Who holds the lock, from what it wrote there; it may be writing just now."""
    try:
        held = json.loads(text)
    except ValueError:
        return "an unknown process"
    return f"run {held['run_id']} (process {held['pid']}) since {held['since']}"


@contextmanager
def _lock(path: Path, run_id: str) -> Iterator[None]:
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            holder = _holder(file.read())
            raise RefusedRun(f"{path.parent} is held by {holder} → wait for it to end, or stop it") from error
        file.truncate(0)
        started = datetime.now(UTC).isoformat(timespec="seconds")
        file.write(json.dumps({"run_id": run_id, "pid": os.getpid(), "since": started}))
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)
            fcntl.flock(file, fcntl.LOCK_UN)
