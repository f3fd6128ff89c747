"""What bars a quarter from being closed.

Belongs here: every reason, each with its cure. Keep out: the separation of duties (``state``), closing itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

from assets.mart.breaks import break_id, signatures
from assets.mart.breaks import state_of as signature_state
from assets.publish.publication import loaded_since
from assets.report.certificates import covered, stale_because, units
from assets.report.state import QuarterState
from assets.staged.quarantine import count_open
from data_contracts.calendar import SHANGHAI, Quarter
from data_contracts.claim import Figure, bulletins, evaluate, load_bulletin
from data_contracts.metric import Metric, load_metrics
from data_contracts.model import TableContract
from data_contracts.reconciliation import load_reconciliations
from resources.engine import Session
from resources.workspace import Workspace

Published = Sequence[Mapping[str, str | None]]


def runs(ws: Workspace) -> list[datetime]:
    """``known_at`` of every run that published, oldest first; a cut-off lies between the first and the last."""
    return sorted(datetime.fromisoformat(e["at"]) for e in ws.decisions.entries("run"))


def last_run(ws: Workspace) -> datetime | None:
    """``known_at`` of the last run that published."""
    return max(runs(ws), default=None)


def bad_cut_off(quarter: Quarter, cut_off: datetime, first: datetime, last: datetime) -> str | None:
    """Why a quarter cannot be closed as known at ``cut_off`` (aware; ``first``, ``last``: complete runs), or None."""
    # The end of a day is the last moment of its last second; runs are known in whole seconds.
    if cut_off.replace(microsecond=0) > last:
        return (
            f"the cut-off {cut_off.isoformat()} lies after the last complete run, {last.isoformat()} → "
            "leave --cut-off away to close as known then, or run `jibao nightly`"
        )
    if cut_off < first:
        return (
            f"the cut-off {cut_off.isoformat()} lies before the first complete run, {first.isoformat()}: nothing was "
            "known yet → choose a later one"
        )
    if cut_off.astimezone(SHANGHAI).date() < quarter.as_of:
        return f"the cut-off {cut_off.isoformat()} lies before the end of {quarter} → choose a later one"
    return None


def reasons(
    ws: Workspace,
    contracts: Mapping[str, TableContract],
    state: QuarterState,
    figures: Published,
    adjustments: Published,
) -> tuple[list[str], list[str]]:
    """(what bars closing, what a named person may override) for the figures that would be published."""
    metrics = load_metrics()
    with ws.engine.begin() as session:
        barred = [
            *not_rebuilt(ws),
            *_failed_sources(session),
            *_quarantine(session, contracts),
            *_gaps(metrics, figures),
            *_reconciliations(session, ws, state.quarter),
            # The bulletin tells of the first version; what a later one says otherwise, the bridge explains.
            *(() if state.version else _claims(metrics, state.quarter, figures)),
        ]
        waivable = list(_certificates(metrics, state, figures, adjustments))
    return barred, waivable


def not_rebuilt(ws: Workspace) -> Iterator[str]:
    """Tables whose newest rows the figures do not know of."""
    if loaded := loaded_since(ws):
        yield f"{', '.join(loaded)} loaded since the figures were computed → run `jibao nightly`"


def _failed_sources(session: Session) -> Iterator[str]:
    for table, cause in session.rows(
        "SELECT table_name, cause FROM meta.source_state WHERE state = 'failed' ORDER BY table_name"
    ):
        yield f"{table} is stale: {cause}"


def _quarantine(session: Session, contracts: Mapping[str, TableContract]) -> Iterator[str]:
    for contract in contracts.values():
        waiting = count_open(session, contract)
        (rows,) = session.row(f"SELECT count(*) FROM staged.{contract.name} WHERE _known_to IS NULL")
        share = 100 * waiting / (rows + waiting) if waiting else 0.0
        if share > contract.quarantine_max_pct and waiting >= contract.quarantine_min_rows:
            yield (
                f"{contract.name}: {waiting} of {rows + waiting} rows wait in quarantine ({share:.1f} %, at most "
                f"{contract.quarantine_max_pct:g} %) → `jibao quarantine list {contract.name}`"
            )


def _gaps(metrics: Mapping[str, Metric], figures: Published) -> Iterator[str]:
    for figure in figures:
        metric = metrics[figure["metric_id"] or ""]
        gaps = [flag for flag in (figure["flags"] or "").split() if flag.startswith("gap:")]
        if gaps and metric.gap_policy == "block" and figure["grain"] == "group":
            missing = gaps[0].removeprefix("gap:")
            yield (
                f"{metric.id} ({figure['period']}): {missing} reports are missing → have them sent, a nil return "
                "where there is nothing to report"
            )


def _claims(metrics: Mapping[str, Metric], quarter: str, figures: Published) -> Iterator[str]:
    if quarter not in bulletins():
        return
    found = {(f["metric_id"], f["period"], f["grain"], f["scope_code"] or ""): f for f in figures}
    for claim in load_bulletin(quarter).claims:
        if claim.metric:
            told = found.get((claim.metric, claim.period, claim.grain, claim.scope_code))
            result = evaluate(claim, _figure(told), metrics[claim.metric])
            if result.status == "fail":
                yield f"claim {claim.id}: {result.value or 'nothing'}, accepted {result.accepted} ({result.reason})"


def _figure(told: Mapping[str, str | None] | None) -> Figure | None:
    if told is None:
        return None
    number, first, last = told["value"], told["value_date"], told["value_date_to"]
    return Figure(
        value=Decimal(number) if number is not None else None,
        value_date=date.fromisoformat(first) if first else None,
        value_date_to=date.fromisoformat(last) if last else None,
        value_text=told["value_text"],
        row_count=int(told["row_count"] or 0),
        flags=told["flags"],
    )


def _reconciliations(session: Session, ws: Workspace, quarter: str) -> Iterator[str]:
    """Rules with breaks that nobody signed for; a signature counts from the moment the log holds it."""
    rules, signed, day = load_reconciliations(), signatures(ws.decisions), ws.known_at.date()
    unsigned: dict[tuple[str, str], int] = {}
    for rule, name, key, unexplained in session.rows(
        "SELECT b.rule_id, r.name_zh, b.key_text, b.unexplained FROM mart.recon_break AS b "
        "JOIN mart.reconciliation AS r ON r.rule_id = b.rule_id AND r.quarter = b.quarter "
        "WHERE b.quarter = :q AND r.status = 'out' ORDER BY b.rule_id, b.key_text",
        q=quarter,
    ):
        if rule in rules and not rules[rule].signable:
            continue  # A release gate: claims bar the first version by themselves, publications judge the one before.
        if rule in rules and rules[rule].judges_publications:
            continue  # It says why the version before is to be replaced.
        if signature_state(signed.get(break_id(rule, key)), unexplained, day) != "signed":
            unsigned[rule, name] = unsigned.get((rule, name), 0) + 1
    for (rule, name), count in unsigned.items():
        breaks = "1 break" if count == 1 else f"{count} breaks"
        yield (
            f"{rule} {name}: {breaks} that nobody signed for → `jibao reconcile {rule}`, then have the "
            "ledger mended or sign with `jibao reconcile sign`"
        )


def _certificates(
    metrics: Mapping[str, Metric], state: QuarterState, figures: Published, adjustments: Published
) -> Iterator[str]:
    for unit in units(metrics.values()):
        covers = covered(metrics, unit, figures, adjustments)
        certificate = state.certificates.get(unit)
        if not covers:
            continue
        if certificate is None:
            yield f"{unit} has not certified → `jibao certify {state.quarter} --unit {unit} --by NAME`"
        elif stale := stale_because(certificate, covers):
            more = f" (and {len(stale) - 1} more)" if stale[1:] else ""
            yield f"the certificate of {unit} is stale: {stale[0]}{more} → {unit} certifies anew"
