"""Each source system as a person at its desk sees it: looking rows up and changing them.

Belongs here: finding rows by texts and writing single changes, one class per kind of system. Keep out:
what a change entails (``edit``) and loading whole ledgers (``group``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from itertools import groupby
from pathlib import Path

import psycopg

from demo.systems import concrete_db, finance_db, rest_store, sheet, workbooks
from demo.systems.changes import Changes
from demo.systems.finance_server import OWNER, connect
from demo.systems.home import Home, State
from demo.systems.layouts import layouts, sheets_beside
from demo.systems.overlay import Overlay, Touch, read_touches
from demo.systems.tables import REST_SYSTEMS, SourceTable, source_tables
from demo.systems.watermarks import midnight_z
from demo.timeline import Row

TICK = timedelta(minutes=1)
"""Each change moves the demo's clock by so much."""

Found = tuple[Row, str]
"""A row as the system shows it, and the workbook it stands in ('' elsewhere)."""


class Desk(ABC):
    """What every system lets a person do."""

    def column(self, table: SourceTable, name: str) -> str:
        """The system's own name of a column; :class:`DemoError` lists the columns there are."""
        return table.resolve(name)

    def value(self, table: SourceTable, column: str, text: str, row: Row) -> object:
        """What a person who types ``text`` into that column of that row leaves in the system."""
        return None if text == "NULL" else text

    @abstractmethod
    def find(self, table: SourceTable, where: Mapping[str, str]) -> list[Found]:
        """Rows whose columns show these texts; ``NULL`` stands for no value."""

    @abstractmethod
    def write(self, touches: list[Touch]) -> None:
        """Make the changes, all or none where the system has transactions."""


class FinanceDesk(Desk):
    """The finance database, which takes every value as text and knows its own types."""

    def __init__(self, home: Home, state: State) -> None:
        self._port, self._password = state.ports["finance"], state.secrets["owner"]
        self._edits, self._clock = home.edits, state.now + TICK

    def _connect(self) -> psycopg.Connection:
        return connect(self._port, OWNER, self._password)

    def find(self, table: SourceTable, where: Mapping[str, str]) -> list[Found]:
        """Rows by SQL equality, so ``113`` finds ``113.0000``."""
        with self._connect() as connection:
            return [(row, "") for row in finance_db.find(connection, table, where)]

    def write(self, touches: list[Touch]) -> None:
        """All in one transaction; :class:`DemoError` for a value the column's type refuses.

        What the system derives from the changed rows changes with them; an earlier edit of it stays.
        """
        changed = {touch.table for touch in touches}
        with self._connect() as connection, connection.transaction():
            for touch in touches:
                finance_db.touched(connection, touch)
            finance_db.derive(connection, self._clock, read_touches(self._edits), changed)


class ConcreteDesk(Desk):
    """The concrete plants' database: text in, text out."""

    def __init__(self, home: Home, state: State) -> None:
        self._path = home.concrete

    def find(self, table: SourceTable, where: Mapping[str, str]) -> list[Found]:
        """Rows whose texts are exactly these."""
        return [(row, "") for row in concrete_db.find(self._path, table, where)]

    def write(self, touches: list[Touch]) -> None:
        """All in one transaction."""
        with concrete_db.opened(self._path) as connection:
            for touch in touches:
                table = source_tables()[touch.table]
                if touch.gone:
                    concrete_db.remove(connection, table, touch.key)
                else:
                    concrete_db.change(connection, table, touch.key, touch.values)


class RestDesk(Desk):
    """The project system and the park platform: JSON values, dates in the park's own form."""

    def __init__(self, home: Home, state: State) -> None:
        self._path = home.store

    def find(self, table: SourceTable, where: Mapping[str, str]) -> list[Found]:
        """Rows whose values read so in JSON; a plain day finds the park's instant of it."""
        wanted = {column: {text, _dated(table, column, text)} for column, text in where.items()}
        rows = rest_store.rows_of(self._path, table)
        return [
            (row, "") for row in rows if all(_shown(row.get(column)) in wanted[column] for column in wanted)
        ]

    def value(self, table: SourceTable, column: str, text: str, row: Row) -> object:
        """The text as the kind of JSON value its column holds."""
        if text == "NULL":
            return None
        present = row.get(column)
        if present is None:
            others = (other.get(column) for other in rest_store.rows_of(self._path, table))
            present = next((value for value in others if value is not None), None)
        if isinstance(present, bool):
            return {"true": True, "false": False}.get(text.lower(), text)
        if isinstance(present, int | float):
            return _number(text)
        return _dated(table, column, text)

    def write(self, touches: list[Touch]) -> None:
        """All in one transaction; a running server shows it at its next answer."""
        tables = source_tables()
        changes = []
        for name, group in groupby(touches, key=lambda touch: touch.table):
            mine = list(group)
            wanted = {touch.key for touch in mine}
            rows = [
                row
                for row in rest_store.rows_of(self._path, tables[name])
                if tables[name].key_of(row) in wanted
            ]
            changes.append((tables[name], _changes(tables[name], rows, mine)))
        rest_store.apply(self._path, changes)


class WorkbookDesk(Desk):
    """The folder of workbooks: a row is changed in the newest file that holds it."""

    def __init__(self, home: Home, state: State) -> None:
        self._root = home.workbooks

    def column(self, table: SourceTable, name: str) -> str:
        """The column's name, from it or from its header."""
        return layouts()[table.table].resolve(name)

    def find(self, table: SourceTable, where: Mapping[str, str]) -> list[Found]:
        """Rows of the newest file that holds any whose cells read so."""
        layout = layouts()[table.table]
        for path in workbooks.files_of(self._root, layout):
            found = [
                (row, path.name)
                for row in sheet.read(layout, path.read_bytes())
                if all(_shown(row[column]) == text for column, text in where.items())
            ]
            if found:
                return found
        return []

    def value(self, table: SourceTable, column: str, text: str, row: Row) -> object:
        """A number where the cell holds one and the text reads as one, else the text."""
        present = row.get(column)
        if text == "NULL":
            return None
        if isinstance(present, int | Decimal) or (present is None and column in layouts()[table.table].sums):
            return _decimal(text)
        return text

    def write(self, touches: list[Touch]) -> None:
        """Each file drawn again with its changed rows, 小计 and 合计 added up anew."""
        for (name, file), group in groupby(touches, key=lambda touch: (touch.table, touch.file)):
            table, layout = source_tables()[name], layouts()[name]
            path = self._path(table, file)
            content = path.read_bytes()
            present, changed = sheet.sheets_in(content), Overlay(group)
            drawn = []
            for other in (beside for beside in sheets_beside(layout) if beside.sheet in present):
                rows = sheet.read(other, content)
                drawn.append((other, changed.over_all(table, rows, file) if other is layout else rows))
            workbooks.write_file(path, sheet.render_book(file, drawn))

    def _path(self, table: SourceTable, file: str) -> Path:
        return self._root / layouts()[table.table].folder / file


_DESKS: dict[str, Callable[[Home, State], Desk]] = {
    "finance": FinanceDesk,
    "concrete": ConcreteDesk,
    "workbooks": WorkbookDesk,
    **dict.fromkeys(REST_SYSTEMS, RestDesk),
}


def desk_of(home: Home, state: State, system: str) -> Desk:
    """The desk of a system."""
    return _DESKS[system](home, state)


def _changes(table: SourceTable, rows: Iterable[Row], touches: Iterable[Touch]) -> Changes:
    overlay = Overlay(touches)
    after = [(table.key_of(row), overlay.over(table, row)) for row in rows]
    return Changes(
        rows=[row for _, row in after if row is not None], gone=[key for key, row in after if row is None]
    )


def _shown(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _dated(table: SourceTable, column: str, text: str) -> str:
    if column not in table.dates:
        return text
    try:
        return midnight_z(date.fromisoformat(text))
    except ValueError:
        return text


def _number(text: str) -> object:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    return int(number) if number == number.to_integral_value() else float(number)


def _decimal(text: str) -> object:
    try:
        return Decimal(text)
    except InvalidOperation:
        return text
