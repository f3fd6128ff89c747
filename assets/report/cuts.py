"""The two ends of a bridge: a publication, or the warehouse as the last run left it.

Belongs here: finding them, what the log says happened between, and leading from one to the other. Keep out: how a
bridge is computed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from assets.mart.past import past_statements
from assets.report.bridge import SAID, Bridge, Cut, Value, bridge, figures_of, value_of
from assets.report.causes import Between
from assets.report.evidence import Place
from assets.report.publication import batches_by, read
from assets.report.readiness import last_run
from assets.report.state import state_of
from data_contracts.calendar import Quarter
from data_contracts.metric import Metric
from data_contracts.metric_sql import FIGURE_KEY
from data_contracts.model import TableContract
from resources.decisions import DecisionsLog
from resources.failures import Refused
from resources.workspace import Workspace

CURRENT = "current"


class NoSuchEnd(Refused):
    """A bridge has no such end: names the quarter and what there is."""


def cut_named(
    ws: Workspace,
    contracts: Mapping[str, TableContract],
    metrics: Mapping[str, Metric],
    quarter: Quarter,
    name: str,
) -> Cut:
    """The end called ``v1``, ``v2`` … or ``current``, whose SQL is that of ``metrics``. Raises :class:`NoSuchEnd`."""
    if name == CURRENT:
        return _current(ws, contracts, metrics, quarter)
    closings = {f"v{c.version}": c for c in state_of(str(quarter), ws.decisions.entries()).closings}
    if name not in closings:
        there = ", ".join(closings) or "none: `jibao close` publishes one"
        raise NoSuchEnd(
            f"{quarter} has no publication {name} → versions are {there}; the other end is current"
        )
    return cut_of(read(ws.home, str(quarter), closings[name]))


def cut_of(document: Mapping[str, Any]) -> Cut:
    """The end that a publication's document is."""
    figures = {tuple(f[c] for c in FIGURE_KEY): _said(f) for f in document["figures"]}
    cut_off = datetime.fromisoformat(document["cut_off"])
    return Cut(f"v{document['version']}", cut_off, document["statements"], figures)


def newest_version(ws: Workspace, quarter: Quarter) -> str:
    """Name of the newest publication. Raises :class:`NoSuchEnd` where there is none."""
    version = state_of(str(quarter), ws.decisions.entries()).version
    if not version:
        raise NoSuchEnd(f"{quarter} was never closed → there is nothing to lead from; see `jibao close`")
    return f"v{version}"


def lead(
    ws: Workspace,
    contracts: Mapping[str, TableContract],
    metrics: Mapping[str, Metric],
    quarter: Quarter,
    start: Cut,
    end: Cut,
    only: Collection[str] = (),
    place: Place = ("group", ""),
) -> Bridge:
    """The bridge from one end to the later other, by what the log says happened between; see :func:`bridge`."""
    happened = between(ws.decisions, quarter, start.cut_off, end.cut_off)
    return bridge(ws.engine, contracts, metrics, quarter, start, end, happened, only, place)


def between(decisions: DecisionsLog, quarter: Quarter, first: datetime, last: datetime) -> Between:
    """What the log says of the time from one cut-off to the other."""

    def entries(kind: str) -> tuple[tuple[str, datetime], ...]:
        dated = ((e["table"], datetime.fromisoformat(e["at"])) for e in decisions.entries(kind))
        return tuple((table, at) for table, at in dated if first < at <= last)

    batches = tuple((t, b) for t, listed in batches_by(decisions, first).items() for b in listed)
    return Between(first, quarter.as_of, batches, entries("restage"), entries("revoke"))


def _said(figure: Mapping[str, str | None]) -> Value:
    # Publications of before there were adjustments hold the computed value alone.
    reported = figure.get("reported_value", figure["value"])
    return value_of(reported, *(figure[name] for name in SAID[1:]))


def _current(
    ws: Workspace, contracts: Mapping[str, TableContract], metrics: Mapping[str, Metric], quarter: Quarter
) -> Cut:
    known = last_run(ws)
    if known is None:
        raise NoSuchEnd("no night has been published yet → run `jibao nightly`")
    with ws.engine.begin() as session:
        figures = figures_of(session, str(quarter), str(quarter))
    return Cut(CURRENT, known, past_statements(contracts, known, metrics), figures)
