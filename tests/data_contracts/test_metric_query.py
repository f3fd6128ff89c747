"""The metric query itself: one read-only SELECT, parts that add up, rows that prove a figure.

Belongs here: properties that hold for any rows. Keep out: figures of given rows (``test_metric_golden``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
import sqlglot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from assets.sql_lint import lint_sql
from data_contracts.calendar import Quarter
from data_contracts.metric import Metric, load_metrics, refusal
from data_contracts.metric_sql import (
    COLUMNS,
    contributing_rows_sql,
    fact_sql,
    fingerprint,
    quarterly_metric_sql,
)
from data_contracts.outputs import load_outputs
from tests.data_contracts.metric_ground import Ground, chosen

FLOWS = ("effective_investment", "park_safety_people_covered", "concrete_revenue", "hazards_rectified")
CUT_OFF = date(2024, 10, 10)

ORGS = st.sampled_from(["YWCT-01", "YWCT-02", None])
DAYS = st.dates(date(2023, 6, 1), CUT_OFF)
MONEY = st.decimals(-10_000_000, 10_000_000, places=2)

INVESTMENTS = st.fixed_dictionaries(
    {
        "project_code": st.sampled_from(["P1", "P2", "P3", None]),
        "org_code": ORGS,
        "month_end": DAYS,
        "component": st.sampled_from(["construction", "land", "nil"]),
        "amount_cny": MONEY,
    }
)
ACTIVITIES = st.fixed_dictionaries(
    {
        "activity_type": st.sampled_from(["safety_training", "emergency_drill", "enterprise_event"]),
        "park_code": st.sampled_from(["PK-01", "PK-02", None]),
        "org_code": ORGS,
        "activity_date": DAYS,
        "is_managed": st.booleans(),
        "person_visits": st.one_of(st.none(), st.integers(0, 500)),
    }
)
LINES = st.fixed_dictionaries(
    {
        "org_code": ORGS,
        "fiscal_quarter": st.sampled_from(["2023Q4", "2024Q1", "2024Q2", "2024Q3", "2024Q4"]),
        "metric_tag": st.sampled_from(["concrete_revenue", "steel_revenue", None]),
        "voucher_kind": st.sampled_from(["normal", "accrual", "pl_transfer"]),
        "net_credit": st.decimals(-1_000_000, 1_000_000, places=4),
    }
)
HAZARDS = st.builds(
    lambda row, days: {**row, "verified_date": row["found_date"] + timedelta(days=days)},
    st.fixed_dictionaries(
        {
            "park_code": st.sampled_from(["PK-01", "PK-02"]),
            "org_code": ORGS,
            "found_date": DAYS,
            "status": st.sampled_from(["found", "closed"]),
            "is_managed": st.booleans(),
        }
    ),
    st.integers(0, 200),
)
STAYS = st.fixed_dictionaries(
    {
        "company_key": st.sampled_from(["A", "B", "C", "D"]),
        "park_code": st.sampled_from(["PK-01", "PK-02"]),
        "park_kind": st.sampled_from(["industrial", "public_park", None]),
        "in_park_date": st.one_of(st.none(), DAYS),
        "exit_date": st.one_of(st.none(), DAYS),
    }
)

few = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@cache
def _ground(*ids: str) -> Ground:
    ground = Ground(chosen(ids), CUT_OFF)
    statistics = {"in_statistics": "Y", "owner_org_code": "YWCT-01", "project_type": "housing"}
    if "effective_investment" in ids:
        ground.give(
            "core.dim_project_history", [{**statistics, "project_code": p} for p in ("P1", "P2", "P3")]
        )
    if {"hazards_rectified", "park_safety_people_covered"} & set(ids):
        taken_over = date(2024, 2, 1)
        ground.give(
            "core.dim_park_history",
            [
                {"park_code": "PK-01", "is_managed": True},
                {"park_code": "PK-02", "is_managed": False, "valid_to": taken_over},
                {"park_code": "PK-02", "is_managed": True, "valid_from": taken_over},
            ],
        )
    return ground


TABLES = st.fixed_dictionaries(
    {
        "core.fct_investment": st.lists(INVESTMENTS, max_size=12),
        "core.fct_activity": st.lists(ACTIVITIES, max_size=12),
        "core.fct_gl_line": st.lists(LINES, max_size=12),
        "core.fct_hazard": st.lists(HAZARDS, max_size=12),
    }
)


@few
@given(TABLES)
def test_parts_add_up_to_the_whole_and_quarters_to_the_year(tables: dict[str, list[dict[str, Any]]]) -> None:
    ground = _ground(*FLOWS)
    for name, rows in tables.items():
        ground.give(name, rows)
    figures = ground.figures()
    _assert_parts_make_the_whole(figures)
    _assert_quarters_make_the_year(figures)


def test_each_of_those_figures_counts_something() -> None:
    """A property over figures that are always 0 holds whatever the query does."""
    ground, day = _ground(*FLOWS), date(2024, 8, 1)
    one: dict[str, dict[str, Any]] = {
        "core.fct_investment": {"project_code": "P1", "component": "land", "amount_cny": 1, "month_end": day},
        "core.fct_activity": {
            "activity_type": "safety_training", "park_code": "PK-02", "activity_date": day, "is_managed": True,
            "person_visits": 1,
        },
        "core.fct_gl_line": {
            "fiscal_quarter": "2024Q3", "metric_tag": "concrete_revenue", "voucher_kind": "normal", "net_credit": 1,
        },
        "core.fct_hazard": {
            "park_code": "PK-02", "found_date": day, "verified_date": day, "status": "closed", "is_managed": True,
        },
    }  # fmt: skip
    for table, row in one.items():
        ground.give(table, [row])
    found = {
        f["metric_id"]: f["value"]
        for f in ground.figures()
        if (f["quarter"], f["grain"]) == ("2024Q3", "group")
    }
    assert found == dict.fromkeys(FLOWS, Decimal(1))


def _assert_parts_make_the_whole(figures: list[dict[str, Any]]) -> None:
    parts: dict[tuple[str, ...], list[Decimal]] = {}
    for f in figures:
        key = (f["metric_id"], f["quarter"], f["period"], f["grain"])
        sums = parts.setdefault(key, [Decimal(0)] * 3)
        for i, name in enumerate(("value", "row_count", "fingerprint")):
            sums[i] += f[name]
    for (metric, quarter, period, grain), total in parts.items():
        if grain != "group":
            assert refusal(load_metrics()[metric], grain) is None  # type: ignore[arg-type]
        assert total == parts[metric, quarter, period, "group"], f"{metric} {quarter} {period} by {grain}"


def _assert_quarters_make_the_year(figures: list[dict[str, Any]]) -> None:
    group = {(f["metric_id"], f["quarter"], f["period"]): f for f in figures if f["grain"] == "group"}
    for (metric, quarter, period), figure in group.items():
        if period == "ytd":
            quarters = [group[metric, str(q), "quarter"] for q in Quarter.parse(quarter).year_to_date()]
            assert figure["value"] == sum(f["value"] for f in quarters), f"{metric} {quarter}"
            assert figure["fingerprint"] == sum(f["fingerprint"] for f in quarters), f"{metric} {quarter}"


@few
@given(st.lists(STAYS, max_size=12))
def test_a_distinct_count_is_recomputed_at_every_grain(stays: list[dict[str, Any]]) -> None:
    ground = _ground("tenant_companies")
    ground.give("core.fct_tenant_stay", stays)
    counted: dict[tuple[str, str], set[str]] = defaultdict(set)
    for stay in stays:
        begun = stay["in_park_date"] is not None and stay["in_park_date"] <= date(2024, 9, 30)
        ended = stay["exit_date"] is not None and stay["exit_date"] <= date(2024, 9, 30)
        if begun and not ended and stay["park_kind"] != "public_park":
            counted["", "group"].add(stay["company_key"])
            counted[stay["park_code"], "park"].add(stay["company_key"])
    shown = {
        (f["scope_code"], f["grain"]): int(f["value"])
        for f in ground.figures()
        if f["metric_id"] == "tenant_companies"
        and f["quarter"] == "2024Q3"
        and f["grain"] in ("group", "park")
    }
    assert shown == {("", "group"): 0} | {k: len(v) for k, v in counted.items()}


@few
@given(st.lists(INVESTMENTS, max_size=12), st.lists(STAYS, max_size=12), st.lists(LINES, max_size=12))
def test_the_rows_behind_a_figure_prove_it(
    investments: list[dict[str, Any]], stays: list[dict[str, Any]], lines: list[dict[str, Any]]
) -> None:
    ground = _ground("effective_investment", "tenant_companies", "concrete_revenue")
    ground.give("core.fct_investment", investments)
    ground.give("core.fct_tenant_stay", stays)
    ground.give("core.fct_gl_line", lines)
    figures = {(f["metric_id"], f["quarter"], f["period"], f["grain"]): f for f in ground.figures()}
    for metric, period in (
        ("effective_investment", "ytd"),
        ("tenant_companies", "as_of"),
        ("concrete_revenue", "quarter"),
    ):
        rows_sql = contributing_rows_sql(load_metrics()[metric], "2024Q3", period)  # type: ignore[arg-type]
        proof = ground.connection.execute(f"SELECT count(*), {fingerprint()} FROM ({rows_sql})").fetchone()
        figure = figures[metric, "2024Q3", period, "group"]
        assert proof == (figure["row_count"], figure["fingerprint"])


@pytest.mark.parametrize(
    "metric", [m for m in load_metrics().values() if m.kind in ("event_date", "forecast")], ids=lambda m: m.id
)
def test_the_rows_behind_a_date_show_it_whatever_is_drilled(metric: Metric) -> None:
    ground = _ground(metric.id)
    rows_sql = contributing_rows_sql(metric.model_copy(update={"drill": ()}), "2024Q3", metric.periods[0])
    shown = {row[0] for row in ground.connection.execute(f"DESCRIBE {rows_sql}").fetchall()}
    assert set(metric.time.columns) <= shown


def test_a_changed_row_changes_the_fingerprint_and_its_order_does_not() -> None:
    ground = _ground("concrete_revenue")
    rows = [
        {
            "fiscal_quarter": "2024Q3",
            "metric_tag": "concrete_revenue",
            "voucher_kind": "normal",
            "net_credit": n,
        }
        for n in (1, 2)
    ]
    hashes = ["0" * 14 + "f" + "a" * 17, "0" * 14 + "1" + "b" * 17]

    def told(order: list[int], digests: list[str]) -> Mapping[str, Any]:
        ground.give("core.fct_gl_line", [{**rows[i], "_row_hash": digests[i]} for i in order])
        figure = ground.figure("concrete_revenue", "2024Q3", "ytd")
        assert figure is not None
        return figure

    first = told([0, 1], hashes)
    assert first["fingerprint"] == 15 + 1
    assert told([1, 0], hashes)["fingerprint"] == first["fingerprint"]
    assert told([0, 1], [hashes[0], "0" * 14 + "2" + "b" * 17])["fingerprint"] != first["fingerprint"]


@pytest.mark.parametrize("fact", sorted({m.fact for m in load_metrics().values() if m.fact}))
def test_all_metrics_on_a_fact_are_one_grouped_select(fact: str) -> None:
    metrics = load_metrics()
    group = [m for m in metrics.values() if m.fact == fact]
    sql = fact_sql(group, metrics)
    tree = sqlglot.parse_one(sql, dialect="duckdb")
    assert isinstance(tree, exp.Select)
    assert not list(tree.find_all(exp.DML, exp.DDL, exp.Command))
    assert sql.count(f"core.{fact}") == 1, "the fact is scanned once"
    read = {f"{t.db}.{t.name}" for t in tree.find_all(exp.Table) if t.db}
    assert read <= set(load_outputs()), (
        f"reads tables without an output contract: {read - set(load_outputs())}"
    )
    assert [str(v) for v in lint_sql(sql, fact)] == []


def test_the_query_gives_the_columns_that_the_output_contract_promises() -> None:
    promised = tuple(c.name for c in load_outputs()["mart.quarterly_metric"].columns)
    assert promised == COLUMNS
    ground = _ground("concrete_revenue")
    described = ground.connection.execute(f"DESCRIBE {quarterly_metric_sql(ground.metrics)}").fetchall()
    types = {c.name: c.type for c in load_outputs()["mart.quarterly_metric"].columns}
    assert {row[0]: row[1] for row in described} == types


def test_every_metric_has_a_figure_for_every_quarter_even_of_an_empty_warehouse() -> None:
    metrics = load_metrics()
    ground = Ground(metrics, CUT_OFF)
    figures = ground.figures()
    assert {f["grain"] for f in figures} == {"group"}
    quarters = {f["quarter"] for f in figures}
    assert len(quarters) == 8
    keys = [(f["metric_id"], f["quarter"], f["period"]) for f in figures]
    assert sorted(keys) == sorted((m.id, q, p) for m in metrics.values() for q in quarters for p in m.periods)
    for f in figures:
        kind = metrics[f["metric_id"]].kind
        assert f["value"] == (0 if kind in ("flow", "stock", "distinct", "sum") else None), f["metric_id"]
        assert (f["row_count"], f["fingerprint"]) == (0, 0)
