"""Answers that are refused beside what was known before: empty pulls, emptied files, fields that are gone.

Belongs here: judging a landed batch before it is committed. Keep out: judging rows (``assets.staged``), and what a
source says against itself (``resources.sources``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from assets.staged.tables import create_staged
from data_contracts.model import TableContract
from resources.failures import PermanentFailure
from resources.raw_store import Manifest
from resources.sources.base import unit_column, unit_columns
from resources.sources.rest import CHANGED_FIELD
from resources.workspace import Workspace

File = Mapping[str, Any]


def loaded_batches(workspace: Workspace, contract: TableContract) -> list[Manifest]:
    """Committed batches of a table that were not blocked, oldest first."""
    loads = [e for e in workspace.decisions.entries("load") if e["table"] == contract.name]
    blocked = {e["batch_id"] for e in loads if e["status"] == "blocked"}
    committed = {e["batch_id"] for e in workspace.decisions.entries("batch") if e["table"] == contract.name}
    return [m for m in workspace.raw.manifests(contract.name) if m.batch_id in committed - blocked]


def unanswered(contract: TableContract, manifest: Manifest) -> list[str]:
    """Fields that a whole reading has in no record, though the contract does not say that they may be left out."""
    omits = contract.transport.get("omits") or ()
    return [name for name in lacking_fields(manifest) if manifest.proof.get("full") and name not in omits]


def refuse(workspace: Workspace, contract: TableContract, manifest: Manifest) -> None:
    """Raise :class:`PermanentFailure` where a batch takes away what earlier ones brought without saying so.

    An empty system and a broken one look the same from here, and so do an empty field and a renamed one.
    """
    if manifest.proof["method"] == "files":
        _refuse_emptied_file(workspace, contract, manifest)
    elif not manifest.rows and manifest.proof.get("full"):
        _refuse_empty_pull(workspace, contract)
    if lacking := lacking_fields(manifest):
        _refuse_lost_field(contract, manifest, lacking, loaded_batches(workspace, contract))


def lacking_fields(manifest: Manifest) -> list[str]:
    """Fields of the contract that no record of a batch had."""
    absent: Mapping[str, int] = manifest.proof.get("absent_values", {})
    return [name for name, count in absent.items() if count == _records(manifest)]


def _records(manifest: Manifest) -> int:
    return int(manifest.proof.get("records", manifest.rows))


def _refuse_empty_pull(workspace: Workspace, contract: TableContract) -> None:
    with workspace.engine.begin() as session:
        create_staged(session, contract)
        (known,) = session.row(f"SELECT count(*) FROM staged.{contract.name} WHERE _known_to IS NULL")
    if known:
        raise PermanentFailure(
            system=contract.server,
            table=contract.name,
            where=contract.physical_name,
            rule="empty pull",
            cause=f"the source answered with no rows at all; {known} are known",
            cure="find out why it is empty; if it is meant, delete the rows at the source one delivery at a time "
            "or raise max_delete_pct in the contract and send a non-empty table",
        )


def _refuse_emptied_file(workspace: Workspace, contract: TableContract, manifest: Manifest) -> None:
    """A file without rows is a nil report, unless an earlier delivery of the same report had some."""
    delivered = manifest.proof["files"]
    if all(map(_data_rows, delivered)):
        return
    earlier = [f for m in loaded_batches(workspace, contract) for f in m.proof.get("files", [])]
    for number, file in enumerate(delivered):
        if _data_rows(file) or any(_replaces(contract, f, file) for f in delivered[number + 1 :]):
            continue
        held = [f for f in (*earlier, *delivered[:number]) if _data_rows(f) and _replaces(contract, file, f)]
        if held:
            before = held[-1]
            raise PermanentFailure(
                system=contract.server,
                table=contract.name,
                where=file["path"],
                rule="empty pull",
                cause=f"the file holds no rows; {before['path']}, delivered before it, held {_data_rows(before)}",
                cure="find out why it is empty and have it sent again, or take it out of the folder; if all its "
                "rows are to go, have them sent with zero amounts",
            )


def _data_rows(file: File) -> int:
    return int(file["rows"]) - int(file.get("control_rows", 0))


def _replaces(contract: TableContract, newer: File, older: File) -> bool:
    """Whether a file is a delivery of what another one reports, and not an older version."""
    same = _reported(contract, newer) == _reported(contract, older)
    return same and _version(contract, newer) >= _version(contract, older)


def _reported(contract: TableContract, file: File) -> tuple[str | None, ...]:
    """What a file reports, by its name: its scope or period; else all the name says but the version."""
    groups = re.compile(contract.transport["files"]).groupindex
    source = {c.name: c.source for c in contract.columns}
    update = contract.update
    period = (update.watermark,) if update.verb == "upsert" and update.watermark else update.scope
    if period and all(source[name] in groups for name in period):
        return tuple(file.get(source[name]) for name in period)
    version = source.get(update.version or "")
    return tuple(file.get(name) for name in groups if name != version)


def _version(contract: TableContract, file: File) -> tuple[int, str]:
    """The version a file's name tells, numbers as numbers; the contract's default where it tells none."""
    name = contract.update.version
    if name is None:
        return 0, ""
    source, defaults = contract.column(name).source, contract.transport.get("defaults") or {}
    text = str(file.get(source) or defaults.get(name, defaults.get(source, "")))
    return (int(text), "") if text.isdecimal() else (-1, text)


def _refuse_lost_field(
    contract: TableContract, manifest: Manifest, lacking: Sequence[str], earlier: Sequence[Manifest]
) -> None:
    """Of a full reading: a field that some record had before. Of changed rows: one that every record had."""
    full, omits = manifest.proof.get("full"), contract.transport.get("omits") or ()
    for name in lacking:
        column = _landed_as(contract, name)
        before = [m for m in earlier if m.rows and column in m.columns]
        had = [_records(m) - m.proof.get("absent_values", {}).get(name, 0) for m in before]
        always = sum(had) == sum(map(_records, before))
        if name in omits or not sum(had) or not (full or always):
            continue
        raise PermanentFailure(
            system=contract.server,
            table=contract.name,
            where=contract.transport["path"],
            rule="changed field",
            cause=f"field {name} is in none of the {_records(manifest)} records; {'all' if always else sum(had)} "
            f"of the {sum(map(_records, before))} read before had it{_instead(manifest)}",
            cure=CHANGED_FIELD,
        )


def _landed_as(contract: TableContract, name: str) -> str:
    """The landed column of a field of the record."""
    units = contract.transport.get("units") or {}
    fields = {units[c.name]: unit_column(c) for c in unit_columns(contract)}
    return {**fields, **{c.source: c.name for c in contract.columns}}[name]


def _instead(manifest: Manifest) -> str:
    unread = manifest.proof.get("unread_fields")
    return f"; they have, unread, {', '.join(unread)}" if unread else ""
