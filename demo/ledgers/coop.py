"""Payments to partner villages (山海协作消薄): who is paid what and when.

Belongs here: the payments behind the workbooks (``coop_files``) and the books (``finance_coop``). January to
September 2024 hold 36 villages of 莲都区 with three payments each, together :data:`YTD_FEN`. Beside them
stand villages of another county, villages of the year before, a village on the list that is paid nothing,
and a payment of 9 October. Keep out: rows and dirt, vouchers.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache

from demo.ledgers.forms import split_units
from demo.seed_files import seed_rows
from demo.world import World

REGION = "331102"
YTD_FEN = 187_500_000
RATE = Decimal("3.7500")
"""CNY per m3 of the volume the villages are reckoned on, which is not the volume delivered."""

_STEP_HUNDREDTHS, _STEP_FEN = 4, 15
"""Volumes are whole steps of 0.04 m3, so that each amount is whole fen."""

_DAYS_2023 = (date(2023, 3, 23), date(2023, 6, 15), date(2023, 9, 14), date(2023, 12, 14))
_DAYS_YTD = (date(2024, 4, 25), date(2024, 7, 18), date(2024, 9, 12))
_DAY_Q4 = date(2024, 12, 12)
AFTER_QUARTER = date(2024, 10, 9)
"""Day of a payment that the file of the third quarter holds already."""
_EXTRA_STEPS, _STEPS_2023, _STEPS_Q4 = 96_000, 12_000_000, 4_000_000
RETURNED = (7, date(2024, 9, 12))
"""The payment (number of the village, day) that the bank returned, paid again eleven days later."""


@dataclass(frozen=True, slots=True)
class Village:
    """A partner village; ``code`` has 12 digits and begins with its county."""

    code: str
    name: str
    first_year: int
    last_year: int
    is_paid: bool

    @property
    def region(self) -> str:
        """Six-digit code of its county."""
        return self.code[:6]

    @property
    def party(self) -> str:
        """Its code among the counterparties of the books."""
        return f"CZ{self.code}"


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment; ``basis`` is hundredths of m3, ``amount`` fen; an amount of 0 was never paid."""

    village: Village
    day: date
    seq: int
    basis: int
    amount: int

    @property
    def doc(self) -> str:
        """How the books and the bank name it."""
        return f"{self.village.code}|{self.day}|{self.seq}"


@lru_cache(maxsize=1)
def villages() -> tuple[Village, ...]:
    """All villages of ``seeds/coop_villages.csv``."""
    return tuple(
        Village(
            row["village_code"],
            row["village_name"],
            int(row["first_year"]),
            int(row["last_year"]),
            row["state"] == "paid",
        )
        for row in seed_rows("coop_villages")
    )


def _of_year(year: int, *, home: bool) -> list[Village]:
    return [
        v
        for v in villages()
        if v.is_paid and v.first_year <= year <= v.last_year and (v.region == REGION) == home
    ]


def _dealt(
    found: list[Village], days: tuple[date, ...], steps: int, rng: random.Random, seqs: int = 1
) -> Iterator[Payment]:
    """``steps`` spread over villages, days and ``seqs`` payments a day."""
    spots = [(v, day, seq) for day in days for v in found for seq in range(1, seqs + 1)]
    shares = split_units(steps, [rng.uniform(0.7, 1.3) for _ in spots])
    for (village, day, seq), share in zip(spots, shares, strict=True):
        yield Payment(village, day, seq, share * _STEP_HUNDREDTHS, share * _STEP_FEN)


@lru_cache(maxsize=4)
def payments(world: World) -> tuple[Payment, ...]:
    """Every payment of 2023 and 2024, by day and village."""
    rng = world.rng("fin_coop_benefit")
    home = _of_year(2024, home=True)
    found = [
        *_dealt(home, _DAYS_YTD, YTD_FEN // _STEP_FEN, rng),
        *_dealt(home, (_DAY_Q4,), _STEPS_Q4, rng),
        *_dealt(_of_year(2024, home=False), (*_DAYS_YTD, _DAY_Q4), 2_400_000, rng),
        Payment(home[3], AFTER_QUARTER, 1, _EXTRA_STEPS * _STEP_HUNDREDTHS, _EXTRA_STEPS * _STEP_FEN),
    ]
    found += [Payment(v, _DAYS_YTD[2], 1, 0, 0) for v in villages() if not v.is_paid]
    # The extra volume of a larger scale is more payments a day in 2023.
    found += _dealt(_of_year(2023, home=True), _DAYS_2023, _STEPS_2023, rng, world.scale)
    found += _dealt(_of_year(2023, home=False), _DAYS_2023, 2_200_000, rng, world.scale)
    return tuple(sorted(found, key=lambda p: (p.day, p.village.code, p.seq)))
