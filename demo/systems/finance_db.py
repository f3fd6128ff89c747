"""The rows of the finance database: its tables, loading them, and changing single rows.

Belongs here: SQL of the finance system's own side. Keep out: the server's life (``finance_server``) and
anything that reads it as a user of the system would.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from demo.seed_files import seed_text
from demo.systems.changes import Changes
from demo.systems.errors import DemoError
from demo.systems.finance_server import READER
from demo.systems.overlay import Touch
from demo.systems.tables import SourceTable, source_tables, tables_of
from demo.timeline import Row


def _names(columns: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(column) for column in columns)


def _create(connection: psycopg.Connection, table: SourceTable) -> None:
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(sql_type))
        for name, sql_type in table.columns.items()
    )
    name = sql.Identifier(table.source)
    connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(name))
    connection.execute(sql.SQL("CREATE TABLE {} ({})").format(name, columns))


def _index(connection: psycopg.Connection, table: SourceTable) -> None:
    name = sql.Identifier(table.source)
    connection.execute(sql.SQL("ALTER TABLE {} ADD PRIMARY KEY ({})").format(name, _names(table.key)))
    for column in table.indexes:
        connection.execute(sql.SQL("CREATE INDEX ON {} ({})").format(name, sql.Identifier(column)))
    connection.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(name, sql.Identifier(READER)))
    connection.execute(sql.SQL("ANALYZE {}").format(name))


def _copy(connection: psycopg.Connection, table: SourceTable, rows: Iterable[Row]) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.source), _names(table.columns))
    columns = tuple(table.columns)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row([row.get(column) for column in columns])


def load(
    connection: psycopg.Connection,
    tables: Iterable[tuple[SourceTable, list[Row]]],
    clock: datetime,
    touches: Iterable[Touch],
) -> None:
    """Make the tables anew with the given rows, in one transaction; derived ones as of ``clock``, edits kept."""
    with connection.transaction():
        for table, rows in tables:
            try:
                _create(connection, table)
                _copy(connection, table, rows)
                _index(connection, table)
            except psycopg.DataError as error:
                raise DemoError(
                    f"finance.{table.source} does not take its ledger's rows: {error}",
                    f"mend the ledger of {table.table} or the types in seeds/source_tables.yaml",
                ) from error
        derive(connection, clock, touches)


def apply(
    connection: psycopg.Connection,
    changes: Iterable[tuple[SourceTable, Changes]],
    clock: datetime,
    touches: Iterable[Touch],
) -> None:
    """Write changed rows whole and take away gone ones, in one transaction; then as :func:`load` ends."""
    with connection.transaction():
        for table, change in changes:
            _delete(connection, table, [*change.gone, *map(table.key_of, change.rows)])
            if change.rows:
                _copy(connection, table, change.rows)
        derive(connection, clock, touches)


def derive(
    connection: psycopg.Connection, clock: datetime, touches: Iterable[Touch], changed: Collection[str] = ()
) -> None:
    """Let the system make its derived tables anew, as of ``clock`` (local time), with people's edits on top.

    ``changed``: only those that rest on one of these tables; without it, all.
    """
    derived = {
        table.table: table
        for table in tables_of("finance")
        if table.derived and (not changed or set(changed) & set(table.derived.tables))
    }
    connection.execute("SELECT set_config('demo.clock', %s, true)", [clock.isoformat(" ", "seconds")])
    for table in derived.values():
        assert table.derived is not None
        connection.execute(seed_text(f"{table.derived.sql}.sql").encode())
        connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table.source)))
    for touch in touches:
        if touch.table in derived:
            touched(connection, touch)


def touched(connection: psycopg.Connection, touch: Touch) -> None:
    """Make one change a person made."""
    table = source_tables()[touch.table]
    if touch.gone:
        _delete(connection, table, [touch.key])
    else:
        change(connection, table, touch.key, touch.values)


def _delete(connection: psycopg.Connection, table: SourceTable, keys: list[tuple[str, ...]]) -> None:
    # The key's own type, since an indexed char(20) compared with text is read row by row.
    match = sql.SQL(" AND ").join(
        sql.SQL("{} = %s::{}").format(sql.Identifier(c), sql.SQL(table.columns[c])) for c in table.key
    )
    statement = sql.SQL("DELETE FROM {} WHERE {}").format(sql.Identifier(table.source), match)
    with connection.cursor() as cursor:
        cursor.executemany(statement, keys)


def find(connection: psycopg.Connection, table: SourceTable, where: Mapping[str, str]) -> list[Row]:
    """Rows whose columns equal the given texts (``NULL`` for no value), in the order of their keys.

    Raises :class:`DemoError` for a text the column's type does not take.
    """
    terms = [
        sql.SQL("{} IS NULL").format(sql.Identifier(column))
        if value == "NULL"
        else sql.SQL("{} = {}").format(sql.Identifier(column), sql.Literal(value))
        for column, value in where.items()
    ]
    query = sql.SQL("SELECT * FROM {} WHERE {} ORDER BY {}").format(
        sql.Identifier(table.source), sql.SQL(" AND ").join(terms), _names(table.key)
    )
    with connection.cursor(row_factory=dict_row) as cursor:
        try:
            return list(cursor.execute(query).fetchall())
        except psycopg.DataError as error:
            raise DemoError(
                f"finance.{table.source}: {error}", "give a value of the column's type"
            ) from error


def change(connection: psycopg.Connection, table: SourceTable, key: tuple[str, ...], row: Row) -> None:
    """Set columns of the row with this key; raises :class:`DemoError` for a value its type refuses."""
    targets = sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(column), sql.Literal(value)) for column, value in row.items()
    )
    match = sql.SQL(" AND ").join(
        sql.SQL("{} = {}").format(sql.Identifier(column), sql.Literal(value))
        for column, value in zip(table.key, key, strict=True)
    )
    statement = sql.SQL("UPDATE {} SET {} WHERE {}").format(sql.Identifier(table.source), targets, match)
    try:
        connection.execute(statement)
    except psycopg.DataError as error:
        raise DemoError(f"finance.{table.source}: {error}", "give a value of the column's type") from error
