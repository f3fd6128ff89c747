"""Letters of intent: 46 for one park, an exact area for two, by dates and by aliases."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from demo.timeline import Row
from demo.world import AS_OF
from tests.demo.park_readings import ADVANCED, AFTER_ALL, UP, letters, parks, rows_of
from tests.demo.source_forms import number, sheet_day


def _area(rows: list[Row]) -> Decimal:
    return sum((number(row["area_m2"]) for row in rows), Decimal(0))


def test_c15_46_letters_for_the_community() -> None:
    rows = letters(UP, "PK-12")
    assert len(rows) == 46
    assert _area(rows) == Decimal("207684.35")
    assert _area(rows) <= Decimal(str(parks(UP)["PK-12"]["leasable_m2"]))
    assert not [row for row in rows if row["converted_date"]]
    assert {row["park_name"] for row in rows} == {"数字与智能化产业社区", "义乌数字与智能化产业社区"}
    texts = [str(row["area_m2"]) for row in rows]
    assert any(text.endswith("万") for text in texts)
    assert any(text.endswith("㎡") and text[0].isascii() for text in texts)
    assert any(not text[0].isascii() for text in texts)
    assert any("," in text for text in texts)
    # Withdrawn on 9 October: valid on 30 September, whatever its status says.
    assert [row["status"] for row in rows].count("已撤回") == 1
    assert any(sheet_day(row["signed_date"]) == AS_OF for row in rows)


def test_letters_of_choujiang() -> None:
    rows = letters(UP, "PK-06")
    assert _area(rows) == Decimal("15042.60")
    of_park = [row for row in rows_of("park_loi", "loi_no", UP) if "稠江" in str(row["park_name"])]
    withdrawn = [row for row in of_park if row["withdrawn_date"]]
    assert _area(withdrawn) >= 458
    assert _area(rows) + min(number(row["area_m2"]) for row in withdrawn) > Decimal("15499.99")
    assert any(row["converted_date"] for row in rows)


def test_withdrawn_and_new_letters_would_leave_the_range() -> None:
    names = ("数字与智能化产业社区", "义乌数字与智能化产业社区")
    of_park = [row for row in rows_of("park_loi", "loi_no", UP) if row["park_name"] in names]
    gone = [row for row in of_park if (sheet_day(row["withdrawn_date"]) or AFTER_ALL.date()) <= AS_OF]
    assert gone
    assert min(number(row["area_m2"]) for row in gone) > Decimal("65.64")
    new = [row for row in of_park if (sheet_day(row["signed_date"]) or AS_OF) > AS_OF]
    assert [sheet_day(row["signed_date"]) for row in new] == [date(2024, 10, 9)]


def test_letters_after_the_bulletin() -> None:
    assert len(rows_of("park_loi", "loi_no", AFTER_ALL)) == 180
    before, after = letters(UP, "PK-12"), letters(ADVANCED, "PK-12")
    assert len(after) == len(before) + 1
    status = {row["loi_no"]: row for row in rows_of("park_loi", "loi_no", ADVANCED)}
    october = [row for row in before if status[row["loi_no"]]["withdrawn_date"]]
    assert {sheet_day(status[row["loi_no"]]["withdrawn_date"]) for row in october} == {
        date(2024, 10, 9),
        date(2024, 10, 21),
    }
    # Seen in the list of Thursday 10-10 as it stood at 18:00.
    thursday = datetime(2024, 10, 10, 18)
    assert rows_of("park_loi", "loi_no", thursday) == rows_of("park_loi", "loi_no", UP)
