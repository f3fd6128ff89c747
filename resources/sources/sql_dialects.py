"""What differs between databases: text forms, snapshots, session settings, fast drivers.

Belongs here: one table per difference, keyed by SQLAlchemy's dialect name; a database that is in none of them
works with the defaults. Keep out: what is read and how it is proved (``sql``), errors (``sql_failures``).
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

# A consistent view of the table for its count and its rows. Where the default level is already one snapshot
# for a transaction (SQLite), or the database is unknown, nothing is set.
SNAPSHOT_LEVELS = {
    "postgresql": "REPEATABLE READ",
    "mysql": "REPEATABLE READ",
    "mariadb": "REPEATABLE READ",
    "oracle": "SERIALIZABLE",
    "mssql": "SNAPSHOT",
}

# The text of dates, instants and numbers must not depend on how a server or account happens to be set.
SESSION_SETTINGS = {
    "postgresql": (
        "SET LOCAL client_encoding = 'UTF8'",
        "SET LOCAL DateStyle = 'ISO, YMD'",
        "SET LOCAL TimeZone = 'Asia/Shanghai'",
        "SET LOCAL IntervalStyle = 'iso_8601'",
        "SET LOCAL extra_float_digits = 1",
        "SET LOCAL bytea_output = 'hex'",
    ),
    "mysql": ("SET time_zone = '+08:00'",),
    "mariadb": ("SET time_zone = '+08:00'",),
    "oracle": (
        "ALTER SESSION SET NLS_DATE_FORMAT = 'YYYY-MM-DD HH24:MI:SS'",
        "ALTER SESSION SET NLS_TIMESTAMP_FORMAT = 'YYYY-MM-DD HH24:MI:SS.FF6'",
        "ALTER SESSION SET NLS_NUMERIC_CHARACTERS = '.,'",
        "ALTER SESSION SET TIME_ZONE = '+08:00'",
    ),
}

# How a transaction begins where the driver does not begin one for a query.
OPENING = {"sqlite": ("BEGIN",)}

_COLUMNAR = {"postgresql": "adbc_driver_postgresql", "sqlite": "adbc_driver_sqlite"}
_CONNECT_TIMEOUT = {"psycopg": "connect_timeout", "psycopg2": "connect_timeout", "pymysql": "connect_timeout"}


class AsText(FunctionElement[str]):
    """A column as the text the source would show for it; NULL stays NULL."""

    name = "as_text"
    type = sa.Text()
    inherit_cache = True


@compiles(AsText)
def _default_text(element: AsText, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(sa.cast(_operand(element), sa.Text()), **kw)


@compiles(AsText, "sqlite")
def _sqlite_text(element: AsText, compiler: SQLCompiler, **kw: Any) -> str:
    # Releases of SQLite disagree on CAST of a REAL (15 or 17 digits), and the two drivers bring two releases.
    operand = compiler.process(_operand(element), **kw)
    real = f"printf('%!.15g', {operand})"
    return f"CASE typeof({operand}) WHEN 'real' THEN {real} ELSE CAST({operand} AS TEXT) END"


@compiles(AsText, "oracle")
def _oracle_text(element: AsText, compiler: SQLCompiler, **kw: Any) -> str:
    # Text() would be a CLOB there, which is fetched by one round trip per value.
    return f"CAST({compiler.process(_operand(element), **kw)} AS VARCHAR2(4000))"


@compiles(AsText, "mssql")
def _mssql_text(element: AsText, compiler: SQLCompiler, **kw: Any) -> str:
    # Style 121 writes dates as ISO and leaves character columns alone; CAST would give 'Sep 10 2024 12:00AM'.
    # money has no style 121: style 2 keeps its four decimals.
    operand = _operand(element)
    style = 2 if isinstance(operand.type, sa.Numeric) else 121
    return f"CONVERT(NVARCHAR(MAX), {compiler.process(operand, **kw)}, {style})"


def _operand(element: AsText) -> sa.ColumnElement[Any]:
    return next(iter(element.clauses))


def sqlite_file(url: sa.URL) -> Path | None:
    """The file behind a SQLite URL; None for other databases and for one in memory."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return None
    return Path(url.database.removeprefix("file:"))


def make_engine(url: sa.URL, timeout_seconds: float) -> sa.Engine:
    """An engine for one extraction: no pool, a time-out on connecting, SQLite read-only.

    Read-only matters twice on SQLite: a misspelt path must not create an empty database.
    """
    arguments: dict[str, Any] = {}
    file = sqlite_file(url)
    if file is not None:
        url = url.set(database=f"file:{quote(str(file))}", query={"mode": "ro", "uri": "true"})
        arguments["timeout"] = timeout_seconds
    elif (key := _CONNECT_TIMEOUT.get(url.get_driver_name())) is not None:
        arguments[key] = max(1, round(timeout_seconds))
    return sa.create_engine(url, poolclass=sa.NullPool, connect_args=arguments)


def session_settings(dialect: str, timeout_seconds: float) -> tuple[str, ...]:
    """Statements for the start of the transaction; waiting for a lock ends like any other time-out."""
    settings = SESSION_SETTINGS.get(dialect, ())
    if dialect == "postgresql":
        settings += (f"SET LOCAL lock_timeout = '{round(timeout_seconds * 1000)}ms'",)
    return settings


def columnar_driver(url: sa.URL) -> str | None:
    """Name of the installed ADBC driver for the database; None where there is none."""
    name = _COLUMNAR.get(url.get_backend_name())
    if name is None or (name == "adbc_driver_sqlite" and sqlite_file(url) is None):
        return None
    return name if importlib.util.find_spec(name) else None


def columnar_uri(url: sa.URL, timeout_seconds: float) -> str:
    """The address in the form the ADBC driver takes. It holds the password: never show it."""
    file = sqlite_file(url)
    if file is not None:
        return f"file:{quote(str(file))}?mode=ro"
    plain = url.set(drivername=url.get_backend_name())
    plain = plain.update_query_dict({"connect_timeout": str(max(1, round(timeout_seconds)))})
    return plain.render_as_string(hide_password=False)
