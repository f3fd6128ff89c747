"""The bank moved what the books say, account by account and month by month, but for two lines in transit."""

from collections import Counter, defaultdict
from datetime import date, datetime
from decimal import Decimal

import pytest

from demo.ledgers import finance_gl
from demo.ledgers.finance_calendar import Period
from demo.ledgers.finance_cash import CASH_COLUMNS, cash_events
from demo.ledgers.finance_vouchers import Line, State, Voucher, red_letter
from demo.timeline import Timeline, state_at
from demo.world import World
from tests.demo.finance_readings import AnyRow

CUT_OFF, LATER = datetime(2024, 10, 10, 20), datetime(2024, 11, 15, 20)
AT = datetime(2024, 9, 12, 10)


@pytest.fixture(scope="module")
def timelines() -> dict[str, Timeline]:
    return {timeline.table: timeline for timeline in finance_gl.build(World())}


def cash_at(timelines: dict[str, Timeline], at: datetime) -> list[AnyRow]:
    return list(state_at(timelines["fin_cash_txn"], ["txn_id"], at))


@pytest.mark.parametrize("at", [CUT_OFF, LATER])
def test_bank_lines_are_account_1002_but_for_what_is_in_transit(
    timelines: dict[str, Timeline], at: datetime
) -> None:
    """R31."""
    headers: dict[object, AnyRow] = {
        h["pk_voucher"]: h for h in state_at(timelines["fin_voucher"], ["pk_voucher"], at)
    }
    rest: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for line in state_at(timelines["fin_voucher_line"], ["pk_detail"], at):
        h, amounts = headers[line["pk_voucher"]], (line["debit"], line["credit"])
        if str(line["account_code"]).startswith("1002") and (h["posted_flag"], h["void_flag"], h["dr"]) == (
            "Y",
            "N",
            0,
        ):
            rest[f"{h['org_code']}-{line['account_code']}", h["fiscal_year"] + h["period_no"]] += (
                amounts[0] - amounts[1]  # type: ignore[operator]
            )
    for row in cash_at(timelines, at):
        sign = 1 if row["direction"] == "IN" else -1
        rest[row["bank_account_code"], f"{row['txn_date']:%Y%m}"] -= sign * row["amount_cny"]
    breaks = {key: amount for key, amount in rest.items() if amount}
    assert {(account[:7], month) for account, month in breaks} == {
        ("YWCT-08", "202406"), ("YWCT-08", "202407"), ("YWCT-09", "202409"), ("YWCT-09", "202410"),
    }  # fmt: skip
    assert sum(breaks.values()) == 0


def test_rows_volume_and_purposes(timelines: dict[str, Timeline]) -> None:
    timeline = timelines["fin_cash_txn"]
    assert {tuple(row) for _, _, row in timeline.rows} == {CASH_COLUMNS}
    assert all(row["created_at"] == at for at, _, row in timeline.rows)
    rows = cash_at(timelines, datetime(2024, 12, 31, 23))
    assert len({row["txn_id"] for row in rows}) == len(rows)
    per_year = Counter(row["txn_date"].year for row in rows)
    assert all(13_000 <= per_year[year] <= 27_000 for year in (2023, 2024))
    purposes = {row["purpose"] for row in rows}
    assert {"progress_pay", "wage", "rent", "concrete", "deposit", "benefit", "loan", "tax"} <= purposes
    assert {"intercompany", "refund", "other"} <= purposes
    assert all(row["amount_cny"] > 0 for row in rows)
    drifted = [row for row in rows if not str(row["purpose"]).isascii()]
    assert 0.001 < len(drifted) / len(rows) < 0.02


def _paid(amount: int, *states: State) -> Voucher:
    lines = [Line("220205", amount, 0, "支付", party="GY0001"), Line("10020101", 0, amount, "支付")]
    voucher = Voucher("YWCT-09", Period(2024, 9), "付", date(2024, 9, 12), "AP", AT, lines)
    voucher.states, voucher.pk = list(states), "1001A109240900000001"
    return voucher


def test_a_void_voucher_moved_nothing_and_a_red_letter_moves_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("demo.ledgers.finance_cash.IN_TRANSIT", ())
    posted = State(AT, AT.date())
    assert cash_events([_paid(500, posted, State(AT, AT.date(), void=True))]) == []
    assert cash_events([_paid(500, State(AT, None))]) == []
    paid = _paid(500, posted)
    back = red_letter(paid, Period(2024, 9), AT)
    back.states, back.pk = [posted], "1001A109240900000002"
    out, refund = (row for _, _, row in cash_events([paid, back]))
    assert (out["direction"], out["amount_cny"], out["counterparty_code"]) == (
        "OUT",
        Decimal("5.00"),
        "GY0001",
    )
    assert (refund["direction"], refund["amount_cny"], refund["purpose"]) == ("IN", Decimal("5.00"), "refund")


def test_one_loan_inside_the_group_is_in_transit_at_the_quarters_end(timelines: dict[str, Timeline]) -> None:
    """R25."""
    headers = {h["pk_voucher"]: h for h in state_at(timelines["fin_voucher"], ["pk_voucher"], CUT_OFF)}
    sides: dict[tuple[frozenset[str], str], Decimal] = defaultdict(Decimal)
    for line in state_at(timelines["fin_voucher_line"], ["pk_detail"], CUT_OFF):
        if line["account_code"] in ("122103", "224103"):
            h = headers[line["pk_voucher"]]
            pair = frozenset((str(h["org_code"]), str(line["counterparty_code"])[3:]))
            sides[pair, f"{h['fiscal_year']}{h['period_no']}"] += line["debit"] - line["credit"]  # type: ignore[operator]
    open_ones = {key: amount for key, amount in sides.items() if amount}
    assert {month for _, month in open_ones} == {"202409", "202410"}
    assert len(open_ones) == 2
    assert sum(open_ones.values()) == 0


def test_no_bank_account_is_overdrawn_at_a_months_end() -> None:
    balances: dict[tuple[str, str], int] = defaultdict(int)
    by_period: dict[Period, list[Voucher]] = defaultdict(list)
    for voucher in finance_gl.vouchers(World()):
        if voucher.counts_at(datetime(2025, 3, 31)):
            by_period[voucher.period].append(voucher)
    for period in sorted(by_period):
        for voucher in by_period[period]:
            for line in voucher.lines:
                if line.account.startswith("1002"):
                    balances[voucher.org_code, line.account] += line.debit - line.credit
        assert min(balances.values()) >= 0, period
