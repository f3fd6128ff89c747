"""Dagster assets ``report/quarterly_bulletin``, one partition a quarter, and ``report/publication``.

Belongs here: writing one quarter's figures as they are told and publishing them; proving every night that what was
reported still comes out. Keep out: computing figures, closing a quarter (``closing``).
"""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from assets.common import markdown_table, promised
from assets.materialize import comment
from assets.publish.publication import loaded_since, publish
from assets.report.bulletin import create_bulletin, write_quarter
from assets.report.materiality import restatements
from assets.report.partitions import QUARTERS
from assets.report.tables import moved, not_reproduced, write_tables
from data_contracts.calendar import Quarter
from data_contracts.model import TableContract
from data_contracts.outputs import load_outputs
from resources.dagster_workspace import JibaoWorkspace
from resources.engine import Session

PUBLICATIONS = dg.AssetKey(["report", "publication"])


def report_assets(contracts: Mapping[str, TableContract]) -> list[dg.AssetsDefinition]:
    """The bulletin and the publications."""
    return [_bulletin(contracts), _publications()]


def _publications() -> dg.AssetsDefinition:
    @dg.asset(
        key=PUBLICATIONS,
        deps=[["mart", "quarterly_metric_history"], ["mart", "reported_metric"]],
        kinds={"sql", "table"},
        **promised(load_outputs()["report.publication"]),
        check_specs=[
            dg.AssetCheckSpec(
                "publications_reproduce", asset=PUBLICATIONS,
                description="Every publication comes out again, by its own SQL, as known at its cut-off.",
            ),
            dg.AssetCheckSpec(
                "closed_quarters_unmoved", asset=PUBLICATIONS,
                description="No figure of a closed quarter has another value by now.",
            ),
            dg.AssetCheckSpec(
                "differences_immaterial", asset=PUBLICATIONS,
                description="No figure of a closed quarter moved so far that the quarter is to be restated.",
            ),
        ],
    )  # fmt: skip
    def publication(workspace: JibaoWorkspace) -> Iterator[Any]:
        ws = workspace.workspace
        alarms = not_reproduced(ws)
        rows = {} if alarms else write_tables(ws)
        with ws.engine.begin() as session:
            changed = moved(session) if rows else []
            restated = restatements(session) if rows else []
        yield dg.MaterializeResult(metadata={"dagster/row_count": rows.get("publication", 0), **rows})
        yield dg.AssetCheckResult(
            check_name="publications_reproduce",
            passed=not alarms,
            severity=dg.AssetCheckSeverity.ERROR,
            description=alarms[0] if alarms else "every publication comes out again",
            metadata={"alarms": dg.MetadataValue.json(alarms)} if alarms else {},
        )
        yield dg.AssetCheckResult(
            check_name="closed_quarters_unmoved",
            passed=not changed,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"{len(changed)} figures of closed quarters moved since: {changed[0][0]} {changed[0][1]} "
            f"{changed[0][2]} → {changed[0][3]}; `jibao bridge {changed[0][0]}` says why"
            if changed
            else "no figure of a closed quarter has moved",
            metadata={"moved": markdown_table(("quarter", "figure", "published", "now"), changed)}
            if changed
            else {},
        )
        yield dg.AssetCheckResult(
            check_name="differences_immaterial",
            passed=not restated,
            severity=dg.AssetCheckSeverity.WARN,
            description=restated[0] if restated else "nothing calls for a restatement",
            metadata={"restate": dg.MetadataValue.json(restated)} if restated else {},
        )

    return publication


def _bulletin(contracts: Mapping[str, TableContract]) -> dg.AssetsDefinition:
    promise = load_outputs()["report.quarterly_bulletin"]

    @dg.asset(
        key=["report", "quarterly_bulletin"],
        deps=[["mart", "reported_metric"], ["mart", "claim_result"]],
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
        made = publish(workspace.workspace, contracts, rebuilt=False)
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": all_rows,
                "dagster/partition_row_count": rows,
                "quarter": str(quarter),
                "published": dg.MetadataValue.path(str(made.path)),
                "figures": markdown_table(("figure", "computed", "printed", "verdict", "flags"), told),
            }
        )

    return quarterly_bulletin


def _why_empty(session: Session, quarter: Quarter) -> str:
    """An empty bulletin would pass for a quiet quarter; say which quarters have figures instead."""
    first, last = session.row("SELECT min(quarter), max(quarter) FROM mart.quarterly_metric")
    found = f"figures reach from {first} to {last}" if first else "none is computed yet"
    return f"mart.quarterly_metric / {quarter}: no figure, {found} → choose one of those, or run nightly"
