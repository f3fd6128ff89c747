"""Scope read later: the golden cases of ``tests/golden/comparable`` and ``tests/golden/scope_change``."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from data_contracts.comparable import comparable_metric_sql, scope_change_sql, scoped
from data_contracts.metric import load_metrics
from data_contracts.metric_sql import quarterly_metric_sql
from data_contracts.outputs import load_outputs
from tests.data_contracts.metric_ground import Ground, check_golden, golden_cases

GOLDEN = Path(__file__).parents[1] / "golden" / "comparable"
MOVED = GOLDEN.with_name("scope_change")
SAYS = ("value", "last_year_value", "comparable_value", "change", "change_pct")


def compared(ground: Ground) -> list[dict[str, Any]]:
    """Rows of ``mart.comparable_metric``."""
    ground.connection.execute(f"CREATE TABLE mart.quarterly_metric AS {quarterly_metric_sql(ground.metrics)}")
    return ground.query(comparable_metric_sql(ground.metrics))


def moved(ground: Ground) -> list[dict[str, Any]]:
    """Rows of ``mart.scope_change``, which are all of the year to date."""
    ground.connection.execute(f"CREATE TABLE mart.quarterly_metric AS {quarterly_metric_sql(ground.metrics)}")
    return [{**row, "period": "ytd"} for row in ground.query(scope_change_sql(ground.metrics))]


@pytest.mark.parametrize("case", golden_cases(MOVED))
def test_earlier_quarters_count_by_the_scope_of_this_one(case: dict[str, Any]) -> None:
    check_golden(case, moved(Ground.of(case)), ("value", "own_scope_value", "change"))


@pytest.mark.parametrize("case", golden_cases(GOLDEN))
def test_last_year_is_counted_in_this_years_scope(case: dict[str, Any]) -> None:
    check_golden(case, compared(Ground.of(case)), SAYS)


def test_every_quarter_of_this_year_stands_beside_last_years() -> None:
    metrics = load_metrics()
    ground = Ground(metrics, date(2024, 10, 10))
    rows = compared(ground)
    assert list(rows[0]) == [c.name for c in load_outputs()["mart.comparable_metric"].columns]
    assert {row["quarter"] for row in rows} == {"2024Q1", "2024Q2", "2024Q3", "2024Q4"}


def test_a_scope_change_is_told_in_the_columns_promised() -> None:
    ground = Ground(load_metrics(), date(2024, 10, 10))
    moved(ground)
    described = ground.connection.execute(f"DESCRIBE {scope_change_sql(ground.metrics)}").fetchall()
    assert [name for name, *_ in described] == [c.name for c in load_outputs()["mart.scope_change"].columns]


def test_only_metrics_that_read_dimensions_are_counted_anew() -> None:
    metrics = load_metrics()
    found = set(scoped(metrics))
    assert {"hazards_rectified", "effective_investment", "effective_investment_completion"} <= found
    assert not found & {"fire_drills", "concrete_volume", "tenant_companies"}
