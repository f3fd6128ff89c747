"""Stage one landed batch: candidate → rules → disposition → versions, or blocked with the reasons.

Belongs here: the order of those steps and what blocks a batch. Keep out: each step's SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from assets.staged import load
from assets.staged.candidate import build_candidate, dispose, mark, relation
from assets.staged.control_totals import record_control_totals
from assets.staged.load import Batch, LoadReport
from assets.staged.quarantine import settle
from assets.staged.tables import create_restricted, create_staged
from assets.staged.verdicts import NOTHING_DECIDED, Verdicts
from data_contracts.agreement import disagreements
from data_contracts.model import TableContract
from data_contracts.rules import Rule
from data_contracts.to_expectations import Outcome
from resources.engine import Engine, Session

Expectations = Callable[[TableContract], Mapping[str, Outcome]]
"""Second opinion on the committed candidate, by rule id."""


@dataclass(frozen=True)
class RuleResult:
    """One rule on one batch: what SQL counted, what Great Expectations found, and why they disagree, if so.

    ``outcome`` is None where only SQL judged: a batch replayed from the raw layer.
    """

    rule: Rule
    violations: int
    outcome: Outcome | None
    disagreement: str | None
    evaluated: int

    @property
    def status(self) -> str:
        """``pass``, ``fail``, or ``could_not_run``: two counts that differ show nothing about the data."""
        if self.disagreement:
            return "could_not_run"
        return "fail" if self.violations else "pass"

    @property
    def explanation(self) -> str:
        """What is wrong, how often, and the cure."""
        if self.disagreement:
            return self.disagreement
        counted = f"{self.violations} {self.rule.unit}{'' if self.violations == 1 else 's'}"
        return f"{self.rule.id}: {self.rule.message} ({counted}) → {self.rule.cure}"


@dataclass(frozen=True)
class Staged:
    """Outcome of one batch: the load report and every rule's result."""

    report: LoadReport
    results: tuple[RuleResult, ...]
    samples: tuple[str, ...]


def stage(
    engine: Engine,
    contract: TableContract,
    rules: Sequence[Rule],
    batch: Batch,
    parquet: Path,
    landed: Collection[str],
    expectations: Expectations | None,
    decided: Verdicts = NOTHING_DECIDED,
    blocked_by: Sequence[str] | None = None,
) -> Staged:
    """Take one landed batch into the staged layer.

    ``landed``: column names of the Parquet. ``expectations``: the second back end, None when a batch that was
    validated before is replayed. ``decided``: what people decided about its rows. ``blocked_by``: why its load was
    blocked, ``()`` if it was not; None judges it now. Blocks (writes no version) on: a
    failed table rule, a rule that could not run, a quarantined share above the contract's (more than a few rows),
    deletions above its ``max_delete_pct``, broken conservation.
    """
    with engine.begin() as session:
        create_staged(session, contract)
    with engine.begin() as session:
        create_restricted(session, contract)
        build_candidate(engine, session, contract, parquet, landed)
        violations = mark(session, contract, rules, decided)
    second = expectations(contract) if expectations and batch.landed else {}
    with engine.begin() as session:
        dispositions = dispose(session, contract, rules)
        deleted, in_scope = load.count_deletions(session, contract, batch)
        (current,) = session.row(f"SELECT count(*) FROM staged.{contract.name} WHERE _known_to IS NULL")
    evaluated = batch.landed - dispositions["control"]
    # A batch that brought nothing new says nothing about any rule; an empty pull is judged at extraction.
    judged = rules if batch.landed else ()
    apart = {d.rule_id: d.message for d in disagreements(violations, second)} if second else {}
    results = tuple(
        RuleResult(r, violations[r.id], second.get(r.id), apart.get(r.id), evaluated) for r in judged
    )
    report = LoadReport(contract.name, batch, dispositions, deleted, violations)
    if blocked_by is None:
        blocked_by = _blocking(contract, report, results, in_scope, int(current))
    blocked = tuple(blocked_by)
    report = LoadReport(contract.name, batch, dispositions, 0 if blocked else deleted, violations, blocked)
    with engine.begin() as session:
        load.write_private(session, contract, batch)
        if not blocked:
            settle(session, contract, batch)
        samples = tuple(_samples(session, contract, rules, batch))
    with engine.begin() as session:
        if not blocked:
            load.write_versions(session, contract, batch)
            record_control_totals(session, contract, batch)
        load.record_load(session, contract, report)
        _record_results(session, contract, batch, results)
        _prove_written(session, contract, report)
    return Staged(report, results, samples)


def drop_candidate(engine: Engine, contract: TableContract) -> None:
    """Remove the candidate tables of a staged batch; they hold nothing the batch does not."""
    with engine.begin() as session:
        for part in ("", "marks", "broken", "waived", "disposition"):
            session.run(f"DROP TABLE IF EXISTS {relation(contract, part)}")


def _blocking(
    contract: TableContract, report: LoadReport, results: Sequence[RuleResult], in_scope: int, current: int
) -> list[str]:
    reasons = [r.explanation for r in results if r.status == "could_not_run"]
    reasons += [
        r.explanation
        for r in results
        if r.status == "fail" and r.rule.scope == "table" and r.rule.severity == "error"
    ]
    data = report.batch.landed - report.dispositions["control"]
    kept_out = report.dispositions["quarantined"]
    # One bad row of a small ledger's ten is no broken delivery. Where nothing was good yet, all of them are.
    few = kept_out < contract.quarantine_min_rows and (current or kept_out < data)
    if data and not few and 100 * kept_out > contract.quarantine_max_pct * data:
        worst = sorted(report.violations.items(), key=lambda item: -item[1])[:3]
        named = ", ".join(f"{rule} {count}" for rule, count in worst if count)
        reasons.append(
            f"{kept_out} of {data} rows are rejected, more than the contract's {contract.quarantine_max_pct} % "
            f"({named}) → correct the rows at the source, or the rule or quarantine.max_pct in {contract.path.name}"
        )
    if in_scope and 100 * report.deleted > contract.update.max_delete_pct * in_scope:
        reasons.append(
            f"{report.deleted} of {in_scope} rows are gone from the source, more than the contract's "
            f"{contract.update.max_delete_pct} % → if that is right, raise max_delete_pct in {contract.path.name}; "
            "if not, have the source send the whole table"
        )
    if not report.conserved:
        reasons.append(
            f"rows are not conserved: landed {report.batch.landed}, accounted {dict(report.dispositions)}"
        )
    return reasons


def _samples(session: Session, contract: TableContract, rules: Sequence[Rule], batch: Batch) -> list[str]:
    """Up to five rejected rows, each with system, table, place, rule, what is wrong and the cure; no values."""
    rows = session.rows(
        "SELECT source_ref, row_no, rules, key_text FROM private.quarantine.quarantined_row "
        "WHERE table_name = :t AND batch_id = :b ORDER BY row_id LIMIT 5",
        t=contract.name, b=batch.batch_id,
    )  # fmt: skip
    by_id = {r.id: r for r in rules}
    found = []
    for ref, row_no, broken, key in rows:
        # A row that a later replay admits was rejected by the contract of its day; the rule may be gone.
        rule = by_id.get(broken.split(",")[0])
        if rule is None:
            continue
        where = f"{contract.server} / {contract.name} / {ref} row {row_no} (key {key})"
        found.append(f"{where} [{broken}]: {rule.message} → {rule.cure}")
    return found


def _record_results(
    session: Session, contract: TableContract, batch: Batch, results: Sequence[RuleResult]
) -> None:
    session.run(
        "DELETE FROM meta.rule_result WHERE table_name = :t AND batch_id = :b",
        t=contract.name,
        b=batch.batch_id,
    )
    for result in results:
        session.run(
            "INSERT INTO meta.rule_result VALUES (:t, :b, CAST(:k AS TIMESTAMP), :id, :sev, :unit, :eval, :counted, "
            ":gx, :status, :message)",
            t=contract.name, b=batch.batch_id, k=batch.known_utc, id=result.rule.id, sev=result.rule.severity,
            unit=result.rule.unit, eval=result.evaluated, counted=result.violations,
            gx=result.outcome.violations if result.outcome else None,
            status=result.status, message=result.rule.message,
        )  # fmt: skip


def _prove_written(session: Session, contract: TableContract, report: LoadReport) -> None:
    versions, kept_out = load.written(session, contract, report.batch)
    expected = 0 if report.blocked else report.dispositions["new_version"]
    if (versions, kept_out) != (expected, report.dispositions["quarantined"]):
        raise RuntimeError(
            f"{contract.name} batch {report.batch.batch_id}: {versions} versions and {kept_out} quarantined rows "
            f"written, {expected} and {report.dispositions['quarantined']} decided → the load is rolled back"
        )
