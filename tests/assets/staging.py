"""A contract, an engine and landed batches for tests of the staged layer: real DuckDB, real Parquet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from assets.staged import known, tables
from assets.staged.load import Batch
from assets.staged.stage import Staged, stage
from data_contracts.contract_file import load_contract
from data_contracts.model import TableContract
from data_contracts.rules import rules_of
from resources.engine import DuckDBEngine

START = datetime(2024, 10, 10, 12, tzinfo=UTC)


def contract(
    folder: Path, name: str, columns: Sequence[dict[str, Any]], update: dict[str, Any], **more: Any
) -> TableContract:
    """A contract file written below ``folder`` and read back."""
    document = {
        "apiVersion": "v3.2.0",
        "kind": "DataContract",
        "id": name,
        "name": name,
        "version": "1.0.0",
        "status": "active",
        "domain": "construction",
        "team": {"name": "工程管理部"},
        "servers": [{"server": "workbooks", "type": "local", "path": "x"}],
        "schema": [
            {
                "name": name,
                "physicalName": "表",
                "businessName": "表",
                "description": "a table",
                "dataGranularityDescription": "a row",
                "properties": [{"businessName": c["name"], **c} for c in columns],
                "quality": more.pop("quality", []),
                "relationships": more.pop("relationships", []),
            }
        ],
        "customProperties": [
            {"property": k, "value": v}
            for k, v in {
                "transport": {"kind": "workbook"},
                "update": update,
                "orgPath": "org_code",
                **more,
            }.items()
        ],
    }
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    return load_contract(path)


@dataclass
class Bench:
    """Two work files and the batches landed so far."""

    folder: Path
    engine: DuckDBEngine = field(init=False)
    nights: int = 0

    def __post_init__(self) -> None:
        self.engine = DuckDBEngine(self.folder / "warehouse.duckdb", self.folder / "private.duckdb")
        with self.engine.begin() as session:
            tables.create_all(session)
        with self.engine.begin() as session:
            tables.create_private(session)

    def night(
        self, table: TableContract, rows: Sequence[dict[str, Any]], *, deletes: bool = True, days: int = 1
    ) -> Staged:
        """Land ``rows`` (text by column; ``_row_kind`` defaults to data) and stage them, a day after the last."""
        self.nights += days
        names = [c.name for c in table.columns]
        names += sorted({n for r in rows for n in r if n.endswith("__unit")})
        columns: dict[str, Any] = {n: pa.array([r.get(n) for r in rows], pa.string()) for n in names}
        columns["_row_kind"] = pa.array([r.get("_row_kind", "data") for r in rows], pa.string())
        columns["_row_no"] = pa.array(range(1, len(rows) + 1), pa.int64())
        columns["_source_ref"] = pa.array([f"表.xlsx!表!{i}" for i in range(1, len(rows) + 1)], pa.string())
        path = self.folder / f"{table.name}-{self.nights}.parquet"
        pq.write_table(pa.table(columns), path)
        batch = Batch(
            f"b{self.nights}", START + timedelta(days=self.nights), len(rows), deletes and bool(rows)
        )
        return stage(self.engine, table, rules_of(table), batch, path, list(columns), None)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of one query on the warehouse."""
        with self.engine.begin() as session:
            return session.rows(sql)

    def known(self, *contracts: TableContract, cut_off: datetime | None = None) -> None:
        """Create the known views."""
        with self.engine.begin() as session:
            known.create_known(session, {c.name: c for c in contracts}, cut_off=cut_off)
