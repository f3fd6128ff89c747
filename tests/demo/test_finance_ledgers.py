"""The books hold what the bulletin's revenue rests on; they balance; their faults are the planted ones."""

import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from hashlib import md5

import pytest

from data_contracts.codes import usci_is_valid
from demo.ledgers import finance_gl, finance_master
from demo.ledgers.finance_calendar import Period, closed_at
from demo.ledgers.finance_master import MORTAR, SPLIT_ACCOUNT
from demo.ledgers.investment_plan import UNIT_CNY, true_months
from demo.timeline import Timeline
from demo.world import World
from tests.demo.finance_readings import AnyRow, Books, books_at, counts, text

CUT_OFF = datetime(2024, 10, 10, 20)
LATER = datetime(2024, 11, 15, 20)
CONCRETE = Decimal("184936527.80")
STEEL = Decimal("62318540.75")
LOWEST, HIGHEST = Decimal("180000000.01"), Decimal("189999999.99")


@pytest.fixture(scope="module")
def timelines() -> dict[str, Timeline]:
    built = [*finance_master.build(World()), *finance_gl.build(World())]
    return {timeline.table: timeline for timeline in built}


@pytest.fixture(scope="module")
def books(timelines: dict[str, Timeline]) -> Books:
    return books_at(timelines, CUT_OFF)


@pytest.fixture(scope="module")
def later(timelines: dict[str, Timeline]) -> Books:
    return books_at(timelines, LATER)


def test_every_row_has_the_columns_of_its_table_and_is_visible_from_its_watermark(
    timelines: dict[str, Timeline],
) -> None:
    for timeline in timelines.values():
        for visible, gone, row in timeline.rows:
            assert gone or tuple(row) == timeline.columns
            assert gone or "ts" not in row or row["ts"] == visible.isoformat(" ", "seconds")
    for _, _, row in timelines["fin_voucher"].rows:
        assert str(row["created_at"]) <= str(row["ts"])


def test_volumes_follow_the_catalogue(timelines: dict[str, Timeline]) -> None:
    end = books_at(timelines, datetime(2024, 12, 31, 23, 59))
    vouchers = Counter(row["fiscal_year"] for row in end.headers.values())
    lines = Counter(end.headers[row["pk_voucher"]]["fiscal_year"] for row in end.tables["fin_voucher_line"])
    for year in ("2023", "2024"):
        assert 24_700 <= vouchers[year] <= 27_300
        assert 129_000 <= lines[year] <= 166_000
    assert 5_100 <= len(end.tables["fin_account"]) <= 5_700
    assert 570 <= len(end.tables["fin_period"]) <= 660


def test_concrete_revenue_is_exact_at_the_cut_off(books: Books) -> None:
    assert books.total("concrete_revenue", counts) == CONCRETE


def test_steel_is_exact_and_sold_by_both_books(books: Books) -> None:
    assert books.total("steel_revenue", counts, org="") == STEEL
    assert books.total("steel_revenue", counts, org="", column="quantity") == Decimal("16500.000")
    assert books.total("steel_revenue", counts) > Decimal("5070000")


def test_every_wrong_reading_of_the_revenue_leaves_the_range(books: Books) -> None:
    def revenue(only: Callable[[AnyRow], bool]) -> Decimal:
        return books.total("concrete_revenue", only)

    no_red = revenue(lambda h: counts(h) and not (text(h["reversal_of"]) and h["voucher_kind"] == "normal"))
    with_void = revenue(lambda h: counts(h | {"void_flag": "N"}))
    with_deleted = revenue(lambda h: counts(h | {"dr": 0}))
    with_transfer = revenue(lambda h: counts(h | {"voucher_kind": "normal"}))
    for wrong in (no_red, with_void, with_deleted, with_transfer, CONCRETE * Decimal("1.03")):
        assert not LOWEST <= wrong <= HIGHEST
    assert no_red - CONCRETE >= Decimal("5070000")
    assert with_transfer == 0
    assert not LOWEST <= (CONCRETE / Decimal("1.03")) <= HIGHEST


def test_sales_inside_the_group_and_other_accounts_leave_the_range_too(books: Books) -> None:
    group = mortar = other = Decimal(0)
    for pk, header in books.headers.items():
        in_scope = header["fiscal_year"] == "2024" and header["period_no"] <= "09" and counts(header)
        if header["org_code"] != "YWCT-03" or not in_scope:
            continue
        for line in books.by_voucher[pk]:
            amount, tag = line["credit"] - line["debit"], books.tag(header, line)
            if tag == "concrete_revenue" and text(line["counterparty_code"]).startswith("GS-YWCT-"):
                group += amount
            mortar += amount if line["account_code"] == MORTAR else 0
            other += amount if line["account_code"].startswith("6001") else 0
    assert group >= Decimal("4940000")
    assert not LOWEST <= CONCRETE - group <= HIGHEST
    assert not LOWEST <= CONCRETE + mortar <= HIGHEST, "the map's old row read as valid"
    assert other > HIGHEST, "steel and mortar inside"


def test_the_fiscal_period_decides_not_the_date_on_the_voucher(books: Books) -> None:
    dates: dict[str, set[str]] = defaultdict(set)
    by_date = Decimal(0)
    for pk, amount in books.amounts("concrete_revenue").items():
        if counts(books.headers[pk]):
            day = "-".join(
                part.zfill(2) for part in re.split(r"\D", books.headers[pk]["voucher_date"].strip())
            )
            dates[books.headers[pk]["period_no"]].add(day)
            by_date += amount if "2024-01-01" <= day <= "2024-09-30" else 0
    assert "2024-10-08" in dates["09"]
    assert "2024-09-30" in dates["10"]
    assert "2023-12-31" in dates["01"]
    assert not LOWEST <= by_date <= HIGHEST
    adjusted = [h for h in books.headers.values() if h["period_no"] == "13" and h["org_code"] == "YWCT-03"]
    assert {h["fiscal_year"] for h in adjusted} == {"2023"}
    lines = [(h, line) for h in adjusted for line in books.by_voucher[h["pk_voucher"]]]
    assert any(books.tag(h, line) == "concrete_revenue" for h, line in lines)


def test_revenue_follows_the_signed_volume(books: Books) -> None:
    volume = books.total("concrete_revenue", counts, column="quantity")
    assert volume == Decimal("550126.50")
    assert (CONCRETE / volume).quantize(Decimal("0.01")) == Decimal("336.17")


def test_invoices_and_accruals_are_all_of_the_revenue_account(books: Books) -> None:
    found = (books.headers[pk] for pk in books.amounts("concrete_revenue"))
    kinds = Counter(h["voucher_kind"] for h in found if counts(h))
    assert set(kinds) == {"normal", "accrual", "accrual_reversal"}
    # The accruals of December and of September are what the nine months do not share with invoices.
    net = books.total("concrete_revenue", lambda h: counts(h) and h["voucher_kind"].startswith("accrual"))
    assert abs(net) < Decimal("6000000")


def test_one_voucher_is_unbalanced_and_every_header_states_its_lines(books: Books) -> None:
    unbalanced = []
    for pk, header in books.headers.items():
        debit = sum((line["debit"] for line in books.by_voucher[pk]), Decimal(0))
        credit = sum((line["credit"] for line in books.by_voucher[pk]), Decimal(0))
        assert (debit, credit) == (header["total_debit"], header["total_credit"]), pk
        if debit != credit:
            unbalanced.append((header["org_code"], header["period_no"]))
    assert unbalanced == [("YWCT-06", "04")]
    assert set(books.headers) == set(books.by_voucher)


def test_each_line_has_one_side_and_red_sides_name_their_original(books: Books) -> None:
    for line in books.tables["fin_voucher_line"]:
        assert (line["debit"] == 0) != (line["credit"] == 0)
        if line["debit"] < 0 or line["credit"] < 0:
            header = books.headers[line["pk_voucher"]]
            assert (
                text(header["reversal_of"]) or header["period_no"] == "13" or header["org_code"] == "YWCT-03"
            )


def test_a_red_letter_and_its_original_are_one_book_and_sum_to_zero(later: Books) -> None:
    reds = [h for h in later.headers.values() if text(h["reversal_of"])]
    assert len(reds) > 500
    for red in reds:
        original = later.headers[text(red["reversal_of"])]
        assert original["org_code"] == red["org_code"]
        assert original["total_debit"] + red["total_debit"] == 0


def test_postings_are_to_leaves_with_their_auxiliary_values(books: Books) -> None:
    accounts = {(row["org_code"], row["account_code"]): row for row in books.tables["fin_account"]}
    columns = {"project": "project_code", "counterparty": "counterparty_code", "park": "park_code"}
    columns["product"] = "product_code"
    non_leaf = []
    for line in books.tables["fin_voucher_line"]:
        header = books.headers[line["pk_voucher"]]
        account = accounts[header["org_code"], line["account_code"]]
        if account["is_leaf"] != "Y":
            non_leaf.append((header["org_code"], line["account_code"]))
        for aux in text(account["aux_types"]).split(","):
            assert not aux or text(line[columns[aux]]), line
    assert non_leaf == [("YWCT-09", "6602")]


def test_projects_and_parks_of_the_books_exist(books: Books) -> None:
    projects = {p.project_code for p in World().projects}
    parks = {p.park_code for p in World().parks}
    for line in books.tables["fin_voucher_line"]:
        assert not text(line["project_code"]) or line["project_code"] in projects
        assert not text(line["park_code"]) or line["park_code"] in parks


def test_profit_and_loss_go_to_4103_every_month_in_every_book(books: Books) -> None:
    rest: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    transferred = set()
    repeated = Counter(
        (h["org_code"], h["fiscal_year"], h["period_no"], h["voucher_type"], h["voucher_no"])
        for h in books.headers.values()
    )
    for pk, h in books.headers.items():
        key = (h["org_code"], h["fiscal_year"], h["period_no"])
        if h["voucher_kind"] == "pl_transfer":
            assert any(line["account_code"] == "4103" for line in books.by_voucher[pk])
            transferred.add(key)
        if h["posted_flag"] == "Y" and h["dr"] == 0 and h["void_flag"] == "N":
            rest[key] += sum(
                (
                    line["credit"] - line["debit"]
                    for line in books.by_voucher[pk]
                    if line["account_code"][0] == "6"
                ),
                Decimal(0),
            )
    months = {(str(y), f"{m:02d}") for y in (2023, 2024) for m in range(1, 13) if (y, m) <= (2024, 9)}
    for org in World().orgs:
        assert months <= {key[1:] for key in transferred if key[0] == org.org_code}
    with_faults = {key[:3] for key, times in repeated.items() if times > 1}
    with_faults |= {("YWCT-06", "2024", "04"), ("YWCT-09", "2024", "05")}
    open_still = {key for key in rest if key[1:] == ("2024", "10")}
    assert all(rest[key] == 0 for key in set(rest) - with_faults - open_still)


def test_all_books_are_closed_to_september_before_the_cut_off(books: Books) -> None:
    last = {}
    for row in sorted(books.tables["fin_period"], key=lambda row: row["state_seq"]):
        last[row["org_code"], row["fiscal_year"], row["period_no"]] = row
    for org in World().orgs:
        for month in range(1, 10):
            row = last[org.org_code, "2024", f"{month:02d}"]
            assert row["close_status"] == "closed"
            assert row["first_closed_at"] == closed_at(org.org_code, Period(2024, month)) == row["changed_at"]
            assert row["changed_at"].day <= 8
        assert last[org.org_code, "2024", "10"]["close_status"] == "open"
        assert last[org.org_code, "2023", "13"]["close_status"] == "closed"


def test_one_book_is_opened_again_after_the_cut_off(later: Books) -> None:
    states = [
        (row["state_seq"], row["close_status"], row["first_closed_at"])
        for row in later.tables["fin_period"]
        if (row["org_code"], row["fiscal_year"], row["period_no"]) == ("YWCT-03", "2024", "09")
    ]
    first = closed_at("YWCT-03", Period(2024, 9))
    assert sorted(states) == [
        (1, "open", None),
        (2, "closed", first),
        (3, "reopened", first),
        (4, "closed", first),
    ]


def test_one_voucher_of_the_closed_months_waits_to_be_posted(books: Books, later: Books) -> None:
    waiting = [
        h
        for h in books.headers.values()
        if h["posted_flag"] == "N" and (h["fiscal_year"], h["period_no"]) <= ("2024", "09")
    ]
    assert [(h["org_code"], h["period_no"], h["created_at"][:10]) for h in waiting] == [
        ("YWCT-03", "09", "2024-10-09")
    ]
    posted = later.headers[waiting[0]["pk_voucher"]]
    assert (posted["posted_flag"], posted["posted_date"]) == ("Y", date(2024, 10, 14))
    lines = later.by_voucher[waiting[0]["pk_voucher"]]
    assert {line["ts"] for line in lines} == {posted["ts"]}


def test_late_entries_move_the_quarter_and_a_red_letter_of_november_does_not(
    books: Books, later: Books
) -> None:
    first_closed = closed_at("YWCT-03", Period(2024, 9)).date()
    effects = {}
    for pk, amount in later.amounts("concrete_revenue").items():
        h = later.headers[pk]
        late = h["posted_date"] and h["posted_date"] > first_closed
        if late and h["period_no"] == "09" and h["voucher_kind"] == "normal":
            effects[h["created_at"][:10], bool(text(h["reversal_of"]))] = amount
    assert set(effects) == {("2024-10-09", False), ("2024-11-05", False), ("2024-11-05", True)}
    assert effects["2024-11-05", True] < 0
    assert later.total("concrete_revenue", counts) == CONCRETE + sum(effects.values())
    november = [
        h
        for h in later.headers.values()
        if h["voucher_date"] == "2024-11-06" and h["period_no"] == "11" and text(h["reversal_of"])
        if h["org_code"] == "YWCT-03" and h["voucher_kind"] == "normal"
    ]
    assert [later.headers[text(h["reversal_of"])]["period_no"] for h in november] == ["09"]


def test_duplicates_repeat_a_business_key_with_a_later_ts_and_touch_no_headline(books: Books) -> None:
    groups = defaultdict(list)
    for h in books.headers.values():
        groups[h["org_code"], h["fiscal_year"], h["period_no"], h["voucher_type"], h["voucher_no"]].append(h)
    doubled = [sorted(group, key=lambda h: h["ts"]) for group in groups.values() if len(group) > 1]
    assert 40 <= len(doubled) <= 200
    for first, second in doubled:
        assert first["ts"] < second["ts"]
        for line in books.by_voucher[second["pk_voucher"]]:
            assert books.tag(second, line) is None


def test_some_numbers_are_missing(books: Books) -> None:
    series = defaultdict(set)
    for h in books.headers.values():
        series[h["org_code"], h["fiscal_year"], h["period_no"], h["voucher_type"]].add(h["voucher_no"])
    gaps = sum(max(numbers) - len(numbers) for numbers in series.values())
    assert 20 <= gaps <= len(books.headers) * 0.02


def test_spelling_dirt_is_there_in_proportion(books: Books) -> None:
    dates = [h["voucher_date"] for h in books.headers.values()]
    odd = [d for d in dates if not re.fullmatch(r"\d{4}-\d\d-\d\d", d)]
    assert all(re.fullmatch(r"\d{4}([./])\d{1,2}\1\d{1,2}", d) for d in odd)
    assert len(dates) * 0.002 < len(odd) < len(dates) * 0.02
    blanks = [line for line in books.tables["fin_voucher_line"] if line["biz_doc_no"] == " "]
    assert len(books.tables["fin_voucher_line"]) * 0.002 < len(blanks)
    assert len(blanks) < len(books.tables["fin_voucher_line"]) * 0.02


def test_a_changed_voucher_sends_all_its_lines_and_a_dropped_line_is_gone(
    timelines: dict[str, Timeline], books: Books, later: Books
) -> None:
    sent: dict[str, set[str]] = defaultdict(set)
    for _, gone, row in timelines["fin_voucher_line"].rows:
        if not gone:
            sent[str(row["pk_voucher"])].add(str(row["ts"]))
    for _, _, row in timelines["fin_voucher"].rows:
        assert row["ts"] in sent[str(row["pk_voucher"])]
    assert any(gone for _, gone, _ in timelines["fin_voucher_line"].rows)
    shorter = [
        pk
        for pk, lines in books.by_voucher.items()
        if len(later.by_voucher[pk]) < len(lines) and books.headers[pk]["posted_flag"] == "N"
    ]
    assert shorter, "a voucher of the cut-off's evening loses a line before it is posted"


def test_accounts_and_their_map(books: Books, later: Books) -> None:
    leaves = {(r["org_code"], r["account_code"]) for r in books.tables["fin_account"] if r["is_leaf"] == "Y"}
    assert leaves <= set(books.mapping)
    used = {
        (books.headers[line["pk_voucher"]]["org_code"], line["account_code"])
        for line in books.tables["fin_voucher_line"]
    }
    assert used - set(books.mapping) == {("YWCT-09", "6602")}
    mortar = sorted(books.mapping["YWCT-03", MORTAR], key=lambda row: row["valid_from"])
    assert [row["metric_tag"] for row in mortar] == ["concrete_revenue", None]
    assert mortar[0]["valid_to"] == mortar[1]["valid_from"] == date(2024, 1, 1)
    assert SPLIT_ACCOUNT not in leaves
    assert SPLIT_ACCOUNT in {(r["org_code"], r["account_code"]) for r in books.tables["fin_account"]}


def test_the_split_account_was_a_leaf_before(timelines: dict[str, Timeline]) -> None:
    before = books_at(timelines, datetime(2023, 12, 31, 20))
    found = {(r["org_code"], r["account_code"]): r for r in before.tables["fin_account"]}
    assert found[SPLIT_ACCOUNT]["is_leaf"] == "Y"
    assert [r["metric_tag"] for r in before.mapping["YWCT-03", MORTAR]] == ["concrete_revenue"]


def test_companies_are_the_twelve_of_the_group(books: Books) -> None:
    rows = {row["org_code"]: row for row in books.tables["fin_org"]}
    assert set(rows) == {org.org_code for org in World().orgs}
    assert all(usci_is_valid(row["usci"]) for row in rows.values())
    assert rows["YWCT-03"]["short_name"] == "建科公司"
    assert all(0 < row["consolidation_pct"] <= 100 for row in rows.values())
    assert rows["YWCT-10"]["consolidation_pct"] == Decimal("65.00")


def test_loans_between_companies_agree_in_both_books(books: Books) -> None:
    sides: dict[frozenset[str], Decimal] = defaultdict(Decimal)
    for line in books.tables["fin_voucher_line"]:
        if line["account_code"] in ("122103", "224103"):
            pair = {books.headers[line["pk_voucher"]]["org_code"], line["counterparty_code"][3:]}
            sides[frozenset(pair)] += line["debit"] - line["credit"]
    assert len(sides) > 50
    assert set(sides.values()) == {Decimal(0)}


def test_the_books_hold_the_investment_of_each_project_without_vat(books: Books) -> None:
    """C05: books and statistics differ by VAT, capitalised interest and prepayments alone."""
    vat = {"construction": 9, "installation": 9, "equipment": 13, "land": 0, "other_fee": 6}
    expected: dict[str, Decimal] = defaultdict(Decimal)
    for code, months in true_months(World()).items():
        for month, components in months.items():
            if date(2024, 2, 1) <= month <= date(2024, 9, 1):
                for component, units in components.items():
                    expected[code] += Decimal(units * UNIT_CNY) * 100 / (100 + vat[component])
    found: dict[str, Decimal] = defaultdict(Decimal)
    tags = {"cip", "cip_material", "dev_cost", "land", "agency_construction"}
    for h, line, tag in books.tagged:
        interest = line["account_code"] in ("16040406", "500107")
        if tag in tags and not interest and h["period_no"] <= "09" and counts(h):
            found[line["project_code"]] += line["debit"] - line["credit"]
    assert sum(found.values()) > Decimal("5000000000")
    for code, amount in expected.items():
        assert abs(found[code] - amount) <= amount * Decimal("0.005") + 100, code


def fingerprint(timelines: dict[str, Timeline]) -> str:
    return md5(repr([t.rows for t in timelines.values()]).encode()).hexdigest()


@pytest.mark.slow
def test_the_same_seed_gives_the_same_rows_in_any_process(timelines: dict[str, Timeline]) -> None:
    code = (
        "from demo.ledgers import finance_gl as g, finance_master as m; from demo.world import World;"
        "from hashlib import md5; built = [*m.build(World()), *g.build(World())];"
        "print(md5(repr([t.rows for t in built]).encode()).hexdigest())"
    )
    told = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONHASHSEED": "11"},
        capture_output=True,
        check=True,
        text=True,
    )
    assert told.stdout.strip() == fingerprint(timelines)


@pytest.mark.extended
@pytest.mark.slow
@pytest.mark.parametrize("world", [World(seed=7), World(scale=2)], ids=["other seed", "scale 2"])
def test_the_figures_hold_for_every_seed_and_scale(world: World) -> None:
    built = {t.table: t for t in [*finance_master.build(world), *finance_gl.build(world)]}
    books = books_at(built, CUT_OFF)
    assert books.total("concrete_revenue", counts) == CONCRETE
    assert books.total("steel_revenue", counts, org="") == STEEL
    assert len({line["pk_detail"] for line in books.tables["fin_voucher_line"]}) == len(
        books.tables["fin_voucher_line"]
    )
    assert all(len(h["pk_voucher"]) == 20 for h in books.headers.values())
    assert all(len(line["pk_detail"]) == 20 for line in books.tables["fin_voucher_line"])
