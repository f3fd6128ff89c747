"""What a lease owes for a stretch of days, and what of it is revenue of which month.

Belongs here: the arithmetic of rent. A whole month costs area x price, a part of a month its share of the
days of that month, and rent-free days nothing. Revenue is the rent of the whole term without tax, spread
evenly over the term, the rent-free days included (CAS 21: the straight line); where a version ends before
its term, its last month takes up the difference to what was owed by then. Keep out: bills and receipts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from functools import lru_cache

from demo.ledgers.leases import Lease, leases
from demo.workdays import month_end, months_between
from demo.world import HISTORY_END, HISTORY_START, World

MONTH = 377_580
"""Ticks of a month: the least number that 28, 29, 30 and 31 divide, so that every day is whole ticks."""

SIMPLE_TAX_PARKS = frozenset({"PK-01"})
"""Parks whose buildings are older than May 2016: their rent is taxed at 5 % by the simple method."""


@dataclass(frozen=True, slots=True)
class RentMonth:
    """Revenue of one lease in one month: fen without tax, straight line."""

    org_code: str
    park_code: str
    lease_no: str
    enterprise_id: str
    year: int
    month: int
    amount: int


def rent_tax_bp(park_code: str) -> int:
    """VAT rate of rent in 1/100 %: 900 = 9 %."""
    return 500 if park_code in SIMPLE_TAX_PARKS else 900


def half_up(value: Fraction) -> int:
    """Nearest whole number; a half goes up."""
    return int((2 * value.numerator + value.denominator) // (2 * value.denominator))


def ticks_of(first: date, after: date) -> int:
    """Time from ``first`` to ``after`` (exclusive) in ticks; part of a month is its share of the days."""
    if first >= after:
        return 0
    last = after - timedelta(days=1)
    return sum(_share(month, first, last) for month in months_between(first, last))


def _share(month: date, first: date, last: date) -> int:
    end = month_end(month)
    return ((min(last, end) - max(first, month)).days + 1) * (MONTH // end.day)


def rent_inc_tax(lease: Lease, first: date, after: date) -> Fraction:
    """Rent in fen, tax included and not rounded, owed for ``first`` to ``after`` (exclusive)."""
    paid = ticks_of(first, after)
    if lease.free_start and lease.free_end:
        free_after = lease.free_end + timedelta(days=1)
        paid -= ticks_of(max(first, lease.free_start), min(after, free_after))
    return Fraction(lease.area * lease.price * paid, 10_000 * MONTH)


@lru_cache(maxsize=2)
def rent_months(world: World) -> tuple[RentMonth, ...]:
    """Revenue of every lease in every month of 2023 and 2024, as the books take it.

    What they learn weeks late (a lease entered late, a tenant that left unnoticed) they take up in the
    month they learn it, the months before staying as they were.
    """
    return tuple(month for lease in leases(world) for month in _schedule(lease))


def _schedule(lease: Lease) -> Iterator[RentMonth]:
    before, known = 0, lease.recorded.date().replace(day=1)
    noticed = _noticed(lease)
    last = max(lease.held_to - timedelta(days=1), noticed)
    for month in months_between(lease.start, min(last, HISTORY_END)):
        if lease.late and month < known:
            continue
        after = month_end(month) + timedelta(days=1)
        until = _recognised(lease, after, ended=after >= lease.held_to and month >= noticed.replace(day=1))
        if month >= HISTORY_START:
            yield RentMonth(
                lease.org_code,
                lease.park_code,
                lease.lease_no,
                lease.enterprise_id,
                month.year,
                month.month,
                until - before,
            )
        before = until


def _noticed(lease: Lease) -> date:
    """When an end was learnt, where that was weeks later; the first day else."""
    if lease.terminated_at and lease.terminated == lease.held_to:
        at = lease.terminated_at.date()
        return at if (at - lease.held_to).days > 14 else lease.start
    return lease.start


def _recognised(lease: Lease, after: date, *, ended: bool) -> int:
    """Fen of revenue from the start to ``after`` (exclusive); a version that ended: what was owed by then."""
    tax = Fraction(10_000, 10_000 + rent_tax_bp(lease.park_code))
    if ended:
        return half_up(rent_inc_tax(lease, lease.start, lease.held_to) * tax)
    term_to = lease.end + timedelta(days=1)
    whole = rent_inc_tax(lease, lease.start, term_to) * tax
    share = Fraction(ticks_of(lease.start, min(after, term_to)), ticks_of(lease.start, term_to))
    return half_up(whole * share)
