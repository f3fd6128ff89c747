"""What the park ledgers say, read by the claims' own words: shared by their tests.

Belongs here: the state of each ledger at an instant and the figures' formulas, written a second time.
Keep out: expectations.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime
from functools import cache

from data_contracts.codes import usci_is_valid
from demo.ledgers import park
from demo.timeline import Row, Timeline, state_at
from demo.world import ADVANCE_DAY, AS_OF, STATE_TIME, YEAR_START, World
from tests.demo.source_forms import local_day, plain, sheet_day

WORLD = World()
UP = WORLD.state_at
ADVANCED = datetime.combine(ADVANCE_DAY, STATE_TIME)
AFTER_ALL = datetime(2025, 1, 31)
SAFETY = ("safety_training", "emergency_drill", "safety_publicity")


@cache
def ledgers(world: World = WORLD) -> dict[str, Timeline]:
    return {t.table: t for t in park.build(world)}


def rows_of(table: str, key: str, at: datetime, world: World = WORLD) -> list[Row]:
    return state_at(ledgers(world)[table], [key], at)


def parks(at: datetime) -> dict[str, Row]:
    return {str(row["park_code"]): row for row in rows_of("park_park", "park_code", at)}


def managed(park_code: object, day: date, at: datetime) -> bool:
    row = parks(at)[str(park_code)]
    begun, ended = local_day(row["managed_from"]), local_day(row["managed_to"])
    return begun is not None and begun <= day and (ended is None or day < ended)


def the_day(row: Row, column: str) -> date:
    day = local_day(row[column])
    assert day is not None
    return day


def tenants(at: datetime, as_of: date = AS_OF, world: World = WORLD) -> dict[str, list[Row]]:
    """Company key to stays in parks that are not public, as of a day; wrong codes are left out."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows_of("park_company", "enterprise_id", at, world):
        came, left = local_day(row["in_park_date"]), local_day(row["exit_date"])
        if row["park_code"] == "PK-13" or came is None or came > as_of or (left and left <= as_of):
            continue
        usci = plain(row["usci"])
        if not usci or usci_is_valid(usci):
            found[usci or str(row["enterprise_id"])].append(row)
    return found


def is_sound(row: Row) -> bool:
    """Whether a hazard keeps the order of its dates and names who verified it (D27)."""
    days = [local_day(row[name]) for name in ("found_date", "rectified_date", "verified_date")]
    known = [day for day in days if day]
    closed = row["status"] == "closed"
    return known == sorted(known) and (not closed or bool(row["verifier"]))


def counted_hazards(at: datetime, world: World = WORLD) -> list[Row]:
    found = []
    for row in rows_of("park_hazard", "hazard_no", at, world):
        if row["status"] != "closed" or not is_sound(row):
            continue
        seen, verified = the_day(row, "found_date"), the_day(row, "verified_date")
        if seen >= YEAR_START and verified <= AS_OF and managed(row["park_code"], seen, at):
            found.append(row)
    return found


def activities(at: datetime, world: World = WORLD) -> list[Row]:
    """Activities of January to September 2024, safety ones only in parks then under management."""
    found = []
    for row in rows_of("park_activity", "activity_no", at, world):
        day = the_day(row, "activity_date")
        inside = row["activity_type"] not in SAFETY or managed(row["park_code"], day, at)
        if inside and YEAR_START <= day <= AS_OF:
            found.append(row)
    return found


def letters(at: datetime, park_code: str) -> list[Row]:
    """Letters valid as of 30 September, by their dates and the parks' aliases."""
    names = set(str(parks(at)[park_code]["aliases"]).split(","))
    found = []
    for row in rows_of("park_loi", "loi_no", at):
        signed, withdrawn = sheet_day(row["signed_date"]), sheet_day(row["withdrawn_date"])
        still = withdrawn is None or withdrawn > AS_OF
        if row["park_name"] in names and still and signed and signed <= AS_OF:
            found.append(row)
    return found
