"""Payments to partner villages (山海协作消薄): who is paid what and when, and ledger ``fin_coop_benefit``.

Belongs here: the payments, which the books record too (``finance_coop``), and the quarterly workbooks that
list them. January to September 2024 hold 36 villages of 莲都区 with three payments each, together
:data:`YTD_FEN`. Beside them stand villages of another county, villages of the year before, a village on
the list that is paid nothing, and in the file of the third quarter a payment of 9 October; the first copy
of that file names one payment twice. Dirt: merged names (D03), dates in several forms (D06), amounts as
text (D07), full-width codes (D01), blanks (D02). Keep out: vouchers.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache

from demo.ledgers.concrete_contracts import SELLER
from demo.ledgers.forms import dotted, full_width, number_text, padded, sheet_date, split_units
from demo.seed_files import seed_rows
from demo.timeline import Event, Row, Timeline
from demo.world import World, workbook_day

COLUMNS = (
    "seq", "village_code", "org_code", "village_name", "region_code", "pay_date", "amount_cny", "basis_m3",
    "rate_cny_m3", "txn_id", "file_period", "file_version",
)  # fmt: skip

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
_TWICE = 19
_SENT_AGAIN = datetime(2024, 10, 10, 11, 20)


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


def build(world: World) -> list[Timeline]:
    """The ledger's timeline: a file a quarter, that of 2024Q3 sent twice; the first quarter of 2024 is nil."""
    rng, rows = world.rng("fin_coop_benefit.sheet"), list[Event]()
    for year in (2023, 2024):
        for quarter in range(1, 5):
            of_file = [p for p in payments(world) if _file_of(p) == (year, quarter)]
            rows += _files(year, quarter, _sheet(of_file, rng))
    return [Timeline("fin_coop_benefit", COLUMNS, rows)]


def _file_of(payment: Payment) -> tuple[int, int]:
    day = payment.day
    return (2024, 3) if day == AFTER_QUARTER else (day.year, (day.month + 2) // 3)


def _files(year: int, quarter: int, lines: list[Row]) -> Iterator[Event]:
    sent = datetime.combine(workbook_day(date(year, 3 * quarter, 1)), time(16, 5))
    period = f"{year}Q{quarter}"
    if not lines:
        yield sent, False, dict.fromkeys(COLUMNS) | {"file_period": period, "file_version": 1}
    first = lines
    if period == "2024Q3":
        again = dict(lines[_TWICE]) | {"seq": 2}
        first = [*lines[: _TWICE + 1], again, *lines[_TWICE + 1 :]]
        yield from ((_SENT_AGAIN, False, r | {"file_period": period, "file_version": 2}) for r in lines)
    yield from ((sent, False, row | {"file_period": period, "file_version": 1}) for row in first)


def _sheet(of_file: list[Payment], rng: random.Random) -> list[Row]:
    """Rows as somebody typed them; what is merged in the sheet is equal in all rows of a village."""
    names = {
        v.code: padded(v.name, rng) if rng.random() < 0.02 else v.name
        for v in sorted({p.village for p in of_file}, key=lambda v: v.code)
    }
    ordered = sorted(of_file, key=lambda p: (p.village.code, p.day, p.seq))
    return [_row(payment, names[payment.village.code], rng) for payment in ordered]


def _row(payment: Payment, name: str, rng: random.Random) -> Row:
    wan = Decimal(payment.amount).scaleb(-6)
    code = payment.village.code
    return {
        "seq": payment.seq,
        "village_code": full_width(code) if rng.random() < 0.015 else code,
        "org_code": SELLER,
        "village_name": name,
        "region_code": payment.village.region,
        "pay_date": sheet_date(payment.day, rng, dotted(payment.day), 0.02),
        "amount_cny": number_text(wan) if rng.random() < 0.02 else wan,
        "basis_m3": Decimal(payment.basis).scaleb(-2),
        "rate_cny_m3": RATE,
        "txn_id": None,
    }
