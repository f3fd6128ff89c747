"""Random histories of a small warehouse: what ledgers send night after night, and what people decide.

Belongs here: playing a script (``history_sources``) through the product's own steps: raw, log, staging, decisions.
Keep out: the ledgers (``history_ledgers``), what must hold over a history (``test_histories``, ``test_bridge``).

A test over the same histories writes::

    @few
    @given(scripts())
    def test_...(folder, script):
        with played(folder, script) as history:
            for cut_off in history.cut_offs:
                with history.as_known(cut_off) as session:
                    session.rows("SELECT ... FROM mart.quarterly_metric")

Inside ``played`` the product's ``past_statements`` builds the core tables of these ledgers, not the group's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import pyarrow as pa
from hypothesis import HealthCheck, Phase, settings

from assets.mart import past
from assets.mart.past import STAGED, built, past_statements
from assets.staged import movements
from assets.staged.catch_up import catch_up
from assets.staged.known import known_statements
from assets.staged.pending import committed_batches
from assets.staged.quarantine import rejected
from assets.staged.restage import definition_changed, record_definition, restage
from assets.staged.tables import create_tables
from data_contracts.metric import Metric
from data_contracts.model import TableContract
from data_contracts.rules import rules_of
from resources.decisions import DecisionsLog
from resources.engine import DuckDBEngine, Session
from resources.failures import RefusedDecision
from resources.raw_store import Window
from resources.settings import load_settings
from resources.sources.base import Extraction, landed_schema
from resources.workspace import Workspace, hold
from tests.assets.history_ledgers import Ledgers, ledgers
from tests.assets.history_sources import DECISIONS, HAPPENS, MEND, Night, Row, Sources

FIRST_NIGHT = datetime(2024, 10, 10, 12, tzinfo=UTC)

_QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]

# Shrinking a history takes minutes: the extended tests do it, the fast ones show the first that fails.
few = settings(
    max_examples=3, deadline=None, derandomize=True, database=None, suppress_health_check=_QUIET,
    phases=[Phase.explicit, Phase.generate],
)  # fmt: skip
many = settings(max_examples=60, deadline=None, suppress_health_check=_QUIET)


@dataclass
class History:
    """A script that was played. ``cut_offs``: every instant at which something became known, in order."""

    ws: Workspace
    ledgers: Ledgers
    cut_offs: list[datetime] = field(default_factory=list)
    mended_at: datetime | None = None

    def contracts_at(self, cut_off: datetime) -> Mapping[str, TableContract]:
        """The contracts in force then."""
        mended = self.mended_at is not None and cut_off >= self.mended_at
        return self.ledgers.mended if mended else self.ledgers.contracts

    @property
    def contracts(self) -> Mapping[str, TableContract]:
        """The contracts in force at the end."""
        return self.contracts_at(self.cut_offs[-1])

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """All metrics over the ledgers."""
        return self.ledgers.metrics

    @contextmanager
    def as_known(self, cut_off: datetime) -> Iterator[Session]:
        """A session in which ``known``, ``core`` and ``mart`` are those of ``cut_off``, as the product says."""
        statements = past_statements(self.contracts, cut_off, self.metrics)
        with _standing_in(self.ws.engine, statements) as session:
            yield session

    @contextmanager
    def afresh(self, cut_off: datetime, folder: Path) -> Iterator[Session]:
        """The same of a new warehouse that learnt what the log held at ``cut_off``, and shows its latest state."""
        folder.mkdir(parents=True)
        log = DecisionsLog(folder / "decisions.jsonl")
        lines = self.ws.decisions.path.read_text(encoding="utf-8").splitlines(keepends=True)
        entries = list(self.ws.decisions.entries())
        told = [
            line for line, e in zip(lines, entries, strict=True) if datetime.fromisoformat(e["at"]) <= cut_off
        ]
        log.path.write_text("".join(told), encoding="utf-8")
        engine = DuckDBEngine(folder / "warehouse.duckdb", folder / "private.duckdb")
        _small(engine)
        ws, contracts = replace(self.ws, engine=engine, decisions=log), self.contracts_at(cut_off)
        try:
            create_tables(engine, contracts.values())
            for table in contracts.values():
                catch_up(ws, table, rules_of(table))
            # Its latest state: the product's own statements, with no cut-off on what is known.
            with patch.object(
                past, "known_statements", lambda tables, **_: known_statements(tables, staged=STAGED)
            ):
                statements = past_statements(contracts, cut_off, self.metrics)
            with _standing_in(engine, statements) as session:
                yield session
        finally:
            engine.close()


@contextmanager
def played(folder: Path, script: Sequence[Night]) -> Iterator[History]:
    """Play a script into ``folder`` (empty) and yield its history, its warehouse open."""
    small = ledgers(folder.parent / "ledgers")
    with (
        patch.object(past, "sql_files", small.files),
        hold(load_settings(folder), run_id="history", now=FIRST_NIGHT) as ws,
    ):
        history, sources = History(ws, small), Sources()
        _small(ws.engine)
        create_tables(ws.engine, small.contracts.values())
        for days, steps in enumerate(script):
            _play(history, sources, FIRST_NIGHT + timedelta(days=3 * days), steps)
        yield history


def _play(history: History, sources: Sources, at: datetime, steps: Night) -> None:
    """One night: what happened that day is extracted and staged; what was decided comes an hour later each."""
    for name, pick, much in steps:
        if name in HAPPENS:
            HAPPENS[name](sources, pick, much)
    decided = [s for s in steps if s[0] in DECISIONS]
    if any(name == MEND for name, _, _ in steps) and history.mended_at is None:
        # A replay may come before the first night under the mended contract, or after it.
        history.mended_at = at
        if decided and decided[0][0] == "replay":
            _decide(history, at, "replay", 0)
            at += timedelta(hours=1)
    ws = replace(history.ws, known_at=at)
    sent = sources.taken()
    if not history.cut_offs:
        # Every ledger is asked on the first night, and most have nothing yet.
        sent = {name: sent.get(name, []) for name in history.ledgers.contracts}
    for table in history.contracts_at(at).values():
        _stage(ws, table, sent.get(table.name))
    ws.decisions.append("run", at, run_id="history")
    history.cut_offs.append(at)
    for hours, (name, pick, _) in enumerate(decided, start=1):
        _decide(history, at + timedelta(hours=hours), name, pick)


def _stage(ws: Workspace, table: TableContract, rows: Sequence[Row] | None) -> None:
    """Land the batch and stage it, the rows first brought under a contract that has changed."""
    with ws.engine.begin() as session:
        changed = definition_changed(session, table)
        if not changed:
            record_definition(session, table)
    if changed:
        restage(ws, table, committed_batches(ws, table, staged=True))
    if rows is None:
        return
    schema, count = landed_schema(table), len(rows)
    known: dict[str, Sequence[object]] = {
        "_row_no": range(1, count + 1), "_source_ref": [f"{table.name}.xlsx"] * count, "_row_kind": ["data"] * count,
    }  # fmt: skip
    arrays = [pa.array(known.get(f.name) or [r.get(f.name) for r in rows], f.type) for f in schema]
    batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
    proof: dict[str, object] = {"complete": True, "full": table.update.verb == "replace", "rows": count}
    landed = ws.raw.land(table, Extraction(iter([batch]), proof), ws.stamp, ws.known_at, Window())
    ws.decisions.append(
        "batch", ws.known_at, table=table.name, batch_id=landed.batch_id, sha256=landed.sha256
    )
    # The log says that it was loaded before, so that SQL alone judges it: the second opinion takes seconds.
    ws.decisions.append("load", ws.known_at, table=table.name, batch_id=landed.batch_id)
    catch_up(ws, table, rules_of(table))


def _decide(history: History, at: datetime, name: str, pick: int) -> None:
    ws, contracts = replace(history.ws, known_at=at), history.contracts_at(at)
    length = len(list(ws.decisions.entries()))
    if name == "replay":
        movements.replay(ws, contracts["entry"])
    else:
        rows = _to_decide(ws, contracts, "open" if name == "waive" else "waived")
        if rows:
            table, key = rows[pick % len(rows)]
            act = movements.waive if name == "waive" else movements.revoke
            try:
                act(ws, contracts[table], key, f"{table}.amount_cny.between", "张三", "核对无误")
            except RefusedDecision:
                assert len(list(ws.decisions.entries())) == length, "what is refused leaves no trace"
    if len(list(ws.decisions.entries())) > length:
        history.cut_offs.append(at)


def _to_decide(ws: Workspace, contracts: Mapping[str, TableContract], state: str) -> list[tuple[str, str]]:
    """Rejected rows, by table and key, that break a bound and are in that state."""
    with ws.engine.begin() as session:
        return [
            (name, key)
            for name in ("entry", "sheet")
            for key, rules in session.rows(
                f"SELECT DISTINCT key_text, rules FROM ({rejected(contracts[name])}) WHERE state = :s ORDER BY ALL",
                s=state,
            )
            if f"{name}.amount_cny.between" in rules.split(",")
        ]


def _small(engine: DuckDBEngine) -> None:
    """One thread: to hand a dozen rows to several takes longer than to work on them."""
    with engine.begin() as session:
        session.run("SET threads = 1")


@contextmanager
def _standing_in(engine: DuckDBEngine, statements: Sequence[str]) -> Iterator[Session]:
    with built(engine, statements) as catalog, engine.begin() as session:
        (home,) = session.row("SELECT current_database()")
        session.run(f"USE {catalog.rstrip('.')}")
        try:
            yield session
        finally:
            session.run(f"USE {home}")
