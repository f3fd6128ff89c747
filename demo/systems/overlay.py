"""What people changed in the source systems by hand, kept so that moving in time does not undo it.

Belongs here: the list of edits beside the systems and laying them over rows a ledger gives. Keep out:
finding the rows (``edit``) and writing them into a system.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path

from demo.systems.tables import SourceTable
from demo.systems.watermarks import read_ms
from demo.timeline import Row


@dataclass(frozen=True)
class Touch:
    """One row a person changed: new values under the system's own column names, or ``gone``.

    ``file`` is the workbook it was changed in; the change holds for that file and every later one.
    """

    table: str
    key: tuple[str, ...]
    values: dict[str, object] = field(default_factory=dict)
    gone: bool = False
    file: str = ""


def read_touches(path: Path) -> list[Touch]:
    """All edits, oldest first. A last line cut off by a crash is left out."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")
    found = [json.loads(line, parse_float=Decimal) for line in lines[:-1] if line.strip()]
    return [Touch(**{**entry, "key": tuple(entry["key"])}) for entry in found]


def append_touches(path: Path, touches: Iterable[Touch]) -> None:
    """Add edits to the list, on disk before the call returns."""
    text = "".join(json.dumps(asdict(touch), ensure_ascii=False, default=_number) + "\n" for touch in touches)
    existing = path.read_bytes() if path.exists() else b""
    whole = existing[: existing.rfind(b"\n") + 1]
    with path.open("r+b" if path.exists() else "xb") as file:
        file.truncate(len(whole))
        file.seek(len(whole))
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())


def _number(value: object) -> int | float:
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} has no JSON form")
    return int(value) if value == value.to_integral_value() else float(value)


class Overlay:
    """Edits laid over ledger rows, the later edit of a row on top."""

    def __init__(self, touches: Iterable[Touch]) -> None:
        self._touches: dict[tuple[str, tuple[str, ...]], list[Touch]] = {}
        for touch in touches:
            self._touches.setdefault((touch.table, touch.key), []).append(touch)
        self._tables = {table for table, _ in self._touches}

    def over(self, table: SourceTable, row: Row, file: str = "") -> Row | None:
        """``row`` with its edits, or None where a person deleted it. The given row is not changed."""
        if table.table not in self._tables:
            return row
        result: Row = row
        for touch in self._touches.get((table.table, table.key_of(row)), ()):
            if touch.file > file:
                continue
            if touch.gone:
                return None
            result = {**result, **_later(table, result, touch.values)}
        return result

    def over_all(self, table: SourceTable, rows: list[Row], file: str = "") -> list[Row]:
        """The rows with their edits, without the deleted ones, in the same order."""
        if table.table not in self._tables:
            return rows
        return [kept for row in rows if (kept := self.over(table, row, file)) is not None]


def _later(table: SourceTable, row: Row, values: Mapping[str, object]) -> dict[str, object]:
    """The edit's values, except that a watermark never moves back behind the ledger's own."""
    column = table.watermark and table.shown(table.watermark)
    if not column or column not in values:
        return dict(values)
    own, edited = read_ms(row.get(column)), read_ms(values[column])
    if own is not None and edited is not None and own > edited:
        return {name: value for name, value in values.items() if name != column}
    return dict(values)
