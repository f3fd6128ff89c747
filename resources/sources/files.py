"""CSV and Parquet files dropped in a folder.

Belongs here: text files in their declared encoding and Parquet files, as text rows. Keep out: which files are
read (``drops``), header texts (``headers``).
"""

from __future__ import annotations

import codecs
import csv
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_contracts.model import Column, TableContract
from resources.failures import PermanentFailure, SourceFailure
from resources.sources.base import (
    Extraction,
    ExtractionRequest,
    Source,
    batch_of,
    landed_schema,
    unit_columns,
)
from resources.sources.drops import (
    DropFile,
    drop_transport,
    header_columns,
    list_files,
    named_texts,
    read_drops,
    sha256_of,
)
from resources.sources.headers import Match, match_headers
from resources.sources.transport import FileTransport

_CHUNK = 16_384
_UTF8 = ("utf-8", "utf-8-sig")
_SHOWN_HEADERS = 20

Values = Callable[[Sequence[str | None], int], list[object]]


class FileConnector:
    """Each new or changed file; of a table replaced whole, its newest file."""

    def extract(self, source: Source, request: ExtractionRequest) -> Extraction:
        """All rows of the planned files; ``since`` means nothing here, hashes say what is new."""
        proof: dict[str, object] = {"method": "files", "complete": False}
        read = _read_csv if _transport(request.contract).format == "csv" else _read_parquet
        return Extraction(read_drops(source, request, proof, partial(read, source, request.contract)), proof)

    def probe(self, source: Source, contract: TableContract) -> None:
        """Open the newest file and look for its headers."""
        file = list_files(source, contract)[-1]
        sha256_of(source, contract, file)
        with _readable(source, contract, file):
            if _transport(contract).format == "csv":
                _, cells = next(_csv_rows(source, contract, file), (1, []))
            else:
                cells = pq.read_schema(file.absolute).names
            _matched(source, contract, file, cells)


def _read_csv(
    source: Source, contract: TableContract, file: DropFile, counts: dict[str, object]
) -> Iterator[pa.RecordBatch]:
    schema, counted = landed_schema(contract), Counter[str]()
    landed: list[list[object]] = []
    with _readable(source, contract, file):
        lines = _csv_rows(source, contract, file)
        _, header = next(lines, (1, []))
        match = _matched(source, contract, file, header)
        shape, width = _shaper(contract, file, match, ":"), _width(header)
        for line, cells in lines:
            wrong = _misfit(cells, width)
            counted[(wrong and "unread") or ("rows" if any(cells) else "blank")] += 1
            if wrong:
                text = f"{wrong}: {_transport(contract).delimiter.join(cells)}"
                landed.append([*shape([None] * len(header), line), text])
            elif any(cells):
                landed.append([*shape([cell or None for cell in cells], line), None])
            if len(landed) >= _CHUNK:
                yield batch_of(schema, landed)
                landed = []
    if landed:
        yield batch_of(schema, landed)
    unread = counted["unread"]
    counts.update(rows=counted["rows"] + unread, blank_rows=counted["blank"], unread_rows=unread)


def _width(cells: Sequence[str]) -> int:
    """Cells up to the last that is not empty: a delimiter at the end of a line is no value."""
    return max((i for i, cell in enumerate(cells, 1) if cell), default=0)


def _misfit(cells: Sequence[str], width: int) -> str | None:
    """Why a line is no row under ``width`` headers, if it is none; a blank line is none to be missed."""
    if not any(cells) or (len(cells) >= width >= _width(cells)):
        return None
    return f"{len(cells)} values under {width} headers"


def _csv_rows(source: Source, contract: TableContract, file: DropFile) -> Iterator[tuple[int, list[str]]]:
    """(last line of the row, its values), the header first."""
    transport = _transport(contract)
    reader = csv.reader(_decoded(source, contract, file), delimiter=transport.delimiter, strict=True)
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error as error:
        raise _failure(
            source,
            contract,
            f"{file.path} line {reader.line_num}",
            f"the line cannot be split into values ({error})",
            "have the quotes of the line corrected, or correct transport.delimiter in the contract",
        ) from error


def _decoded(source: Source, contract: TableContract, file: DropFile) -> Iterator[str]:
    """Lines of a file; a byte that is not in the declared encoding fails with its line and offset."""
    encoding = _transport(contract).encoding
    offset = 0
    with file.absolute.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if number == 1 and line.startswith(codecs.BOM_UTF8) and encoding not in _UTF8:
                cause = f"the file starts as UTF-8, the contract declares {encoding}"
                raise _wrong_encoding(source, contract, f"{file.path} line 1, byte 0", cause)
            try:
                text = line.decode(encoding)
            except UnicodeDecodeError as error:
                where = f"{file.path} line {number}, byte {offset + error.start}"
                shown = line[error.start : error.start + 4].hex(" ")
                raise _wrong_encoding(source, contract, where, f"{shown} is not {encoding}") from error
            yield text.removeprefix("\ufeff") if number == 1 else text
            offset += len(line)


def _read_parquet(
    source: Source, contract: TableContract, file: DropFile, counts: dict[str, object]
) -> Iterator[pa.RecordBatch]:
    schema, rows = landed_schema(contract), 0
    with _readable(source, contract, file), pq.ParquetFile(file.absolute) as parquet:
        match = _matched(source, contract, file, parquet.schema_arrow.names)
        names = {
            c.source: parquet.schema_arrow.names[match.found[c.source][0]] for c in header_columns(contract)
        }
        shape = _shaper(contract, file, _in_order(match, list(names)), "#")
        for batch in parquet.iter_batches(_CHUNK, columns=list(names.values())):
            texts = [_text_of(batch.column(name)) for name in names.values()]
            values = zip(*texts, strict=True) if texts else ()
            yield batch_of(schema, [shape(row, rows + i) for i, row in enumerate(values, 1)])
            rows += batch.num_rows
    counts.update(rows=rows)


def _text_of(values: pa.Array) -> list[str | None]:
    text = values.cast(pa.string())
    if pa.types.is_timestamp(values.type):
        # The unit of the file's type is no part of the value: 08:30:00.000 is 08:30:00.
        text = pc.replace_substring_regex(text, r"\.0+($|[+Z-])", r"\1")
    found: list[str | None] = text.to_pylist()
    return found


def _in_order(match: Match, names: Sequence[str]) -> Match:
    return Match({name: (i, match.found[name][1]) for i, name in enumerate(names)}, (), ())


def _shaper(contract: TableContract, file: DropFile, match: Match, mark: str) -> Values:
    """How values under the matched headers, and their line, become a landed row."""
    named = named_texts(contract, file)
    units = [match.found[c.source][1] if c.source in match.found else None for c in unit_columns(contract)]

    def text(column: Column, values: Sequence[str | None], line: int) -> str | None:
        if column.source in match.found:
            return values[match.found[column.source][0]]
        return str(line) if column.source == "_row_no" else named[column.name]

    def shape(values: Sequence[str | None], line: int) -> list[object]:
        texts = [text(column, values, line) for column in contract.columns]
        return [*texts, *units, line, f"{file.path}{mark}{line}", "data"]

    return shape


def _matched(source: Source, contract: TableContract, file: DropFile, cells: Sequence[str]) -> Match:
    match = match_headers([c.source for c in header_columns(contract)], cells)
    if match.missing:
        there = ", ".join(cells[:_SHOWN_HEADERS]) or "nothing"
        cause = f"headers not there: {', '.join(match.missing)}; the first line reads {there}"
        cure = (
            "have the header named as agreed, or correct physicalName, delimiter or encoding in the contract"
        )
        raise _failure(source, contract, f"{file.path} line 1", cause, cure)
    if match.doubled:
        cause = f"two headers of one text: {', '.join(match.doubled)}"
        raise _failure(source, contract, f"{file.path} line 1", cause, "have one of them renamed or removed")
    return match


@contextmanager
def _readable(source: Source, contract: TableContract, file: DropFile) -> Iterator[None]:
    try:
        yield
    except SourceFailure:
        raise
    except (pa.ArrowException, OSError) as error:
        kind = _transport(contract).format
        cause = f"this cannot be read as {kind} ({error})"
        cure = "have it sent again; if it was still being copied, run again"
        raise _failure(source, contract, file.path, cause, cure) from error


def _wrong_encoding(source: Source, contract: TableContract, where: str, cause: str) -> PermanentFailure:
    cure = "have the file saved in the declared encoding, or correct transport.encoding in the contract"
    return _failure(source, contract, where, cause, cure)


def _failure(source: Source, contract: TableContract, where: str, cause: str, cure: str) -> PermanentFailure:
    return PermanentFailure(system=source.name, table=contract.name, where=where, cause=cause, cure=cure)


def _transport(contract: TableContract) -> FileTransport:
    transport = drop_transport(contract)
    assert isinstance(transport, FileTransport)
    return transport
