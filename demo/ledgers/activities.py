"""Ledger ``park_activity``: events, safety work and visits in the parks, as the platform's API shows them.

Belongs here: each activity and its edits, which people make within 30 days. Field names are the
catalogue's; ``activity_date`` is an instant in Z of the local midnight, ``updated_at`` epoch milliseconds
equal to the row's ``visible_from`` (D29). Counts and exact sums stand in ``seeds/activities.yaml`` (C20):
14 events with 354 company and 1,327 person visits, 41 + 36 + 48 safety activities with 7,860 persons.
After 2024-10-10 one safety publicity of September is entered late and one training of September corrected.
Keep out: who attended, and visits kept by the investment promotion company.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from demo.ledgers.forms import epoch_ms, midnight_z, office_time, padded, some_workday, soon_after, spread
from demo.ledgers.names import CompanyNames, parts
from demo.seed_files import seed_tree
from demo.timeline import Event, Row, Timeline
from demo.world import AS_OF, UP_DAY, World

COLUMNS = (
    "activity_no", "source_system", "activity_type", "title", "activity_date", "park_code", "company_name",
    "company_visits", "person_visits", "org_code", "updated_at",
)  # fmt: skip

SAFETY = ("safety_training", "emergency_drill", "safety_publicity")
_SPANS = (
    (date(2023, 1, 4), date(2023, 12, 28)),
    (date(2024, 1, 3), date(2024, 9, 27)),
    (date(2024, 10, 14), date(2024, 12, 24)),
)
_CORRECTED_AT = datetime(2024, 10, 17, 15, 26, 8)
"""A training of September is found to have had fewer people."""


@dataclass
class _Activity:
    kind: str
    day: date
    park_code: str | None
    title: str
    companies: int | None
    persons: int
    company: str | None = None
    entered: datetime | None = None
    in_figures: bool = False


def build(world: World) -> Timeline:
    """The ledger's timeline: about 220 activities a year at scale 1."""
    rng, names = world.rng("park_activity"), CompanyNames(world.rng("park_activity.names"))
    told: dict[str, Any] = seed_tree("activities")
    drawn = list(_drawn(world, rng, names, told))
    _fix_sums(drawn, told, rng)
    drawn.sort(key=lambda activity: (activity.day, activity.kind))
    trainings = [a for a in drawn if a.kind == "safety_training" and a.in_figures and a.day <= AS_OF]
    rows, numbers = list[Event](), dict[int, int]()
    for activity in drawn:
        year = activity.day.year
        numbers[year] = numbers.get(year, 0) + 1
        states = _states(world, f"HD{year}{numbers[year]:05d}", activity, rng)
        if activity is trainings[-1]:
            fewer = states[-1][2] | {"person_visits": activity.persons - 17}
            states.append((_CORRECTED_AT, False, fewer | {"updated_at": epoch_ms(_CORRECTED_AT)}))
        rows += states
    return Timeline("park_activity", COLUMNS, rows)


def _drawn(
    world: World, rng: random.Random, names: CompanyNames, told: dict[str, Any]
) -> Iterator[_Activity]:
    for kind, counts in told["counts"].items():
        for (first, last), count, times in zip(_SPANS, counts, (world.scale, 1, 1), strict=True):
            for _ in range(count * times):
                yield _one(world, kind, some_workday(first, last, rng), rng, names, told)
    for group in ("after", "unmanaged", "late"):
        for row in told[group]:
            yield _Activity(
                row["type"], row["date"], row["park"], row["title"], row["companies"], row["persons"],
                names.draw("6513") if row["type"] == "inbound_visit" else None, row.get("entered"),
            )  # fmt: skip


def _one(
    world: World, kind: str, day: date, rng: random.Random, names: CompanyNames, told: dict[str, Any]
) -> _Activity:
    parks = [p for p in world.parks if p.managed_on(day) and p.park_kind != "public_park"]
    activity = _Activity(kind, day, rng.choice(parks).park_code, rng.choice(told["titles"][kind]), None, 0)
    activity.in_figures = _SPANS[1][0] <= day <= AS_OF
    if kind in SAFETY:
        activity.companies, activity.persons = rng.randint(4, 26), rng.randint(25, 110)
    elif kind == "inbound_visit":
        activity.companies, activity.persons = 1, rng.randint(2, 9)
        activity.company = names.draw(rng.choice(list(parts()["trades"])))
    else:
        activity.companies, activity.persons = rng.randint(14, 38), rng.randint(55, 130)
        # Some events are held for all parks together.
        activity.park_code = activity.park_code if rng.random() < 0.8 else None
    return activity


def _fix_sums(drawn: list[_Activity], told: dict[str, Any], rng: random.Random) -> None:
    """Give the activities of January to September 2024 numbers that add up to what is told."""
    events = [a for a in drawn if a.kind == "enterprise_event" and a.in_figures]
    named = told["named_event"]
    events[0].title, events[0].day, events[0].park_code = named["title"], named["date"], named["park"]
    sums = told["sums"]["enterprise_event"]
    companies = spread(sums["company_visits"], len(events), rng, 12)
    persons = spread(sums["person_visits"], len(events), rng, 45)
    for event, company_count, person_count in zip(events, companies, persons, strict=True):
        event.companies, event.persons = company_count, person_count
    safety = [a for a in drawn if a.kind in SAFETY and a.in_figures]
    shares = spread(told["sums"]["safety"]["person_visits"], len(safety), rng, 24)
    for activity, share in zip(safety, shares, strict=True):
        activity.persons = share


def _states(world: World, number: str, activity: _Activity, rng: random.Random) -> list[Event]:
    """The activity as entered, and as edited within the month where it was."""
    if activity.entered:
        entered = activity.entered
    elif activity.day in (date(2024, 10, 9), UP_DAY):
        entered = office_time(activity.day, rng)
    else:
        entered = soon_after(activity.day - timedelta(days=1), rng, 2)
    row = _row(world, number, activity, rng)
    rows: list[Event] = [(entered, False, row | {"updated_at": epoch_ms(entered)})]
    edited = soon_after(entered.date() + timedelta(days=2), rng, 20)
    settled = edited.date() <= UP_DAY or not activity.in_figures
    if rng.random() < 0.09 and settled and activity.persons > 20:
        # The figure entered first was the number invited.
        first = row | {"person_visits": activity.persons + rng.randint(3, 25)}
        rows[0] = (entered, False, first | {"updated_at": epoch_ms(entered)})
        rows.append((edited, False, row | {"updated_at": epoch_ms(edited)}))
    return rows


def _row(world: World, number: str, activity: _Activity, rng: random.Random) -> Row:
    promotion = activity.kind in ("inbound_visit", "investment_salon")
    operator = world.park(activity.park_code).org_code if activity.park_code else "YWCT-02"
    return {
        "activity_no": number,
        "source_system": "PARK",
        "activity_type": activity.kind,
        "title": padded(activity.title, rng) if rng.random() < 0.01 else activity.title,
        "activity_date": midnight_z(activity.day),
        "park_code": activity.park_code,
        "company_name": activity.company if activity.company else rng.choice((None, "")),
        "company_visits": activity.companies,
        "person_visits": activity.persons,
        "org_code": "YWCT-07" if promotion else operator,
        "updated_at": 0,
    }
