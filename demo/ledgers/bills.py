"""What the parks bill and what is paid: the bills behind ``park_bill``, and the revenue of rent.

Belongs here: bills of 2023 and 2024 with the day they are issued and the payments that follow. Rent is
billed in advance by the lease's cycle, of a month up to a year (D19); property and utilities monthly
afterwards; a deposit when a first lease begins; interest when rent was paid late. Amounts include tax.
Incubatees hold no lease and are billed all the same. Keep out: rows and dirt, what a lease owes
(``rent``), vouchers.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from demo.ledgers.leases import Lease, leases
from demo.ledgers.rent import RentMonth, half_up, rent_inc_tax, rent_months, rent_tax_bp
from demo.ledgers.stays import PUBLIC_PARK, Stay, stays
from demo.seed_files import seed_tree
from demo.workdays import month_end, months_between, next_workday, previous_workday
from demo.world import HISTORY_END, HISTORY_START, World

__all__ = ["FEE_TAX_BP", "Bill", "RentMonth", "bills", "rent_months"]

FEE_TAX_BP = {"property": 600, "water": 300, "electric": 1300, "gas": 900, "deposit": 0, "late_fee": 900}
"""VAT rates of the fees in 1/100 %; that of rent depends on the park (``rent.rent_tax_bp``)."""

_MONTHS = {"month": 1, "quarter": 3, "half": 6, "year": 12}
_LATE_FROM_DAYS = 20
_LATE_FEE_PER_DAY = 5  # 1/10,000 of what was late
_FIRST_INVOICE = 1_000_000


@dataclass(frozen=True, slots=True)
class Bill:
    """One bill. ``amount`` is fen including tax, ``tax_bp`` its VAT rate (900 = 9 %), days are included.

    ``receipts`` holds (day, fen). ``waived_on``: given up on that day, with nothing received; only
    interest is ever waived. A deposit carries no tax and no invoice, interest none until it is paid.
    """

    bill_no: str
    lease_no: str | None
    enterprise_id: str
    park_code: str
    org_code: str
    fee_type: str
    cycle_start: date
    cycle_end: date
    amount: int
    tax_bp: int
    due_date: date
    issued_on: date
    invoice_no: str | None
    receipts: tuple[tuple[date, int], ...]
    waived_on: date | None = None


@dataclass(frozen=True, slots=True)
class _Holder:
    """Whom a bill goes to."""

    lease_no: str | None
    enterprise_id: str
    park_code: str
    org_code: str


@lru_cache(maxsize=2)
def bills(world: World) -> tuple[Bill, ...]:
    """All bills issued in 2023 and 2024, numbered through each month in the order they were issued."""
    rng = world.rng("park_bill")
    found: list[Bill] = []
    for lease in leases(world):
        found += _of_lease(lease, rng)
    present, further = _payers(world)
    found += _fees(world, present, rng)
    found = [_paid(bill, rng) for bill in found]
    found += [fee for bill in found if (fee := _interest(bill, rng)) is not None]
    # Of a larger scale: issued and paid in 2023, numbered behind the others, so that none of these moves.
    more = [
        replace(bill, receipts=((bill.due_date, bill.amount),))
        for bill in _fees(world, further, world.rng("park_bill.further"), without_lease=True)
        if bill.due_date.year == HISTORY_START.year
    ]
    return _numbered(found, more)


def _payers(world: World) -> tuple[list[Stay], list[Stay]]:
    """Companies that pay fees, and those that only a larger scale has; sub-tenants pay their landlord."""
    companies: dict[str, Any] = seed_tree("companies")
    paying = [s for s in stays(world) if s.in_date is not None and s.tenant_kind != "sub_tenant"]
    of_scale_1 = {s.enterprise_id for s in stays(world)[: companies["counts"]["in_all"]]}
    further = [s for s in paying if s.enterprise_id not in of_scale_1]
    return [s for s in paying if s.enterprise_id in of_scale_1], further


# --- what is billed ----------------------------------------------------------------------------------


def _of_lease(lease: Lease, rng: random.Random) -> Iterator[Bill]:
    holder = _Holder(lease.lease_no, lease.enterprise_id, lease.park_code, lease.org_code)
    first, months = lease.start, _MONTHS[lease.pay_cycle]
    issued = previous_workday(lease.recorded.date())
    if lease.version == 1 and HISTORY_START <= issued <= HISTORY_END and lease.start >= HISTORY_START:
        yield _bill(holder, "deposit", lease.start, lease.end, lease.deposit, issued, 10)
    while first < lease.held_to and first <= HISTORY_END:
        after = min(_after_cycle(first, months), lease.held_to)
        amount = half_up(rent_inc_tax(lease, first, after))
        # The first bill of a lease follows its entry, the others come some days before their cycle.
        usual = previous_workday(first - timedelta(days=rng.randint(9, 14)))
        day = max(usual, issued)
        if amount and first >= HISTORY_START and day <= HISTORY_END:
            yield _bill(holder, "rent", first, after - timedelta(days=1), amount, day, 12)
        first = after


def _after_cycle(first: date, months: int) -> date:
    """First day after the cycle: cycles end with a month, so a start in mid-month makes the first shorter."""
    for _ in range(months):
        first = month_end(first) + timedelta(days=1)
    return first


def _bill(holder: _Holder, fee: str, first: date, last: date, amount: int, issued: date, days: int) -> Bill:
    tax = rent_tax_bp(holder.park_code) if fee == "rent" else FEE_TAX_BP[fee]
    issued = max(issued, HISTORY_START + timedelta(days=2))
    return Bill(
        "", holder.lease_no, holder.enterprise_id, holder.park_code, holder.org_code, fee, first, last,
        amount, tax, next_workday(issued + timedelta(days=days)), issued, None, (),
    )  # fmt: skip


def _fees(
    world: World, payers: list[Stay], rng: random.Random, *, without_lease: bool = False
) -> Iterator[Bill]:
    """Property, water, electricity and gas of every month, issued early in the next one."""
    told: dict[str, Any] = seed_tree("estate")["leases"]
    areas = _areas_by_month(world)
    for stay in payers:
        assert stay.in_date is not None
        kind, org = told[world.park(stay.park_code).park_kind], world.park(stay.park_code).org_code
        for month in months_between(max(stay.in_date, HISTORY_START), stay.exit_date or HISTORY_END):
            lease_no, area = areas.get((stay.enterprise_id, month), (None, 4_500))
            if lease_no is None and stay.tenant_kind != "incubatee" and not without_lease:
                continue
            holder = _Holder(lease_no, stay.enterprise_id, stay.park_code, org)
            yield from _of_month(holder, stay, month, area, kind["property"], rng)


@lru_cache(maxsize=2)
def _areas_by_month(world: World) -> dict[tuple[str, date], tuple[str, int]]:
    """(company, month) → number and area of the lease it pays fees by."""
    areas: dict[tuple[str, date], tuple[str, int]] = {}
    for lease in leases(world):
        for month in months_between(max(lease.start, HISTORY_START), HISTORY_END):
            if lease.held_on(max(month, lease.start)) and month_end(month) >= lease.start:
                areas[lease.enterprise_id, month] = (lease.lease_no, lease.area)
    return areas


def _of_month(
    holder: _Holder, stay: Stay, month: date, area: int, price: float, rng: random.Random
) -> Iterator[Bill]:
    last, issued = month_end(month), next_workday(month_end(month) + timedelta(days=rng.randint(3, 7)))
    if issued > HISTORY_END:
        return
    amounts = {
        "property": round(area * price),
        "water": rng.randint(40, 60 + area // 900) * 480,
        "electric": rng.randint(200 + area // 400, 900 + area // 60) * 83,
    }
    if stay.industry_code.startswith(("3", "2")) and int(stay.enterprise_id[:2], 16) < 40:
        amounts["gas"] = rng.randint(80, 900) * 395
    if stay.park_code == PUBLIC_PARK:
        del amounts["water"]
    for fee, amount in amounts.items():
        yield _bill(holder, fee, month, last, amount, issued, 15)


# --- what is paid ------------------------------------------------------------------------------------


def _paid(bill: Bill, rng: random.Random) -> Bill:
    """The bill with its payments: most on time, some late, some in two parts, few not at all."""
    draw, share = rng.random(), rng.uniform(0.3, 0.8)
    on_time = _weekday(bill.due_date - timedelta(days=rng.randint(0, 9)), bill.issued_on)
    late = _weekday(bill.due_date + timedelta(days=rng.randint(6, 75)), bill.issued_on)
    last = _weekday(late + timedelta(days=rng.randint(10, 60)), late)
    if bill.fee_type == "deposit" or draw < 0.90:
        paid = [(on_time, bill.amount)]
    elif draw < 0.955:
        paid = [(late, bill.amount)]
    elif draw < 0.985:
        part = int(bill.amount * share) // 100 * 100
        paid = [(on_time, part), (last, bill.amount - part)]
    elif draw < 0.993:
        paid = [(late, int(bill.amount * share) // 100 * 100)]
    else:
        paid = []
    return replace(bill, receipts=tuple((day, fen) for day, fen in paid if day <= HISTORY_END and fen))


def _weekday(day: date, first: date) -> date:
    return next_workday(max(day, first))


def _interest(bill: Bill, rng: random.Random) -> Bill | None:
    """Interest on rent that came more than twenty days late; a quarter of it is waived."""
    draw, days = rng.random(), rng.randint(5, 25)
    if bill.fee_type != "rent" or not bill.receipts:
        return None
    paid_on, paid = bill.receipts[-1]
    late = (paid_on - bill.due_date).days
    issued = next_workday(paid_on + timedelta(days=3))
    if late <= _LATE_FROM_DAYS or issued > HISTORY_END:
        return None
    amount = paid * late * _LATE_FEE_PER_DAY // 10_000
    holder = _Holder(bill.lease_no, bill.enterprise_id, bill.park_code, bill.org_code)
    fee = _bill(holder, "late_fee", bill.due_date + timedelta(days=1), paid_on, amount, issued, 15)
    settled = _weekday(issued + timedelta(days=days), issued)
    if settled > HISTORY_END or draw > 0.85:
        return fee
    return replace(fee, waived_on=settled) if draw < 0.25 else replace(fee, receipts=((settled, amount),))


# --- numbers -----------------------------------------------------------------------------------------


def _numbered(*groups: list[Bill]) -> tuple[Bill, ...]:
    """Each group in the order it was issued; a later group's numbers follow those of the earlier ones."""
    counts: dict[str, int] = {}
    numbered: list[Bill] = []
    for group in groups:
        for bill in sorted(group, key=lambda b: (b.issued_on, b.enterprise_id, b.fee_type, b.cycle_start)):
            month = f"{bill.issued_on:%Y%m}"
            counts[month] = counts.get(month, 0) + 1
            untaxed = bill.fee_type == "deposit" or (bill.fee_type == "late_fee" and not bill.receipts)
            serial = _FIRST_INVOICE + len(numbered)
            invoice = f"{bill.issued_on:%y}332000{bill.issued_on:%m}{serial:010d}"
            number = f"ZD-{month}-{counts[month]:05d}"
            numbered.append(replace(bill, bill_no=number, invoice_no=None if untaxed else invoice))
    return tuple(numbered)
