"""A handful of rows per system, so that the demo's systems start in seconds in tests."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from demo.timeline import Event, Row, Timeline

UP, LATER = date(2024, 10, 10), date(2024, 11, 15)
OLD, BETWEEN = datetime(2024, 9, 5, 9, 0), datetime(2024, 11, 1, 9, 0)
HAZARDS, PROJECTS = 25, 7


def _timeline(table: str, *events: Event) -> Timeline:
    return Timeline(table, tuple(events[0][2]), list(events))


def voucher(key: str, at: datetime, **changed: object) -> Row:
    """A posted voucher of 建科公司."""
    return {
        "pk_voucher": key,
        "org_code": "YWCT-03",
        "fiscal_year": "2024",
        "period_no": "09",
        "voucher_type": "记",
        "voucher_no": int(key[-3:]),
        "voucher_date": "2024.9.5",
        "voucher_kind": "normal",
        "prepared_by": "王敏",
        "checked_by": " ",
        "posted_flag": "Y",
        "posted_date": date(2024, 9, 5),
        "void_flag": "N",
        "total_debit": Decimal("113.0000"),
        "total_credit": Decimal("113.0000"),
        "dr": 0,
        "created_at": f"{at:%Y-%m-%d %H:%M:%S}",
        "ts": f"{at:%Y-%m-%d %H:%M:%S}",
        **changed,
    }


def _line(voucher_key: str, number: int, debit: str, credit: str, at: datetime) -> Row:
    return {
        "pk_detail": f"D{voucher_key[1:-1]}{number}",
        "pk_voucher": voucher_key,
        "line_no": number,
        "summary": "商砼销售",
        "account_code": "1122" if debit != "0" else "6001",
        "debit": Decimal(debit),
        "credit": Decimal(credit),
        "currency": "CNY",
        "ts": f"{at:%Y-%m-%d %H:%M:%S}",
    }


def _finance() -> list[Timeline]:
    first, second = "V0000000000000000001", "V0000000000000000002"
    lines = [
        (OLD, False, _line(first, 1, "113.0000", "0", OLD)),
        (OLD, False, _line(first, 2, "0", "113.0000", OLD)),
        (BETWEEN, False, _line(second, 1, "113.0000", "0", BETWEEN)),
    ]
    period: Row = {
        "org_code": "YWCT-03",
        "fiscal_year": "2024",
        "period_no": "09",
        "state_seq": 1,
        "close_status": "open",
        "changed_at": OLD,
        "ts": f"{OLD:%Y-%m-%d %H:%M:%S}",
    }
    org: Row = {"org_code": "YWCT-03", "org_name": "义乌市建科有限公司", "usci": "91330782MA00000000"}
    return [
        _timeline("fin_org", (OLD, False, {**org, "ts": "2023-01-01 08:00:00"})),
        _timeline(
            "fin_voucher",
            (OLD, False, voucher(first, OLD)),
            (BETWEEN, False, voucher(first, BETWEEN, attachment_cnt=3)),
            (BETWEEN, False, voucher(second, BETWEEN)),
        ),
        _timeline("fin_voucher_line", *lines),
        _timeline("fin_period", (OLD, False, period)),
    ]


def _concrete() -> Timeline:
    def ticket(number: int, **changed: object) -> Row:
        row = {"ticket_no": f"T{number}", "signed_m3": "１0.5", "status": "signed"}
        return {**row, "updated_at": "2024-09-05 09:00:00", **changed}

    return _timeline(
        "con_cc_delivery",
        *((OLD, False, ticket(n)) for n in range(1, 5)),
        (BETWEEN, False, ticket(1, status="void", updated_at="2024-11-01 09:00:00")),
        (BETWEEN, True, {"ticket_no": "T4"}),
    )


def _rest() -> list[Timeline]:
    def project(number: int) -> Row:
        return {
            "projectCode": f"CT-2024-{number:03d}",
            "plannedTotalWan": 12345.67,
            "inStatistics": "Y",
            "deleted": False,
            "updatedAt": f"2024-09-{number:02d}T08:30:00+08:00",
        }

    def hazard(number: int, status: str = "found") -> Row:
        return {
            "hazard_no": f"YH{number:04d}",
            "found_date": "2024-09-04T16:00:00.000Z",
            "rectified_date": None,
            "status": status,
            "updated_at": 1725498000000,
        }

    park: Row = {"park_code": "PK-01", "park_name": "高创园", "managed": True}
    return [
        _timeline("con_project", *((OLD, False, project(n)) for n in range(1, PROJECTS + 1))),
        _timeline("park_park", (OLD, False, park)),
        _timeline(
            "park_hazard",
            *((OLD, False, hazard(n)) for n in range(1, HAZARDS + 1)),
            (BETWEEN, False, {**hazard(1, "closed"), "updated_at": 1730422800000}),
        ),
    ]


def _workbooks() -> list[Timeline]:
    def invest(project: str, component: str, amount: str, file: str, revision: int = 1) -> Row:
        return {
            "file_name": f"投资统计台账_{file}.xlsx",
            "project_code": project,
            "project_name": f"项目{project[-3:]}",
            "stat_month": "202409",
            "component": component,
            "revision": revision,
            "amount_cny": Decimal(amount),
            "ytd_cny": "1,200.00",
            "since_start_cny": Decimal("5000"),
            "physical_pct": Decimal("41.5"),
            "basis": "形象进度法",
            "reported_at": "2024.10.5",
        }

    month = [
        invest("CT-2024-001", "建筑工程", "812.35", "202409"),
        invest("CT-2024-001", "安装工程", "100", "202409"),
        invest("CT-2024-002", "建筑工程", "50.5", "202409"),
    ]
    again = [{**row, "file_name": "投资统计台账_202409_v2.xlsx"} for row in month[:2]]
    letter: Row = {"loi_no": "YX-001", "park_name": "芯片园", "area_m2": "0.45万", "status": "有效"}
    return [
        _timeline(
            "con_invest_month",
            *((OLD, False, row) for row in month),
            *((BETWEEN, False, row) for row in again),
            (BETWEEN, False, invest("CT-2024-002", "建筑工程", "60", "202409_v2", 2)),
        ),
        _timeline(
            "park_loi",
            (OLD, False, letter),
            (OLD, False, {**letter, "loi_no": "YX-002", "area_m2": "1500㎡"}),
            (BETWEEN, False, {**letter, "status": "已撤回"}),
        ),
    ]


def small_ledgers() -> dict[str, Timeline]:
    """Tables of all five systems; what changes, changes on 1 November 2024."""
    found = [*_finance(), _concrete(), *_rest(), *_workbooks()]
    return {timeline.table: timeline for timeline in found}
