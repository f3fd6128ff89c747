"""``mart.coverage``: who owes which month, and what counts as reported."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import assets
from data_contracts.outputs import load_outputs
from tests.assets.core_warehouse import build_warehouse

SQL = (Path(assets.__file__).parent / "mart" / "coverage.sql").read_text(encoding="utf-8")
CUT_OFF = date(2024, 10, 10)

STATISTICS: dict[str, str | None] = {
    "org_code": "YWCT-01", "owner_org_code": "YWCT-01", "in_statistics": "Y", "is_deleted": "false",
    "project_type": "industrial_park", "planned_total_cny": "90000000", "construction_status": "in_progress",
    "construction_status_date": "2023-01-01",
}  # fmt: skip
START = {
    "section_code": "",
    "milestone_code": "commencement",
    "revision": "1",
    "recorded_at": "2024-05-20 00:00:00",
}
ACCEPTED = "completion_acceptance"
SECTION = {
    "project_code": "RUNS", "section_name": "某标段", "contract_nature": "construction",
    "start_date": "2024-06-20",
}  # fmt: skip
BOOK = {"fiscal_year": "2024", "changed_at": "2024-10-08 16:40:00"}
REPORT = {"component": "construction", "revision": "1", "amount_cny": "1", "reported_at": "2024-10-08"}

CHANGES: dict[str, dict[str, str | None]] = {
    "RUNS": {},
    "STOPPED": {"construction_status": "suspended", "construction_status_date": "2024-07-15"},
    "CANCELLED": {"construction_status": "cancelled", "construction_status_date": "2024-07-15"},
    "DONE": {},
    "SMALL": {"planned_total_cny": "4000000"},
    "UNLISTED": {"in_statistics": "N"},
    "AGENCY": {"owner_org_code": None},
    "NOT-STARTED": {},
}
"""How each project differs from one that owes its reports."""

GIVEN: dict[str, list[Mapping[str, Any]]] = {
    "fin_org": [
        {"org_code": "YWCT-01", "org_name": "工投公司", "valid_from": "2020-01-01"},
        {"org_code": "YWCT-03", "org_name": "建科公司", "valid_from": "2020-01-01"},
    ],
    "con_project": [
        {**STATISTICS, "project_code": code, **change}
        for code, change in CHANGES.items()
    ],
    "con_milestone": [
        *(
            {**START, "project_code": code, "date_met": "2024-06-10"}
            for code in ("RUNS", "STOPPED", "CANCELLED", "DONE", "SMALL", "UNLISTED", "AGENCY")
        ),
        {**START, "project_code": "DONE", "milestone_code": ACCEPTED, "date_met": "2024-08-20"},
        {
            **START, "project_code": "RUNS", "section_code": "S-DONE", "milestone_code": "completion",
            "date_met": "2024-08-31",
        },
    ],
    "con_section": [
        {**SECTION, "section_code": "S-RUNS"},
        {**SECTION, "section_code": "S-DONE"},
        {**SECTION, "section_code": "S-DESIGN", "contract_nature": "design"},
        {**SECTION, "section_code": "S-NEW", "start_date": "2024-09-02"},
    ],
    "con_progress": [
        {"section_code": "S-RUNS", "report_date": "2024-07-01", "physical_pct": "10"},
        # Two weeks before the end of August, and one day more than that before the end of September.
        {"section_code": "S-RUNS", "report_date": "2024-08-17", "physical_pct": "20"},
        {"section_code": "S-RUNS", "report_date": "2024-09-15", "physical_pct": "30"},
        {"section_code": "S-DONE", "report_date": "2024-07-29", "physical_pct": "90"},
    ],
    "con_invest_month": [
        {**REPORT, "project_code": "RUNS", "stat_month": "202401"},
        {**REPORT, "project_code": "RUNS", "stat_month": "202407"},
        {**REPORT, "project_code": "RUNS", "stat_month": "202408", "component": "nil", "amount_cny": "0"},
        {**REPORT, "project_code": "STOPPED", "stat_month": "202408", "component": "nil", "amount_cny": "0"},
    ],
    "fin_period": [
        {**BOOK, "org_code": org, "period_no": period, "state_seq": str(n), "close_status": status}
        for org, period, n, status in (
            ("YWCT-01", "09", 1, "open"), ("YWCT-01", "09", 2, "closed"),
            ("YWCT-03", "09", 1, "closed"), ("YWCT-03", "09", 2, "reopened"), ("YWCT-03", "08", 1, "closed"),
        )
    ],
    "con_cc_delivery": [
        {"ticket_no": "T1", "plant_code": "P1", "org_code": "YWCT-03", "delivered_at": "2024-08-31 23:59:59"},
        {"ticket_no": "T2", "plant_code": "P2", "org_code": "YWCT-03", "delivered_at": "2024-10-02 08:00:00"},
    ],
    "con_safety_activity": [
        {"activity_no": "A1", "activity_date": "2024-08-02", "org_code": "YWCT-01", "file_period": "202408"},
        # In the workbook of October: September has none.
        {"activity_no": "A2", "activity_date": "2024-09-30", "org_code": "YWCT-01", "file_period": "202410"},
    ],
    "park_loi": [{"loi_no": "L1", "park_name": "某园", "snapshot_date": "2024-09-24"}],
    "park_work": [{"work_no": "W1", "park_code": "PK-01", "snapshot_date": "2024-10-08"}],
    "park_register": [{"item_no": "I1", "item_type": "event", "name": "某", "snapshot_date": "2024-09-05"}],
    "con_municipal_task": [{"task_no": "T1", "snapshot_date": "2024-10-08"}],
    "park_hazard": [{"hazard_no": "H1", "park_code": "PK-01", "_known_from": "2024-09-30 16:00:00"}],
}  # fmt: skip


@cache
def _coverage() -> dict[tuple[str, str, str], dict[str, Any]]:
    connection = build_warehouse(GIVEN, CUT_OFF)
    found = connection.execute(SQL)
    names = [d[0] for d in found.description or ()]
    assert tuple(names) == tuple(c.name for c in load_outputs()["mart.coverage"].columns)
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    keyed = {(r["fact"], r["unit_code"], r["stat_month"]): r for r in rows}
    assert len(keyed) == len(rows), "one row per fact, unit and month"
    return keyed


def _said(fact: str, unit: str) -> dict[str, bool]:
    return {
        month: r["reported"] for (f, u, month), r in sorted(_coverage().items()) if (f, u) == (fact, unit)
    }


def test_a_project_owes_every_month_after_its_start_and_a_nil_return_is_a_report() -> None:
    assert _said("fct_investment", "RUNS") == {"202407": True, "202408": True, "202409": False}


def test_a_stopped_project_still_owes_and_a_cancelled_one_does_not() -> None:
    assert _said("fct_investment", "STOPPED") == {"202407": False, "202408": True, "202409": False}
    assert _said("fct_investment", "CANCELLED") == {}


def test_an_accepted_project_owes_until_its_acceptance() -> None:
    assert _said("fct_investment", "DONE") == {"202407": False}


def test_projects_outside_the_figure_owe_nothing() -> None:
    owing = {unit for fact, unit, _ in _coverage() if fact == "fct_investment"}
    assert owing == {"RUNS", "STOPPED", "DONE"}


def test_a_section_owes_a_report_no_older_than_two_weeks_until_it_is_completed() -> None:
    assert _said("fct_section_progress", "S-RUNS") == {"202407": False, "202408": True, "202409": False}
    assert _said("fct_section_progress", "S-DONE") == {"202407": True}
    assert {unit for fact, unit, _ in _coverage() if fact == "fct_section_progress"} == {"S-RUNS", "S-DONE"}


def test_a_book_is_reported_when_its_last_state_is_closed() -> None:
    assert _said("fct_gl_line", "YWCT-01")["202409"] is True
    assert _said("fct_gl_line", "YWCT-03")["202409"] is False
    assert _said("fct_gl_line", "YWCT-03")["202408"] is True
    assert "202410" not in _said("fct_gl_line", "YWCT-03"), "a month owes nothing before it ends"


def test_a_plant_owes_from_its_first_ticket() -> None:
    assert _said("fct_concrete_delivery", "P1") == {"202408": True, "202409": False}
    assert _said("fct_concrete_delivery", "P2") == {}


def test_a_safety_workbook_speaks_for_its_own_month() -> None:
    assert _said("fct_safety_activity", "安全管理台账") == {"202408": True, "202409": False}


def test_a_list_or_platform_speaks_for_every_month_before_its_last_word() -> None:
    letters = _said("fct_loi", "招商台账")
    assert (letters["202408"], letters["202409"]) == (True, False)
    assert _coverage()["fct_loi", "招商台账", "202409"]["last_report"] == date(2024, 9, 24)
    monthly = (
        ("fct_work", "园区改造台账"),
        ("fct_municipal_task", "市政前期台账"),
        ("fct_register_status", "事项登记"),
    )
    assert [_said(*unit)["202409"] for unit in monthly] == [True, True, False]
    # 16:00 UTC on 30 September is 1 October in Shanghai.
    for fact in ("fct_tenant_stay", "fct_hazard", "fct_activity"):
        assert _said(fact, "智慧园区管理平台")["202409"] is True
        assert _coverage()[fact, "智慧园区管理平台", "202409"]["last_report"] == date(2024, 10, 1)
