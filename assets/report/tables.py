"""The report tables that readers see, rebuilt from the log and the publications' files.

Belongs here: ``report.publication``, ``report.figure``, ``report.adjustment``, ``report.bridge``,
``report.certificate``, ``report.certified_figure`` and ``report.moved_figure``. Keep out: deciding anything, and
which moves matter (``materiality``). They are a cache: delete the work files and they come back the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from assets.mart.adjustments import LINE_COLUMNS, counted
from assets.materialize import comment, hold_to
from assets.report.bridge import EFFECT_COLUMNS
from assets.report.certificates import covered, current_figures, figures_of, stale_because
from assets.report.materiality import judge
from assets.report.publication import Difference, NotReproduced, read, recomputed
from assets.report.state import Closing, QuarterState, quarters_touched, state_of
from data_contracts.calendar import naive_utc
from data_contracts.metric import load_metrics
from data_contracts.metric_sql import COLUMNS
from data_contracts.outputs import load_outputs
from resources.engine import Session, insert_rows
from resources.workspace import Workspace

TABLES = (
    "publication", "figure", "adjustment", "bridge", "certificate", "certified_figure", "moved_figure",
    "unadjusted_difference",
)  # fmt: skip


def states(ws: Workspace) -> list[QuarterState]:
    """Every quarter that somebody held, certified, closed or reopened, oldest first."""
    entries = list(ws.decisions.entries())
    return [state_of(quarter, entries) for quarter in quarters_touched(entries)]


def prove_files(ws: Workspace) -> list[tuple[QuarterState, Closing, dict[str, Any]]]:
    """Every publication with its document. Raises :class:`NotReproduced` for a file that is not what was signed."""
    return [
        (state, closing, read(ws.home, state.quarter, closing))
        for state in states(ws)
        for closing in state.closings
    ]


def write_tables(ws: Workspace) -> dict[str, int]:
    """Rebuild all tables; returns rows by table. Raises :class:`NotReproduced` for a file that was edited."""
    found, documents = states(ws), prove_files(ws)
    outputs = load_outputs()
    with ws.engine.begin() as session:
        session.run("CREATE SCHEMA IF NOT EXISTS report")
        for name in TABLES:
            columns = ", ".join(f'"{c.name}" {c.type}' for c in outputs[f"report.{name}"].columns)
            session.run(f"CREATE OR REPLACE TABLE report.{name} ({columns})")
        for state, closing, document in documents:
            _publication(session, state, document, closing.sha256)
            insert_rows(session, "report.certified_figure", _certified(state.quarter, closing))
        for state in found:
            _certificates(session, state)
        write_moved(session)
        judge(session, load_metrics())
        for name in TABLES:
            hold_to(session, outputs[f"report.{name}"])
            comment(session, outputs[f"report.{name}"], "table")
        return {name: int(session.row(f"SELECT count(*) FROM report.{name}")[0]) for name in TABLES}


def not_reproduced(ws: Workspace) -> list[str]:
    """Publications that do not come out again as known at their cut-off, a line each with what differs."""
    alarms = []
    for state in states(ws):
        for closing in state.closings:
            try:
                found: list[Difference] = recomputed(ws.engine, read(ws.home, state.quarter, closing))
            except NotReproduced as error:
                alarms.append(str(error))
                continue
            if found:
                more = f" (and {len(found) - 1} more figures)" if found[1:] else ""
                alarms.append(f"publication {state.quarter} version {closing.version}: {found[0]}{more}")
    return alarms


def moved(session: Session) -> list[tuple[str, str, str, str]]:
    """Group figures of closed quarters whose current value is another: (quarter, metric/period, published, now)."""
    return [
        (str(q), f"{m}/{p}", str(old), str(new))
        for q, m, p, old, new in session.rows(
            "SELECT quarter, metric_id, period, published, current FROM report.moved_figure "
            "WHERE grain = 'group' ORDER BY quarter, metric_id, period"
        )
    ]


def _publication(session: Session, state: QuarterState, document: Mapping[str, Any], sha256: str) -> None:
    newest = document["version"] == state.version
    session.run(
        "INSERT INTO report.publication VALUES (:quarter, :version, :current, :cut_off, :known_at, :preparer, "
        ":certifiers, :closer, :reason, :accounting, :override, :figures, :batches, :sha, :previous)",
        quarter=state.quarter, version=document["version"], current=newest and state.word == "closed",
        cut_off=_utc(document["cut_off"]), known_at=_utc(document["known_at"]), preparer=document["preparer"],
        certifiers=", ".join(f"{unit}: {by}" for unit, by in sorted(document["certificates"].items())),
        closer=document["closer"], reason=document["reason"] or None,
        accounting=document.get("accounting_reason") or None, override=document["override"] or None,
        figures=len(document["figures"]), batches=sum(len(b) for b in document["batches"].values()), sha=sha256,
        previous=document["previous"] or None,
    )  # fmt: skip
    figures: Iterable[Mapping[str, str | None]] = document["figures"]
    named = [c for c in COLUMNS if c != "quarter"]
    insert_rows(
        session,
        "report.figure",
        (
            (state.quarter, document["version"], *(figure[c] for c in named), figure.get("adjustment"),
             figure.get("reported_value", figure["value"]))
            for figure in figures
        ),
    )  # fmt: skip
    effects: Iterable[Mapping[str, str | None]] = document.get("bridge", ())
    insert_rows(
        session,
        "report.bridge",
        (
            (state.quarter, document["version"], step, *(effect[c] for c in EFFECT_COLUMNS))
            for step, effect in enumerate(effects, 1)
        ),
    )
    lines: Iterable[Mapping[str, str | None]] = document.get("adjustments", ())
    insert_rows(
        session,
        "report.adjustment",
        ((state.quarter, document["version"], *(line[c] for c in LINE_COLUMNS)) for line in lines),
    )


def _certificates(session: Session, state: QuarterState) -> None:
    metrics, figures = load_metrics(), current_figures(session, state.quarter)
    adjustments = counted(session, state.quarter)
    for certificate in state.certificates.values():
        stale = stale_because(certificate, covered(metrics, certificate.unit, figures, adjustments))
        session.run(
            "INSERT INTO report.certificate VALUES (:q, :u, :by, :at, :n, :stale, :why)",
            q=state.quarter, u=certificate.unit, by=certificate.by,
            at=naive_utc(certificate.at), n=len(certificate.covers), stale=bool(stale),
            why="; ".join(stale) or None,
        )  # fmt: skip


def _certified(quarter: str, closing: Closing) -> Iterator[tuple[object, ...]]:
    for certificate in closing.certificates.values():
        for (metric_id, period), told in figures_of(certificate).items():
            yield quarter, closing.version, metric_id, period, certificate.unit, *told


def write_moved(session: Session) -> None:
    """Figures of the newest publication of each quarter that are others by now, not judged yet.

    A scope that has no figure on one side counts as 0 there: it had no rows.
    """
    session.run(
        """INSERT INTO report.moved_figure
        SELECT COALESCE(f.quarter, m.quarter), f.version, COALESCE(f.metric_id, m.metric_id),
            COALESCE(f.period, m.period), COALESCE(f.grain, m.grain), COALESCE(f.scope_code, m.scope_code),
            COALESCE(CAST(f.reported_value AS VARCHAR), CAST(f.value_date AS VARCHAR), f.value_text),
            COALESCE(CAST(m.reported_value AS VARCHAR), CAST(m.value_date AS VARCHAR), m.value_text),
            CASE WHEN COALESCE(m.reported_value, f.reported_value) IS NOT NULL
                THEN COALESCE(m.reported_value, 0) - COALESCE(f.reported_value, 0) END,
            m.definition_hash IS DISTINCT FROM f.definition_hash, NULL, NULL
        FROM (
            SELECT g.* FROM report.figure AS g
            JOIN (SELECT quarter, max(version) AS version FROM report.publication GROUP BY quarter) AS p
                ON p.quarter = g.quarter AND p.version = g.version
        ) AS f
        FULL JOIN (
            SELECT * FROM mart.reported_metric WHERE quarter IN (SELECT quarter FROM report.publication)
        ) AS m
            ON m.quarter = f.quarter AND m.metric_id = f.metric_id AND m.period = f.period
            AND m.grain = f.grain AND m.scope_code = f.scope_code
        WHERE m.reported_value IS DISTINCT FROM f.reported_value OR m.value_date IS DISTINCT FROM f.value_date
            OR m.value_date_to IS DISTINCT FROM f.value_date_to OR m.value_text IS DISTINCT FROM f.value_text"""
    )


def _utc(text: str) -> datetime:
    return naive_utc(datetime.fromisoformat(text))
