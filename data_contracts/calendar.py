"""Quarters, dekads and cut-offs: what a period or a date word of the bulletin means in days.

Belongs here: pure date arithmetic over 季度, 旬 and cut-off days. Keep out: clocks (a run is told its
``known_at``), holidays, and which figure uses which period (``metric``).

Source of the date words: the bulletin's usage. 上旬 1-10, 中旬 11-20, 下旬 21-end, 中下旬 11-end, 初 1-10,
底 21-end, a bare month all of it, 年底 December, 前 everything before.
"""

from __future__ import annotations

import calendar as _calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
"""Time zone of every business date; knowledge times are UTC."""

_DEKADS: dict[str, tuple[int, int]] = {
    "上旬": (1, 10),
    "中旬": (11, 20),
    "下旬": (21, 31),
    "中下旬": (11, 31),
    "初": (1, 10),
    "底": (21, 31),
    "": (1, 31),
}
_DATE_WORD = re.compile(r"^(before )?(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?\s*(\D*)$")


@dataclass(frozen=True, order=True)
class Quarter:
    """One calendar quarter, written ``2024Q3``; its partition key is its first day, ``2024-07-01``."""

    year: int
    number: int

    def __post_init__(self) -> None:
        if self.number not in (1, 2, 3, 4) or not 1 <= self.year <= 9998:
            raise ValueError(f"no quarter {self.year}Q{self.number}: write it as 2024Q3")

    @classmethod
    def parse(cls, text: str) -> Quarter:
        """``2024Q3`` (also ``2024q3``) or its partition key ``2024-07-01``. ``ValueError`` on any other."""
        if found := re.fullmatch(r"(\d{4})[Qq]([1-4])", text.strip()):
            return cls(int(found.group(1)), int(found.group(2)))
        if found := re.fullmatch(r"(\d{4})-(01|04|07|10)-01", text.strip()):
            return cls(int(found.group(1)), (int(found.group(2)) + 2) // 3)
        raise ValueError(f"{text!r} is no quarter: write 2024Q3, or its first day 2024-07-01")

    @classmethod
    def holding(cls, day: date) -> Quarter:
        """The quarter a day lies in."""
        return cls(day.year, (day.month + 2) // 3)

    @property
    def start(self) -> date:
        """First day."""
        return date(self.year, 3 * self.number - 2, 1)

    @property
    def as_of(self) -> date:
        """Last day: the business date every stock of the quarter speaks for."""
        return last_day(self.year, 3 * self.number)

    @property
    def year_start(self) -> date:
        """First day of the year-to-date window."""
        return date(self.year, 1, 1)

    @property
    def partition_key(self) -> str:
        """Key of the quarter among the report partitions."""
        return self.start.isoformat()

    @property
    def next(self) -> Quarter:
        """The quarter after."""
        return Quarter.holding(self.as_of + timedelta(days=1))

    @property
    def previous(self) -> Quarter:
        """The quarter before."""
        return Quarter.holding(self.start - timedelta(days=1))

    def year_to_date(self) -> tuple[Quarter, ...]:
        """Quarters of the year up to and with this one."""
        return tuple(Quarter(self.year, n) for n in range(1, self.number + 1))

    def __str__(self) -> str:
        return f"{self.year}Q{self.number}"


def last_day(year: int, month: int) -> date:
    """Last day of a month."""
    return date(year, month, _calendar.monthrange(year, month)[1])


def dekad(year: int, month: int, word: str = "") -> tuple[date, date]:
    """First and last day of a 旬 word in a month; ``''`` is the month. ``ValueError`` on another word."""
    if word not in _DEKADS:
        raise ValueError(f"{word!r} is no part of a month: use one of {', '.join(w for w in _DEKADS if w)}")
    first, last = _DEKADS[word]
    end = last_day(year, month)
    return date(year, month, first), min(end, date(year, month, min(last, end.day)))


def date_range(text: str) -> tuple[date | None, date]:
    """Days a printed date word allows, both included; an open start is ``None``.

    Reads ``2024-09-10``, ``2024-08 中旬``, ``2024-11``, ``2024 年底`` and ``before 2024-10-01``.
    ``ValueError`` names any other text.
    """
    found = _DATE_WORD.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text!r} is no date word: write 2024-09-10, 2024-08 中旬, 2024-11 or 2024 年底")
    before, year, month, day, word = found.groups()
    if day is not None and not word:
        on = date(int(year), int(month), int(day))
        return (None, on - timedelta(days=1)) if before else (on, on)
    if month is None and word == "年底" and not before:
        return dekad(int(year), 12)
    if month is None or day is not None or before:
        raise ValueError(f"{text!r} is no date word: give a day, a month with a 旬 word, or 年底")
    return dekad(int(year), int(month), word)


def cut_off(day: date) -> datetime:
    """Instant (UTC) up to which a cut-off day knows: the end of that day in Shanghai, exclusive."""
    midnight = datetime.combine(day + timedelta(days=1), time(), SHANGHAI)
    return midnight.astimezone(UTC)


def naive_utc(instant: datetime) -> datetime:
    """An aware instant as the warehouse stores it: UTC without its zone."""
    return instant.astimezone(UTC).replace(tzinfo=None)


def cut_off_date(known_at: datetime) -> date:
    """Shanghai date of the last moment before ``known_at``; inverse of :func:`cut_off`.

    ``ValueError`` for a time without a zone: which day it is would be a guess.
    """
    if known_at.tzinfo is None:
        raise ValueError(f"{known_at.isoformat()} has no time zone: give UTC or an offset")
    return (known_at - timedelta(microseconds=1)).astimezone(SHANGHAI).date()
