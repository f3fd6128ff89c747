"""Workbook connector on real .xlsx files: what people put in sheets, and what is said of misfits."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import replace
from datetime import date, datetime, time
from pathlib import Path

import pytest
from openpyxl import load_workbook

from data_contracts.model import Update
from resources.failures import PermanentFailure
from resources.sources.base import probe
from tests.resources.sheets import (
    HEADER,
    INVEST,
    LOI,
    failure,
    invest_file,
    loi_file,
    new_book,
    save,
    workbooks,
)
from tests.resources.tables import column, contract, read


def test_a_sheet_lands_with_units_origin_and_file_names(tmp_path: Path) -> None:
    path = invest_file(tmp_path, "投资统计台账_202409_v2.xlsx")
    rows, proof = read(workbooks(tmp_path), INVEST)
    assert rows == [
        {
            "project_code": "CT-2022-001",
            "stat_month": "202409",
            "amount_cny": "4567.89",
            "physical_pct": "0.35",
            "reported_at": "2024-10-08",
            "file_period": "202409",
            "file_version": "2",
            "file_name": "投资统计台账_202409_v2.xlsx",
            "file_row_no": "4",
            "amount_cny__unit": "万元",
            "physical_pct__unit": "%",
            "_row_no": 4,
            "_source_ref": "投资统计台账/投资统计台账_202409_v2.xlsx!投资统计!4",
            "_row_kind": "data",
        }
    ]
    assert proof["files"] == [
        {
            "path": "投资统计台账/投资统计台账_202409_v2.xlsx",
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "file_period": "202409",
            "file_version": "2",
            "rows": 1,
            "control_rows": 0,
            "footer_rows": 0,
            "blank_rows": 0,
            "header_row": 3,
        }
    ]
    assert (proof["method"], proof["complete"], proof["full"], proof["rows"]) == ("files", True, True, 1)


def test_a_version_that_is_not_in_the_name_takes_the_default(tmp_path: Path) -> None:
    invest_file(tmp_path)
    assert read(workbooks(tmp_path), INVEST)[0][0]["file_version"] == "1"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (4567.89, "4567.89"),
        (1234567.1, "1234567.1"),
        (12.0, "12"),
        (-0.5, "-0.5"),
        (1e-7, "0.0000001"),
        (12345678901, "12345678901"),
        (0, "0"),
        (True, "true"),
        (date(2024, 9, 10), "2024-09-10"),
        (datetime(2024, 9, 10, 10, 30, 1), "2024-09-10 10:30:01"),
        (time(8, 5), "08:05:00"),
        ("４５００㎡ ", "４５００㎡ "),
        ("=1/0", "=1/0"),
        ("#REF!", "#REF!"),
        ("", None),
    ],
)
def test_a_cell_lands_as_its_sheet_shows_it(tmp_path: Path, value: object, text: str | None) -> None:
    invest_file(tmp_path, rows=[["CT-1", None, "202409", value, None, None]])
    assert read(workbooks(tmp_path), INVEST)[0][0]["amount_cny"] == text


def test_error_values_do_not_pass_for_blank(tmp_path: Path) -> None:
    path = invest_file(tmp_path, rows=[["CT-1", None, "202409", "placeholder", None, None]])
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"]
    cell = sheet[sheet.index(b'<c r="D4"') :].split(b"</c>")[0] + b"</c>"
    parts["xl/worksheets/sheet1.xml"] = sheet.replace(
        cell, b'<c r="D4" t="e"><f>A9&amp;B9</f><v>#N/A</v></c>'
    )
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    assert read(workbooks(tmp_path), INVEST)[0][0]["amount_cny"] == "#N/A"


def test_merged_cells_are_carried_down_their_range_and_no_further(tmp_path: Path) -> None:
    book, sheet = new_book("意向书")
    rows: list[list[str | None]] = [
        ["意向书编号", "意向园区", "意向面积（㎡）"],
        ["L1", "芯片园", "1"], ["L2", None, "2"], ["L3", None, "3"],
        ["L4", None, "4"],
        ["L5", "高创园", "5"], ["L6", None, "6"],
    ]  # fmt: skip
    for row in rows:
        sheet.append(row)
    sheet.merge_cells("B2:B4")
    save(book, tmp_path / "招商台账" / "招商台账_20241008.xlsx")
    landed, _ = read(workbooks(tmp_path), LOI)
    assert [r["park_name"] for r in landed] == ["芯片园", "芯片园", "芯片园", None, "高创园", None]


def test_a_merged_amount_is_one_and_stands_in_its_first_row(tmp_path: Path) -> None:
    path = invest_file(
        tmp_path, rows=[["CT-1", "一期", "202409", 1.5, 0.2, None], [None, None, "202410", None, None, None]]
    )
    book = load_workbook(path)
    for area in ("A4:A5", "D4:D5", "E4:E5"):
        book["投资统计"].merge_cells(area)
    book.save(path)
    rows, _ = read(workbooks(tmp_path), INVEST)
    assert [(r["project_code"], r["amount_cny"], r["physical_pct"]) for r in rows] == [
        ("CT-1", "1.5", "0.2"), ("CT-1", None, None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "header", "units"),
    [
        ("单位：元", "本月完成投资", ("元", None)),
        ("（单位：万元）", "本月完成投资", ("万元", None)),
        ("统计期：202409　金额单位: 人民币万元　借方为正", "本月完成投资", ("人民币万元", None)),
        ("单位：万元、万平方米", "本月完成投资", ("万元", "万平方米")),
        ("单位：美元", "本月完成投资", ("美元", None)),
        ("单位：元", "本月完成投资（万元）", ("万元", None)),
        ("单位：建设管理部", "本月完成投资", (None, None)),
        ("更新日期：2024-10-10　总投资单位：亿元", "本月完成投资", (None, None)),
        ("编制单位：工程部", "本月完成投资/万元", ("万元", None)),
        ("", "本月完成投资[万元]", ("万元", None)),
    ],
)
def test_a_unit_above_the_header_is_that_of_columns_whose_header_has_none(
    tmp_path: Path, line: str, header: str, units: tuple[str | None, str | None]
) -> None:
    book, sheet = new_book("投资统计")
    sheet.append(["2024年9月投资统计台账"])
    sheet.append([None, line])
    sheet.append(["项目编码", "统计月份", header, "形象进度", "填报日期", "面积"])
    sheet.append(["CT-1", "202409", 45678900, 35, None, 5])
    save(book, tmp_path / "投资统计台账" / "投资统计台账_202409.xlsx")
    columns = [replace(c, unit="CNY") if c.name == "amount_cny" else c for c in INVEST.columns]
    area = replace(column("area_m2", "面积", kind="decimal"), unit="m2")
    table = replace(INVEST, columns=(*columns, area))
    (row,) = read(workbooks(tmp_path), table)[0]
    assert (row["amount_cny__unit"], row["area_m2__unit"], row["physical_pct__unit"]) == (*units, None)


def test_a_table_that_starts_away_from_the_corner_keeps_its_rows_and_merges(tmp_path: Path) -> None:
    book, sheet = new_book("意向书")
    for column_no, text in enumerate(["意向书编号", "意向园区", "意向面积（㎡）"], 3):
        sheet.cell(5, column_no, text)
    sheet["C6"], sheet["D6"], sheet["E6"] = "L1", "芯片园", 1.5
    sheet["C7"], sheet["E7"] = "L2", "=E6*2"
    sheet.merge_cells("D6:D7")
    save(book, tmp_path / "招商台账" / "招商台账_20241008.xlsx")
    landed, proof = read(workbooks(tmp_path), LOI)
    assert [(r["_row_no"], r["park_name"], r["area_m2"]) for r in landed] == [
        (6, "芯片园", "1.5"), (7, "芯片园", "=E6*2"),
    ]  # fmt: skip
    assert proof["files"][0]["header_row"] == 5


def test_control_footer_and_blank_rows_are_told_from_data(tmp_path: Path) -> None:
    invest_file(
        tmp_path,
        rows=[
            ["CT-1", "一期", "202409", 10, None, None],
            ["CT-1", "含小计", "202409", 5, None, None],
            ["CT-1 小计", None, None, 15, None, None],
            [None, "合 计：", None, 15, None, None],
            [None, None, None, None, None, None],
            ["填报人：张三", None, "审核人：李四", None, None, None],
            ["说明：零报告也填报。", None, None, None, None, None],
            ["第二行说明", None, None, None, None, None],
        ],
    )
    rows, proof = read(workbooks(tmp_path), INVEST)
    assert [(r["_row_kind"], r["amount_cny"]) for r in rows] == [
        ("data", "10"), ("data", "5"), ("control", "15"), ("control", "15"),
    ]  # fmt: skip
    file = proof["files"][0]
    assert (file["rows"], file["control_rows"], file["footer_rows"], file["blank_rows"]) == (4, 2, 3, 1)


def test_a_row_below_the_signatures_is_still_data(tmp_path: Path) -> None:
    invest_file(
        tmp_path,
        rows=[
            ["CT-1", "", "202409", 1],
            ["填报人：张三"],
            ["CT-2", "", "202409", 2],
            ["CT-3", None, None, 3],
        ],
    )
    rows, _ = read(workbooks(tmp_path), INVEST)
    assert [(r["project_code"], r["_row_kind"]) for r in rows] == [
        ("CT-1", "data"),
        ("CT-2", "data"),
        ("CT-3", "data"),
    ]


def test_a_missing_sheet_names_those_that_are_there(tmp_path: Path) -> None:
    book, _ = new_book("Sheet1")
    save(book, tmp_path / "投资统计台账" / "投资统计台账_202409.xlsx")
    assert failure(tmp_path) == (
        "workbooks / con_invest_month / 投资统计台账/投资统计台账_202409.xlsx: there is no sheet 投资统计; "
        "there are Sheet1 → have the sheet named as agreed, or correct transport.sheet in the contract"
    )


def test_a_missing_header_is_named_with_its_row(tmp_path: Path) -> None:
    path = invest_file(tmp_path)
    book, sheet = new_book("投资统计")
    sheet.append(["标题"])
    sheet.append(["项目编码", "统计月份", "完成投资（万元）", "形象进度（%）", "填报日期"])
    save(book, path)
    message = failure(tmp_path)
    assert (
        "投资统计台账_202409.xlsx!投资统计!2: no row has all headers; the closest lacks 本月完成投资 → "
        in message
    )
    with pytest.raises(PermanentFailure, match="the closest lacks 本月完成投资"):
        probe(workbooks(tmp_path), INVEST)


def test_a_header_of_two_rows_is_read_by_its_lower_cells_and_those_over_both(tmp_path: Path) -> None:
    book, sheet = new_book("投资统计")
    sheet.append(["2024年9月投资统计台账"])
    sheet.append(["项目", None, "完成情况", None, "填报日期"])
    sheet.append(["项目编码", "统计月份", "本月完成投资（万元）", "形象进度（%）", None])
    for area in ("A2:B2", "C2:D2", "E2:E3"):
        sheet.merge_cells(area)
    sheet.append(["CT-1", "202409", 1.5, 35, date(2024, 10, 8)])
    save(book, tmp_path / "投资统计台账" / "投资统计台账_202409.xlsx")
    rows, proof = read(workbooks(tmp_path), INVEST)
    assert [(r["project_code"], r["amount_cny"], r["amount_cny__unit"], r["reported_at"]) for r in rows] == [
        ("CT-1", "1.5", "万元", "2024-10-08")
    ]
    assert proof["files"][0]["header_row"] == 3


def test_two_headers_of_one_text_are_ambiguous(tmp_path: Path) -> None:
    path = invest_file(tmp_path)
    book, sheet = new_book("投资统计")
    sheet.append([*HEADER, "本月完成投资（元）"])
    save(book, path)
    assert "投资统计台账_202409.xlsx!投资统计!1: two headers of one text: 本月完成投资 → have one" in failure(
        tmp_path
    )


def test_a_unit_changed_in_the_header_lands_as_it_stands(tmp_path: Path) -> None:
    path = invest_file(tmp_path)
    book, sheet = new_book("投资统计")
    sheet.append(["项目编码", "项目名称", "统计月份", "本月完成投资（元）", "形象进度", "填报日期"])
    sheet.append(["CT-1", "", "202409", 45678900, 35, None])
    save(book, path)
    row = read(workbooks(tmp_path), INVEST)[0][0]
    assert (row["amount_cny"], row["amount_cny__unit"], row["physical_pct__unit"]) == ("45678900", "元", None)


@pytest.mark.parametrize("content", [b"", b"not a workbook", b"PK\x03\x04 half of one"])
def test_an_unreadable_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = invest_file(tmp_path)
    path.write_bytes(content)
    message = failure(tmp_path)
    assert (
        "con_invest_month / 投资统计台账/投资统计台账_202409.xlsx: this cannot be read as a workbook ("
        in message
    )
    assert "have it saved and sent again; if it was still being copied, run again" in message


def test_a_default_tells_a_column_that_neither_name_nor_sheet_has(tmp_path: Path) -> None:
    loi_file(tmp_path, "招商台账_20241010.xlsx", ["YX-1", "YX-2"])
    told = contract(
        {**LOI.transport, "defaults": {"source_system": "PROMO"}},
        column("loi_no", "意向书编号", key=1),
        column("source_system"),
        column("snapshot_date"),
        update=Update("replace"),
        name="park_loi",
    )
    rows, _ = read(workbooks(tmp_path), told)
    assert [(row["loi_no"], row["source_system"]) for row in rows] == [("YX-1", "PROMO"), ("YX-2", "PROMO")]
