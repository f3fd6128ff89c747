"""A ledger whose very first batch is blocked: its step says why, and stops the night only where it is required."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest

from assets.staged.assets import staged_assets
from assets.staged.tables import create_all
from data_contracts.model import TableContract
from resources.dagster_workspace import JibaoWorkspace
from resources.raw_store import Window
from resources.settings import load_settings
from resources.sources.base import Extraction, landed_schema
from resources.states import SOURCE_STATES, SourceStates
from resources.workspace import hold
from tests.assets.staging import contract

NIGHT = datetime(2024, 10, 10, 12, tzinfo=UTC)
KEY = {"name": "no", "physicalType": "varchar(3)", "primaryKey": True, "primaryKeyPosition": 1}
AMOUNT = {"name": "amount_cny", "physicalType": "decimal(18,2)", "required": True}


def _land(home: Path, table: TableContract, amounts: Sequence[str]) -> None:
    """A batch of the source's, committed in the log and not loaded yet."""
    values: dict[str, Any] = {
        "no": [f"A{n}" for n, _ in enumerate(amounts)], "amount_cny": list(amounts),
        "_row_no": list(range(len(amounts))), "_source_ref": ["s"] * len(amounts), "_row_kind": ["data"] * len(amounts),
    }  # fmt: skip
    schema = landed_schema(table)
    arrays = [pa.array(values.get(f.name, [None] * len(amounts)), f.type) for f in schema]
    proof: dict[str, object] = {"complete": True, "full": True, "rows": len(amounts)}
    with hold(load_settings(home), run_id="the-night", now=NIGHT) as ws:
        with ws.engine.begin() as session:
            create_all(session)
        batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
        landed = ws.raw.land(table, Extraction(iter([batch]), proof), ws.stamp, ws.known_at, Window())
        ws.decisions.append("batch", ws.known_at, table="t", batch_id=landed.batch_id, sha256=landed.sha256)


@pytest.mark.slow
@pytest.mark.parametrize("required", [False, True])
def test_a_blocked_first_load_stops_the_night_only_of_a_required_table(
    tmp_path: Path, required: bool
) -> None:
    table = contract(tmp_path, "t", [KEY, AMOUNT], {"verb": "upsert"})
    table = dataclasses.replace(table, required=required)
    _land(tmp_path / "home", table, ["5担", "6担"])
    result = dg.materialize(
        [a for a in staged_assets({"t": table}) if a.key == dg.AssetKey(["staged", "t"])],
        resources={"workspace": JibaoWorkspace(home=str(tmp_path / "home"))},
        raise_on_error=False,
    )
    assert result.success is not required
    cause = SourceStates(tmp_path / "home" / SOURCE_STATES).all()["t"].cause
    assert cause
    assert "2 of 2 rows are rejected" in cause
    blocking = next(e for e in result.get_asset_check_evaluations() if e.check_name == "blocking")
    assert (blocking.passed, blocking.description) == (False, cause)
