"""Dagster asset ``report/quarterly_bulletin``, one partition a quarter.

Belongs here: writing one quarter's figures as they are told. Keep out: computing them.
"""

from typing import Any

import dagster as dg

from assets.common import POOL
from assets.materialize import comment
from assets.report.bulletin import create_bulletin, write_quarter
from assets.report.partitions import QUARTERS
from data_contracts.calendar import Quarter
from data_contracts.outputs import load_outputs
from resources.dagster_workspace import JibaoWorkspace


def report_assets() -> list[dg.AssetsDefinition]:
    """The bulletin."""

    @dg.asset(
        key=["report", "quarterly_bulletin"],
        deps=[["mart", "quarterly_metric"], ["mart", "claim_result"]],
        partitions_def=QUARTERS,
        group_name="group",
        description="A quarter's figures as its bulletin tells them: printed words, computed values, verdicts.",
        kinds={"sql", "table"},
        pool=POOL,
    )
    def quarterly_bulletin(
        context: dg.AssetExecutionContext, workspace: JibaoWorkspace
    ) -> dg.MaterializeResult[Any]:
        quarter = Quarter.parse(context.partition_key)
        with workspace.workspace.engine.begin() as session:
            create_bulletin(session)
            rows = write_quarter(session, str(quarter))
            comment(session, load_outputs()["report.quarterly_bulletin"], "table")
        return dg.MaterializeResult(metadata={"dagster/row_count": rows, "quarter": str(quarter)})

    return [quarterly_bulletin]
