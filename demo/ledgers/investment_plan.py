"""What each project truly invested in each month, before anybody writes it into a workbook.

Belongs here: amounts in whole units of 100 CNY (the sheets' 0.01 万元), so that sums are exact. The year
to September adds up to :data:`YTD_UNITS` over the projects that count; how much of it falls on which
project follows the levels of ``seeds/project_lives.csv``. Keep out: files, revisions, dirt.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

from demo.ledgers.forms import split_units
from demo.ledgers.project_lives import Life, lives
from demo.world import World, month_end, months_between

UNIT_CNY = 100
YTD_UNITS = 53_962_384
"""Effective investment of January to September 2024: 5,396,238,400 CNY, in units of 100 CNY."""

Months = dict[date, dict[str, int]]
"""First day of the month to component to units; a month without investment is an empty dict."""

_SHARES: dict[str, dict[str, float]] = {
    "industrial_park": {
        "construction": 0.53, "installation": 0.07, "equipment": 0.19, "land": 0.06, "other_fee": 0.15,
    },
    "housing": {"construction": 0.62, "installation": 0.09, "land": 0.13, "other_fee": 0.16},
    "municipal": {"construction": 0.70, "installation": 0.09, "land": 0.06, "other_fee": 0.15},
    "water": {"construction": 0.45, "installation": 0.12, "equipment": 0.29, "other_fee": 0.14},
    "public": {
        "construction": 0.53, "installation": 0.10, "equipment": 0.16, "land": 0.05, "other_fee": 0.16,
    },
}  # fmt: skip
"""Shares of the components by project type, close to published shares of 57, 8, 15 and 20 %."""

# January is exempt from reporting: February carries both months.
_SEGMENTS = (
    (date(2023, 2, 1), date(2023, 12, 1), 0),
    (date(2024, 2, 1), date(2024, 9, 1), 1),
    (date(2024, 10, 1), date(2024, 12, 1), 2),
)
_NIL_MONTHS = {
    "CT-2023-009": (date(2024, 2, 1), date(2024, 11, 1)),
    "CT-2023-006": (date(2024, 2, 1),),
    "CT-2024-005": (date(2024, 7, 1),),
    "CT-2021-005": tuple(months_between(date(2024, 6, 1), date(2024, 12, 1))),
    "CT-2022-011": (date(2023, 2, 1),),
}
"""Months in which a running project had nothing to report (零报告)."""


def shares_of(life: Life) -> dict[str, float]:
    """Components this kind of project reports, with their share of its investment."""
    return _SHARES[life.project.project_type]


def opening_units(life: Life) -> dict[str, int]:
    """Investment by component before 2023."""
    assert life.invested_pct is not None
    total = _units(life, life.invested_pct[0])
    if total == 0:
        return dict.fromkeys(shares_of(life), 0)
    shares = shares_of(life)
    return dict(zip(shares, split_units(total, list(shares.values())), strict=True))


def true_months(world: World) -> dict[str, Months]:
    """Project code to its months, for every project with investment in 2023 or 2024."""
    rng = world.rng("con_invest_month.plan")
    invested = [life for life in lives(world).values() if life.invested_pct]
    found: dict[str, Months] = {life.project.project_code: {} for life in invested}
    for first, last, number in _SEGMENTS:
        totals = {life.project.project_code: _segment_units(life, number) for life in invested}
        if number == 1:
            totals |= _made_exact([life for life in invested if life.project.counts_in_investment], totals)
        for life in invested:
            code = life.project.project_code
            found[code] |= _split(life, totals[code], running_months(life, first, last), rng)
    return found


def running_months(life: Life, first: date, last: date) -> list[date]:
    """Months of the range in which the project reports: from commencement to two months after acceptance."""
    if life.commenced is None:
        return []
    begun = life.commenced if life.commenced.day <= 20 else life.commenced + timedelta(days=15)
    months = [month for month in months_between(first, last) if month >= begun.replace(day=1)]
    if life.accepted is None:
        return months
    end = _two_months_after(life.accepted)
    return [month for month in months if month_end(month) <= end]


def _two_months_after(day: date) -> date:
    month = (day.replace(day=1) + timedelta(days=64)).replace(day=1)
    return min(month.replace(day=min(day.day, 28)), month_end(month))


def _units(life: Life, pct: float) -> int:
    share = Decimal(str(pct)) / 100
    return int(life.project.planned_total_cny * share / UNIT_CNY)


def _segment_units(life: Life, number: int) -> int:
    assert life.invested_pct is not None
    return _units(life, life.invested_pct[number + 1]) - _units(life, life.invested_pct[number])


def _made_exact(counted: Iterable[Life], totals: dict[str, int]) -> dict[str, int]:
    codes = [life.project.project_code for life in counted]
    return dict(zip(codes, split_units(YTD_UNITS, [totals[code] for code in codes]), strict=True))


def _split(life: Life, total: int, months: list[date], rng: random.Random) -> Months:
    nil = _NIL_MONTHS.get(life.project.project_code, ())
    active = [month for month in months if month not in nil]
    found: Months = {month: {} for month in months}
    if total <= 0 or not active:
        return found
    weights = [rng.uniform(0.6, 1.4) * (1.4 if month.month == 2 else 1.0) for month in active]
    for month, units in zip(active, split_units(total, weights), strict=True):
        found[month] = _components(life, units, rng)
    return found


def _components(life: Life, units: int, rng: random.Random) -> dict[str, int]:
    weights = {name: share * rng.uniform(0.75, 1.25) for name, share in shares_of(life).items()}
    # Land is paid in lumps: nothing in most months.
    if "land" in weights:
        weights["land"] *= 2.8 if rng.random() < 0.35 else 0.0
    return dict(zip(weights, split_units(units, list(weights.values())), strict=True))
