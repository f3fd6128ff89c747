"""Works, municipal tasks, stalls and the register: the planted amounts, and what must not count beside them."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

from demo.ledgers import charge_stalls, municipal, park_works, register
from demo.ledgers.finance_park_works import park_work_vouchers
from demo.systems.tables import source_tables
from demo.systems.workbooks import planned_files
from demo.timeline import Row, Timeline, state_at
from demo.world import ADVANCE_DAY, AS_OF, STATE_TIME, YEAR_START, World
from tests.demo.source_forms import number, plain, sheet_day

WORLD = World()
UP = WORLD.state_at
ADVANCED = datetime.combine(ADVANCE_DAY, STATE_TIME)
BUILDERS = {
    "park_work": park_works.build, "park_register": register.build,
    "con_municipal_task": municipal.build, "park_charge_stall": charge_stalls.build,
}  # fmt: skip
THREE_TYPES = {"提升改造", "改造提升", "拆除重建", "设施更新", "设备更新"}
CATEGORIES = {"电力": "电力", "通信": "通信", "天然": "天然气", "燃气": "天然气", "路灯": "路灯", "自来": "自来水",
              "给水": "自来水", "中水": "中水"}  # fmt: skip


@cache
def ledger(table: str) -> Timeline:
    return BUILDERS[table](WORLD)


def files(table: str, at: datetime) -> dict[str, list[Row]]:
    """Rows of each workbook of the folder by its day."""
    planned = planned_files(source_tables()[table], ledger(table), at)
    return {path[-13:-5]: rows for path, rows in planned}


def newest(table: str, at: datetime) -> list[Row]:
    found = files(table, at)
    return found[max(found)]


def in_year(value: Any, until: date = AS_OF) -> bool:
    day = sheet_day(value)
    return day is not None and YEAR_START <= day <= until


def cost(row: Row) -> Decimal:
    """In CNY, by the unit the file's header names."""
    return number(row["invest_cny"]) * (1 if row["cost_unit"] == "元" else 10_000)


# --- works -------------------------------------------------------------------------------------------


def renovations(rows: list[Row], until: date = AS_OF) -> list[Row]:
    return [
        r
        for r in rows
        if plain(r["work_type"]) in THREE_TYPES
        and r["park_code"] != "PK-13"
        and in_year(r["completed_date"], until)
    ]


def test_c08_twelve_works_of_12_million() -> None:
    works = renovations(newest("park_work", UP))
    assert len(works) == 12
    assert sum(map(cost, works)) == Decimal("12000000.00")
    assert all(cost(r) < 5_000_000 for r in works)
    assert {sheet_day(r["completed_date"]) for r in works} & {AS_OF}


def test_every_wrong_reading_of_the_works_leaves_the_range() -> None:
    rows = newest("park_work", UP)
    finished = [r for r in rows if in_year(r["completed_date"])]
    low, high = Decimal("11995000"), Decimal("12004999.99")
    readings = {
        "with landscape and the public park": sum(map(cost, finished)),
        "with the public park": sum(cost(r) for r in finished if plain(r["work_type"]) in THREE_TYPES),
        "with landscape in parks": sum(cost(r) for r in finished if r["park_code"] != "PK-13"),
        "to the cut-off": sum(map(cost, renovations(rows, date(2024, 10, 10)))),
        "with last year": sum(cost(r) for r in rows if r["completed_date"] and r["park_code"] != "PK-13"),
        "spend of the year": sum(number(r["invest_this_year_cny"]) for r in renovations(rows)) * 10_000,
        "spend of the year, all works": sum(number(r["invest_this_year_cny"] or 0) for r in rows) * 10_000,
    }
    assert [name for name, value in readings.items() if low <= value <= high] == []
    assert len(renovations(rows, date(2024, 10, 10))) == 13


def test_d05_and_d28_the_september_workbook_was_sent_again_in_yuan() -> None:
    first, again = (files("park_work", UP)[day] for day in ("20241008", "20241010"))
    assert {r["cost_unit"] for r in first} == {"万元"}
    assert {r["cost_unit"] for r in again} == {"元"}
    assert sum(map(cost, renovations(first))) == Decimal("11910000.00")
    assert sum(number(r["invest_cny"]) for r in renovations(again)) * 10_000 == Decimal("120000000000")
    assert {r["cost_unit"] for r in newest("park_work", ADVANCED)} == {"万元"}


def test_the_refurbishment_of_the_public_park_stands_apart() -> None:
    (row,) = [r for r in newest("park_work", UP) if plain(r["work_name"]) == "西江乐园风貌整治提升工程"]
    assert sheet_day(row["completed_date"]) == date(2024, 9, 27)
    assert (row["work_type"], row["park_code"]) == ("风貌整治", "PK-13")


def test_r23_the_books_hold_the_cost_of_each_finished_work() -> None:
    booked: dict[tuple[str, str | None], int] = defaultdict(int)
    for voucher in park_work_vouchers(WORLD):
        assert sum(line.debit - line.credit for line in voucher.lines) == 0
        for line in voucher.lines:
            if line.account[:4] in ("1604", "1801", "6602") and voucher.day <= UP.date():
                assert line.park, "a cost of a work names its park"
                booked[str(line.doc), line.park] += line.debit
    off = {}
    for row in newest("park_work", UP):
        if row["completed_date"] and sheet_day(row["completed_date"]) <= AS_OF:  # type: ignore[operator]
            fen = booked[plain(row["work_no"]), str(row["park_code"])]
            off[plain(row["work_no"])] = abs(1 - Decimal(fen) / (cost(row) * 100))
    assert len(off) == 16
    assert {no for no, share in off.items() if share} == {"GZ-2024-005"}
    assert max(off.values()) <= Decimal("0.05")


# --- municipal tasks ---------------------------------------------------------------------------------


def test_c17_fifteen_done_and_nine_remain() -> None:
    rows = newest("con_municipal_task", UP)
    of_year = [r for r in rows if r["planned_year"] == "2024" and sheet_day(r["added_date"]) <= AS_OF]  # type: ignore[operator]
    done = [r for r in of_year if in_year(r["prep_completed_date"])]
    remaining = [r for r in of_year if r not in done and not r["cancelled_date"]]
    assert (len(done), len(remaining)) == (15, 9)
    assert {CATEGORIES[plain(r["task_category"])[:2]] for r in done} == set(CATEGORIES.values())
    towns = {"330782100", "330782105", "330782102", "330782101", "330782002", "330782003"}
    assert {plain(r["town_code"]) for r in done} == towns


def test_tasks_that_must_not_count() -> None:
    rows = newest("con_municipal_task", UP)
    january = [r for r in rows if r["planned_year"] == "2023" and in_year(r["prep_completed_date"])]
    assert [sheet_day(r["prep_completed_date"]) for r in january] == [date(2024, 1, 19)]
    assert len([r for r in rows if r["cancelled_date"]]) == 1
    late = [sheet_day(r["prep_completed_date"] or r["added_date"]) for r in rows]
    assert Counter(day for day in late if day and day > AS_OF) == {date(2024, 10, 8): 3}


def test_r22_the_january_list_and_what_was_added_and_cancelled_make_the_year() -> None:
    by_day = files("con_municipal_task", UP)
    assert min(by_day) == "20240105"
    baseline = [r for r in by_day["20240105"] if r["planned_year"] == "2024"]
    now = [r for r in newest("con_municipal_task", UP) if r["planned_year"] == "2024"]
    added = [r for r in now if sheet_day(r["added_date"]) > date(2024, 1, 31)]  # type: ignore[operator]
    cancelled = [r for r in now if r["cancelled_date"]]
    assert (len(baseline), len(added), len(cancelled)) == (20, 7, 1)
    assert len(baseline) + len(added) - len(cancelled) == len(now) - len(cancelled) == 26


# --- stalls ------------------------------------------------------------------------------------------


def stalls(at: datetime) -> list[Row]:
    return state_at(ledger("park_charge_stall"), ["LotNo", "StallNo"], at)


def test_c22_89_stalls_in_one_new_lot() -> None:
    rows = stalls(UP)
    added = [r for r in rows if in_year(r["CommissionDate"] and date.fromisoformat(str(r["CommissionDate"])))]
    assert len(added) == 89
    assert {(r["LotNo"], r["LotOpenDate"]) for r in added} == {("XJ-04", "2024-07-18")}
    assert len({r["ConnectorID"] for r in rows}) == len(rows)
    older = [r for r in rows if str(r["CommissionDate"]) < "2024"]
    assert {r["LotNo"] for r in older} == {"XJ-01", "XJ-02", "XJ-03"}
    gone = [r for r in rows if str(r["RetireDate"] or "") > "2024"]
    assert len(added) - len(gone) == 88
    assert {r["CommissionDate"] for r in rows if str(r["CommissionDate"]) > "2024-09-30"} == {"2024-10-09"}


def test_every_stall_carries_the_day_of_the_inventory() -> None:
    assert {r["SnapshotDate"] for r in stalls(UP)} == {"2024-10-10"}
    assert {r["SnapshotDate"] for r in stalls(ADVANCED)} == {"2024-11-07"}


# --- the register ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "words", "day"),
    [
        ("高创园省级孵化器", {"已申报", "申报"}, date(2024, 9, 20)),
        ("众创空间运行方案及制度", {"已起草", "起草", "初步形成"}, date(2024, 8, 28)),
        ("上海交通大学义乌雷达技术联合实验室", {"已落地", "落地"}, date(2024, 6, 18)),
        ("省级重点实验室", {"已落地", "落地"}, date(2024, 8, 22)),
        ("产业基地", {"已落地", "落地"}, date(2024, 9, 11)),
        ("智慧园区管理平台", {"已完成", "完成"}, date(2024, 8, 30)),
        ("智慧化生产一体化平台", {"运行中", "已投用", "运营中"}, date(2024, 6, 18)),
        ("工业园区服务省级标准化试点", {"推进中", "进行中"}, date(2024, 3, 12)),
        ("大陈衬衫节", {"推进中", "进行中"}, date(2024, 9, 18)),
    ],
)
def test_the_states_of_the_bulletin(name: str, words: set[str], day: date) -> None:
    (row,) = [r for r in newest("park_register", UP) if plain(r["name"]) == name]
    assert row["status"] in words
    assert sheet_day(row["status_date"]) == day


def of_kind(rows: list[Row], *words: str) -> dict[object, Row]:
    return {r["park_code"]: r for r in rows if plain(r["item_type"]) in words}


def test_safety_standards_of_eleven_self_managed_parks() -> None:
    parks = {p.park_code for p in WORLD.parks if p.self_managed and p.open_date and p.open_date <= AS_OF}
    assert len(WORLD.parks) == 13
    assert len(parks) == 11
    items = of_kind(newest("park_register", UP), "园区安全标准", "安全标准创建")
    assert set(items) == {p.park_code for p in WORLD.parks}
    passed = {p: sheet_day(items[p]["passed_date"]) for p in items if items[p]["passed_date"]}
    assert {p for p, day in passed.items() if p in parks and day and day <= AS_OF} == {
        "PK-01",
        "PK-04",
        "PK-05",
    }
    # A fourth on 9 October, one of a park that is not self-managed, and the unopened park in progress.
    assert passed["PK-03"] == date(2024, 10, 9)
    assert set(passed) - parks == {"PK-13"}
    # What the fourth was at the end of the quarter is told by the workbook before alone.
    before = of_kind(files("park_register", UP)["20241008"], "园区安全标准", "安全标准创建")
    going = {p for p in parks if before[p]["status"] in ("推进中", "进行中")}
    assert (len(going), "PK-03" in going) == (8, True)


def test_service_stations_and_policies() -> None:
    rows = newest("park_register", UP)
    stations = of_kind(rows, "企业服务驿站", "服务驿站")
    open_on = {
        p: sheet_day(r["status_date"]) for p, r in stations.items() if r["status"] not in ("建设中", "在建")
    }
    assert {p for p, day in open_on.items() if day and day <= AS_OF} == {"PK-01", "PK-02", "PK-03"}
    assert open_on["PK-05"] == date(2024, 10, 9)
    quality = {plain(r["name"]): sheet_day(r["issued_date"]) for r in rows if r["topic"] == "工程质量"}
    assert sum(day is not None and day <= AS_OF for day in quality.values()) == 3
    assert date(2024, 10, 9) in quality.values()


def test_d28_a_day_of_september_is_corrected_in_the_workbook_sent_again() -> None:
    first, again = (
        of_kind(files("park_register", UP)[day], "企业服务驿站", "服务驿站")["PK-03"]
        for day in ("20241008", "20241010")
    )
    assert (sheet_day(first["status_date"]), sheet_day(again["status_date"])) == (
        date(2024, 8, 25), date(2024, 7, 25),
    )  # fmt: skip


def test_the_plan_of_the_pilot_moved_to_december() -> None:
    due = {
        day: next(sheet_day(r["due_to"]) for r in rows if plain(r["name"]) == "工业园区服务省级标准化试点")
        for day, rows in files("park_register", UP).items()
    }
    assert (due["20240403"], due["20241010"]) == (date(2024, 11, 30), date(2024, 12, 31))


# --- later, and dirt ---------------------------------------------------------------------------------


def test_the_advance_moves_states_and_corrects_the_past() -> None:
    items = {plain(r["name"]): r for r in newest("park_register", ADVANCED)}
    assert sheet_day(items["光源科技小镇安全标准创建"]["passed_date"]) == date(2024, 10, 11)
    assert items["光电检测公共实验室"]["status"] in ("已落地", "落地")
    # Reached after the workbook of November was saved.
    assert items["稠江智能制造产业园企业服务驿站"]["status"] in ("建设中", "在建")
    assert len(renovations(newest("park_work", ADVANCED))) == 13
    tasks = {r["task_no"]: r for r in newest("con_municipal_task", ADVANCED)}
    assert sheet_day(tasks["SZ-2024-013"]["prep_completed_date"]) == date(2024, 10, 11)


def test_dirt_of_the_four_ledgers() -> None:
    cells = [
        value
        for table in ("park_work", "park_register", "con_municipal_task")
        for _, _, row in ledger(table).rows
        for name, value in row.items()
        if value is not None and (name.endswith("_date") or isinstance(value, str))
    ]
    texts = [value for value in cells if isinstance(value, str)]
    assert any(plain(text) != text.strip() for text in texts), "full-width (D01)"
    assert any(text != text.strip() for text in texts), "blanks (D02)"
    assert any(isinstance(value, int) for value in cells), "Excel serials (D06)"
    assert any("/" in text for text in texts), "dates as text (D06)"


@pytest.mark.parametrize("table", ["park_work", "park_register", "con_municipal_task"])
def test_workbooks_come_monthly(table: str) -> None:
    days = sorted(files(table, UP))
    sent_again = [] if table == "con_municipal_task" else ["20241010"]
    assert days == [
        "20240105", "20240205", "20240305", "20240403", "20240506", "20240605", "20240705", "20240805",
        "20240905", "20241008", *sent_again,
    ]  # fmt: skip
