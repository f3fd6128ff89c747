"""Ledger ``park_charge_stall``: charging stalls of the public park, as its charging system's API shows them.

Belongs here: lots, stalls and their days. Field names are those of T/CEC 102, dates plain days. 89 stalls
were commissioned in one new lot between January and September 2024 (C22); around them stand what must not
count: the older lots, a stall retired in 2024 (A24), a lot opened and its stalls commissioned on 8 and
9 October. Every change is an inventory of all stalls, whose day they all carry. Keep out: charging orders.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from demo.timeline import Event, Row, Timeline
from demo.world import World

COLUMNS = (
    "LotNo", "StallNo", "ParkCode", "ConnectorID", "Power", "LotOpenDate", "CommissionDate", "RetireDate",
    "SnapshotDate",
)  # fmt: skip

_PARK, _OPERATOR, _HOUR = "PK-13", "395815801", time(7, 30)


@dataclass(frozen=True)
class _Batch:
    """Stalls of one lot commissioned on one day; ``lot_open`` None where nobody wrote it down."""

    lot: str
    lot_open: date | None
    commissioned: date
    stalls: int
    power: str


_BATCHES = (
    _Batch("XJ-01", None, date(2020, 4, 28), 96, "7.0"),
    _Batch("XJ-02", date(2021, 6, 1), date(2021, 6, 1), 84, "7.0"),
    _Batch("XJ-02", date(2021, 6, 1), date(2022, 9, 16), 24, "60.0"),
    _Batch("XJ-03", date(2023, 5, 26), date(2023, 5, 26), 88, "60.0"),
    _Batch("XJ-04", date(2024, 7, 18), date(2024, 7, 18), 60, "120.0"),
    _Batch("XJ-04", date(2024, 7, 18), date(2024, 8, 21), 29, "7.0"),
    _Batch("XJ-05", date(2024, 10, 8), date(2024, 10, 9), 12, "120.0"),
    _Batch("XJ-03", date(2023, 5, 26), date(2024, 11, 6), 8, "120.0"),
)
_RETIRED = {
    ("XJ-01", 7): date(2024, 5, 13),
    ("XJ-01", 31): date(2023, 3, 6),
    ("XJ-02", 12): date(2024, 10, 22),
}
_POWER_CORRECTED = {("XJ-04", 17): (Decimal("240.0"), date(2024, 10, 28))}
"""Rated power typed wrong, and the day of the inventory that corrected it."""
_FIRST = date(2022, 12, 30)


def build(world: World) -> Timeline:
    """The ledger's timeline: 401 stalls, each in every inventory since it was commissioned."""
    rng = world.rng("park_charge_stall")
    stalls = list(_stalls(rng))
    rows: list[Event] = []
    for day in _inventories():
        rows += [(datetime.combine(day, _HOUR), False, row) for row in _as_of(day, stalls)]
    return Timeline("park_charge_stall", COLUMNS, rows)


def _stalls(rng: random.Random) -> Iterator[tuple[_Batch, int, str]]:
    """Batch, number in the lot, connector."""
    numbers: dict[str, int] = {}
    serials = rng.sample(range(10_000_000, 99_999_999), sum(batch.stalls for batch in _BATCHES))
    for batch in _BATCHES:
        for _ in range(batch.stalls):
            numbers[batch.lot] = numbers.get(batch.lot, 0) + 1
            yield batch, numbers[batch.lot], f"{_OPERATOR}330782{serials.pop()}001"


def _inventories() -> list[date]:
    """The days on which a stall came or went, the day after each; none before the history begins."""
    days = {batch.commissioned for batch in _BATCHES} | set(_RETIRED.values())
    days |= {day for _, day in _POWER_CORRECTED.values()}
    return sorted({max(day + timedelta(days=1), _FIRST) for day in days})


def _as_of(day: date, stalls: list[tuple[_Batch, int, str]]) -> Iterator[Row]:
    for batch, number, connector in stalls:
        if batch.commissioned < day:
            retired = _RETIRED.get((batch.lot, number))
            wrong = _POWER_CORRECTED.get((batch.lot, number))
            power = wrong[0] if wrong and day <= wrong[1] else Decimal(batch.power)
            yield {
                "LotNo": batch.lot,
                "StallNo": f"{number:03d}",
                "ParkCode": _PARK,
                "ConnectorID": connector,
                "Power": power,
                "LotOpenDate": batch.lot_open.isoformat() if batch.lot_open else None,
                "CommissionDate": batch.commissioned.isoformat(),
                "RetireDate": retired.isoformat() if retired and retired < day else None,
                "SnapshotDate": day.isoformat(),
            }
