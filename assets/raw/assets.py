"""Dagster assets ``raw/<table>``: one a contract.

Belongs here: retries by failure type and the metadata of an extraction. Keep out: extracting (``extract``).
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import dagster as dg
from pydantic import Field

from assets.common import POOL, ledger_metadata, owners
from assets.raw.extract import Reach, extract, record_state
from assets.raw.refusals import unanswered
from data_contracts.model import UNREAD, TableContract
from resources.dagster_workspace import JibaoWorkspace
from resources.failures import SourceFailure, TransientFailure
from resources.raw_store import Manifest
from resources.sources.base import landed_schema, unit_column
from resources.sources.rest import CHANGED_FIELD
from resources.workspace import Workspace

MAX_RETRIES = 2
RETRY_SECONDS = 10.0

_KINDS = {"sql": "sql", "workbook": "excel", "rest": "json", "file": "csv"}


ANSWERED = "answered"

_WHERE_FROM = {
    "_row_no": "Number of the row in its source.",
    "_source_ref": "Where the row stands at the source: table, file!sheet, or endpoint and page.",
    "_row_kind": "data, or control for subtotal and total rows.",
    UNREAD: "What is wrong with a line of the file that is no row, and its text.",
    "_batch_id": "Batch it landed with.",
    "_extracted_at": "When it was read (UTC).",
}


class ExtractConfig(dg.Config):
    """Run config of a ``raw/<table>`` step, the same as the arguments of ``jibao extract``."""

    full: bool = Field(default=False, description="Ask for everything instead of what is new.")
    since: str = Field(default="", description="Ask from this day on (YYYY-MM-DD) instead of the watermark.")


def raw_assets(contracts: Sequence[TableContract]) -> list[dg.AssetsDefinition]:
    """One asset a contract; a failing source of an optional table does not fail the step (see ``_failed``)."""
    return [_raw_asset(contract) for contract in contracts]


def _raw_asset(contract: TableContract) -> dg.AssetsDefinition:
    key = dg.AssetKey(["raw", contract.name])

    @dg.asset(
        key=key,
        group_name=contract.domain,
        description=f"{contract.business_name}: landed batches of {contract.server}, exactly as the source said.",
        kinds={"parquet", _KINDS[contract.transport["kind"]]},
        owners=owners(contract.owner),
        metadata=ledger_metadata(contract) | {"dagster/column_schema": _landed_columns(contract)},
        pool=POOL,
        check_specs=[
            dg.AssetCheckSpec(ANSWERED, asset=key, description="The source answered as its contract says.")
        ],
    )
    def raw(
        context: dg.AssetExecutionContext, config: ExtractConfig, workspace: JibaoWorkspace
    ) -> Iterator[dg.MaterializeResult[Any]]:
        ws = workspace.workspace
        if contract.name in ws.settings.left_out:
            yield _not_asked(ws, contract)
            return
        try:
            manifest = extract(ws, contract, _reach(config))
        except SourceFailure as failure:
            yield _failed(context, ws, contract, failure)
        else:
            record_state(ws, contract, None)
            yield _landed(ws, contract, manifest)

    return raw


def _reach(config: ExtractConfig) -> Reach:
    try:
        return Reach(full=config.full, since=date.fromisoformat(config.since) if config.since else None)
    except ValueError as error:
        raise dg.Failure(
            f"run config since: {config.since!r} is no day → write it as 2024-09-01", allow_retries=False
        ) from error


def _landed_columns(contract: TableContract) -> dg.TableSchema:
    """What lies in the batches: text, whatever the contract will make of it, and where each row stands."""
    said = {c.name: f"{c.business_name}: {c.source} at the source." for c in contract.columns} | _WHERE_FROM
    said |= {unit_column(c): f"Unit that came with {c.name}." for c in contract.columns}
    names = [*landed_schema(contract).names, "_batch_id", "_extracted_at"]
    types = {"_row_no": "BIGINT", "_extracted_at": "TIMESTAMP"}
    return dg.TableSchema(
        columns=[dg.TableColumn(n, types.get(n, "VARCHAR"), description=said[n]) for n in names]
    )


def _rows_landed(ws: Workspace, contract: TableContract) -> int:
    """Rows of all batches: what the raw layer holds of the table, control rows included."""
    return sum(m.rows for m in ws.raw.manifests(contract.name))


def _landed(ws: Workspace, contract: TableContract, manifest: Manifest) -> dg.MaterializeResult[Any]:
    since = manifest.window.since
    said = f"{manifest.rows:,} rows landed" if manifest.rows else "nothing new"
    lacking = unanswered(contract, manifest)
    if lacking:
        said += f"; in none of them: {', '.join(lacking)} → {CHANGED_FIELD}"
    check = dg.AssetCheckResult(
        check_name=ANSWERED, passed=not lacking, severity=dg.AssetCheckSeverity.WARN, description=said
    )
    return dg.MaterializeResult(
        check_results=[check],
        metadata={
            "dagster/row_count": _rows_landed(ws, contract),
            "state": "landed" if manifest.rows else "nothing new",
            "landed": manifest.rows,
            "asked_for": f"what changed since {since}" if since else "everything",
            "batch": manifest.batch_id,
            "file": dg.MetadataValue.path(str(ws.raw.read_path(manifest))),
            "bytes": manifest.bytes,
            "sha256": f"{manifest.sha256[:16]}…",
            "proof": dg.MetadataValue.json(manifest.proof),
        },
    )


def _not_asked(ws: Workspace, contract: TableContract) -> dg.MaterializeResult[Any]:
    """The operator leaves the table out: what is loaded stands, and nothing is said about its source."""
    said = "left out by JIBAO_LEAVE_OUT: its source is not asked"
    return dg.MaterializeResult(
        check_results=[dg.AssetCheckResult(check_name=ANSWERED, passed=True, description=said)],
        metadata={"dagster/row_count": _rows_landed(ws, contract), "state": said, "landed": 0},
    )


def _failed(
    context: dg.AssetExecutionContext, ws: Workspace, contract: TableContract, failure: SourceFailure
) -> dg.MaterializeResult[Any]:
    """A required table stops the run here. Any other keeps its last good version: the step goes on, the table
    and all that depends on it are marked stale, and the run ends failed after the rest was published."""
    if isinstance(failure, TransientFailure) and context.retry_number < MAX_RETRIES:
        context.log.warning(f"{failure} (try {context.retry_number + 1} of {MAX_RETRIES + 1})")
        raise dg.RetryRequested(max_retries=MAX_RETRIES, seconds_to_wait=RETRY_SECONDS) from failure
    record_state(ws, contract, str(failure))
    if contract.required:
        raise dg.Failure(description=str(failure), allow_retries=False)
    context.log.error(str(failure))
    # The step is green so that the rest can go on; the check is what shows red on the table.
    return dg.MaterializeResult(
        check_results=[dg.AssetCheckResult(check_name=ANSWERED, passed=False, description=str(failure))],
        metadata={
            "dagster/row_count": _rows_landed(ws, contract),
            "state": "failed, last good version kept",
            "landed": 0,
            "cause": str(failure),
        },
    )
