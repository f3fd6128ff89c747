"""When the books are open: fiscal periods, closing days and the books that were opened again.

Belongs here: pure functions of a book and a period. Keep out: the rows of fin_period
(``finance_master``) and what is posted when (``finance_books``, ``finance_planted``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from demo.workdays import month_end, next_month, workdays_between

YEARS = (2023, 2024)
ADJUSTMENT = 13
"""Number of the adjustment period of a year: audit entries, dated 31 December, made in March."""


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A fiscal period; number 1..12, or 13 for the adjustments of the year."""

    year: int
    number: int

    @property
    def first_day(self) -> date:
        """First day; 31 December for the adjustment period."""
        return date(self.year, 12, 31) if self.number == ADJUSTMENT else date(self.year, self.number, 1)

    @property
    def last_day(self) -> date:
        """Last day."""
        return month_end(self.first_day)

    @property
    def text(self) -> str:
        """Two digits, as the ledger writes a period."""
        return f"{self.number:02d}"

    def next(self) -> Period:
        """The following month; of December, January."""
        return Period(self.year + 1, 1) if self.number >= 12 else Period(self.year, self.number + 1)


@dataclass(frozen=True, slots=True)
class Reopening:
    """A closed book that was opened again, and closed a second time."""

    org_code: str
    period: Period
    reopened_at: datetime
    closed_at: datetime


REOPENINGS = (
    Reopening("YWCT-08", Period(2023, 6), datetime(2023, 7, 20, 9, 5, 12), datetime(2023, 7, 21, 16, 48, 3)),
    Reopening("YWCT-03", Period(2024, 9), datetime(2024, 11, 4, 9, 12, 40), datetime(2024, 11, 6, 17, 45, 8)),
)
"""The second is why the third quarter of 2024 is restated after its bulletin."""


def months() -> list[Period]:
    """The 24 months of both years, oldest first."""
    return [Period(year, number) for year in YEARS for number in range(1, 13)]


@lru_cache(maxsize=64)
def workdays(period: Period) -> tuple[date, ...]:
    """Working days inside a month; in March after the year for the adjustment period."""
    if period.number == ADJUSTMENT:
        return tuple(workdays_between(date(period.year + 1, 3, 11), date(period.year + 1, 3, 28)))
    return tuple(workdays_between(period.first_day, period.last_day))


@lru_cache(maxsize=512)
def closing_day(org_code: str, period: Period) -> date:
    """Day the book closes: one of the last three working days up to the 8th of the next month.

    After National Day 2024 only 8 October is left. The adjustments of a year close on 29 March.
    """
    if period.number == ADJUSTMENT:
        return date(period.year + 1, 3, 29)
    start = next_month(period.first_day)
    candidates = workdays_between(start, start.replace(day=8))[-3:]
    return candidates[int(org_code[-2:]) % len(candidates)]


def closed_at(org_code: str, period: Period) -> datetime:
    """First close of the period in that book, between 16:40 and 17:20 of its closing day."""
    late = timedelta(minutes=40 + 3 * int(org_code[-2:]), seconds=(period.number * 7) % 60)
    return datetime.combine(closing_day(org_code, period), time(16)) + late


def opened_at(org_code: str, period: Period) -> datetime:
    """Moment the period was opened for entries; the adjustment period opens in the new year."""
    day = date(period.year + 1, 1, 8) if period.number == ADJUSTMENT else period.first_day
    return datetime.combine(day, time(0, 5)) + timedelta(seconds=int(org_code[-2:]))
