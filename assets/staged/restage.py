"""Re-stage a table whose contract or normaliser changed: its batches again, the differences as new versions.

Belongs here: noticing the change, staging the batches beside the table, merging what differs. Keep out:
staging one batch (``stage``), decisions on single rows (``movements``). What a definition made before it
changed stays in the versions it made, so a figure as known before the change does not move; the effect is
dated at the run that re-staged.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from assets.staged.pending import PendingBatch
from assets.staged.stage import drop_candidate, stage
from assets.staged.tables import create_restricted, create_staged, key_text
from assets.staged.verdicts import Verdicts, decisions_on, verdicts
from data_contracts.model import TableContract
from data_contracts.rules import rules_of
from data_contracts.to_sql import candidate_select, marks_select
from resources.engine import Session, insert_rows, quoted
from resources.failures import PermanentFailure
from resources.workspace import Workspace

_AT_ITS_LOAD = ("it was blocked at its load",)
_RECORDS = ("meta.batch_load", "meta.scope_version")


def definition_hash(contract: TableContract) -> str:
    """sha256 of what decides a table's staged rows: the SQL its contract compiles to, and how batches replace.

    Words, owners and descriptions do not count; a change of the compiler does.
    """
    rules = rules_of(contract)
    landed = [c.name for c in contract.columns]
    parts = [
        candidate_select(contract, landed, "landed"),
        marks_select(rules, "candidate"),
        repr([(r.id, r.severity, r.violates, sorted(r.params.items(), key=str)) for r in rules]),
        repr((contract.update, contract.recorded_at, contract.key)),
        repr((contract.quarantine_max_pct, contract.quarantine_min_rows)),
        repr([c.name for c in contract.restricted]),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def definition_changed(session: Session, contract: TableContract) -> bool:
    """True when batches of the table were staged under another definition than today's."""
    rows = session.rows(
        "SELECT definition_hash FROM meta.staged_definition WHERE table_name = :t", t=contract.name
    )
    (loads,) = session.row("SELECT count(*) FROM meta.batch_load WHERE table_name = :t", t=contract.name)
    return bool(loads) and rows != [(definition_hash(contract),)]


def record_definition(session: Session, contract: TableContract) -> None:
    """Note the definition the table's batches are staged under."""
    session.run("DELETE FROM meta.staged_definition WHERE table_name = :t", t=contract.name)
    session.run(
        "INSERT INTO meta.staged_definition VALUES (:t, :h)", t=contract.name, h=definition_hash(contract)
    )


def restage(ws: Workspace, contract: TableContract, batches: list[PendingBatch]) -> tuple[int, int]:
    """Stage ``batches`` (all committed ones staged so far, oldest first) anew; (versions ended, versions made).

    Decisions on rows that hold today hold in it. Raises :class:`PermanentFailure`, and changes nothing, when the
    new definition would block a batch that was loaded under the old one.
    """
    decisions = decisions_on(ws.decisions.entries(), contract.name)
    last = decisions[-1]["seq"] if decisions else 0
    with staged_beside(
        ws, contract, batches, lambda b: verdicts(decisions, b.batch.batch_id, last)
    ) as beside:
        with ws.engine.begin() as session:
            _merge_quarantine(session, contract, beside, ws.known_utc)
            merge_side_rows(session, contract, beside)
        with ws.engine.begin() as session:
            counts = merge_rows(session, contract, beside, ws.known_utc)
            _take_records(session, contract, beside)
            record_definition(session, contract)
    ws.decisions.append(
        "restage",
        ws.known_at,
        table=contract.name,
        contract_version=contract.version,
        definition_hash=definition_hash(contract),
        ended=counts[0],
        made=counts[1],
    )
    return counts


@contextmanager
def staged_beside(
    ws: Workspace,
    contract: TableContract,
    batches: Sequence[PendingBatch],
    decided: Callable[[PendingBatch], Verdicts],
    *,
    judged: bool = True,
) -> Iterator[TableContract]:
    """Batches staged from raw under today's contract, in tables beside the table's own that go at the end.

    ``decided``: the decisions under which a batch is staged. ``judged``: each batch is judged anew, and
    :class:`PermanentFailure` raised when one blocks that did not before; else what blocked stays blocked and what
    was loaded is loaded.
    """
    beside = replace(contract, name=f"{contract.name}__restaged")
    with ws.engine.begin() as session:
        _clear(session, beside)
        blocked_before = {
            row[0]
            for row in session.rows(
                "SELECT batch_id FROM meta.batch_load WHERE table_name = :t AND status = 'blocked'",
                t=contract.name,
            )
        }
    with ws.engine.begin() as session:
        _clear_private(session, beside)
    for pending in batches:
        outcome = stage(
            ws.engine,
            beside,
            rules_of(beside),
            pending.batch,
            pending.parquet,
            pending.columns,
            None,
            decided(pending),
            None if judged else _AT_ITS_LOAD if pending.batch.batch_id in blocked_before else (),
        )
        if outcome.report.blocked and pending.batch.batch_id not in blocked_before:
            raise PermanentFailure(
                system=contract.server,
                table=contract.name,
                where=f"batch {pending.batch.batch_id}",
                rule="staging it anew",
                cause=outcome.report.blocked[0].replace("__restaged", ""),
                cure=f"mend {contract.path.name}, or put its former text back; nothing was changed",
            )
        drop_candidate(ws.engine, beside)
    yield beside
    with ws.engine.begin() as session:
        _clear(session, beside)
    with ws.engine.begin() as session:
        _clear_private(session, beside)


def merge_rows(
    session: Session,
    contract: TableContract,
    beside: TableContract,
    at: datetime,
    keys: Sequence[str] | None = None,
) -> tuple[int, int]:
    """Make the current rows those beside, of ``keys`` (as text) or of all; (versions ended, versions made).

    ``at``: naive UTC, when the new versions become known and the ended ones end.
    """
    create_staged(session, contract)
    session.run("CREATE OR REPLACE TEMP TABLE merged_key (key_text VARCHAR)")
    insert_rows(session, "merged_key", ((key,) for key in keys or ()))
    table, other = f"staged.{contract.name}", f"staged.{beside.name}"
    now = f"TIMESTAMP '{at.isoformat(sep=' ')}'"

    def of_keys(alias: str) -> str:
        if keys is None:
            return ""
        return f" AND {key_text(contract, alias)} IN (SELECT key_text FROM merged_key)"

    same = " AND ".join(f'o."{k}" = s."{k}"' for k in contract.key) + " AND o._row_hash = s._row_hash"
    gone = (
        f"s._known_to IS NULL AND NOT EXISTS (SELECT 1 FROM {other} AS o WHERE o._known_to IS NULL AND {same})"
        f"{of_keys('s')}"
    )
    new = (
        f"o._known_to IS NULL AND NOT EXISTS (SELECT 1 FROM {table} AS s WHERE s._known_to IS NULL AND {same})"
        f"{of_keys('o')}"
    )
    (ended,) = session.row(f"SELECT count(*) FROM {table} AS s WHERE {gone}")
    (made,) = session.row(f"SELECT count(*) FROM {other} AS o WHERE {new}")
    columns = quoted([c.name for c in contract.public])
    session.run(f"CREATE OR REPLACE TEMP TABLE made AS SELECT * FROM {other} AS o WHERE {new}")
    session.run(f"UPDATE {table} AS s SET _known_to = {now} WHERE {gone}")
    session.run(
        f"INSERT INTO {table} ({columns}, _known_from, _known_to, _reconstructed, _row_hash, _batch_id, "
        f"_source_ref, _row_no) SELECT {columns}, {now}, NULL, FALSE, _row_hash, _batch_id, _source_ref, _row_no "
        "FROM made"
    )
    return int(ended), int(made)


def merge_side_rows(session: Session, contract: TableContract, beside: TableContract) -> None:
    """Take over restricted values of rows that were not known before."""
    create_restricted(session, contract)
    if contract.restricted:
        columns = quoted([c.name for c in contract.restricted])
        target = f"private.restricted.{contract.name}"
        session.run(
            f"INSERT INTO {target} (_row_hash, {columns}) SELECT _row_hash, {columns} "
            f"FROM private.restricted.{beside.name} AS b "
            f"WHERE NOT EXISTS (SELECT 1 FROM {target} AS r WHERE r._row_hash = b._row_hash)"
        )


def _take_records(session: Session, contract: TableContract, beside: TableContract) -> None:
    for record in _RECORDS:
        session.run(f"DELETE FROM {record} WHERE table_name = :t", t=contract.name)
        session.run(
            f"UPDATE {record} SET table_name = :t WHERE table_name = :o", t=contract.name, o=beside.name
        )


def _merge_quarantine(session: Session, contract: TableContract, beside: TableContract, at: datetime) -> None:
    """Rejections are those beside; an open one that passes now stays on record, as replayed."""
    rows = "private.quarantine.quarantined_row"
    again = f"SELECT 1 FROM {rows} AS o WHERE o.table_name = :o AND o.batch_id = q.batch_id AND o.row_id = q.row_id"
    session.run(
        f"DELETE FROM {rows} AS q WHERE q.table_name = :t AND EXISTS ({again})",
        t=contract.name,
        o=beside.name,
    )
    session.run(
        f"UPDATE {rows} SET moved = 'replayed', moved_at = CAST(:k AS TIMESTAMP) "
        "WHERE table_name = :t AND moved IS NULL AND settled_at IS NULL",
        t=contract.name, k=at,
    )  # fmt: skip
    session.run(
        f"UPDATE {rows} SET table_name = :t, rules = replace(rules, '{beside.name}.', '{contract.name}.') "
        "WHERE table_name = :o",
        t=contract.name,
        o=beside.name,
    )


def _clear(session: Session, beside: TableContract) -> None:
    session.run(f"DROP TABLE IF EXISTS staged.{beside.name}")
    for record in (*_RECORDS, "meta.rule_result"):
        session.run(f"DELETE FROM {record} WHERE table_name = :t", t=beside.name)


def _clear_private(session: Session, beside: TableContract) -> None:
    session.run(f"DROP TABLE IF EXISTS private.restricted.{beside.name}")
    session.run("DELETE FROM private.quarantine.quarantined_row WHERE table_name = :t", t=beside.name)
