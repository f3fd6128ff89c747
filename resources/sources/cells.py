"""Cells of a workbook as text, including those a spreadsheet reader shows as blank though they are not.

Belongs here: the text of a value, and error values and uncalculated formulas from the sheet's XML. Keep out:
what a row means (``workbook``).
"""

from __future__ import annotations

import html
import re
import zipfile
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

Position = tuple[int, int]

_CELL = re.compile(rb"<(?:\w+:)?c\b([^>]*?)(?:/>|>(.*?)</(?:\w+:)?c>)", re.DOTALL)
_FORMULA = re.compile(rb"<(?:\w+:)?f\b[^>]*?(?:/>|>(.*?)</(?:\w+:)?f>)", re.DOTALL)
_VALUE = re.compile(rb"<(?:\w+:)?v\b[^>]*?>(.*?)</(?:\w+:)?v>", re.DOTALL)
_REFERENCE = re.compile(rb'\br="([A-Z]+)(\d+)"')
_TYPE = re.compile(rb'\bt="(\w+)"')
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def cell_text(value: object) -> str | None:
    """A cell as its sheet shows it: 4567.89 as typed, 12 without ``.0``, dates as ISO; None where blank."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        # repr is the shortest text of the same number; Decimal takes an exponent away.
        text = repr(value)
        return (format(Decimal(text), "f") if "e" in text else text).removesuffix(".0")
    if isinstance(value, datetime):
        return _to_millisecond(value).isoformat(" ", "auto")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        minutes, seconds = divmod(round(value.total_seconds()), 60)
        return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"
    return str(value)


def hidden_texts(path: Path, sheet: str) -> dict[Position, str]:
    """Cells (row, column from 0) that hold an error (``#REF!``) or a formula never calculated (``=B6*2``).

    Readers give them as blank, and a blank amount would pass for "nothing reported". Only for ``.xlsx`` and
    ``.xlsm``; other formats give nothing.
    """
    if not zipfile.is_zipfile(path):
        return {}
    with zipfile.ZipFile(path) as archive:
        part = _sheet_part(archive, sheet)
        if part is None:
            return {}
        xml = archive.read(part)
    if b't="e"' not in xml and b"f>" not in xml and b"<f" not in xml:
        return {}
    found: dict[Position, str] = {}
    for attributes, content in _CELL.findall(xml):
        text = _hidden_text(attributes, content)
        reference = _REFERENCE.search(attributes)
        if text is not None and reference is not None:
            found[int(reference[2]) - 1, _column_index(reference[1])] = text
    return found


def _hidden_text(attributes: bytes, content: bytes) -> str | None:
    kind = _TYPE.search(attributes)
    value = _VALUE.search(content)
    if kind is not None and kind[1] == b"e":
        return _unescaped(value[1]) if value else "#ERROR"
    formula = _FORMULA.search(content)
    # A formula whose result is an empty text has t="str": that blank is what people see.
    if formula is None or (value is not None and value[1]) or (kind is not None and kind[1] == b"str"):
        return None
    return "=" + _unescaped(formula[1] or b"")


def _sheet_part(archive: zipfile.ZipFile, sheet: str) -> str | None:
    names = set(archive.namelist())
    if not {"xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= names:
        return None
    targets = {r.get("Id"): r.get("Target", "") for r in _elements(archive, "xl/_rels/workbook.xml.rels")}
    for element in _elements(archive, "xl/workbook.xml"):
        if element.tag.endswith("}sheet") and element.get("name") == sheet:
            target = targets.get(element.get(_RELATION), "")
            part = target.lstrip("/") if target.startswith("/") else str(PurePosixPath("xl") / target)
            return part if part in names else None
    return None


def _elements(archive: zipfile.ZipFile, part: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(archive.read(part)).iter())


def _column_index(letters: bytes) -> int:
    index = 0
    for letter in letters:
        index = index * 26 + letter - 64
    return index - 1


def _unescaped(content: bytes) -> str:
    return html.unescape(content.decode("utf-8"))


def _to_millisecond(value: datetime) -> datetime:
    """Serial dates are fractions of a day: 10:30 may come back some microseconds off."""
    rounded = timedelta(milliseconds=round(value.microsecond / 1000))
    return value.replace(microsecond=0) + rounded
