"""Ledger ``park_unit``: the rooms of the parks, as the park platform's API shows them.

Belongs here: each unit's rows in time: let, reserved, under repair, vacant; changes of use and a measured
area. As of 30 September 2024, as known on 10 October, leased + vacant + reserved + repair is the rentable
area (C14), and ``leased`` are exactly the units of leases in force that day: the staff change no state in
the first days of October. ``updated_at`` is epoch milliseconds (D29). Dirt: words for codes (D21). Keep
out: who rents what (``leases``).
"""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import date, datetime, time, timedelta

from demo.ledgers.forms import epoch_ms, office_time
from demo.ledgers.leases import PLATFORM_START, Lease, leases
from demo.ledgers.units import Unit, units
from demo.seed_files import seed_tree
from demo.timeline import Event, Row, Timeline
from demo.workdays import previous_workday
from demo.world import HISTORY_END, World

COLUMNS = (
    "unit_code", "park_code", "building", "floor", "usage", "area_m2", "rentable", "state", "updated_at",
)  # fmt: skip

NO_CHANGE_FROM, CHANGES_AGAIN = datetime(2024, 10, 1), datetime(2024, 10, 11, 8, 30)
"""The staff are away: what would change in between is entered when they are back."""

_MIDNIGHT = time(0, 30)
_WORD = 0.004
_CHANGES_USE = {
    ("PK-01", "office"): (14, date(2024, 5, 20), "shop"),
    ("PK-10", "dorm"): (6, date(2024, 10, 28), "office"),
}
"""(park, use) → number of vacant units that change their use, day, new use."""

_MEASURED_AGAIN = ("PK-05", datetime(2024, 11, 5, 10, 40), 1240)
"""Two vacant halls of a park are measured again: a wall stood elsewhere; the sum stays (1/100 m2)."""

Change = tuple[datetime, Row]


def build(world: World) -> Timeline:
    """The ledger's timeline: one row a unit, about 6,100; those with a lease have several states."""
    rng = world.rng("park_unit.states")
    words: dict[str, dict[str, str]] = seed_tree("estate_words")
    held: dict[str, list[Lease]] = defaultdict(list)
    for lease in leases(world):
        for code, _ in lease.rooms:
            held[code].append(lease)
    vacant = [u for u in units(world) if u.rentable and u.unit_code not in held]
    told = _told(vacant)
    parks = {park.park_code: park.park_kind for park in world.parks}
    rows: list[Event] = []
    for unit in units(world):
        changes = _changes(unit, held.get(unit.unit_code, []), parks[unit.park_code], rng)
        rows += _events(unit, [*changes, *told.get(unit.unit_code, [])], words, rng)
    return Timeline("park_unit", COLUMNS, rows)


def _told(vacant: list[Unit]) -> dict[str, list[Change]]:
    """Changes of units nobody has ever rented: another use, a corrected area."""
    told: dict[str, list[Change]] = {}
    for (park, usage), (count, day, new) in _CHANGES_USE.items():
        found = [u for u in vacant if (u.park_code, u.usage) == (park, usage)]
        for unit in found[:count]:
            told[unit.unit_code] = [(datetime.combine(day, time(14, 10)), {"usage": new})]
    park, at, cents = _MEASURED_AGAIN
    halls = [u for u in vacant if (u.park_code, u.usage) == (park, "workshop")][:2]
    for unit, change in zip(halls, (cents, -cents), strict=True):
        told[unit.unit_code] = [(at, {"area_m2": (unit.area + change) / 100})]
    return told


def _changes(unit: Unit, held: list[Lease], park_kind: str, rng: random.Random) -> list[Change]:
    """States in time; one that is never let stays what it is."""
    first = rng.choices(("vacant", "repair", "reserved"), (96.0, 2.4, 1.6))[0]
    if park_kind == "incubator" and unit.usage == "office" and rng.random() < 0.45:
        first = "reserved"  # kept for incubatees, who hold no lease
    if unit.rentable_from:
        opened = datetime.combine(unit.rentable_from, time(8, 30))
        changes: list[Change] = [(PLATFORM_START, {"state": "repair", "rentable": False})]
        changes.append((opened, {"state": "vacant", "rentable": True}))
    else:
        changes = [(PLATFORM_START, {"state": first if unit.rentable and not held else "vacant"})]
    spans = _spans(held)
    for place, (begin, begun_at, end, ended_at) in enumerate(spans):
        reserved = office_time(previous_workday(begin - timedelta(days=rng.randint(5, 25))), rng)
        if rng.random() < 0.5 and reserved > changes[-1][0] and reserved < begun_at:
            changes.append((reserved, {"state": "reserved"}))
        changes.append((max(begun_at, PLATFORM_START), {"state": "leased"}))
        following = spans[place + 1][0] if place + 1 < len(spans) else HISTORY_END
        if end > HISTORY_END:
            break
        gap = (following - end).days
        repaired = end + timedelta(days=rng.randint(15, 45))
        if rng.random() < 0.3 and gap > 80 and end < date(2024, 8, 1):
            changes.append((ended_at, {"state": "repair"}))
            changes.append((datetime.combine(repaired, time(16, 5)), {"state": "vacant"}))
        elif gap > 0:
            changes.append((ended_at, {"state": "vacant"}))
    return [(_when_staffed(at), row) for at, row in changes]


def _when_staffed(at: datetime) -> datetime:
    """Later by the days in which the staff are away, in the same order."""
    return CHANGES_AGAIN + (at - NO_CHANGE_FROM) / 1000 if NO_CHANGE_FROM <= at < CHANGES_AGAIN else at


def _spans(held: list[Lease]) -> list[tuple[date, datetime, date, datetime]]:
    """Unbroken spans of being let: (first day, when it was known, day after, when that was known)."""
    spans: list[tuple[date, datetime, date, datetime]] = []
    for lease in sorted(held, key=lambda each: each.start):
        begun = lease.recorded if lease.late else datetime.combine(lease.start, _MIDNIGHT)
        ended = datetime.combine(lease.held_to, _MIDNIGHT)
        if lease.terminated == lease.held_to and lease.terminated_at:
            # Of a tenant that left unnoticed the room is noticed with it.
            late = (lease.terminated_at.date() - lease.held_to).days > 14
            ended = lease.terminated_at if late else ended
        if spans and spans[-1][2] == lease.start:
            spans[-1] = (*spans[-1][:2], lease.held_to, ended)
        else:
            spans.append((lease.start, begun, lease.held_to, ended))
    return spans


def _events(
    unit: Unit, changes: list[Change], words: dict[str, dict[str, str]], rng: random.Random
) -> list[Event]:
    row: Row = {
        "unit_code": unit.unit_code,
        "park_code": unit.park_code,
        "building": unit.building,
        "floor": unit.floor if unit.building[0] != "S" else rng.choice((None, "", unit.floor)),
        "usage": words["usage"][unit.usage] if rng.random() < _WORD else unit.usage,
        "area_m2": unit.area / 100,
        "rentable": unit.rentable,
        "state": "vacant",
    }
    events: list[Event] = []
    for at, change in sorted(changes, key=lambda each: each[0]):
        row = row | change
        shown = words["unit_state"][str(row["state"])] if rng.random() < _WORD else row["state"]
        events.append((at, False, row | {"state": shown, "updated_at": epoch_ms(at)}))
    return events
