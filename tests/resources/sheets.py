"""Workbooks made for tests: two ledgers, their contracts, and how a file of theirs is written.

Belongs here: drawing .xlsx files in few words. Keep out: what is asserted of them.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from data_contracts.model import TableContract, Update
from resources.failures import PermanentFailure
from resources.sources.base import Source
from tests.resources.tables import column, contract, read

INVEST = contract(
    {
        "kind": "workbook",
        "files": r"投资统计台账/投资统计台账_(?P<file_period>\d{6})(?:_v(?P<file_version>\d+))?\.xlsx",
        "sheet": "投资统计",
        "footer_labels": ["填报人", "审核人", "说明"],
        "defaults": {"file_version": "1"},
    },
    column("project_code", "项目编码", key=1),
    column("stat_month", "统计月份", key=2),
    column("amount_cny", "本月完成投资", kind="decimal", source_unit="万元"),
    column("physical_pct", "形象进度", kind="decimal", source_unit="%"),
    column("reported_at", "填报日期"),
    column("file_period"),
    column("file_version"),
    column("file_name", "_file_name"),
    column("file_row_no", "_row_no", kind="integer"),
    name="con_invest_month",
)
HEADER = ["项目编码", "项目名称", "统计月份", "本月完成投资\n（万元）", "形象进度(%)", "填报日期"]

LOI = contract(
    {"kind": "workbook", "files": r"招商台账/招商台账_(?P<snapshot_date>\d{8})\.xlsx", "sheet": "意向书"},
    column("loi_no", "意向书编号", key=1),
    column("park_name", "意向园区"),
    column("area_m2", "意向面积", source_unit="㎡"),
    column("snapshot_date"),
    update=Update("replace"),
    name="park_loi",
)


def workbooks(folder: Path) -> Source:
    return Source("workbooks", str(folder))


def invest_file(
    folder: Path, name: str = "投资统计台账_202409.xlsx", rows: list[list[Any]] | None = None
) -> Path:
    book, sheet = new_book("投资统计")
    sheet.append(["2024年9月投资统计台账"])
    sheet.merge_cells("A1:F1")
    sheet.append(["单位：建设管理部"])
    sheet.append(HEADER)
    for row in rows or [["CT-2022-001", "社区", "202409", 4567.89, 0.35, date(2024, 10, 8)]]:
        sheet.append(row)
    return save(book, folder / "投资统计台账" / name)


def loi_file(folder: Path, name: str, numbers: list[str]) -> Path:
    book, sheet = new_book("意向书")
    sheet.append(["意向书编号", "意向园区", "意向面积（㎡）"])
    for number in numbers:
        sheet.append([number, "芯片园", "4500"])
    return save(book, folder / "招商台账" / name)


def new_book(title: str) -> tuple[Workbook, Worksheet]:
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.title = title
    return book, sheet


def save(book: Workbook, path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    book.save(path)
    return path


def failure(folder: Path, table: TableContract = INVEST) -> str:
    with pytest.raises(PermanentFailure) as caught:
        read(workbooks(folder), table)
    return str(caught.value)
