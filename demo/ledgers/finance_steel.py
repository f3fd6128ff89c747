"""Sales of steel in the books of 建科公司 and 新材料公司, by tonne.

Belongs here: invoices with tonnage and their cost. Between January and September 2024 they add up to
16,500 t and 62,318,540.75 CNY without VAT (row 92 of the bulletin's claims). Keep out: purchases, which
are everyday business.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from demo.ledgers.finance_calendar import Period, months, workdays
from demo.ledgers.finance_parties import pools
from demo.ledgers.finance_vouchers import (
    Line,
    Voucher,
    closing_hour,
    same_day,
    type_in_book,
    working_hour,
)
from demo.world import World

_A_MONTH = {"YWCT-03": 6, "YWCT-10": 8}
_ACCOUNTS = ("60010201", "60010202")
_COST_PCT = 96


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Months with a fixed tonnage (kg) and a fixed amount without VAT (fen)."""

    first: Period
    last: Period
    mass: int
    amount: int


_STRETCHES = (
    _Stretch(Period(2023, 1), Period(2023, 12), 21_400_000, 8_826_455_310),
    _Stretch(Period(2024, 1), Period(2024, 9), 16_500_000, 6_231_854_075),
    _Stretch(Period(2024, 10), Period(2024, 12), 5_260_000, 1_894_512_060),
)


def _shares(total: int, weights: list[int]) -> list[int]:
    """Cut ``total`` in proportion to the weights; the first share takes the rounding."""
    shares = [total * weight // sum(weights) for weight in weights]
    shares[0] += total - sum(shares)
    return shares


def _invoice(
    org_code: str, period: Period, party: str, mass: int, amount: int, rng: random.Random
) -> Voucher:
    tax = (amount * 13 + 50) // 100
    text = f"销售钢材 {period.number}月"
    lines = [
        Line("112202", amount + tax, 0, text, party=party),
        Line(
            rng.choice(_ACCOUNTS),
            0,
            amount,
            text,
            party=party,
            product="steel",
            quantity=Decimal(mass).scaleb(-3),
        ),
        Line("22210102", 0, tax, text),
    ]
    created = working_hour(rng, rng.choice(workdays(period)))
    kind = type_in_book(org_code, "转")
    return same_day(Voucher(org_code, period, kind, created.date(), "AR", created, lines), rng)


def _cost(org_code: str, period: Period, sold: list[Voucher], rng: random.Random) -> Voucher:
    text, amounts = f"结转{period.number}月钢材销售成本", defaultdict[str, int](int)
    for voucher in sold:
        amounts[voucher.lines[1].party or ""] += voucher.lines[1].credit * _COST_PCT // 100
    lines = [Line("640102", amount, 0, text, party=p, product="steel") for p, amount in amounts.items()]
    lines.append(Line("140502", 0, sum(amounts.values()), text))
    created = closing_hour(rng, org_code, period)
    kind = type_in_book(org_code, "转")
    return same_day(Voucher(org_code, period, kind, period.last_day, "CC", created, lines), rng)


def _stretch_vouchers(world: World, stretch: _Stretch, rng: random.Random) -> Iterator[Voucher]:
    spots = [
        (org_code, period)
        for period in months()
        if stretch.first <= period <= stretch.last
        for org_code, times in _A_MONTH.items()
        for _ in range(times)
    ]
    masses = _shares(stretch.mass, [rng.randint(40, 160) for _ in spots])
    amounts = _shares(stretch.amount, [mass // 100 * rng.randint(960, 1040) for mass in masses])
    sold: dict[tuple[str, Period], list[Voucher]] = defaultdict(list)
    for (org_code, period), mass, amount in zip(spots, masses, amounts, strict=True):
        party = rng.choice(pools(world, org_code)["steel_buyer"])
        sold[org_code, period].append(_invoice(org_code, period, party, mass, amount, rng))
    for (org_code, period), vouchers in sold.items():
        yield from vouchers
        yield _cost(org_code, period, vouchers, rng)


def steel_sales(world: World) -> Iterator[Voucher]:
    """All vouchers about steel sold."""
    rng = world.rng("fin_gl:steel")
    for stretch in _STRETCHES:
        yield from _stretch_vouchers(world, stretch, rng)
