"""Who rents which rooms from when to when, at what price: the leases behind ``park_lease``.

Belongs here: the leases of the tenants and shops of ``stays`` (incubatees and sub-tenants hold none of
their own). A stay of 2023 or later has leases without a gap from the month it came to the day it left
(C13); a unit is never in two leases at once and never let before its park opens (C14). A renewal or an
amendment is a new version, in force from its own start; what an amendment cuts short ends there. Prices
include tax and are per m2 and month; some sites quote them by the day. Keep out: rows and dirt, bills.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from demo.ledgers.forms import office_time, soon_after
from demo.ledgers.stays import Stay, stays
from demo.ledgers.units import Unit, units
from demo.seed_files import seed_tree
from demo.workdays import month_end, previous_workday
from demo.world import HISTORY_END, HISTORY_START, Park, World

BY_MONTH, BY_DAY = "元/㎡·月", "元/㎡·天"
PLATFORM_START = datetime(2022, 12, 30, 9, 0)
"""When the contracts then in force were entered into the platform."""

_RENEWED_IN_PLACE, _AMENDED, _FREE = 0.6, 0.45, 0.5
_TERMINATED = 0.65
"""Shares: renewals that keep the contract's number, terms that are amended, first terms with free rent,
leavers that go before the term is over."""


@dataclass(frozen=True, slots=True)
class Lease:
    """One version of a contract. Last days are included; ``held_to`` is exclusive, None = beyond 2024.

    ``rooms`` holds (unit_code, area in 1/100 m2); ``price`` is CNY per m2 and month including tax, times
    10,000; ``quoted`` is the price as the site writes it, times 10,000, in ``price_unit``. ``deposit`` is
    fen. ``recorded`` and ``terminated_at`` say when the platform knew; ``late``: weeks after moving in.
    """

    lease_no: str
    version: int
    enterprise_id: str
    park_code: str
    org_code: str
    rooms: tuple[tuple[str, int], ...]
    start: date
    end: date
    free_start: date | None
    free_end: date | None
    price: int
    quoted: int
    price_unit: str
    deposit: int
    pay_cycle: str
    recorded: datetime
    terminated: date | None = None
    terminated_at: datetime | None = None
    superseded: date | None = None
    late: bool = False

    @property
    def area(self) -> int:
        """Area of all rooms, 1/100 m2."""
        return sum(area for _, area in self.rooms)

    @property
    def held_to(self) -> date:
        """First day on which this version is no longer in force."""
        ends = [self.end + timedelta(days=1), self.terminated, self.superseded]
        return min(day for day in ends if day is not None)

    def held_on(self, day: date) -> bool:
        """Whether this version is in force on ``day``."""
        return self.start <= day < self.held_to


@dataclass(frozen=True, slots=True)
class _Term:
    """One version before it has rooms."""

    start: date
    end: date
    renewal: bool
    terminated: date | None = None
    drops: bool = False
    adds: bool = False
    amendment: bool = False


@lru_cache(maxsize=2)
def leases(world: World) -> tuple[Lease, ...]:
    """All versions of all leases in force at some time from 2023 on, by number and version."""
    rng, told = world.rng("park_lease"), seed_tree("estate")
    holders = [(stay, _terms(world.park(stay.park_code), stay, told, rng)) for stay in _holders(world)]
    rooms = _Rooms(world, told, rng)
    rooms.allocate(holders)
    drafts = [
        draft
        for number, (stay, terms) in enumerate(holders)
        for draft in _versions(world, stay, terms, rooms.held[number], told, rng)
    ]
    return _numbered(drafts)


def _holders(world: World) -> Iterator[Stay]:
    """Stays with a lease of their own since 2023; the further ones of a larger scale have none."""
    of_scale_1: int = seed_tree("companies")["counts"]["in_all"]
    for stay in stays(world)[:of_scale_1]:
        present = stay.in_date is not None and (stay.exit_date is None or stay.exit_date > HISTORY_START)
        if present and stay.tenant_kind in ("tenant", "shop"):
            yield stay


# --- terms -------------------------------------------------------------------------------------------


def _terms(park: Park, stay: Stay, told: dict[str, Any], rng: random.Random) -> list[_Term]:
    """The chain of terms from moving in, without a gap; those over before 2023 are left out."""
    assert stay.in_date is not None
    assert park.open_date is not None
    kinds, start = told["leases"][park.park_kind], max(stay.in_date.replace(day=1), park.open_date)
    chain: list[_Term] = []
    while True:
        months = _drawn(kinds["months"], rng)
        end = month_end(_months_later(start.replace(day=1), months - 1))
        if stay.exit_date and end >= stay.exit_date - timedelta(days=1):
            early = rng.random() < _TERMINATED and stay.exit_date > start
            leaves = None if early else max(stay.exit_date - timedelta(days=1), start)
            chain.append(_Term(start, leaves or end, bool(chain), stay.exit_date if early else None))
            break
        chain.append(_Term(start, end, bool(chain)))
        if end >= HISTORY_END:
            break
        start = end + timedelta(days=1)
    kept = [term for term in chain if (term.terminated or term.end) >= HISTORY_START]
    return [part for term in kept for part in _amended(term, rng)]


def _amended(term: _Term, rng: random.Random) -> Iterator[_Term]:
    """The term, and for some of them an amendment in mid-term: a room more or less, or another price."""
    first = max(_months_later(term.start.replace(day=1), 4), date(2023, 3, 1))
    last = min(term.end, term.terminated or term.end, HISTORY_END) - timedelta(days=45)
    draw, how = rng.random(), rng.random()
    if draw >= _AMENDED or first > last or not term.renewal:
        yield term
        return
    # A third of them as late as possible, so that some come after the bulletin's quarter.
    span = (last.year - first.year) * 12 + last.month - first.month
    at = _months_later(first, span if rng.random() < 0.35 else rng.randint(0, span))
    yield replace(term, terminated=None)
    yield replace(term, start=at, amendment=True, drops=how < 0.35, adds=how > 0.7)


def _months_later(first: date, months: int) -> date:
    years, month = divmod(first.month - 1 + months, 12)
    return date(first.year + years, month + 1, 1)


def _drawn(choices: list[list[Any]], rng: random.Random) -> Any:
    return rng.choices([value for value, _ in choices], [weight for _, weight in choices])[0]


# --- rooms -------------------------------------------------------------------------------------------


class _Rooms:
    """Gives units to holders in the order of time; ``held``: per holder (unit, from, to exclusive)."""

    def __init__(self, world: World, told: dict[str, Any], rng: random.Random) -> None:
        self.world, self.told, self.rng = world, told["leases"], rng
        self.by_use: dict[tuple[str, str], list[Unit]] = defaultdict(list)
        for unit in units(world):
            if unit.rentable:
                self.by_use[unit.park_code, unit.usage].append(unit)
        self.free_from: dict[str, date] = {}
        self.held: dict[int, list[tuple[Unit, date, date]]] = defaultdict(list)

    def allocate(self, holders: list[tuple[Stay, list[_Term]]]) -> None:
        """Serve every beginning and every amendment, the earliest first."""
        events = [
            (term.start, number, place)
            for number, (_, terms) in enumerate(holders)
            for place, term in enumerate(terms)
            if place == 0 or term.adds or term.drops
        ]
        for day, number, place in sorted(events):
            stay, terms = holders[number]
            until = terms[-1].terminated or terms[-1].end + timedelta(days=1)
            if place == 0:
                self._begin(number, stay, day, until)
            elif terms[place].adds:
                self._take(number, stay.park_code, "office", day, until)
            elif len(self.held[number]) > 1:
                self._give_back(number, day)

    def _begin(self, number: int, stay: Stay, day: date, until: date) -> None:
        park = self.world.park(stay.park_code)
        for usage, counts in self.told[park.park_kind]["rooms"].items():
            for _ in range(_drawn(counts, self.rng)):
                self._take(number, stay.park_code, usage, day, until)
        for usage in ("office", "workshop", "shop"):
            if not self.held[number]:
                self._take(number, stay.park_code, usage, day, until)
        if not self.held[number]:
            raise ValueError(f"{stay.park_code} has no room left on {day}")

    def _take(self, number: int, park_code: str, usage: str, day: date, until: date) -> None:
        able = [
            unit
            for unit in self.by_use[park_code, usage]
            if unit.rentable_on(day) and self.free_from.get(unit.unit_code, date.min) <= day
        ]
        if able:
            unit = self.rng.choice(able)
            self.free_from[unit.unit_code] = until
            self.held[number].append((unit, day, until))

    def _give_back(self, number: int, day: date) -> None:
        unit, since, _ = self.held[number].pop()
        self.held[number].append((unit, since, day))
        self.free_from[unit.unit_code] = day


# --- versions ----------------------------------------------------------------------------------------


def _versions(
    world: World,
    stay: Stay,
    terms: list[_Term],
    held: list[tuple[Unit, date, date]],
    told: dict[str, Any],
    rng: random.Random,
) -> Iterator[Lease]:
    """Versions of one stay; number and version are set by :func:`_numbered`: "" = the same contract."""
    park = world.park(stay.park_code)
    kinds = told["leases"][park.park_kind]
    low, high = kinds["price"]
    by_day = park.park_code in told["priced_by_day"]
    price, cycle = rng.uniform(low, high), _drawn(kinds["cycle"], rng)
    for place, term in enumerate(terms):
        if place:
            price *= rng.uniform(0.96, 1.0) if term.amendment else rng.uniform(1.0, 1.06)
        quoted = round(price * 12 / 365, 2) if by_day else round(price, 2)
        units_of_price = round(quoted * 100) * 100
        rooms = tuple((unit.unit_code, unit.area) for unit, since, to in held if since <= term.start < to)
        free = None if place or term.renewal else _free(term, rng)
        monthly = _half_up(units_of_price * 365, 12) if by_day else units_of_price
        deposit = _half_up(sum(area for _, area in rooms) * monthly * rng.choice((2, 2, 3)), 10**4)
        following = terms[place + 1] if place + 1 < len(terms) else None
        yield Lease(
            lease_no="" if place and (term.amendment or rng.random() < _RENEWED_IN_PLACE) else "new",
            version=1, enterprise_id=stay.enterprise_id, park_code=park.park_code, org_code=park.org_code,
            rooms=rooms, start=term.start, end=term.end, free_start=term.start if free else None,
            free_end=free, price=monthly, quoted=units_of_price, price_unit=BY_DAY if by_day else BY_MONTH,
            deposit=deposit, pay_cycle=cycle, recorded=_recorded(stay, term, place, rng),
            terminated=term.terminated, terminated_at=_ended(stay, term, rng),
            superseded=following.start if following and following.amendment else None,
            late=stay.in_recorded is not None,
        )  # fmt: skip


def _free(term: _Term, rng: random.Random) -> date | None:
    """Last day of the rent-free time at the start of a first term."""
    months, draw = rng.choice((1, 2, 2, 3)), rng.random()
    long = term.end > _months_later(term.start.replace(day=1), 18)
    return month_end(_months_later(term.start.replace(day=1), months - 1)) if long and draw < _FREE else None


def _recorded(stay: Stay, term: _Term, place: int, rng: random.Random) -> datetime:
    """A first lease is entered when the company moves in, a later version weeks before it starts."""
    assert stay.in_date is not None
    ahead = office_time(previous_workday(term.start - timedelta(days=rng.randint(8, 40))), rng)
    moved_in = soon_after(stay.in_date, rng)
    if place or term.renewal:
        return max(ahead, PLATFORM_START)
    at = stay.in_recorded + timedelta(minutes=35) if stay.in_recorded else moved_in
    return max(at, PLATFORM_START)


def _ended(stay: Stay, term: _Term, rng: random.Random) -> datetime | None:
    at = soon_after((stay.exit_date or HISTORY_END) - timedelta(days=1), rng, 2)
    if term.terminated is None:
        return None
    return stay.exit_recorded + timedelta(minutes=12) if stay.exit_recorded else at


def _half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)


def _numbered(drafts: list[Lease]) -> tuple[Lease, ...]:
    """Contracts numbered through each year in the order they start; versions in the order they came."""
    contracts: list[list[Lease]] = []
    for draft in drafts:
        if draft.lease_no == "new":
            contracts.append([])
        contracts[-1].append(draft)
    contracts.sort(key=lambda versions: (versions[0].start, versions[0].enterprise_id))
    counts: dict[int, int] = defaultdict(int)
    numbered: list[Lease] = []
    for versions in contracts:
        year = versions[0].start.year
        counts[year] += 1
        number = f"ZL-{year}-{counts[year]:04d}"
        numbered += [replace(v, lease_no=number, version=n) for n, v in enumerate(versions, 1)]
    return tuple(numbered)
