"""Parts of the demo's systems that need no server: edits, names, secrets, processes, what is kept ahead."""

from __future__ import annotations

import json
import os
import socket
import sys
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from demo.systems import ledger_store, rest_store
from demo.systems.changes import changed_between, rows_at
from demo.systems.errors import DemoError
from demo.systems.faults import Fault, FaultBook, fault_from
from demo.systems.home import Home, State, new_secrets
from demo.systems.http_api import Api
from demo.systems.overlay import Overlay, Touch, append_touches, read_touches
from demo.systems.processes import free_port, is_alive, port_is_free, spawn, stop
from demo.systems.tables import SourceTable, find_table, source_tables, tables_of
from demo.systems.watermarks import midnight_z, read_ms, write
from demo.timeline import Row
from tests.demo.small_ledgers import BETWEEN, HAZARDS, OLD, small_ledgers

HAZARD = source_tables()["park_hazard"]
UP_AT, LATER_AT = datetime(2024, 10, 10, 20), datetime(2024, 11, 15, 20)


def test_the_four_forms_of_one_instant_compare_equal() -> None:
    instant = datetime(2024, 9, 10, 8, 30)
    forms = [write(form, instant) for form in ("text", "iso_offset", "iso_z", "epoch_ms")]
    assert forms == [
        "2024-09-10 08:30:00",
        "2024-09-10T08:30:00+08:00",
        "2024-09-10T00:30:00.000Z",
        1725928200000,
    ]
    assert {read_ms(form) for form in forms} == {1725928200000}
    assert midnight_z(date(2024, 9, 10)) == "2024-09-09T16:00:00.000Z"


def test_names_of_the_catalogue_and_of_the_system_both_work() -> None:
    project = find_table("projects")
    assert project.table == "con_project"
    assert [project.resolve(name) for name in ("planned_total_cny", "is_deleted", "ownerUsci")] == [
        "plannedTotalWan",
        "deleted",
        "ownerUsci",
    ]
    with pytest.raises(DemoError, match="national_code"):
        project.resolve("name")


@pytest.mark.parametrize("table", tables_of("finance", "concrete", "project_system", "park_platform"))
def test_changes_lead_to_the_state_they_end_in(table: SourceTable) -> None:
    timeline, overlay = small_ledgers().get(table.table), Overlay([])
    rows = {table.key_of(row): row for row in rows_at(table, timeline, UP_AT, overlay)}
    changes = changed_between(table, timeline, UP_AT, LATER_AT, overlay)
    rows |= {table.key_of(row): row for row in changes.rows}
    for key in changes.gone:
        rows.pop(key)
    assert rows == {table.key_of(row): row for row in rows_at(table, timeline, LATER_AT, overlay)}


def test_later_edits_lie_on_earlier_ones_and_a_watermark_never_moves_back() -> None:
    row = {"hazard_no": "YH1", "status": "closed", "updated_at": 2000}
    touches = [
        Touch("park_hazard", ("YH1",), {"status": "found", "updated_at": 1000}),
        Touch("park_hazard", ("YH1",), {"status": "rectified", "updated_at": 1500}),
    ]
    assert Overlay(touches).over(HAZARD, row) == {**row, "status": "rectified"}
    later = [Touch("park_hazard", ("YH1",), {"updated_at": 3000})]
    assert Overlay(later).over(HAZARD, row) == {**row, "updated_at": 3000}
    assert Overlay([Touch("park_hazard", ("YH1",), gone=True)]).over(HAZARD, row) is None
    assert row["status"] == "closed"


def test_an_edit_in_a_workbook_holds_from_its_file_on() -> None:
    table = source_tables()["park_loi"]
    row: Row = {"loi_no": "YX-1", "status": "有效"}
    overlay = Overlay([Touch("park_loi", ("YX-1",), {"status": "已撤回"}, file="招商台账_20241010.xlsx")])
    shown = [overlay.over(table, row, f"招商台账_{day}.xlsx") for day in ("20240926", "20241010", "20241017")]
    assert [found and found["status"] for found in shown] == ["有效", "已撤回", "已撤回"]


def test_edits_are_kept_exactly_and_half_a_line_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "edits.jsonl"
    touches = [Touch("con_invest_month", ("项目", "1"), {"amount_cny": Decimal("150.25")}, file="a.xlsx")]
    append_touches(path, touches)
    with path.open("a") as file:
        file.write('{"table": "cut o')
    assert read_touches(path) == touches
    append_touches(path, [Touch("park_loi", ("1",), gone=True)])
    assert read_touches(path) == [*touches, Touch("park_loi", ("1",), gone=True)]


def test_faults_count_down_and_fit_their_requests() -> None:
    book = FaultBook()
    book.order(Fault("park", "hazard", "empty", times=1))
    book.order(Fault("*", "*", "slow", times=-1, endpoint="*"))
    assert [_kind(book, "park", "hazard") for _ in range(3)] == ["empty", "slow", "slow"]
    assert _kind(book, "pms", "projects", "count") == "slow"
    book.clear()
    assert _kind(book, "pms", "projects") is None
    with pytest.raises(ValueError, match="name of a field"):
        fault_from({"fault": "drop_field"})


def _kind(book: FaultBook, system: str, resource: str, endpoint: str = "list") -> str | None:
    fault = book.take(system, resource, endpoint, 1)
    return fault.kind if fault else None


def test_paging_keeps_its_order_while_rows_change(tmp_path: Path) -> None:
    store = tmp_path / "rest.db"
    rest_store.create(store, {"park_platform": "t"})
    rows = rows_at(HAZARD, small_ledgers()["park_hazard"], UP_AT, Overlay([]))
    rest_store.load(store, [(HAZARD, list(reversed(rows)))])
    first = rest_store.page(store, "park_platform", "hazard", None, 0, 10)
    changes = changed_between(HAZARD, small_ledgers()["park_hazard"], UP_AT, LATER_AT, Overlay([]))
    rest_store.apply(store, [(HAZARD, changes)])
    rest = rest_store.page(store, "park_platform", "hazard", None, 10, 99)
    assert len({text[:24] for text in first + rest}) == HAZARDS
    assert rest_store.count(store, "park_platform", "hazard", 1730422800000) == 1


def test_an_unknown_resource_is_named(tmp_path: Path) -> None:
    store = tmp_path / "rest.db"
    rest_store.create(store, {"park_platform": "t", "project_system": "t"})
    api = Api(store)
    assert '"code": 4004' in api.serve("park", "/park/api/nothing.get_list", {}, "t").body
    assert '"code": 40401' in api.serve("pms", "/pms/api/v2/projects", {}, "t").body
    assert '"code": 4002' in api.serve("park", "/park/api/hazard.get_list", {"page_size": 1000}, "t").body


def test_the_charging_system_answers_after_its_standard(tmp_path: Path) -> None:
    store, table = tmp_path / "rest.db", source_tables()["park_charge_stall"]
    rest_store.create(store, {"charging": "t"})
    rows: list[Row] = [{"LotNo": "XJ-01", "StallNo": f"{n:03d}", "Power": 7} for n in range(1, 4)]
    rest_store.load(store, [(table, rows)])
    api, path = Api(store), "/charging/query_stalls"
    first = json.loads(api.serve("charging", f"{path}_info", {"PageNo": 1, "PageSize": 2}, "t").body)
    assert (first["Ret"], first["Data"]["StallInfos"]) == (0, rows[:2])
    last = json.loads(api.serve("charging", f"{path}_info", {"PageNo": 2, "PageSize": 2}, "t").body)
    assert last["Data"]["StallInfos"] == rows[2:]
    counted = json.loads(api.serve("charging", f"{path}_stats", {}, "t").body)
    assert counted["Data"] == {"ItemSize": 3}
    refused = {
        "4002": api.serve("charging", f"{path}_info", {}, "another token"),
        "4003": api.serve("charging", "/charging/query_orders_info", {}, "t"),
        "4004": api.serve("charging", f"{path}_info", {"PageSize": 101}, "t"),
    }
    assert {str(json.loads(answer.body)["Ret"]) for answer in refused.values()} == set(refused)


def test_a_state_written_before_a_system_joined_gets_its_token(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.demo.mkdir(parents=True)
    state = State(1, 1, "2024-10-10", "2024-10-10T20:00:00", {"finance": 1, "http": 2}, new_secrets())
    del state.secrets["charging"]
    home.state_file.write_text(json.dumps(asdict(state)), encoding="utf-8")
    read = home.require_state()
    assert read.secrets["charging"]
    assert read.secrets["park_platform"] == state.secrets["park_platform"]


def test_settings_replace_their_own_lines_only(tmp_path: Path) -> None:
    home = Home(tmp_path / "a b")
    home.demo.mkdir(parents=True)
    state = State(1, 1, "2024-10-10", "2024-10-10T20:00:00", {"finance": 1, "http": 2}, new_secrets())
    home.settings_file.write_text("A=1\nJIBAO_CLOCK=old\n# b\n", encoding="utf-8")
    home.write_state(state)
    home.write_state(state)
    lines = home.settings_file.read_text(encoding="utf-8").splitlines()
    assert lines[:3] == ["A=1", "JIBAO_CLOCK=2024-10-10T20:00:00+08:00", "# b"]
    assert len(lines) == 2 + len(home.settings(state))
    assert f"JIBAO_SOURCES__WORKBOOKS__URL='file://{home.workbooks}'" in lines
    assert home.read_state() == state


def test_a_damaged_state_says_what_to_do(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.demo.mkdir()
    home.state_file.write_text("{")
    with pytest.raises(DemoError, match="bring the demo up again"):
        home.require_state()


def test_a_daemon_is_known_by_its_arguments_and_stopped_for_good(tmp_path: Path) -> None:
    mark = str(tmp_path)
    code = "import time; print('up', flush=True); time.sleep(60)"
    pid = spawn([sys.executable, "-c", code, mark], tmp_path / "logs" / "d.log", cwd=tmp_path)
    try:
        assert os.getsid(pid) == pid
        assert is_alive(pid, mark)
        assert not is_alive(pid, "another")
        assert not stop(pid, "another")
    finally:
        assert stop(pid, mark)
    assert not is_alive(pid, mark)
    assert not stop(pid, mark)


def test_a_port_in_use_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not port_is_free(port)
    assert port_is_free(free_port({port}))


def test_what_lies_ahead_is_used_only_for_the_demo_it_came_from(tmp_path: Path) -> None:
    path, ledgers = tmp_path / "ahead.pickle", small_ledgers()
    ledger_store.keep_ahead(path, ledgers, 1, 1, UP_AT)
    kept = ledger_store.kept_ahead(path, 1, 1, UP_AT)
    assert kept is not None
    assert [event[0] for event in kept["park_hazard"].rows] == [BETWEEN]
    assert kept["con_invest_month"] == ledgers["con_invest_month"]
    assert kept["fin_org"].rows == []
    assert ledger_store.kept_ahead(path, 2, 1, UP_AT) is None
    assert ledger_store.kept_ahead(path, 1, 1, OLD) is None
    assert ledger_store.kept_ahead(tmp_path / "none", 1, 1, UP_AT) is None
