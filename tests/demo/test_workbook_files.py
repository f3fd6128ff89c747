"""The demo's workbooks: which files a ledger comes in, how they look, when they are left alone."""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from demo.systems import sheet, workbooks
from demo.systems.layouts import layouts
from demo.systems.overlay import Overlay, Touch
from demo.systems.tables import source_tables
from demo.timeline import Row, Timeline
from tests.demo.small_ledgers import BETWEEN, OLD, small_ledgers

UP_AT, LATER_AT = datetime(2024, 10, 10, 20), datetime(2024, 11, 15, 20)
INVEST, LETTERS = layouts()["con_invest_month"], layouts()["park_loi"]


def _files(table: str, at: datetime, timeline: Timeline | None = None) -> dict[str, list[Row]]:
    ledger = timeline or small_ledgers()[table]
    return dict(workbooks.planned_files(source_tables()[table], ledger, at))


@pytest.fixture
def write(tmp_path: Path) -> object:
    """Writes the investment files of a ledger at an instant, gives how many were written."""
    (tmp_path / "manifests").mkdir()
    table = source_tables()["con_invest_month"]

    def bring(at: datetime, timeline: Timeline, *touches: Touch) -> int:
        manifest = tmp_path / "manifests" / "m.json"
        return workbooks.write_files(tmp_path, manifest, [(table, timeline)], at, Overlay(touches))

    return bring


@pytest.mark.parametrize(
    ("shown", "number"),
    [
        (Decimal("1.5"), "1.5"),
        ("1,200.50", "1200.50"),
        ("（1,000）", "-1000"),
        ("４５００㎡", "4500"),
        ("0.45万", "4500.00"),
        ("0.45万㎡", "4500.00"),
        (" 890 m2", "890"),
        ("2亿", "200000000"),
        ("待定", None),
        ("2024.9.10", None),
        (None, None),
        (date(2024, 9, 10), None),
        (True, None),
    ],
)
def test_the_number_a_cell_means(shown: object, number: str | None) -> None:
    assert sheet.number_of(shown) == (None if number is None else Decimal(number))


def test_the_same_rows_give_the_same_bytes_at_any_time() -> None:
    name, rows = next(iter(_files("con_invest_month", UP_AT).items()))
    first = sheet.render(INVEST, name, rows)
    time.sleep(2.1)  # a zip entry's time has a resolution of two seconds
    assert sheet.render(INVEST, name, rows) == first
    assert sheet.render(INVEST, name, [*rows[:-1], {**rows[-1], "amount_cny": 1}]) != first


def test_reading_gives_back_what_was_drawn_and_drawing_again_the_same_bytes() -> None:
    for layout, table in ((INVEST, "con_invest_month"), (LETTERS, "park_loi")):
        for path, rows in _files(table, LATER_AT).items():
            content = sheet.render(layout, Path(path).name, rows)
            read = sheet.read(layout, content)
            for column in layout.columns:
                assert [r[column.name] for r in read] == [r.get(column.name) for r in rows]
            assert sheet.render(layout, Path(path).name, read) == content


def test_a_file_in_another_unit_says_so_in_its_headers_and_title() -> None:
    rows = [{**row, "money_unit": "元"} for row in _files("con_invest_month", UP_AT).popitem()[1]]
    content = sheet.render(INVEST, "投资统计台账_202403.xlsx", rows)
    assert {row["money_unit"] for row in sheet.read(INVEST, content)} == {"元"}
    assert sheet.render(INVEST, "投资统计台账_202403.xlsx", sheet.read(INVEST, content)) == content
    assert [c.header_text(rows) for c in INVEST.columns][5] == "本月完成投资（元）"


def test_a_file_stands_as_sent_when_it_is_sent_again() -> None:
    before, after = _files("con_invest_month", UP_AT), _files("con_invest_month", LATER_AT)
    (first,) = before
    assert after[first] == before[first]
    assert [len(rows) for rows in after.values()] == [3, 3]


def test_what_is_gone_without_naming_a_file_stays_in_the_file_that_was_sent() -> None:
    ledger = small_ledgers()["con_invest_month"]
    key = {"project_code": "CT-2024-002", "stat_month": "202409", "component": "建筑工程", "revision": 1}
    gone = replace(ledger, rows=[*ledger.rows, (BETWEEN, True, key)])
    assert _files("con_invest_month", LATER_AT, gone) == _files("con_invest_month", LATER_AT)


def test_a_nil_return_is_a_file_without_rows() -> None:
    columns = ("activity_no", "file_period", "file_version")
    nothing: Row = {"activity_no": None, "file_period": "202402", "file_version": 1}
    files = _files(
        "con_safety_activity", UP_AT, Timeline("con_safety_activity", columns, [(OLD, False, nothing)])
    )
    assert files == {"安全管理台账/安全管理台账_202402.xlsx": []}
    layout = layouts()["con_safety_activity"]
    assert sheet.read(layout, sheet.render(layout, "安全管理台账_202402.xlsx", [])) == []


def test_snapshots_are_saved_on_working_thursdays_at_six() -> None:
    files = _files("park_loi", datetime(2024, 10, 10, 17, 59))
    # 3 October is a holiday, and the 10th is not over yet.
    assert list(files)[-2:] == ["招商台账/招商台账_20240919.xlsx", "招商台账/招商台账_20240926.xlsx"]
    assert list(_files("park_loi", UP_AT))[-1] == "招商台账/招商台账_20241010.xlsx"


def test_a_map_is_saved_on_days_it_changed_and_only_the_latest_are_kept() -> None:
    columns = ("org_code", "account_code", "valid_from")
    row: Row = dict.fromkeys(columns, "x")
    days = [datetime(2024, month, 5, 9) for month in (1, 2, 3)] + [datetime(2024, 3, 5, 18, 30)]
    rows = [(day, False, {**row, "account_code": str(n)}) for n, day in enumerate(days)]
    files = _files("fin_account_map", UP_AT, Timeline("fin_account_map", columns, rows))
    assert {path: len(rows) for path, rows in files.items()} == {
        "科目对照/科目对照_20240305.xlsx": 3,
        "科目对照/科目对照_20240306.xlsx": 4,
    }


def test_a_file_is_written_once_and_left_alone(write, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    ledger = small_ledgers()["con_invest_month"]
    assert (write(UP_AT, ledger), write(UP_AT, ledger)) == (1, 0)
    path = next(tmp_path.rglob("*.xlsx"))
    path.write_bytes(b"changed by hand")
    assert write(LATER_AT, ledger) == 1
    assert path.read_bytes() == b"changed by hand"
    path.unlink()
    assert write(LATER_AT, ledger) == 1
    assert {found.suffix for found in path.parent.iterdir()} == {".xlsx"}


def test_lost_files_come_back_with_their_edits(write, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    ledger = small_ledgers()["con_invest_month"]
    key = ("CT-2024-002", "202409", "建筑工程", "1")
    touch = Touch(INVEST.table, key, {"amount_cny": Decimal("77")}, file="投资统计台账_202409.xlsx")
    write(LATER_AT, ledger, touch)
    first, again = sorted(tmp_path.rglob("*.xlsx"))
    amounts = [row["amount_cny"] for row in sheet.read(INVEST, first.read_bytes())]
    assert amounts == [Decimal("812.35"), 100, 77]
    # The file sent again holds that row's next revision, which nobody edited.
    assert [row["amount_cny"] for row in sheet.read(INVEST, again.read_bytes())] == [
        Decimal("812.35"),
        100,
        60,
    ]
    digest = hashlib.sha256(first.read_bytes()).hexdigest()
    first.unlink()
    write(LATER_AT, ledger, touch)
    assert hashlib.sha256(first.read_bytes()).hexdigest() == digest


def test_layouts_of_one_path_are_sheets_of_one_file(tmp_path: Path) -> None:
    (tmp_path / "manifests").mkdir()
    tables = source_tables()
    row: Row = {"lead_no": "XS-2024-0001", "company_name": "某公司", "stage": "已对接"}
    lead = Timeline("park_lead", tuple(row), [(OLD, False, row)])
    letters = small_ledgers()["park_loi"]
    sheets = [(tables["park_loi"], letters), (tables["park_lead"], lead)]
    manifest = tmp_path / "manifests" / "m.json"
    workbooks.write_files(tmp_path, manifest, sheets, UP_AT, Overlay(()))
    newest = workbooks.files_of(tmp_path, LETTERS)[0]
    assert sheet.sheets_in(newest.read_bytes()) == ["意向书", "线索"]
    assert [r["lead_no"] for r in sheet.read(layouts()["park_lead"], newest.read_bytes())] == ["XS-2024-0001"]
    # A change of one sheet draws the file again; the other sheet stays as it was.
    moved = Timeline("park_lead", tuple(row), [(OLD, False, {**row, "stage": "洽谈中"})])
    changed = [(tables["park_loi"], letters), (tables["park_lead"], moved)]
    before = sheet.read(LETTERS, newest.read_bytes())
    assert workbooks.write_files(tmp_path, manifest, changed, UP_AT, Overlay(())) > 0
    assert sheet.read(LETTERS, newest.read_bytes()) == before
    assert sheet.read(layouts()["park_lead"], newest.read_bytes())[0]["stage"] == "洽谈中"
