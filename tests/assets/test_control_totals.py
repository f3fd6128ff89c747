"""Control totals of sheets are kept beside the sums of the rows that were read."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.assets.staging import Bench, contract

COLUMNS = [
    {"name": "no", "physicalType": "varchar(10)", "primaryKey": True, "primaryKeyPosition": 1},
    {"name": "amount_cny", "physicalType": "decimal(18,2)", "required": True},
    {"name": "file_version", "physicalType": "int"},
]
FILES = r"表_(?P<file_period>\d{6})(?:_v(?P<file_version>\d+))?\.xlsx"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.engine.close()


def data(no: str, amount: str) -> dict[str, Any]:
    return {"no": no, "amount_cny": amount, "file_version": "1"}


def control(amount: str) -> dict[str, Any]:
    return {"no": "小计", "amount_cny": amount, "file_version": "1", "_row_kind": "control"}


def land(bench: Bench, folder: Path, rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    table = contract(
        folder,
        "t",
        COLUMNS,
        {"verb": "replace", "scope": "table"},
        transport={"kind": "workbook", "files": FILES, "sheet": "表"},
        quarantine={"max_pct": 100},
    )
    bench.night(table, rows)
    return bench.rows(
        "SELECT row_no, column_name, printed, read, rows_read FROM meta.control_total ORDER BY row_no"
    )


def test_a_subtotal_stands_for_its_group_and_a_total_for_the_sheet(bench: Bench, tmp_path: Path) -> None:
    rows = [data("A", "1"), data("B", "2"), control("3"), data("C", "4"), control("4"), control("7")]
    assert land(bench, tmp_path, rows) == [
        (3, "amount_cny", Decimal(3), Decimal(3), 2),
        (5, "amount_cny", Decimal(4), Decimal(4), 1),
        (6, "amount_cny", Decimal(7), Decimal(7), 3),
    ]


def test_a_single_total_stands_for_all_rows(bench: Bench, tmp_path: Path) -> None:
    assert land(bench, tmp_path, [data("A", "1"), data("B", "2"), control("9")]) == [
        (3, "amount_cny", Decimal(9), Decimal(3), 2)
    ]


def test_rejected_and_unchanged_rows_count_as_read(bench: Bench, tmp_path: Path) -> None:
    land(bench, tmp_path, [data("A", "1"), control("1")])
    rows = [data("A", "1"), data("B", "2"), data("B", "3"), control("6")]
    assert land(bench, tmp_path, rows)[-1] == (4, "amount_cny", Decimal(6), Decimal(6), 3)


def test_a_number_that_cannot_be_read_is_missing_from_the_sum(bench: Bench, tmp_path: Path) -> None:
    assert land(bench, tmp_path, [data("A", "1"), data("B", "约2"), control("3")]) == [
        (3, "amount_cny", Decimal(3), Decimal(1), 2)
    ]


def test_the_quarter_is_the_files(bench: Bench, tmp_path: Path) -> None:
    from assets.staged.control_totals import _quarter_of

    months = {f"{m:02}": f"2024Q{(m + 2) // 3}" for m in range(1, 13)}
    for month, quarter in months.items():
        assert bench.rows(f"SELECT {_quarter_of(chr(39) + '2024' + chr(39), chr(39) + month + chr(39))}") == [
            (quarter,)
        ]
