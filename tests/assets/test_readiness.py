"""Which cut-offs a quarter may be closed at."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from assets.report.readiness import bad_cut_off
from data_contracts.calendar import Quarter
from resources.settings import parse_instant

FIRST = datetime(2024, 9, 20, 18, tzinfo=UTC)
LAST = datetime(2024, 10, 10, 15, 59, 59, tzinfo=UTC)
"""Known at the end of 10 October in Shanghai, as `jibao nightly --now 2024-10-10` is."""


@pytest.mark.parametrize("day", ["2024-09-30", "2024-10-09", "2024-10-10", "2024-10-10T20:00:00+08:00"])
def test_a_day_up_to_the_last_run_from_the_end_of_the_quarter_on(day: str) -> None:
    assert bad_cut_off(Quarter(2024, 3), parse_instant(day), FIRST, LAST) is None


@pytest.mark.parametrize(
    ("day", "why"),
    [
        ("2024-10-11", "after the last complete run"),
        ("2024-09-29", "before the end of 2024Q3"),
        ("2024-09-20", "before the first complete run, 2024-09-20T18:00:00+00:00: nothing was known yet"),
    ],
)
def test_another_day_is_refused(day: str, why: str) -> None:
    assert why in (bad_cut_off(Quarter(2024, 3), parse_instant(day), FIRST, LAST) or "")
