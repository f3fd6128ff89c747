"""The engine: where SQL runs. One implementation, DuckDB on one machine.

Belongs here: opening the two work files, running statements, scanning landed Parquet, copying the warehouse
file out. Keep out: any statement about a ledger. Another engine implements :class:`Engine`.

Two files: ``warehouse`` (staged, core, mart, report, meta: what is published) and ``private`` (candidates,
restricted columns, quarantine), attached beside it as catalog ``private``. A transaction writes one of them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa

from data_contracts.sql_text import row

Row = tuple[Any, ...]
_ROWS_AT_ONCE = 10_000


class Session(Protocol):
    """Statements inside one transaction."""

    def run(self, sql: str, **parameters: object) -> None:
        """Run one statement; ``:name`` parameters."""

    def rows(self, sql: str, **parameters: object) -> list[Row]:
        """All rows of one query."""

    def each(self, sql: str) -> Iterator[Row]:
        """The rows of one query one by one: of millions, only a few thousand are in memory."""

    def row(self, sql: str, **parameters: object) -> Row:
        """The only row of one query; ``LookupError`` when there is none."""

    def columns(self, sql: str) -> list[tuple[str, str]]:
        """(name, type) of a query's output, without running it."""


class Transactions(Protocol):
    """Where statements run."""

    def begin(self) -> Any:
        """Context manager: one transaction as a :class:`Session`; rolls back when the body raises."""


class Engine(Transactions, Protocol):
    """What the rest of the product asks of an engine."""

    @property
    def url(self) -> str:
        """SQLAlchemy URL of the warehouse, for tools that bring their own connection."""

    def scan(self, parquet: Path) -> str:
        """A relation over a Parquet file with ``_row_id`` (BIGINT, landing order) beside its columns."""

    def copy_warehouse(self, target: Path) -> None:
        """A whole, closed, synced copy of the warehouse at ``target``."""

    def close(self) -> None:
        """Release files and connections."""


class DuckDBSession:
    """One transaction on DuckDB through SQLAlchemy."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection

    def run(self, sql: str, **parameters: object) -> None:
        """See :class:`Session`."""
        self._execute(sql, parameters)

    def rows(self, sql: str, **parameters: object) -> list[Row]:
        """See :class:`Session`."""
        return [tuple(row) for row in self._execute(sql, parameters).fetchall()]

    def each(self, sql: str) -> Iterator[Row]:
        """See :class:`Session`."""
        found = self._execute(sql, {})
        while some := found.fetchmany(_ROWS_AT_ONCE):
            yield from (tuple(row) for row in some)

    def row(self, sql: str, **parameters: object) -> Row:
        """See :class:`Session`."""
        found = self.rows(sql, **parameters)
        if len(found) != 1:
            raise LookupError(f"{len(found)} rows where one was expected: {sql[:200]}")
        return found[0]

    def columns(self, sql: str) -> list[tuple[str, str]]:
        """See :class:`Session`."""
        return [(str(r[0]), str(r[1])) for r in self.rows(f"DESCRIBE {sql}")]

    def _execute(self, sql: str, parameters: dict[str, object]) -> sa.CursorResult[Any]:
        # Contract patterns and units hold colons and percent signs, so text() only where parameters are bound.
        if parameters:
            return self.connection.execute(sa.text(sql), parameters)
        return self.connection.exec_driver_sql(sql)


class DuckDBEngine:
    """DuckDB 1.5 on two files, every connection owned by one SQLAlchemy engine."""

    def __init__(self, warehouse: Path, private: Path, *, memory_limit: str = "2GB") -> None:
        # The private file holds restricted columns: nobody else may enter the folder.
        warehouse.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        warehouse.parent.chmod(0o700)
        self.warehouse, self.private = warehouse, private
        self._engine = sa.create_engine(self.url)

        @sa.event.listens_for(self._engine, "connect")
        def attach(connection: Any, _record: object) -> None:
            cursor = connection.cursor()
            cursor.execute(f"ATTACH IF NOT EXISTS '{_sql(private)}' AS private")
            for statement in _settings(memory_limit, warehouse.parent / "spill"):
                cursor.execute(statement)
            cursor.close()

    @property
    def url(self) -> str:
        """See :class:`Engine`."""
        return f"duckdb:///{self.warehouse}"

    @contextmanager
    def begin(self) -> Iterator[DuckDBSession]:
        """See :class:`Engine`."""
        with self._engine.begin() as connection:
            yield DuckDBSession(connection)

    def scan(self, parquet: Path) -> str:
        """See :class:`Engine`."""
        return (
            f"(SELECT * EXCLUDE (file_row_number), file_row_number AS _row_id "
            f"FROM read_parquet('{_sql(parquet)}', file_row_number = true))"
        )

    def copy_warehouse(self, target: Path) -> None:
        """See :class:`Engine`. Closes every connection first: DuckDB writes its last pages on close."""
        with self._engine.connect() as connection:
            connection.exec_driver_sql("CHECKPOINT")
        self.close()
        shutil.copyfile(self.warehouse, target)
        with target.open("rb+") as file:
            os.fsync(file.fileno())

    def close(self) -> None:
        """See :class:`Engine`. The engine opens its files again on the next transaction."""
        self._engine.dispose()


def read_only(path: Path) -> sa.Engine:
    """A read-only engine on a published file, for reading commands; never on a work file."""
    return sa.create_engine(f"duckdb:///{path}", connect_args={"read_only": True})


class PublishedEngine:
    """DuckDB in memory over a published file: reads it, and makes tables beside it. No run waits for it."""

    def __init__(self, file: Path, spill: Path, *, memory_limit: str = "2GB") -> None:
        self._engine = sa.create_engine("duckdb://", poolclass=sa.StaticPool)
        with self.begin() as session:
            session.run(f"ATTACH '{_sql(file)}' AS published (READ_ONLY)")
            session.run("USE published")
            for statement in _settings(memory_limit, spill):
                session.run(statement)

    @contextmanager
    def begin(self) -> Iterator[DuckDBSession]:
        """See :class:`Transactions`."""
        with self._engine.begin() as connection:
            yield DuckDBSession(connection)

    def close(self) -> None:
        """Drop what was made, release the file."""
        self._engine.dispose()


_ROWS_A_STATEMENT = 500


def insert_rows(session: Session, table: str, rows: Iterable[Iterable[object]]) -> None:
    """Insert rows of plain values, a few hundred a statement: one by one each costs a round trip."""
    listed = [row(values) for values in rows]
    for start in range(0, len(listed), _ROWS_A_STATEMENT):
        session.run(f"INSERT INTO {table} VALUES {', '.join(listed[start : start + _ROWS_A_STATEMENT])}")


def quoted(names: Sequence[str], alias: str = "") -> str:
    """Column names as a quoted, comma-separated list, of the table ``alias`` if one is given."""
    prefix = f"{alias}." if alias else ""
    return ", ".join(f'{prefix}"{name}"' for name in names)


def _settings(memory_limit: str, spill: Path) -> list[str]:
    """What every engine says to DuckDB first: no progress bar, its memory, and where it may write beyond that."""
    return [
        "SET enable_progress_bar = false",
        f"SET memory_limit = '{memory_limit}'",
        f"SET temp_directory = '{_sql(spill)}'",
    ]


def _sql(path: Path) -> str:
    return str(path).replace("'", "''")
