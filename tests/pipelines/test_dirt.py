"""Every kind of dirt the demo plants is found after the first night, and the page says so."""

from __future__ import annotations

import pytest

from tests.pipelines.conftest import First
from tests.pipelines.dirt import COMMAND, PAGE, Count, counts, rendered
from tests.pipelines.homes import Place

pytestmark = [pytest.mark.integration, pytest.mark.slow]

ON_DEMAND = {"D20", "D30"}
"""Planted by a fault somebody asks for, and by files in a test of their own."""


@pytest.fixture(scope="module")
def found(first: First) -> list[Count]:
    return counts(Place(first.product))


def test_every_kind_is_planted_and_found(found: list[Count]) -> None:
    assert [c.kind for c in found] == [f"D{n:02d}" for n in range(1, 31)]
    assert {c.kind for c in found if not c.found} == ON_DEMAND


def test_what_is_rejected_was_found(found: list[Count]) -> None:
    assert [c.kind for c in found if c.quarantined > c.found] == []
    assert {c.kind for c in found if c.quarantined} == {
        "D05", "D06", "D08", "D12", "D13", "D17", "D22", "D24", "D27",
    }  # fmt: skip


def test_the_page_says_what_was_counted(found: list[Count]) -> None:
    assert PAGE.read_text(encoding="utf-8") == rendered(found), f"stale: run `{COMMAND}`"
