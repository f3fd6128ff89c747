"""SQL databases: every row as text, in one snapshot, proved by the count of the same predicate.

Belongs here: the two ways out of a database: rows through any SQLAlchemy dialect, and columns through ADBC
where a driver is installed. Both run the same statement and give the same text. Keep out: the statement
(``sql_query``), what differs by database (``sql_dialects``), what its errors mean (``sql_failures``).
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect

from data_contracts.model import ContractError, TableContract
from resources.failures import PermanentFailure, SourceFailure, TransientFailure
from resources.sources.base import Extraction, ExtractionRequest, Source, landed_schema
from resources.sources.sql_dialects import (
    OPENING,
    SNAPSHOT_LEVELS,
    columnar_driver,
    columnar_uri,
    make_engine,
    session_settings,
)
from resources.sources.sql_failures import failure_of
from resources.sources.sql_query import Query, build_query, place_of, url_of

_CHUNK = 16_384
# How many rows the snapshot holds, and they themselves as columns of text.
_Reading = tuple[int, Iterator[list[pa.Array]]]


class SqlConnector:
    """Any database SQLAlchemy speaks to. ``columnar=False`` keeps to the row path."""

    def __init__(self, columnar: bool = True) -> None:
        self._columnar = columnar

    def extract(self, source: Source, request: ExtractionRequest) -> Extraction:
        """All rows, or those at or after ``since`` by the watermark; rows without one always come.

        For ``replace`` with a scope the other rows of each touched scope come too: a changed voucher sends
        all its lines, so that a missing one means a deleted one.
        """
        proof: dict[str, object] = {"method": "count", "complete": False}
        return Extraction(self._read(source, request, proof), proof)

    def probe(self, source: Source, contract: TableContract) -> None:
        """Log in, look for table and columns, and read one row as the extraction would."""
        with _failures(source, contract), _connected(source, contract) as connection:
            query = build_query(connection, source, ExtractionRequest(contract))
            connection.execute(query.rows.limit(1)).fetchone()

    def _read(
        self, source: Source, request: ExtractionRequest, proof: dict[str, object]
    ) -> Iterator[pa.RecordBatch]:
        contract, rows = request.contract, 0
        schema = landed_schema(contract)
        with _failures(source, contract), _connected(source, contract) as connection:
            query = build_query(connection, source, request)
            driver = columnar_driver(sa.make_url(source.url)) if self._columnar else None
            opened = _columns(connection, source, query, driver) if driver else _rows(connection, query)
            with opened as (expected, batches):
                proof.update(path=driver or "sqlalchemy", full=query.full, expected=expected)
                for columns in batches:
                    _check_text(source, contract, columns)
                    yield _landed(schema, columns, rows, query.source_ref)
                    rows += len(columns[0])
        proof.update(rows=rows, unread_columns=query.unread, complete=rows == expected)
        if rows != expected:
            raise TransientFailure(
                system=source.name,
                table=contract.name,
                where=place_of(source, contract),
                cause=f"{rows} rows came of {expected} counted in the same snapshot",
                cure="run again; if it stays, the database keeps no snapshot for a transaction",
            )


@contextmanager
def _connected(source: Source, contract: TableContract) -> Iterator[sa.Connection]:
    """A connection in one read-only snapshot with the session set; nothing is left behind."""
    engine = make_engine(url_of(source, contract), source.timeout_seconds)
    name = engine.dialect.name
    options: dict[str, Any] = {"isolation_level": SNAPSHOT_LEVELS[name]} if name in SNAPSHOT_LEVELS else {}
    if name == "postgresql":
        options["postgresql_readonly"] = True
    try:
        with engine.connect().execution_options(**options) as connection:
            for statement in (*OPENING.get(name, ()), *session_settings(name, source.timeout_seconds)):
                connection.exec_driver_sql(statement)
            yield connection
    finally:
        engine.dispose()


@contextmanager
def _rows(connection: sa.Connection, query: Query) -> Iterator[_Reading]:
    expected = int(connection.execute(query.count).scalar_one())
    streaming = connection.execution_options(stream_results=True, max_row_buffer=_CHUNK)
    with streaming.execute(query.rows) as result:
        yield expected, (_transposed(part) for part in result.partitions(_CHUNK))


def _transposed(rows: Any) -> list[pa.Array]:
    return [pa.array(values, pa.string()) for values in zip(*rows, strict=True)]


@contextmanager
def _columns(connection: sa.Connection, source: Source, query: Query, driver: str) -> Iterator[_Reading]:
    """The same statements over a connection of the ADBC driver, in a snapshot of its own."""
    name = connection.dialect.name
    count, rows = _compiled(connection, query.count), _compiled(connection, query.rows)
    uri = columnar_uri(sa.make_url(source.url), source.timeout_seconds)
    module = importlib.import_module(f"{driver}.dbapi")
    with closing(module.connect(uri)) as columnar, closing(columnar.cursor()) as cursor:
        if name in SNAPSHOT_LEVELS:
            cursor.execute(f"SET TRANSACTION ISOLATION LEVEL {SNAPSHOT_LEVELS[name]} READ ONLY")
        for statement in session_settings(name, source.timeout_seconds):
            cursor.execute(statement)
        cursor.execute(count)
        expected = int(cursor.fetchone()[0])
        # The SQLite driver takes a column's type from its first rows, where NULLs would make it a number:
        # one row of text before the rest decides it, and is dropped again.
        leading = 1 if name == "sqlite" else 0
        texts = ", ".join(["''"] * len(query.rows.selected_columns))
        cursor.execute(f"SELECT {texts} UNION ALL {rows}" if leading else rows)
        yield expected, _without_leading(cursor.fetch_record_batch(), leading)


def _compiled(connection: sa.Connection, query: sa.Select[Any]) -> str:
    # Any style but the row driver's own: %-styles would double the percent signs of the text.
    assert isinstance(connection.dialect, DefaultDialect)
    dialect = type(connection.dialect)(paramstyle="named")
    return str(query.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


def _without_leading(reader: pa.RecordBatchReader, leading: int) -> Iterator[list[pa.Array]]:
    for batch in reader:
        kept, leading = batch.slice(leading), 0
        if kept.num_rows:
            yield [column.cast(pa.string()) for column in kept.columns]


def _check_text(source: Source, contract: TableContract, columns: list[pa.Array]) -> None:
    """Columnar drivers pass bytes through as they lie; text that is none must not reach the store."""
    for column, values in zip(contract.columns, columns, strict=True):
        try:
            values.validate(full=True)
        except pa.ArrowInvalid as error:
            raise PermanentFailure(
                system=source.name,
                table=contract.name,
                where=f"{place_of(source, contract)}.{column.source}",
                cause=f"a text is not in the database's encoding ({error})",
                cure="have the row corrected at the source",
            ) from error


def _landed(schema: pa.Schema, columns: list[pa.Array], before: int, source_ref: str) -> pa.RecordBatch:
    count = len(columns[0])
    technical = [
        pa.array(range(before + 1, before + count + 1), pa.int64()),
        pa.repeat(pa.scalar(source_ref, pa.string()), count),
        pa.repeat(pa.scalar("data", pa.string()), count),
    ]
    return pa.RecordBatch.from_arrays([*columns, *technical], schema=schema)


@contextmanager
def _failures(source: Source, contract: TableContract) -> Iterator[None]:
    """Errors of drivers become failures. They are not chained: their text may hold the address."""
    try:
        yield
    except (SourceFailure, ContractError):
        raise
    except (sa.exc.DBAPIError, sa.exc.NoSuchModuleError, ImportError, OSError, pa.ArrowException) as error:
        raise failure_of(error, source, contract.name, place_of(source, contract)) from None
    except Exception as error:
        # ADBC's errors share a root only with each other, and the package is optional.
        if type(error).__module__.partition(".")[0].startswith("adbc_driver"):
            raise failure_of(error, source, contract.name, place_of(source, contract)) from None
        raise
