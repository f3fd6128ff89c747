"""Dagster assets ``staged/<table>`` with their two checks, and ``staged/relationship``.

Belongs here: feeding batches to ``stage`` and turning its outcome into checks and metadata. Keep out: rules,
SQL, and the judgement itself.
"""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import dagster as dg

from assets.common import POOL, asset_metadata, owners
from assets.staged.candidate import relation
from assets.staged.known import checked, create_known
from assets.staged.pending import PendingBatch, committed_batches, table_state
from assets.staged.relationships import check_relationships
from assets.staged.restage import definition_changed, record_definition, restage
from assets.staged.stage import Staged, drop_candidate, stage
from assets.staged.tables import create_all, create_private, create_restricted, create_staged
from data_contracts.model import TableContract
from data_contracts.rules import rules_of
from data_contracts.to_expectations import Outcome
from resources.dagster_workspace import JibaoWorkspace
from resources.workspace import Workspace


def staged_assets(contracts: Mapping[str, TableContract]) -> list[dg.AssetsDefinition]:
    """``staged/<table>`` for every contract, and ``staged/relationship`` after them all."""
    return [*(_staged_asset(c) for c in contracts.values()), _relationship_asset(contracts)]


def _staged_asset(contract: TableContract) -> dg.AssetsDefinition:
    key = dg.AssetKey(["staged", contract.name])
    rules = rules_of(contract)

    @dg.asset(
        key=key,
        deps=[["raw", contract.name]],
        group_name=contract.domain,
        description=f"{contract.business_name}: {contract.description}",
        kinds={"duckdb"},
        owners=owners(contract.owner),
        metadata=asset_metadata(contract) | {"rules": len(rules)},
        pool=POOL,
        check_specs=[
            dg.AssetCheckSpec(
                "blocking", asset=key, blocking=True, description="Table and extraction rules."
            ),
            dg.AssetCheckSpec("warning", asset=key, description="Rows in quarantine, and staleness."),
        ],
    )
    def staged(context: dg.AssetExecutionContext, workspace: JibaoWorkspace) -> Iterator[Any]:
        ws = workspace.workspace
        _prepare(context, ws, contract)
        pending = committed_batches(ws, contract, staged=False)
        outcomes = [_stage_one(ws, contract, rules, batch) for batch in pending]
        with ws.engine.begin() as session:
            state = table_state(session, contract)
        yield from _checks(outcomes, state)
        blocked = [reason for o in outcomes for reason in o.report.blocked]
        if blocked:
            raise dg.Failure(
                description=_why_blocked(contract, blocked, outcomes),
                metadata={"reasons": dg.MetadataValue.json(blocked)},
                allow_retries=False,
            )
        yield dg.MaterializeResult(metadata=_metadata(outcomes, state))

    return staged


def _why_blocked(contract: TableContract, blocked: list[str], outcomes: list[Staged]) -> str:
    """The cause in one line; where rows were rejected, with the first of them."""
    samples = [s for o in outcomes for s in o.samples]
    example = f"; for example {samples[0]}" if samples else ""
    return f"{contract.server} / {contract.name}: {blocked[0]}{example}"


def _prepare(context: dg.AssetExecutionContext, ws: Workspace, contract: TableContract) -> None:
    """Tables, and the table's rows under today's definition of it."""
    with ws.engine.begin() as session:
        create_all(session)
        create_staged(session, contract)
        changed = definition_changed(session, contract)
        if not changed:
            record_definition(session, contract)
    with ws.engine.begin() as session:
        create_private(session)
        create_restricted(session, contract)
    if changed:
        ended, made = restage(ws, contract, committed_batches(ws, contract, staged=True))
        context.log.info(
            f"{contract.name} re-staged under a changed contract: {ended} versions ended, {made} made"
        )


def _stage_one(ws: Workspace, contract: TableContract, rules: Any, pending: PendingBatch) -> Staged:
    # When the work files are rebuilt, a batch that was loaded before keeps the evidence of that load.
    second = partial(_second_opinion, ws) if pending.is_new else None
    outcome = stage(ws.engine, contract, rules, pending.batch, pending.parquet, pending.columns, second)
    drop_candidate(ws.engine, contract)
    if pending.is_new:
        report = outcome.report
        ws.decisions.append(
            "load",
            ws.known_at,
            table=contract.name,
            batch_id=report.batch.batch_id,
            status="blocked" if report.blocked else "loaded",
            contract_version=contract.version,
            **report.dispositions,
        )
    return outcome


def _second_opinion(ws: Workspace, contract: TableContract) -> Mapping[str, Outcome]:
    """Great Expectations on the candidate; its result is kept as evidence of the run."""
    run = ws.expectations.run(contract, relation(contract))
    folder = ws.home / "evidence" / ws.stamp
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(run.evidence, ensure_ascii=False, indent=1, default=str)
    (folder / f"{contract.name}.json").write_text(text, encoding="utf-8")
    return run.outcomes


def _checks(outcomes: list[Staged], state: Mapping[str, Any]) -> Iterator[dg.AssetCheckResult]:
    blocked = [reason for o in outcomes for reason in o.report.blocked]
    failing = [r for o in outcomes for r in o.results if r.status == "fail"]
    samples = [s for o in outcomes for s in o.samples]
    yield dg.AssetCheckResult(
        check_name="blocking",
        passed=not blocked,
        severity=dg.AssetCheckSeverity.ERROR,
        description=blocked[0] if blocked else "every table and extraction rule holds",
        metadata={"reasons": dg.MetadataValue.json(blocked)},
    )
    stale = state["state"] == "failed"
    # A rejected row says where it stands; a rule that only warns says how often it is broken.
    first = (
        state["cause"]
        if stale
        else next(iter([*samples, *(r.explanation for r in failing)]), "no rule is broken")
    )
    yield dg.AssetCheckResult(
        check_name="warning",
        passed=not (failing or stale),
        severity=dg.AssetCheckSeverity.WARN,
        description=str(first),
        metadata={
            "rules_broken": dg.MetadataValue.json({r.rule.id: r.violations for r in failing}),
            "examples": dg.MetadataValue.json(samples),
            "stale_since": str(state["last_good_known_at"]) if stale else "not stale",
        },
    )


def _metadata(outcomes: list[Staged], state: Mapping[str, Any]) -> dict[str, Any]:
    totals: dict[str, int] = {}
    for outcome in outcomes:
        for name, count in outcome.report.dispositions.items():
            totals[name] = totals.get(name, 0) + count
    landed = sum(o.report.batch.landed for o in outcomes)
    return {
        "dagster/row_count": state["current_rows"],
        "batches": len(outcomes),
        "landed": landed,
        **totals,
        "deleted": sum(o.report.deleted for o in outcomes),
        "conservation": f"{landed} landed = " + " + ".join(f"{v} {k}" for k, v in totals.items())
        if totals
        else "-",
        "state": str(state["state"]),
    }


def _relationship_asset(contracts: Mapping[str, TableContract]) -> dg.AssetsDefinition:
    @dg.asset(
        key=["staged", "relationship"],
        deps=[["staged", name] for name in contracts],
        group_name="group",
        description="References between ledgers, checked after all tables are staged; makes the known views.",
        kinds={"duckdb"},
        pool=POOL,
    )
    def relationship(workspace: JibaoWorkspace) -> dg.MaterializeResult[Any]:
        ws = workspace.workspace
        with ws.engine.begin() as session:
            create_all(session)
            for contract in contracts.values():
                create_staged(session, contract)
            create_known(session, contracts)
            found = check_relationships(session, contracts, ws.known_utc)
        rows = [f for f in found if f.orphans]
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": len(found),
                "checked": sum(len(checked(c, contracts)) for c in contracts.values()),
                "orphans": dg.MetadataValue.md(
                    "\n".join(
                        ["| reference | orphans | treatment |", "|---|---|---|"]
                        + [f"| {f.reference} | {f.orphans} | {f.treatment} |" for f in rows]
                    )
                ),
            }
        )

    return relationship
