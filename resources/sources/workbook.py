"""Excel workbooks dropped in a folder, as people keep them: titles, merged cells, subtotals, signatures.

Belongs here: which rows of a sheet are data, control or neither, and their cells as text. Keep out: which
files are read (``drops``), header texts (``headers``), the text of one cell (``cells``).
"""

from __future__ import annotations

import re
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from typing import Literal
from xml.etree import ElementTree

import pyarrow as pa
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError, WorksheetNotFound

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
from resources.sources.cells import cell_text, hidden_texts
from resources.sources.drops import (
    DropFile,
    drop_transport,
    header_columns,
    list_files,
    named_texts,
    read_drops,
    sha256_of,
)
from resources.sources.headers import Match, match_headers, stated_units
from resources.sources.transport import WorkbookTransport

_CHUNK = 8_192
_HEADER_WITHIN = 100

Cells = list[str | None]
RowKind = Literal["data", "control", "footer", "blank"]


class WorkbookConnector:
    """One sheet of each new or changed file; of a table replaced whole, of its newest file."""

    def extract(self, source: Source, request: ExtractionRequest) -> Extraction:
        """Data and control rows of the sheets; ``since`` means nothing here, hashes say what is new."""
        proof: dict[str, object] = {"method": "files", "complete": False}
        reader = partial(_read_file, source, request.contract)
        return Extraction(read_drops(source, request, proof, reader), proof)

    def probe(self, source: Source, contract: TableContract) -> None:
        """Open the newest file and look for the sheet and its headers."""
        file = list_files(source, contract)[-1]
        sha256_of(source, contract, file)
        with _readable(source, contract, file):
            _find_header(source, contract, file, _rows(_sheet(source, contract, file), file, contract))


@dataclass(frozen=True)
class _Layout:
    """Where the columns stand: the header's row (from 0) and match; the key cells; what labels look like.

    ``stated``: units that a line above the header states, by what they measure.
    """

    header_row: int
    match: Match
    key: tuple[int, ...]
    control: re.Pattern[str] | None
    footer: re.Pattern[str] | None
    stated: Mapping[str, str]


def _read_file(
    source: Source, contract: TableContract, file: DropFile, counts: dict[str, object]
) -> Iterator[pa.RecordBatch]:
    schema = landed_schema(contract)
    kinds: Counter[str] = Counter()
    landed: list[Sequence[object]] = []
    with _readable(source, contract, file):
        sheet = _sheet(source, contract, file)
        rows = _rows(sheet, file, contract)
        layout = _find_header(source, contract, file, rows)
        shape = _row_shaper(contract, file, layout)
        for index, own, filled in _filled(contract, sheet, rows, layout):
            kind = _kind_of(own, filled, layout, after_footer=kinds["footer"] > 0)
            kinds[kind] += 1
            if kind in ("data", "control"):
                landed.append(shape(index, filled, kind))
            if len(landed) >= _CHUNK:
                yield batch_of(schema, landed)
                landed = []
    if landed:
        yield batch_of(schema, landed)
    counts.update(
        rows=kinds["data"] + kinds["control"],
        control_rows=kinds["control"],
        footer_rows=kinds["footer"],
        blank_rows=kinds["blank"],
        header_row=layout.header_row + 1,
    )


def _sheet(source: Source, contract: TableContract, file: DropFile) -> CalamineSheet:
    name = _transport(contract).sheet
    workbook = CalamineWorkbook.from_path(file.absolute)
    try:
        return workbook.get_sheet_by_name(name)
    except WorksheetNotFound:
        raise _failure(
            source,
            contract,
            file.path,
            f"there is no sheet {name}; there are {', '.join(workbook.sheet_names)}",
            "have the sheet named as agreed, or correct transport.sheet in the contract",
        ) from None


def _rows(sheet: CalamineSheet, file: DropFile, contract: TableContract) -> Iterator[tuple[int, Cells]]:
    """Every row of the sheet from its first (0), cells from the first used column on."""
    left = sheet.start[1] if sheet.start else 0
    hidden: dict[int, dict[int, str]] = defaultdict(dict)
    for (row, column), text in hidden_texts(file.absolute, _transport(contract).sheet).items():
        if column >= left:
            hidden[row][column - left] = text
    last = -1
    for last, values in enumerate(sheet.iter_rows()):
        yield last, _with_hidden([cell_text(v) for v in values], hidden.pop(last, {}))
    for row in sorted(hidden):
        if row > last:
            yield row, _with_hidden([], hidden[row])


def _with_hidden(cells: Cells, hidden: Mapping[int, str]) -> Cells:
    for column, text in hidden.items():
        cells.extend([None] * (column + 1 - len(cells)))
        cells[column] = text
    return cells


def _filled(
    contract: TableContract, sheet: CalamineSheet, rows: Iterator[tuple[int, Cells]], layout: _Layout
) -> Iterator[tuple[int, Cells, Cells]]:
    """(row, its own cells, its cells with the value of each vertical merge carried down its range).

    An amount is not carried: it is one for all rows of the range, and would count once for each of them.
    """
    left = sheet.start[1] if sheet.start else 0
    amounts = {c.source for c in contract.columns if c.role == "measure" and c.key_position is None}
    used = {index for name, (index, _) in layout.match.found.items() if name not in amounts}
    ends: dict[int, dict[int, int]] = defaultdict(dict)
    for (top, column), (bottom, _) in sheet.merged_cell_ranges or []:
        if column - left in used and bottom > top:
            ends[top][column - left] = bottom
    carried: dict[int, tuple[int, str | None]] = {}
    for row, own in rows:
        filled = list(own)
        for column, (bottom, text) in carried.items():
            if row <= bottom:
                filled.extend([None] * (column + 1 - len(filled)))
                filled[column] = filled[column] or text
        for column, bottom in ends.get(row, {}).items():
            carried[column] = (bottom, own[column] if column < len(own) else None)
        yield row, own, filled


def _find_header(
    source: Source, contract: TableContract, file: DropFile, rows: Iterator[tuple[int, Cells]]
) -> _Layout:
    """Take rows up to the first that holds all header texts, alone or with the row above it; a failure names
    those that are nowhere."""
    names = [c.source for c in header_columns(contract)]
    best, best_row = Match({}, tuple(names), ()), 0
    stated: dict[str, str] = {}
    above: Cells = []
    for row, cells in rows:
        # In a header of two rows a name stands in the lower one, or in a cell over both.
        both = [lower or upper or "" for lower, upper in zip_longest(cells, above)]
        match, over_both = (match_headers(names, texts) for texts in ([c or "" for c in cells], both))
        if match.missing and not over_both.missing:
            match = over_both
        if not match.missing:
            return _layout(source, contract, file, row, match, stated)
        stated |= stated_units(cell for cell in cells if cell)
        above = cells
        if len(match.missing) < len(best.missing):
            best, best_row = match, row
        if row >= _HEADER_WITHIN:
            break
    raise _failure(
        source,
        contract,
        f"{_place(contract, file)}!{best_row + 1}" if best.found else _place(contract, file),
        f"no row has all headers; the closest lacks {', '.join(best.missing)}",
        "have the header named as agreed, or correct physicalName in the contract",
    )


def _layout(
    source: Source,
    contract: TableContract,
    file: DropFile,
    row: int,
    match: Match,
    stated: Mapping[str, str],
) -> _Layout:
    if match.doubled:
        raise _failure(
            source,
            contract,
            f"{_place(contract, file)}!{row + 1}",
            f"two headers of one text: {', '.join(match.doubled)}",
            "have one of them renamed or removed",
        )
    transport = _transport(contract)
    at_source = {c.name: c.source for c in header_columns(contract)}
    key = tuple(match.found[at_source[name]][0] for name in contract.key if name in at_source)
    control = _labels(transport.control_labels, r"(?:{})\s*[:：]?\s*\Z")
    footer = _labels(transport.footer_labels, r"\A\s*(?:{})\s*(?:[:：]|\Z)")
    return _Layout(row, match, key, control, footer, stated)


def _labels(labels: Sequence[str], frame: str) -> re.Pattern[str] | None:
    """A pattern for any of the labels, blanks inside them (合 计) allowed; None where there are none."""
    words = [r"\s*".join(map(re.escape, label)) for label in labels]
    return re.compile(frame.format("|".join(words))) if words else None


def _kind_of(own: Cells, filled: Cells, layout: _Layout, after_footer: bool) -> RowKind:
    """What a row is. In doubt it is data: then the contract's rules judge it and nothing is lost.

    Control: a cell ends in a label (``芯片园小计``) and the row has no whole key, or the label is in the key.
    Footer: the first cell starts with a label, or it is a lone cell below such a row.
    """
    texts = [(index, cell) for index, cell in enumerate(own) if cell and not cell.isspace()]
    if not texts:
        return "blank"
    if layout.footer and layout.footer.search(texts[0][1]):
        return "footer"
    labelled = {index for index, cell in texts if layout.control and layout.control.search(cell)}
    if labelled:
        whole_key = bool(layout.key) and all(i < len(filled) and filled[i] for i in layout.key)
        if not whole_key or labelled & set(layout.key):
            return "control"
    return "footer" if after_footer and len(texts) == 1 else "data"


def _row_shaper(
    contract: TableContract, file: DropFile, layout: _Layout
) -> Callable[[int, Cells, RowKind], list[object]]:
    """How a row of this file becomes a landed row."""
    found, named = layout.match.found, named_texts(contract, file)
    units = [_unit(c, layout) for c in unit_columns(contract)]
    place = _place(contract, file)

    def text(column: Column, row: int, cells: Cells) -> str | None:
        if column.source in found:
            index = found[column.source][0]
            return cells[index] if index < len(cells) else None
        return str(row + 1) if column.source == "_row_no" else named[column.name]

    def shape(row: int, cells: Cells, kind: RowKind) -> list[object]:
        values = [text(column, row, cells) for column in contract.columns]
        return [*values, *units, row + 1, f"{place}!{row + 1}", kind]

    return shape


def _unit(column: Column, layout: _Layout) -> str | None:
    """The unit in the column's header, else the one stated above it; None leaves it to the contract."""
    if column.source not in layout.match.found:
        return None
    return layout.match.found[column.source][1] or layout.stated.get(column.unit or "")


@contextmanager
def _readable(source: Source, contract: TableContract, file: DropFile) -> Iterator[None]:
    """What the reader says of a broken file, as a failure of that file."""
    try:
        yield
    except SourceFailure:
        raise
    except PasswordError as error:
        raise _failure(
            source, contract, file.path, "the file is locked with a password", "have it sent without one"
        ) from error
    except (CalamineError, zipfile.BadZipFile, ElementTree.ParseError, OSError) as error:
        raise _failure(
            source,
            contract,
            file.path,
            f"this cannot be read as a workbook ({error})",
            "have it saved and sent again; if it was still being copied, run again",
        ) from error


def _failure(source: Source, contract: TableContract, where: str, cause: str, cure: str) -> PermanentFailure:
    return PermanentFailure(system=source.name, table=contract.name, where=where, cause=cause, cure=cure)


def _place(contract: TableContract, file: DropFile) -> str:
    return f"{file.path}!{_transport(contract).sheet}"


def _transport(contract: TableContract) -> WorkbookTransport:
    transport = drop_transport(contract)
    assert isinstance(transport, WorkbookTransport)
    return transport
