"""How the group's workbooks look and which files they come in, read from ``seeds/workbook_layouts.yaml``.

Belongs here: the layout as a type. Keep out: drawing a sheet (``sheet``), choosing its rows
(``workbooks``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from demo.seed_files import seed_tree
from demo.systems.errors import DemoError
from demo.timeline import Row


@dataclass(frozen=True)
class ColumnLayout:
    """One column of a sheet. ``unit_by`` names the row value that says another unit than ``unit``."""

    name: str
    header: str
    unit: str = ""
    width: int = 12
    merged: bool = False
    unit_by: str = ""

    def unit_of(self, rows: Sequence[Row]) -> str:
        """The unit its header names in a file with these rows."""
        return str(rows[0].get(self.unit_by) or self.unit) if self.unit_by and rows else self.unit

    def header_text(self, rows: Sequence[Row] = ()) -> str:
        """What stands in the header row: the header with its unit in full-width parentheses."""
        unit = self.unit_of(rows)
        return f"{self.header}（{unit}）" if unit else self.header


@dataclass(frozen=True)
class Layout:
    """One kind of sheet. Exactly one of ``by`` (file by row values) and ``saved`` (snapshots) is set.

    Layouts of one ``path`` are sheets of the same files.
    """

    table: str
    path: str
    sheet: str
    titles: tuple[str, ...]
    columns: tuple[ColumnLayout, ...]
    footers: tuple[str, ...]
    by: tuple[str, ...] = ()
    saved: str = ""
    since: date | None = None
    again: tuple[date, ...] = ()
    keep: int = 0
    group: str = ""
    sums: tuple[str, ...] = ()
    label: str = ""

    @property
    def folder(self) -> str:
        """Folder of these workbooks below the root."""
        return self.path.split("/", 1)[0]

    def resolve(self, name: str) -> str:
        """Column name for a column name or a header, with or without its unit."""
        for column in self.columns:
            if name in (column.name, column.header, column.header_text()):
                return column.name
        allowed = ", ".join(f"{c.name} ({c.header_text()})" for c in self.columns)
        raise DemoError(f"{self.table} has no column {name!r} in its sheet", f"use one of: {allowed}")


def _layout(table: str, spec: dict[str, Any]) -> Layout:
    files = spec.get("file") or spec["snapshot"]
    if not files.get("by") and files.get("saved") not in ("change", "thursday", "month"):
        raise ValueError(
            f"workbook_layouts.yaml, {table}: give file.by, or snapshot.saved: change, thursday or month"
        )
    return Layout(
        table=table,
        path=files["path"],
        sheet=spec["sheet"],
        titles=tuple(spec["titles"]),
        columns=tuple(ColumnLayout(name, **column) for name, column in spec["columns"].items()),
        footers=tuple(spec["footers"]),
        by=tuple(files.get("by", ())),
        saved=files.get("saved", ""),
        since=files.get("since"),
        again=tuple(files.get("again", ())),
        keep=files.get("keep", 0),
        group=spec.get("group", ""),
        sums=tuple(spec.get("sum", ())),
        label=spec.get("label", ""),
    )


@cache
def layouts() -> dict[str, Layout]:
    """Every workbook layout, keyed by the catalogue's table name."""
    tree: dict[str, Any] = seed_tree("workbook_layouts")
    return {table: _layout(table, spec) for table, spec in tree.items()}


def sheets_beside(layout: Layout) -> list[Layout]:
    """The layouts whose sheets stand in the same files, this one among them, in the order of the seeds."""
    return [other for other in layouts().values() if other.path == layout.path]
