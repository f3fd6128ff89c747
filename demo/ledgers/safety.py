"""Ledger ``con_safety_activity``: the monthly safety workbooks of the building sites, as their sheets show.

Belongs here: inspections and drills, and the files they come in. A row carries the sheet's columns and
``file_period`` and ``file_version``; every file stands as sent, and a file sent again is the whole month.
January to September 2024 hold :data:`YTD` activities, no activity under two types. The file of September
2024 (10-08) already names four activities of 8 October, one of each type. June 2024 was sent twice, the
second time without one row; September again on 2024-11-05 with a late inspection and without one that another
project had reported too. Dirt: dates as text
(D06; one of July 2023 says 7月初), words of an older form (D21), names of projects for codes (D14),
full-width digits and blanks (D01, D02). Keep out: safety in the parks (``hazards``, ``activities``).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from demo.ledgers.forms import dotted, full_width, padded, sheet_date, some_workday
from demo.ledgers.project_lives import Life, lives
from demo.timeline import Event, Row, Timeline
from demo.world import World, month_end, months_between, next_workday, workbook_day

COLUMNS = (
    "activity_no", "activity_type", "activity_date", "project_code", "org_code", "participants",
    "issues_found", "leader", "file_period", "file_version",
)  # fmt: skip

YTD = {"flood_typhoon_inspection": 47, "safety_inspection": 164, "fire_drill": 45, "heat_drill": 14}
"""Activities of January to September 2024 by type."""

WORDS = {
    "flood_typhoon_inspection": "防汛防台检查",
    "safety_inspection": "安全生产检查",
    "fire_drill": "消防演练",
    "heat_drill": "防暑降温演练",
}
OLDER_WORDS = {
    "flood_typhoon_inspection": "防汛排涝防台检查",
    "safety_inspection": "安全检查",
    "fire_drill": "消防应急演练",
    "heat_drill": "防暑降温应急演练",
}

_SEASONS = {
    "flood_typhoon_inspection": {4: 1, 5: 4, 6: 12, 7: 12, 8: 10, 9: 8, 10: 1},
    "safety_inspection": {month: 1 if month == 2 else 2 for month in range(1, 13)},
    "fire_drill": {1: 2, 2: 1, 3: 3, 4: 3, 5: 4, 6: 6, 7: 3, 8: 3, 9: 4, 10: 3, 11: 8, 12: 3},
    "heat_drill": {6: 3, 7: 6, 8: 4, 9: 1},
}
"""How often each type happens in each month, as weights."""

_NICKNAMES = {"CT-2022-004": "五联路", "CT-2021-002": "和府", "CT-2023-002": "芯片园二期"}
_LEADERS = ("王建军", "陈国良", "吴晓峰", "楼永强", "朱志刚", "骆海燕", "龚卫东", "金丽萍", "何斌", "方敏")
_RESENT, _LATE = date(2024, 6, 1), date(2024, 9, 1)
_TAKEN_OUT = "AQ-202409-012"
"""An inspection of September that the file sent again no longer holds."""


@dataclass(frozen=True)
class _Activity:
    number: str
    kind: str
    day: date
    life: Life | None
    org_code: str
    participants: int
    issues: int | None
    leader: str


def build(world: World) -> Timeline:
    """The ledger's timeline: about 360 activities a year at scale 1."""
    rng, rows = world.rng("con_safety_activity"), list[Event]()
    for month in months_between(date(2023, 1, 1), date(2024, 11, 1)):
        activities = sorted(_of_month(world, month, rng), key=lambda a: (a.kind, a.day, a.number))
        lines = [_shown(activity, rng) for activity in activities]
        if month == date(2023, 7, 1):
            lines.append(_shown(_made(world, "safety_inspection", month, 900, rng), rng))
            lines[-1]["activity_date"] = "7月初"
        sent = datetime.combine(workbook_day(month), time(16, 20))
        rows += _file(month, 1, sent, lines)
        rows += _again(world, month, lines, rng)
    return Timeline("con_safety_activity", COLUMNS, rows)


def _again(world: World, month: date, lines: list[Row], rng: random.Random) -> list[Event]:
    """The month's file sent a second time, where it was."""
    if month == _RESENT:
        # The first file held an inspection that had been entered twice.
        kept = [line for line in lines if line["activity_no"] != _doubled_number(month)]
        return _file(month, 2, datetime(2024, 7, 12, 10, 5), kept)
    if month == _LATE:
        late = _made(world, "safety_inspection", month, 901, rng, date(2024, 9, 26))
        kept = [line for line in lines if line["activity_no"] != _TAKEN_OUT]
        return _file(month, 2, datetime(2024, 11, 5, 16, 35), [*kept, _shown(late, rng)])
    return []


def _file(month: date, version: int, sent: datetime, lines: list[Row]) -> list[Event]:
    of_file = {"file_period": month.strftime("%Y%m"), "file_version": version}
    return [(sent, False, line | of_file) for line in lines]


def _doubled_number(month: date) -> str:
    return f"AQ-{month:%Y%m}-900"


def _of_month(world: World, month: date, rng: random.Random) -> Iterator[_Activity]:
    number = 0
    for kind in WORDS:
        for _ in range(_count(world, kind, month)):
            number += 1
            yield _made(world, kind, month, number, rng)
    if month == _RESENT:
        yield _made(world, "safety_inspection", month, 900, rng)
    if month == _LATE:
        # Sent on 10-08 with what had happened that morning: not September's, whatever the file says.
        for offset, kind in enumerate(WORDS):
            yield _made(world, kind, month, 950 + offset, rng, date(2024, 10, 8))


def _count(world: World, kind: str, month: date) -> int:
    """Activities of a type in a month: shares of the year to September, exact in sum for 2024."""
    weights, before_october = _SEASONS[kind], sum(n for m, n in _SEASONS[kind].items() if m <= 9)
    if month.month > 9:
        return round(YTD[kind] * weights.get(month.month, 0) / before_october)
    upto = sum(n for m, n in weights.items() if m <= month.month)
    exact = (
        YTD[kind] * upto // before_october
        - YTD[kind] * (upto - weights.get(month.month, 0)) // before_october
    )
    return exact * world.scale if month.year == 2023 else exact


def _made(
    world: World, kind: str, month: date, number: int, rng: random.Random, day: date | None = None
) -> _Activity:
    last = month_end(month)
    happened = day or some_workday(month, last, rng)
    sites = [life for life in lives(world).values() if _is_site(life, happened)]
    # Some activities are the group's own; drills of the fire brigade are always on a site.
    life = rng.choice(sites) if kind == "fire_drill" or rng.random() < 0.88 else None
    org = life.project.org_code if life else rng.choice(("YWCT-00", "YWCT-01", "YWCT-04"))
    drill = kind.endswith("drill")
    return _Activity(
        number=f"AQ-{month:%Y%m}-{number:03d}",
        kind=kind,
        day=happened,
        life=life,
        org_code=org,
        participants=rng.randint(25, 160) if drill else rng.randint(3, 14),
        issues=None if drill else max(0, int(rng.gauss(4, 3))),
        leader=rng.choice(_LEADERS),
    )


def _is_site(life: Life, day: date) -> bool:
    begun = life.commenced is not None and life.commenced <= next_workday(day)
    ended = life.accepted is not None and life.accepted < day - timedelta(days=20)
    return (
        begun and not ended and life.project.role in ("construction", "finished", "agency", "finished_before")
    )


def _shown(activity: _Activity, rng: random.Random) -> Row:
    code = activity.life.project.project_code if activity.life else None
    if code in _NICKNAMES and rng.random() < 0.12:
        code = _NICKNAMES[code]
    org: str = activity.org_code if rng.random() > 0.01 else padded(activity.org_code, rng)
    participants: object = activity.participants
    if rng.random() < 0.01:
        participants = full_width(str(activity.participants))
    word = OLDER_WORDS if rng.random() < 0.012 else WORDS
    return {
        "activity_no": activity.number,
        "activity_type": word[activity.kind],
        "activity_date": sheet_date(activity.day, rng, dotted(activity.day), 0.03),
        "project_code": code,
        "org_code": org,
        "participants": participants,
        "issues_found": activity.issues,
        "leader": activity.leader,
    }
