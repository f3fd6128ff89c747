"""Dagster assets ``publish/warehouse`` and ``publish/verdict``.

Belongs here: publishing after every figure stands, and ending the run failed when a source failed. Keep out:
publishing itself (``publication``).
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from assets.common import OFFICE, POOL, owners
from assets.mart.figures import figure_tables
from assets.publish.publication import publish
from assets.sql_files import sql_files
from data_contracts.model import TableContract
from resources.dagster_workspace import JibaoWorkspace

MADE_BY_CODE = (
    "comparable_metric", "scope_change", "quarterly_metric_history", "reported_metric", "claim_result",
    "reconciliation", "recon_break", "recon_item",
)  # fmt: skip


def publish_assets(contracts: Mapping[str, TableContract]) -> list[dg.AssetsDefinition]:
    """Publish, then the verdict."""
    return [_warehouse(contracts), _verdict()]


def _warehouse(contracts: Mapping[str, TableContract]) -> dg.AssetsDefinition:
    @dg.asset(
        key=["publish", "warehouse"],
        deps=[
            *(["mart", name] for name in dict.fromkeys((*MADE_BY_CODE, *sql_files("mart")))),
            *(["core", name] for name in ("dim_report_version", *_read_by_readers_only())),
            ["report", "publication"],
        ],
        group_name="reporting",
        description="The published warehouse file: a whole copy, then one atomic switch of current.duckdb.",
        kinds={"duckdb"},
        owners=owners(OFFICE),
        pool=POOL,
    )
    def warehouse(workspace: JibaoWorkspace) -> dg.MaterializeResult[Any]:
        made = publish(workspace.workspace, contracts)
        return dg.MaterializeResult(
            metadata={
                "file": dg.MetadataValue.path(str(made.path)),
                "bytes": made.path.stat().st_size,
                "quarantined_open": made.quarantined,
                "fingerprints": dg.MetadataValue.json(dict(made.fingerprints)),
            }
        )

    return warehouse


def _read_by_readers_only() -> list[str]:
    """Core tables that no figure rests on: the file waits for them too."""
    files = [*sql_files("core").values(), *sql_files("mart").values()]
    read = {table for file in files for table in file.reads}
    figures = {f"core.{n}" for n in figure_tables()}
    return [name for name in sql_files("core") if not {f"core.{name}"} & (read | figures)]


def _verdict() -> dg.AssetsDefinition:
    @dg.asset(
        key=["publish", "verdict"],
        deps=[["publish", "warehouse"]],
        group_name="reporting",
        description="Ends the run failed, with its one cause, when a source failed; the rest is published by then.",
        kinds={"duckdb"},
        owners=owners(OFFICE),
        pool=POOL,
    )
    def verdict(workspace: JibaoWorkspace) -> dg.MaterializeResult[Any]:
        with workspace.workspace.engine.begin() as session:
            failed = session.rows(
                "SELECT table_name, cause FROM meta.source_state WHERE state = 'failed' ORDER BY table_name"
            )
        if failed:
            more = (
                f" (and {len(failed) - 1} more: {', '.join(t for t, _ in failed[1:])})" if failed[1:] else ""
            )
            raise dg.Failure(
                description=f"{failed[0][1]}{more}",
                metadata={"stale_tables": dg.MetadataValue.json([t for t, _ in failed])},
                allow_retries=False,
            )
        return dg.MaterializeResult(metadata={"verdict": "every source answered"})

    return verdict
