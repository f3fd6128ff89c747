"""Ledger ``con_municipal_task``: preparatory works of municipal projects, as their monthly workbook shows them.

Belongs here: the tasks of ``seeds/municipal_tasks.csv`` and how their rows change. Of the list of 2024, 15
are done by 30 September, in six towns and six categories, and 9 remain (C17); around them stand what must
not count: a task of 2023 done in January 2024, one cancelled, one done and two added on 8 October.
The list of a year enters in January and is the baseline of that year. Dirt: dates as text (D06), other words
for categories and states (D21), full-width codes (D01), blanks (D02), merged cells (D03). Keep out: sections
and certificates.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, datetime

from demo.ledgers.forms import full_width, padded, sheet_date, soon_after
from demo.seed_files import seed_rows
from demo.timeline import Event, Row, Timeline
from demo.world import World

COLUMNS = (
    "task_no", "org_code", "task_name", "task_category", "town_code", "planned_year", "added_date",
    "prep_completed_date", "cancelled_date", "status", "project_code",
)  # fmt: skip

_CATEGORIES = {
    "power": ("电力", "电力", "电力迁改"),
    "telecom": ("通信", "通信", "通信迁改"),
    "gas": ("天然气", "天然气", "燃气"),
    "street_lamp": ("路灯", "路灯", "路灯安装"),
    "tap_water": ("自来水", "自来水", "给水"),
    "reclaimed_water": ("中水",),
}
_BEGUN = ("进行中", "进行中", "推进中")
_DONE = ("已完成", "已完成", "完成")
_CORRECTED = ("SZ-2024-013", date(2024, 10, 11), datetime(2024, 11, 4, 10, 30))
"""A task whose day of completion was wrong by a month: the right day, and since when the list says so."""


def build(world: World) -> Timeline:
    """The ledger's timeline: 31 tasks."""
    rng = world.rng("con_municipal_task")
    rows: list[Event] = []
    for task in seed_rows("municipal_tasks"):
        rows += _states(task, rng)
    return Timeline("con_municipal_task", COLUMNS, rows)


def _states(task: dict[str, str], rng: random.Random) -> Iterator[Event]:
    added = date.fromisoformat(task["added"])
    seen = datetime.fromisoformat(task["seen"]) if task["seen"] else None
    row = _row(task, added, rng)
    yield (
        (seen if seen and not task["completed"] else datetime(added.year, added.month, added.day, 9)),
        False,
        row,
    )
    if task["begun"]:
        row = row | {"status": rng.choice(_BEGUN)}
        yield soon_after(date.fromisoformat(task["begun"]), rng), False, row
    for column, word in (("completed", rng.choice(_DONE)), ("cancelled", "已取消")):
        if task[column]:
            day = date.fromisoformat(task[column])
            name = {"completed": "prep_completed_date", "cancelled": "cancelled_date"}[column]
            row = row | {name: sheet_date(day, rng, day, 0.08), "status": word}
            yield seen or soon_after(day, rng), False, row
    if task["task_no"] == _CORRECTED[0]:
        yield _CORRECTED[2], False, row | {"prep_completed_date": _CORRECTED[1]}


def _row(task: dict[str, str], added: date, rng: random.Random) -> Row:
    name = task["task_name"]
    return {
        "task_no": task["task_no"],
        "org_code": task["org_code"],
        "task_name": padded(name, rng) if rng.random() < 0.06 else name,
        "task_category": rng.choice(_CATEGORIES[task["task_category"]]),
        "town_code": full_width(task["town_code"]) if rng.random() < 0.06 else task["town_code"],
        "planned_year": task["planned_year"],
        "added_date": sheet_date(added, rng, added, 0.05),
        "prep_completed_date": None,
        "cancelled_date": None,
        "status": "计划",
        "project_code": task["project_code"] or None,
    }
