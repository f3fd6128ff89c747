"""Ledger ``con_milestone``: every revision of every milestone, as the project system's API shows it.

Belongs here: revisions told in ``seeds/milestones.yaml`` and those made from a project's life. Fields are
camelCase; dates ``YYYY-MM-DD``; ``recordedAt`` ISO with +08:00, equal to the row's ``visible_from``.
``sectionCode`` is ``""`` for the whole project. Revisions only ever append. Dirt: a few section and
approval rows say ``Met`` or ``已完成`` for ``met`` (D21). Keep out: the project's own status (``projects``).
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

from demo.ledgers.forms import iso_offset, soon_after
from demo.ledgers.project_lives import Life, NamedRevision, lives, named_milestones
from demo.timeline import Event, Timeline
from demo.world import HISTORY_END, World, month_end, next_workday

COLUMNS = (
    "projectCode", "sectionCode", "milestoneCode", "revision", "dueFrom", "dueTo", "dateMet", "status",
    "defectCount", "recordedAt",
)  # fmt: skip

LADDER = (
    "approval", "commencement", "basement_structure_done", "topping_out", "completion",
    "completion_acceptance", "handover", "park_opening",
)  # fmt: skip
"""Milestone codes in the order they happen."""

_LAST_MET = date(2024, 12, 20)
"""Later days are recorded after the generated history ends."""

_MEANT_TO_BEGIN = {"not_started": date(2025, 3, 18), "cancelled": date(2024, 1, 16)}
"""Plan of a project that has not begun, where nothing is told of it."""


@dataclass(frozen=True)
class Revision:
    """One revision; ``due`` is (first, last day), ``recorded_at`` local time."""

    project_code: str
    section_code: str
    milestone_code: str
    revision: int
    due: tuple[date, date] | None
    date_met: date | None
    status: str
    defects: int | None
    recorded_at: datetime


@lru_cache(maxsize=2)
def revisions(world: World) -> tuple[Revision, ...]:
    """All revisions of all projects, by project, section and milestone."""
    rng = world.rng("con_milestone")
    found: list[Revision] = []
    for life in lives(world).values():
        found += _of_project(life, rng)
        for section in life.project.sections:
            found += _of_section(life, section, rng)
    return tuple(found)


@lru_cache(maxsize=2)
def by_project(world: World) -> dict[str, list[Revision]]:
    """All revisions, keyed by project code."""
    found: dict[str, list[Revision]] = {}
    for revision in revisions(world):
        found.setdefault(revision.project_code, []).append(revision)
    return found


def met(world: World, project_code: str, milestone_code: str) -> Revision | None:
    """The revision that records the milestone of the whole project as met, if there is one."""
    for revision in by_project(world)[project_code]:
        if (revision.section_code, revision.milestone_code) == ("", milestone_code) and revision.date_met:
            return revision
    return None


def build(world: World) -> Timeline:
    """The ledger's timeline, about 1,300 revisions at scale 1."""
    rng = world.rng("con_milestone.dirt")
    rows: list[Event] = [(r.recorded_at, False, _shown(r, rng)) for r in revisions(world)]
    return Timeline("con_milestone", COLUMNS, rows)


def _shown(revision: Revision, rng: random.Random) -> dict[str, object]:
    status = revision.status
    beside_figures = revision.section_code != "" or revision.milestone_code == "approval"
    if status == "met" and beside_figures and rng.random() < 0.012:
        status = rng.choice(["Met", "已完成"])
    due_from, due_to = revision.due or (None, None)
    return {
        "projectCode": revision.project_code,
        "sectionCode": revision.section_code,
        "milestoneCode": revision.milestone_code,
        "revision": revision.revision,
        "dueFrom": due_from.isoformat() if due_from else None,
        "dueTo": due_to.isoformat() if due_to else None,
        "dateMet": revision.date_met.isoformat() if revision.date_met else None,
        "status": status,
        "defectCount": revision.defects,
        "recordedAt": iso_offset(revision.recorded_at),
    }


# --- dates of a project ------------------------------------------------------------------------------


def plan_of(life: Life, rng: random.Random) -> dict[str, date]:
    """Milestone code to the day it happens (or would); only the milestones this kind of project has."""
    kind, begun = life.project.project_type, life.commenced or _MEANT_TO_BEGIN[life.project.role]
    plan = {"approval": begun - timedelta(days=rng.randint(70, 150)), "commencement": begun}
    if life.accepted is None:
        return plan
    span = (life.accepted - begun).days
    if kind in ("industrial_park", "housing", "public"):
        plan["basement_structure_done"] = begun + timedelta(days=round(span * rng.uniform(0.24, 0.3)))
        plan["topping_out"] = begun + timedelta(days=round(span * rng.uniform(0.55, 0.63)))
    plan["completion"] = life.accepted - timedelta(days=rng.randint(12, 26))
    plan["completion_acceptance"] = life.accepted
    if kind == "housing":
        plan["handover"] = life.accepted + timedelta(days=rng.randint(24, 45))
    if life.project.park_code and life.project.role != "finished_before":
        plan["park_opening"] = life.accepted + timedelta(days=rng.randint(10, 40))
    return plan


def _of_project(life: Life, rng: random.Random) -> list[Revision]:
    code, told = (life.project.project_code, named_milestones().get(life.project.project_code, {}))
    plan, found = plan_of(life, rng), list[Revision]()
    # A project entered twice by mistake was deleted a fortnight later: nobody planned on with it.
    kept = ("commencement",) if life.project.role == "deleted" else LADDER
    for milestone in kept:
        if milestone in told:
            found += _told(code, "", milestone, told[milestone])
        elif milestone in plan:
            found += _made(code, "", milestone, plan[milestone], plan["approval"], rng)
    return found


def _of_section(life: Life, section: str, rng: random.Random) -> list[Revision]:
    project, begun = life.project, life.commenced
    if begun is None or life.accepted is None or project.role == "deleted":
        return []
    told, number = named_milestones().get(project.project_code, {}), int(section[-2:])
    done = plan_of(life, rng)["completion"]
    for revision in told.get("completion", []):
        done = revision.get("met", done)
    start = begun + timedelta(days=30 * (number - 1))
    span, share = ((done - start).days, 1.0 if number == len(project.sections) else rng.uniform(0.72, 0.95))
    completed = start + timedelta(days=max(5, round(span * share)))
    plan = {
        "commencement": start,
        "completion": completed,
        "completion_acceptance": min(completed + timedelta(days=rng.randint(8, 20)), life.accepted),
    }
    found: list[Revision] = []
    for milestone, day in plan.items():
        name = f"{section[-3:]} {milestone}"
        if name in told:
            found += _told(project.project_code, section, milestone, told[name])
        else:
            known = begun - timedelta(days=20)
            found += _made(project.project_code, section, milestone, day, known, rng)
    return found


# --- revisions ---------------------------------------------------------------------------------------


def _told(code: str, section: str, milestone: str, named: list[NamedRevision]) -> list[Revision]:
    due: tuple[date, date] | None = None
    found: list[Revision] = []
    for number, revision in enumerate(named, start=1):
        if "due" in revision:
            due = (revision["due"][0], revision["due"][1])
        happened: date | None = revision.get("met")
        status = "met" if happened else revision.get("status", "scheduled")
        found.append(
            Revision(
                code, section, milestone, number, due, happened, status, revision.get("defects"),
                revision["recorded"],
            )
        )  # fmt: skip
    return found


def _made(
    code: str, section: str, milestone: str, day: date, known: date, rng: random.Random
) -> list[Revision]:
    """Forecasts that close in on ``day`` from the first plan on, then the fact when it falls in time."""
    found: list[Revision] = []

    def add(due: tuple[date, date], met_on: date | None, status: str, recorded: datetime) -> None:
        defects = rng.choice([0, 0, 0, 1, 2]) if met_on and milestone == "completion_acceptance" else None
        number = len(found) + 1
        found.append(Revision(code, section, milestone, number, due, met_on, status, defects, recorded))

    few = milestone in ("approval", "commencement")
    forecasts = 1 if few else rng.randint(1, 4) if section else rng.randint(3, 7)
    lead = max((day - known).days, 20)
    slip = rng.uniform(0.02, 0.06) * lead
    due = _due_range(day, rng)
    for n in range(forecasts):
        recorded = soon_after(day - timedelta(days=lead - round(lead * 0.85 * n / forecasts)), rng)
        if recorded.date() > HISTORY_END or (found and recorded <= found[-1].recorded_at):
            break
        due = _due_range(day - timedelta(days=round(slip * (forecasts - n - 1))), rng)
        add(due, None, "scheduled", recorded)
    if day > _LAST_MET or not found:
        return found
    partly = soon_after(day - timedelta(days=15), rng)
    structure = milestone in ("basement_structure_done", "topping_out")
    if structure and rng.random() < 0.25 and partly > found[-1].recorded_at:
        add(due, None, "partiallyMet", partly)
    add(due, day, "met", soon_after(max(day, found[-1].recorded_at.date()), rng))
    return found


def _due_range(day: date, rng: random.Random) -> tuple[date, date]:
    """The plan's words about ``day``: a month, a dekad of it, or the next working day itself."""
    style = rng.choice(("month", "month", "dekad", "dekad", "day"))
    first = day.replace(day=1)
    if style == "month":
        return first, month_end(day)
    if style == "day":
        exact = next_workday(day)
        return exact, exact
    if day.day <= 10:
        return first, day.replace(day=10)
    return (
        (day.replace(day=11), day.replace(day=20)) if day.day <= 20 else (day.replace(day=21), month_end(day))
    )
