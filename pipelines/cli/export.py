"""Writing rows to a file somebody opens in a spreadsheet: CSV, Excel or Parquet.

Belongs here: the three formats, whole or absent, with formulas made harmless. Keep out: which rows.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

Row = Sequence[Any]

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def export_rows(target: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Write ``rows`` to ``target`` by its suffix: ``.csv`` (UTF-8 with BOM), ``.xlsx`` or ``.parquet``.

    Texts that a spreadsheet would run as a formula get a leading apostrophe in CSV and Excel (OWASP, CSV
    injection); Parquet keeps every value as it is. An existing file is replaced only when the new one is
    whole. Raises ``ValueError`` for another suffix.
    """
    write = WRITERS.get(target.suffix.lower())
    if write is None:
        raise ValueError(f"cannot export to {target.name}: use {', '.join(WRITERS)}")
    partial = target.with_name(f".{target.name}.partial")
    try:
        write(partial, columns, rows)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def harmless(value: Any) -> Any:
    """A cell that no spreadsheet runs: texts that begin like a formula get an apostrophe in front."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def _csv(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([_text(harmless(value)) for value in row] for row in rows)


def _excel(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet("rows")
    sheet.append(list(columns))
    for row in rows:
        sheet.append([harmless(value) for value in row])
    book.save(path)


def _parquet(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    by_column = list(zip(*rows, strict=True)) or [() for _ in columns]
    arrays = [pa.array([_wide(v) for v in values]) for values in by_column]
    pq.write_table(pa.Table.from_arrays(arrays, names=list(columns)), path)


def _text(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.isoformat() if isinstance(value, date | datetime) else value


def _wide(value: Any) -> Any:
    """Decimals of one column may differ in digits; Arrow wants one precision."""
    return value.quantize(Decimal("0.000001")) if isinstance(value, Decimal) else value


WRITERS: Mapping[str, Callable[[Path, Sequence[str], Iterable[Row]], None]] = {
    ".csv": _csv,
    ".xlsx": _excel,
    ".parquet": _parquet,
}
