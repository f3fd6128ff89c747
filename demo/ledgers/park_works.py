"""Ledger ``park_work``: renovation works of the parks, as the park department's monthly workbook shows them.

Belongs here: the works of ``seeds/park_works.csv`` and how their rows change. The timeline holds changes
only; the folder saves the whole list each month. Twelve works of the three types were finished in parks
between January and September 2024 for 12,000,000.00 CNY in all, each below 5 m CNY (C08); around them stand
what must not count: landscape works, a work in the public park, one of 2023, one finished on 9 October. What
was spent in 2024 differs from the whole cost (A19). The workbook of 10 October is the one of September sent
again, with a corrected cost (D28) and its cost column in 元 (D05). Keep out: the vouchers of their cost
(``finance_park_works``).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache

from demo.ledgers.forms import full_width, padded, sheet_date, soon_after
from demo.seed_files import seed_rows
from demo.timeline import Event, Row, Timeline
from demo.world import World

COLUMNS = (
    "work_no", "org_code", "park_code", "work_name", "work_type", "invest_cny", "invest_this_year_cny",
    "start_date", "completed_date", "status", "cost_unit",
)  # fmt: skip

_TYPES = {
    "upgrade": ("提升改造", "提升改造", "改造提升"),
    "rebuild": ("拆除重建",),
    "facility": ("设施更新", "设施更新", "设备更新"),
    "landscape": ("风貌整治",),
}
_DONE = ("已完工", "已完工", "完工", "已完成")
_FIRST_DAY = datetime(2023, 1, 3, 9, 0)
_IN_YUAN = (datetime(2024, 10, 10, 14, 0), datetime(2024, 10, 28, 9, 30))
"""From and until when the cost column is kept in 元."""
_TYPED_WRONG = {"GZ-2024-009": (Decimal("123.00"), datetime(2024, 10, 10, 11, 25))}
"""Cost as first typed (万元), and when it was corrected."""
_SETTLED = {"GZ-2024-006": (Decimal("198.60"), datetime(2024, 11, 4, 16, 5))}
"""Cost after the final account (万元), and since when the list says so."""


@dataclass(frozen=True)
class Work:
    """One work. Costs in fen; ``spent_before``: before 2024; ``completed`` may lie after the shown day."""

    work_no: str
    org_code: str
    park_code: str
    work_name: str
    work_type: str
    cost: int
    spent_before: int
    spent_by_autumn: int | None
    start: date
    completed: date
    seen: datetime | None


@cache
def park_works() -> tuple[Work, ...]:
    """All works of the seed, with their final cost as known on 10 October 2024."""
    return tuple(_work(row) for row in seed_rows("park_works"))


def build(world: World) -> Timeline:
    """The ledger's timeline: 20 works."""
    rng = world.rng("park_work")
    rows: list[Event] = []
    for work in park_works():
        rows += _states(work, rng)
    return Timeline("park_work", COLUMNS, [*rows, *_in_yuan(rows)])


def _work(row: dict[str, str]) -> Work:
    return Work(
        work_no=row["work_no"],
        org_code=row["org_code"],
        park_code=row["park_code"],
        work_name=row["work_name"],
        work_type=row["work_type"],
        cost=_fen(row["cost_wan"]),
        spent_before=_fen(row["spent_before_wan"] or "0"),
        spent_by_autumn=_fen(row["spent_year_wan"]) if row["spent_year_wan"] else None,
        start=date.fromisoformat(row["start"]),
        completed=date.fromisoformat(row["completed"]),
        seen=datetime.fromisoformat(row["seen"]) if row["seen"] else None,
    )


def _fen(wan: str) -> int:
    return int(Decimal(wan) * 1_000_000)


def _states(work: Work, rng: random.Random) -> Iterator[Event]:
    """Planned six weeks ahead, begun, spent in the year, finished; then corrections of the cost."""
    row = _row(work, rng)
    listed = max(datetime.combine(work.start - timedelta(days=42), datetime.min.time()), _FIRST_DAY)
    yield listed, False, row
    begun = row | {"start_date": sheet_date(work.start, rng, work.start, 0.05), "status": "施工中"}
    yield soon_after(work.start, rng), False, begun | {"invest_this_year_cny": _wan(work.spent_before or 0)}
    if work.completed.year > work.start.year:
        # The new year begins at nothing spent.
        yield datetime(work.completed.year, 1, 2, 9, 0), False, begun | {"invest_this_year_cny": Decimal(0)}
    if work.spent_by_autumn is not None:
        spent = {"invest_this_year_cny": _wan(work.spent_by_autumn)}
        yield datetime(2024, 9, 27, 10, 0), False, begun | spent
    done = begun | {
        "completed_date": sheet_date(work.completed, rng, work.completed, 0.1),
        "status": rng.choice(_DONE),
        "invest_this_year_cny": _wan(work.cost - (work.spent_before if work.start < date(2024, 1, 1) else 0)),
    }
    seen = work.seen or soon_after(work.completed, rng)
    yield seen, False, done
    for corrected in (_TYPED_WRONG.get(work.work_no), _SETTLED.get(work.work_no)):
        if corrected:
            right = _wan(work.cost) if work.work_no in _TYPED_WRONG else corrected[0]
            yield corrected[1], False, done | {"invest_cny": right}


def _row(work: Work, rng: random.Random) -> Row:
    wrong = _TYPED_WRONG.get(work.work_no)
    name = work.work_name
    return {
        "work_no": full_width(work.work_no) if rng.random() < 0.04 else work.work_no,
        "org_code": work.org_code,
        "park_code": work.park_code,
        "work_name": padded(name, rng) if rng.random() < 0.08 else name,
        "work_type": rng.choice(_TYPES[work.work_type]),
        "invest_cny": wrong[0] if wrong else _wan(work.cost),
        "invest_this_year_cny": None,
        "start_date": None,
        "completed_date": None,
        "status": "计划",
        "cost_unit": "万元",
    }


def _wan(fen: int) -> Decimal:
    return Decimal(fen // 10_000).scaleb(-2)


def _in_yuan(rows: list[Event]) -> Iterator[Event]:
    """Every row once more in 元 while the column is kept so, and back in 万元 afterwards."""
    first, last = _IN_YUAN
    shown: dict[object, Row] = {}
    for instant, _, row in sorted(rows, key=lambda event: event[0]):
        if instant <= first:
            shown[row["work_no"]] = row
    for row in shown.values():
        cost = row["invest_cny"]
        assert isinstance(cost, Decimal)
        yield first, False, row | {"invest_cny": (cost * 10_000).quantize(Decimal("0.01")), "cost_unit": "元"}
        yield last, False, row
