"""Dagster assets ``staged/<table>`` with their two checks, and ``staged/relationship``.

Belongs here: feeding batches to ``stage`` and turning its outcome into checks and metadata. Keep out: rules,
SQL, and the judgement itself.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from assets.common import (
    OFFICE,
    POOL,
    Lineage,
    column_schema,
    ledger_metadata,
    lineage_entry,
    markdown_table,
    owners,
)
from assets.raw.extract import record_state
from assets.staged.catch_up import catch_up
from assets.staged.known import create_known
from assets.staged.pending import committed_batches, table_state
from assets.staged.quarantine import count_open
from assets.staged.relationships import check_relationships
from assets.staged.restage import definition_changed, record_definition, restage
from assets.staged.stage import Staged
from assets.staged.tables import create_all, create_staged, create_tables
from data_contracts.model import TableContract
from data_contracts.rules import rules_of
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
        metadata=ledger_metadata(contract)
        | {
            "dagster/table_name": f"staged.{contract.name}",
            "dagster/column_schema": column_schema(contract.public),
            "rules": len(rules),
        },
        pool=POOL,
        check_specs=[
            dg.AssetCheckSpec(
                "blocking",
                asset=key,
                blocking=True,
                description="Rules on the table and the extraction, conservation, and the share of rejected rows; "
                "a batch that breaks one changes nothing.",
            ),
            dg.AssetCheckSpec(
                "warning",
                asset=key,
                description="Rejected rows (in quarantine, the rest went on), rules that only warn, staleness.",
            ),
        ],
    )
    def staged(context: dg.AssetExecutionContext, workspace: JibaoWorkspace) -> Iterator[Any]:
        ws = workspace.workspace
        _prepare(context, ws, contract)
        outcomes = catch_up(ws, contract, rules)
        # A batch that was blocked on an earlier night is blocked again in a rebuild; that night told of it.
        blocked = [o for is_new, o in outcomes if is_new and o.report.blocked]
        loaded = [o for _, o in outcomes if not o.report.blocked]
        if blocked:
            record_state(ws, contract, _why_blocked(contract, blocked[-1]))
        with ws.engine.begin() as session:
            state = table_state(session, contract) | {"in_quarantine": count_open(session, contract)}
        # As with a source that does not answer: only a required table stops the run here.
        stops = bool(blocked) and contract.required
        checks = _checks(contract, loaded, blocked, state, stops)
        if stops:
            yield from checks
            raise dg.Failure(description=_why_blocked(contract, blocked[-1]), allow_retries=False)
        yield dg.MaterializeResult(
            metadata=_metadata([*loaded, *blocked], state) | lineage_entry(_from_raw(contract))
        )
        # After the materialization: Dagster files a check with the newest one there is.
        yield from checks

    return staged


def _why_blocked(contract: TableContract, outcome: Staged) -> str:
    """The cause in one line; where rows were rejected, with the first of them."""
    example = f"; for example {outcome.samples[0]}" if outcome.samples else ""
    more = f" (and {len(outcome.report.blocked) - 1} more reasons)" if outcome.report.blocked[1:] else ""
    return f"{contract.server} / {contract.name}: {outcome.report.blocked[0]}{more}{example}"


def _prepare(context: dg.AssetExecutionContext, ws: Workspace, contract: TableContract) -> None:
    """Tables, and the table's rows under today's definition of it."""
    create_tables(ws.engine, [contract])
    with ws.engine.begin() as session:
        changed = definition_changed(session, contract)
        if not changed:
            record_definition(session, contract)
    if changed:
        ended, made = restage(ws, contract, committed_batches(ws, contract, staged=True))
        context.log.info(
            f"{contract.name} re-staged under a changed contract: {ended} versions ended, {made} made"
        )


def _checks(
    contract: TableContract,
    loaded: list[Staged],
    blocked: list[Staged],
    state: Mapping[str, Any],
    stops: bool,
) -> Iterator[dg.AssetCheckResult]:
    reasons_blocked = [reason for o in blocked for reason in o.report.blocked]
    failing = [r for o in loaded for r in o.results if r.status == "fail"]
    samples = [s for o in [*blocked, *loaded] for s in o.samples]
    yield dg.AssetCheckResult(
        check_name="blocking",
        passed=not reasons_blocked,
        # An error stops what depends on the table; the last good version of an optional one goes on.
        severity=dg.AssetCheckSeverity.ERROR if stops else dg.AssetCheckSeverity.WARN,
        description=_why_blocked(contract, blocked[-1])
        if blocked
        else "every table and extraction rule holds",
        metadata={"reasons": dg.MetadataValue.json(reasons_blocked)} if reasons_blocked else {},
    )
    stale = state["state"] == "failed"
    waiting = state["in_quarantine"]
    # A rejected row says where it stands; a rule that only warns says how often it is broken; rows rejected
    # on an earlier night still wait.
    reasons = [
        *([state["cause"]] if stale else []),
        *samples,
        *(r.explanation for r in failing),
        f"{waiting} rejected rows wait → `jibao quarantine list {contract.name}` names each and its cure",
    ]
    yield dg.AssetCheckResult(
        check_name="warning",
        passed=not (failing or stale or waiting),
        severity=dg.AssetCheckSeverity.WARN,
        description=str(reasons[0]) if failing or stale or waiting else "no rule is broken",
        metadata={
            "in_quarantine": waiting,
            **{r.rule.id: r.violations for r in failing},
            **{f"example {n}": text for n, text in enumerate(samples, 1)},
            **({"last_good": f"{state['last_good_known_at']} UTC"} if stale else {}),
        },
    )


def _metadata(outcomes: list[Staged], state: Mapping[str, Any]) -> dict[str, Any]:
    totals: dict[str, int] = {}
    for outcome in outcomes:
        for name, count in outcome.report.dispositions.items():
            totals[name] = totals.get(name, 0) + count
    landed = sum(o.report.batch.landed for o in outcomes)
    parts = " + ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in totals.items() if count)
    return {
        "dagster/row_count": state["current_rows"],
        "batches": len(outcomes),
        "landed": landed,
        **totals,
        "deleted": sum(o.report.deleted for o in outcomes),
        "conservation": f"{landed:,} landed = {parts}" if parts else "nothing landed",
        "in_quarantine": state["in_quarantine"],
        "source_state": "failed, last good version kept" if state["state"] == "failed" else "answered",
    }


def _from_raw(contract: TableContract) -> Lineage:
    """A staged column is the landed column of the same name, typed."""
    raw = dg.AssetKey(["raw", contract.name])
    return {c.name: [(raw, c.name)] for c in contract.public}


def _relationship_asset(contracts: Mapping[str, TableContract]) -> dg.AssetsDefinition:
    @dg.asset(
        key=["staged", "relationship"],
        deps=[["staged", name] for name in contracts],
        group_name="quality",
        description="References between ledgers, checked when all tables are staged: rows without their parent.",
        kinds={"duckdb"},
        owners=owners(OFFICE),
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
        return dg.MaterializeResult(
            metadata={
                "references": len(found),
                "orphan_rows": sum(f.orphans for f in found),
                "orphans": markdown_table(
                    ("reference", "rows without parent", "treatment"),
                    [(f.reference, f.orphans, f.treatment) for f in found if f.orphans],
                ),
            }
        )

    return relationship
