"""A publication: the figures of a quarter as reported, with everything that made them.

Belongs here: making the document, its file (whole or absent), reading and recomputing it. Keep out: who may
close and when (``state``, ``readiness``), the tables readers see (``tables``).

One JSON file a version, ``JIBAO_HOME/publications/2024Q3-v1.json``, never written over. It counts from the
moment the decisions log names it with its sha256: a process killed before that leaves no publication, killed after
it a whole one. ``statements`` are the SQL that made the figures from ``staged`` as known at the cut-off, so a later
change of code or contract cannot change what was reported.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from assets.mart.adjustments import counted
from assets.mart.past import built, past_statements
from assets.report.state import Closing, QuarterState
from assets.staged.restage import definition_hash as contract_hash
from data_contracts.metric import definition_hash, load_metrics
from data_contracts.metric_sql import COLUMNS
from data_contracts.model import TableContract
from data_contracts.reported_sql import REPORTED_COLUMNS
from resources.decisions import DecisionsLog
from resources.engine import Engine
from resources.failures import Refused
from resources.workspace import Workspace

FOLDER = "publications"
Texts = Mapping[str, str | None]
Key = tuple[str, str, str, str]
_UNCOUNTED = ("flags",)
"""Columns of a figure that say something about it and are no part of its value."""


class NotReproduced(Refused):
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


@dataclass(frozen=True)
class Content:
    """What statements give for one quarter, as texts in a fixed order: its figures and the adjustments they count."""

    figures: list[Texts]
    adjustments: list[Texts]


def content_at(engine: Engine, statements: Sequence[str], quarter: str) -> Content:
    """All figures of a quarter that ``statements`` give, and the adjustments in them."""
    # Publications of before there were adjustments reproduce with what they stored.
    adjusted = any("mart.counted_adjustment" in statement for statement in statements)
    table = "reported_metric" if adjusted else "quarterly_metric"
    columns = REPORTED_COLUMNS if adjusted else COLUMNS
    with built(engine, statements) as catalog, engine.begin() as session:
        rows = session.rows(
            f"SELECT {', '.join(columns)} FROM {catalog}mart.{table} WHERE quarter = :q "
            "ORDER BY metric_id, period, grain, scope_code",
            q=quarter,
        )
        lines = counted(session, quarter, f"{catalog}mart.counted_adjustment") if adjusted else []
    return Content(
        [_texts(dict(zip(columns, row, strict=True))) for row in rows], [_texts(line) for line in lines]
    )


def make(
    ws: Workspace,
    contracts: Mapping[str, TableContract],
    state: QuarterState,
    cut_off: datetime,
    *,
    by: str,
    said: Mapping[str, str],
) -> dict[str, Any]:
    """The document of the next version of ``state.quarter`` as known at ``cut_off`` (aware); ``said``: what ``by`` says
    to it, ``reason``, ``accounting_reason`` and ``override``.
    """
    metrics = load_metrics()
    statements = past_statements(contracts, cut_off, metrics)
    content = content_at(ws.engine, statements, state.quarter)
    used = sorted({figure["metric_id"] or "" for figure in content.figures})
    before = state.closings[-1] if state.closings else None
    return {
        "quarter": state.quarter,
        "version": state.version + 1,
        "cut_off": cut_off.astimezone(UTC).isoformat(),
        "known_at": ws.known_at.isoformat(),
        "preparer": state.preparer,
        "certificates": {c.unit: c.by for c in state.certificates.values()},
        "closer": by,
        **said,
        "previous": before.sha256 if before else "",
        "definitions": {m: definition_hash(metrics[m], metrics) for m in used},
        "contracts": {
            name: {"version": c.version, "definition": contract_hash(c), "text": c.path.read_text("utf-8")}
            for name, c in contracts.items()
        },
        "batches": batches_by(ws.decisions, cut_off),
        "statements": statements,
        "figures": content.figures,
        "adjustments": content.adjustments,
    }


def batches_by(decisions: DecisionsLog, cut_off: datetime) -> dict[str, list[str]]:
    """Batches that were known at ``cut_off``, by table, oldest first: what a cut-off is."""
    found: dict[str, list[str]] = {}
    for entry in decisions.entries("batch"):
        if datetime.fromisoformat(entry["at"]) <= cut_off:
            found.setdefault(entry["table"], []).append(entry["batch_id"])
    return dict(sorted(found.items()))


def write(home: Path, document: Mapping[str, Any]) -> tuple[str, str]:
    """Write a publication's file; returns its name and sha256. It counts once the log names it.

    A file of that name which the log does not name is what a broken-off closing left, or the log lost its end: it is
    kept aside, named by its content, and never written over.
    """
    folder = home / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{document['quarter']}-v{document['version']}.json"
    data = json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True).encode()
    target, partial = folder / name, folder / f".{name}.partial"
    if target.exists():
        there = hashlib.sha256(target.read_bytes()).hexdigest()
        target.replace(target.with_suffix(f".{there[:16]}.unnamed"))
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(target)
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


def differences(document: Mapping[str, Any], found: Content) -> list[Difference]:
    """Figures that differ in value, rows, fingerprint, adjustment or definition, and adjustments that differ."""
    told = [
        *_different(document["figures"], found.figures, _key, _shown),
        *_different(document.get("adjustments", ()), found.adjustments, _number, _amount),
    ]
    return [Difference(*key, before, after) for key, before, after in told]


def recomputed(engine: Engine, document: Mapping[str, Any]) -> list[Difference]:
    """Run a publication's own SQL again on ``staged`` as known at its cut-off: what no longer comes out."""
    return differences(document, content_at(engine, document["statements"], document["quarter"]))


def _different(
    published: Sequence[Texts],
    found: Sequence[Texts],
    key_of: Callable[[Texts], Key],
    shown: Callable[[Texts | None], str | None],
) -> Iterator[tuple[Key, str | None, str | None]]:
    old, new = ({key_of(line): line for line in lines} for lines in (published, found))
    for key in sorted(old.keys() | new.keys()):
        before, after = old.get(key), new.get(key)
        if _counted(before) != _counted(after):
            yield key, shown(before), shown(after)


def _key(figure: Texts) -> Key:
    return tuple(figure[name] or "" for name in ("metric_id", "period", "grain", "scope_code"))  # type: ignore[return-value]  # four names


def _number(line: Texts) -> Key:
    return line["metric_id"] or "", "adjustment", line["adjustment_no"] or "", ""


def _counted(figure: Texts | None) -> dict[str, str | None] | None:
    return None if figure is None else {k: v for k, v in figure.items() if k not in _UNCOUNTED}


def _shown(figure: Texts | None) -> str | None:
    if figure is None:
        return None
    value = figure["value"] or figure["value_text"] or figure["value_date"] or "nothing"
    adjusted = f" and {figure['adjustment']} adjusted" if figure.get("adjustment") else ""
    return f"{value} of {figure['row_count']} rows{adjusted}"


def _amount(line: Texts | None) -> str | None:
    return None if line is None else f"{line['amount']} ({line['reason']})"


def _texts(row: Mapping[str, object]) -> dict[str, str | None]:
    return {name: _text(value) for name, value in row.items()}


def _text(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
