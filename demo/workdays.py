"""The Chinese working calendar of 2023 and 2024, and the days on which monthly workbooks are delivered.

Belongs here: pure functions of a date; holidays and make-up weekends stand in ``seeds/holidays.csv``.
Keep out: the days a particular ledger picks.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

from demo.seed_files import seed_rows


@lru_cache(maxsize=1)
def _special_days() -> dict[date, bool]:
    """Statutory holidays (False) and make-up working weekends (True) of 2023 and 2024."""
    days: dict[date, bool] = {}
    for row in seed_rows("holidays"):
        first, last = (date.fromisoformat(row["first_day"]), date.fromisoformat(row["last_day"]))
        for day in days_between(first, last):
            days[day] = row["kind"] == "on"
    return days


def days_between(first: date, last: date) -> list[date]:
    """All days from ``first`` to ``last``, both included; empty when ``last`` comes first."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def is_workday(day: date) -> bool:
    """Whether ``day`` is worked in China: no weekend, no holiday, make-up weekends included."""
    return _special_days().get(day, day.weekday() < 5)


def workdays_between(first: date, last: date) -> list[date]:
    """Working days from ``first`` to ``last``, both included."""
    return [day for day in days_between(first, last) if is_workday(day)]


def next_workday(day: date) -> date:
    """``day`` itself when worked, else the first working day after it."""
    while not is_workday(day):
        day += timedelta(days=1)
    return day


def previous_workday(day: date) -> date:
    """``day`` itself when worked, else the last working day before it."""
    while not is_workday(day):
        day -= timedelta(days=1)
    return day


def month_end(day: date) -> date:
    """Last day of the month of ``day``."""
    return next_month(day) - timedelta(days=1)


def next_month(day: date) -> date:
    """First day of the month after that of ``day``."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def months_between(first: date, last: date) -> list[date]:
    """First days of the months from that of ``first`` to that of ``last``, both included."""
    months, month = [], first.replace(day=1)
    while month <= last:
        months.append(month)
        month = next_month(month)
    return months


def workbook_day(month: date) -> date:
    """Delivery day of a monthly workbook: the last working day up to the 5th of the next month.

    When holidays leave none (October), the first working day after: September 2024 comes on 10-08.
    """
    start = next_month(month)
    due = previous_workday(start.replace(day=5))
    return due if due >= start else next_workday(start)
