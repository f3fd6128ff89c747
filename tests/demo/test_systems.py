"""The pretend group's systems, started for real on loopback and met as their readers meet them."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, LiteralString

import httpx
import psutil  # type: ignore[import-untyped, unused-ignore]
import psycopg
import pytest
from openpyxl import load_workbook

from demo.systems import group
from demo.systems.edit import edit
from demo.systems.errors import DemoError
from demo.systems.processes import port_is_free
from tests.demo.small_ledgers import HAZARDS, LATER, OLD, PROJECTS, UP, small_ledgers

pytestmark = pytest.mark.integration


@dataclass
class Demo:
    """A demo that is up, and its settings."""

    home: Path
    settings: dict[str, str]

    def sql(self, query: LiteralString) -> list[tuple[Any, ...]]:
        with psycopg.connect(_plain(self.settings["JIBAO_SOURCES__FINANCE__URL"])) as connection:
            return connection.execute(query).fetchall()

    def tickets(self, query: str) -> list[tuple[Any, ...]]:
        path = self.settings["JIBAO_SOURCES__CONCRETE__URL"].removeprefix("sqlite:///")
        return sqlite3.connect(path).execute(query).fetchall()

    def pms(self, path: str, token: str | None = None, **query: object) -> httpx.Response:
        token = token or self.settings["JIBAO_SOURCES__PROJECT_SYSTEM__TOKEN"]
        url = self.settings["JIBAO_SOURCES__PROJECT_SYSTEM__URL"] + path
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.get(url, params=query, headers=headers, trust_env=False)  # type: ignore[arg-type]

    def park(self, verb: str, token: str | None = None, **body: object) -> dict[str, Any]:
        return self.park_raw(verb, token, **body).json()  # type: ignore[no-any-return]

    def park_raw(self, verb: str, token: str | None = None, **body: object) -> httpx.Response:
        headers = {"X-Token": token or self.settings["JIBAO_SOURCES__PARK_PLATFORM__TOKEN"]}
        url = f"{self.settings['JIBAO_SOURCES__PARK_PLATFORM__URL']}/api/{verb}"
        return httpx.post(url, json=body, headers=headers, trust_env=False)

    def control(self, **order: object) -> httpx.Response:
        base = self.settings["JIBAO_SOURCES__PARK_PLATFORM__URL"].removesuffix("/park")
        return httpx.post(f"{base}/_control", json=order, trust_env=False)

    def pages(self, size: int) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for number in range(1, 100):
            answer = self.park("hazard.get_list", page_no=number, page_size=size)
            assert answer["code"] == 1000
            if not answer["list"]:
                return rows
            rows += answer["list"]
        raise AssertionError("no empty page in a hundred")

    def hashes(self) -> dict[str, str]:
        folder = self.home / "demo" / "workbooks"
        return {
            str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*.xlsx"))
        }

    def cells(self, path: str) -> list[tuple[Any, ...]]:
        book = load_workbook(self.home / "demo" / "workbooks" / path)
        return list(book.active.iter_rows(values_only=True))  # type: ignore[union-attr]

    def processes(self) -> list[psutil.Process]:
        """Every process whose arguments or working folder point at this demo's data."""
        state = json.loads((self.home / "demo" / "state.json").read_text())
        marks = {str(self.home), state["finance_data"] or str(self.home)}
        found = []
        for process in psutil.process_iter(["pid", "cmdline"]):
            line = " ".join(process.info["cmdline"] or [])
            if process.pid != os.getpid() and any(mark in line for mark in marks):
                found.append(process)
        return found


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")


def _up(home: Path, day: date = UP, **options: Any) -> Demo:
    return Demo(home, group.up(home, day, 1, 1, timelines=small_ledgers(), **options))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One demo for the tests that only read."""
    home = tmp_path_factory.mktemp("shared")
    yield _up(home)
    group.down(home)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Demo]:
    """A demo of the test's own, for tests that change it."""
    yield _up(tmp_path)
    group.down(tmp_path)


def test_finance_lets_in_the_reader_only_with_its_password_and_only_to_read(shared: Demo) -> None:
    url = _plain(shared.settings["JIBAO_SOURCES__FINANCE__URL"])
    state = json.loads((shared.home / "demo" / "state.json").read_text())
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url.replace(state["secrets"]["reader"], "wrong"))
    with psycopg.connect(url) as connection:
        scram = connection.execute("SHOW password_encryption").fetchone()
        assert scram == ("scram-sha-256",)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute("DELETE FROM gl_voucher")
    with psycopg.connect(url) as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.commit()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM gl_voucher")


def test_finance_shows_types_and_values_of_the_catalogue(shared: Demo) -> None:
    types = dict(
        shared.sql(
            "SELECT column_name, udt_name || coalesce(numeric_precision::text, '') "
            "FROM information_schema.columns WHERE table_name = 'gl_voucher'"
        )
    )
    assert types["total_debit"] == "numeric20"
    assert (types["pk_voucher"], types["posted_date"], types["dr"]) == ("bpchar", "date", "int216")
    assert shared.sql("SELECT voucher_date, checked_by FROM gl_voucher") == [("2024.9.5  ", " ")]
    assert len(shared.sql("SELECT * FROM gl_detail")) == 2


def test_concrete_columns_are_all_text(shared: Demo) -> None:
    columns = shared.tickets("SELECT name, type FROM pragma_table_info('delivery_ticket')")
    assert len(columns) == 21
    assert {kind for _, kind in columns} == {"TEXT"}
    assert shared.tickets("SELECT typeof(signed_m3), signed_m3 FROM delivery_ticket LIMIT 1") == [
        ("text", "１0.5")
    ]


def test_a_wrong_token_is_a_code_in_an_ordinary_answer(shared: Demo) -> None:
    answer = shared.pms("/api/v1/projects", token="wrong")
    assert (answer.status_code, answer.json()["code"]) == (200, 40101)
    assert shared.park("hazard.get_list", token="wrong", page_no=1)["code"] == 4001


@pytest.mark.parametrize(
    "query", [{"size": 201}, {"page": 0}, {"page": "x"}, {"updated_since": "2024-09-01T00:00:00"}]
)
def test_project_system_refuses_bad_parameters(shared: Demo, query: dict[str, Any]) -> None:
    answer = shared.pms("/api/v1/projects", **query)
    assert (answer.status_code, answer.json()["code"]) == (200, 40001)


def test_pages_up_to_the_empty_one_add_up_to_the_count(shared: Demo) -> None:
    rows = shared.pages(7)
    assert len({row["hazard_no"] for row in rows}) == len(rows) == HAZARDS
    assert shared.park("hazard.get_stats")["data"] == {"count": HAZARDS}
    answer = shared.pms("/api/v1/projects", page=1, size=200).json()
    assert set(answer) == {"code", "message", "data"}
    assert set(answer["data"]) == {"items"}
    assert len(answer["data"]["items"]) == PROJECTS
    assert shared.pms("/api/v1/projects/count").json()["data"] == {"count": PROJECTS}


def test_the_watermark_filter_is_inclusive(shared: Demo) -> None:
    since = "2024-09-05T08:30:00+08:00"
    items = shared.pms("/api/v1/projects", updated_since=since).json()["data"]["items"]
    assert [item["projectCode"] for item in items] == ["CT-2024-005", "CT-2024-006", "CT-2024-007"]
    assert shared.pms("/api/v1/projects/count", updated_since=since).json()["data"]["count"] == 3
    assert shared.park("hazard.get_stats", updated_from=1725498000000)["data"]["count"] == HAZARDS
    assert shared.park("hazard.get_stats", updated_from=1725498000001)["data"]["count"] == 0


@pytest.fixture
def faulty(shared: Demo) -> Iterator[Callable[..., None]]:
    """Orders faults for the hazard list; all are cleared after the test."""

    def order(fault: str, **more: object) -> None:
        answer = shared.control(system="park", resource="hazard", fault=fault, **more)
        assert answer.json() == {"ok": True}

    yield order
    shared.control(clear=True)


def test_a_fault_hits_as_often_as_ordered(shared: Demo, faulty: Callable[..., None]) -> None:
    faulty("http_500", times=2)
    codes = [shared.park_raw("hazard.get_list").status_code for _ in range(3)]
    assert codes == [500, 500, 200]


def test_each_fault_shows_as_its_name_says(shared: Demo, faulty: Callable[..., None]) -> None:
    faulty("http_429")
    answer = shared.park_raw("hazard.get_list")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
    faulty("code_error")
    assert shared.park("hazard.get_list")["code"] == 5000
    faulty("empty")
    assert shared.park("hazard.get_list")["list"] == []
    assert shared.park("hazard.get_stats")["data"]["count"] == HAZARDS
    faulty("drop_field", field="status")
    assert all("status" not in row for row in shared.park("hazard.get_list")["list"])
    faulty("bad_json")
    with pytest.raises(json.JSONDecodeError):
        shared.park_raw("hazard.get_list").json()
    faulty("slow", seconds=0.5)
    started = time.monotonic()
    assert shared.park("hazard.get_list")["code"] == 1000
    assert time.monotonic() - started >= 0.5


def test_a_page_overlap_sends_one_row_twice_and_loses_one(shared: Demo, faulty: Callable[..., None]) -> None:
    faulty("page_overlap")
    rows = [row["hazard_no"] for row in shared.pages(10)]
    assert len(rows) == HAZARDS
    assert len(set(rows)) == HAZARDS - 1


def test_an_unknown_fault_is_refused_with_the_known_ones(shared: Demo) -> None:
    answer = shared.control(fault="burn")
    assert answer.status_code == 400
    assert "http_429" in answer.json()["error"]


def test_workbook_looks_as_an_office_keeps_it(shared: Demo) -> None:
    lines = shared.cells("投资统计台账/投资统计台账_202409.xlsx")
    assert lines[0][0] == "产投集团固定资产投资统计台账"
    assert lines[0][1] is None
    assert lines[2][:3] == ("项目编码", "项目名称", "统计月份")
    assert lines[2][5] == "本月完成投资（万元）"
    assert [line[0] for line in lines[3:9]] == ["CT-2024-001", None, "小计", "CT-2024-002", "小计", "合计"]
    assert [line[5] for line in lines[3:9]] == [812.35, 100, 912.35, 50.5, 50.5, 962.85]
    assert lines[8][6] == 3600
    assert lines[9][0] is None
    assert str(lines[10][0]).startswith("填报人：")
    letters = shared.cells("招商台账/招商台账_20241010.xlsx")
    assert [line[2] for line in letters[3:7]] == ["芯片园", None, "小计", "合计"]
    assert letters[5][9] == 6000


def test_up_again_changes_nothing(own: Demo) -> None:
    before, files = own.processes(), own.hashes()
    marks = {path: path.stat().st_mtime_ns for path in own.home.rglob("*.xlsx")}
    said: list[str] = []
    assert _up(own.home, progress=said.append).settings == own.settings
    assert own.hashes() == files
    assert len(files) > 3
    assert {path: path.stat().st_mtime_ns for path in own.home.rglob("*.xlsx")} == marks
    assert {p.pid for p in own.processes()} >= {p.pid for p in before if p.is_running()}
    assert said == ["all systems show 2024-10-10"]


def test_two_homes_with_the_same_rows_have_the_same_workbook_bytes(shared: Demo, own: Demo) -> None:
    assert shared.hashes() == own.hashes()


def test_up_restarts_what_died_on_the_same_ports(own: Demo) -> None:
    for process in own.processes():
        process.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while own.processes() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert _up(own.home).settings == own.settings
    assert own.sql("SELECT count(*) FROM gl_voucher") == [(1,)]
    assert len(own.pages(10)) == HAZARDS


def test_a_stranger_with_the_old_process_id_is_not_taken_for_ours(own: Demo) -> None:
    group.down(own.home)
    path = own.home / "demo" / "state.json"
    state = json.loads(path.read_text())
    state["pids"] = {"http": os.getpid(), "finance": os.getpid()}
    path.write_text(json.dumps(state))
    assert group.down(own.home) == []
    assert _up(own.home).sql("SELECT count(*) FROM gl_voucher") == [(1,)]


def test_down_leaves_no_process_and_up_goes_on(own: Demo) -> None:
    assert len(own.processes()) >= 2
    state = json.loads((own.home / "demo" / "state.json").read_text())
    assert sorted(group.down(own.home)) == ["finance", "http"]
    assert own.processes() == []
    assert all(port_is_free(port) for port in state["ports"].values())
    assert group.down(own.home) == []
    assert not group.state(own.home)["systems"]["finance"]["running"]  # type: ignore[index]
    assert _up(own.home).settings == own.settings


def test_secrets_are_for_the_owner_only_and_other_settings_stay(own: Demo) -> None:
    for path in (own.home / "settings.env", own.home / "demo" / "state.json", own.home / "demo" / "rest.db"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    file = own.home / "settings.env"
    file.write_text("# mine\nOTHER=1\n" + file.read_text())
    _up(own.home)
    lines = file.read_text().splitlines()
    assert lines[:2] == ["# mine", "OTHER=1"]
    assert "JIBAO_CLOCK=2024-10-10T20:00:00+08:00" in lines
    assert len(lines) == 2 + len(own.settings)


def test_advance_shows_the_new_day_and_never_goes_back(own: Demo) -> None:
    files = own.hashes()
    settings = group.advance(own.home, LATER, timelines=small_ledgers())
    assert settings["JIBAO_CLOCK"] == "2024-11-15T20:00:00+08:00"
    assert own.sql("SELECT attachment_cnt, ts FROM gl_voucher ORDER BY pk_voucher") == [
        (3, "2024-11-01 09:00:00"),
        (None, "2024-11-01 09:00:00"),
    ]
    assert own.tickets("SELECT ticket_no, status FROM delivery_ticket ORDER BY 1") == [
        ("T1", "void"),
        ("T2", "signed"),
        ("T3", "signed"),
    ]
    assert own.park("hazard.get_list", page_no=1, page_size=1)["list"][0]["status"] == "closed"
    after = own.hashes()
    assert files.items() <= after.items()
    assert {"投资统计台账/投资统计台账_202409_v2.xlsx", "招商台账/招商台账_20241114.xlsx"} <= set(after)
    with pytest.raises(DemoError, match="cannot go back"):
        group.advance(own.home, UP, timelines=small_ledgers())
    assert _up(own.home).settings == settings


def test_another_seed_is_refused(own: Demo) -> None:
    with pytest.raises(DemoError, match="seed 1 and scale 1"):
        group.up(own.home, UP, 2, 1, timelines=small_ledgers())


def test_a_changed_voucher_moves_with_its_lines_and_survives(own: Demo) -> None:
    where = {"pk_voucher": "V0000000000000000001"}
    assert edit(own.home, "fin_voucher", where, {"posted_flag": "N"}) == 1
    stamps = own.sql("SELECT ts FROM gl_voucher UNION ALL SELECT ts FROM gl_detail")
    assert stamps == [("2024-10-10 20:01:00",)] * 3
    assert edit(own.home, "gl_detail", {**where, "line_no": "2"}, {"credit": "120.50"}) == 1
    assert own.sql("SELECT DISTINCT ts FROM gl_detail UNION SELECT ts FROM gl_voucher") == [
        ("2024-10-10 20:02:00",)
    ]
    assert "JIBAO_CLOCK=2024-10-10T20:02:00+08:00" in (own.home / "settings.env").read_text()
    group.advance(own.home, LATER, timelines=small_ledgers())
    assert own.sql("SELECT posted_flag, attachment_cnt, ts FROM gl_voucher ORDER BY pk_voucher LIMIT 1") == [
        ("N", 3, "2024-11-01 09:00:00")
    ]
    assert str(own.sql("SELECT credit FROM gl_detail WHERE line_no = 2")[0][0]) == "120.5000"


def test_deleting_does_what_the_system_does(own: Demo) -> None:
    assert edit(own.home, "fin_voucher", {"pk_voucher": "V0000000000000000001"}, {}, delete=True) == 1
    assert own.sql("SELECT dr FROM gl_voucher") == [(1,)]
    assert edit(own.home, "con_project", {"project_code": "CT-2024-002"}, {}, delete=True) == 1
    item = own.pms("/api/v1/projects", updated_since="2024-10-10T20:00:00+08:00").json()["data"]["items"]
    assert [(row["projectCode"], row["deleted"]) for row in item] == [("CT-2024-002", True)]
    assert edit(own.home, "con_cc_delivery", {"ticket_no": "T1"}, {}, delete=True) == 1
    group.advance(own.home, LATER, timelines=small_ledgers())
    assert own.tickets("SELECT ticket_no FROM delivery_ticket ORDER BY 1") == [("T2",), ("T3",)]


def test_an_edit_is_seen_through_the_running_http_systems(own: Demo) -> None:
    set_to = {"status": "rectified", "rectified_date": "2024-10-09"}
    assert edit(own.home, "park_hazard", {"hazard_no": "YH0001"}, set_to) == 1
    changed = own.park("hazard.get_list", page_no=1, updated_from=1728561600000)["list"]
    assert [(row["hazard_no"], row["status"]) for row in changed] == [("YH0001", "rectified")]
    assert changed[0]["rectified_date"] == "2024-10-08T16:00:00.000Z"
    assert changed[0]["updated_at"] == 1728561660000
    assert edit(own.home, "projects", {"projectCode": "CT-2024-001"}, {"planned_total_cny": "5000.5"}) == 1
    first = own.pms("/api/v1/projects", size=1).json()["data"]["items"][0]
    assert (first["plannedTotalWan"], first["updatedAt"]) == (5000.5, "2024-10-10T20:02:00+08:00")
    group.advance(own.home, LATER, timelines=small_ledgers())
    row = own.park("hazard.get_list", page_no=1, page_size=1)["list"][0]
    assert (row["status"], row["updated_at"]) == ("rectified", 1730422800000)


def test_an_edited_cell_moves_its_totals_and_only_its_file(own: Demo) -> None:
    files = own.hashes()
    where = {"project_code": "CT-2024-001", "component": "安装工程"}
    assert edit(own.home, "con_invest_month", where, {"本月完成投资（万元）": "150.25"}) == 1
    path = "投资统计台账/投资统计台账_202409.xlsx"
    assert {name for name, sha in own.hashes().items() if files[name] != sha} == {path}
    lines = own.cells(path)
    assert [line[5] for line in lines[3:9]] == [812.35, 150.25, 962.6, 50.5, 50.5, 1013.1]
    assert [line[0] for line in lines[3:6]] == ["CT-2024-001", None, "小计"]
    edited = own.hashes()[path]
    group.advance(own.home, LATER, timelines=small_ledgers())
    assert own.hashes()[path] == edited
    again = own.cells("投资统计台账/投资统计台账_202409_v2.xlsx")
    assert [line[5] for line in again[3:6]] == [812.35, 150.25, 962.6]


def test_a_letter_edited_in_the_newest_snapshot_stays_so_in_later_ones(own: Demo) -> None:
    assert edit(own.home, "park_loi", {"loi_no": "YX-001"}, {"area_m2": "2万"}) == 1
    assert own.cells("招商台账/招商台账_20240912.xlsx")[3][9] == "0.45万"
    assert own.cells("招商台账/招商台账_20241010.xlsx")[3][9] == "2万"
    group.advance(own.home, LATER, timelines=small_ledgers())
    line = own.cells("招商台账/招商台账_20241114.xlsx")[3]
    assert (line[9], line[10]) == ("2万", "已撤回")


@pytest.mark.parametrize(
    ("table", "where", "values", "says"),
    [
        ("nothing", {"a": "1"}, {"b": "2"}, "fin_voucher_line"),
        ("park_hazard", {"hazard": "1"}, {"status": "closed"}, "hazard_no"),
        ("park_hazard", {"hazard_no": "none"}, {"status": "closed"}, "known by hazard_no"),
        ("park_hazard", {"hazard_no": "YH0001"}, {"hazard_no": "x"}, "part of the key"),
        ("park_hazard", {}, {"status": "closed"}, "which rows"),
        ("fin_voucher", {"pk_voucher": "V0000000000000000001"}, {"total_debit": "much"}, "numeric"),
        ("con_invest_month", {"project_code": "CT-2024-001"}, {"月份": "1"}, "stat_month"),
    ],
)
def test_an_edit_that_cannot_be_made_says_what_can(
    shared: Demo, table: str, where: dict[str, str], values: dict[str, str], says: str
) -> None:
    with pytest.raises(DemoError, match=says):
        edit(shared.home, table, where, values)
    assert group.state(shared.home)["edits"] == 0


def test_without_a_demo_an_edit_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match="jibao demo up"):
        edit(tmp_path, "park_hazard", {"hazard_no": "1"}, {"status": "closed"})


BALANCES: LiteralString = (
    "SELECT account_code, open_amt, debit_amt, credit_amt, close_dir, close_amt, ts "
    "FROM gl_balance ORDER BY account_code"
)


def test_the_finance_system_keeps_its_balances_itself(own: Demo) -> None:
    zero, amount = Decimal("0.0000"), Decimal("113.0000")
    posted = f"{OLD:%Y-%m-%d %H:%M:%S}"
    assert own.sql(BALANCES) == [
        ("1122", zero, amount, zero, "借", amount, posted),
        ("6001", zero, zero, amount, "贷", amount, posted),
    ]
    edit(own.home, "fin_balance", {"account_code": "6001"}, {"close_amt": "100"})
    edit(own.home, "fin_voucher", {"voucher_no": "1"}, {"void_flag": "Y"})
    receivable, revenue = own.sql(BALANCES)
    assert receivable[1:6] == (zero, zero, zero, "平", zero), "a void voucher leaves a row of nothing"
    assert receivable[6] > posted
    assert revenue[5] == Decimal("100.0000"), "what a person typed stays"
    edit(own.home, "fin_voucher", {"voucher_no": "1"}, {"void_flag": "N"})
    receivable, revenue = own.sql(BALANCES)
    assert (receivable[5], revenue[5]) == (amount, Decimal("100.0000"))
    group.advance(own.home, LATER, timelines=small_ledgers())
    receivable, revenue = own.sql(BALANCES)
    assert receivable[5] == zero, "a line of it now belongs to another voucher: neither balances"
    assert revenue[5] == Decimal("100.0000")
