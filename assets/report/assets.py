"""Dagster asset ``report/quarterly_bulletin``, one partition a quarter.

Belongs here: writing one quarter's figures as they are told. Keep out: computing them.
"""

from typing import Any

import dagster as dg

from assets.common import markdown_table, promised
from assets.materialize import comment
from assets.report.bulletin import create_bulletin, write_quarter
from assets.report.partitions import QUARTERS
from data_contracts.calendar import Quarter
from data_contracts.outputs import load_outputs
from resources.dagster_workspace import JibaoWorkspace


def report_assets() -> list[dg.AssetsDefinition]:
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
        with workspace.workspace.engine.begin() as session:
            create_bulletin(session)
            rows = write_quarter(session, str(quarter))
            comment(session, promise, "table")
            told = session.rows(
                "SELECT name_zh, shown, coalesce(printed, ''), coalesce(verdict, ''), coalesce(flags, '') "
                "FROM report.quarterly_bulletin WHERE quarter = :q",
                q=str(quarter),
            )
        return dg.MaterializeResult(
            metadata={
                "dagster/partition_row_count": rows,
                "quarter": str(quarter),
                "figures": markdown_table(("figure", "computed", "printed", "verdict", "flags"), told),
            }
        )

    return [quarterly_bulletin]
