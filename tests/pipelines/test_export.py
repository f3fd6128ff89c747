"""Exports are whole or absent, and no spreadsheet runs what a ledger row says."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from unittest.mock import patch

import openpyxl
import pyarrow.parquet as pq
import pytest

from pipelines.cli.export import TooManyRows, export_rows, harmless

ROWS = [("=cmd|'/c calc'!A1", Decimal("-1.50")), ("＋1", Decimal(2)), ("浙G12345", None)]


@pytest.mark.parametrize(
    "text",
    [
        "=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "＝1", " =1+1", "\u00a0=1", "\ufeff=1", "\u200b=1", "\x00=1",
        "\u3000\u200b ＋1", "\x0b@x",
    ],
)  # fmt: skip
def test_texts_that_begin_like_a_formula_are_made_harmless(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("value", ["1=1", " a=1", " ", "", Decimal("-1.5"), None, -3])
def test_everything_else_stays_as_it_is(value: object) -> None:
    assert harmless(value) is value


def test_a_csv_opens_in_a_spreadsheet_without_running_anything(tmp_path: Path) -> None:
    export_rows(tmp_path / "x.csv", ("text", "amount"), ROWS)
    assert (tmp_path / "x.csv").read_text(encoding="utf-8-sig").splitlines() == [
        "text,amount", "'=cmd|'/c calc'!A1,-1.50", "'＋1,2", "浙G12345,",
    ]  # fmt: skip


def test_a_workbook_holds_texts_and_numbers(tmp_path: Path) -> None:
    export_rows(tmp_path / "x.xlsx", ("text", "amount"), ROWS)
    sheet = openpyxl.load_workbook(tmp_path / "x.xlsx").active
    assert sheet is not None
    assert [c.data_type for c in sheet[2]] == ["s", "n"]
    assert sheet["A2"].value == "'=cmd|'/c calc'!A1"


def test_a_workbook_shows_what_it_cannot_hold(tmp_path: Path) -> None:
    rows = [("a\x0bb", 1), ("\x00=1", 2), ("two\nlines\uffff", 3)]
    for name in ("x.xlsx", "x.csv", "x.parquet"):
        assert export_rows(tmp_path / name, ("text", "n"), rows) == 3
    sheet = openpyxl.load_workbook(tmp_path / "x.xlsx").active
    assert sheet is not None
    assert [r[0].value for r in sheet.iter_rows(min_row=2)] == ["a␋b", "'␀=1", "two\nlines\ufffd"]
    assert pq.read_table(tmp_path / "x.parquet")["text"].to_pylist() == [text for text, _ in rows]
    assert "a\x0bb,1" in (tmp_path / "x.csv").read_text(encoding="utf-8-sig")


def test_a_parquet_file_agrees_on_types_that_come_late(tmp_path: Path) -> None:
    with patch("pipelines.cli.export._ROWS_OF_A_PART", 2):
        rows = ((None, None) if n < 3 else ("x", Decimal("1.5") * n) for n in range(5))
        assert export_rows(tmp_path / "x.parquet", ("text", "amount"), rows) == 5
    found = pq.read_table(tmp_path / "x.parquet").to_pylist()
    assert [r["amount"] for r in found] == [None, None, None, Decimal("4.5"), Decimal(6)]
    assert export_rows(tmp_path / "none.parquet", ("text", "amount"), []) == 0


def test_more_rows_than_a_sheet_holds_are_refused_with_a_cure(tmp_path: Path) -> None:
    with (
        patch("pipelines.cli.export._ROWS_OF_A_SHEET", 2),
        pytest.raises(TooManyRows, match=r"holds 2 rows, these are more → export to .csv or .parquet"),
    ):
        export_rows(tmp_path / "x.xlsx", ("text", "amount"), ROWS)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_export_leaves_the_file_before_it(tmp_path: Path) -> None:
    def broken() -> Iterator[tuple[str, int]]:
        yield ("a", 1)
        raise RuntimeError("the disk is full")

    target = tmp_path / "x.csv"
    target.write_text("before", encoding="utf-8")
    with pytest.raises(RuntimeError, match="disk is full"):
        export_rows(target, ("text", "amount"), broken())
    assert target.read_text(encoding="utf-8") == "before"
    assert list(tmp_path.iterdir()) == [target]
