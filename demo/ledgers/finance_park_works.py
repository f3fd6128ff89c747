"""Renovation works of the parks in the books: what they cost, by park and number of the work.

Belongs here: the vouchers that follow from ``park_works.park_works``: the cost as the work goes on, the final
account when it is finished, and its payment. Improvements and rebuilding are spread over years (1801), renewed
facilities below the limit of capitalisation are repairs (6602). Their small contractors give ordinary invoices,
so no input tax is deducted and the cost is whole. Of a finished work the books hold its cost
within 5 % (R23): one was settled 3 % below it. Keep out: the workbook of the works (``park_works``).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta

from demo.ledgers.finance_calendar import Period
from demo.ledgers.finance_parties import pools
from demo.ledgers.finance_vouchers import Line, Voucher, same_day, type_in_book, working_hour
from demo.ledgers.park_works import Work, park_works
from demo.world import HISTORY_END, HISTORY_START, World, month_end, next_workday, previous_workday

_IMPROVEMENT, _REPAIR = "180101", "660210"
_PAYABLE, _BANK = "220201", "10020101"
_CAPITALISED_FROM = 600_000_00
"""Cost in fen from which a renewed facility is no repair any more."""
_SHARE_ON_THE_WAY = 40
_BOOKED_PCT = {"GZ-2024-005": 97}


def park_work_vouchers(world: World) -> Iterator[Voucher]:
    """All vouchers about renovation works, by work and then by day."""
    rng = world.rng("fin_gl:park_works")
    for work in park_works():
        party = rng.choice(pools(world, work.org_code)["contractor"])
        for day, amount in _stages(work):
            if HISTORY_START <= day <= HISTORY_END:
                yield _cost(work, party, day, amount, rng)
            if (paid := next_workday(day + timedelta(days=21))) <= HISTORY_END:
                yield _payment(work, party, paid, amount, rng)


def _stages(work: Work) -> Iterator[tuple[date, int]]:
    """Days and amounts (fen) booked: before 2024, on the way, and at completion."""
    whole = work.cost * _BOOKED_PCT.get(work.work_no, 100) // 100
    first = work.spent_before
    if first:
        yield _last_workday(min(date(2023, 12, 1), work.completed)), first
    middle = (whole - first) * _SHARE_ON_THE_WAY // 100
    half_way = work.start + (work.completed - work.start) // 2
    if half_way.year > work.start.year or not first:
        yield _last_workday(half_way), middle
    else:
        middle = 0
    yield _last_workday(work.completed), whole - first - middle


def _last_workday(day: date) -> date:
    return previous_workday(month_end(day))


def _voucher(work: Work, kind: str, day: date, lines: list[Line], rng: random.Random) -> Voucher:
    created, book = working_hour(rng, day), work.org_code
    period = Period(day.year, day.month)
    return same_day(Voucher(book, period, type_in_book(book, kind), day, "AP", created, lines), rng)


def _cost(work: Work, party: str, day: date, amount: int, rng: random.Random) -> Voucher:
    text = f"结算 {work.work_name}"
    is_repair = work.work_type == "facility" and work.cost < _CAPITALISED_FROM
    lines = [
        Line(_REPAIR if is_repair else _IMPROVEMENT, amount, 0, text, park=work.park_code, doc=work.work_no),
        Line(_PAYABLE, 0, amount, text, party=party, doc=work.work_no),
    ]
    return _voucher(work, "转", day, lines, rng)


def _payment(work: Work, party: str, day: date, amount: int, rng: random.Random) -> Voucher:
    text = f"支付工程款 {work.work_name}"
    lines = [
        Line(_PAYABLE, amount, 0, text, party=party, doc=work.work_no),
        Line(_BANK, 0, amount, text, purpose="other"),
    ]
    return _voucher(work, "付", day, lines, rng)
