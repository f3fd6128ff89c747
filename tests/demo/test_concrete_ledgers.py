"""The plant's ledger holds what the bulletin's concrete figures rest on, and the faults around it."""

import os
import re
import subprocess
import sys
import unicodedata
from collections import Counter, defaultdict
from datetime import datetime
from decimal import Decimal
from hashlib import md5

import pytest

from demo.ledgers import concrete
from demo.ledgers.concrete_contracts import contracts
from demo.timeline import Row, Timeline, state_at
from demo.world import World

CUT_OFF = datetime(2024, 10, 10, 20)
LATER = datetime(2024, 11, 15, 20)
EXACT = Decimal("550126.50")


def number(value: object) -> Decimal | None:
    """A number as people spell it in the plant system."""
    text = unicodedata.normalize("NFKC", str(value or "")).strip().replace(",", "")
    return Decimal(text) if text else None


def in_window(row: Row) -> bool:
    return "2024-01-01" <= str(row["delivered_at"] or "") < "2024-10-01"


def signed(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row["status"] == "signed" and in_window(row)]


def total(rows: list[Row], column: str) -> Decimal:
    return sum((number(row[column]) or Decimal(0) for row in rows), Decimal(0))


@pytest.fixture(scope="module")
def ledger() -> Timeline:
    return next(t for t in concrete.build(World()) if t.table == concrete.TABLE)


@pytest.fixture(scope="module")
def rows(ledger: Timeline) -> list[Row]:
    return state_at(ledger, ["ticket_no"], CUT_OFF)


@pytest.fixture(scope="module")
def later(ledger: Timeline) -> list[Row]:
    return state_at(ledger, ["ticket_no"], LATER)


def test_every_value_is_text_or_missing_and_every_row_has_all_columns(ledger: Timeline) -> None:
    kinds = {type(value) for _, _, row in ledger.rows for value in row.values()}
    assert kinds == {str, type(None)}
    assert all(tuple(row) == ledger.columns for _, _, row in ledger.rows)


def test_a_row_is_visible_from_its_watermark_on(ledger: Timeline) -> None:
    off = [
        row["ticket_no"]
        for visible, _, row in ledger.rows
        if datetime.fromisoformat(str(row["updated_at"])) != visible
        # A row changed after the bulletin still says when it was changed, not when it was signed.
    ]
    assert not off


def test_the_signed_volume_of_the_nine_months_is_exact(rows: list[Row]) -> None:
    assert total(signed(rows), "signed_m3") == EXACT


def test_no_row_that_a_contract_stops_is_needed_for_it(rows: list[Row]) -> None:
    fine = [row for row in signed(rows) if 0 < (number(row["signed_m3"]) or Decimal(0)) <= 20]
    assert total(fine, "signed_m3") == EXACT
    for row in fine:
        assert 0 < (number(row["plan_m3"]) or Decimal(0)) <= 20
        assert (number(row["signed_m3"]) or 0) > (number(row["batched_m3"]) or 0) * Decimal("0.97")


def test_planted_amounts_carry_each_wrong_reading_out_of_the_range(rows: list[Row]) -> None:
    counted = signed(rows)
    void = [row for row in rows if row["status"] == "void" and in_window(row)]
    assert EXACT + total(void, "signed_m3") > Decimal("554999.99")
    assert EXACT - total(counted, "returned_m3") < Decimal("545000")
    assert total(counted, "batched_m3") > Decimal("554999.99")


def test_about_200_tickets_a_day_of_at_most_20_m3(rows: list[Row]) -> None:
    assert 54_000 <= len(signed(rows)) <= 56_500
    days = Counter(str(row["delivered_at"])[:10] for row in signed(rows))
    ordinary = sorted(days.values())[len(days) // 2]
    assert 190 <= ordinary <= 240


def test_a_year_has_about_73000_tickets(ledger: Timeline) -> None:
    years = Counter(str(row["ticket_no"])[4:8] for row in state_at(ledger, ["ticket_no"], datetime.max))
    assert all(72_000 <= years[year] <= 74_500 for year in ("2023", "2024"))


def test_batched_is_signed_returned_and_at_most_2_percent_waste_by_plant_and_day(rows: list[Row]) -> None:
    batched: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    found: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in signed(rows):
        key = (str(row["plant_code"]), str(row["delivered_at"])[:10])
        batched[key] += number(row["batched_m3"]) or 0
        found[key] += (number(row["signed_m3"]) or 0) + (number(row["returned_m3"]) or 0)
    assert all(0 <= batched[key] - found[key] <= batched[key] * Decimal("0.02") for key in batched)


def test_mass_fits_the_signed_volume(rows: list[Row]) -> None:
    for row in signed(rows):
        volume = number(row["signed_m3"]) or Decimal(0)
        if volume:
            net = (number(row["gross_kg"]) or Decimal(0)) - (number(row["tare_kg"]) or Decimal(0))
            assert 2250 <= net / volume <= 2500, row


def test_times_follow_each_other_and_nearly_all_are_there(rows: list[Row]) -> None:
    complete = 0
    for row in signed(rows):
        times = [str(row[c]) for c in ("out_time", "arrive_time", "sign_time", "delivered_at") if row[c]]
        assert times == sorted(times)
        complete += len(times) == 4
    assert complete >= len(signed(rows)) * Decimal("0.98")
    assert complete < len(signed(rows))


def test_codes_have_their_shape(rows: list[Row]) -> None:
    known = {contract.contract_no for contract in contracts(World())}
    for row in rows:
        assert re.fullmatch(r"浙G[A-Z0-9]{5}", str(row["truck_no"]))
        assert re.fullmatch(r"C(15|20|25|30|35|40|45|50|60)(P[68])?", str(row["strength_grade"]))
        assert row["contract_no"] in known


def test_prices_are_plausible_and_average_as_the_revenue_says(rows: list[Row]) -> None:
    priced = [row for row in signed(rows) if number(row["unit_price"])]
    prices = [number(row["unit_price"]) or Decimal(0) for row in priced]
    assert min(prices) >= 250
    assert max(prices) <= 600
    value = sum(
        ((number(row["signed_m3"]) or 0) * p for row, p in zip(priced, prices, strict=True)), Decimal(0)
    )
    average = value / Decimal("1.03") / total(priced, "signed_m3")
    assert abs(average - Decimal("336.17")) < Decimal("0.5")


def test_the_three_named_sites_take_concrete_in_the_year(rows: list[Row]) -> None:
    named = {c.contract_no for c in contracts(World())[:3]}
    assert named == {row["contract_no"] for row in signed(rows)} & named
    assert [c.site_name for c in contracts(World())[:3]] == [
        "老电大区块学校新建二期工程",
        "北苑街道机场路与常青路交叉口东北侧地块（二标段）",
        "秦塘小学新建工程",
    ]


def test_loads_of_september_wait_for_their_slip_and_sign_later(rows: list[Row], later: list[Row]) -> None:
    waiting = {
        row["ticket_no"] for row in rows if row["status"] == "loaded" and str(row["out_time"]) < "2024-10-01"
    }
    assert len(waiting) >= 20
    after = {row["ticket_no"]: row for row in later}
    assert all(after[key]["status"] == "signed" and in_window(after[key]) for key in waiting)


def test_after_the_bulletin_the_volume_moves_by_every_kind_of_change(
    rows: list[Row], later: list[Row]
) -> None:
    before = {row["ticket_no"]: row for row in rows}
    after = {row["ticket_no"]: row for row in later}
    now = {
        key: row for key, row in after.items() if in_window(row) and str(row["updated_at"]) > "2024-10-10 20"
    }
    late_entry = [key for key in now if key not in before]
    changed = [(before[key], row) for key, row in now.items() if key in before]
    assert late_entry
    assert any(old["status"] == "signed" and new["status"] == "void" for old, new in changed)
    assert any(old["signed_m3"] and old["signed_m3"] != new["signed_m3"] for old, new in changed)
    moved = [(old, new) for old, new in changed if old["contract_no"] != new["contract_no"]]
    assert {old["status"] for old, _ in moved} == {"signed", "loaded"}
    assert EXACT < total(signed(later), "signed_m3") <= Decimal("554999.99")


def test_the_first_days_of_october_have_tickets_that_do_not_count(rows: list[Row]) -> None:
    october = [row for row in rows if "2024-10-01" <= str(row["delivered_at"] or "") < "2024-10-11"]
    assert sum(row["status"] == "signed" for row in october) > 1_000


def test_dirt_is_there_in_small_numbers(rows: list[Row]) -> None:
    spelt = [
        column
        for row in rows
        for column in ("plan_m3", "signed_m3", "gross_kg", "unit_price")
        if row[column] and not re.fullmatch(r"-?\d+\.\d+", str(row[column]))
    ]
    assert len(rows) * 0.002 < len(spelt) < len(rows) * 0.02
    assert any(re.search("[０-９]", str(row["signed_m3"])) for row in rows)
    assert any("," in str(row["gross_kg"]) for row in rows)
    volumes = [number(row["signed_m3"]) for row in rows if row["signed_m3"] not in (None, "", " ")]
    assert sum(v is not None and v > 20 for v in volumes) >= 5
    assert sum(v is not None and v < 0 for v in volumes) >= 5
    assert sum(v == 0 for v in volumes) >= 5
    short = [
        row
        for row in rows
        if row["status"] == "signed"
        and 0 < (number(row["signed_m3"]) or 0) < (number(row["batched_m3"]) or 0) * Decimal("0.97")
    ]
    assert 5 <= len(short) < len(rows) * 0.02


def test_some_void_tickets_were_issued_again_with_the_same_truck(rows: list[Row]) -> None:
    by_load = defaultdict(list)
    for row in rows:
        by_load[row["truck_no"], row["contract_no"], row["plan_m3"], str(row["out_time"])[:10]].append(row)
    again = [group for group in by_load.values() if {row["status"] for row in group} >= {"void", "signed"}]
    assert len(again) > 100


def fingerprint(timeline: Timeline) -> str:
    return md5(repr(timeline.rows).encode()).hexdigest()


@pytest.mark.slow
def test_the_same_seed_gives_the_same_rows_in_any_process(ledger: Timeline) -> None:
    code = (
        "from demo.ledgers import concrete; from demo.world import World; from hashlib import md5;"
        "print(md5(repr(concrete.build(World())[1].rows).encode()).hexdigest())"
    )
    told = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONHASHSEED": "11"},
        capture_output=True,
        check=True,
        text=True,
    )
    assert told.stdout.strip() == fingerprint(ledger)


@pytest.mark.slow
@pytest.mark.parametrize("world", [World(seed=7), World(scale=2)], ids=["other seed", "scale 2"])
def test_the_volume_holds_for_every_seed_and_scale(world: World, ledger: Timeline) -> None:
    other = concrete.build(world)[1]
    rows = state_at(other, ["ticket_no"], CUT_OFF)
    assert total(signed(rows), "signed_m3") == EXACT
    void = [row for row in rows if row["status"] == "void" and in_window(row)]
    assert EXACT + total(void, "signed_m3") > Decimal("554999.99")
    assert EXACT - total(signed(rows), "returned_m3") < Decimal("545000")
    if world.scale == 2:
        year = [[e for e in t.rows if str(e[2]["out_time"]) >= "2024"] for t in (other, ledger)]
        assert year[0] == year[1]
        assert len(other.rows) > len(ledger.rows) * 1.9
