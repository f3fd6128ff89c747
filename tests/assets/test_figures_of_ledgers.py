"""Golden figures from ledger rows: ``known`` rows in, figures out, through core tables and metrics alike.

Belongs here: running ``tests/golden/figures/*.yaml``, for what neither the core cases nor the metric cases show
alone. A case reads like those of ``tests/golden/core``, with ``metrics`` and figures to ``expect``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from data_contracts.metric_sql import COLUMNS, contributing_rows_sql, quarterly_metric_sql
from data_contracts.outputs import load_outputs
from tests.assets.core_warehouse import build_warehouse
from tests.data_contracts.metric_ground import check_golden, chosen, golden_cases

GOLDEN = Path(__file__).parents[1] / "golden" / "figures"
SAYS = ("value", "value_date", "value_date_to", "value_text", "row_count", "flags")


@pytest.mark.parametrize("case", golden_cases(GOLDEN))
def test_ledger_rows_make_the_golden_figures(case: dict[str, Any]) -> None:
    given = {table: [_text(row) for row in rows] for table, rows in case["given"].items()}
    warehouse = build_warehouse(given, case["cut_off"])
    coverage = ", ".join(f'"{c.name}" {c.type}' for c in load_outputs()["mart.coverage"].columns)
    warehouse.execute(f"CREATE SCHEMA mart; CREATE TABLE mart.coverage ({coverage})")
    metrics = chosen(case["metrics"])
    found = warehouse.execute(quarterly_metric_sql(metrics)).fetchall()
    check_golden(case, [dict(zip(COLUMNS, row, strict=True)) for row in found], SAYS)
    for expected in case["expect"]:
        metric, quarter = metrics[expected["metric"]], expected.get("quarter", "2024Q3")
        if metric.fact and not expected.get("absent") and "row_count" in expected:
            scope = expected.get("grain", "group"), expected.get("scope", "")
            rows = warehouse.execute(contributing_rows_sql(metric, quarter, expected["period"], *scope))
            assert len(rows.fetchall()) == expected["row_count"], expected


def _text(row: dict[str, Any]) -> dict[str, str | bool | None]:
    return {name: value if value is None else str(value) for name, value in row.items()}
