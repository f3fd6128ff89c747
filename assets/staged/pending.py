"""Which landed batches a table still has to stage, in order.

Belongs here: comparing the decisions log with ``meta.batch_load``. That comparison is also the rebuild: with
the work files gone every committed batch is pending again. Keep out: staging them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from assets.staged.load import Batch
from data_contracts.model import TableContract
from resources.engine import Session
from resources.failures import PermanentFailure
from resources.raw_store import Manifest
from resources.workspace import Workspace


@dataclass(frozen=True)
class PendingBatch:
    """A committed batch that is not loaded. ``is_new``: it never was, so it is validated by both back ends.

    ``seq``: its place in the decisions log.
    """

    batch: Batch
    parquet: Path
    columns: tuple[str, ...]
    is_new: bool
    seq: int


def committed_batches(workspace: Workspace, contract: TableContract, *, staged: bool) -> list[PendingBatch]:
    """Committed batches of a table, oldest first: those ``meta.batch_load`` knows, or those it does not.

    Raises ``PermanentFailure`` when a batch is not the one that was committed: evidence is never edited.
    """
    with workspace.engine.begin() as session:
        rows = session.rows("SELECT batch_id FROM meta.batch_load WHERE table_name = :t", t=contract.name)
    known = {row[0] for row in rows}
    loads = (e for e in workspace.decisions.entries("load") if e["table"] == contract.name)
    loaded_before = {e["batch_id"] for e in loads}
    manifests = {m.batch_id: m for m in workspace.raw.manifests(contract.name)}
    found = []
    for entry in workspace.decisions.entries("batch"):
        if entry["table"] == contract.name and (entry["batch_id"] in known) == staged:
            manifest = _verified(workspace, contract, entry, manifests.get(entry["batch_id"]))
            is_new = entry["batch_id"] not in loaded_before
            found.append(_pending(workspace, contract, entry, manifest, is_new))
    return found


def _verified(
    workspace: Workspace, contract: TableContract, entry: Mapping[str, Any], manifest: Manifest | None
) -> Manifest:
    if manifest is None or manifest.sha256 != entry["sha256"]:
        raise PermanentFailure(
            system="raw",
            table=contract.name,
            where=f"batch {entry['batch_id']}",
            rule="evidence is never edited",
            cause="it is missing or is not the batch that was committed",
            cure="restore JIBAO_HOME/raw from its backup",
        )
    workspace.raw.verify(manifest)
    return manifest


def _pending(
    workspace: Workspace, contract: TableContract, entry: Mapping[str, Any], manifest: Manifest, is_new: bool
) -> PendingBatch:
    # Within a delivered scope (a voucher, a month's file) every delivery is whole; for a whole table the
    # extraction itself must have been full.
    whole = bool(manifest.proof.get("full")) or bool(contract.update.scope)
    recorded = entry.get("recorded_at")
    deletes = bool(manifest.proof.get("complete")) and whole and manifest.rows > 0
    return PendingBatch(
        batch=Batch(
            manifest.batch_id,
            datetime.fromisoformat(recorded or entry["at"]),
            manifest.rows,
            deletes,
            reconstructed=bool(recorded),
        ),
        parquet=workspace.raw.read_path(manifest),
        columns=tuple(manifest.columns),
        is_new=is_new,
        seq=int(entry["seq"]),
    )


def table_state(session: Session, contract: TableContract) -> dict[str, Any]:
    """``state`` (ok, failed, unknown), ``cause``, ``last_good_known_at`` and current rows of a staged table."""
    rows = session.rows(
        "SELECT state, cause, last_good_known_at FROM meta.source_state WHERE table_name = :t",
        t=contract.name,
    )
    state, cause, last_good = rows[0] if rows else ("unknown", None, None)
    (current,) = session.row(f"SELECT count(*) FROM staged.{contract.name} WHERE _known_to IS NULL")
    return {"state": state, "cause": cause, "last_good_known_at": last_good, "current_rows": int(current)}
