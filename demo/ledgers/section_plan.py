"""What is built in each construction section, month by month, and what its contract is therefore worth.

Belongs here: dates of the sections (from their milestones), the share of a project's works that falls
on each of them, and contract amounts that fit. The works of a project are construction and
installation of ``investment_plan``, less the concrete its owner buys inside the group: statistics, books
and certificates rest on the same fen (C03-C05, R01-R05). Keep out: rows, contractors, payments.

January is exempt from the statistics and inside February: here it has its own month. What the
statistics show after the last section is complete, within the same stretch of the plan, was built before.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from demo.ledgers.concrete_sales import settlements
from demo.ledgers.finance_calendar import Period
from demo.ledgers.forms import split_units
from demo.ledgers.investment_plan import UNIT_CNY, opening_units, true_months
from demo.ledgers.milestones import by_project
from demo.ledgers.project_lives import Life, lives
from demo.world import AS_OF, HISTORY_END, World, month_end

BUILT = ("construction", "installation")
OPENING, AT_AS_OF = Period(2022, 12), Period(AS_OF.year, AS_OF.month)
TOLD_PCT = {"CT-2022-004-S02": 90}
"""Progress at the end of September 2024 that the bulletin names, in percent."""

_VAT_PCT = 9
_JANUARY_PCT = 46
_ROUND = 1_000_000
"""Contract amounts are whole 10,000 CNY."""
_SEGMENT_ENDS = (Period(2023, 12), AT_AS_OF, Period(2024, 12))
_BEFORE_PCT = 93
"""Contracts of projects finished before 2023: share of the works in the planned total that was let."""


@dataclass(frozen=True)
class SectionPlan:
    """One construction section. ``months`` holds fen including VAT; ``final`` is the contract as amended.

    ``start`` is the day work begins; ``completed`` and ``accepted`` are None where that lies after the
    generated history. ``opening`` is what was built before 2023.
    """

    section_code: str
    life: Life
    start: date
    completed: date | None
    accepted: date | None
    planned_end: date
    opening: int
    months: Mapping[Period, int] = field(hash=False)
    final: int

    def built_by(self, period: Period) -> int:
        """Fen built from the beginning to the end of ``period``."""
        return self.opening + sum(fen for month, fen in self.months.items() if month <= period)


@dataclass(frozen=True)
class _Dates:
    code: str
    start: date
    completed: date | None
    accepted: date | None
    planned_end: date


@lru_cache(maxsize=2)
def section_plans(world: World) -> dict[str, SectionPlan]:
    """Section code to plan, for every construction section of a project that is not deleted."""
    works, found = _works(world), dict[str, SectionPlan]()
    for code, life in lives(world).items():
        dates = _dates(world, life)
        if dates:
            for plan in _of_project(world, life, dates, works.get(code, {})):
                found[plan.section_code] = plan
    return found


def _dates(world: World, life: Life) -> list[_Dates]:
    """Dates of the project's sections as their milestones end up at the close of the history."""
    latest: dict[tuple[str, str], tuple[date | None, date | None]] = {}
    for revision in by_project(world).get(life.project.project_code, []):
        due = revision.due[1] if revision.due else None
        latest[revision.section_code, revision.milestone_code] = (revision.date_met, due)
    found = []
    for code in life.project.sections:
        if (code, "commencement") not in latest or life.commenced is None:
            continue
        begun, due = latest[code, "commencement"]
        completed, planned = latest.get((code, "completion"), (None, None))
        accepted, _ = latest.get((code, "completion_acceptance"), (None, None))
        end = planned or completed or life.accepted or HISTORY_END
        found.append(_Dates(code, begun or due or life.commenced, completed, accepted, end))
    return found


# --- what is built in a project ----------------------------------------------------------------------


def bought_inside(world: World) -> dict[tuple[str, Period], int]:
    """Fen without VAT of concrete that owners in the group buy for their projects, as it is invoiced."""
    found: dict[tuple[str, Period], int] = defaultdict(int)
    for settlement in settlements(world):
        contract, period = settlement.contract, settlement.period
        if contract.group_org is None or contract.project_code is None:
            continue
        found[contract.project_code, period] += sum(sale.amount for sale in settlement.settled.values())
        # What is delivered after the settlement day is invoiced with the next month.
        later = sum(sale.amount for sale in settlement.unbilled.values())
        found[contract.project_code, period.next()] += later
    return found


@lru_cache(maxsize=2)
def _works(world: World) -> dict[str, dict[Period, int]]:
    """Project to fen including VAT that its contractors build in each month of 2023 and 2024."""
    owing, found = bought_inside(world), dict[str, dict[Period, int]]()
    for code, by_month in true_months(world).items():
        begun = lives(world)[code].commenced
        gross: dict[Period, int] = defaultdict(int)
        for month, components in sorted(by_month.items()):
            amount = sum(components.get(name, 0) for name in BUILT) * UNIT_CNY * 100
            january = Period(month.year, 1)
            if month.month == 2 and begun is not None and begun <= january.first_day:
                gross[january] += amount * _JANUARY_PCT // 100
                amount -= amount * _JANUARY_PCT // 100
            gross[Period(month.year, month.month)] += amount
        found[code] = _less(gross, {p: net for (c, p), net in owing.items() if c == code})
    return found


def _less(gross: Mapping[Period, int], bought: Mapping[Period, int]) -> dict[Period, int]:
    """Contractors' part: what the owner bought goes off, in a later month where one is too small."""
    rest, found = 0, dict[Period, int]()
    for period in sorted({*gross, *bought}):
        rest += bought.get(period, 0) * (100 + _VAT_PCT) // 100
        taken = min(rest, gross.get(period, 0))
        rest -= taken
        if gross.get(period, 0) > taken:
            found[period] = gross[period] - taken
    return found


# --- shared out to the sections ----------------------------------------------------------------------


def _of_project(
    world: World, life: Life, dates: list[_Dates], works: Mapping[Period, int]
) -> list[SectionPlan]:
    rngs = [world.rng(f"con_section.plan:{d.code}") for d in dates]
    weights = [rng.uniform(0.75, 1.25) for rng in rngs]
    opening = _opening(life, dates, weights)
    months: list[dict[Period, int]] = [{} for _ in dates]
    for period, amount in _before_completion(dates, works).items():
        jitter = [w * rng.uniform(0.8, 1.2) for w, rng in zip(weights, rngs, strict=True)]
        for number, part in _shares(dates, period, amount, jitter):
            months[number][period] = part
    built = [o + sum(m.values()) for o, m in zip(opening, months, strict=True)]
    finals = _finals(world, life, dates, opening, months, built)
    return [
        SectionPlan(d.code, life, d.start, d.completed, d.accepted, d.planned_end, opening[n], months[n], final)
        for n, (d, final) in enumerate(zip(dates, finals, strict=True))
    ]  # fmt: skip


def _opening(life: Life, dates: list[_Dates], weights: list[float]) -> list[int]:
    """What was built before 2023, by the months each section had been under way."""
    if life.invested_pct is None:
        total = int(life.project.planned_total_cny) * 100 * _BEFORE_PCT // 100 * 7 // 10
        return split_units(total, weights)
    units = opening_units(life)
    total = sum(units.get(name, 0) for name in BUILT) * UNIT_CNY * 100
    end = OPENING.last_day
    days = [max((min(d.completed or end, end) - d.start).days, 0) for d in dates]
    if not total or not any(days):
        return [0 for _ in dates]
    return split_units(total, [w * n for w, n in zip(weights, days, strict=True)])


def _before_completion(dates: list[_Dates], works: Mapping[Period, int]) -> dict[Period, int]:
    """Works by month; within a stretch of the plan, what follows the last completion is moved before it."""
    ends = [d.completed for d in dates]
    if any(end is None for end in ends):
        return dict(works)
    last = max(end for end in ends if end is not None)
    done, found, first = Period(last.year, last.month), dict(works), Period(2023, 1)
    for end in _SEGMENT_ENDS:
        inside = [p for p in sorted(works) if first <= p <= end]
        before = [p for p in inside if p <= done]
        if before and before != inside:
            total = sum(works[p] for p in inside)
            found = {p: v for p, v in found.items() if p not in inside}
            found |= dict(zip(before, split_units(total, [float(works[p]) for p in before]), strict=True))
        first = end.next()
    return found


def _shares(dates: list[_Dates], period: Period, amount: int, weights: list[float]) -> list[tuple[int, int]]:
    """Parts of a month by number of the section: those under way, else those begun, else the last one."""
    first, last = period.first_day, month_end(period.first_day)
    begun = [n for n, d in enumerate(dates) if d.start <= last] or [0]
    active = [n for n in begun if (done := dates[n].completed) is None or done >= first]
    if not active:
        active = [max(begun, key=lambda n: dates[n].completed or HISTORY_END)]
    worked = [weights[n] * max((min(dates[n].completed or last, last) - max(dates[n].start, first)).days, 2)
              for n in active]  # fmt: skip
    parts = split_units(amount, worked)
    return [(n, part) for n, part in zip(active, parts, strict=True) if part]


def _rounded_up(amount: int) -> int:
    return -(-amount // _ROUND) * _ROUND


def _finals(
    world: World,
    life: Life,
    dates: list[_Dates],
    opening: list[int],
    months: list[dict[Period, int]],
    built: list[int],
) -> list[int]:
    """Contract amounts as amended: what was built where a section is complete, else by the project's level."""
    finals = [_rounded_up(total) if d.completed else 0 for d, total in zip(dates, built, strict=True)]
    going = [n for n, d in enumerate(dates) if not d.completed]
    by_as_of = [
        o + sum(fen for p, fen in m.items() if p <= AT_AS_OF) for o, m in zip(opening, months, strict=True)
    ]
    if not going:
        return _told(dates, finals, by_as_of)
    levels = life.invested_pct or (0.0, 0.0, 100.0, 100.0)
    reached, pct = (by_as_of, levels[2]) if sum(by_as_of) else (built, levels[3])
    whole = int(sum(reached) / (pct / 100))
    rest = max(whole - sum(finals), 0)
    jitter = [reached[n] * world.rng(f"con_section.final:{dates[n].code}").uniform(0.94, 1.06) for n in going]
    shares = split_units(rest, jitter) if sum(jitter) else [rest // len(going)] * len(going)
    for n, share in zip(going, shares, strict=True):
        finals[n] = _rounded_up(max(share, built[n] * 100 // 97))
    return _told(dates, finals, by_as_of)


def _told(dates: list[_Dates], finals: list[int], by_as_of: list[int]) -> list[int]:
    """Contracts of the sections whose progress the bulletin names: exactly so far at the end of September."""
    return [
        round(by_as_of[n] * 100 / TOLD_PCT[d.code] / _ROUND) * _ROUND if d.code in TOLD_PCT else final
        for n, (d, final) in enumerate(zip(dates, finals, strict=True))
    ]


def rng_of(world: World, section_code: str, purpose: str) -> random.Random:
    """The section's own random stream for a purpose: one section never shifts another."""
    return world.rng(f"con_section.{purpose}:{section_code}")
