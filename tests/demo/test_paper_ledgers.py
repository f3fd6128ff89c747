"""What follows from the books agrees with them: payments to villages, eliminations, invoices, plans."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

import pytest

from demo.ledgers import papers
from demo.ledgers.finance_cash import cash_events
from demo.ledgers.finance_chart import chart
from demo.ledgers.finance_gl import vouchers
from demo.timeline import Row, Timeline, state_at
from demo.world import World
from tests.demo.source_forms import number, plain, sheet_day

CUT_OFF, LATER = datetime(2024, 10, 10, 20), datetime(2024, 11, 15, 20)
SELLER = "YWCT-03"
CENT = Decimal("0.01")


@pytest.fixture(scope="module")
def ledgers() -> dict[str, Timeline]:
    return {timeline.table: timeline for timeline in papers.build(World())}


def newest_copies(timeline: Timeline, at: datetime) -> list[Row]:
    """Rows of the highest copy of each period's file, as they stood then."""
    rows = [row for seen, _, row in timeline.rows if seen <= at]
    copies: dict[object, int] = defaultdict(int)
    for row in rows:
        copies[row["file_period"]] = max(copies[row["file_period"]], int(str(row["file_version"])))
    return [row for row in rows if row["file_version"] == copies[row["file_period"]]]


def exported(timeline: Timeline, at: datetime) -> dict[str, Row]:
    """Invoices by number, each as the latest file that holds it says; amounts as numbers in CNY."""
    rows = [row for seen, _, row in timeline.rows if seen <= at]
    found: dict[str, Row] = {}
    for row in sorted(rows, key=lambda r: (str(r["file_period"]), int(str(r["file_version"])))):
        factor = 10_000 if row["money_unit"] == "万元" else 1
        amounts = {name: number(row[name]) * factor for name in AMOUNTS}
        if amounts["amount_ex_tax"] == amounts["amount_inc_tax"]:
            amounts["amount_ex_tax"] -= amounts["tax_amount"]
        found[plain(row["invoice_no"])] = row | amounts
    return found


AMOUNTS = ("amount_ex_tax", "tax_amount", "amount_inc_tax")


def amount(row: Row, name: str) -> Decimal:
    return Decimal(str(row[name]))


def month_of(row: Row) -> tuple[int, int]:
    day = sheet_day(row["issue_date"])
    assert day is not None
    return day.year, day.month


# --- payments to villages ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def paid(ledgers: dict[str, Timeline]) -> list[Row]:
    rows = newest_copies(ledgers["fin_coop_benefit"], CUT_OFF)
    return [row for row in rows if row["village_code"] is not None]


def _fen_exact(row: Row) -> Decimal:
    return number(row["amount_cny"]) * 10_000


def _in_year_to_date(row: Row) -> bool:
    day = sheet_day(row["pay_date"])
    return day is not None and date(2024, 1, 1) <= day <= date(2024, 9, 30)


def test_c19_36_villages_with_three_payments_each(paid: list[Row]) -> None:
    home = [row for row in paid if _in_year_to_date(row) and row["region_code"] == "331102"]
    counts = Counter(plain(row["village_code"]) for row in home if _fen_exact(row) > 0)
    assert set(counts.values()) == {3}
    assert len(counts) == 36
    assert sum(_fen_exact(row) for row in home) == Decimal("1875000.00")
    assert all(plain(row["village_code"]).startswith(str(row["region_code"])) for row in paid)


def test_an_amount_is_the_volume_times_the_rate_and_the_volume_is_not_that_delivered(paid: list[Row]) -> None:
    basis = Decimal(0)
    for row in paid:
        exact = number(row["basis_m3"]) * Decimal(str(row["rate_cny_m3"]))
        assert exact.quantize(CENT, ROUND_HALF_UP) == _fen_exact(row)
        basis += number(row["basis_m3"]) if _in_year_to_date(row) and row["region_code"] == "331102" else 0
    assert basis != Decimal("550126.50")


def test_wrong_readings_of_the_villages_leave_the_range(
    ledgers: dict[str, Timeline], paid: list[Row]
) -> None:
    home = [row for row in paid if row["region_code"] == "331102"]
    of_files = [row for row in home if "2024Q1" <= str(row["file_period"]) <= "2024Q3"]
    assert sum(_fen_exact(row) for row in of_files) > Decimal("1875499.99"), "by file, not by day"
    everywhere = sum(_fen_exact(row) for row in paid if _in_year_to_date(row))
    assert everywhere > Decimal("1875499.99"), "all counties"
    named = {plain(row["village_code"]) for row in home if _in_year_to_date(row)}
    assert len(named) == 37, "villages on the list, paid or not"
    first = [row for _, _, row in ledgers["fin_coop_benefit"].rows if row["file_period"] == "2024Q3"]
    copies = Counter(row["file_version"] for row in first)
    assert copies[1] == copies[2] + 1, "C25: the second copy lacks a row"


def test_r21_the_bank_pays_each_payment_once_but_for_one_that_came_back(paid: list[Row]) -> None:
    out, back = defaultdict[str, int](int), defaultdict[str, int](int)
    for voucher in vouchers(World()):
        purposes = {line.purpose for line in voucher.lines}
        for line in voucher.lines:
            if line.doc and line.party and line.party.startswith("CZ"):
                if "benefit" in purposes:
                    out[line.doc] += line.debit
                elif "refund" in purposes:
                    back[line.doc] += line.credit
    told = {
        f"{plain(r['village_code'])}|{sheet_day(r['pay_date'])}|{r['seq']}": int(_fen_exact(r) * 100)
        for r in paid
        if _fen_exact(r)
    }
    assert len(back) == 1
    assert {doc: fen - back[doc] for doc, fen in out.items() if doc in told} == told


def test_a_payment_names_the_bank_transaction_that_paid_it(paid: list[Row]) -> None:
    bank = {row["txn_id"]: row for _, _, row in cash_events(vouchers(World()))}
    named = [row for row in paid if row["txn_id"] is not None]
    assert 0.9 <= len(named) / len(paid) < 1
    for row in named:
        of_bank = bank[row["txn_id"]]
        assert (of_bank["direction"], of_bank["amount_cny"]) == ("OUT", _fen_exact(row))
        assert str(of_bank["biz_doc_no"]).startswith(plain(row["village_code"]))


# --- eliminations ---------------------------------------------------------------------------------------


def test_every_sheet_of_every_copy_adds_up_to_zero(ledgers: dict[str, Timeline]) -> None:
    sums: dict[object, Decimal] = defaultdict(Decimal)
    for _, _, row in ledgers["fin_elimination"].rows:
        sums[row["file_period"], row["file_version"], row["doc_no"]] += number(row["amount_cny"])
        assert plain(row["org_code"]) != plain(row["counter_org_code"])
    assert len(sums) > 1000
    assert set(sums.values()) == {Decimal(0)}


def _sold_inside() -> dict[tuple[str, int], int]:
    """Fen of concrete revenue from companies of the group by buyer and quarter of 2024, at the cut-off."""
    found = defaultdict[tuple[str, int], int](int)
    for voucher in vouchers(World()):
        period = voucher.period
        if voucher.kind == "pl_transfer" or period.year != 2024 or not voucher.counts_at(CUT_OFF):
            continue
        for line in voucher.lines:
            if line.account.startswith("600101") and line.party and line.party.startswith("GS-"):
                found[line.party[3:], (period.number + 2) // 3] += line.credit - line.debit
    return {key: fen for key, fen in found.items() if key[1] < 4}


def test_r14_r30_concrete_sold_inside_is_taken_out_by_pair_and_quarter(ledgers: dict[str, Timeline]) -> None:
    out = defaultdict[tuple[str, int], Decimal](Decimal)
    for row in newest_copies(ledgers["fin_elimination"], CUT_OFF):
        if row["fiscal_year"] == "2024" and plain(row["group_account_code"]) == "600101":
            quarter = (int(str(row["period_no"])) + 2) // 3
            out[plain(row["counter_org_code"]), quarter] += number(row["amount_cny"])
    assert out == {key: Decimal(fen).scaleb(-2) for key, fen in _sold_inside().items()}
    consolidated = Decimal("184936527.80") - sum(out.values())
    assert consolidated < Decimal("180000000.01"), "the group's figure lies outside the words of the text"


def test_r25_balances_are_taken_out_on_both_sides(ledgers: dict[str, Timeline]) -> None:
    held = defaultdict[tuple[str, str], Decimal](Decimal)
    for row in newest_copies(ledgers["fin_elimination"], CUT_OFF):
        account = plain(row["group_account_code"])
        pair = plain(row["org_code"]), plain(row["counter_org_code"])
        if account in ("122103", "112202"):
            held[pair] -= number(row["amount_cny"])
        elif account in ("224103", "220202"):
            held[pair[1], pair[0]] -= number(row["amount_cny"])
    assert len(held) > 60
    assert set(held.values()) == {Decimal(0)}


def test_a_second_copy_of_a_month_lacks_a_sheet_and_another_comes_after_the_bulletin(
    ledgers: dict[str, Timeline],
) -> None:
    sheets = defaultdict[tuple[object, object], set[object]](set)
    sent: dict[tuple[object, object], datetime] = {}
    for seen, _, row in ledgers["fin_elimination"].rows:
        sheets[row["file_period"], row["file_version"]].add(row["doc_no"])
        sent[row["file_period"], row["file_version"]] = seen
    for period in ("202405", "202409"):
        assert len(sheets[period, 1] - sheets[period, 2]) == 1, period
    assert sent["202405", 2] < CUT_OFF < sent["202409", 2] < LATER


# --- invoices -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tax(ledgers: dict[str, Timeline]) -> dict[str, Row]:
    return exported(ledgers["fin_invoice"], CUT_OFF)


@pytest.fixture(scope="module")
def receivable(ledgers: dict[str, Timeline]) -> dict[str, Row]:
    rows = state_at(ledgers["fin_ar_invoice"], ["invoice_no"], CUT_OFF)
    return {str(row["invoice_no"]): row for row in rows}


def _is_void(row: Row) -> bool:
    return row["status"] in ("已作废", "void")


def test_a_year_has_about_so_many_invoices(ledgers: dict[str, Timeline]) -> None:
    found = exported(ledgers["fin_invoice"], datetime(2024, 12, 31, 23))
    of_2023 = [row for row in found.values() if month_of(row)[0] == 2023]
    assert 7_000 <= len(of_2023) <= 13_500
    rows = state_at(ledgers["fin_ar_invoice"], ["invoice_no"], datetime(2024, 12, 31, 23))
    held = [row for row in rows if str(row["issue_date"])[:4] == "2023"]
    assert 4_500 <= len(held) <= 12_000


def test_c11_r12_concrete_invoiced_and_accrued_is_the_revenue_of_each_month(tax: dict[str, Row]) -> None:
    booked, told = defaultdict[int, Decimal](Decimal), defaultdict[int, Decimal](Decimal)
    for voucher in vouchers(World()):
        if voucher.period.year != 2024 or voucher.period.number > 9 or not voucher.counts_at(CUT_OFF):
            continue
        lines = [x for x in voucher.lines if chart(voucher.org_code)[x.account].tag == "concrete_revenue"]
        fen = sum(line.credit - line.debit for line in lines)
        if voucher.kind == "normal":
            booked[voucher.period.number] += Decimal(fen).scaleb(-2)
    for row in tax.values():
        year, month = month_of(row)
        if (
            plain(row["biz_type"]) in ("商品混凝土", "商砼")
            and year == 2024
            and month < 10
            and not _is_void(row)
        ):
            told[month] += amount(row, "amount_ex_tax")
    assert len(told) == 9
    assert told == booked


def test_r32_tax_of_the_invoices_is_the_output_tax_of_each_book_and_month(
    tax: dict[str, Row], receivable: dict[str, Row]
) -> None:
    booked, told = defaultdict[object, Decimal](Decimal), defaultdict[object, Decimal](Decimal)
    for voucher in vouchers(World()):
        period = voucher.period
        key = (voucher.org_code, (period.year, min(period.number, 12)))
        if voucher.kind == "pl_transfer" or not voucher.counts_at(CUT_OFF) or key[1] > (2024, 9):
            continue
        for line in voucher.lines:
            if chart(voucher.org_code)[line.account].tag == "output_vat":
                booked[key] += Decimal(line.credit - line.debit).scaleb(-2)
    # The tax export, and what only the receivables hold.
    for row in (receivable | tax).values():
        if not _is_void(row) and month_of(row) <= (2024, 9):
            told[plain(row["org_code"]), month_of(row)] += amount(row, "tax_amount")
    assert {k: v for k, v in told.items() if v} == {k: v for k, v in booked.items() if v}


def test_r41_a_red_invoice_takes_back_one_original_to_the_cent(tax: dict[str, Row]) -> None:
    red = [row for row in tax.values() if row["red_of"]]
    assert len(red) >= 10
    for row in red:
        original = tax[str(row["red_of"])]
        assert original["status"] in ("已红冲", "红冲")
        assert plain(original["org_code"]) == plain(row["org_code"])
        assert all(amount(original, name) + amount(row, name) == 0 for name in AMOUNTS)
        assert original["file_period"] == row["file_period"], "the later file repeats the original"


def test_what_becomes_known_of_invoices_after_the_bulletin(
    ledgers: dict[str, Timeline], tax: dict[str, Row], receivable: dict[str, Row]
) -> None:
    later = exported(ledgers["fin_invoice"], LATER)
    october = [
        row
        for row in later.values()
        if row["red_of"] and month_of(row) == (2024, 10) and month_of(later[str(row["red_of"])]) == (2024, 9)
    ]
    assert october
    assert all(tax[str(row["red_of"])]["status"] == "正常" for row in october)
    forgotten = [no for no, row in receivable.items() if no not in tax and month_of(row) == (2024, 8)]
    assert len(forgotten) == 1
    assert forgotten[0] in later
    late = [row for no, row in later.items() if no not in tax and month_of(row) == (2024, 9)]
    assert len(late) >= 3, "the reopened book and the voucher that waited"


def test_both_sources_agree_but_for_the_planted_breaks(
    tax: dict[str, Row], receivable: dict[str, Row]
) -> None:
    both = set(tax) & set(receivable)
    assert len(both) > 5_000
    differing = [
        no for no in both if amount(tax[no], "amount_inc_tax") != amount(receivable[no], "amount_inc_tax")
    ]
    assert len(differing) == 3, "three typed wrong"
    assert {"钢材", "其他"} & {str(row["biz_type"]) for no, row in tax.items() if no not in both}


def test_dirt_of_the_exports(ledgers: dict[str, Timeline]) -> None:
    rows = [row for seen, _, row in ledgers["fin_invoice"].rows if seen <= CUT_OFF]
    in_wan = {row["file_period"] for row in rows if row["money_unit"] == "万元"}
    assert in_wan == {"202403"}, "D05"
    assert Counter(type(row["issue_date"]).__name__ for row in rows).keys() >= {"str", "int"}, "D06"
    text = sum(isinstance(row["amount_ex_tax"], str) for row in rows)
    assert 0.002 <= text / len(rows) <= 0.02, "D07"
    inclusive = [row for row in rows if row["amount_ex_tax"] == row["amount_inc_tax"]]
    assert len({plain(row["invoice_no"]) for row in inclusive}) == 5, "D18"
    resent = [row for row in rows if row["file_period"] == "202406"]
    parties = defaultdict[str, set[str]](set)
    for row in resent:
        parties[plain(row["invoice_no"])].add(plain(row["counterparty_code"]))
    assert sum(len(found) == 2 for found in parties.values()) == 3, "D28"


# --- the plan -------------------------------------------------------------------------------------------


def test_a_revised_plan_holds_the_rows_it_changes_under_the_next_version(
    ledgers: dict[str, Timeline],
) -> None:
    key = ("metric_id", "org_code", "project_code", "plan_year", "quarter")
    seen: dict[tuple[object, ...], list[tuple[datetime, int, Decimal]]] = defaultdict(list)
    for at, _, row in ledgers["fin_plan_target"].rows:
        name = tuple(plain(row[c]) for c in key[1:])
        word = {"固定资产投资": "有效投资"}.get(str(row["metric_id"]), str(row["metric_id"]))
        seen[word, *name].append((at, int(str(row["version"])), number(row["target_value"])))
    revised = {name: versions for name, versions in seen.items() if len(versions) > 1}
    assert all([v for _, v, _ in sorted(versions)] == [1, 2] for versions in revised.values())
    assert all(first[2] != second[2] for first, second in map(sorted, revised.values()))
    times = {sorted(versions)[1][0] for versions in revised.values()}
    assert len(times) == 2
    assert min(times) < CUT_OFF < max(times) < LATER, "a new version after the bulletin"


def test_the_year_is_the_fourth_quarter_and_quarters_grow(ledgers: dict[str, Timeline]) -> None:
    first: dict[tuple[object, ...], dict[int, Decimal]] = defaultdict(dict)
    for _, _, row in ledgers["fin_plan_target"].rows:
        if row["version"] == 1:
            name = (row["metric_id"], plain(row["org_code"]), row["project_code"], row["plan_year"])
            first[name][int(str(row["quarter"]))] = number(row["target_value"])
    whole = [quarters for quarters in first.values() if len(quarters) == 5]
    assert len(whole) > 120
    for quarters in whole:
        assert quarters[0] == quarters[4]
        assert quarters[1] <= quarters[2] <= quarters[3] <= quarters[4]
