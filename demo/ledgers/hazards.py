"""Ledger ``park_hazard``: safety hazards found in the parks, as the park platform's API shows them.

Belongs here: each hazard's way found, rectifying, rectified, closed. Field names are the catalogue's;
dates are instants in Z of the local midnight, ``updated_at`` epoch milliseconds equal to the row's
``visible_from`` (D29); missing values are null or ``""``. Exactly :data:`CLOSED_YTD` hazards were found and
verified in January to September 2024 in parks that were under management when they were found (C18), as
known on 2024-10-10. Beside them: hazards of 2023 closed in 2024, open ones, some verified on 8 October,
some in parks not under management, and some verified in September but entered after 10 October.
Dirt: closed before found, closed without verifier (D27); these are no part of the count, until the platform
corrects one of each after the bulletin.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from demo.ledgers.forms import epoch_ms, midnight_z, office_time
from demo.ledgers.names import person
from demo.ledgers.stays import Stay, stays
from demo.seed_files import seed_tree
from demo.timeline import Event, Row, Timeline
from demo.world import AS_OF, UP_DAY, World, next_workday, workdays_between

COLUMNS = (
    "hazard_no", "park_code", "enterprise_id", "category", "level", "found_date", "description", "measure",
    "responsible", "deadline", "rectified_date", "verified_date", "verifier", "status", "updated_at",
)  # fmt: skip

CLOSED_YTD = 1_485

_CLOSED_2023, _CARRIED = 1_930, 64
_AFTER_MANAGEMENT = [
    ("PK-13", date(2024, 7, 1), date(2024, 9, 13)),
    ("PK-07", date(2024, 8, 5), date(2024, 9, 6)),
]
_MENDED = {0: datetime(2024, 10, 24, 15, 6, 20), 7: datetime(2024, 10, 24, 15, 21, 45)}
"""When the park puts an unsound closing right: one with dates the wrong way round, one without verifier."""
_VERIFIERS = ("骆志刚", "陈卫平", "吴思远", "金国华", "朱晓东")


@dataclass(frozen=True)
class _Hazard:
    park_code: str
    found: date
    rectified: date | None
    verified: date | None
    entered_closed: datetime | None = None
    backwards: bool = False
    no_verifier: bool = False
    mended: datetime | None = None


@lru_cache(maxsize=1)
def _kinds() -> dict[str, Any]:
    return seed_tree("hazards")


def build(world: World) -> Timeline:
    """The ledger's timeline: about 2,050 hazards a year at scale 1, three or four states each."""
    rng = world.rng("park_hazard")
    people = _People(world)
    hazards = sorted(_all(world, rng), key=lambda hazard: hazard.found)
    numbers: dict[date, int] = {}
    rows: list[Event] = []
    for hazard in hazards:
        month = hazard.found.replace(day=1)
        numbers[month] = numbers.get(month, 0) + 1
        rows += _states(f"YH{month:%Y%m}{numbers[month]:04d}", hazard, people, rng)
    return Timeline("park_hazard", COLUMNS, rows)


def _all(world: World, rng: random.Random) -> Iterator[_Hazard]:
    draw = _Draw(world, rng)
    for _ in range(_CLOSED_2023 * world.scale):
        yield draw.closed(date(2023, 1, 3), date(2023, 12, 5), date(2023, 12, 29))
    for _ in range(_CARRIED):
        yield draw.carried(date(2023, 11, 6), date(2023, 12, 29), date(2024, 1, 3), date(2024, 2, 7))
    for _ in range(CLOSED_YTD):
        yield draw.closed(date(2024, 1, 2), date(2024, 9, 23), AS_OF)
    # Found in the quarter, still open on its last day: verified in October, two of them on the 8th.
    for number in range(120):
        first = date(2024, 10, 8) if number < 2 else date(2024, 10, 9)
        last = first if number < 2 else date(2024, 11, 8)
        yield draw.carried(date(2024, 8, 26), date(2024, 9, 30), first, last)
    for _ in range(9):
        yield draw.open(date(2024, 6, 3), date(2024, 9, 27))
    for _ in range(430):
        yield draw.closed(date(2024, 10, 8), date(2024, 12, 13), date(2024, 12, 27))
    for _ in range(70):
        yield draw.open(date(2024, 11, 18), date(2024, 12, 20))
    yield from _beside_the_count(draw, rng)


def _beside_the_count(draw: _Draw, rng: random.Random) -> Iterator[_Hazard]:
    """Rows that look as if they counted."""
    for park_code, first, last in _AFTER_MANAGEMENT:
        for _ in range(8 if park_code == "PK-13" else 3):
            yield replace(draw.closed(first, last, AS_OF), park_code=park_code)
    for day in (14, 15, 16, 17, 21, 24):
        found = draw.closed(date(2024, 8, 12), date(2024, 9, 12), AS_OF)
        closed = office_time(date(2024, 10, day), rng)
        yield replace(found, verified=date(2024, 9, 24 + day % 6), entered_closed=closed)
    for number in range(13):
        bad = draw.closed(date(2024, 2, 19), date(2024, 9, 6), date(2024, 9, 20))
        mended = _MENDED.get(number)
        yield replace(bad, backwards=number < 7, no_verifier=number >= 7, mended=mended)


class _Draw:
    """Draws hazards in parks under management on the day they are found."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self.rng = rng
        self.parks = [park for park in world.parks if park.managed_from]
        self.days: dict[tuple[date, date], list[date]] = {}

    def closed(self, first: date, last: date, verified_by: date) -> _Hazard:
        """Found in the range, verified by a day and entered at once."""
        found = self._day(first, last)
        span = max(1, min(30, (verified_by - found).days // 2))
        rectified = found + timedelta(days=self.rng.randint(0, span))
        verified = min(next_workday(rectified + timedelta(days=self.rng.randint(0, 4))), verified_by)
        return _Hazard(self._park(found), found, rectified, max(rectified, verified))

    def carried(self, first: date, last: date, closed_from: date, closed_to: date) -> _Hazard:
        """Found in one range, verified in a later one."""
        found, verified = self._day(first, last), self._day(closed_from, closed_to)
        rectified = max(found, verified - timedelta(days=self.rng.randint(1, 5)))
        return _Hazard(self._park(found), found, rectified, verified)

    def open(self, first: date, last: date) -> _Hazard:
        """Found and not yet verified by the end of the history; most not even rectified."""
        found = self._day(first, last)
        rectified = found + timedelta(days=8) if self.rng.random() < 0.3 else None
        return _Hazard(self._park(found), found, rectified, None)

    def _day(self, first: date, last: date) -> date:
        span = (first, last)
        if span not in self.days:
            self.days[span] = workdays_between(first, last)
        return self.rng.choice(self.days[span])

    def _park(self, day: date) -> str:
        return self.rng.choice([park for park in self.parks if park.managed_on(day)]).park_code


class _People:
    """Who is in a park on a day, and who answers there."""

    def __init__(self, world: World) -> None:
        self.by_park: dict[str, list[Stay]] = {}
        for stay in stays(world):
            # A company that was entered late cannot have been named by the inspectors before.
            if stay.in_date and stay.in_recorded is None:
                self.by_park.setdefault(stay.park_code, []).append(stay)

    def company(self, park_code: str, day: date, rng: random.Random) -> str | None:
        """A company in the park on the day; None for the common parts, or where nobody is yet."""
        candidates = self.by_park.get(park_code, [])
        for _ in range(6 if candidates and rng.random() < 0.8 else 0):
            stay = rng.choice(candidates)
            if stay.in_date and stay.in_date < day and (stay.exit_date is None or stay.exit_date > day):
                return stay.enterprise_id
        return None


def _states(number: str, hazard: _Hazard, people: _People, rng: random.Random) -> list[Event]:
    found_at = office_time(hazard.found, rng)
    row = _row(number, hazard, people, rng)
    changes: list[tuple[datetime, Row]] = [(found_at, {})]
    if rng.random() < 0.35 and (hazard.rectified is None or hazard.rectified > hazard.found):
        changes.append((found_at + timedelta(minutes=rng.randint(20, 300)), {"status": "rectifying"}))
    if hazard.rectified:
        rectified_at = max(office_time(hazard.rectified, rng), changes[-1][0] + timedelta(minutes=15))
        done = midnight_z(hazard.rectified)
        changes.append((rectified_at, {"status": "rectified", "rectified_date": done}))
    if hazard.verified:
        changes.append(_closing(hazard, changes[-1][0], rng))
    if hazard.mended and hazard.rectified and hazard.verified:
        days = {"rectified_date": midnight_z(hazard.rectified), "verified_date": midnight_z(hazard.verified)}
        changes.append((hazard.mended, {**days, "verifier": _VERIFIERS[0]}))
    return [_event(at, row := row | change) for at, change in changes]


def _event(at: datetime, row: Row) -> Event:
    return at, False, row | {"updated_at": epoch_ms(at)}


def _closing(hazard: _Hazard, after: datetime, rng: random.Random) -> tuple[datetime, Row]:
    assert hazard.verified is not None
    at = hazard.entered_closed or max(office_time(hazard.verified, rng), after + timedelta(minutes=10))
    # Entered some days later now and then, but what counts for the bulletin before it was written.
    if hazard.entered_closed is None and rng.random() < 0.06:
        later = office_time(next_workday(hazard.verified + timedelta(days=rng.randint(1, 3))), rng)
        at = later if later.date() <= UP_DAY or hazard.verified > UP_DAY else at
    verified, rectified = hazard.verified, hazard.rectified
    if hazard.backwards:
        verified = rectified = hazard.found - timedelta(days=rng.randint(1, 9))
    return at, {
        "status": "closed",
        "rectified_date": midnight_z(rectified) if rectified else None,
        "verified_date": midnight_z(verified),
        "verifier": rng.choice((None, "")) if hazard.no_verifier else rng.choice(_VERIFIERS),
    }


def _row(number: str, hazard: _Hazard, people: _People, rng: random.Random) -> Row:
    kinds = _kinds()
    category = rng.choices(list(kinds), [kind["share"] for kind in kinds.values()])[0]
    description, measure = rng.choice(kinds[category]["found"])
    responsible = person(rng)
    while responsible in _VERIFIERS:
        responsible = person(rng)
    major = rng.random() < 0.012
    return {
        "hazard_no": number,
        "park_code": hazard.park_code,
        "enterprise_id": people.company(hazard.park_code, hazard.found, rng),
        "category": category,
        "level": "重大" if major else "一般",
        "found_date": midnight_z(hazard.found),
        "description": description,
        "measure": measure if rng.random() < 0.93 else rng.choice((None, "")),
        "responsible": responsible,
        "deadline": midnight_z(hazard.found + timedelta(days=30 if major else rng.choice((3, 7, 7, 15)))),
        "rectified_date": None,
        "verified_date": None,
        "verifier": None,
        "status": "found",
        "updated_at": 0,
    }
