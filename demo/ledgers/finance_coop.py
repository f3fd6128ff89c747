"""Payments to partner villages in the books: what is owed to them, what the bank paid, what came back.

Belongs here: the vouchers that follow from ``coop.payments``. The debit of each payment names the village
and the payment, so that the cash ledger has a row for it. Keep out: the workbook of the payments (``coop``).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import groupby

from demo.ledgers.concrete_contracts import SELLER
from demo.ledgers.coop import RETURNED, Payment, payments
from demo.ledgers.finance_calendar import Period
from demo.ledgers.finance_vouchers import Line, Voucher, same_day, type_in_book, working_hour
from demo.world import World, next_workday

_DONATION, _OWED, _BANK = "671101", "224104", "10020105"


def _voucher(kind: str, source: str, day: date, lines: list[Line], rng: random.Random) -> Voucher:
    created, period = working_hour(rng, day), Period(day.year, day.month)
    return same_day(Voucher(SELLER, period, type_in_book(SELLER, kind), day, source, created, lines), rng)


def _owed(paid: Payment, text: str, debit: int, credit: int) -> Line:
    return Line(_OWED, debit, credit, text, party=paid.village.party, doc=paid.doc)


def _round(day: date, of_day: list[Payment], rng: random.Random) -> Iterator[Voucher]:
    """The resolution and the bank's list of one day."""
    total, text = sum(p.amount for p in of_day), "计提山海协作消薄增收款"
    owed = [_owed(p, text, 0, p.amount) for p in of_day]
    yield _voucher("转", "GL", day, [Line(_DONATION, total, 0, text), *owed], rng)
    text = "支付山海协作消薄增收款"
    paid = [_owed(p, text, p.amount, 0) for p in of_day]
    yield _voucher("付", "GL", day, [*paid, Line(_BANK, 0, total, text, purpose="benefit")], rng)


def _returned(paid: Payment, rng: random.Random) -> Iterator[Voucher]:
    """The bank returns a payment whose account number is wrong; it is paid again later."""
    amount = paid.amount
    text = f"银行退回增收款 {paid.village.name}"
    back = [Line(_BANK, amount, 0, text, purpose="refund"), _owed(paid, text, 0, amount)]
    yield _voucher("收", "GL", next_workday(paid.day + timedelta(days=6)), back, rng)
    text = f"重新支付增收款 {paid.village.name}"
    again = [_owed(paid, text, amount, 0), Line(_BANK, 0, amount, text, purpose="benefit")]
    yield _voucher("付", "GL", next_workday(paid.day + timedelta(days=11)), again, rng)


def coop_payments(world: World) -> Iterator[Voucher]:
    """All vouchers about payments to villages."""
    rng = world.rng("fin_gl:coop")
    made = [p for p in payments(world) if p.amount]
    for day, of_day in groupby(made, key=lambda p: p.day):
        found = list(of_day)
        yield from _round(day, found, rng)
        number, returned = RETURNED
        if day == returned:
            yield from _returned(found[number], rng)
