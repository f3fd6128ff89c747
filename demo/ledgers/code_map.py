"""Ledger ``con_project_code_map``: which codes and names other systems use for a project.

Belongs here: old codes of the general ledger, and the names that sheets write instead of a code. The
timeline holds changes only; the folder of workbooks saves the whole table again on days of change.
``seeds/code_aliases.csv`` tells which of them the investment workbook used, and in which months.
``数字经济产业社区项目`` is in no row: nobody has yet said which project it is. Keep out: project names.
"""

from __future__ import annotations

from datetime import date, datetime, time
from functools import lru_cache
from typing import NamedTuple

from demo.ledgers.forms import dotted, padded
from demo.seed_files import seed_rows
from demo.timeline import Event, Timeline
from demo.world import Project, World

COLUMNS = ("system", "old_code", "project_code", "valid_from", "valid_to", "reason")

_FIRST_ENTERED = date(2023, 1, 5)
_GL_RECODED = date(2024, 1, 1)
"""From this day on the general ledger uses the project codes themselves; ends of validity are exclusive."""


class UsedCode(NamedTuple):
    """A code that the investment workbook writes for a project, in months (YYYYMM) first to last."""

    project_code: str
    written: str
    first_month: str
    last_month: str


@lru_cache(maxsize=1)
def used_codes() -> tuple[UsedCode, ...]:
    """All codes the investment workbook writes instead of the project code."""
    told = [row for row in seed_rows("code_aliases") if row["used_from"]]
    return tuple(UsedCode(r["project_code"], r["old_code"], r["used_from"], r["used_to"]) for r in told)


def build(world: World) -> Timeline:
    """The ledger's timeline: about 120 rows at scale 1, saved on a handful of days."""
    rng = world.rng("con_project_code_map")
    rows: dict[tuple[str, str], Event] = {}
    for told in seed_rows("code_aliases"):
        valid_to = date.fromisoformat(told["valid_to"]) if told["valid_to"] else None
        valid_from, entered = date.fromisoformat(told["valid_from"]), date.fromisoformat(told["entered"])
        event = _row(
            told["system"],
            told["old_code"],
            told["project_code"],
            valid_from,
            valid_to,
            told["reason"],
            entered,
        )
        rows[told["system"], told["old_code"]] = event
    for project in world.projects:
        for event in _usual(project):
            rows.setdefault((str(event[2]["system"]), str(event[2]["old_code"])), event)
    for _, _, row in rows.values():
        if rng.random() < 0.012:
            row["old_code"] = padded(str(row["old_code"]), rng)
        if rng.random() < 0.02 and isinstance(row["valid_from"], date):
            row["valid_from"] = dotted(row["valid_from"])
    return Timeline("con_project_code_map", COLUMNS, list(rows.values()))


def _usual(project: Project) -> list[Event]:
    """The code the general ledger used until 2023, and the short names in the statistics and on site."""
    year, number = project.project_code[5:7], project.project_code[8:]
    begun = date(int(project.project_code[3:7]), 1, 1)
    entered = max(_FIRST_ENTERED, date(begun.year, 2, 20))
    found: list[Event] = []
    if begun < _GL_RECODED:
        old = f"XM{year}{number}"
        found.append(_row("GL", old, project.project_code, begun, _GL_RECODED, "编码改造", entered))
    for alias in project.aliases:
        found.append(_row("STAT", alias, project.project_code, begun, None, "别名", entered))
        if project.role in ("construction", "finished"):
            found.append(_row("CON", alias, project.project_code, begun, None, "别名", entered))
    return found


def _row(
    system: str, old: str, code: str, valid_from: date, valid_to: date | None, reason: str, entered: date
) -> Event:
    values: dict[str, object] = {
        "system": system,
        "old_code": old,
        "project_code": code,
        "valid_from": valid_from,
        "valid_to": valid_to,
        "reason": reason,
    }
    return datetime.combine(entered, time(15, 30)), False, values
