"""Ground for metric tests: the tables a metric reads, in memory, with the types their contracts promise.

Belongs here: building those tables from a handful of given columns. Keep out: expectations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from hashlib import md5
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from data_contracts.calendar import cut_off
from data_contracts.metric import Metric, load_metrics
from data_contracts.metric_parts import Part
from data_contracts.metric_sql import COLUMNS, quarterly_metric_sql
from data_contracts.metric_terms import NAMED
from data_contracts.outputs import load_outputs

Rows = Sequence[Mapping[str, Any]]
SQL = Path(__file__).parents[2] / "assets" / "core" / "dim_quarter.sql"


def chosen(ids: Iterable[str]) -> dict[str, Metric]:
    """The metrics of those ids, and the inputs of ratios and sums among them."""
    every, found = load_metrics(), {}
    for name in ids:
        found.update({n: every[n] for n in every[name].inputs})
        found[name] = every[name]
    return found


def golden_cases(folder: Path) -> list[Any]:
    """Cases of all files of a folder as parameters of a test, each with its file and name as id."""
    found = []
    for path in sorted(folder.glob("*.yaml")):
        for case in yaml.safe_load(path.read_text(encoding="utf-8"))["cases"]:
            found.append(pytest.param(case, id=f"{path.stem}: {case['case']}"))
    return found


def check_golden(case: Mapping[str, Any], rows: Rows, says: Iterable[str]) -> None:
    """Compare ``rows`` with what a case expects of them: by key, the columns of ``says`` that it names."""
    figures = {tuple(row[n] for n in _KEY): row for row in rows}
    for expected in case["expect"]:
        key = tuple(str(expected.get(n, d)) for n, d in zip(_KEY_WORDS, _DEFAULTS, strict=True))
        found = figures.get(key)
        if expected.get("absent"):
            assert found is None, f"{key} should not exist: {found}"
            continue
        assert found is not None, f"{key} is missing"
        for name in (n for n in says if n in expected):
            wanted = expected[name]
            if isinstance(found[name], Decimal) and wanted is not None:
                wanted = Decimal(str(wanted))
            assert found[name] == wanted, f"{key}: {name}"


_KEY = ("metric_id", "quarter", "period", "grain", "scope_code")
_KEY_WORDS = ("metric", "quarter", "period", "grain", "scope")
_DEFAULTS = ("", "2024Q3", "", "group", "")


class Ground:
    """An in-memory warehouse that holds what the given metrics read, and nothing else."""

    def __init__(self, metrics: Mapping[str, Metric], known_until: date) -> None:
        self.metrics = metrics
        self.connection = duckdb.connect()
        self.connection.execute("CREATE SCHEMA core; CREATE SCHEMA mart")
        known_at = cut_off(known_until).replace(tzinfo=None)
        self.connection.execute(
            "CREATE VIEW core.cut_off AS SELECT "
            f"TIMESTAMP '{known_at.isoformat(sep=' ')}' AS known_at, DATE '{known_until}' AS cut_off_date"
        )
        self.connection.execute(f"CREATE TABLE core.dim_quarter AS {SQL.read_text(encoding='utf-8')}")
        for table in self._tables():
            columns = ", ".join(f'"{c.name}" {c.type}' for c in load_outputs()[table].columns)
            self.connection.execute(f"CREATE TABLE {table} ({columns})")

    @classmethod
    def of(cls, case: Mapping[str, Any]) -> Ground:
        """The ground of a golden case: its metrics and cut-off, and the rows it gives."""
        ground = cls(chosen(case["metrics"]), case["cut_off"])
        for table, given in case["given"].items():
            ground.give(table, [{**given.get("same", {}), **row} for row in given["rows"]])
        return ground

    def _tables(self) -> list[str]:
        facts = [f"core.{m.fact}" for m in self.metrics.values() if m.fact]
        parts = [Part.of(0, m) for m in self.metrics.values() if m.fact]
        dimensions = [f"core.{d}_history" for p in parts for t in p.dynamic for d in t.dimensions]
        names = [table for table, _ in NAMED.values()]
        return list(dict.fromkeys([*facts, *dimensions, *names, "mart.coverage"]))

    def give(self, table: str, rows: Rows) -> None:
        """Replace the rows of a table; columns not given are NULL, technical ones are filled in."""
        self.connection.execute(f"DELETE FROM {table}")
        columns = [c.name for c in load_outputs()[table].columns]
        values: list[Any] = []
        for number, row in enumerate(rows):
            unknown = set(row) - set(columns)
            assert not unknown, f"{table} has no column {unknown}"
            full = {**_technical(table, columns, number), **row}
            values += [full.get(name) for name in columns]
        if values:
            marks = ", ".join("(" + ", ".join("?" * len(columns)) + ")" for _ in rows)
            self.connection.execute(f"INSERT INTO {table} VALUES {marks}", values)

    def figures(self) -> list[dict[str, Any]]:
        """All rows of the metric query, as they would stand in ``mart.quarterly_metric``."""
        found = self.query(quarterly_metric_sql(self.metrics))
        assert not found or tuple(found[0]) == COLUMNS
        return found

    def query(self, sql: str) -> list[dict[str, Any]]:
        """All rows of a query, each by column."""
        found = self.connection.execute(sql)
        names = [d[0] for d in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def figure(
        self, metric: str, quarter: str, period: str, grain: str = "group", scope: str = ""
    ) -> dict[str, Any] | None:
        """One figure, or None where there is no row."""
        key = (metric, quarter, period, grain, scope)
        names = ("metric_id", "quarter", "period", "grain", "scope_code")
        found = [f for f in self.figures() if tuple(f[n] for n in names) == key]
        assert len(found) <= 1, f"{key} stands {len(found)} times"
        return found[0] if found else None


def _technical(table: str, columns: Sequence[str], number: int) -> dict[str, Any]:
    key = f"{table}#{number}"
    defaults: dict[str, Any] = {
        "_source_table": table,
        "_source_key": key,
        "_row_hash": md5(key.encode()).hexdigest(),
        "valid_from": date(1, 1, 1),
        "is_inferred": False,
        "is_deleted": False,
        "recorded_at": datetime(2024, 1, 1),
    }
    return {name: value for name, value in defaults.items() if name in columns}
