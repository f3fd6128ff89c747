"""Both back ends on one candidate table in real DuckDB files, for tests that compare them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from data_contracts.model import TableContract
from data_contracts.rules import rules_of
from data_contracts.to_sql import candidate_select, counts_select, marks_select
from resources.engine import DuckDBEngine
from resources.expectations import Expectations, SuiteRun

Row = Mapping[str, str | None]


class BackEnds:
    """Two work files, an engine and the library beside it; ``candidate`` is the table of the last rows."""

    def __init__(self, folder: Path) -> None:
        self.engine = DuckDBEngine(folder / "warehouse.duckdb", folder / "private.duckdb")
        self.expectations = Expectations(self.engine.url)
        self.candidate = "private.candidate.t"
        with self.engine.begin() as session:
            session.run("CREATE SCHEMA private.candidate")

    def land(self, contract: TableContract, rows: Sequence[Row]) -> None:
        """Type ``rows`` (landed text by column, ``_row_kind`` defaults to data) into the candidate table."""
        names = [c.name for c in contract.columns]
        columns = ", ".join(f'"{name}" VARCHAR' for name in names)
        landed = ", ".join(
            f"({i}, {i}, 'x.xlsx!s!{i}', {_text(row.get('_row_kind', 'data'))}, "
            f"{', '.join(_text(row.get(name)) for name in names)})"
            for i, row in enumerate(rows)
        )
        with self.engine.begin() as session:
            session.run(
                "CREATE OR REPLACE TABLE private.candidate.landed (_row_id BIGINT, _row_no BIGINT, "
                f"_source_ref VARCHAR, _row_kind VARCHAR, {columns})"
            )
            if rows:
                session.run(f"INSERT INTO private.candidate.landed VALUES {landed}")
            select = candidate_select(contract, names, "private.candidate.landed")
            session.run(f"CREATE OR REPLACE TABLE {self.candidate} AS {select}")

    def sql(self, contract: TableContract) -> dict[str, int]:
        """Violations per rule by the SQL back end."""
        rules, marks = rules_of(contract), "private.candidate.marks"
        with self.engine.begin() as session:
            session.run(f"CREATE OR REPLACE TABLE {marks} AS {marks_select(rules, self.candidate)}")
            counts = session.row(counts_select(rules, self.candidate, marks))
        return {rule.id: int(str(n)) for rule, n in zip(rules, counts, strict=True)}

    def run(self, contract: TableContract) -> SuiteRun:
        """The suite's result on the candidate table."""
        return self.expectations.run(contract, self.candidate)

    def close(self) -> None:
        """Close the library, then the engine."""
        self.expectations.close()
        self.engine.close()


def _text(value: str | None) -> str:
    return "NULL" if value is None else "'" + value.replace("'", "''") + "'"
