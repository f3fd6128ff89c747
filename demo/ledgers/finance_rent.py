"""Rent and fees of the parks in the books, as the bills of ``bills`` have it.

Belongs here: what is billed, what is received of each bill, and the revenue of rent month by month on the
straight line of ``rent_months`` (R15-R17). Rent billed waits in 220304 until its month; deposits are booked
when they come; interest on late rent carries no tax until it is paid. Keep out: bills themselves, and the
property company's own contracts, which are everyday business.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import groupby
from operator import attrgetter
from typing import TypeVar

from demo.ledgers.bills import Bill, bills, rent_months
from demo.ledgers.finance_calendar import Period
from demo.ledgers.finance_chart import leaves
from demo.ledgers.finance_parties import tenant_codes
from demo.ledgers.finance_vouchers import (
    Line,
    Voucher,
    closing_hour,
    same_day,
    type_in_book,
    working_hour,
)
from demo.world import World

RENT_OWED, FEES_OWED = "112204", "112205"
DEFERRED, RENT, PROPERTY, UTILITIES, INTEREST = "220304", "605101", "600104", "605102", "605105"
_DEPOSITS, _VAT, _SIMPLE_VAT, _WAITING_VAT = "224101", "22210102", "222106", "222105"
_SIMPLE_BP = (300, 500)
_UTILITIES = ("water", "electric", "gas")
_REVENUE = {"rent": DEFERRED, "late_fee": INTEREST, "property": PROPERTY} | dict.fromkeys(
    _UTILITIES, UTILITIES
)
_PRODUCT = {PROPERTY: "property_fee", UTILITIES: "utility", INTEREST: "other"}
_WITH_PARK = (PROPERTY, UTILITIES)
_TENANTS_A_VOUCHER, _RECEIPTS_A_VOUCHER = 6, 12


T = TypeVar("T")


def _chunks(found: list[T], size: int) -> Iterator[list[T]]:
    return (found[at : at + size] for at in range(0, len(found), size))


def _owed(bill: Bill) -> str:
    return FEES_OWED if bill.fee_type in _UTILITIES else RENT_OWED


def net_of(bill: Bill) -> int:
    """Fen of the bill without VAT, half up."""
    return (2 * bill.amount * 10_000 + 10_000 + bill.tax_bp) // (2 * (10_000 + bill.tax_bp))


def _vat_account(bill: Bill) -> str:
    if bill.fee_type == "late_fee":
        return _WAITING_VAT
    return _SIMPLE_VAT if bill.tax_bp in _SIMPLE_BP else _VAT


class _Books:
    """Draws the vouchers of one world."""

    def __init__(self, world: World) -> None:
        self.world, self.rng = world, world.rng("fin_gl:bills")
        self.party = tenant_codes(world)

    def _voucher(self, org_code: str, kind: str, day: date, lines: list[Line]) -> Voucher:
        created, period = working_hour(self.rng, day), Period(day.year, day.month)
        kind = type_in_book(org_code, kind)
        return same_day(Voucher(org_code, period, kind, day, "AR", created, lines), self.rng)

    def billed(self, found: Iterable[Bill]) -> Iterator[Voucher]:
        """Bills of each company, day and kind; the fees of a tenant stand together."""
        by_day = defaultdict[tuple[date, str, bool], list[Bill]](list)
        for bill in found:
            if bill.fee_type != "deposit":
                by_day[bill.issued_on, bill.org_code, bill.fee_type in ("rent", "late_fee")].append(bill)
        for (day, org_code, _), of_day in sorted(by_day.items()):
            tenants = [list(own) for _, own in groupby(of_day, attrgetter("enterprise_id"))]
            for some in _chunks(tenants, _TENANTS_A_VOUCHER):
                lines = [line for own in some for line in self._bill_lines(own)]
                yield self._voucher(org_code, "转", day, lines)

    def _bill_lines(self, own: list[Bill]) -> Iterator[Line]:
        """A tenant's bills of one day: a receivable and tax for each, revenue by account."""
        party, park = self.party[own[0].enterprise_id], own[0].park_code
        text, nets = f"开具{own[0].cycle_start:%Y年%m月}起账单", defaultdict[str, int](int)
        for bill in own:
            yield Line(_owed(bill), bill.amount, 0, text, party=party, doc=bill.bill_no)
            nets[_REVENUE[bill.fee_type]] += net_of(bill)
        for account, net in nets.items():
            of_park = park if account in _WITH_PARK else None
            yield Line(account, 0, net, text, party=party, park=of_park, product=_PRODUCT.get(account))
        for bill in own:
            if tax := bill.amount - net_of(bill):
                doc = bill.bill_no if bill.fee_type == "late_fee" else bill.invoice_no
                yield Line(_vat_account(bill), 0, tax, text, doc=doc)

    def received(self, found: Iterable[Bill]) -> Iterator[Voucher]:
        """What came in by company and day; deposits apart."""
        by_day = defaultdict[tuple[date, str, bool], list[tuple[Bill, int]]](list)
        for bill in found:
            for day, fen in bill.receipts:
                by_day[day, bill.org_code, bill.fee_type == "deposit"].append((bill, fen))
        for (day, org_code, deposit), of_day in sorted(by_day.items(), key=lambda entry: entry[0]):
            for some in _chunks(of_day, _RECEIPTS_A_VOUCHER):
                yield self._voucher(org_code, "收", day, self._receipt_lines(org_code, some, deposit))

    def _receipt_lines(self, org_code: str, some: Iterable[tuple[Bill, int]], deposit: bool) -> list[Line]:
        text, purpose = ("收到租赁押金", "deposit") if deposit else ("收到租金及园区费用", "rent")
        lines, total = list[Line](), 0
        for bill, fen in some:
            account = _DEPOSITS if deposit else _owed(bill)
            lines.append(Line(account, 0, fen, text, party=self.party[bill.enterprise_id], doc=bill.bill_no))
            total += fen
            if bill.fee_type == "late_fee":
                tax = bill.amount - net_of(bill)
                lines.append(Line(_WAITING_VAT, tax, 0, text, doc=bill.bill_no))
                lines.append(Line(_VAT, 0, tax, text, doc=bill.invoice_no))
        bank = self.rng.choice(leaves(org_code, "100201"))
        return [Line(bank, total, 0, text, purpose=purpose), *lines]

    def waived(self, found: Iterable[Bill]) -> Iterator[Voucher]:
        """Interest given up: the entry of the bill with its sides turned."""
        for bill in found:
            if bill.waived_on is not None:
                lines = list(self._bill_lines([bill]))
                for line in lines:
                    line.debit, line.credit, line.summary = line.credit, line.debit, "减免滞纳金"
                yield self._voucher(bill.org_code, "转", bill.waived_on, lines)

    def recognised(self) -> Iterator[Voucher]:
        """Revenue of rent at each close, a voucher for each park; what was too much is taken back."""
        amounts = defaultdict[tuple[Period, str, str], dict[str, int]](lambda: defaultdict(int))
        for month in rent_months(self.world):
            own = amounts[Period(month.year, month.month), month.org_code, month.park_code]
            own[self.party[month.enterprise_id]] += month.amount
        for (period, org_code, park_code), of_park in sorted(amounts.items()):
            lines, text = list[Line](), f"确认{period.number}月租金收入"
            for party, fen in of_park.items():
                if fen:
                    more, less = max(fen, 0), max(-fen, 0)
                    lines.append(Line(DEFERRED, more, less, text, party=party))
                    lines.append(Line(RENT, less, more, text, party=party, park=park_code, product="rent"))
            created = closing_hour(self.rng, org_code, period)
            kind = type_in_book(org_code, "转")
            made = Voucher(org_code, period, kind, period.last_day, "AR", created, lines)
            if lines:
                yield same_day(made, self.rng)


def rent_and_fees(world: World) -> Iterator[Voucher]:
    """All vouchers about rent and fees of the parks; about 3,000 a year at scale 1."""
    books, found = _Books(world), bills(world)
    yield from books.billed(found)
    yield from books.received(found)
    yield from books.waived(found)
    yield from books.recognised()
