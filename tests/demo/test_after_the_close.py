"""What becomes known between 10 October and 15 November 2024: one row at least of each kind of change that a bridge
between the two days must tell apart, and none of it visible before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

from demo.ledgers import BUILDERS
from demo.systems.tables import source_tables
from demo.timeline import Event, Row, Timeline
from demo.world import ADVANCE_DAY, STATE_TIME, World
from tests.demo import construction_readings, park_readings

UP = World().state_at
ADVANCED = datetime.combine(ADVANCE_DAY, STATE_TIME)
NOTHING: Mapping[str, object] = {}
FINANCE = {"fin_voucher": "finance_gl", "fin_period": "finance_master"}


@dataclass(frozen=True)
class Change:
    """A row that shows ``before`` on 10 October and ``after`` on 15 November; empty where it is not there.

    ``seen``: when the source shows it so for the first time.
    """

    kind: str
    ledger: str
    key: tuple[str, ...]
    seen: datetime
    before: Mapping[str, object]
    after: Mapping[str, object]


def _posted(day: date, **more: object) -> dict[str, object]:
    return {"period_no": "09", "posted_flag": "Y", "posted_date": day, **more}


CHANGES = (
    Change(
        "red letter in an open month", "fin_voucher", ("1001A103241100000029",), datetime(2024, 11, 6, 10, 2, 38),
        NOTHING,
        {"org_code": "YWCT-03", "period_no": "11", "reversal_of": "1001A103240900000141",
         "total_debit": Decimal("-174707.31")},
    ),
    Change(
        "book reopened", "fin_period", ("YWCT-03", "2024", "09", "3"), datetime(2024, 11, 4, 9, 12, 40), NOTHING,
        {"close_status": "reopened"},
    ),
    Change(
        "late voucher in a reopened book", "fin_voucher", ("1001A103240900000228",),
        datetime(2024, 11, 5, 10, 52, 4), NOTHING,
        _posted(date(2024, 11, 5), reversal_of=None, total_debit=Decimal("424675.15")),
    ),
    Change(
        "red letter in a reopened book", "fin_voucher", ("1001A103240900000229",),
        datetime(2024, 11, 5, 14, 31, 50), NOTHING,
        _posted(date(2024, 11, 5), reversal_of="1001A103240900000206", total_debit=Decimal("-125395.26")),
    ),
    Change(
        "late status", "fin_voucher", ("1001A103240900000227",), datetime(2024, 10, 14, 10, 5, 11),
        {"period_no": "09", "voucher_date": "2024-10-09", "posted_flag": "N", "posted_date": None,
         "total_debit": Decimal("328000.00")},
        _posted(date(2024, 10, 14), voucher_date="2024-10-09", total_debit=Decimal("328000.00")),
    ),
    Change(
        "reclassification", "con_cc_delivery", ("JK2-20240911-0030",), datetime(2024, 10, 29, 9, 23, 31),
        {"contract_no": "JK-HT-2024-024", "signed_m3": "14.66", "status": "signed"},
        {"contract_no": "JK-HT-2023-005", "signed_m3": "14.66", "status": "signed"},
    ),
    Change(
        "reclassification and correction", "con_cc_delivery", ("JK1-20240924-0015",),
        datetime(2024, 10, 30, 10, 9, 45),
        {"contract_no": "JK-HT-2023-018", "signed_m3": "6.84", "status": "signed"},
        {"contract_no": "JK-HT-2023-007", "signed_m3": "6.69", "status": "signed"},
    ),
    Change(
        "late status and reclassification", "con_cc_delivery", ("JK1-20240927-0031",),
        datetime(2024, 10, 15, 10, 21, 44),
        {"contract_no": "JK-HT-2023-022", "signed_m3": None, "status": "loaded"},
        {"contract_no": "JK-HT-2023-005", "signed_m3": "9.97", "status": "signed"},
    ),
    Change(
        "mapping", "con_project", ("CT-2024-004",), datetime(2024, 11, 6, 15, 33, 40), {"orgCode": "YWCT-11"},
        {"orgCode": "YWCT-01"},
    ),
    Change(
        "mapping", "con_project", ("CT-2023-005",), datetime(2024, 10, 28, 10, 51, 14),
        {"investmentCategory": "industry"}, {"investmentCategory": "public_service"},
    ),
    Change(
        "renamed", "park_company", ("2a8ab2ff-ccf9-444a-8607-73fce0afe822",), datetime(2024, 10, 28, 8, 41, 41),
        {"name": "义乌启越服饰有限公司", "usci": "91330782MA7HNGNL21"},
        {"name": "义乌市联图服饰股份有限公司", "usci": "91330782MA7HNGNL21"},
    ),
    Change(
        "letter withdrawn", "park_loi", ("YX-2024-059",), datetime(2024, 10, 22, 14, 25),
        {"withdrawn_date": None, "status": "有效", "area_m2": Decimal(3230)},
        {"withdrawn_date": date(2024, 10, 21), "status": "已撤回", "area_m2": Decimal(3230)},
    ),
    Change(
        "admission", "park_hazard", ("YH2024070088",), datetime(2024, 10, 24, 15, 21, 45),
        {"status": "closed", "verified_date": "2024-07-21T16:00:00.000Z", "verifier": ""},
        {"status": "closed", "verified_date": "2024-07-21T16:00:00.000Z", "verifier": "骆志刚"},
    ),
    Change(
        "admission", "park_hazard", ("YH2024020101",), datetime(2024, 10, 24, 15, 6, 20),
        {"found_date": "2024-02-22T16:00:00.000Z", "verified_date": "2024-02-15T16:00:00.000Z"},
        {"found_date": "2024-02-22T16:00:00.000Z", "verified_date": "2024-03-06T16:00:00.000Z"},
    ),
    Change(
        "deletion", "con_cc_delivery", ("JK1-20240716-0023",), datetime(2024, 10, 23, 9, 54, 33),
        {"signed_m3": "11.72", "status": "signed"}, {"signed_m3": "11.72", "status": "void"},
    ),
    Change(
        "deletion", "con_safety_activity", ("AQ-202409-012",), datetime(2024, 11, 5, 16, 35),
        {"activity_type": "安全生产检查", "activity_date": "2024.9.2", "participants": 5}, NOTHING,
    ),
    Change(
        "late entry", "con_cc_delivery", ("JK1-20240928-0013",), datetime(2024, 10, 15, 10, 25, 20), NOTHING,
        {"delivered_at": "2024-09-28 08:17:35", "signed_m3": "9.94", "status": "signed"},
    ),
    Change(
        "late entry", "con_safety_activity", ("AQ-202409-901",), datetime(2024, 11, 5, 16, 35), NOTHING,
        {"activity_date": "2024.9.26", "project_code": "CT-2023-006"},
    ),
    Change(
        "late entry", "con_milestone", ("CT-2023-004", "", "completion_acceptance", "2"),
        datetime(2024, 10, 22, 16, 25, 49), NOTHING, {"dateMet": "2024-09-27", "status": "met"},
    ),
    Change(
        "late entry", "park_activity", ("HD202400178",), datetime(2024, 10, 14, 9, 52, 31), NOTHING,
        {"activity_date": "2024-09-26T16:00:00.000Z", "park_code": "PK-08", "person_visits": 57},
    ),
    Change(
        "late entry", "park_company", ("79454554-baa9-4240-91f1-4d2a9d05a081",), datetime(2024, 10, 16, 10, 22, 41),
        NOTHING, {"park_code": "PK-06", "in_park_date": "2024-09-17T16:00:00.000Z"},
    ),
    Change(
        "gap fill", "con_invest_month", ("CT-2021-001", "202409", "其他费用", "1"), datetime(2024, 11, 5, 16, 52),
        NOTHING, {"amount_cny": Decimal("46.20"), "file_name": "投资统计台账_202409_v2.xlsx"},
    ),
    Change(
        "correction", "con_cc_delivery", ("JK1-20240919-0037",), datetime(2024, 10, 26, 9, 52, 18),
        {"contract_no": "JK-HT-2023-034", "signed_m3": "6.93"}, {"contract_no": "JK-HT-2023-034", "signed_m3": "6.72"},
    ),
    Change(
        "correction", "park_activity", ("HD202400172",), datetime(2024, 10, 17, 15, 26, 8),
        {"activity_date": "2024-09-18T16:00:00.000Z", "person_visits": 76},
        {"activity_date": "2024-09-18T16:00:00.000Z", "person_visits": 59},
    ),
    Change(
        "correction", "con_invest_month", ("CT-2022-003", "202408", "建筑工程", "2"),
        datetime(2024, 11, 5, 16, 40), NOTHING, {"amount_cny": Decimal("6606.06")},
    ),
)  # fmt: skip
"""A correction of the investment is a further revision of its row: revision 1 said 6,842.86 (万元)."""


@cache
def _family(name: str) -> dict[str, Timeline]:
    return {t.table: t for t in BUILDERS[name](World())}


def ledger(table: str) -> Timeline:
    """The ledger as built; families are built once, and only those that are asked for."""
    if table.startswith("park_"):
        return park_readings.ledgers()[table]
    if table.startswith("con_cc_"):
        return _family("concrete")[table]
    return _family(FINANCE[table])[table] if table in FINANCE else construction_readings.ledgers()[table]


def versions(change: Change) -> list[Event]:
    """The events of the row, oldest first."""
    key = source_tables()[change.ledger].key_of
    found = [e for e in ledger(change.ledger).rows if key(e[2]) == change.key]
    return sorted(found, key=lambda event: event[0])


def shown(change: Change, at: datetime) -> Row | None:
    """The row at an instant; of a workbook that was sent again the row of the last file, if that has it."""
    seen = [e for e in versions(change) if e[0] <= at]
    if not seen or seen[-1][1]:
        return None
    row = seen[-1][2]
    if "file_version" not in row or change.ledger == "con_invest_month":
        return row
    files = [
        e[2] for e in ledger(change.ledger).rows if e[0] <= at and e[2]["file_period"] == row["file_period"]
    ]
    return row if row["file_version"] == max(int(str(f["file_version"])) for f in files) else None


def _said(row: Row | None, expected: Mapping[str, object]) -> Mapping[str, object]:
    return NOTHING if row is None else {name: row[name] for name in expected or row}


@pytest.mark.parametrize("change", CHANGES, ids=lambda c: f"{c.kind}: {c.ledger} {'|'.join(c.key)}")
def test_a_change_is_seen_after_the_bulletin_and_not_before(change: Change) -> None:
    assert _said(shown(change, UP), change.before) == change.before
    assert _said(shown(change, ADVANCED), change.after) == change.after
    assert UP < change.seen <= ADVANCED
    moments = [e[0] for e in _of_the_file(change) if UP < e[0] <= ADVANCED]
    assert moments
    assert min(moments) == change.seen


def _of_the_file(change: Change) -> Iterator[Event]:
    """The row's own events; of one that a workbook lost, those of the workbook."""
    if change.after:
        yield from versions(change)
    else:
        period = versions(change)[0][2]["file_period"]
        yield from (e for e in ledger(change.ledger).rows if e[2]["file_period"] == period)


def test_every_cause_of_a_bridge_has_a_row() -> None:
    kinds = " ".join(c.kind for c in CHANGES)
    for cause in (
        "mapping", "admission", "gap fill", "red letter", "deletion", "late entry", "late status", "reclassification",
        "correction",
    ):  # fmt: skip
        assert cause in kinds, cause
    late = {c.ledger.split("_")[0] for c in CHANGES if c.kind == "late entry"}
    assert late == {"con", "park"}


def test_what_a_red_letter_takes_back_is_a_voucher_of_september_that_was_known() -> None:
    reds = [c for c in CHANGES if c.kind.startswith("red letter")]
    for red in reds:
        origin = Change("", "fin_voucher", (str(red.after["reversal_of"]),), red.seen, NOTHING, NOTHING)
        row: Any = shown(origin, UP)
        assert row["period_no"] == "09"
        assert row["total_debit"] == -Decimal(str(red.after["total_debit"]))


def test_nothing_of_a_report_that_came_late_was_known() -> None:
    (gap,) = [c for c in CHANGES if c.kind == "gap fill"]
    rows = [
        e[2]
        for e in ledger(gap.ledger).rows
        if e[0] <= UP and (e[2]["project_code"], e[2]["stat_month"]) == gap.key[:2]
    ]
    assert rows == []
