"""Ledger ``fin_coop_benefit``: the quarterly workbooks of payments to villages, as their sheets show.

Belongs here: the files and their dirt. The file of the third quarter of 2024 holds a payment of 9 October
already; its first copy names one payment twice (C25). Dirt: merged names (D03), dates in several forms
(D06), amounts as text (D07), full-width codes (D01), blanks (D02), transactions not filled in. Keep out:
who is paid what (``coop``).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal

from demo.ledgers.concrete_contracts import SELLER
from demo.ledgers.coop import AFTER_QUARTER, RATE, Payment, payments
from demo.ledgers.finance_cash import paid_by
from demo.ledgers.finance_gl import vouchers
from demo.ledgers.forms import dotted, full_width, number_text, padded, sheet_date
from demo.timeline import Event, Row, Timeline
from demo.world import World, workbook_day

COLUMNS = (
    "seq", "village_code", "org_code", "village_name", "region_code", "pay_date", "amount_cny", "basis_m3",
    "rate_cny_m3", "txn_id", "file_period", "file_version",
)  # fmt: skip

_TWICE = 19
_SENT_AGAIN = datetime(2024, 10, 10, 11, 20)
_UNFILLED = 0.03


def build(world: World) -> Timeline:
    """The ledger's timeline: a file a quarter, that of 2024Q3 sent twice; the first quarter of 2024 is nil."""
    rng, rows = world.rng("fin_coop_benefit.sheet"), list[Event]()
    paid = paid_by(vouchers(world), "benefit")
    for year in (2023, 2024):
        for quarter in range(1, 5):
            of_file = [p for p in payments(world) if _file_of(p) == (year, quarter)]
            rows += _files(year, quarter, _sheet(of_file, paid, rng))
    return Timeline("fin_coop_benefit", COLUMNS, rows)


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


def _sheet(of_file: list[Payment], paid: dict[str, str], rng: random.Random) -> list[Row]:
    """Rows as somebody typed them; what is merged in the sheet is equal in all rows of a village."""
    names = {
        v.code: padded(v.name, rng) if rng.random() < 0.02 else v.name
        for v in sorted({p.village for p in of_file}, key=lambda v: v.code)
    }
    ordered = sorted(of_file, key=lambda p: (p.village.code, p.day, p.seq))
    rows = [_row(payment, names[payment.village.code], rng) for payment in ordered]
    for payment, row in zip(ordered, rows, strict=True):
        row["txn_id"] = paid.get(payment.doc) if rng.random() >= _UNFILLED else None
    return rows


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
