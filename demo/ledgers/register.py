"""Ledger ``park_register``: named items and their present state, as the group office's workbook shows them.

Belongs here: the items of ``seeds/register.yaml`` and how their rows change. A row shows the present state
and its day only; what it was before stands in earlier workbooks. The workbook of 10 October is the one of
September sent again, with a corrected day and the states reached since (D28). Dirt: dates as text (D06),
other words for kinds and states (D21), full-width numbers (D01), blanks (D02), merged cells (D03). Keep out:
the ladders of states, which are the warehouse's.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

from demo.ledgers.forms import full_width, padded, sheet_date, soon_after
from demo.seed_files import seed_tree
from demo.timeline import Event, Row, Timeline
from demo.world import World

COLUMNS = (
    "item_no", "org_code", "item_type", "name", "parent_item_no", "park_code", "topic", "level", "status",
    "status_date", "filed_date", "issued_date", "due_from", "due_to", "passed_date",
)  # fmt: skip

_FIRST = datetime(2022, 12, 30, 9, 0)
_FILLED_BY = {"filed": "filed_date", "passed": "passed_date"}
_DATES = ("status_date", "filed_date", "issued_date", "due_from", "due_to", "passed_date")
_OTHER_FORMS = 0.04


def build(world: World) -> Timeline:
    """The ledger's timeline: 57 items."""
    rng, told = world.rng("park_register"), seed_tree("register")
    items: list[dict[str, Any]] = told["items"]
    words: dict[str, Any] = told["words"]
    numbers = {item["name"]: f"SX-{n:03d}" for n, item in enumerate(items, 1)}
    rows: list[Event] = []
    for item in items:
        rows += _states(item, numbers, words, rng)
    return Timeline("park_register", COLUMNS, rows)


def _states(
    item: Mapping[str, Any], numbers: Mapping[str, str], words: Mapping[str, Any], rng: random.Random
) -> Iterator[Event]:
    """Each state, each plan and each correction on the day it was written down."""
    changes: list[tuple[datetime, dict[str, Any]]] = []
    for state, day in item["states"]:
        changes.append((_seen(day, rng), _reached(item, state, day)))
    for first, last, seen in item.get("due", ()):
        changes.append((max(seen, _FIRST), {"due_from": first, "due_to": last}))
    if typed := item.get("typed"):
        instant, right = changes[-1]
        changes[-1] = (instant, right | {"status_date": typed["status_date"]})
        changes.append((typed["right_at"], right))
    if corrected := item.get("corrected"):
        changes.append((corrected["seen"], {k: v for k, v in corrected.items() if k != "seen"}))
    base, said = _base(item, numbers, words, rng), dict[str, Any]()
    for instant, change in sorted(changes, key=lambda change: change[0]):
        said |= change
        yield instant, False, base | _written(said, words, rng)


def _seen(day: date, rng: random.Random) -> datetime:
    # What was reached on 9 October stands in the list that was sent again the next evening.
    seen = soon_after(day, rng, 1 if day.month == 10 else 3)
    return max(seen, _FIRST)


def _reached(item: Mapping[str, Any], state: str, day: date) -> dict[str, Any]:
    reached: dict[str, Any] = {"status": state, "status_date": day}
    if state in _FILLED_BY:
        reached[_FILLED_BY[state]] = day
    if item["type"] == "policy" and state == "completed":
        reached["issued_date"] = day
    return reached


def _base(
    item: Mapping[str, Any], numbers: Mapping[str, str], words: Mapping[str, Any], rng: random.Random
) -> Row:
    number, name = numbers[item["name"]], item["name"]
    return dict.fromkeys(COLUMNS) | {
        "item_no": full_width(number) if rng.random() < 0.03 else number,
        "org_code": item["org"],
        "item_type": rng.choice(words["types"][item["type"]]),
        "name": padded(name, rng) if rng.random() < 0.04 else name,
        "parent_item_no": numbers[item["part_of"]] if "part_of" in item else None,
        "park_code": item.get("park"),
        "topic": words["topics"][item["topic"]] if "topic" in item else None,
        "level": words["levels"][item["level"]] if "level" in item else None,
    }


def _written(said: Mapping[str, Any], words: Mapping[str, Any], rng: random.Random) -> Row:
    row: Row = {"status": rng.choice(words["states"][said["status"]])}
    for column in _DATES:
        if day := said.get(column):
            row[column] = sheet_date(day, rng, day, _OTHER_FORMS)
    return row
