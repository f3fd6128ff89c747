"""Proving publications from the raw batches alone.

Belongs here: staging the batches of a publication's cut-off into a warehouse of its own, under the contracts of its
day, and running the publication's SQL there. Keep out: the nightly proof on the work files (``tables``).
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from assets.report.publication import NotReproduced, batches_by, content_at, differences, read
from assets.report.state import Closing, quarters_touched, state_of
from assets.staged.catch_up import catch_up
from assets.staged.tables import create_tables
from data_contracts.contract_file import load_contracts
from data_contracts.model import TableContract
from data_contracts.rules import rules_of
from resources.decisions import DecisionsLog
from resources.engine import DuckDBEngine
from resources.settings import Settings
from resources.workspace import Workspace, hold


def verify_publications(
    settings: Settings, contracts: Mapping[str, TableContract], only: str = ""
) -> Iterator[tuple[str, int, str]]:
    """(quarter, version, problem) of every publication, ``""`` where it is proved. Holds the workspace meanwhile."""
    with hold(settings, run_id="publication verify", reading=True) as ws:
        entries = list(ws.decisions.entries())
        for quarter in quarters_touched(entries):
            if only in ("", quarter):
                previous = ""
                for closing in state_of(quarter, entries).closings:
                    yield quarter, closing.version, _problem(ws, contracts, quarter, closing, previous)
                    previous = closing.sha256


def _problem(
    ws: Workspace, contracts: Mapping[str, TableContract], quarter: str, closing: Closing, previous: str
) -> str:
    try:
        document = read(ws.home, quarter, closing)
    except NotReproduced as error:
        return str(error)
    if document["previous"] != previous:
        return "it does not follow the version before it → restore JIBAO_HOME/publications from its backup"
    if document["batches"] != batches_by(ws.decisions, closing.cut_off):
        return (
            "its batches are not those the log knew at its cut-off → restore decisions.jsonl from its backup"
        )
    with tempfile.TemporaryDirectory(prefix="jibao-verify-") as folder:
        place = Path(folder)
        engine = DuckDBEngine(
            place / "warehouse.duckdb", place / "private.duckdb", memory_limit=ws.settings.memory_limit
        )
        try:
            then = _contracts_of(document, place / "contracts") or contracts
            _stage_all(replace(ws, engine=engine, decisions=_before(ws, quarter, closing, place)), then)
            content = content_at(engine, document["statements"], quarter)
        finally:
            engine.close()
    found = differences(document, content)
    return "" if not found else f"{found[0]}" + (f" (and {len(found) - 1} more figures)" if found[1:] else "")


def _contracts_of(document: Mapping[str, Any], folder: Path) -> Mapping[str, TableContract]:
    """The contracts as they were when it was signed; none for a publication of before their text was kept."""
    texts = {name: told["text"] for name, told in document["contracts"].items() if "text" in told}
    for name, text in texts.items():
        path = folder / yaml.safe_load(text)["domain"] / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return load_contracts(folder) if texts else {}


def _before(ws: Workspace, quarter: str, closing: Closing, place: Path) -> DecisionsLog:
    """The log as it stood when the publication was signed: later decisions on rows must not help it."""
    path = place / "decisions.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for line in ws.decisions.path.read_text(encoding="utf-8").splitlines(keepends=True):
            entry = json.loads(line)
            if entry["kind"] == "close" and (entry["quarter"], entry["version"]) == (
                quarter,
                closing.version,
            ):
                break
            file.write(line)
    return DecisionsLog(path)


def _stage_all(ws: Workspace, contracts: Mapping[str, TableContract]) -> None:
    create_tables(ws.engine, contracts.values())
    for contract in contracts.values():
        catch_up(ws, contract, rules_of(contract))
