"""Concrete delivered, as the seller's books settle it: by contract, month and half of the month.

Belongs here: the bridge from tickets to amounts without VAT. Settlement day is the 25th: what is
delivered after it is accrued at the month's end and invoiced with the next month (C09, R11, R40).
Keep out: vouchers (``finance_concrete``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from demo.ledgers.concrete_contracts import Contract, contracts
from demo.ledgers.concrete_tickets import COUNTED, WINDOW_EX_TAX, Ticket, tickets
from demo.ledgers.finance_calendar import Period
from demo.world import AS_OF, YEAR_START, World

SETTLEMENT_DAY = 25
_WINDOW = (Period(YEAR_START.year, YEAR_START.month), Period(AS_OF.year, AS_OF.month))


@dataclass(slots=True)
class Sale:
    """Volume (hundredths of m3) and amount without VAT (fen) on one revenue account."""

    volume: int
    amount: int


@dataclass(slots=True)
class Settlement:
    """One contract's deliveries of one month: up to the settlement day, and after it, by account."""

    contract: Contract
    period: Period
    settled: dict[str, Sale]
    unbilled: dict[str, Sale]


def _account(grade: str) -> str:
    """Revenue account of a grade: impervious (P6, P8), high strength (C50 up), else plain concrete."""
    if "P" in grade:
        return "60010102"
    return "60010103" if grade >= "C50" else "60010101"


def _collected(loads: Iterable[Ticket]) -> dict[tuple[str, Period], Settlement]:
    found: dict[tuple[str, Period], Settlement] = {}
    for ticket in loads:
        if ticket.fate not in COUNTED:
            continue
        day = ticket.sign
        key = (ticket.contract.contract_no, Period(day.year, day.month))
        settlement = found.get(key)
        if settlement is None:
            settlement = found[key] = Settlement(ticket.contract, key[1], {}, {})
        half = settlement.settled if day.day <= SETTLEMENT_DAY else settlement.unbilled
        sale = half.setdefault(_account(ticket.grade), Sale(0, 0))
        sale.volume += ticket.signed
        # Hundredths of m3 x fen with 3% VAT: 103 times the fen without VAT.
        sale.amount += ticket.signed * ticket.price
    return found


def _round_to_fen(settlements: Iterable[Settlement]) -> None:
    for settlement in settlements:
        for sale in (*settlement.settled.values(), *settlement.unbilled.values()):
            sale.amount = (sale.amount + 51) // 103


def _level_window(settlements: list[Settlement]) -> None:
    """Let the window add up to :data:`WINDOW_EX_TAX`: settled amounts take the rounding, in proportion."""
    window = [s for s in settlements if _WINDOW[0] <= s.period <= _WINDOW[1]]
    sales = [sale for s in window for sale in s.settled.values()]
    rest = WINDOW_EX_TAX - sum(x.amount for s in window for x in (*s.settled.values(), *s.unbilled.values()))
    total = sum(sale.amount for sale in sales)
    if abs(rest) * 10_000 > total:
        raise ValueError(f"tickets and revenue are {rest} fen apart: more than rounding explains")
    steps = [rest * sale.amount // total for sale in sales]
    steps[0] += rest - sum(steps)
    for sale, step in zip(sales, steps, strict=True):
        sale.amount += step


def settlements(world: World) -> list[Settlement]:
    """All settlements with amounts in fen, by month and then contract; those of 2024-01..09 are exact.

    Loads that the books do not know of yet on 10 October (late slips) are left out.
    """
    found = _collected(tickets(world))
    order = {contract.contract_no: n for n, contract in enumerate(contracts(world))}
    ordered = [found[key] for key in sorted(found, key=lambda key: (key[1], order[key[0]]))]
    _round_to_fen(ordered)
    _level_window(ordered)
    return ordered
