"""The statement of a SQL extraction: which columns, which rows, and the count of the same rows.

Belongs here: from contract and request to a SQLAlchemy statement, after a look at the columns that are there.
Keep out: running it (``sql``), dialects (``sql_dialects``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from itertools import takewhile
from pathlib import PurePath
from typing import Any

import sqlalchemy as sa

from data_contracts.model import ContractError, TableContract
from resources.failures import PermanentFailure
from resources.sources.base import ExtractionRequest, Source
from resources.sources.sql_dialects import AsText
from resources.sources.transport import SqlTransport, transport_of

_NUMBERS = ("decimal", "integer")


@dataclass(frozen=True)
class Query:
    """The rows of an extraction, their count, and what a row says of its origin.

    ``full``: no watermark narrows it. ``unread``: columns of the source that the contract does not name.
    """

    rows: sa.Select[Any]
    count: sa.Select[Any]
    source_ref: str
    full: bool
    unread: list[str]


def build_query(connection: sa.Connection, source: Source, request: ExtractionRequest) -> Query:
    """The statements of the request; a missing table or column is a ``PermanentFailure`` that names it."""
    contract = request.contract
    transport = sql_transport(contract)
    schema, _, name = transport.table.rpartition(".")
    found = _columns_at_source(connection, source, contract, schema or None, name)
    table = sa.table(name, *(sa.column(n) for n in sorted(set(found.values()))), schema=schema or None)
    texts: list[Any] = [_text(table, c.name, found[c.source], c.kind) for c in contract.columns]
    rows: sa.Select[Any] = sa.select(*texts)
    source_ref = transport.table
    bound = _bound(request, transport, connection.dialect.name)
    if bound is not None:
        watermark, value = bound
        rows = _since(rows, table, contract, found, watermark, value)
        source_ref = f"{transport.table}?{watermark}>={value}"
    else:
        rows = rows.select_from(table)
    count: sa.Select[Any] = rows.with_only_columns(sa.func.count(), maintain_column_froms=True)
    read = {found[c.source] for c in contract.columns}
    return Query(rows, count, source_ref, bound is None, sorted(set(found.values()) - read))


def sql_transport(contract: TableContract) -> SqlTransport:
    """The contract's transport, which is of this kind."""
    transport = transport_of(contract)
    assert isinstance(transport, SqlTransport)
    return transport


def url_of(source: Source, contract: TableContract) -> sa.URL:
    """The source's address; one that is none is a failure that does not show it."""
    try:
        return sa.make_url(source.url)
    except (sa.exc.ArgumentError, ValueError):
        raise PermanentFailure(
            system=source.name,
            table=contract.name,
            where="URL of the source",
            cause="this is no database URL",
            cure="write it as dialect+driver://user:password@host:port/database in the settings",
        ) from None


def place_of(source: Source, contract: TableContract) -> str:
    """Database and table, for messages."""
    database = url_of(source, contract).database or ""
    return f"{PurePath(database).name}/{sql_transport(contract).table}"


def _text(table: sa.TableClause, name: str, at_source: str, kind: str) -> sa.Label[str]:
    typed = sa.type_coerce(table.c[at_source], sa.Numeric() if kind in _NUMBERS else sa.Text())
    return AsText(typed).label(name)


def _since(
    rows: sa.Select[Any],
    table: sa.TableClause,
    contract: TableContract,
    found: Mapping[str, str],
    watermark: str,
    value: Any,
) -> sa.Select[Any]:
    """``rows`` at or after ``value``; where scopes are replaced, whole scopes of which one row is."""

    def later(of: sa.FromClause) -> sa.ColumnElement[bool]:
        column = of.c[found[watermark]]
        return sa.or_(column >= value, column.is_(None))

    scope = [found[contract.column(c).source] for c in contract.update.scope]
    if contract.update.verb != "replace" or not scope:
        return rows.select_from(table).where(later(table))
    # A join on the touched scopes rather than EXISTS or a tuple IN: every database plans it as one pass.
    again = table.alias("changed")
    touched = sa.select(*(again.c[s] for s in scope)).where(later(again)).distinct().subquery("touched")
    same = sa.and_(*(table.c[s] == touched.c[s] for s in scope))
    return rows.select_from(table.join(touched, same))


def _bound(request: ExtractionRequest, transport: SqlTransport, dialect: str) -> tuple[str, Any] | None:
    """Source name of the watermark and the least value of it; None when everything is asked for."""
    contract, since = request.contract, request.since
    if since is None or contract.update.watermark is None:
        return None
    column = contract.column(contract.update.watermark)
    return column.source, _bound_value(contract, transport, column.kind, since, dialect)


def _bound_value(
    contract: TableContract, transport: SqlTransport, kind: str, since: datetime, dialect: str
) -> Any:
    if transport.watermark_format:
        return _least_text(since, transport.watermark_format)
    if kind not in ("date", "timestamp"):
        cause = f"the watermark is a {kind} and has no format"
        raise ContractError(contract.path, "transport", cause, "give watermark_format")
    if dialect == "sqlite":  # it keeps dates and times as text
        return _least_text(since, "%Y-%m-%d %H:%M:%S")
    return since.date() if kind == "date" else since


def _least_text(since: datetime, form: str) -> str:
    """Text no later than any text of that day: as text 2024-09-05, a day without a time, is before 2024-09-05 00:00.

    What is the same from the first to the last moment of the day; a form of digits alone may be a number, and stays.
    """
    exact = since.strftime(form)
    if exact.isdecimal():
        return exact
    first, last = (datetime.combine(since, end).strftime(form) for end in (time.min, time.max))
    same = "".join(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False)))
    return re.sub(r"[^0-9]+$", "", same) or exact


def _columns_at_source(
    connection: sa.Connection, source: Source, contract: TableContract, schema: str | None, table: str
) -> dict[str, str]:
    """Every name to its spelling at the source; raises for contract columns the source does not have."""
    try:
        there = [str(c["name"]) for c in sa.inspect(connection).get_columns(table, schema=schema)]
    except sa.exc.NoSuchTableError:
        raise _changed(source, contract, "there is no such table or view", "transport.table") from None
    found = {name: name for name in there}
    folded = {name.casefold(): name for name in there}
    for column in contract.columns:
        if column.source not in found and column.source.casefold() in folded:
            found[column.source] = folded[column.source.casefold()]
    missing = [c.source for c in contract.columns if c.source not in found]
    if missing:
        cause = f"columns not there: {', '.join(missing)}; there are: {', '.join(there)}"
        raise _changed(source, contract, cause, "physicalName of the columns")
    return found


def _changed(source: Source, contract: TableContract, cause: str, clause: str) -> PermanentFailure:
    return PermanentFailure(
        system=source.name,
        table=contract.name,
        where=place_of(source, contract),
        cause=cause,
        cure=f"correct {clause} in the contract, or have the source changed back",
    )
