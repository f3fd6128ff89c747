"""The concrete plants' database: one SQLite file in which every column is text.

Belongs here: that file's tables, loading and changing their rows. Keep out: anything that reads it as a
user of the system would.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from demo.systems.changes import Changes
from demo.systems.tables import SourceTable
from demo.timeline import Row


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection whose block is one transaction; the file is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, timeout=30)) as connection, connection:
        # Readers must not be turned away while rows are written.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN IMMEDIATE")
        yield connection


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _insert(connection: sqlite3.Connection, table: SourceTable, rows: Iterable[Row]) -> None:
    marks = ", ".join("?" * len(table.columns))
    connection.executemany(
        f'INSERT INTO "{table.source}" VALUES ({marks})',
        ([_text(row.get(column)) for column in table.columns] for row in rows),
    )


def _match(columns: Iterable[str]) -> str:
    return " AND ".join(f'"{column}" IS ?' for column in columns)


def load(path: Path, tables: Iterable[tuple[SourceTable, list[Row]]]) -> None:
    """Make the tables anew with the given rows, in one transaction."""
    with opened(path) as connection:
        for table, rows in tables:
            columns = ", ".join(f'"{column}" TEXT' for column in table.columns)
            connection.execute(f'DROP TABLE IF EXISTS "{table.source}"')
            connection.execute(f'CREATE TABLE "{table.source}" ({columns})')
            _insert(connection, table, rows)
            for column in dict.fromkeys((*table.indexes, *table.key)):
                name = f"{table.source}_{column}"
                connection.execute(f'CREATE INDEX "{name}" ON "{table.source}" ("{column}")')


def apply(path: Path, changes: Iterable[tuple[SourceTable, Changes]]) -> None:
    """Write changed rows whole and take away gone ones, in one transaction."""
    with opened(path) as connection:
        for table, change in changes:
            keys = [*change.gone, *map(table.key_of, change.rows)]
            connection.executemany(f'DELETE FROM "{table.source}" WHERE {_match(table.key)}', keys)
            _insert(connection, table, change.rows)


def find(path: Path, table: SourceTable, where: Mapping[str, str]) -> list[Row]:
    """Rows whose columns equal the given texts (``NULL`` for no value)."""
    values = [None if value == "NULL" else value for value in where.values()]
    with opened(path) as connection:
        found = connection.execute(f'SELECT * FROM "{table.source}" WHERE {_match(where)}', values)
        return [dict(zip(table.columns, row, strict=True)) for row in found]


def change(connection: sqlite3.Connection, table: SourceTable, key: tuple[str, ...], row: Row) -> None:
    """Set columns of the row with this key."""
    targets = ", ".join(f'"{column}" = ?' for column in row)
    statement = f'UPDATE "{table.source}" SET {targets} WHERE {_match(table.key)}'
    connection.execute(statement, [*map(_text, row.values()), *key])


def remove(connection: sqlite3.Connection, table: SourceTable, key: tuple[str, ...]) -> None:
    """Take the row with this key away."""
    connection.execute(f'DELETE FROM "{table.source}" WHERE {_match(table.key)}', key)
