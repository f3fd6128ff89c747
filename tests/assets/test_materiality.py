"""What moved since it was published, and whether it matters: the golden cases of ``tests/golden/materiality``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from assets.report.materiality import judge, restatements
from assets.report.tables import write_moved
from data_contracts.materiality import Materiality, Threshold, load_materiality
from data_contracts.metric import load_metrics
from data_contracts.model import ContractError
from data_contracts.outputs import load_outputs
from resources.engine import DuckDBSession, insert_rows
from tests.data_contracts.metric_ground import golden_cases

GOLDEN = Path(__file__).parents[1] / "golden" / "materiality"
TABLES = (
    "report.publication", "report.figure", "report.moved_figure", "report.unadjusted_difference",
    "mart.reported_metric",
)  # fmt: skip


def _put(session: DuckDBSession, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
    columns = [c.name for c in load_outputs()[table].columns]
    insert_rows(session, table, ([row.get(c) for c in columns] for row in rows))


def _figure(said: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "quarter": said.get("quarter", "2024Q3"), "metric_id": said["metric"], "period": said["period"],
        "grain": "org" if "org" in said else "group", "scope_code": said.get("org", ""), "version": 2,
        "reported_value": said.get("value"), "value_date": said.get("day"), "value_text": said.get("text"),
    }  # fmt: skip


@pytest.mark.parametrize("case", golden_cases(GOLDEN))
def test_moves_are_judged_by_the_thresholds(case: dict[str, Any]) -> None:
    engine = sa.create_engine("duckdb://")
    with engine.begin() as connection:
        session = DuckDBSession(connection)
        session.run("CREATE SCHEMA report; CREATE SCHEMA mart")
        for name in TABLES:
            columns = ", ".join(f"{c.name} {c.type}" for c in load_outputs()[name].columns)
            session.run(f"CREATE TABLE {name} ({columns})")
        published = [_figure(f) for f in case["published"]]
        # The version before said something else: it must not be what moves are measured by.
        _put(
            session,
            "report.figure",
            [*published, *({**f, "version": 1, "reported_value": 7} for f in published)],
        )
        quarters = {f["quarter"] for f in published}
        _put(session, "report.publication", [{"quarter": q, "version": v} for q in quarters for v in (1, 2)])
        _put(session, "mart.reported_metric", map(_figure, case["now"]))
        write_moved(session)
        judge(session, load_metrics(), Materiality.model_validate(case["thresholds"]))
        _same(session, "report.moved_figure", case.get("moved"))
        _same(session, "report.unadjusted_difference", case["unadjusted"])
        for line, said in zip(restatements(session), case.get("restate", ()), strict="restate" in case):
            assert line.startswith(said)


def _same(session: DuckDBSession, table: str, expected: list[dict[str, Any]] | None) -> None:
    """Every row of the table is one expected, in the columns that are named."""
    if expected is None:
        return
    columns = [c.name for c in load_outputs()[table].columns]
    rows = [dict(zip(columns, row, strict=True)) for row in session.rows(f"SELECT * FROM {table}")]
    named = [{"metric_id": e["metric"], "scope_code": e.get("org", ""), **e} for e in expected]

    def key(row: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(str(row.get(c, "")) for c in ("year", "metric_id", "period", "scope_code"))

    found = {key(row): row for row in rows}
    assert set(found) == {key(e) for e in named}
    for wanted in named:
        row = found[key(wanted)]
        for name in wanted.keys() & row.keys():
            value = wanted[name]
            number = isinstance(value, float | int) and not isinstance(value, bool)
            assert row[name] == (Decimal(str(value)) if number else value), f"{key(wanted)} {name}"


def test_every_metric_has_a_threshold_and_its_own_goes_before_its_units() -> None:
    rules, metrics = load_materiality(), load_metrics()
    assert all(rules.of(m) for m in metrics.values())
    assert rules.of(metrics["concrete_revenue"]) == rules.group["CNY"]
    assert rules.of(metrics["fire_drills"]) == rules.group["other"]
    own = Materiality(group=rules.group, metrics={"concrete_revenue": Threshold(absolute=Decimal(1))})
    assert own.of(metrics["concrete_revenue"]).absolute == 1


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"group": {"CNY": {"absolute": 1}}}, "group: 'other' is missing"),
        ({"group": {"other": {}}}, "neither absolute nor relative_pct is given"),
        ({"group": {"other": {"relative_pct": 0}}}, "greater than 0"),
        ({"group": {"other": {"relative_pct": 1}, "CYN": {"absolute": 1}}}, "group: 'CYN' is of no metric"),
        (
            {"group": {"other": {"relative_pct": 1}}, "metrics": {"drills": {"absolute": 1}}},
            "'drills' is of no",
        ),
    ],
)
def test_a_file_that_cannot_be_used_says_where(tmp_path: Path, document: object, message: str) -> None:
    path = tmp_path / "materiality.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    with pytest.raises(ContractError, match=message):
        load_materiality(path)
