"""A publication: the figures of a quarter as reported, with everything that made them.

Belongs here: making the document, its file (whole or absent), reading and recomputing it. Keep out: who may
close and when (``state``, ``readiness``), the tables readers see (``tables``).

One JSON file a version, ``JIBAO_HOME/publications/2024Q3-v1.json``, never written again. It counts from the
moment the decisions log names it with its sha256: a process killed before that leaves no publication, killed after
it a whole one. ``statements`` are the SQL that made the figures from ``staged`` as known at the cut-off, so a later
change of code or contract cannot change what was reported.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from assets.mart.past import built, past_statements
from assets.report.state import Closing, QuarterState
from assets.staged.restage import definition_hash as contract_hash
from data_contracts.metric import definition_hash, load_metrics
from data_contracts.metric_sql import COLUMNS
from data_contracts.model import TableContract
from resources.decisions import DecisionsLog
from resources.engine import Engine
from resources.workspace import Workspace

FOLDER = "publications"
_UNCOUNTED = ("flags",)
"""Columns of a figure that say something about it and are no part of its value."""


class NotReproduced(Exception):
    """A publication that cannot be proved: names quarter, version, what differs and the cure."""


@dataclass(frozen=True)
class Difference:
    """A figure that a recomputation gives otherwise than it was published; None where there is none."""

    metric_id: str
    period: str
    grain: str
    scope_code: str
    published: str | None
    recomputed: str | None

    def __str__(self) -> str:
        place = " ".join(p for p in (self.metric_id, self.period, self.grain, self.scope_code) if p)
        return f"{place}: published {self.published}, recomputed {self.recomputed}"


def figures_at(engine: Engine, statements: Sequence[str], quarter: str) -> list[dict[str, str | None]]:
    """All figures of a quarter that ``statements`` give, as texts, in a fixed order."""
    with built(engine, statements) as catalog, engine.begin() as session:
        rows = session.rows(
            f"SELECT {', '.join(COLUMNS)} FROM {catalog}mart.quarterly_metric WHERE quarter = :q "
            "ORDER BY metric_id, period, grain, scope_code",
            q=quarter,
        )
    return [{name: _text(value) for name, value in zip(COLUMNS, row, strict=True)} for row in rows]


def make(
    ws: Workspace,
    contracts: Mapping[str, TableContract],
    state: QuarterState,
    cut_off: datetime,
    *,
    by: str,
    reason: str,
    override: str,
) -> dict[str, Any]:
    """The document of the next version of ``state.quarter`` as known at ``cut_off`` (aware)."""
    metrics = load_metrics()
    statements = past_statements(contracts, cut_off, metrics)
    figures = figures_at(ws.engine, statements, state.quarter)
    used = sorted({figure["metric_id"] or "" for figure in figures})
    before = state.closings[-1] if state.closings else None
    return {
        "quarter": state.quarter,
        "version": state.version + 1,
        "cut_off": cut_off.astimezone(UTC).isoformat(),
        "known_at": ws.known_at.isoformat(),
        "preparer": state.preparer,
        "certificates": {c.unit: c.by for c in state.certificates.values()},
        "closer": by,
        "reason": reason,
        "override": override,
        "previous": before.sha256 if before else "",
        "definitions": {m: definition_hash(metrics[m], metrics) for m in used},
        "contracts": {
            name: {"version": c.version, "definition": contract_hash(c)} for name, c in contracts.items()
        },
        "batches": batches_by(ws.decisions, cut_off),
        "statements": statements,
        "figures": figures,
    }


def batches_by(decisions: DecisionsLog, cut_off: datetime) -> dict[str, list[str]]:
    """Batches that were known at ``cut_off``, by table, oldest first: what a cut-off is."""
    found: dict[str, list[str]] = {}
    for entry in decisions.entries("batch"):
        if datetime.fromisoformat(entry["at"]) <= cut_off:
            found.setdefault(entry["table"], []).append(entry["batch_id"])
    return dict(sorted(found.items()))


def write(home: Path, document: Mapping[str, Any]) -> tuple[str, str]:
    """Write a publication's file; returns its name and sha256. It counts once the log names it."""
    folder = home / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{document['quarter']}-v{document['version']}.json"
    data = json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True).encode()
    partial = folder / f".{name}.partial"
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(folder / name)
    return name, hashlib.sha256(data).hexdigest()


def read(home: Path, quarter: str, closing: Closing) -> dict[str, Any]:
    """A publication's document. Raises :class:`NotReproduced` unless it is the file that was signed."""
    path = home / FOLDER / closing.file
    place = f"publication {quarter} version {closing.version}"
    if not path.exists():
        raise NotReproduced(f"{place}: {path.name} is missing → restore it from the backup of JIBAO_HOME")
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != closing.sha256:
        raise NotReproduced(
            f"{place}: {path.name} is not what was signed → restore it from the backup of JIBAO_HOME"
        )
    document: dict[str, Any] = json.loads(data)
    return document


def differences(
    published: Sequence[Mapping[str, str | None]], recomputed: Sequence[Mapping[str, str | None]]
) -> list[Difference]:
    """Figures that differ in value, rows, fingerprint or definition; none when they are the same."""
    old, new = ({_key(f): f for f in figures} for figures in (published, recomputed))
    found = []
    for key in sorted(old.keys() | new.keys()):
        before, after = old.get(key), new.get(key)
        if _counted(before) != _counted(after):
            found.append(Difference(*key, _shown(before), _shown(after)))
    return found


def recomputed(engine: Engine, document: Mapping[str, Any]) -> list[Difference]:
    """Run a publication's own SQL again on ``staged`` as known at its cut-off: what no longer comes out."""
    figures = figures_at(engine, document["statements"], document["quarter"])
    return differences(document["figures"], figures)


def _key(figure: Mapping[str, str | None]) -> tuple[str, str, str, str]:
    return tuple(figure[name] or "" for name in ("metric_id", "period", "grain", "scope_code"))  # type: ignore[return-value]  # four names


def _counted(figure: Mapping[str, str | None] | None) -> dict[str, str | None] | None:
    return None if figure is None else {k: v for k, v in figure.items() if k not in _UNCOUNTED}


def _shown(figure: Mapping[str, str | None] | None) -> str | None:
    if figure is None:
        return None
    value = figure["value"] or figure["value_text"] or figure["value_date"] or "nothing"
    return f"{value} of {figure['row_count']} rows"


def _text(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
