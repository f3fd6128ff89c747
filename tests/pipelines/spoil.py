"""What people do to workbooks: a sheet renamed, a header changed, 元 where 万元 was agreed, a row sent twice."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from openpyxl import load_workbook

_HEADER_WITHIN = 6
_WAN = Decimal(10000)


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """The workbook's only sheet; saved in the end."""
    book = load_workbook(path)
    yield book.active
    book.save(path)


def header_of(sheet: Any) -> tuple[int, dict[str, int]]:
    """Row of the header, and header text → column."""
    for row in sheet.iter_rows(max_row=_HEADER_WITHIN):
        texts = {str(cell.value): cell.column for cell in row if cell.value is not None}
        if len(texts) > 2:
            return row[0].row, texts
    raise AssertionError(f"no header in {sheet.title}")


def rename_sheet(path: Path, name: str) -> None:
    """Call the sheet something else."""
    with opened(path) as sheet:
        sheet.title = name


def rename_header(path: Path, old: str, new: str) -> int:
    """Write another header text; gives the row it stands in."""
    with opened(path) as sheet:
        row, columns = header_of(sheet)
        sheet.cell(row, columns[old]).value = new
    return row


def write_in_yuan(path: Path, *, say_so: bool) -> None:
    """Write every amount of 万元 in 元, and with ``say_so`` the unit in the header too."""
    with opened(path) as sheet:
        header, columns = header_of(sheet)
        for text, column in columns.items():
            if "（万元）" not in text:
                continue
            if say_so:
                sheet.cell(header, column).value = text.replace("万元", "元")
            for row in range(header + 1, sheet.max_row + 1):
                cell = sheet.cell(row, column)
                if cell.value is not None:
                    cell.value = str(_amount(str(cell.value)) * _WAN)


def _amount(text: str) -> Decimal:
    """A number as people write it: full-width digits, thousands separators, a currency sign."""
    return Decimal(re.sub(r"[^-0-9.]", "", unicodedata.normalize("NFKC", text)))


def repeat_key(path: Path, column: str) -> tuple[int, int]:
    """Give the second data row the ``column`` of the first, so that both have one key and other amounts;
    gives the two rows' numbers. The rows belong to one merged block, so the rest of their key is the same."""
    with opened(path) as sheet:
        header, columns = header_of(sheet)
        first, second = header + 1, header + 2
        sheet.cell(second, columns[column]).value = sheet.cell(first, columns[column]).value
    return first, second
