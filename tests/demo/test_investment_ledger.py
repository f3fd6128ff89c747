"""The investment workbooks give the effective investment from their rows, and only one reading does."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal

import pytest

from demo.timeline import Row, state_at
from tests.demo.construction_readings import (
    ADVANCED,
    AFTER_ALL,
    UP,
    amount,
    code_of,
    counts,
    investment,
    ledgers,
    met,
    projects,
    ytd,
)
from tests.demo.source_forms import plain, sheet_day


def test_effective_investment_is_exact() -> None:
    by_project = ytd(UP)
    assert sum(by_project.values()) == Decimal("5396238400.00")
    assert len([code for code, value in by_project.items() if value]) == 24
    assert {"CT-2021-001", "CT-2021-002", "CT-2022-006"} <= set(by_project)
    assert not {"CT-2024-001", "CT-2024-002", "CT-2024-003"} & {key[0] for key in investment(UP)}


def test_every_amount_is_a_multiple_of_100_yuan_and_none_is_tiny() -> None:
    for _, _, row in ledgers()["con_invest_month"].rows:
        for column in ("amount_cny", "ytd_cny", "since_start_cny"):
            assert amount(row, column) % 100 == 0
        # Below 10,000 CNY a month's amount would look like 元 read as 万元.
        assert amount(row, "amount_cny") == 0 or abs(amount(row, "amount_cny")) >= 10_000


LOW, HIGH = Decimal("5395500000"), Decimal("5396499999.99")


def _line(row: Row) -> tuple[str, object, object]:
    return plain(row["project_code"]), row["stat_month"], row["component"]


def test_wrong_readings_leave_the_accepted_range() -> None:
    total, best, master = sum(ytd(UP).values()), investment(UP), projects(UP)
    year = [r for (_, month, _), r in best.items() if "202401" <= month <= "202409"]
    changed = {_line(row) for row in year if int(str(row["revision"])) > 1}
    superseded = [
        row
        for visible, _, row in ledgers()["con_invest_month"].rows
        if visible <= UP and row["file_version"] == 1 and _line(row) in changed
    ]
    added = sum(amount(row, "amount_cny") for row in superseded)
    assert added >= 270_000
    assert total + added > HIGH

    def of(code: str) -> Decimal:
        keys = [key for key in best if key[0] == code and "202401" <= key[1] <= "202409"]
        return sum((amount(best[key], "amount_cny") for key in keys), Decimal(0))

    for code in ("CT-2024-005", "CT-2023-012", "CT-2023-013", "CT-2023-014"):
        assert not counts(master[code]), code
        assert total + of(code) > HIGH, code
    # The threshold alone keeps this one out; without housing's exemption another would be missing.
    assert master["CT-2023-012"]["inStatistics"] == "Y"
    assert master["CT-2023-012"]["ownerOrgCode"]
    assert Decimal(str(master["CT-2023-010"]["plannedTotalWan"])) < 500
    assert total - of("CT-2023-010") < LOW
    aliased = [row for row in year if plain(row["project_code"]) not in master]
    assert total - sum(amount(row, "amount_cny") for row in aliased) < LOW
    march = [row for row in year if row["money_unit"] == "元"]
    assert {row["file_name"] for row in march} == {"投资统计台账_202403.xlsx"}
    assert total + sum(amount(row, "amount_cny") for row in march) * 9_999 > HIGH


@pytest.mark.parametrize("at", [UP, AFTER_ALL])
def test_c01_running_sums_limits_and_life(at: datetime) -> None:
    best, master = investment(at), projects(at)
    months: dict[str, list[str]] = defaultdict(list)
    for code, month, _ in best:
        if code in master and month not in months[code]:
            months[code].append(month)
    for code, present in months.items():
        year_sum, last_pct = Decimal(0), Decimal(0)
        opening: Decimal | None = None
        for month in sorted(present):
            rows = [row for key, row in best.items() if key[:2] == (code, month)]
            year_sum = (Decimal(0) if month.endswith("02") else year_sum) + sum(
                amount(row, "amount_cny") for row in rows
            )
            since = sum(amount(row, "since_start_cny") for row in rows)
            opening = since - year_sum if opening is None else opening
            assert sum(amount(row, "ytd_cny") for row in rows) == year_sum, (code, month)
            assert since <= Decimal(str(master[code]["plannedTotalWan"])) * 11_000, (code, month)
            percents = {Decimal(str(row["physical_pct"])) for row in rows}
            assert len(percents) == 1, (code, month)
            assert last_pct <= max(percents) <= 100, (code, month)
            last_pct = max(percents)
        _assert_within_life(code, sorted(present), at)


def _assert_within_life(code: str, months: list[str], at: datetime) -> None:
    commenced, accepted = met(code, "commencement", at), met(code, "completion_acceptance", at)
    assert months[0] >= commenced[:7].replace("-", ""), code
    if accepted != "9999":
        day = date.fromisoformat(accepted)
        limit = (day.year * 12 + day.month - 1) + 2
        last = int(months[-1][:4]) * 12 + int(months[-1][4:]) - 1
        assert last <= limit, code


def test_nil_returns_and_negative_amounts() -> None:
    best = investment(UP)
    nil = [row for (_, _, component), row in best.items() if component == "nil"]
    assert len(nil) >= 4
    assert all(amount(row, "amount_cny") == 0 for row in nil)
    negative = [row for _, _, row in ledgers()["con_invest_month"].rows if amount(row, "amount_cny") < 0]
    assert len(negative) == 1
    assert int(str(negative[0]["revision"])) > 1
    assert negative[0] in list(best.values())


def test_workbooks_come_when_they_should() -> None:
    sent = {str(row["file_name"]): visible for visible, _, row in ledgers()["con_invest_month"].rows}
    assert sent["投资统计台账_202409.xlsx"].date() == date(2024, 10, 8)
    assert sent["投资统计台账_202405_v2.xlsx"] < sent["投资统计台账_202406.xlsx"]
    after = {name for name, at in sent.items() if UP < at <= ADVANCED}
    assert after == {
        "投资统计台账_202408_v2.xlsx", "投资统计台账_202409_v2.xlsx", "投资统计台账_202410.xlsx",
    }  # fmt: skip
    assert not {name for name in sent if "_202401" in name or "_202301" in name}
    for visible, _, row in ledgers()["con_invest_month"].rows:
        assert (sheet_day(row["reported_at"]) or date.max) <= visible.date()


def test_a_correction_and_a_late_report_of_november_move_the_year_to_september() -> None:
    moved = {code: ytd(ADVANCED)[code] - value for code, value in ytd(UP).items()}
    assert {code: change for code, change in moved.items() if change} == {
        "CT-2022-003": Decimal(-2_368_000), "CT-2021-001": Decimal(462_000),
    }  # fmt: skip


def test_2023_has_investment_in_every_quarter() -> None:
    months = {month for (_, month, _) in investment(UP) if month < "202401"}
    assert months == {f"2023{n:02d}" for n in range(2, 13)}


def test_one_name_is_mapped_by_nobody() -> None:
    written = {plain(row["project_code"]) for _, _, row in ledgers()["con_invest_month"].rows}
    unmapped = {code for code in written if code_of(code, UP) not in projects(UP)}
    assert unmapped == {"数字经济产业社区项目", "跨境园"}
    assert code_of("跨境园", ADVANCED) == "CT-2023-005"
    assert 100 <= len(state_at(ledgers()["con_project_code_map"], ["system", "old_code"], UP)) <= 130
