"""Closing a period: profit and loss go to 4103 (期间损益结转), and every voucher gets its number.

Belongs here: what is computed from the vouchers already there. Keep out: entries that only fall on the
closing day (``finance_books``, ``finance_concrete``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from demo.ledgers.finance_calendar import REOPENINGS, Period, closed_at
from demo.ledgers.finance_chart import chart
from demo.ledgers.finance_vouchers import Line, Voucher, posted_at, type_in_book

PROFIT = "4103"
_BEFORE_CLOSE = timedelta(minutes=50)
_GAP_EVERY = 640
"""Before about one voucher in so many a number is missing (D11)."""

_Key = tuple[str, str | None, str | None, str | None, str | None]


def _nets(vouchers: Iterable[Voucher]) -> dict[_Key, int]:
    """Credit less debit by profit-and-loss account and auxiliary values."""
    nets: dict[_Key, int] = defaultdict(int)
    for voucher in vouchers:
        for line in voucher.lines:
            if line.account[0] == "6":
                key = (line.account, line.project, line.party, line.park, line.product)
                nets[key] += line.credit - line.debit
    return nets


def _line(key: _Key, net: int, text: str) -> Line:
    account, project, party, park, product = key
    return Line(account, max(net, 0), max(-net, 0), text, project, party, park, product)


def _transfer(
    org_code: str, period: Period, nets: dict[_Key, int], income: bool, moment: datetime
) -> Voucher | None:
    """Bring the income accounts, or the cost accounts, of the book to zero against 4103."""
    text = f"结转{period.number}月{'收入' if income else '成本费用'}"
    accounts = chart(org_code)
    lines = [
        _line(key, net, text)
        for key, net in sorted(nets.items(), key=str)
        if net and (accounts[key[0]].direction == "贷") is income
    ]
    total = sum(line.debit - line.credit for line in lines)
    if not total:
        return None
    lines.append(Line(PROFIT, max(-total, 0), max(total, 0), text))
    kind = type_in_book(org_code, "转")
    voucher = Voucher(org_code, period, kind, period.last_day, "GL", moment, lines, "pl_transfer")
    return posted_at(voucher, moment + timedelta(minutes=12))


def profit_transfers(vouchers: list[Voucher]) -> Iterator[Voucher]:
    """The transfers of every book and period (C12), and those of what a reopened book took in later."""
    by_book: dict[tuple[str, Period], list[Voucher]] = defaultdict(list)
    for voucher in vouchers:
        by_book[voucher.org_code, voucher.period].append(voucher)
    for (org_code, period), held in by_book.items():
        moment = closed_at(org_code, period) - _BEFORE_CLOSE
        first = [v for v in held if v.counts_at(moment)]
        yield from _pair(org_code, period, _nets(first), moment)
        for again in REOPENINGS:
            if (again.org_code, again.period) == (org_code, period):
                later = again.closed_at - _BEFORE_CLOSE
                taken = [v for v in held if v.counts_at(later) and not v.counts_at(moment)]
                yield from _pair(org_code, period, _nets(taken), later)


def _pair(org_code: str, period: Period, nets: dict[_Key, int], moment: datetime) -> Iterator[Voucher]:
    for income in (True, False):
        voucher = _transfer(org_code, period, nets, income, moment)
        if voucher is not None:
            yield voucher


def number(vouchers: list[Voucher]) -> None:
    """Give keys and numbers in the order the vouchers were made; a duplicate repeats its model's number."""
    ordered = sorted(vouchers, key=lambda v: (v.org_code, v.period, v.created))
    serial: dict[tuple[str, Period], int] = defaultdict(int)
    last: dict[tuple[str, Period, str], int] = defaultdict(int)
    for voucher in ordered:
        book, period = voucher.org_code, voucher.period
        serial[book, period] += 1
        voucher.serial = serial[book, period]
        voucher.pk = f"1001A1{book[-2:]}{period.year % 100:02d}{period.text}{voucher.serial:08d}"
        if voucher.same_number_as is not None:
            voucher.number = voucher.same_number_as.number
            continue
        series = (book, period, voucher.voucher_type)
        gap = (voucher.serial * 31 + period.number * 7 + int(book[-2:])) % _GAP_EVERY == 0
        last[series] += 2 if gap else 1
        voucher.number = last[series]
