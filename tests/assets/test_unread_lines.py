"""A line of a CSV file that is no row: it waits in quarantine with place and cause, the rest goes on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from assets.raw.extract import Reach, extract
from assets.staged import tables
from assets.staged.catch_up import catch_up
from assets.staged.stage import Staged
from data_contracts.model import TableContract
from data_contracts.rules import rules_of
from resources.settings import load_settings
from resources.workspace import hold
from tests.assets.staging import contract

FIRST = datetime(2024, 10, 10, 12, tzinfo=UTC)


def _meters(home: Path) -> TableContract:
    transport = {
        "kind": "file", "format": "csv", "encoding": "utf-8",
        "files": r"meter_(?P<file_period>\d{6})(?:_v(?P<file_version>\d+))?\.csv",
        "defaults": {"file_version": "1"},
    }  # fmt: skip
    update = {"verb": "replace", "scope": ["file_period"], "version": "file_version", "max_delete_pct": 60}
    columns: list[dict[str, Any]] = [
        {"name": "meter_no", "physicalName": "电表编号", "logicalType": "string", "physicalType": "varchar(9)",
         "required": True, "primaryKey": True, "primaryKeyPosition": 1},
        {"name": "used_kwh", "physicalName": "用电量", "logicalType": "number", "physicalType": "decimal(9,2)"},
        {"name": "org_code", "physicalName": "单位", "logicalType": "string", "physicalType": "varchar(9)"},
        {"name": "file_period", "logicalType": "string", "physicalType": "char(6)"},
        {"name": "file_version", "logicalType": "integer", "physicalType": "int",
         "customProperties": [{"property": "lineage", "value": True}]},
    ]  # fmt: skip
    return contract(home, "meters", columns, update, transport=transport, quarantine={"max_pct": 60})


def _night(home: Path, number: int) -> tuple[Staged, list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """One night with the second opinion on every rule: its outcome, current rows, and what is in quarantine."""
    meters = _meters(home)
    with hold(load_settings(home), run_id=f"night{number}xxxx", now=FIRST + timedelta(days=number)) as ws:
        tables.create_tables(ws.engine, [meters])
        extract(ws, meters, Reach())
        ((_, staged),) = catch_up(ws, meters, rules_of(meters))
        with ws.engine.begin() as session:
            current = "SELECT meter_no, used_kwh FROM staged.meters WHERE _known_to IS NULL ORDER BY meter_no"
            kept_out = (
                "SELECT rules, source_ref, row_no, json_extract_string(raw_row, '$._unread') "
                "FROM private.quarantine.quarantined_row ORDER BY row_no"
            )
            return staged, session.rows(current), session.rows(kept_out)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("JIBAO_SOURCES__WORKBOOKS__URL", str(tmp_path / "drops"))
    (tmp_path / "drops").mkdir()
    return tmp_path


def _file(home: Path, name: str, *lines: str) -> None:
    text = "\n".join(["电表编号,用电量,单位", *lines]) + "\n"
    (home / "drops" / name).write_text(text, encoding="utf-8")


def test_a_line_that_is_no_row_waits_in_quarantine_and_the_rest_goes_on(home: Path) -> None:
    _file(home, "meter_202409.csv", "M1,1,01", "M2,1,200,01", "M3,3,01")
    staged, current, kept_out = _night(home, 1)
    assert (staged.report.blocked, staged.report.conserved) == ((), True)
    assert [(no, str(used)) for no, used in current] == [("M1", "1.00"), ("M3", "3.00")]
    assert kept_out == [
        (
            "meters.line,meters.meter_no.not_null",
            "meter_202409.csv:3",
            3,
            "4 values under 3 headers: M2,1,200,01",
        )
    ]
    assert staged.samples == (
        "workbooks / meters / meter_202409.csv:3 row 3 (key ) [meters.line,meters.meter_no.not_null]: the line has "
        "more or fewer values than the file has headers → have the line corrected: a delimiter or a line break "
        "inside a value needs quotes",
    )


def test_nothing_is_deleted_by_a_delivery_with_lines_nobody_could_read(home: Path) -> None:
    _file(home, "meter_202409.csv", "M1,1,01", "M2,2,01", "M3,3,01")
    _night(home, 1)
    _file(home, "meter_202409_v2.csv", "M1,1,01", "M2,2", "M3,4,01")
    _, current, _ = _night(home, 2)
    assert [(no, str(used)) for no, used in current] == [("M1", "1.00"), ("M2", "2.00"), ("M3", "4.00")]
    _file(home, "meter_202409_v3.csv", "M1,1,01", "M3,4,01")
    _, current, _ = _night(home, 3)
    assert [no for no, _ in current] == ["M1", "M3"]
