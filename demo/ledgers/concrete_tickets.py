"""Delivery tickets of the concrete plants as they happened, before any system wrote them down.

Belongs here: volumes, prices, times and the fate of every load from 2023-01-01 to 2024-12-31, and the
planted facts that the bulletin's volume rests on. Keep out: how the plant system shows a ticket and its
spelling dirt (``concrete``), and what the books make of it (``finance_concrete``).

Quantities are whole hundredths of m3, money whole fen, masses tenths of kg: nothing is a float.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import accumulate

from demo.ledgers.concrete_contracts import Contract, contracts
from demo.workdays import days_between, is_workday
from demo.world import AS_OF, HISTORY_END, HISTORY_START, YEAR_START, World

WINDOW_M3 = 55_012_650
"""Signed volume of January to September 2024 known on 10 October: 550,126.50 m3."""

WINDOW_EX_TAX = 18_493_652_780
"""Revenue of that volume without VAT: 184,936,527.80 CNY, 336.17 a cubic metre."""

LATE_FROM = date(2024, 9, 24)
"""From here to the end of the quarter some signed slips reach the plant only after the bulletin."""

_HISTORY_TICKETS, _WINDOW_TICKETS, _REST_TICKETS = 73_000, 56_160, 16_900
_PLANS = dict(
    zip(range(600, 1600, 100), (6, 7, 14, 16, 18, 14, 10, 6, 5, 4), strict=True),
)
"""Planned load (hundredths of m3) to its frequency."""

_GRADES: dict[str, tuple[int, int]] = {
    "C15": (3, -3000),
    "C20": (7, -2000),
    "C25": (12, -1000),
    "C30": (38, 0),
    "C35": (17, 1500),
    "C40": (7, 3000),
    "C45": (3, 5000),
    "C50": (2, 7500),
    "C60": (1, 12000),
    "C30P6": (6, 800),
    "C35P6": (3, 2300),
    "C35P8": (1, 2700),
}
"""Strength grade to its frequency and its premium over C30 in fen."""

_PARTS = (
    "基础承台",
    "地下室底板",
    "地下室顶板",
    "一层柱",
    "二层梁板",
    "标准层梁板",
    "剪力墙",
    "屋面",
    "路面",
)
_PLANTS = ("JK1", "JK2")
# Price level by month in per mille of the level of mid 2024: cement fell through 2023.
_LEVEL_2023 = (1094, 1092, 1088, 1080, 1072, 1061, 1052, 1046, 1043, 1040, 1036, 1030)
_LEVEL_2024 = (1022, 1018, 1012, 1004, 998, 994, 992, 990, 992, 996, 1001, 1004)

PLANTED: dict[tuple[date, int], str] = {
    # Sign slips corrected, voided or moved to another contract after the bulletin, and one moved and corrected.
    (date(2024, 7, 16), 22): "voided_later",
    (date(2024, 8, 20), 31): "voided_later",
    (date(2024, 9, 25), 44): "voided_later",
    (date(2024, 6, 12), 18): "corrected_later",
    (date(2024, 8, 27), 52): "corrected_later",
    (date(2024, 9, 19), 36): "corrected_later",
    (date(2024, 9, 26), 61): "corrected_later",
    (date(2024, 9, 11), 29): "moved_later",
    (date(2024, 9, 23), 33): "moved_later",
    (date(2024, 9, 24), 14): "moved_corrected_later",
    # Loads of a day without network, keyed in on 15 October; and one that is late and moved.
    **{(date(2024, 9, 28), n): "keyed_later" for n in (12, 19, 27, 35, 48)},
    (date(2024, 9, 27), 30): "late_moved",
    # Whole loads sent back inside the window: signed as 0.00, so they add nothing.
    **{(date(2024, month, 14), 40): "zero" for month in (1, 4, 5, 6, 7, 8)},
    # Slips of the pen inside the window stand on void tickets only.
    **{(date(2024, month, 19), 50): "void_oversize" for month in (1, 3, 5, 8)},
    **{(date(2024, month, 20), 50): "void_negative" for month in (1, 4, 6, 9)},
    # After the quarter, before the bulletin.
    **{(date(2024, 10, day), 15): "short" for day in (2, 3, 5, 6, 8, 9)},
    (date(2024, 10, 4), 20): "oversize",
    (date(2024, 10, 7), 20): "oversize",
    (date(2024, 10, 8), 21): "negative",
    (date(2024, 10, 9), 21): "zero",
}
"""Fate of single loads, by day and running number of the day; what each fate means: ``concrete``."""

COUNTED = frozenset({"signed", "voided_later", "corrected_later", "moved_later", "moved_corrected_later"})
"""Fates that stand as signed, with an admissible volume, on the evening of 10 October."""


@dataclass(slots=True)
class Ticket:
    """One truck load. ``signed`` is net of ``returned``; ``price`` is fen per m3 including VAT."""

    ticket_no: str
    serial: int
    plant: str
    contract: Contract
    grade: str
    part: str
    truck: str
    tare: int
    plan: int
    batched: int
    signed: int
    returned: int
    density: int
    out: datetime
    arrive: datetime
    sign: datetime
    fate: str
    price: int = 0


@dataclass(frozen=True, slots=True)
class _Fleet:
    trucks: tuple[tuple[str, int], ...]
    contracts: tuple[Contract, ...]


def _day_weight(day: date) -> int:
    """Relative output of a day: the New Year pause, holidays, weekends, the plum rains of June."""
    pauses = (
        (date(2023, 1, 19), date(2023, 2, 1)),
        (date(2024, 2, 7), date(2024, 2, 20)),
    )
    if any(first <= day <= last for first, last in pauses):
        return 12
    weight = 100 if is_workday(day) else 78
    return weight * 82 // 100 if day.month == 6 else weight


def _counts(first: date, last: date, total: int) -> list[tuple[date, int]]:
    """Share ``total`` loads out to the days by weight; the parts add up to the total."""
    days = days_between(first, last)
    reached = list(accumulate(_day_weight(day) for day in days))
    marks = [total * weight // reached[-1] for weight in reached]
    return [(day, mark - before) for day, mark, before in zip(days, marks, [0, *marks], strict=False)]


def _fleet(world: World, rng: random.Random) -> _Fleet:
    plates = rng.sample(range(1000, 9999), 64)
    trucks = tuple(
        (f"浙G{'ABDEFHJK'[n % 8]}{p}", rng.randint(124_000, 158_000)) for n, p in enumerate(plates)
    )
    return _Fleet(trucks, contracts(world))


def _fate(day: date, number: int, serial: int) -> str:
    """Fate of the load: planted ones first, then fixed strides, so that shares do not depend on luck."""
    planted = PLANTED.get((day, number))
    if planted is not None:
        return planted
    if LATE_FROM <= day <= AS_OF and serial % 31 == 5:
        return "late"
    if serial % 97 == 41:
        return "void_signed"
    if serial % 331 == 90:
        return "void_loaded"
    if day < YEAR_START:
        dirt = {11: "oversize", 411: "zero", 811: "negative", 1211: "short"}
        return dirt.get(serial % 2400, "signed")
    return "signed"


def _volumes(rng: random.Random, plan: int, serial: int, fate: str) -> tuple[int, int, int]:
    """Batched, signed, returned: half of the loads bring a residue back, all lose a little (R13: 2%).

    Every single load stays above 97% of what was batched; only a planted short load falls below.
    """
    draw = rng.random
    batched = plan - 5 + int(draw() * 14)
    returned = batched * (130 + int(draw() * 141)) // 10_000 if serial % 2 else 0
    signed = batched - returned - batched * int(draw() * 19) // 10_000
    if fate == "zero":
        return batched, 0, batched
    if fate == "short":
        return batched, batched * rng.randint(920, 955) // 1000, 0
    if fate == "oversize":
        return batched, signed * 10, returned
    if fate in ("negative", "void_negative"):
        return batched, -signed, returned
    if fate == "void_oversize":
        return batched * 10, signed * 10, returned
    return batched, signed, returned


def _day_tickets(fleet: _Fleet, rng: random.Random, day: date, count: int, serial: int) -> Iterator[Ticket]:
    running = [c for c in fleet.contracts if c.runs_on(day)]
    sites = rng.choices(running, [c.weight for c in running], k=count)
    grades = rng.choices(list(_GRADES), [often for often, _ in _GRADES.values()], k=count)
    plans = rng.choices(list(_PLANS), list(_PLANS.values()), k=count)
    trucks = rng.choices(fleet.trucks, k=count)
    draw = rng.random
    starts = sorted(19_800 + int(draw() * 55_800) for _ in range(count))
    midnight, stamp = datetime.combine(day, time()), f"{day:%Y%m%d}"
    again: Ticket | None = None
    for n in range(count):
        fate = _fate(day, n, serial + n)
        plan, (truck, tare), second = plans[n], trucks[n], starts[n]
        site, grade, out = sites[n], grades[n], midnight + timedelta(seconds=second)
        part = _PARTS[(serial + n) % len(_PARTS)]
        if again is not None and fate == "signed":
            # A void slip written anew: same truck, site and load some minutes later (D23).
            plan, truck, tare, site, grade, part = (
                again.plan, again.truck, again.tare, again.contract, again.grade, again.part,
            )  # fmt: skip
            out = again.out + timedelta(seconds=240 + int(draw() * 300))
        batched, signed, returned = _volumes(rng, plan, serial + n, fate)
        arrive = out + timedelta(seconds=900 + int(draw() * 3600))
        plant = _PLANTS[(serial + n) % 3 % 2]
        ticket = Ticket(
            f"{plant}-{stamp}-{n + 1:04d}",
            serial + n,
            plant,
            site,
            grade,
            part,
            truck,
            tare,
            plan,
            batched,
            signed,
            returned,
            2295 + int(draw() * 110),
            out,
            arrive,
            arrive + timedelta(seconds=900 + int(draw() * 3300)),
            fate,
        )
        again = ticket if fate == "void_signed" and ticket.serial % 2 else None
        yield ticket


def in_window(ticket: Ticket) -> bool:
    """Whether the load counts in the volume of January to September 2024 known on 10 October."""
    return ticket.fate in COUNTED and YEAR_START <= ticket.sign.date() <= AS_OF


def _settle_volume(tickets: list[Ticket]) -> None:
    """Move single loads by hundredths of a m3 until the window adds up to :data:`WINDOW_M3`."""
    window = [t for t in tickets if in_window(t)]
    share, rest = divmod(WINDOW_M3 - sum(t.signed for t in window), len(window))
    for number, ticket in enumerate(window):
        step = share + (number < rest)
        ticket.signed += step
        ticket.batched += step


def _price_level(ticket: Ticket) -> int:
    levels = _LEVEL_2023 if ticket.sign.year == 2023 else _LEVEL_2024
    return ticket.contract.base_price * levels[ticket.sign.month - 1] // 1000 + _GRADES[ticket.grade][1]


def _settle_prices(tickets: list[Ticket]) -> None:
    """Price all loads by contract, month and grade, at the level that gives :data:`WINDOW_EX_TAX`."""
    weighed = sum(t.signed * _price_level(t) for t in tickets if in_window(t))
    for ticket in tickets:
        ticket.price = (_price_level(ticket) * WINDOW_EX_TAX * 103 + weighed // 2) // weighed


@lru_cache(maxsize=1)
def tickets(world: World) -> list[Ticket]:
    """All loads in order of day; at scale N the loads of 2023 multiply, those of 2024 stay the same.

    Held for the second reader (books and plant both need them): do not change them.
    """
    segments = (
        ("2023", HISTORY_START, date(2023, 12, 31), _HISTORY_TICKETS * (2 * world.scale - 1)),
        ("window", YEAR_START, AS_OF, _WINDOW_TICKETS),
        ("rest", AS_OF + timedelta(days=1), HISTORY_END, _REST_TICKETS),
    )
    fleet = _fleet(world, world.rng("con_cc_delivery:fleet"))
    made: list[Ticket] = []
    for name, first, last, total in segments:
        rng, serial = world.rng(f"con_cc_delivery:{name}"), 0
        for day, count in _counts(first, last, total):
            made.extend(_day_tickets(fleet, rng, day, count, serial))
            serial += count
    _settle_volume(made)
    _settle_prices(made)
    return made
