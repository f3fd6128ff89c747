"""Decisions on rejected rows, carried out: waived and replayed rows enter ``staged``, revoked ones leave it.

Belongs here: asking for a decision (what is refused, what is written to the log) and carrying one out. Keep
out: what a decision means while a batch is staged (``verdicts``), the command line.

A decision is in the log before it is carried out. A run that was killed in between is caught up by the next
run of the table, and a rebuild from raw carries out every decision again at its place between the batches.
What a batch became at its load is not rewritten: each decision is a movement of its own, in ``meta.movement``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from assets.staged.pending import PendingBatch, committed_batches
from assets.staged.restage import merge_rows, merge_side_rows, staged_beside
from assets.staged.verdicts import Verdicts, decisions_on, short, verdicts
from data_contracts.calendar import naive_utc
from data_contracts.model import TableContract
from data_contracts.rules import Rule, rules_of
from resources.engine import Session
from resources.failures import RefusedDecision
from resources.workspace import Workspace

_ROWS = "private.quarantine.quarantined_row"
_OPEN = (
    f"{_ROWS} AS q JOIN meta.batch_load AS l ON l.table_name = q.table_name AND l.batch_id = q.batch_id "
    "WHERE q.table_name = :t AND q.settled_at IS NULL AND l.status = 'loaded'"
)
_LAST = 2**62
"""Later than every entry of the log."""
Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Movement:
    """What a decision moved: rejected rows it looked at, those that are admitted, versions ended and made."""

    considered: int
    admitted: int
    ended: int
    made: int

    @property
    def kept_out(self) -> int:
        """Rows that stay rejected."""
        return self.considered - self.admitted


def waive(ws: Workspace, contract: TableContract, key: str, rule_id: str, by: str, reason: str) -> Movement:
    """Admit the open rejected row of ``key`` despite one rule; the decision holds for this content of it alone.

    Raises :class:`RefusedDecision` for an unknown rule or key, a rule the row did not break, one whose breach
    leaves the row without key or type, a name or a reason that is not there.
    """
    _ready(ws, contract)
    rule = _waivable(contract, rule_id)
    name, why = _said(contract, by, "--by"), _said(contract, reason, "--reason")
    row_hash = _open_row(ws, contract, key, rule)
    entry = ws.decisions.append(
        "waive",
        ws.known_at,
        table=contract.name,
        key=key,
        rule=rule.id,
        row_hash=row_hash,
        by=name,
        reason=why,
    )
    return carry_out(ws, contract, entry)


def revoke(ws: Workspace, contract: TableContract, key: str, rule_id: str, by: str, reason: str) -> Movement:
    """End the waiver of ``key`` for one rule: the row is rejected again. Raises :class:`RefusedDecision`."""
    _ready(ws, contract)
    rule = _rule(contract, rule_id)
    name, why = _said(contract, by, "--by"), _said(contract, reason, "--reason")
    standing = [
        w.row_hash
        for w in verdicts(decisions_on(ws.decisions.entries(), contract.name), "", _LAST).waivers
        if (w.key_text, w.rule) == (key, short(rule.id, contract.name))
    ]
    if not standing:
        raise _refused(
            contract, f"key {key}", rule.id, "no waiver of it holds", "see `jibao quarantine list`"
        )
    moved = Movement(0, 0, 0, 0)
    for row_hash in sorted(standing):
        entry = ws.decisions.append(
            "revoke", ws.known_at, table=contract.name, key=key, rule=rule.id, row_hash=row_hash, by=name,
            reason=why,
        )  # fmt: skip
        moved = carry_out(ws, contract, entry)
    return moved


def replay(ws: Workspace, contract: TableContract, rule_id: str = "") -> Movement:
    """Judge the open rejected rows (those that broke ``rule_id``, if given) again, from raw, as things stand now.

    What passes is a version of this run. Nothing is written where nothing passes.
    """
    _ready(ws, contract)
    rule = _rule(contract, rule_id).id if rule_id else ""
    with ws.engine.begin() as session:
        rows = session.rows(
            f"SELECT q.batch_id, q.row_id, q.rules, q.key_text FROM {_OPEN} AND q.moved IS NULL "
            "ORDER BY q.known_at, q.row_id",
            t=contract.name,
        )
    considered = [row for row in rows if not rule or rule in row[2].split(",")]
    if not considered:
        return Movement(0, 0, 0, 0)
    decisions = decisions_on(ws.decisions.entries(), contract.name)
    batches = committed_batches(ws, contract, staged=True)
    today = partial(_verdicts_at, decisions, _LAST)
    with staged_beside(ws, contract, batches, today, judged=False) as beside, ws.engine.begin() as session:
        still = set(
            session.rows(f"SELECT batch_id, row_id FROM {_ROWS} WHERE table_name = :o", o=beside.name)
        )
    passed = [row for row in considered if (row[0], row[1]) not in still]
    if not passed:
        return Movement(len(considered), 0, 0, 0)
    names = ("batch_id", "row_id", "rules", "key")
    entry = ws.decisions.append(
        "replay", ws.known_at, table=contract.name, rule=rule, considered=len(considered),
        rows=[dict(zip(names, row, strict=True)) for row in passed],
    )  # fmt: skip
    return carry_out(ws, contract, entry)


def unsettled(ws: Workspace, contract: TableContract) -> list[Entry]:
    """Decisions on the table that are in the log and not carried out: after a kill, or in a rebuild."""
    with ws.engine.begin() as session:
        rows = session.rows("SELECT seq FROM meta.movement WHERE table_name = :t", t=contract.name)
    done = {row[0] for row in rows}
    return [e for e in decisions_on(ws.decisions.entries(), contract.name) if e["seq"] not in done]


def carry_out(ws: Workspace, contract: TableContract, entry: Entry) -> Movement:
    """Carry out one decision of the log, dated as the log dates it; repeatable."""
    decisions = decisions_on(ws.decisions.entries(), contract.name)
    batches = [b for b in committed_batches(ws, contract, staged=True) if b.seq < entry["seq"]]
    at = naive_utc(datetime.fromisoformat(entry["at"]))
    # A batch was judged at its load. Judged again with one more row admitted, a later one may miss more rows than the
    # contract allows, and a decision that stands in the log could never be carried out.
    then = partial(_verdicts_at, decisions, entry["seq"])
    with staged_beside(ws, contract, batches, then, judged=False) as beside:
        keys = sorted({row["key"] for row in entry["rows"]}) if entry["kind"] == "replay" else [entry["key"]]
        with ws.engine.begin() as session:
            considered, admitted = _move(session, contract, beside, entry, at)
            merge_side_rows(session, contract, beside)
        with ws.engine.begin() as session:
            ended, made = merge_rows(session, contract, beside, at, keys)
            moved = Movement(considered, admitted, ended, made)
            _record(session, contract, entry, at, moved)
    return moved


def _verdicts_at(decisions: Sequence[Entry], at: int, batch: PendingBatch) -> Verdicts:
    return verdicts(decisions, batch.batch.batch_id, at)


def _move(
    session: Session, contract: TableContract, beside: TableContract, entry: Entry, at: datetime
) -> tuple[int, int]:
    """Mark the rejected rows a decision moves; (rows considered, rows admitted)."""
    if entry["kind"] == "replay":
        for row in entry["rows"]:
            session.run(
                f"UPDATE {_ROWS} SET moved = 'replayed', moved_at = CAST(:k AS TIMESTAMP) "
                "WHERE table_name = :t AND batch_id = :b AND row_id = :i",
                t=contract.name, b=row["batch_id"], i=row["row_id"], k=at,
            )  # fmt: skip
        return int(entry["considered"]), len(entry["rows"])
    one = "table_name = :t AND key_text = :key AND row_hash = :h"
    row = {"t": contract.name, "key": entry["key"], "h": entry["row_hash"]}
    if entry["kind"] == "revoke":
        (back,) = session.row(f"SELECT count(*) FROM {_ROWS} WHERE {one}", **row)
        session.run(
            f"UPDATE {_ROWS} SET moved = NULL, moved_at = NULL WHERE {one} AND moved = 'waived'", **row
        )
        return int(back), 0
    mine = f"{one} AND settled_at IS NULL AND (moved IS NULL OR moved_at = CAST(:k AS TIMESTAMP))"
    (considered,) = session.row(f"SELECT count(*) FROM {_ROWS} WHERE {mine}", **row, k=at)
    passes = (
        f"NOT EXISTS (SELECT 1 FROM {_ROWS} AS o WHERE o.table_name = :o AND o.batch_id = q.batch_id "
        "AND o.row_id = q.row_id)"
    )
    update = f"UPDATE {_ROWS} AS q SET moved = 'waived', moved_at = CAST(:k AS TIMESTAMP)"
    session.run(f"{update} WHERE {mine} AND {passes}", **row, k=at, o=beside.name)
    (admitted,) = session.row(f"SELECT count(*) FROM {_ROWS} WHERE {mine} AND moved IS NOT NULL", **row, k=at)
    return int(considered), int(admitted)


def _record(session: Session, contract: TableContract, entry: Entry, at: datetime, moved: Movement) -> None:
    session.run(
        "DELETE FROM meta.movement WHERE table_name = :t AND seq = :s", t=contract.name, s=entry["seq"]
    )
    session.run(
        "INSERT INTO meta.movement VALUES (:t, :s, :kind, CAST(:k AS TIMESTAMP), nullif(:rule, ''), :key, :by, "
        ":reason, :considered, :admitted, :out, :ended, :made)",
        t=contract.name, s=entry["seq"], kind=entry["kind"], k=at, rule=entry["rule"], key=entry.get("key"),
        by=entry.get("by"), reason=entry.get("reason"), considered=moved.considered, admitted=moved.admitted,
        out=moved.kept_out, ended=moved.ended, made=moved.made,
    )  # fmt: skip


def _ready(ws: Workspace, contract: TableContract) -> None:
    """Decisions are on rows that are staged: batches and decisions before this one come first."""
    waiting = [b.batch.batch_id for b in committed_batches(ws, contract, staged=False)]
    if waiting or unsettled(ws, contract):
        raise _refused(
            contract, "", "", "a batch or a decision of it is not staged yet",
            f"run `jibao extract {contract.name}` or `jibao nightly` first",
        )  # fmt: skip


def _rule(contract: TableContract, rule_id: str) -> Rule:
    rules = {r.id: r for r in rules_of(contract)}
    found = rules.get(rule_id) or rules.get(f"{contract.name}.{rule_id}")
    if found is None:
        raise _refused(contract, "", rule_id, "no such rule", f"it has {', '.join(sorted(rules))}")
    return found


def _waivable(contract: TableContract, rule_id: str) -> Rule:
    rule = _rule(contract, rule_id)
    of_key = rule.scope == "row" and bool(set(rule.columns) & set(contract.key))
    if rule.kind in ("parse", "unique") or of_key:
        raise _refused(
            contract, "", rule.id, "a row that breaks it has no key or no readable value, so it cannot be loaded",
            f"correct it at the source: {rule.cure}",
        )  # fmt: skip
    if rule.scope == "table" or rule.severity != "error":
        raise _refused(contract, "", rule.id, "it rejects no rows", "there is nothing to waive")
    return rule


def _said(contract: TableContract, text: str, option: str) -> str:
    if not text.strip():
        raise _refused(contract, "", "", f"{option} is empty", "a waiver says who decided it and why")
    return text.strip()


def _open_row(ws: Workspace, contract: TableContract, key: str, rule: Rule) -> str:
    """Content hash of the newest open rejection of ``key``."""
    with ws.engine.begin() as session:
        rows = session.rows(
            f"SELECT q.row_hash, q.rules, q.known_at FROM {_OPEN} AND q.key_text = :key AND q.moved IS NULL "
            "ORDER BY q.known_at DESC",
            t=contract.name, key=key,
        )  # fmt: skip
    newest = [row for row in rows if row[2] == rows[0][2]]
    where = f"key {key}"
    if not newest:
        raise _refused(
            contract, where, rule.id, "no rejected row of that key is open",
            f"`jibao quarantine list {contract.name}` names the keys",
        )  # fmt: skip
    if len({row[0] for row in newest}) > 1 or newest[0][0] is None:
        raise _refused(contract, where, rule.id, "it names more than one row", "correct them at the source")
    if rule.id not in newest[0][1].split(","):
        raise _refused(contract, where, rule.id, "the row did not break it", f"it broke {newest[0][1]}")
    return str(newest[0][0])


def _refused(contract: TableContract, where: str, rule: str, cause: str, cure: str) -> RefusedDecision:
    return RefusedDecision(
        system=contract.server,
        table=contract.name,
        where=where or "quarantine",
        rule=rule,
        cause=cause,
        cure=cure,
    )
