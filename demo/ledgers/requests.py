"""Ledgers ``park_request`` and ``park_feedback``: what companies ask and citizens say, as the desks' APIs show it.

Belongs here: each entry's way open, resolved, closed. Dates are instants in Z of the local midnight, ``updated_at``
epoch milliseconds equal to the row's ``visible_from`` (D29). As known on 2024-10-10, 978 requests were resolved in
January to September 2024, 310 of them closed since (C24), and 48 citizens' entries on the public park received.
Beside them: requests of 2023 resolved in 2024, some resolved on 8 to 10 October, entries on other parks, and
entries of September that came in after 10 October. Dirt: resolved before received (rejected), words of an older
form (D21), blanks for missing values (D02). Keep out: hazards and bills.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from demo.ledgers.forms import epoch_ms, midnight_z, office_time, some_workday
from demo.ledgers.stays import Stay, stays
from demo.seed_files import seed_tree
from demo.timeline import Event, Row, Timeline
from demo.world import AS_OF, UP_DAY, World, next_workday, workdays_between

_TAIL = ("category", "created_date", "resolved_date", "status", "satisfaction", "updated_at")
REQUEST_COLUMNS = ("request_no", "source_system", "park_code", "enterprise_id", *_TAIL)
FEEDBACK_COLUMNS = ("feedback_no", "source_system", "park_code", *_TAIL)

_YTD = (date(2024, 1, 2), AS_OF)
_FROM_OCTOBER = (date(2024, 10, 14), date(2024, 12, 24))


@dataclass(frozen=True)
class _Entry:
    """One entry. ``entered``: when its first or, if resolved before that day, its resolving was entered."""

    park_code: str
    created: date
    resolved: date | None
    closed: date | None = None
    enterprise_id: str | None = None
    entered: datetime | None = None
    resolved_entered: datetime | None = None


@dataclass(frozen=True)
class _Desk:
    """How a desk numbers its entries and which words it uses."""

    key: str
    prefix: str
    system: str
    told: dict[str, Any]


def build_requests(world: World) -> Timeline:
    """``park_request``: about 1,360 requests a year at scale 1."""
    told: dict[str, Any] = seed_tree("requests")
    rng, desk = world.rng("park_request"), _Desk("request_no", "SQ", "SERVICE", told)
    entries = list(_requests(_Askers(world, rng), told, rng, world.scale))
    return Timeline("park_request", REQUEST_COLUMNS, _rows(desk, entries, rng))


def build_feedback(world: World) -> Timeline:
    """``park_feedback``: about 70 entries a year at scale 1."""
    told: dict[str, Any] = seed_tree("feedback")
    rng, desk = world.rng("park_feedback"), _Desk("feedback_no", "FK", "FEEDBACK", told)
    return Timeline(
        "park_feedback", FEEDBACK_COLUMNS, _rows(desk, list(_feedback(told, rng, world.scale)), rng)
    )


# --- requests ----------------------------------------------------------------------------------------


def _requests(askers: _Askers, told: dict[str, Any], rng: random.Random, scale: int) -> Iterator[_Entry]:
    for _ in range(told["resolved_2023"] * scale):
        yield askers.closed(date(2023, 1, 3), date(2023, 12, 15), date(2023, 12, 29))
    fresh = told["resolved_ytd"] - told["carried_in"]
    found = [askers.carried(date(2023, 12, 11), date(2023, 12, 29), date(2024, 1, 3), date(2024, 1, 19))
             for _ in range(told["carried_in"])]  # fmt: skip
    found += [askers.closed(_YTD[0], date(2024, 9, 25), date(2024, 9, 29)) for _ in range(fresh)]
    # The earliest are closed by the cut-off, the later ones only afterwards.
    found.sort(key=lambda entry: (entry.resolved, entry.created))
    for place, entry in enumerate(found):
        assert entry.resolved is not None
        early = place < told["closed_already"]
        first = entry.resolved + timedelta(days=7) if early else max(date(2024, 10, 14), entry.resolved)
        yield replace(entry, closed=next_workday(first + timedelta(days=rng.randint(0, 20))))
    for _ in range(told["resolved_in_october"]):
        yield askers.carried(date(2024, 9, 9), date(2024, 9, 30), date(2024, 10, 8), UP_DAY)
    for _ in range(told["open_at_quarter_end"]):
        yield askers.carried(date(2024, 9, 2), AS_OF, date(2024, 10, 14), date(2024, 11, 29))
    for _ in range(told["never_resolved"]):
        yield replace(askers.closed(date(2024, 5, 6), date(2024, 9, 20), AS_OF), resolved=None, closed=None)
    for _ in range(told["later"]):
        yield askers.closed(*_FROM_OCTOBER, date(2024, 12, 30))
    for number, day in enumerate(told["late"]):
        asked = askers.closed(date(2024, 9, 2), date(2024, 9, 13), date(2024, 9, 20))
        at = office_time(date(2024, 10, 15 + number), rng)
        yield replace(asked, resolved=day, closed=None, resolved_entered=at)
    for _ in range(told["backwards"]):
        wrong = askers.closed(date(2024, 2, 19), date(2024, 8, 30), AS_OF)
        yield replace(wrong, resolved=wrong.created - timedelta(days=rng.randint(1, 6)), closed=None)


class _Askers:
    """Draws requests of companies that stay in a park on the day they ask."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self.rng = rng
        self.stays = [
            s for s in stays(world) if s.in_date and s.in_recorded is None and s.tenant_kind != "shop"
        ]
        self.days: dict[tuple[date, date], list[date]] = {}

    def closed(self, first: date, last: date, resolved_by: date) -> _Entry:
        """Received in the range, resolved within days, by a day at the latest, and closed weeks later."""
        stay, created = self._asked(first, last)
        resolved = next_workday(created + timedelta(days=self.rng.choice((0, 1, 1, 2, 3, 5, 8))))
        resolved = max(created, min(resolved, resolved_by))
        closed = next_workday(resolved + timedelta(days=self.rng.randint(7, 30)))
        return _Entry(stay.park_code, created, resolved, closed, self._who(stay))

    def carried(self, first: date, last: date, resolved_from: date, resolved_to: date) -> _Entry:
        """Received in one range and resolved in a later one."""
        stay, created = self._asked(first, last)
        resolved = self.rng.choice(self._days(resolved_from, resolved_to))
        closed = next_workday(max(resolved, date(2024, 1, 20)) + timedelta(days=self.rng.randint(7, 30)))
        return _Entry(stay.park_code, created, resolved, closed, self._who(stay))

    def _asked(self, first: date, last: date) -> tuple[Stay, date]:
        while True:
            stay, day = self.rng.choice(self.stays), self.rng.choice(self._days(first, last))
            if stay.in_date and stay.in_date < day and (stay.exit_date is None or stay.exit_date > day):
                return stay, day

    def _who(self, stay: Stay) -> str | None:
        return stay.enterprise_id if self.rng.random() > 0.04 else None

    def _days(self, first: date, last: date) -> list[date]:
        if (first, last) not in self.days:
            self.days[first, last] = workdays_between(first, last)
        return self.days[first, last]


# --- feedback ----------------------------------------------------------------------------------------


def _feedback(told: dict[str, Any], rng: random.Random, scale: int) -> Iterator[_Entry]:
    spans = ((date(2023, 1, 3), date(2023, 11, 30)), (date(2024, 1, 2), date(2024, 9, 30)), _FROM_OCTOBER)
    for park_code, counts in told["received"].items():
        for (first, last), count, times in zip(spans, counts, (scale, 1, 1), strict=True):
            for number in range(count * times):
                created = AS_OF if number == 0 and last == AS_OF else some_workday(first, last, rng)
                waits = rng.choice((1, 2, 3, 5, 9, 15))
                resolved = next_workday(created + timedelta(days=waits))
                yield _Entry(park_code, created, None if rng.random() < told["open_share"] else resolved)
    carried = told["carried_in"]
    for _ in range(carried["count"]):
        created = some_workday(date(2023, 12, 18), date(2023, 12, 29), rng)
        yield _Entry(carried["park"], created, some_workday(date(2024, 1, 3), date(2024, 1, 17), rng))
    for row in told["told"]:
        yield _Entry(row["park"], row["created"], row["resolved"])
    late = told["late"]
    yield _Entry(late["park"], late["created"], late["resolved"], entered=late["entered"])


# --- rows --------------------------------------------------------------------------------------------


def _rows(desk: _Desk, entries: list[_Entry], rng: random.Random) -> list[Event]:
    entries.sort(key=lambda entry: (entry.created, entry.park_code))
    numbers: dict[date, int] = {}
    rows: list[Event] = []
    for entry in entries:
        month = entry.created.replace(day=1)
        numbers[month] = numbers.get(month, 0) + 1
        rows += _states(desk, f"{desk.prefix}{month:%Y%m}{numbers[month]:04d}", entry, rng)
    return rows


def _states(desk: _Desk, number: str, entry: _Entry, rng: random.Random) -> Iterator[Event]:
    told = desk.told
    category = rng.choices(list(told["categories"]), list(told["categories"].values()))[0]
    row: Row = {desk.key: number, "source_system": desk.system, "park_code": entry.park_code}
    if desk.key == "request_no":
        row["enterprise_id"] = entry.enterprise_id or rng.choice((None, ""))
    row |= {
        "category": told["words"][category] if rng.random() < 0.015 else category,
        "created_date": midnight_z(entry.created),
        "resolved_date": None,
        "status": _word("open", told, rng),
        "satisfaction": None,
        "updated_at": 0,
    }
    at = entry.entered or office_time(entry.created, rng)
    yield _event(at, row)
    if entry.resolved:
        row = row | {"resolved_date": midnight_z(entry.resolved), "status": _word("resolved", told, rng)}
        at = entry.resolved_entered or max(at + timedelta(minutes=25), office_time(entry.resolved, rng))
        yield _event(at, row)
    if entry.closed:
        marks = rng.choices((5, 4, 3, 2, 1, None), (52, 24, 8, 3, 2, 11))[0]
        row = row | {"status": _word("closed", told, rng), "satisfaction": marks}
        yield _event(max(at + timedelta(minutes=25), office_time(entry.closed, rng)), row)


def _word(status: str, told: dict[str, Any], rng: random.Random) -> str:
    return str(told["older"][status]) if rng.random() < 0.006 else status


def _event(at: datetime, row: Row) -> Event:
    return at, False, row | {"updated_at": epoch_ms(at)}
