"""Every figure is explained by ledger rows that prove it; a figure that was tampered with is not."""

from __future__ import annotations

import csv
import shutil
from decimal import Decimal
from pathlib import Path

import duckdb
import openpyxl
import pyarrow.parquet as pq
import pytest

from assets.mart.explain import Scope, explain
from data_contracts.contract_file import load_contracts
from data_contracts.metric import Metric, load_metrics
from data_contracts.metric_text import display
from data_contracts.reported_sql import reported_metric_sql
from resources.engine import DuckDBSession, read_only
from tests.pipelines.conftest import First
from tests.pipelines.homes import Place

pytestmark = [pytest.mark.integration, pytest.mark.slow]

METRICS, CONTRACTS = load_metrics(), load_contracts()


@pytest.mark.parametrize("metric", METRICS.values(), ids=list(METRICS))
def test_every_figure_of_the_quarter_is_proved_by_its_rows(first: First, metric: Metric) -> None:
    engine = read_only(first.night.file)
    with engine.connect() as connection:
        session = DuckDBSession(connection)
        told = session.rows(
            "SELECT period, grain, min(scope_code), max(scope_code) FROM mart.quarterly_metric "
            "WHERE metric_id = :m AND quarter = '2024Q3' GROUP BY period, grain ORDER BY period, grain",
            m=metric.id,
        )
        assert told
        for period, grain, *codes in told:
            for code in dict.fromkeys(codes):
                scope = Scope("2024Q3", period, grain, code)
                proof = explain(session, metric, scope, METRICS, CONTRACTS).proof
                assert proof.holds, f"{scope}: {proof}"
    engine.dispose()


def test_the_rows_say_where_they_stand_at_the_source(first: First, tmp_path: Path) -> None:
    target = tmp_path / "letters.csv"
    said = first.published.jibao("explain", "loi_area_choujiang", "2024Q3", "--export", target)
    assert said.code == 0, said.err
    assert "equal to the figure" in " ".join(said.out.split())
    with target.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(Decimal(r["amount"]) for r in rows) == Decimal("15042.60")
    for row in rows:
        assert row["source_table"] == "park_loi"
        assert row["source_ref"].startswith("招商台账/招商台账_20241010.xlsx!意向书!")
        assert row["batch_id"]


def test_a_whole_figure_is_exported_in_every_format(first: First, tmp_path: Path) -> None:
    for name in ("x.xlsx", "x.parquet"):
        said = first.published.jibao(
            "explain", "hazards_rectified", "2024Q3", "--rows", 1, "--export", tmp_path / name
        )
        assert said.code == 0, said.err
    assert pq.read_table(tmp_path / "x.parquet").num_rows == 1485
    sheet = openpyxl.load_workbook(tmp_path / "x.xlsx", read_only=True).active
    assert sheet is not None
    assert sum(1 for _ in sheet.iter_rows()) == 1486


def test_a_ratio_is_explained_by_its_inputs(first: First) -> None:
    said = first.published.jibao("explain", "one_plan_per_project", "2024Q3", "--rows", 1)
    assert said.code == 0
    assert (
        "one_plan_per_project 一项目一方案覆盖率 = projects_with_plan / projects_under_construction"
        in said.out
    )


@pytest.mark.parametrize(
    ("arguments", "cure"),
    [
        (("tenant_company", "2024Q3"), "is it tenant_companies?"),
        (("tenant_companies", "2024Q9"), "2024Q9"),
        (("tenant_companies", "2024Q3", "--period", "ytd"), "has no period 'ytd': as_of"),
        (("tenant_companies", "2024Q3", "--scope", "park"), "write group"),
        (("tenant_companies", "2024Q3", "--scope", "park=XX"), "its grains group, org, park"),
        (("tenant_companies", "2024Q3", "--export", "x.docx"), "use .csv, .xlsx, .parquet"),
        (("tenant_companies", "2024Q3", "--export", "nowhere/x.csv"), "there is no folder nowhere"),
    ],
)
def test_a_wrong_question_says_what_to_ask(first: First, arguments: tuple[str, ...], cure: str) -> None:
    said = first.published.jibao("explain", *arguments)
    assert said.code in (1, 2)
    assert cure in " ".join(said.err.replace("│", " ").split())


def test_a_figure_that_was_tampered_with_is_not_proved(first: First, tmp_path: Path) -> None:
    place = Place(tmp_path)
    (tmp_path / "published").mkdir()
    file = tmp_path / "published" / first.night.file.name
    shutil.copyfile(first.night.file, file)
    (tmp_path / "published" / "current.duckdb").symlink_to(file.name)
    with duckdb.connect(str(file)) as warehouse:
        warehouse.execute(
            "UPDATE mart.quarterly_metric SET value = value + 1 WHERE metric_id = 'hazards_rectified'"
        )
    said = place.jibao("explain", "hazards_rectified", "2024Q3", "--rows", 1)
    assert said.code == 1
    assert "NOT the figure" in " ".join(said.out.split())


@pytest.mark.parametrize("column", ["value", "reported_value"])
def test_a_reported_figure_that_was_tampered_with_is_not_proved(
    first: First, tmp_path: Path, column: str
) -> None:
    file = tmp_path / "spoiled.duckdb"
    shutil.copyfile(first.night.file, file)
    with duckdb.connect(str(file)) as warehouse:
        warehouse.execute(
            f"UPDATE mart.reported_metric SET {column} = {column} + 1 "
            "WHERE metric_id IN ('hazards_rectified', 'concrete_revenue')"
        )
    engine = read_only(file)
    with engine.connect() as connection:
        session = DuckDBSession(connection)
        for metric, quarter in (("hazards_rectified", "2024Q3"), ("concrete_revenue", "2023Q4")):
            found = explain(session, METRICS[metric], Scope(quarter, "ytd"), METRICS, CONTRACTS)
            assert found.proof.holds
            assert not found.holds
    engine.dispose()


def test_an_adjustment_stands_beside_the_rows(first: First) -> None:
    for metric in ("concrete_revenue", "concrete_revenue_consolidated"):
        said = first.published.jibao("explain", metric, "2023Q4", "--rows", 1)
        assert said.code == 0, said.err
        for told in ("TZ-2024-001", "prior_period_error", "-286,400 adjusted ✓"):
            assert told in said.out, metric


def test_a_scope_with_an_adjustment_alone_is_a_figure_of_no_rows(first: First, tmp_path: Path) -> None:
    file = tmp_path / "adjusted.duckdb"
    shutil.copyfile(first.night.file, file)
    with duckdb.connect(str(file)) as warehouse:
        for table in ("adjustment_line", "adjustment"):
            code = "org_code" if table == "adjustment_line" else "scope_code"
            warehouse.execute(
                f"UPDATE mart.{table} SET {code} = 'YWCT-99' "
                f"WHERE {code} = 'YWCT-03' AND metric_id = 'concrete_revenue'"
            )
        warehouse.execute(f"CREATE OR REPLACE TABLE mart.reported_metric AS {reported_metric_sql(METRICS)}")
    engine = read_only(file)
    with engine.connect() as connection:
        place = Scope("2023Q4", "ytd", "org", "YWCT-99")
        found = explain(DuckDBSession(connection), METRICS["concrete_revenue"], place, METRICS, CONTRACTS)
    engine.dispose()
    assert (found.holds, found.proof.rows, found.reported) == (True, 0, Decimal(-286400))


def test_last_years_comparable_figure_is_explained_in_this_years_scope(first: First) -> None:
    shown = {
        metric: first.published.value(
            "SELECT comparable_value FROM mart.comparable_metric WHERE quarter = '2024Q3' AND grain = 'group' "
            "AND metric_id = :m AND period IN ('as_of', 'ytd')", m=metric,
        )
        for metric in ("projects_under_construction", "one_plan_per_project", "effective_investment")
    }  # fmt: skip
    for metric, value in shown.items():
        said = first.published.jibao("explain", metric, "2024Q3", "--basis", "comparable", "--rows", 1)
        assert said.code == 0, said.err
        assert display(METRICS[metric], value) in said.out
    assert (
        "2023Q3 as_of in the scope of 2024Q3: 24个"
        in first.published.jibao(
            "explain", "projects_under_construction", "2024Q3", "--basis", "comparable", "--rows", 1
        ).out
    )
    for metric, quarter, cure in (
        ("projects_under_construction", "2023Q3", "no quarter before 2023Q1"),
        ("digital_economy_platform_basement", "2024Q3", "is no number"),
    ):
        refused = first.published.jibao("explain", metric, quarter, "--basis", "comparable")
        assert refused.code == 1
        assert cure in refused.err
