"""What the construction ledgers say, read by the claims' own words: shared by their tests.

Belongs here: the state of each ledger at an instant and the figures' formulas, written a second time.
Keep out: expectations.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, datetime
from decimal import Decimal
from functools import cache

from demo.ledgers import construction
from demo.ledgers.safety import OLDER_WORDS
from demo.ledgers.safety import WORDS as SAFETY_WORDS
from demo.timeline import Row, Timeline, state_at
from demo.world import ADVANCE_DAY, STATE_TIME, World
from tests.demo.source_forms import number, plain, sheet_day

WORLD = World()
UP = WORLD.state_at
ADVANCED = datetime.combine(ADVANCE_DAY, STATE_TIME)
AFTER_ALL = datetime(2025, 1, 31)
COMPONENTS = {
    "建筑工程": "construction", "安装工程": "installation", "设备工器具购置": "equipment",
    "土地购置": "land", "其他费用": "other_fee", "零报告": "nil",
}  # fmt: skip


@cache
def ledgers(world: World = WORLD) -> dict[str, Timeline]:
    return {t.table: t for t in construction.build(world)}


def projects(at: datetime, world: World = WORLD) -> dict[str, Row]:
    rows = state_at(ledgers(world)["con_project"], ["projectCode"], at)
    return {str(row["projectCode"]): row for row in rows}


@cache
def milestones(at: datetime, world: World) -> dict[tuple[str, str, str], list[Row]]:
    found: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    keys = ("projectCode", "sectionCode", "milestoneCode", "revision")
    for row in state_at(ledgers(world)["con_milestone"], keys, at):
        found[str(row["projectCode"]), str(row["sectionCode"]), str(row["milestoneCode"])].append(row)
    for revisions in found.values():
        revisions.sort(key=lambda row: int(str(row["revision"])))
    return found


def latest(project: str, milestone: str, at: datetime, section: str = "", world: World = WORLD) -> Row:
    revisions = milestones(at, world).get((project, section, milestone))
    return revisions[-1] if revisions else {}


def met(project: str, milestone: str, at: datetime, world: World = WORLD) -> str:
    return str(latest(project, milestone, at, world=world).get("dateMet") or "9999")


def in_construction(at: datetime, as_of: str = "2024-09-30", world: World = WORLD) -> set[str]:
    """Projects under construction by the claim's formula, statuses dated by their own date."""
    found = set()
    for code, row in projects(at, world).items():
        stopped = row["constructionStatus"] in ("cancelled", "suspended")
        if row["deleted"] or row["inStatistics"] != "Y" or row["ownerOrgCode"] is None:
            continue
        if stopped and str(row["constructionStatusDate"]) <= as_of:
            continue
        accepted = met(code, "completion_acceptance", at, world)
        if met(code, "commencement", at, world) <= as_of < accepted:
            found.add(code)
    return found


def code_of(written: object, at: datetime, world: World = WORLD) -> str:
    text = plain(written)
    codes = state_at(ledgers(world)["con_project_code_map"], ["system", "old_code"], at)
    known = {plain(row["old_code"]): str(row["project_code"]) for row in codes}
    return known.get(text, text)


def amount(row: Row, column: str) -> Decimal:
    return number(row[column]) * (1 if row["money_unit"] == "元" else 10_000)


@cache
def investment(at: datetime, world: World = WORLD) -> dict[tuple[str, str, str], Row]:
    """The highest revision of each project, month and component."""
    codes = state_at(ledgers(world)["con_project_code_map"], ["system", "old_code"], at)
    known = {plain(row["old_code"]): str(row["project_code"]) for row in codes}
    found: dict[tuple[str, str, str], Row] = {}
    for visible, _, row in ledgers(world)["con_invest_month"].rows:
        if visible > at:
            continue
        written = plain(row["project_code"])
        key = (known.get(written, written), str(row["stat_month"]), COMPONENTS[str(row["component"])])
        if key not in found or int(str(found[key]["revision"])) < int(str(row["revision"])):
            found[key] = row
    return found


def counts(row: Row) -> bool:
    large = row["projectType"] == "housing" or Decimal(str(row["plannedTotalWan"])) >= 500
    return row["inStatistics"] == "Y" and row["ownerOrgCode"] is not None and large


def ytd(at: datetime, world: World = WORLD) -> dict[str, Decimal]:
    """Effective investment of January to September 2024 by project, in CNY."""
    found: dict[str, Decimal] = defaultdict(Decimal)
    master = projects(at, world)
    for (code, month, component), row in investment(at, world).items():
        if "202401" <= month <= "202409" and component != "nil" and code in master and counts(master[code]):
            found[code] += amount(row, "amount_cny")
    return found


def activities(at: datetime, world: World = WORLD) -> list[tuple[str, date | None, Row]]:
    """(type, day, row) of the highest version of each month's file."""
    rows = [row for visible, _, row in ledgers(world)["con_safety_activity"].rows if visible <= at]
    version: dict[object, int] = defaultdict(int)
    for row in rows:
        version[row["file_period"]] = max(version[row["file_period"]], int(str(row["file_version"])))
    kinds = {word: kind for words in (SAFETY_WORDS, OLDER_WORDS) for kind, word in words.items()}
    return [
        (kinds[str(row["activity_type"])], sheet_day(row["activity_date"]), row)
        for row in rows
        if row["file_version"] == version[row["file_period"]]
    ]


def ytd_kinds(at: datetime, world: World = WORLD) -> Counter[str]:
    start, end = date(2024, 1, 1), date(2024, 9, 30)
    return Counter(kind for kind, day, _ in activities(at, world) if day and start <= day <= end)
