"""What the owners paid in: the money the books of 2023 begin with, so that no bank account is overdrawn.

Belongs here: one capital contribution a book, paid into each of its bank accounts on the first working day.
Keep out: loans and grants, which are everyday business.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from demo.ledgers.finance_calendar import Period, workdays
from demo.ledgers.finance_vouchers import BANK, Line, Voucher, posted_at, type_in_book

CAPITAL = "4001"
_FIRST = Period(2023, 1)
_STEP, _RESERVE = 100_000_000, 200_000_000
"""Fen: contributions are whole millions, and leave two millions on an account at its lowest."""


def _lowest(vouchers: Iterable[Voucher]) -> dict[tuple[str, str], int]:
    """Lowest balance of each bank account, over the days of the vouchers."""
    moved: dict[tuple[str, str], dict[datetime, int]] = defaultdict(lambda: defaultdict(int))
    for voucher in vouchers:
        end = voucher.states[-1]
        if voucher.faulty or end.posted_on is None or end.void or end.deleted:
            continue
        for line in voucher.lines:
            if line.account.startswith(BANK):
                moved[voucher.org_code, line.account][voucher.created] += line.debit - line.credit
    lowest: dict[tuple[str, str], int] = {}
    for account, by_moment in moved.items():
        balance = least = 0
        for moment in sorted(by_moment):
            balance += by_moment[moment]
            least = min(least, balance)
        lowest[account] = least
    return lowest


def contributions(vouchers: Iterable[Voucher]) -> Iterator[Voucher]:
    """The contribution of each book that the given vouchers need."""
    needed: dict[str, list[Line]] = defaultdict(list)
    for (org_code, account), least in sorted(_lowest(vouchers).items()):
        amount = -(-(_RESERVE - least) // _STEP) * _STEP
        needed[org_code].append(Line(account, amount, 0, "收到股东投入资本"))
    day = workdays(_FIRST)[0]
    for org_code, lines in needed.items():
        created = datetime(day.year, day.month, day.day, 8, 31)
        total = sum(line.debit for line in lines)
        lines.append(Line(CAPITAL, 0, total, "收到股东投入资本"))
        kind = type_in_book(org_code, "收")
        voucher = Voucher(org_code, _FIRST, kind, day, "GL", created, lines)
        yield posted_at(voucher, created + timedelta(minutes=7))
