"""Rent and fees in the books follow the bills of the parks and the straight line of the leases."""

from collections import defaultdict
from datetime import datetime

import pytest

from demo.ledgers import finance_gl
from demo.ledgers.bills import bills, rent_months
from demo.ledgers.finance_parties import tenant_codes
from demo.ledgers.finance_rent import DEFERRED, FEES_OWED, RENT, RENT_OWED, net_of
from demo.ledgers.finance_vouchers import Voucher
from demo.world import World

END = datetime(2024, 12, 31, 23, 59)
OF_RENT = ("rent", "property", "late_fee")


@pytest.fixture(scope="module")
def vouchers() -> list[Voucher]:
    return [v for v in finance_gl.vouchers(World()) if v.counts_at(END) and v.kind != "pl_transfer"]


def balances(vouchers: list[Voucher], account: str) -> dict[str | None, int]:
    found: dict[str | None, int] = defaultdict(int)
    for voucher in vouchers:
        for line in voucher.lines:
            if line.account == account:
                found[line.party] += line.debit - line.credit
    return {party: fen for party, fen in found.items() if fen}


def test_revenue_of_rent_is_the_straight_line_by_park_and_month(vouchers: list[Voucher]) -> None:
    """R15."""
    booked: dict[tuple[str | None, int, int], int] = defaultdict(int)
    for voucher in vouchers:
        for line in voucher.lines:
            if line.account == RENT:
                booked[line.park, voucher.period.year, voucher.period.number] += line.credit - line.debit
    due: dict[tuple[str | None, int, int], int] = defaultdict(int)
    for month in rent_months(World()):
        if (month.year, month.month) < (2024, 12):
            due[month.park_code, month.year, month.month] += month.amount
    assert len(due) > 200
    assert {k: v for k, v in booked.items() if k[1:] < (2024, 12)} == due


@pytest.mark.parametrize(
    ("account", "fees"), [(RENT_OWED, OF_RENT), (FEES_OWED, ("water", "electric", "gas"))]
)
def test_what_a_tenant_owes_is_billed_less_received(
    vouchers: list[Voucher], account: str, fees: tuple[str, ...]
) -> None:
    """R16."""
    world, owed = World(), defaultdict[str | None, int](int)
    codes = tenant_codes(world)
    for bill in bills(world):
        if bill.fee_type in fees and bill.issued_on <= END.date():
            paid = sum(fen for _, fen in bill.receipts) + (bill.amount if bill.waived_on else 0)
            owed[codes[bill.enterprise_id]] += bill.amount - paid
    found = balances([v for v in vouchers if v.source == "AR"], account)
    own = {party: fen for party, fen in found.items() if party in owed}
    if account == RENT_OWED:
        assert own == found, "nobody else has such an account"
        assert own == {party: fen for party, fen in owed.items() if fen}


def test_bank_lines_name_every_receipt_of_a_bill(vouchers: list[Voucher]) -> None:
    """R17."""
    received: dict[tuple[str, str], int] = defaultdict(int)
    for voucher in vouchers:
        bank = next((line for line in voucher.lines if line.purpose in ("rent", "deposit")), None)
        for line in voucher.lines if bank else ():
            if line.party and line.doc and line.credit:
                received[line.doc, bank.purpose or ""] += line.credit  # type: ignore[union-attr]
    expected: dict[tuple[str, str], int] = defaultdict(int)
    for bill in bills(World()):
        for day, fen in bill.receipts:
            assert day <= END.date()
            expected[bill.bill_no, "deposit" if bill.fee_type == "deposit" else "rent"] += fen
    assert received == expected


def test_every_invoice_of_a_bill_has_one_line_of_tax(vouchers: list[Voucher]) -> None:
    lines = {
        line.doc: line.credit
        for voucher in vouchers
        for line in voucher.lines
        if line.account in ("22210102", "222106") and line.doc
    }
    for bill in bills(World()):
        if bill.invoice_no is not None and bill.amount > net_of(bill):
            assert lines[bill.invoice_no] == bill.amount - net_of(bill), bill


def test_deferred_rent_is_what_was_billed_and_not_yet_earned(vouchers: list[Voucher]) -> None:
    billed = sum(net_of(bill) for bill in bills(World()) if bill.fee_type == "rent")
    lines = [line for voucher in vouchers for line in voucher.lines if line.account == RENT]
    earned = sum(line.credit - line.debit for line in lines)
    assert sum(balances(vouchers, DEFERRED).values()) == earned - billed
