"""How people and systems write a value: the dirt of hand-kept sheets, and the forms of the APIs.

Belongs here: pure functions from a clean value to one way of showing it (full-width digits, stray
blanks, numbers and dates as text). Keep out: which rows are dirty, and any dirt that changes a value.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TypeVar

from demo.systems.watermarks import epoch_ms, iso_z, midnight_z, write
from demo.workdays import is_workday, next_workday

__all__ = ["epoch_ms", "iso_z", "midnight_z"]

T = TypeVar("T")

_FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
_BLANKS = (" ", "\u00a0", "\u3000")
_SERIAL_ZERO = date(1899, 12, 30)


def iso_offset(instant: datetime) -> str:
    """Local instant as ``2024-10-08T17:30:00+08:00``, the project system's form."""
    return str(write("iso_offset", instant))


def full_width(text: str) -> str:
    """ASCII as full-width characters: ``４５００``."""
    return text.translate(_FULL_WIDTH)


def padded(text: str, rng: random.Random) -> str:
    """``text`` with a blank, NBSP or ideographic space before or behind it."""
    blank = rng.choice(_BLANKS)
    return blank + text if rng.random() < 0.3 else text + blank


def number_text(value: Decimal) -> str:
    """A number as text with thousands commas; negative in full-width parentheses: ``（1,000.00）``."""
    return f"（{-value:,}）" if value < 0 else f"{value:,}"


def dotted(day: date) -> str:
    """``2024.9.10``"""
    return f"{day.year}.{day.month}.{day.day}"


def sheet_date(day: date, rng: random.Random, usual: object, rate: float) -> object:
    """``usual``, or with probability ``rate`` another form: slashes, compact, ISO, Excel serial, cell."""
    if rng.random() >= rate:
        return usual
    return rng.choice(
        [
            f"{day.year}/{day.month}/{day.day}",
            day.strftime("%Y%m%d"),
            day.isoformat(),
            (day - _SERIAL_ZERO).days,
            dotted(day),
            day,
        ]
    )


def office_time(day: date, rng: random.Random) -> datetime:
    """A moment of the working hours of ``day``, seconds included."""
    return datetime.combine(day, time(8, 40)) + timedelta(seconds=rng.randint(0, 32_400))


def soon_after(day: date, rng: random.Random, most_days: int = 3) -> datetime:
    """Office time on a working day 1 to ``most_days`` after ``day`` (holidays push it further)."""
    return office_time(next_workday(day + timedelta(days=rng.randint(1, most_days))), rng)


def some_workday(first: date, last: date, rng: random.Random) -> date:
    """A random working day of the range. Raises ``ValueError`` when the range holds none."""
    span = (last - first).days
    if span < 0:
        raise ValueError(f"no day from {first} to {last}")
    for _ in range(200):
        day = first + timedelta(days=rng.randint(0, span))
        if is_workday(day):
            return day
    raise ValueError(f"no working day found from {first} to {last}")


def split_units(total: int, weights: Sequence[float]) -> list[int]:
    """``total`` split into whole units in proportion to ``weights``; the rest goes to the largest."""
    if not weights or sum(weights) <= 0:
        raise ValueError("weights must hold a positive sum")
    whole = sum(weights)
    parts = [int(total * weight / whole) for weight in weights]
    parts[max(range(len(parts)), key=lambda i: weights[i])] += total - sum(parts)
    return parts


def spread(total: int, count: int, rng: random.Random, least: int = 1) -> list[int]:
    """``total`` as ``count`` whole numbers of at least ``least``, unevenly."""
    rest = total - least * count
    if rest < 0:
        raise ValueError(f"{total} is less than {count} times {least}")
    return [least + part for part in split_units(rest, [rng.uniform(0.5, 1.5) for _ in range(count)])]


def pick_rows(rows: Sequence[T], count: int, rng: random.Random) -> list[T]:
    """``count`` different rows, in the order they stand."""
    chosen = sorted(rng.sample(range(len(rows)), count))
    return [rows[i] for i in chosen]


def json_number(value: Decimal) -> int | float:
    """A number as JSON carries it: whole numbers without a point."""
    return int(value) if value == value.to_integral_value() else float(value)
