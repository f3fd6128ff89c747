"""A table contract as the pipeline reads it: small frozen dataclasses.

Belongs here: the typed view of a contract that the back ends share. Keep out: reading the file (``contract_file``),
rules (``rules``), SQL (``to_sql``), Great Expectations (``to_expectations``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from open_data_contract_standard.model import DataQuality

Verb = Literal["append", "upsert", "replace"]
Kind = Literal["string", "decimal", "integer", "date", "timestamp", "boolean"]
Role = Literal["date", "measure", "classification", "status", "document", "reversal", "revision", "text"]

UNREAD = "_unread"
"""Landed column of a table read from text lines: what is wrong with a line that is no row, and its text."""


class ContractError(Exception):
    """A contract file that cannot be used; names file, place, what is wrong and the cure."""

    def __init__(self, path: Path | str, place: str, cause: str, cure: str) -> None:
        super().__init__(f"{path}: {place}: {cause} → {cure}")


@dataclass(frozen=True)
class Usual:
    """What a column usually holds, for rules to compare with: the median of its amounts, signs and zeros aside.

    Over rows alike in ``alike`` of the other values of ``apart``, in the batch or known before it; none where
    there are fewer than ``least`` of these.
    """

    alike: tuple[str, ...]
    apart: str
    least: int


@dataclass(frozen=True)
class Column:
    """One column of a ledger: its name in the warehouse, its name and form at the source.

    ``role``: what a change of it means for a figure, see docs/contracts.md. ``in_force``: its values under which
    the row counts; ``()`` where it has no say in that.
    """

    name: str
    source: str
    kind: Kind
    physical_type: str
    required: bool
    key_position: int | None
    business_name: str
    description: str
    unit: str | None
    source_unit: str | None
    change: Literal["event", "correction"] | None
    lineage: bool
    restricted: bool
    enum: tuple[str, ...]
    value_map: Mapping[str, str]
    normalise: Literal["width", "trim"]
    role: Role
    in_force: tuple[str, ...]
    parse: tuple[str, ...]
    options: Mapping[str, Any]
    quality: tuple[DataQuality, ...]
    usual: Usual | None = None

    @property
    def length(self) -> int | None:
        """Most characters a string column may hold; None where the type sets no bound."""
        found = re.fullmatch(r"(?:var)?char\((\d+)\)", self.physical_type)
        return int(found.group(1)) if found else None

    @property
    def warehouse_type(self) -> str:
        """Type in the warehouse (DuckDB dialect); lengths are rules, not types."""
        if self.kind == "decimal":
            return self.physical_type.upper()
        return {
            "string": "VARCHAR",
            "integer": "BIGINT",
            "date": "DATE",
            "timestamp": "TIMESTAMP",
            "boolean": "BOOLEAN",
        }[self.kind]

    @property
    def is_technical(self) -> bool:
        """Filled by the connector (sheet row, file name), not by the ledger itself."""
        return self.source.startswith("_")


@dataclass(frozen=True)
class Update:
    """How a later extraction relates to an earlier one (design: the three update verbs).

    ``scope``: for ``replace`` the columns whose values a batch replaces whole, ``()`` = the whole table.
    ``watermark``/``overlap_days``: the column and look-back of an incremental extraction.
    ``version``: column that ranks deliveries of one scope; the highest is in force.
    ``max_delete_pct``: most current rows of the replaced scopes that absence may delete.
    ``in_turn``: every file of a table replaced whole is a batch of its own, oldest first, so that states between
    two nights and before the first are kept; without it only the newest file is read.
    """

    verb: Verb
    scope: tuple[str, ...] = ()
    watermark: str | None = None
    overlap_days: int = 0
    version: str | None = None
    max_delete_pct: float = 5.0
    in_turn: bool = False


@dataclass(frozen=True)
class Report:
    """What one report of a periodic ledger is: ``unit`` columns say whose, ``period`` columns joined give YYYYMM."""

    unit: tuple[str, ...]
    period: tuple[str, ...]


@dataclass(frozen=True)
class Relationship:
    """A reference of ``child`` to a parent table, checked after all tables of a run are staged.

    ``orphan``: ``infer`` keeps the row and infers the parent; ``hold`` keeps the row out until it comes.
    ``alias``: (table, column, separator) where the value may stand instead; separator '' = one value a row.
    ``requires``: predicate over the parent's row, as it was when this row was learnt. A row whose parent is
    known and does not satisfy it is held, whatever ``orphan`` says of rows without a parent, and with it all
    rows alike in ``held_with``. ``via``: (own column, table, key of it); a column written ``table.column`` is
    read there.
    """

    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    orphan: Literal["infer", "hold"]
    alias: tuple[str, str, str] | None = None
    child: str = ""
    requires: str | None = None
    held_with: tuple[str, ...] = ()
    via: tuple[str, str, str] | None = None


@dataclass(frozen=True)
class TableContract:
    """One source table: everything needed to load it."""

    path: Path
    name: str
    domain: str
    version: str
    business_name: str
    description: str
    grain: str
    owner: str
    server: str
    physical_name: str
    transport: Mapping[str, Any]
    update: Update
    recorded_at: str | None
    quarantine_max_pct: float
    quarantine_min_rows: int
    required: bool
    org_path: str
    columns: tuple[Column, ...]
    relationships: tuple[Relationship, ...]
    quality: tuple[DataQuality, ...]
    fact: Mapping[str, Any] | None = None
    cause: Literal["mapping", "adjustment"] | None = None
    report: Report | None = None

    def column(self, name: str) -> Column:
        """The column of that name; ``KeyError`` names the table when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name} has no column {name}")

    @property
    def key(self) -> tuple[str, ...]:
        """Columns of the natural key in their declared order."""
        keyed = [c for c in self.columns if c.key_position is not None]
        return tuple(c.name for c in sorted(keyed, key=lambda c: c.key_position or 0))

    @property
    def has_lines(self) -> bool:
        """Its rows are lines of text, some of which may not be rows."""
        return self.transport.get("format") == "csv"

    @property
    def identity(self) -> tuple[str, ...]:
        """The key without revisions: rows alike in it say the same thing, the highest revision counts."""
        return tuple(name for name in self.key if self.column(name).role != "revision")

    @property
    def content(self) -> tuple[Column, ...]:
        """Columns whose change makes a new version: all but lineage and watermark."""
        return tuple(c for c in self.columns if not c.lineage)

    @property
    def public(self) -> tuple[Column, ...]:
        """Columns that may leave the private file."""
        return tuple(c for c in self.columns if not c.restricted)

    @property
    def restricted(self) -> tuple[Column, ...]:
        """Columns that stay in the side tables of the private file."""
        return tuple(c for c in self.columns if c.restricted)
