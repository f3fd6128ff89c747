"""Ledger ``con_progress``: the weekly report of each section, as the project system's API shows it.

Belongs here: physical progress, output value and phase on each Monday from a section's start to a month
after its acceptance. Fields are camelCase of the catalogue's, ``outputValue`` (CNY) apart; ``updatedAt`` ISO
with +08:00, equal to the row's ``visible_from``. Progress follows the works of ``section_plan`` and reaches
100 on the day the section is complete (C03, R02, R35). A row never changes. Dirt: progress that goes down, with
and without a note (D25), a percent as text or as a share of one (D24), phases in words of an older release
(D21), a report date as an instant (D29), a report entered weeks late. Keep out: money certified or paid.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from demo.ledgers.finance_calendar import Period
from demo.ledgers.forms import iso_offset, midnight_z
from demo.ledgers.milestones import by_project
from demo.ledgers.section_plan import OPENING, TOLD_PCT, SectionPlan, rng_of, section_plans
from demo.timeline import Event, Row, Timeline
from demo.world import HISTORY_END, HISTORY_START, World

COLUMNS = ("sectionCode", "reportDate", "physicalPct", "outputValue", "phase", "note", "updatedAt")

PHASES = ("foundation", "basement", "structure", "fit_out", "finishing", "done")
"""Phases of a building in the order they come; roads and plants have no basement and no fit-out."""

SNAPSHOTS = {("CT-2022-004-S02", date(2024, 10, 7)): Decimal(92)}
"""Reports that are told: the bulletin says 90 of 30 September, and a week later it was more."""
WENT_DOWN = {
    ("CT-2022-007-S01", date(2024, 5, 20)): "监理复核后核减",
    ("CT-2023-005-S03", date(2024, 7, 15)): None,
}
"""Reports below the one before (D25), and the note that explains it."""
ENTERED_LATE = ("CT-2023-002-S02", date(2024, 9, 23), datetime(2024, 10, 16, 10, 21, 37))
"""A report of the quarter that reached the system after the bulletin."""

_BUILDINGS = ("industrial_park", "housing", "public")
_QUIET = (date(2024, 9, 16), date(2024, 10, 10))
"""No slips of the pen in the weeks the bulletin reads."""
_WORDS = {"foundation": "基础", "structure": "主体", "fit_out": "装修", "finishing": "收尾", "done": "完工"}
_AFTER_ACCEPTANCE = timedelta(days=28)
_MOST_OPEN = Decimal("99.5")


def build(world: World) -> Timeline:
    """The ledger's timeline: about 3,500 reports a year at scale 1."""
    rng, rows = world.rng("con_progress.sheet"), list[Event]()
    for plan in section_plans(world).values():
        rows += _reports(world, plan, rng)
    return Timeline("con_progress", COLUMNS, rows)


def _reports(world: World, plan: SectionPlan, rng: random.Random) -> Iterator[Event]:
    bend = (
        0.0
        if plan.section_code in TOLD_PCT
        else rng_of(world, plan.section_code, "progress").uniform(-1.8, 1.8)
    )
    phases, reached = _Phases(world, plan), Decimal(0)
    for day in _mondays(plan):
        told = SNAPSHOTS.get((plan.section_code, day))
        pct = max(told or _bent(percent(plan, day), bend), reached)
        lower = (plan.section_code, day) in WENT_DOWN
        shown = pct - Decimal("1.8") if lower else pct
        reached = pct
        note = WENT_DOWN[plan.section_code, day] if lower else _note(day, rng)
        yield _row(plan, day, shown, phases.on(day, pct), note, rng)


def percent(plan: SectionPlan, day: date) -> Decimal:
    """Physical progress on ``day`` in percent, between the ends of the months; 100 from completion on."""
    if plan.completed is not None and day >= plan.completed:
        return Decimal(100)
    earlier, later = (plan.start, Decimal(0)), (plan.start, Decimal(0))
    for point in _points(plan):
        earlier, later = later, point
        if point[0] >= day:
            break
    span = (later[0] - earlier[0]).days
    if span <= 0 or day >= later[0]:
        return min(later[1], _MOST_OPEN)
    return min(earlier[1] + (later[1] - earlier[1]) * (day - earlier[0]).days / span, _MOST_OPEN)


def _points(plan: SectionPlan) -> Iterator[tuple[date, Decimal]]:
    """Progress at the ends of the months, and on the day of completion."""
    period = OPENING if plan.start <= OPENING.last_day else Period(plan.start.year, plan.start.month)
    while period.last_day <= HISTORY_END:
        if plan.completed is not None and period.last_day >= plan.completed:
            yield plan.completed, Decimal(100)
            return
        yield period.last_day, Decimal(100 * plan.built_by(period)) / plan.final
        period = period.next()


def _bent(pct: Decimal, bend: float) -> Decimal:
    """The site's estimate: a little off the certificates in mid-course, never at either end."""
    share = pct / 100
    return (pct + Decimal(str(bend)) * 4 * share * (1 - share)).quantize(Decimal("0.1"))


def _mondays(plan: SectionPlan) -> Iterator[date]:
    day, last = max(plan.start, HISTORY_START), HISTORY_END
    if plan.completed is not None:
        last = min((plan.accepted or plan.completed) + _AFTER_ACCEPTANCE, HISTORY_END)
    if plan.life.project.role == "finished_before":
        last = min(last, date(2023, 12, 31))
    day += timedelta(days=-day.weekday() % 7)
    while day <= last:
        yield day
        day += timedelta(days=7)


class _Phases:
    """The phase of a section: by the project's milestones where it builds, else by its progress."""

    def __init__(self, world: World, plan: SectionPlan) -> None:
        self.builds = plan.life.project.project_type in _BUILDINGS
        self.ends: dict[str, date] = {}
        for revision in by_project(world).get(plan.life.project.project_code, []):
            day = revision.date_met or (revision.due[1] if revision.due else None)
            if revision.section_code == "" and day is not None:
                self.ends[revision.milestone_code] = day

    def on(self, day: date, pct: Decimal) -> str:
        if pct == 100:
            return "done"
        if pct >= (90 if self.builds else 85):
            return "finishing"
        if not self.builds:
            return "foundation" if pct < 20 else "structure"
        if pct < 12:
            return "foundation"
        if day < self.ends.get("basement_structure_done", HISTORY_START):
            return "basement"
        return "structure" if day < self.ends.get("topping_out", HISTORY_START) else "fit_out"


def _note(day: date, rng: random.Random) -> str | None:
    luck = rng.random()
    if day.month == 2 and day.day < 22 and luck < 0.3:
        return "春节期间放缓"
    if day.month == 6 and luck < 0.08:
        return "梅雨影响室外作业"
    return "材料进场、按计划推进" if luck > 0.99 else None


def _row(
    plan: SectionPlan, day: date, pct: Decimal, phase: str, note: str | None, rng: random.Random
) -> Event:
    code, luck = plan.section_code, rng.random()
    entered = datetime.combine(day, time(15)) + timedelta(seconds=rng.randint(0, 12_600))
    if (code, day) == ENTERED_LATE[:2]:
        entered = ENTERED_LATE[2]
    row: Row = {
        "sectionCode": code,
        "reportDate": day.isoformat(),
        "physicalPct": pct,
        "outputValue": int(plan.final * pct / 1_000_000) * 100,
        "phase": phase,
        "note": note,
        "updatedAt": iso_offset(entered),
    }
    if not _QUIET[0] <= day <= _QUIET[1]:
        row |= _slip(day, pct, phase, luck)
    return entered, False, row


def _slip(day: date, pct: Decimal, phase: str, luck: float) -> Row:
    """One row in forty is written another way; a share of one is what a reader could not put right."""
    if luck < 0.008:
        return {"physicalPct": f"{pct}%"}
    if luck < 0.012 and pct > 20:
        return {"physicalPct": pct / 100}
    if luck < 0.020:
        return {"phase": _WORDS.get(phase, phase.title())}
    return {"reportDate": midnight_z(day)} if luck < 0.025 else {}
