"""One workbook: rows drawn as an office would, and read back.

Belongs here: titles, merged cells, subtotals, footers, and bytes that are the same for the same rows.
Keep out: which rows a file holds (``workbooks``).
"""

from __future__ import annotations

import io
import re
import unicodedata
import zipfile
from collections.abc import Iterator, Sequence
from copy import copy
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from itertools import groupby
from typing import Protocol, cast

from openpyxl import Workbook, load_workbook
from openpyxl.cell import Cell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.styles.cell_style import StyleArray
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.cell_range import CellRange
from openpyxl.worksheet.worksheet import Worksheet

from demo.systems.layouts import Layout
from demo.timeline import Row

SUBTOTAL, TOTAL = "小计", "合计"
_SAVED = datetime(2024, 1, 1)
_THIN = Side(style="thin", color="999999")
_BORDER = Border(left=_THIN, right=_THIN, top=_THIN, bottom=_THIN)
_HEAD_FILL = PatternFill("solid", fgColor="DDE6F0")
_CENTRE = Alignment(horizontal="center", vertical="center", wrap_text=True)
_FACTORS = {"万": Decimal(10_000), "亿": Decimal(100_000_000)}


def number_of(value: object) -> Decimal | None:
    """The number a cell means, also as text: ``1,200.50``, ``（35）``, ``0.45万``, ``４５００㎡``."""
    if isinstance(value, bool) or value is None or isinstance(value, date):
        return None
    text = unicodedata.normalize("NFKC", str(value)).replace(",", "").replace(" ", "")
    match = re.fullmatch(r"(\()?([+-]?[0-9]+(?:\.[0-9]+)?)\)?([万亿]?)(?:[^0-9.)]+[23]?)?\)?", text)
    if not match:
        return None
    try:
        number = Decimal(match[2]) * _FACTORS.get(match[3], Decimal(1))
    except InvalidOperation:
        return None
    return -number if match[1] else number


def _words(template: str, name: str, unit: str) -> str:
    digits = re.search(r"\d{4}Q\d|\d{6,8}", name)
    period = digits.group() if digits else ""
    day = datetime.strptime(period, "%Y%m%d") if len(period) == 8 else _SAVED
    return template.format(period=period, day=day, unit=unit)


def groups_of(layout: Layout, rows: Sequence[Row]) -> list[list[Row]]:
    """Rows with one value in the group column together, in the order the values first appear."""
    if not layout.group:
        return [list(rows)] if rows else []
    groups: dict[object, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.get(layout.group), []).append(row)
    return list(groups.values())


def _sum_row(layout: Layout, label: str, rows: Sequence[Row]) -> Row:
    sums: Row = {layout.label: label}
    for column in layout.sums:
        numbers = [number for row in rows if (number := number_of(row.get(column))) is not None]
        sums[column] = sum(numbers, Decimal(0))
    return sums


class _Styled(Protocol):
    """The part of a cell that its type stubs leave out."""

    _style: StyleArray


class _Page:
    """A sheet being filled from the top.

    Styles are made once and shared by cells: setting them cell by cell took nine tenths of the time.
    """

    def __init__(self, sheet: Worksheet, layout: Layout) -> None:
        self.sheet = sheet
        self.layout = layout
        self.row = 0
        self.plain = self._style()
        self.bold = self._style(font=Font(bold=True))
        self.head = self._style(font=Font(bold=True), fill=_HEAD_FILL, alignment=_CENTRE)

    def _style(self, **looks: object) -> StyleArray:
        cell = Cell(self.sheet, 1, 1)
        cell.border = _BORDER
        for name, look in looks.items():
            setattr(cell, name, look)
        return cast(_Styled, cell)._style

    def line(self, values: Sequence[object], style: StyleArray) -> None:
        self.row += 1
        for index, value in enumerate(values, 1):
            cell = self.sheet.cell(self.row, index)
            # A date gets its number format with its value, so it needs a style of its own.
            cast(_Styled, cell)._style = copy(style) if isinstance(value, date) else style
            cell.value = value  # type: ignore[assignment]

    def wide(self, text: str, *, title: bool = False) -> None:
        self.row += 1
        cell = self.sheet.cell(self.row, 1, text)
        self._span(self.row, self.row, 1, len(self.layout.columns))
        if title:
            cell.font, cell.alignment = Font(bold=True, size=14 if self.row == 1 else 11), _CENTRE

    def data(self, row: Row, style: StyleArray) -> None:
        self.line([row.get(column.name) for column in self.layout.columns], style)

    def group(self, rows: Sequence[Row]) -> None:
        """Rows of one group; equal neighbours in a merged column become one cell."""
        first, shown = self.row + 1, [dict(row) for row in rows]
        for index, column in enumerate(self.layout.columns, 1):
            if column.merged:
                for start, end in _runs([row.get(column.name) for row in rows]):
                    self._span(first + start, first + end, index, index)
                    for row in shown[start + 1 : end + 1]:
                        row[column.name] = None
        for row in shown:
            self.data(row, self.plain)

    def _span(self, top: int, bottom: int, left: int, right: int) -> None:
        if (top, left) != (bottom, right):
            self.sheet.merged_cells.add(
                CellRange(min_row=top, max_row=bottom, min_col=left, max_col=right).coord
            )


def _runs(values: Sequence[object]) -> Iterator[tuple[int, int]]:
    """First and last index of each run of equal neighbours."""
    start = 0
    for _, run in groupby(values):
        end = start + len(list(run)) - 1
        yield start, end
        start = end + 1


def render(layout: Layout, name: str, rows: Sequence[Row]) -> bytes:
    """The workbook called ``name`` with these rows. The same arguments give the same bytes."""
    return render_book(name, [(layout, rows)])


def render_book(name: str, pages: Sequence[tuple[Layout, Sequence[Row]]]) -> bytes:
    """The workbook called ``name`` with one sheet per page, in this order."""
    book = Workbook()
    for number, (layout, rows) in enumerate(pages):
        sheet = book.create_sheet() if number else book.active
        assert isinstance(sheet, Worksheet)
        _draw(sheet, layout, name, rows)
    return _saved(book)


def _draw(sheet: Worksheet, layout: Layout, name: str, rows: Sequence[Row]) -> None:
    sheet.title = layout.sheet
    page = _Page(sheet, layout)
    unit = next((column.unit_of(rows) for column in layout.columns if column.unit_by), "")
    for title in layout.titles:
        page.wide(_words(title, name, unit), title=True)
    page.line([column.header_text(rows) for column in layout.columns], page.head)
    sheet.freeze_panes = f"A{page.row + 1}"
    for group in groups_of(layout, rows):
        page.group(group)
        if layout.sums and layout.group:
            page.data(_sum_row(layout, SUBTOTAL, group), page.bold)
    if layout.sums and rows:
        page.data(_sum_row(layout, TOTAL, rows), page.bold)
    page.row += 1
    for footer in layout.footers:
        page.wide(footer)
    for index, column in enumerate(layout.columns, 1):
        sheet.column_dimensions[get_column_letter(index)].width = column.width


def _saved(book: Workbook) -> bytes:
    """The file's bytes without the moment of saving, which openpyxl writes in three places."""
    book.properties.creator = "产投集团"
    book.properties.created = _SAVED
    drawn, result = io.BytesIO(), io.BytesIO()
    book.save(drawn)
    with zipfile.ZipFile(drawn) as source, zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename == "docProps/core.xml":
                stamp = f"{_SAVED:%Y-%m-%dT%H:%M:%SZ}".encode()
                content = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>" + stamp, content)
            fixed = zipfile.ZipInfo(entry.filename, (2024, 1, 1, 0, 0, 0))
            fixed.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(fixed, content)
    return result.getvalue()


def sheets_in(content: bytes) -> list[str]:
    """Names of the sheets of a workbook."""
    return load_workbook(io.BytesIO(content), read_only=True).sheetnames


def read(layout: Layout, content: bytes) -> list[Row]:
    """The data rows of a workbook, as :func:`render` draws them or a person changed them since.

    Merged cells give their value to every row they span; 小计, 合计 and footers are left out; a unit that
    the header names is in the rows under the column's ``unit_by``.
    """
    sheet = load_workbook(io.BytesIO(content))[layout.sheet]
    header_row, units = _header(layout, sheet)
    spans = {
        (row, area.min_col): (area.min_row, area.min_col)
        for area in sheet.merged_cells.ranges
        for row in range(area.min_row, area.max_row + 1)
    }
    rows: list[Row] = []
    for number in range(header_row + 1, sheet.max_row + 1):
        values = [
            _plain(sheet.cell(*spans.get((number, index), (number, index))).value)
            for index in range(1, len(layout.columns) + 1)
        ]
        if all(value is None for value in values):
            break
        cells = {column.name: value for column, value in zip(layout.columns, values, strict=True)}
        if not layout.label or cells[layout.label] not in (SUBTOTAL, TOTAL):
            rows.append(cells | units)
    return rows


def _header(layout: Layout, sheet: Worksheet) -> tuple[int, dict[str, str]]:
    """Number of the header row, and the units it names for columns that have ``unit_by``."""
    wanted = [column.header for column in layout.columns]
    for number, line in enumerate(sheet.iter_rows(max_row=10, values_only=True), 1):
        parts = [str(text or "").rstrip("）").partition("（") for text in line[: len(wanted)]]
        if [header for header, _, _ in parts] == wanted:
            named = zip(layout.columns, parts, strict=True)
            return number, {column.unit_by: unit for column, (_, _, unit) in named if column.unit_by}
    raise ValueError(f"no header row {wanted} in sheet {layout.sheet}")


def _plain(value: object) -> object:
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, datetime) and value.time() == time(0):
        return value.date()
    return value
