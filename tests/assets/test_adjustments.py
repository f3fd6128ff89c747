"""Manual adjustments come out as their golden cases say, and never in the computed value.

Belongs here: running ``tests/golden/adjustments/*.yaml``: rows of the register and computed figures in, adjustments
added up and figures as reported out. ``figures`` and ``reported`` leave the group's scope and 2024Q3 unsaid.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from assets.mart.adjustments import why_uncounted
from assets.sql_files import sql_files
from data_contracts.metric import load_metrics
from data_contracts.outputs import load_outputs
from data_contracts.reported_sql import REPORTED_COLUMNS, counted_adjustment_sql, reported_metric_sql
from tests.assets.core_warehouse import build_warehouse
from tests.data_contracts.metric_ground import chosen

GOLDEN = sorted((Path(__file__).parents[1] / "golden" / "adjustments").glob("*.yaml"))
Built = tuple[dict[str, Any], duckdb.DuckDBPyConnection]


@pytest.fixture(scope="module", params=GOLDEN, ids=lambda path: path.stem)
def built(request: pytest.FixtureRequest) -> Iterator[Built]:
    case = yaml.safe_load(request.param.read_text(encoding="utf-8"))
    connection = build_warehouse(case["given"], case["cut_off"])
    connection.execute("CREATE SCHEMA mart")
    for name in ("adjustment_line", "adjustment"):
        connection.execute(f"CREATE TABLE mart.{name} AS {sql_files('mart')[name].sql}")
    columns = load_outputs()["mart.quarterly_metric"].columns
    listed = ", ".join(f'"{c.name}" {c.type}' for c in columns)
    connection.execute(f"CREATE TABLE mart.quarterly_metric ({listed})")
    for told in case["figures"]:
        connection.execute(
            "INSERT INTO mart.quarterly_metric (metric_id, quarter, period, grain, scope_code, value, row_count, "
            "fingerprint) VALUES (?, ?, ?, ?, ?, ?, 1, 1)",
            [*_key(told), Decimal(str(told["value"]))],
        )
    made = reported_metric_sql(chosen(case["metrics"]))
    connection.execute(f"CREATE TABLE mart.reported_metric AS {made}")
    yield case, connection
    connection.close()


def _key(told: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
    quarter, grain = told.get("quarter", "2024Q3"), told.get("grain", "group")
    return told["metric"], quarter, told["period"], grain, told.get("scope", "")


def test_adjustments_are_added_up_as_written(built: Built) -> None:
    case, connection = built
    if "adjustment" in case:
        columns = list(case["adjustment"]["rows"][0])
        found = connection.execute(
            f"SELECT {', '.join(columns)} FROM mart.adjustment WHERE {case['adjustment']['where']}"
        ).fetchall()
        assert sorted(found) == sorted(tuple(row.values()) for row in case["adjustment"]["rows"]), case[
            "rule"
        ]


def test_figures_as_reported_come_out_as_written(built: Built) -> None:
    case, connection = built
    rows = connection.execute(
        "SELECT metric_id, quarter, period, grain, scope_code, value, adjustment, reported_value, row_count "
        "FROM mart.reported_metric"
    ).fetchall()
    found = {row[:5]: row[5:] for row in rows}
    assert len(found) == len(rows)
    for told in case["reported"]:
        if told.get("absent"):
            assert _key(told) not in found
            continue
        amounts = tuple(
            None if told[n] is None else Decimal(str(told[n])) for n in ("value", "adjustment", "reported")
        )
        assert found[_key(told)] == (*amounts, told.get("row_count", 1)), f"{_key(told)}: {case['rule']}"


def test_the_computed_value_is_what_the_ledgers_make(built: Built) -> None:
    case, connection = built
    computed = {_key(told): Decimal(str(told["value"])) for told in case["figures"]}
    rows = connection.execute(
        "SELECT metric_id, quarter, period, grain, scope_code, value FROM mart.reported_metric WHERE row_count > 0"
    ).fetchall()
    assert {row[:5]: row[5] for row in rows} == computed


def test_the_adjustments_that_count_are_named_by_quarter(built: Built) -> None:
    case, connection = built
    lines = counted_adjustment_sql(chosen(case["metrics"]))
    rows = connection.execute(
        f"SELECT quarter, adjustment_no FROM ({lines}) WHERE quarter < '2024Q4'"
    ).fetchall()
    found: dict[str, list[str]] = {}
    for quarter, number in sorted(rows):
        found.setdefault(quarter, []).append(number)
    expected = {str(quarter): numbers for quarter, numbers in case["counted"].items()}
    assert {q: n for q, n in found.items() if q in expected} == expected
    assert set(found) >= set(expected)


def test_an_adjustment_that_counts_nowhere_is_told_why(built: Built) -> None:
    case, connection = built
    lines = counted_adjustment_sql(chosen(case["metrics"]))
    idle = {
        number: why_uncounted(load_metrics().get(metric), metric, quarter)
        for number, metric, quarter in connection.execute(
            "SELECT adjustment_no, metric_id, quarter FROM known.fin_adjustment "
            f"WHERE void_flag IS DISTINCT FROM 'Y' AND adjustment_no NOT IN (SELECT adjustment_no FROM ({lines}))"
        ).fetchall()
    }
    assert idle.keys() == case.get("uncounted", {}).keys()
    for number, why in case.get("uncounted", {}).items():
        assert why in idle[number]


def test_every_metric_has_the_promised_columns() -> None:
    promised = [c.name for c in load_outputs()["mart.reported_metric"].columns]
    assert list(REPORTED_COLUMNS) == promised
