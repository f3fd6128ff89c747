"""Dagster assets ``mart/<table>`` and the checks on figures and claims.

Belongs here: order, checks and metadata. Keep out: computing (``figures``, ``claims``, the ``.sql`` files).
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import dagster as dg

from assets.common import markdown_table, promised
from assets.core.assets import sql_asset
from assets.mart.adjustments import create_reported_metric, uncounted
from assets.mart.claims import create_claim_result
from assets.mart.figures import (
    create_comparable_metric,
    create_history,
    create_quarterly_metric,
    create_scope_change,
    figure_tables,
    mark_stale,
    parts_that_miss_the_whole,
    record_definitions,
    record_history,
)
from assets.mart.past import built, past_statements
from assets.mart.reconciliation_asset import reconciliation_assets
from assets.materialize import comment, hold_to
from assets.sql_files import sql_files
from data_contracts.calendar import naive_utc
from data_contracts.metric import load_metrics
from data_contracts.model import TableContract
from data_contracts.outputs import OutputContract, load_outputs
from resources.dagster_workspace import JibaoWorkspace
from resources.workspace import Workspace

FIGURES = dg.AssetKey(["mart", "quarterly_metric"])
REPORTED = dg.AssetKey(["mart", "reported_metric"])
CLAIMS = dg.AssetKey(["mart", "claim_result"])


def mart_assets(contracts: Mapping[str, TableContract]) -> list[dg.AssetsDefinition]:
    """Figures, their history, claims, reconciliations, and one asset a ``.sql`` file of the layer."""
    outputs = load_outputs()
    tables = [sql_asset(f, outputs[f.table], contracts) for f in sql_files("mart").values()]
    return [
        _quarterly_metric(outputs["mart.quarterly_metric"]),
        _reported_metric(outputs["mart.reported_metric"]),
        _comparable(outputs["mart.comparable_metric"]),
        _scope_change(outputs["mart.scope_change"]),
        _history(outputs["mart.quarterly_metric_history"], contracts),
        _claim_result(outputs["mart.claim_result"]),
        reconciliation_assets(contracts),
        *tables,
    ]


def _quarterly_metric(promise: OutputContract) -> dg.AssetsDefinition:
    metrics = load_metrics()

    @dg.asset(
        key=FIGURES,
        deps=[*(["core", name] for name in figure_tables()), ["mart", "coverage"]],
        kinds={"sql", "table"},
        **promised(promise, "Every figure of every quarter at every grain, from data_contracts/metrics."),
        check_specs=[
            dg.AssetCheckSpec(
                "parts_equal_whole", asset=FIGURES, blocking=True,
                description="Additive figures: the parts of every grain add up to the group's figure.",
            )
        ],
    )  # fmt: skip
    def quarterly_metric(workspace: JibaoWorkspace) -> Iterator[Any]:
        with workspace.workspace.engine.begin() as session:
            create_quarterly_metric(session, metrics)
            record_definitions(session, metrics)
            hold_to(session, promise)
            comment(session, promise, "table")
            stale = mark_stale(session, metrics)
            missed = parts_that_miss_the_whole(session, metrics)
            (rows,) = session.row("SELECT count(*) FROM mart.quarterly_metric")
        yield dg.MaterializeResult(
            metadata={
                "dagster/row_count": rows,
                "metrics": len(metrics),
                "stale_metrics": len(stale),
                **_stale_table(stale),
            }
        )
        yield dg.AssetCheckResult(
            check_name="parts_equal_whole",
            passed=not missed,
            severity=dg.AssetCheckSeverity.ERROR,
            description=missed[0] if missed else "the parts of every additive figure add up to the whole",
            metadata={"missed": dg.MetadataValue.json(missed)} if missed else {},
        )
        if missed:
            # Dagster's own words for a failed blocking check name the check and not what is wrong.
            raise dg.Failure(
                f"mart.quarterly_metric: {missed[0]} → mend the fact's codes at that grain, or say in the "
                "metric's additivity that it may not be added over it",
                allow_retries=False,
            )

    return quarterly_metric


def _stale_table(stale: Mapping[str, list[str]]) -> dict[str, Any]:
    rows = [(metric, ", ".join(tables)) for metric, tables in stale.items()]
    return {"stale": markdown_table(("metric", "rests on stale tables"), rows)} if rows else {}


def _reported_metric(promise: OutputContract) -> dg.AssetsDefinition:
    metrics = load_metrics()

    @dg.asset(
        key=REPORTED,
        deps=[FIGURES, ["mart", "adjustment"], ["mart", "adjustment_line"]],
        kinds={"sql", "table"},
        **promised(promise),
        check_specs=[
            dg.AssetCheckSpec(
                "adjustments_counted", asset=REPORTED,
                description="Every manual adjustment in force names a figure that counts it.",
            )
        ],
    )  # fmt: skip
    def reported_metric(workspace: JibaoWorkspace) -> Iterator[Any]:
        with workspace.workspace.engine.begin() as session:
            create_reported_metric(session, metrics)
            hold_to(session, promise)
            comment(session, promise, "table")
            idle = uncounted(session, metrics)
            rows, adjusted = session.row("SELECT count(*), count(adjustment) FROM mart.reported_metric")
        yield dg.MaterializeResult(metadata={"dagster/row_count": rows, "adjusted_figures": adjusted})
        yield dg.AssetCheckResult(
            check_name="adjustments_counted",
            passed=not idle,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"{len(idle)} count nowhere: {idle[0][0]}: {idle[0][1]}"
            if idle
            else "every adjustment in force is counted",
            metadata={"uncounted": markdown_table(("adjustment", "why"), idle)} if idle else {},
        )

    return reported_metric


def _comparable(promise: OutputContract) -> dg.AssetsDefinition:
    @dg.asset(key=["mart", "comparable_metric"], deps=[FIGURES], kinds={"sql", "table"}, **promised(promise))
    def comparable_metric(workspace: JibaoWorkspace) -> dg.MaterializeResult[Any]:
        with workspace.workspace.engine.begin() as session:
            create_comparable_metric(session, load_metrics())
            hold_to(session, promise)
            comment(session, promise, "table")
            rows, other = session.row(
                "SELECT count(*), count(CASE WHEN comparable_value IS DISTINCT FROM last_year_value THEN 1 END) "
                "FROM mart.comparable_metric"
            )
        return dg.MaterializeResult(metadata={"dagster/row_count": rows, "other_in_this_years_scope": other})

    return comparable_metric


def _scope_change(promise: OutputContract) -> dg.AssetsDefinition:
    @dg.asset(key=["mart", "scope_change"], deps=[FIGURES], kinds={"sql", "table"}, **promised(promise))
    def scope_change(workspace: JibaoWorkspace) -> dg.MaterializeResult[Any]:
        with workspace.workspace.engine.begin() as session:
            create_scope_change(session, load_metrics())
            hold_to(session, promise)
            comment(session, promise, "table")
            (rows,) = session.row("SELECT count(*) FROM mart.scope_change")
        return dg.MaterializeResult(metadata={"dagster/row_count": rows})

    return scope_change


def _history(promise: OutputContract, contracts: Mapping[str, TableContract]) -> dg.AssetsDefinition:
    @dg.asset(
        key=["mart", "quarterly_metric_history"],
        deps=[FIGURES],
        kinds={"sql", "table"},
        **promised(promise, "Every value each figure has had, from when to when the warehouse knew it."),
    )
    def quarterly_metric_history(
        context: dg.AssetExecutionContext, workspace: JibaoWorkspace
    ) -> dg.MaterializeResult[Any]:
        ws = workspace.workspace
        with ws.engine.begin() as session:
            create_history(session)
        replayed = _replay(context, ws, contracts)
        with ws.engine.begin() as session:
            added = record_history(session, ws.known_utc)
            hold_to(session, promise)
            comment(session, promise, "table")
            (rows,) = session.row("SELECT count(*) FROM mart.quarterly_metric_history")
        return dg.MaterializeResult(
            metadata={"dagster/row_count": rows, "new_values": added, "nights_replayed": replayed}
        )

    return quarterly_metric_history


def _replay(context: dg.AssetExecutionContext, ws: Workspace, contracts: Mapping[str, TableContract]) -> int:
    """History is a cache too: when it is empty, earlier nights are recomputed as known then, oldest first."""
    with ws.engine.begin() as session:
        (known,) = session.row("SELECT count(*) FROM mart.quarterly_metric_history")
    nights = [] if known else [datetime.fromisoformat(e["at"]) for e in ws.decisions.entries("run")]
    for night in nights:
        context.log.info(f"recomputing the figures as known at {night.isoformat()}")
        with built(ws.engine, past_statements(contracts, night)) as catalog, ws.engine.begin() as session:
            record_history(session, naive_utc(night), catalog)
    return len(nights)


def _claim_result(promise: OutputContract) -> dg.AssetsDefinition:
    @dg.asset(
        key=CLAIMS,
        deps=[FIGURES],
        kinds={"sql", "table"},
        **promised(promise),
        check_specs=[
            dg.AssetCheckSpec(
                "claims_hold", asset=CLAIMS, description="No computed claim is outside its range."
            )
        ],
    )
    def claim_result(workspace: JibaoWorkspace) -> Iterator[Any]:
        with workspace.workspace.engine.begin() as session:
            counted, failed = create_claim_result(session)
            hold_to(session, promise)
            comment(session, promise, "table")
            judged = session.rows(
                "SELECT quarter, claim_id, printed, computed, status FROM mart.claim_result "
                "WHERE status <> 'not_computed' ORDER BY quarter DESC, seq"
            )
        yield dg.MaterializeResult(
            metadata={
                "dagster/row_count": sum(counted.values()),
                **counted,
                "claims": markdown_table(("quarter", "claim", "printed", "computed", "verdict"), judged),
            }
        )
        yield dg.AssetCheckResult(
            check_name="claims_hold",
            passed=not failed,
            severity=dg.AssetCheckSeverity.WARN,
            description=failed[0] if failed else f"{counted['pass']} claims hold",
            metadata={"failed": dg.MetadataValue.json(failed)} if failed else {},
        )

    return claim_result
