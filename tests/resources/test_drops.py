"""Folders of dropped files: which are read, which are passed over, and what the proof says of the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from data_contracts.model import Update
from resources.failures import TransientFailure
from resources.sources.base import ExtractionRequest, Source, connector_for
from tests.resources.sheets import (
    INVEST,
    LOI,
    failure,
    invest_file,
    loi_file,
    workbooks,
)
from tests.resources.tables import contract, read


def test_a_known_file_is_passed_over_and_a_changed_one_is_not(tmp_path: Path) -> None:
    old = invest_file(tmp_path, "投资统计台账_202408.xlsx")
    invest_file(tmp_path, "投资统计台账_202409.xlsx")
    _, first = read(workbooks(tmp_path), INVEST)
    landed = {f["path"]: f["sha256"] for f in first["files"]}
    rows, second = read(workbooks(tmp_path), INVEST, landed=landed)
    assert (rows, second["files"], second["complete"], second["full"]) == ([], [], True, False)
    assert second["unchanged"] == [
        "投资统计台账/投资统计台账_202408.xlsx",
        "投资统计台账/投资统计台账_202409.xlsx",
    ]
    invest_file(tmp_path, old.name, [["CT-1", "", "202408", 99, None, None]])
    rows, third = read(workbooks(tmp_path), INVEST, landed=landed)
    assert [r["amount_cny"] for r in rows] == ["99"]
    assert (third["full"], [f["path"] for f in third["files"]]) == (
        False,
        ["投资统计台账/投资统计台账_202408.xlsx"],
    )


def test_versions_of_one_month_land_in_their_order(tmp_path: Path) -> None:
    for name in ("202409_v10", "202409", "202409_v2", "202408_v3"):
        invest_file(tmp_path, f"投资统计台账_{name}.xlsx")
    rows, _ = read(workbooks(tmp_path), INVEST)
    assert [(r["file_period"], r["file_version"]) for r in rows] == [
        ("202408", "3"), ("202409", "1"), ("202409", "2"), ("202409", "10"),
    ]  # fmt: skip


def test_of_a_replaced_table_the_newest_file_is_the_whole_table(tmp_path: Path) -> None:
    loi_file(tmp_path, "招商台账_20240930.xlsx", ["L1", "L2"])
    loi_file(tmp_path, "招商台账_20241008.xlsx", ["L1"])
    rows, proof = read(workbooks(tmp_path), LOI)
    assert [(r["loi_no"], r["snapshot_date"]) for r in rows] == [("L1", "20241008")]
    assert proof["superseded"] == ["招商台账/招商台账_20240930.xlsx"]
    assert proof["full"] is True
    landed = {f["path"]: f["sha256"] for f in proof["files"]}
    rows, proof = read(workbooks(tmp_path), LOI, landed=landed)
    assert (rows, proof["full"], proof["complete"]) == ([], False, True)


def test_lock_files_of_excel_are_no_deliveries(tmp_path: Path) -> None:
    anything = contract(
        {**LOI.transport, "files": r"招商台账/.*\.xlsx"},
        *LOI.columns[:3],
        update=Update("upsert"),
        name="park_loi",
    )
    loi_file(tmp_path, "招商台账_20241008.xlsx", ["L1"])
    (tmp_path / "招商台账" / "~$招商台账_20241009.xlsx").write_bytes(b"\x05lock")
    assert len(read(workbooks(tmp_path), anything)[0]) == 1


def test_a_missing_folder_and_an_empty_one_are_told_apart(tmp_path: Path) -> None:
    assert "there is no such folder → mount the share" in failure(tmp_path / "gone")
    (tmp_path / "其他.xlsx").write_bytes(b"")
    message = failure(tmp_path)
    assert "no file matches 投资统计台账/" in message
    assert "(1 other files are there)" in message


def test_a_file_written_while_it_is_read_is_transient(tmp_path: Path) -> None:
    rows = [[f"CT-{i}", "", "202409", i, None, None] for i in range(9000)]
    path = invest_file(tmp_path, rows=rows)
    extraction = connector_for(INVEST).extract(workbooks(tmp_path), ExtractionRequest(INVEST))
    next(extraction.batches)
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(
        TransientFailure, match="the file changed while it was read → run again when it is copied"
    ):
        list(extraction.batches)
    assert extraction.proof["complete"] is False


def test_a_folder_may_be_given_as_a_url(tmp_path: Path) -> None:
    loi_file(tmp_path, "招商台账_20241008.xlsx", ["L1"])
    assert len(read(Source("workbooks", tmp_path.as_uri()), LOI)[0]) == 1


def test_a_file_that_left_the_folder_is_recorded(tmp_path: Path) -> None:
    invest_file(tmp_path)
    _, proof = read(workbooks(tmp_path), INVEST, landed={"投资统计台账/投资统计台账_202301.xlsx": "0"})
    assert proof["gone"] == ["投资统计台账/投资统计台账_202301.xlsx"]
