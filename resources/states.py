"""How each table's source did in the last run that asked it; readable while a run holds the work files.

Belongs here: one small JSON file, ``sources.json``. Keep out: what is published (``resources.publisher``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

SOURCE_STATES = "sources.json"
"""File name below ``JIBAO_HOME``."""


@dataclass(frozen=True)
class SourceState:
    """One table: the run that asked, and why its source could not be used (None: it could)."""

    known_at: datetime
    cause: str | None


class SourceStates:
    """All tables' states in one file, written whole and renamed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def record(self, table: str, known_at: datetime, cause: str | None) -> None:
        """Set one table's state. One writer at a time: the holder of the workspace lock."""
        states = self._read()
        states[table] = {"known_at": known_at.isoformat(), "cause": cause}
        partial = self.path.with_suffix(".partial")
        partial.write_text(json.dumps(states, ensure_ascii=False, indent=1, sort_keys=True), encoding="utf-8")
        partial.replace(self.path)

    def all(self) -> Mapping[str, SourceState]:
        """States by table; empty before the first run."""
        return {
            table: SourceState(datetime.fromisoformat(state["known_at"]), state["cause"])
            for table, state in self._read().items()
        }

    def _read(self) -> dict[str, dict[str, Any]]:
        if not self.path.exists():
            return {}
        found: dict[str, dict[str, Any]] = json.loads(self.path.read_text(encoding="utf-8"))
        return found
