"""The walk-through of the documentation, from the first signature to version 2: what it shows is so."""

from __future__ import annotations

import pytest

from tests.pipelines.homes import Place
from tests.pipelines.walkthrough import PAGE, Step, rendered, steps, walked

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.extended]


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Step, str]]:
    """Every step with what it printed."""
    return list(walked(Place(tmp_path_factory.mktemp("walk") / "home")))


def printed(walk: list[tuple[Step, str]], command: str) -> str:
    """What the first step printed whose command begins so."""
    return next(text for step, text in walk if step.command.startswith(command))


def test_a_refusal_lists_every_reason(walk: list[tuple[Step, str]]) -> None:
    assert "cannot be closed" in printed(walk, "close 2024Q3")


def test_nothing_is_left_unexplained(walk: list[tuple[Step, str]]) -> None:
    assert "unexplained" not in printed(walk, "bridge 2024Q3")


def test_what_came_late_is_told_by_its_rows(walk: list[tuple[Step, str]]) -> None:
    """The voucher posted on 14 October, the voucher and the red letter of the book that was reopened; of the red
    letter in period 11 nothing."""
    told = printed(walk, "bridge 2024Q3 concrete_revenue")
    for said in ("late_status", "posted_flag: N → Y", "late_entry", "reversal", "rows behind the causes"):
        assert said in told
    assert "4 of 4 rows" in told


def test_a_letter_withdrawn_in_october_moves_nothing(walk: list[tuple[Step, str]]) -> None:
    told = printed(walk, "bridge 2024Q3 loi_count")
    assert "late_entry" in told
    assert "deletion │" not in told
    assert "YX-2024-059" not in told


def test_a_row_that_waited_in_quarantine_and_was_admitted_is_a_cause(walk: list[tuple[Step, str]]) -> None:
    told = printed(walk, "bridge 2024Q3 concrete_volume")
    assert "admission" in told
    assert "JK1-20240814-0041" in told


def test_a_project_under_another_company_moves_the_two_companies(walk: list[tuple[Step, str]]) -> None:
    assert "mapping" in printed(walk, "bridge 2024Q3 effective_investment --scope org=")
    assert "mapping" not in printed(walk, "bridge 2024Q3")


def test_a_company_that_changed_its_name_is_the_same(walk: list[tuple[Step, str]]) -> None:
    told = printed(walk, "bridge 2024Q3 tenant_companies")
    assert "330家" in told
    assert "联图" not in told


def test_both_versions_come_out_again_from_raw(walk: list[tuple[Step, str]]) -> None:
    told = printed(walk, "publication verify")
    assert [f"2024Q3 v{n} ✓" in told for n in (1, 2)] == [True, True]


def test_the_page_has_these_steps(walk: list[tuple[Step, str]]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert rendered(iter(walk)).count("```console") == page.count("```console") == len(steps())
