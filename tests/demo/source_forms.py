"""Reading values the way the sources write them, for tests of the ledgers.

Belongs here: a second, independent reader of the source forms (full-width, units, text dates, instants in
Z), so that the ledgers are not checked by the code that made them. Keep out: rules of a table.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, timedelta
from decimal import Decimal


def plain(value: object) -> str:
    """Text without stray blanks and full-width characters; None is ''."""
    return unicodedata.normalize("NFKC", "" if value is None else str(value)).strip()


def number(value: object) -> Decimal:
    """``1,200.5``, ``（35）``, ``４５００㎡``, ``0.45万`` or a number."""
    text = plain(value).replace(",", "").removesuffix("m2")
    negative = re.fullmatch(r"\((.+)\)", text)
    if negative:
        return -number(negative[1])
    return Decimal(text[:-1]) * 10_000 if text.endswith("万") else Decimal(text)


def sheet_day(value: object) -> date | None:
    """A date cell, an Excel serial or one of the written forms; None where it is empty or no date."""
    if value is None or isinstance(value, date):
        return value
    if isinstance(value, int):
        return date(1899, 12, 30) + timedelta(days=value)
    parts = re.fullmatch(r"(\d{4})\D?(\d{1,2})\D?(\d{1,2})", str(value))
    return date(*(int(part) for part in parts.groups())) if parts else None


def local_day(value: object) -> date | None:
    """The local day (+08:00) of an instant in Z; None where it is empty."""
    if not value:
        return None
    return (datetime.fromisoformat(str(value)) + timedelta(hours=8)).date()
