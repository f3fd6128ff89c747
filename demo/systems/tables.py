"""Which table lives in which source system, and under which names.

Belongs here: :class:`SourceTable`, read from ``seeds/source_tables.yaml``. Keep out: rows, and how a
system is started.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from demo.seed_files import seed_tree
from demo.systems.errors import DemoError

REST_SYSTEMS = ("project_system", "park_platform", "charging")
"""The systems with an HTTP interface: one process with one store, each with a token of its own."""

SYSTEMS = ("finance", "concrete", "workbooks", *REST_SYSTEMS)
"""The source systems."""


@dataclass(frozen=True)
class MovesWith:
    """Rows that get the same watermark: those of ``tables`` with the same value in ``column``."""

    column: str
    tables: tuple[str, ...]


@dataclass(frozen=True)
class Derived:
    """Rows the system computes itself: by ``seeds/<sql>.sql``, anew when any of ``tables`` changes."""

    sql: str
    tables: tuple[str, ...]


@dataclass(frozen=True)
class SourceTable:
    """One table as its source system names it. ``columns`` maps the catalogue's name to an SQL type."""

    table: str
    system: str
    source: str
    key: tuple[str, ...]
    columns: dict[str, str]
    watermark: str | None = None
    watermark_form: str = "text"
    deleted: dict[str, object] = field(default_factory=dict)
    dates: frozenset[str] = frozenset()
    indexes: tuple[str, ...] = ()
    moves_with: MovesWith | None = None
    fields: dict[str, str] = field(default_factory=dict)
    derived: Derived | None = None

    def key_of(self, row: Mapping[str, object]) -> tuple[str, ...]:
        """The row's key as texts, as edits remember it."""
        return tuple(str(row[self.shown(column)]) for column in self.key)

    def shown(self, column: str) -> str:
        """Name the system itself gives to a column of the catalogue."""
        return self.fields.get(column, column)

    @property
    def shown_key(self) -> tuple[str, ...]:
        """Key columns under the system's own names."""
        return tuple(self.shown(column) for column in self.key)

    def resolve(self, name: str) -> str:
        """The system's own name for ``name``, given as the catalogue's or as its own."""
        if name in self.columns:
            return self.shown(name)
        if name in self.fields.values():
            return name
        raise DemoError(f"{self.table} has no column {name!r}", f"use one of: {', '.join(self.columns)}")


def _camel(column: str) -> str:
    first, *rest = column.split("_")
    return first + "".join(word.title() for word in rest)


def _fields(system: str, spec: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, str]:
    own: dict[str, str] = spec.get("fields", {})
    if system != "project_system":
        return own
    return {column: own.get(column, _camel(column)) for column in columns}


def _table(system: str, table: str, spec: Mapping[str, Any]) -> SourceTable:
    listed = spec.get("columns", {})
    columns = dict(listed) if isinstance(listed, dict) else dict.fromkeys(listed, "text")
    watermark = spec.get("watermark", {})
    moves, derived = spec.get("moves_with"), spec.get("derived")
    return SourceTable(
        table=table,
        system=system,
        source=spec["source"],
        key=tuple(spec["key"]),
        columns=columns,
        watermark=watermark.get("column"),
        watermark_form=watermark.get("form", "text"),
        deleted=dict(spec.get("deleted", {})),
        dates=frozenset(spec.get("dates", ())),
        indexes=tuple(spec.get("indexes", ())),
        moves_with=MovesWith(moves["column"], tuple(moves["tables"])) if moves else None,
        fields=_fields(system, spec, columns),
        derived=Derived(derived["sql"], tuple(derived["tables"])) if derived else None,
    )


@cache
def source_tables() -> dict[str, SourceTable]:
    """Every table of every system, keyed by the catalogue's table name."""
    tree: dict[str, Any] = seed_tree("source_tables")
    return {
        table: _table(system, table, spec)
        for system in SYSTEMS
        for table, spec in tree.get(system, {}).items()
    }


def tables_of(*systems: str) -> list[SourceTable]:
    """The tables of the given systems, in the order of the seed file."""
    return [table for table in source_tables().values() if table.system in systems]


def find_table(name: str) -> SourceTable:
    """A table by the catalogue's name or by its source's. Raises :class:`DemoError` naming all tables."""
    for table in source_tables().values():
        if name in (table.table, table.source):
            return table
    raise DemoError(f"no source system has a table {name!r}", f"use one of: {', '.join(source_tables())}")
