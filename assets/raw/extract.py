"""Extract one table: how far back to ask, land the answer, commit it to the decisions log.

Belongs here: watermarks, files taken in turn and the source's state. Keep out: retries (the asset's), which answers
are refused (``refusals``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from assets.raw.refusals import loaded_batches, refuse
from assets.staged.tables import create_all
from data_contracts.calendar import cut_off
from data_contracts.model import TableContract
from resources.raw_store import Manifest, Window
from resources.sources.base import ExtractionRequest, connector_for
from resources.sources.drops import earlier_files
from resources.workspace import Workspace


@dataclass(frozen=True)
class Reach:
    """How far back an extraction asks: by the watermark, from a day on, or everything."""

    full: bool = False
    since: date | None = None


def extract(workspace: Workspace, contract: TableContract, reach: Reach) -> Manifest:
    """Land what is new at the source and commit the batch.

    Raises :class:`SourceFailure`, also of an answer that cannot be right beside earlier ones (``refusals``).
    """
    since = _since(workspace, contract, reach)
    landed_files = _landed_files(workspace, contract)
    if contract.update.in_turn:
        _land_earlier(workspace, contract, landed_files)
    request = ExtractionRequest(
        contract=contract, since=since, landed_files={} if reach.full else landed_files
    )
    return _land(workspace, request)


def _land_earlier(workspace: Workspace, contract: TableContract, landed_files: Mapping[str, str]) -> None:
    """Land what was delivered before the newest file, one batch a file.

    Before the table's first load a file is known from the end of its own day; one that waited between two
    nights, from tonight.
    """
    source = workspace.settings.source(contract.server, contract.name)
    is_first = all(e["table"] != contract.name for e in workspace.decisions.entries("load"))
    for number, (path, day) in enumerate(earlier_files(source, contract, landed_files), 1):
        request = ExtractionRequest(contract=contract, landed_files=landed_files, file=path)
        recorded = min(cut_off(day), workspace.known_at) if is_first else None
        _land(workspace, request, f"-{number:03d}", recorded)


def _land(
    workspace: Workspace, request: ExtractionRequest, suffix: str = "", recorded: datetime | None = None
) -> Manifest:
    """Pull, land and commit one batch; ``recorded``: since when its rows count as known, if not this run."""
    contract = request.contract
    source = workspace.settings.source(contract.server, contract.name)
    extraction = connector_for(contract).extract(source, request)
    window = Window(since=request.since)
    # The run is part of the name: a batch that a killed run landed but never committed stays where it is.
    batch_id = f"{workspace.stamp}-{workspace.run_id[:8]}{suffix}"
    manifest = workspace.raw.land(contract, extraction, batch_id, workspace.known_at, window)
    refuse(workspace, contract, manifest)
    workspace.decisions.append(
        "batch",
        workspace.known_at,
        table=contract.name,
        batch_id=manifest.batch_id,
        rows=manifest.rows,
        sha256=manifest.sha256,
        contract_version=contract.version,
        run_id=workspace.run_id,
        **({"recorded_at": recorded.isoformat()} if recorded else {}),
    )
    return manifest


def record_state(workspace: Workspace, contract: TableContract, cause: str | None) -> None:
    """Note whether this run could use the table's source (``cause`` is None) or why not.

    In ``meta.source_state``, which the next publication shows, and in the workspace's source states, which
    reading commands see even when nothing is published.
    """
    with workspace.engine.begin() as session:
        create_all(session)
        (last_good,) = session.row(
            "SELECT max(known_at) FROM meta.batch_load WHERE table_name = :t AND status = 'loaded'",
            t=contract.name,
        )
        session.run("DELETE FROM meta.source_state WHERE table_name = :t", t=contract.name)
        session.run(
            "INSERT INTO meta.source_state VALUES (:t, CAST(:k AS TIMESTAMP), :s, :c, CAST(:g AS TIMESTAMP))",
            t=contract.name, k=workspace.known_utc, s="failed" if cause else "ok", c=cause, g=last_good,
        )  # fmt: skip
    workspace.states.record(contract.name, workspace.known_at, cause)


def _since(workspace: Workspace, contract: TableContract, reach: Reach) -> datetime | None:
    if reach.full or contract.update.watermark is None:
        return None
    if reach.since is not None:
        return datetime.combine(reach.since, time.min)
    with workspace.engine.begin() as session:
        create_all(session)
        (watermark,) = session.row(
            "SELECT max(watermark) FROM meta.batch_load WHERE table_name = :t AND status = 'loaded'",
            t=contract.name,
        )
    return watermark - timedelta(days=contract.update.overlap_days) if watermark else None


def _landed_files(workspace: Workspace, contract: TableContract) -> dict[str, str]:
    """Files of loaded batches, the newest sha256 of each path. A blocked batch's files are asked for again."""
    return {
        file["path"]: file["sha256"]
        for manifest in loaded_batches(workspace, contract)
        for file in manifest.proof.get("files", [])
    }
