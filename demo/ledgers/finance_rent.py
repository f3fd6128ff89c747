"""Rent and fees of the parks in the books, as the bills of ``bills`` have it.

Belongs here: what is billed, what is received of each bill, and the revenue of rent month by month on the
straight line of ``rent_months`` (R15-R17). Rent billed waits in 220304 until its month; deposits are booked
when they come; interest on late rent is revenue, with an invoice, once it is paid. Keep out: bills themselves, and the
property company's own contracts, which are everyday business.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
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
_DEPOSITS, _VAT, _SIMPLE_VAT, _UNPAID_INTEREST = "224101", "22210102", "222106", "220305"
_SIMPLE_BP = (300, 500)
_UTILITIES = ("water", "electric", "gas")
_REVENUE = {"rent": DEFERRED, "late_fee": INTEREST, "property": PROPERTY} | dict.fromkeys(
    _UTILITIES, UTILITIES
)
_PRODUCT = {PROPERTY: "property_fee", UTILITIES: "utility", INTEREST: "other"}
_WITH_PARK = (PROPERTY, UTILITIES)
_BILLS_A_VOUCHER, _RECEIPTS_A_VOUCHER = 16, 12


T = TypeVar("T")


def _chunks(found: list[T], size: int) -> Iterator[list[T]]:
    return (found[at : at + size] for at in range(0, len(found), size))


def _owed(bill: Bill) -> str:
    return FEES_OWED if bill.fee_type in _UTILITIES else RENT_OWED


def net_of(bill: Bill) -> int:
    """Fen of the bill without VAT, half up."""
    return (2 * bill.amount * 10_000 + 10_000 + bill.tax_bp) // (2 * (10_000 + bill.tax_bp))


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
        """Bills of each company, day and kind: a receivable, revenue and tax for each."""
        by_day = defaultdict[tuple[date, str, str], list[Bill]](list)
        for bill in found:
            if bill.fee_type != "deposit":
                kind = bill.fee_type if bill.fee_type in ("rent", "late_fee") else "fees"
                by_day[bill.issued_on, bill.org_code, kind].append(bill)
        for (day, org_code, kind), of_day in sorted(by_day.items()):
            lines_of = self._interest_lines if kind == "late_fee" else self._bill_lines
            for some in _chunks(of_day, _BILLS_A_VOUCHER):
                yield self._voucher(org_code, "转", day, [line for bill in some for line in lines_of(bill)])

    def _bill_lines(self, bill: Bill) -> Iterator[Line]:
        text = f"开具{bill.cycle_start:%Y年%m月}起账单"
        owed = Line(_owed(bill), bill.amount, 0, text, party=self._party(bill), doc=bill.bill_no)
        yield from (owed, *self._sold(bill, text))

    def _sold(self, bill: Bill, text: str) -> Iterator[Line]:
        """Revenue of the bill and the tax of its invoice."""
        account, net = _REVENUE[bill.fee_type], net_of(bill)
        park, product = bill.park_code if account in _WITH_PARK else None, _PRODUCT.get(account)
        yield Line(account, 0, net, text, party=self._party(bill), park=park, product=product)
        vat = _SIMPLE_VAT if bill.tax_bp in _SIMPLE_BP else _VAT
        yield Line(vat, 0, bill.amount - net, text, doc=bill.invoice_no)

    def _interest_lines(self, bill: Bill) -> Iterator[Line]:
        """Interest is owed from its bill on, and earned when it is paid."""
        text, party, doc = "计收滞纳金", self._party(bill), bill.bill_no
        yield Line(RENT_OWED, bill.amount, 0, text, party=party, doc=doc)
        yield Line(_UNPAID_INTEREST, 0, bill.amount, text, party=party, doc=doc)

    def _party(self, bill: Bill) -> str:
        return self.party[bill.enterprise_id]

    def interest_settled(self, found: Iterable[Bill]) -> Iterator[Voucher]:
        """Invoice and revenue of interest on the day it is paid; on the day it is waived, it is owed no more."""
        for bill in (bill for bill in found if bill.fee_type == "late_fee"):
            party, doc = self._party(bill), bill.bill_no
            for day, _ in bill.receipts:
                text = "开具滞纳金发票"
                earned = Line(_UNPAID_INTEREST, bill.amount, 0, text, party=party, doc=doc)
                yield self._voucher(bill.org_code, "转", day, [earned, *self._sold(bill, text)])
            if bill.waived_on is not None:
                lines = [replace(x, debit=x.credit, credit=x.debit) for x in self._interest_lines(bill)]
                yield self._voucher(bill.org_code, "转", bill.waived_on, lines)

    def received(self, found: Iterable[Bill]) -> Iterator[Voucher]:
        """What came in by company and day; deposits apart."""
        by_day = defaultdict[tuple[date, str, bool], list[tuple[Bill, int]]](list)
        for bill in found:
            for day, fen in bill.receipts:
                by_day[day, bill.org_code, bill.fee_type == "deposit"].append((bill, fen))
        for (day, org_code, deposit), of_day in sorted(by_day.items(), key=lambda entry: entry[0]):
            for some in _chunks(of_day, _RECEIPTS_A_VOUCHER):
                yield self._voucher(org_code, "收", day, self._receipt_lines(org_code, some, deposit))

    def _receipt_lines(self, org_code: str, some: list[tuple[Bill, int]], deposit: bool) -> list[Line]:
        text, purpose = ("收到租赁押金", "deposit") if deposit else ("收到租金及园区费用", "rent")
        bank, total = self.rng.choice(leaves(org_code, "100201")), sum(fen for _, fen in some)
        paid = [
            Line(
                _DEPOSITS if deposit else _owed(bill), 0, fen, text, party=self._party(bill), doc=bill.bill_no
            )
            for bill, fen in some
        ]
        return [Line(bank, total, 0, text, purpose=purpose), *paid]

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
    yield from books.interest_settled(found)
    yield from books.recognised()
