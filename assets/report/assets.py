"""Dagster asset ``report/quarterly_bulletin``, one partition a quarter.

Belongs here: writing one quarter's figures as they are told, and publishing them. Keep out: computing them.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from assets.common import markdown_table, promised
from assets.materialize import comment
from assets.publish.publication import loaded_since, publish
from assets.report.bulletin import create_bulletin, write_quarter
from assets.report.partitions import QUARTERS
from data_contracts.calendar import Quarter
from data_contracts.model import TableContract
from data_contracts.outputs import load_outputs
from resources.dagster_workspace import JibaoWorkspace
from resources.engine import Session


def report_assets(contracts: Mapping[str, TableContract]) -> list[dg.AssetsDefinition]:
    """The bulletin."""
    promise = load_outputs()["report.quarterly_bulletin"]

    @dg.asset(
        key=["report", "quarterly_bulletin"],
        deps=[["mart", "quarterly_metric"], ["mart", "claim_result"]],
        partitions_def=QUARTERS,
        kinds={"sql", "table"},
        **promised(promise),
    )
    def quarterly_bulletin(
        context: dg.AssetExecutionContext, workspace: JibaoWorkspace
    ) -> dg.MaterializeResult[Any]:
        quarter = Quarter.parse(context.partition_key)
        if ahead := loaded_since(workspace.workspace):
            raise dg.Failure(
                f"report.quarterly_bulletin / {quarter}: the figures are older than what was loaded since "
                f"({len(ahead)} tables, {ahead[0]} among them) → run nightly, then the report",
                allow_retries=False,
            )
        with workspace.workspace.engine.begin() as session:
            create_bulletin(session)
            rows = write_quarter(session, str(quarter))
            if not rows:
                raise dg.Failure(_why_empty(session, quarter), allow_retries=False)
            comment(session, promise, "table")
            (all_rows,) = session.row("SELECT count(*) FROM report.quarterly_bulletin")
            told = session.rows(
                "SELECT name_zh, shown, coalesce(printed, ''), coalesce(verdict, ''), coalesce(flags, '') "
                "FROM report.quarterly_bulletin WHERE quarter = :q",
                q=str(quarter),
            )
        made = publish(workspace.workspace, contracts)
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": all_rows,
                "dagster/partition_row_count": rows,
                "quarter": str(quarter),
                "published": dg.MetadataValue.path(str(made.path)),
                "figures": markdown_table(("figure", "computed", "printed", "verdict", "flags"), told),
            }
        )

    return [quarterly_bulletin]


def _why_empty(session: Session, quarter: Quarter) -> str:
    """An empty bulletin would pass for a quiet quarter; say which quarters have figures instead."""
    first, last = session.row("SELECT min(quarter), max(quarter) FROM mart.quarterly_metric")
    found = f"figures reach from {first} to {last}" if first else "none is computed yet"
    return f"mart.quarterly_metric / {quarter}: no figure, {found} → choose one of those, or run nightly"
