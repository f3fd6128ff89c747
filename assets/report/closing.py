"""Hold, certify, close and reopen a quarter: each a check of what is allowed and one entry of the log.

Belongs here: the order of these steps. Keep out: what bars them (``state``, ``readiness``), the document
(``publication``), Dagster and the command line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from assets.mart.adjustments import counted
from assets.report.certificates import covered, current_figures, units
from assets.report.cuts import cut_named, cut_of, lead
from assets.report.publication import make, write
from assets.report.readiness import bad_cut_off, not_rebuilt, reasons, runs
from assets.report.state import (
    NotAllowed,
    QuarterState,
    may_certify,
    may_close,
    may_hold,
    may_reopen,
    may_restate,
    state_of,
)
from data_contracts.calendar import Quarter
from data_contracts.metric import load_metrics
from data_contracts.model import TableContract
from resources.workspace import Workspace


class NotReady(NotAllowed):
    """The quarter cannot be closed yet; ``reasons`` lists every one, the message the first."""

    def __init__(self, quarter: str, found: Sequence[str]) -> None:
        self.reasons = tuple(found)
        listed = "\n".join(f"  {number}. {text}" for number, text in enumerate(found, 1))
        counted = "1 reason" if len(found) == 1 else f"{len(found)} reasons"
        super().__init__(f"{quarter} cannot be closed, {counted}:\n{listed}")


def current_state(ws: Workspace, quarter: Quarter) -> QuarterState:
    """Where the quarter stands."""
    return state_of(str(quarter), ws.decisions.entries())


def hold(ws: Workspace, quarter: Quarter, by: str) -> None:
    """``by`` says the quarter is prepared: from here on units certify it. Raises :class:`NotAllowed`."""
    _named(by)
    _figures_stand(ws)
    may_hold(current_state(ws, quarter), by)
    ws.decisions.append("hold", ws.known_at, quarter=str(quarter), by=by)


def certify(ws: Workspace, quarter: Quarter, unit: str, by: str) -> int:
    """``by`` certifies the figures of ``unit`` as they stand; returns how many. Raises :class:`NotAllowed`."""
    _named(by)
    _figures_stand(ws)
    metrics = load_metrics()
    if unit not in units(metrics.values()):
        raise NotAllowed(f"no unit {unit!r} certifies figures → one of {', '.join(units(metrics.values()))}")
    may_certify(current_state(ws, quarter), unit, by)
    with ws.engine.begin() as session:
        covers = covered(
            metrics, unit, current_figures(session, str(quarter)), counted(session, str(quarter))
        )
    if not covers:
        raise NotAllowed(
            f"{unit} has no figure in {quarter} → run `jibao nightly`, or choose another quarter"
        )
    ws.decisions.append("certify", ws.known_at, quarter=str(quarter), unit=unit, by=by, covers=covers)
    return len(covers)


def close(
    ws: Workspace,
    contracts: Mapping[str, TableContract],
    quarter: Quarter,
    by: str,
    *,
    cut_off: datetime | None = None,
    reason: str = "",
    accounting_reason: str = "",
    override: str = "",
) -> int:
    """Publish the next version of the quarter; returns its number.

    ``cut_off`` (aware): as known then; None is the last complete run. ``reason`` and ``accounting_reason``: why it
    restates the version before, in words and as one of :data:`~assets.report.state.ACCOUNTING_REASONS`.
    ``override``: the reason for which ``by`` closes without certificates that are valid.
    Raises :class:`NotReady` with every reason, :class:`NotAllowed` otherwise.
    """
    _named(by)
    state = current_state(ws, quarter)
    may_close(state, by)
    may_restate(state, reason, accounting_reason)
    complete = runs(ws)
    if not complete:
        raise NotReady(str(quarter), ["no night has been published yet → run `jibao nightly`"])
    known = cut_off or complete[-1]
    if wrong := bad_cut_off(quarter, known, complete[0], complete[-1]):
        raise NotReady(str(quarter), [wrong])
    said = {"reason": reason, "accounting_reason": accounting_reason, "override": override}
    document = make(ws, contracts, state, known, by=by, said=said)
    if state.version:
        document["bridge"] = _bridge(ws, contracts, quarter, document)
    barred, waivable = reasons(ws, contracts, state, document["figures"], document["adjustments"])
    if barred or (waivable and not override.strip()):
        raise NotReady(str(quarter), [*barred, *([] if override.strip() else waivable)])
    name, sha256 = write(ws.home, document)
    ws.decisions.append(
        "close", ws.known_at, quarter=str(quarter), version=document["version"], by=by, file=name, sha256=sha256,
        cut_off=known.isoformat(), overridden=waivable, **said,
    )  # fmt: skip
    return int(document["version"])


def reopen(ws: Workspace, quarter: Quarter, by: str, reason: str) -> None:
    """``by`` reopens a closed quarter for a restatement. Raises :class:`NotAllowed`."""
    _named(by)
    if not reason.strip():
        raise NotAllowed(f"{quarter} is not reopened without a reason → --reason TEXT")
    may_reopen(current_state(ws, quarter))
    ws.decisions.append("reopen", ws.known_at, quarter=str(quarter), by=by, reason=reason)


def _bridge(
    ws: Workspace, contracts: Mapping[str, TableContract], quarter: Quarter, document: Mapping[str, Any]
) -> list[dict[str, str | None]]:
    """How the figures got here from the version before. Raises :class:`NotAllowed` if something is unexplained."""
    metrics = load_metrics()
    start = cut_named(ws, contracts, metrics, quarter, f"v{document['version'] - 1}")
    end = cut_of(document)
    if end.cut_off < start.cut_off:
        raise NotAllowed(
            f"{quarter} {start.name} was published as known at {start.cut_off.isoformat()} → "
            "a later version is of the same cut-off or a later one"
        )
    found = lead(ws, contracts, metrics, quarter, start, end)
    if found.unexplained:
        first = found.unexplained[0]
        raise NotAllowed(
            f"{quarter}: {len(found.unexplained)} figures differ from {start.name} and no cause explains it, the first "
            f"{first.metric_id} {first.period} {first.before} → {first.after} → `jibao publication verify {quarter}`"
        )
    return [effect.told() for effect in found.effects]


def _figures_stand(ws: Workspace) -> None:
    """Nobody signs for figures that do not know of rows loaded since."""
    for reason in not_rebuilt(ws):
        raise NotAllowed(reason)


def _named(by: str) -> None:
    if not by.strip():
        raise NotAllowed("nobody's name stands under it → --by NAME")
