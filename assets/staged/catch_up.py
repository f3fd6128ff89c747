"""Stage what a table still lacks: landed batches and decisions on rows, in the order of the log.

Belongs here: that order, one batch at a time. Keep out: which batches and decisions there are (``pending``,
``movements``), the judgement on a batch (``stage``), Dagster. With no work files everything is lacking: the same
steps rebuild the table.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from assets.staged.candidate import relation
from assets.staged.movements import carry_out, unsettled
from assets.staged.pending import PendingBatch, committed_batches
from assets.staged.stage import Staged, drop_candidate, stage
from assets.staged.verdicts import decisions_on, verdicts
from data_contracts.model import TableContract
from data_contracts.rules import Rule
from data_contracts.to_expectations import Outcome
from resources.workspace import Workspace


def catch_up(ws: Workspace, contract: TableContract, rules: Sequence[Rule]) -> list[tuple[bool, Staged]]:
    """Stage what is not staged, and carry out what is decided and not done; (batch is new, outcome) of each batch.

    A batch that was never loaded is validated by both back ends, and its load is logged.
    """
    steps: list[tuple[int, PendingBatch | Mapping[str, Any]]] = [
        *((batch.seq, batch) for batch in committed_batches(ws, contract, staged=False)),
        *((entry["seq"], entry) for entry in unsettled(ws, contract)),
    ]
    outcomes = []
    for _, step in sorted(steps, key=lambda s: s[0]):
        if isinstance(step, PendingBatch):
            outcomes.append((step.is_new, _stage_one(ws, contract, rules, step)))
        else:
            carry_out(ws, contract, step)
    return outcomes


def _stage_one(
    ws: Workspace, contract: TableContract, rules: Sequence[Rule], pending: PendingBatch
) -> Staged:
    # When the work files are rebuilt, a batch that was loaded before keeps the evidence of that load.
    second = partial(_second_opinion, ws) if pending.is_new else None
    decided = verdicts(
        decisions_on(ws.decisions.entries(), contract.name), pending.batch.batch_id, pending.seq
    )
    outcome = stage(
        ws.engine, contract, rules, pending.batch, pending.parquet, pending.columns, second, decided
    )
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
