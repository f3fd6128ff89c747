"""Dagster assets ``mart/reconciliation``, ``mart/recon_break`` and ``mart/recon_item``: one step, two checks.

Belongs here: order, checks and metadata. Keep out: comparing (``reconciliation``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from assets.common import POOL, markdown_table, promised
from assets.core.assets import RECORDS
from assets.mart.reconciliation import UNPUBLISHED, Outcome, create_reconciliation, tables_of
from assets.materialize import comment, hold_to
from assets.sql_files import sql_files
from assets.staged.known import create_known, known_behind
from data_contracts.model import TableContract
from data_contracts.outputs import load_outputs
from data_contracts.reconciliation import Reconciliation, load_reconciliations
from resources.dagster_workspace import JibaoWorkspace
from resources.engine import Session

TABLES = ("reconciliation", "recon_break", "recon_item")
SUMMARY = dg.AssetKey(["mart", "reconciliation"])
_BY_RUN = ("quarterly_metric", "quarterly_metric_history", "reported_metric", "scope_change", "claim_result")


def reconciliation_assets(contracts: Mapping[str, TableContract]) -> dg.AssetsDefinition:
    """All three tables: they are made together, from one comparison."""
    rules = load_reconciliations()
    promises = [load_outputs()[f"mart.{name}"] for name in TABLES]
    behind = known_behind(
        [t.removeprefix("known.") for t in _read(rules) if t.startswith("known.")], contracts
    )

    @dg.multi_asset(
        name="mart__reconciliation",
        specs=[_spec(promise.name, _dependencies(rules, behind)) for promise in promises],
        check_specs=[
            dg.AssetCheckSpec(
                "gates_hold", asset=SUMMARY, description="No gate of an ended quarter is open; one bars its closing."
            ),
            dg.AssetCheckSpec(
                "differences_explained", asset=SUMMARY,
                description="Every difference between two ledgers is explained or signed for, and every rule ran.",
            ),
        ],
        pool=POOL,
    )  # fmt: skip
    def reconciliation(workspace: JibaoWorkspace) -> Iterator[Any]:
        ws = workspace.workspace
        with ws.engine.begin() as session:
            create_known(session, behind)
            outcome = create_reconciliation(session, rules, ws.decisions, ws.known_at)
            for promise in promises:
                hold_to(session, promise)
                comment(session, promise, "table")
            counts = {n: int(session.row(f"SELECT count(*) FROM mart.{n}")[0]) for n in TABLES}
            listed = _listed(session)
        for name in TABLES:
            said = {"reconciliations": listed} if name == "reconciliation" else {}
            yield dg.MaterializeResult(
                asset_key=["mart", name], metadata={"dagster/row_count": counts[name], **said}
            )
        yield _check("gates_hold", dg.AssetCheckSeverity.ERROR, rules, outcome, "gate")
        yield _check("differences_explained", dg.AssetCheckSeverity.WARN, rules, outcome, "warning")

    return reconciliation


def _read(rules: Mapping[str, Reconciliation]) -> list[str]:
    return [t.removesuffix("__versions") for t in tables_of(rules.values())]


def _dependencies(
    rules: Mapping[str, Reconciliation], behind: Mapping[str, TableContract]
) -> list[dg.AssetKey]:
    """What the rules read, of that which is there; ``known.t`` is ``staged/t`` and the parents it waits for."""
    made = {f"{layer}.{name}" for layer in ("core", "mart") for name in sql_files(layer)}
    made |= {"core.cut_off", *(f"mart.{name}" for name in _BY_RUN)}
    keys = [dg.AssetKey(table.split(".", 1)) for table in _read(rules) if table in made]
    if any(rule.judges_publications for rule in rules.values()):
        keys.append(dg.AssetKey(["report", "publication"]))  # one step makes all tables of publications
    keys += [dg.AssetKey(["staged", name]) for name in behind]
    return list(dict.fromkeys([*keys, RECORDS]))


def _spec(name: str, deps: list[dg.AssetKey]) -> dg.AssetSpec:
    said = promised(load_outputs()[f"mart.{name}"])
    return dg.AssetSpec(
        ["mart", name],
        deps=deps,
        kinds={"sql", "table"},
        group_name=said["group_name"],
        description=said["description"],
        owners=said["owners"],
        metadata=said["metadata"],
    )


def _listed(session: Session) -> dg.MarkdownMetadataValue:
    rows = session.rows(
        "SELECT rule_id, name_zh, quarter, status, compared, left_value, right_value, unexplained, breaks, signed, "
        "coalesce(oldest_days, 0), coalesce(reason, '') FROM mart.reconciliation "
        "WHERE quarter = (SELECT max(quarter) FROM core.dim_quarter WHERE NOT is_current) ORDER BY rule_id"
    )
    head = (
        "rule",
        "name",
        "quarter",
        "status",
        "keys",
        "left",
        "right",
        "unexplained",
        "breaks",
        "signed",
        "days",
        "",
    )
    return markdown_table(head, rows)


def _check(
    name: str,
    severity: dg.AssetCheckSeverity,
    rules: Mapping[str, Reconciliation],
    outcome: Outcome,
    kind: str,
) -> dg.AssetCheckResult:
    """Fails when a rule of this kind has a break nobody signed for; what could not run is said, never passed."""
    waiting = {r: n for r, n in outcome.open_breaks.items() if rules[r].severity == kind}
    not_run = {
        r: reason
        for r, reason in outcome.not_run.items()
        if rules[r].severity == kind and reason != UNPUBLISHED
    }
    said = [f"{r} {rules[r].name.en}: {n} open" for r, n in waiting.items()]
    said += [f"{r} {rules[r].name.en} did not run: {reason}" for r, reason in not_run.items()]
    held = [r for r in outcome.within if rules[r].severity == kind]
    return dg.AssetCheckResult(
        asset_key=SUMMARY,
        check_name=name,
        passed=not said,
        severity=severity,
        description=f"{said[0]} (`jibao reconcile` lists all)" if said else f"{len(held)} rules hold",
        metadata={"held": len(held), **{f"{r} breaks": n for r, n in waiting.items()}, **not_run},
    )
