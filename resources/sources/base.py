"""What every source connector shares: the request, the answer, and how a connector is found.

Belongs here: the small types between connectors and their callers, the landed columns of a contract, and the
choice of a connector by transport kind. Keep out: how one kind of system is spoken to (``sql``, ``workbook``,
``rest``, ``files``), and storing what came (``resources.raw_store``).
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, cast

import pyarrow as pa

from data_contracts.model import UNREAD, Column, ContractError, TableContract

_CONNECTORS = {
    "sql": ("resources.sources.sql", "SqlConnector"),
    "workbook": ("resources.sources.workbook", "WorkbookConnector"),
    "rest": ("resources.sources.rest", "RestConnector"),
    "file": ("resources.sources.files", "FileConnector"),
}
_KINDS_WITH_HEADERS = ("workbook", "file")
# What a file connector can say about a row that the file itself does not.
TECHNICAL_COLUMNS = ("_row_no", "_file_name")
SECRET_MASK = "***"


@dataclass(frozen=True)
class RetryPolicy:
    """Bounds of the retries inside one extraction; waits are seconds.

    ``attempts`` counts the first try. Waits double from ``first_seconds`` with jitter up to
    ``longest_seconds``; a ``Retry-After`` longer than ``patience_seconds`` is not waited for.
    """

    attempts: int = 5
    first_seconds: float = 0.5
    longest_seconds: float = 30.0
    patience_seconds: float = 120.0


@dataclass(frozen=True)
class Source:
    """How one server is reached; built from settings. URL and token never show in ``repr``."""

    name: str
    url: str = field(repr=False)
    token: str | None = field(default=None, repr=False)
    timeout_seconds: float = 30.0
    retry: RetryPolicy = RetryPolicy()


@dataclass(frozen=True)
class ExtractionRequest:
    """What to pull.

    ``since``: naive Asia/Shanghai, the overlap already taken off; None asks for everything.
    ``landed_files``: relative path → sha256 of the files whose batches were loaded.
    ``file``: the one file to read of a table replaced whole; None is its newest.
    """

    contract: TableContract
    since: datetime | None = None
    landed_files: Mapping[str, str] = field(default_factory=dict)
    file: str | None = None


@dataclass
class Extraction:
    """Landed columns in batches, and the proof of completeness that fills while they are read.

    ``proof`` holds at least ``method`` (count, pages or files), ``complete``, ``full``, ``rows`` and
    ``expected``; ``complete`` is False until the last batch was taken. Every value is JSON-able.
    """

    batches: Iterator[pa.RecordBatch]
    proof: dict[str, object]


class Connector(Protocol):
    """One way to speak to a kind of system. A failure is a ``SourceFailure``, raised while iterating."""

    def extract(self, source: Source, request: ExtractionRequest) -> Extraction:
        """Everything the request asks for, as text, with a proof that it is everything."""
        ...

    def probe(self, source: Source, contract: TableContract) -> None:
        """Raise unless the source is reachable, lets us in, and has the table with all its columns."""
        ...


def connector_for(contract: TableContract) -> Connector:
    """The connector of the contract's transport kind; :class:`ContractError` for an unknown kind or key."""
    from resources.sources.transport import transport_of

    kind = str(contract.transport.get("kind"))
    if kind not in _CONNECTORS:
        raise ContractError(
            contract.path, "transport", f"kind {kind!r} is not known", f"use one of {', '.join(_CONNECTORS)}"
        )
    transport_of(contract)
    module, name = _CONNECTORS[kind]
    return cast(Connector, getattr(importlib.import_module(module), name)())


def probe(source: Source, contract: TableContract) -> None:
    """Is the table there as its contract says? Raises a ``SourceFailure`` that says what is not."""
    connector_for(contract).probe(source, contract)


def landed_schema(contract: TableContract) -> pa.Schema:
    """Landed columns: the contract's as text, ``<column>__unit`` where a unit may come along, where from.

    Of CSV files also ``_unread``: what is wrong with a line that is no row of the table, and its text.
    """
    names = [c.name for c in contract.columns]
    names += [unit_column(c) for c in unit_columns(contract)]
    fields = [pa.field(name, pa.string()) for name in names]
    fields += [pa.field("_row_no", pa.int64()), pa.field("_source_ref", pa.string())]
    fields.append(pa.field("_row_kind", pa.string()))
    return pa.schema([*fields, pa.field(UNREAD, pa.string())] if contract.has_lines else fields)


def unit_columns(contract: TableContract) -> tuple[Column, ...]:
    """Columns whose unit may come with the data: in a header, or in a field that ``transport.units`` names."""
    if contract.transport.get("kind") in _KINDS_WITH_HEADERS:
        return tuple(c for c in contract.columns if (c.unit or c.source_unit) and not c.is_technical)
    beside = contract.transport.get("units") or {}
    return tuple(c for c in contract.columns if c.name in beside)


def unit_column(column: Column) -> str:
    """Name of the landed column that holds the unit that came with ``column``."""
    return f"{column.name}__unit"


def batch_of(schema: pa.Schema, rows: Sequence[Sequence[object]]) -> pa.RecordBatch:
    """Rows in the order of ``schema`` as one batch."""
    columns: Iterable[Sequence[object]] = zip(*rows, strict=True) if rows else [() for _ in schema]
    arrays = [pa.array(values, f.type) for values, f in zip(columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def scrub(text: str, *secrets: str | None) -> str:
    """``text`` on one line, short, without the secrets."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, SECRET_MASK)
    line = " ".join(text.split())
    return line if len(line) <= 300 else f"{line[:299]}…"
