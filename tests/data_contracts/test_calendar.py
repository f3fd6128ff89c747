"""Quarters, date words and cut-offs.

Belongs here: what a period or a printed date word means in days. Keep out: which figure uses it.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_contracts.calendar import Quarter, cut_off, cut_off_date, date_range, dekad

QUARTERS = st.builds(Quarter, st.integers(1990, 2100), st.integers(1, 4))


def test_a_quarter_knows_its_days() -> None:
    quarter = Quarter.parse("2024Q3")
    assert (quarter.start, quarter.as_of, quarter.year_start) == (
        date(2024, 7, 1),
        date(2024, 9, 30),
        date(2024, 1, 1),
    )
    assert (str(quarter.next), str(quarter.previous)) == ("2024Q4", "2024Q2")
    assert (str(Quarter(2024, 4).next), str(Quarter(2024, 1).previous)) == ("2025Q1", "2023Q4")
    assert [str(q) for q in quarter.year_to_date()] == ["2024Q1", "2024Q2", "2024Q3"]


def test_people_write_2024q3_and_partitions_its_first_day() -> None:
    assert Quarter.parse("2024-07-01") == Quarter.parse("2024q3") == Quarter(2024, 3)
    assert Quarter(2024, 3).partition_key == "2024-07-01"


@pytest.mark.parametrize("text", ["2024Q5", "2024-08-01", "2024-07-02", "24Q3", "", "2024 Q3"])
def test_anything_else_is_no_quarter(text: str) -> None:
    with pytest.raises(ValueError, match="write 2024Q3"):
        Quarter.parse(text)


@given(QUARTERS)
def test_quarters_follow_each_other_without_a_gap(quarter: Quarter) -> None:
    assert quarter.next.start == quarter.as_of + timedelta(days=1)
    assert quarter.next.previous == quarter
    assert quarter < quarter.next
    assert Quarter.parse(str(quarter)) == Quarter.parse(quarter.partition_key) == quarter
    assert Quarter.holding(quarter.start) == Quarter.holding(quarter.as_of) == quarter


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2024-09-10", date(2024, 9, 10), date(2024, 9, 10)),
        ("2024-08 中旬", date(2024, 8, 11), date(2024, 8, 20)),
        ("2024-09 初", date(2024, 9, 1), date(2024, 9, 10)),
        ("2024-10 中下旬", date(2024, 10, 11), date(2024, 10, 31)),
        ("2024-11 底", date(2024, 11, 21), date(2024, 11, 30)),
        ("2024-11", date(2024, 11, 1), date(2024, 11, 30)),
        ("2024 年底", date(2024, 12, 1), date(2024, 12, 31)),
        ("before 2024-10-01", None, date(2024, 9, 30)),
    ],
)
def test_a_printed_date_word_is_a_range(text: str, first: date | None, last: date) -> None:
    assert date_range(text) == (first, last)


@pytest.mark.parametrize(
    "text", ["2024-13", "2024", "2024-09-10 初", "before 2024-10", "10月初", "2024-02-30"]
)
def test_a_vague_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        date_range(text)


@given(st.integers(1990, 2100), st.integers(1, 12))
def test_the_three_dekads_make_the_month(year: int, month: int) -> None:
    parts = [dekad(year, month, word) for word in ("上旬", "中旬", "下旬")]
    assert parts[0][1] + timedelta(days=1) == parts[1][0]
    assert parts[1][1] + timedelta(days=1) == parts[2][0]
    assert (parts[0][0], parts[2][1]) == dekad(year, month)


def test_a_cut_off_day_ends_at_midnight_in_shanghai() -> None:
    end = cut_off(date(2024, 10, 10))
    assert end == datetime(2024, 10, 10, 16, tzinfo=UTC)
    assert cut_off_date(end) == date(2024, 10, 10)
    assert cut_off_date(end + timedelta(microseconds=1)) == date(2024, 10, 11)
    assert cut_off_date(datetime(2024, 10, 9, 16, 0, 1, tzinfo=UTC)) == date(2024, 10, 10)


def test_a_time_without_a_zone_names_no_day() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        cut_off_date(datetime(2024, 10, 10, 12))
