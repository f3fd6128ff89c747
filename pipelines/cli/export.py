"""Writing rows to a file somebody opens in a spreadsheet: CSV, Excel or Parquet.

Belongs here: the three formats, whole or absent, with formulas made harmless. Keep out: which rows.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any
from unicodedata import category

from resources.failures import Refused

Row = Sequence[Any]
_ROWS_OF_A_SHEET = 1_048_575
_ROWS_OF_A_PART = 50_000

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


_SIGNS = {n: chr(0x2400 + n) for n in range(32) if chr(n) not in "\t\n\r"} | dict.fromkeys(
    (0xFFFE, 0xFFFF), "\ufffd"
)


class TooManyRows(Refused):
    """A workbook's sheet cannot hold the rows."""


def export_rows(target: Path, columns: Sequence[str], rows: Iterable[Row]) -> int:
    """Write rows by the suffix of ``target``: ``.csv`` (UTF-8 with BOM), ``.xlsx`` or ``.parquet``; returns how many.

    Texts that a spreadsheet would run as a formula get a leading apostrophe in CSV and Excel (OWASP, CSV injection),
    whatever unseen stands before; Excel shows control characters as signs, Parquet keeps every value. An existing file
    is replaced only when the new one is whole. Raises ``ValueError`` for another suffix, :class:`TooManyRows` for more
    than a sheet holds.
    """
    write = WRITERS.get(target.suffix.lower())
    if write is None:
        raise ValueError(f"cannot export to {target.name}: use {', '.join(WRITERS)}")
    partial = target.with_name(f".{target.name}.partial")
    try:
        written = write(partial, columns, rows)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return written


def fits(suffix: str, rows: int) -> None:
    """Raise :class:`TooManyRows` where a file of this suffix is a workbook and its sheet cannot hold so many rows."""
    if suffix.lower() == ".xlsx" and rows > _ROWS_OF_A_SHEET:
        raise TooManyRows(
            f"a sheet holds {_ROWS_OF_A_SHEET:,} rows, these are more → export to .csv or .parquet"
        )


def harmless(value: Any) -> Any:
    """A cell that no spreadsheet runs: texts that begin like a formula get an apostrophe in front."""
    if isinstance(value, str) and _shown(value).startswith(_FORMULA):
        return f"'{value}"
    return value


def _shown(text: str) -> str:
    """The text from its first character that is seen, or that a spreadsheet reads as the end of a cell."""
    at = next((n for n, c in enumerate(text) if c in _FORMULA or category(c)[0] not in "CZ"), len(text))
    return text[at:]


def _storable(value: Any) -> Any:
    """A cell as a workbook can hold it: control characters, which XML forbids, as their signs (␋)."""
    return value.translate(_SIGNS) if isinstance(value, str) else value


def _csv(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> int:
    written = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for row in rows:
            writer.writerow([_text(harmless(value)) for value in row])
            written += 1
    return written


def _excel(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> int:
    from openpyxl import Workbook

    book, written = Workbook(write_only=True), 0
    sheet = book.create_sheet("rows")
    try:
        sheet.append(list(columns))
        for row in rows:
            sheet.append([_storable(harmless(value)) for value in row])
            written += 1
            fits(".xlsx", written)
    except BaseException:
        sheet.close()
        raise
    book.save(path)
    return written


def _parquet(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    # A column that is empty at first has no type there: the parts agree on one when they are joined.
    parts = [pa.table({c: pa.array([], pa.null()) for c in columns})]
    while some := list(islice(rows := iter(rows), _ROWS_OF_A_PART)):
        by_column = ([_wide(v) for v in values] for values in zip(*some, strict=True))
        parts.append(pa.Table.from_arrays([pa.array(v) for v in by_column], names=list(columns)))
    table = pa.concat_tables(parts, promote_options="permissive")
    pq.write_table(table, path)
    return int(table.num_rows)


def _text(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.isoformat() if isinstance(value, date | datetime) else value


def _wide(value: Any) -> Any:
    """Decimals of one column may differ in digits; Arrow wants one precision."""
    return value.quantize(Decimal("0.000001")) if isinstance(value, Decimal) else value


WRITERS: Mapping[str, Callable[[Path, Sequence[str], Iterable[Row]], int]] = {
    ".csv": _csv,
    ".xlsx": _excel,
    ".parquet": _parquet,
}
