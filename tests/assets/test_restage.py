"""A changed contract stages its batches anew: the differences are versions of that run, the past stays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assets.staged.pending import committed_batches
from assets.staged.restage import definition_changed, record_definition, restage
from assets.staged.stage import stage
from assets.staged.tables import create_all, create_private, create_staged
from data_contracts.model import TableContract
from data_contracts.rules import rules_of
from resources.failures import PermanentFailure
from resources.raw_store import Window
from resources.settings import load_settings
from resources.sources.base import Extraction, landed_schema
from resources.workspace import Workspace, hold
from tests.assets.staging import contract

NIGHT = datetime(2024, 10, 10, 12, tzinfo=UTC)
KEY = {"name": "no", "physicalType": "varchar(10)", "primaryKey": True, "primaryKeyPosition": 1}
AMOUNT = {"name": "amount_cny", "physicalType": "decimal(18,2)", "required": True}
UNIT = {
    "customProperties": [{"property": "unit", "value": "CNY"}, {"property": "sourceUnit", "value": "万元"}]
}


def table(folder: Path, amount: dict[str, Any], **more: Any) -> TableContract:
    return contract(
        folder,
        "t",
        [KEY, amount],
        {"verb": "upsert"},
        **{"quarantine": {"max_pct": 60, "min_rows": 1}, **more},
    )


@contextmanager
def night(home: Path, days: int) -> Iterator[Workspace]:
    with hold(load_settings(home), run_id=f"run{days}xxxxx", now=NIGHT + timedelta(days=days)) as ws:
        with ws.engine.begin() as session:
            create_all(session)
        with ws.engine.begin() as session:
            create_private(session)
        yield ws


def land(ws: Workspace, t: TableContract, rows: list[tuple[str, str]]) -> None:
    schema = landed_schema(t)
    values = {"no": [r[0] for r in rows], "amount_cny": [r[1] for r in rows]}
    values |= {
        "_row_no": list(range(len(rows))),
        "_source_ref": ["s"] * len(rows),
        "_row_kind": ["data"] * len(rows),
    }
    arrays = [pa.array(values.get(f.name, [None] * len(rows)), f.type) for f in schema]
    batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
    proof: dict[str, object] = {"complete": True, "full": True, "rows": len(rows)}
    manifest = ws.raw.land(t, Extraction(iter([batch]), proof), ws.stamp, ws.known_at, Window())
    ws.decisions.append(
        "batch", ws.known_at, table=t.name, batch_id=manifest.batch_id, sha256=manifest.sha256
    )
    with ws.engine.begin() as session:
        create_staged(session, t)
        record_definition(session, t)
    for pending in committed_batches(ws, t, staged=False):
        stage(ws.engine, t, rules_of(t), pending.batch, pending.parquet, pending.columns, None)


def versions(ws: Workspace) -> list[tuple[Any, ...]]:
    with ws.engine.begin() as session:
        return session.rows(
            "SELECT no, amount_cny, _known_from, _known_to FROM staged.t ORDER BY no, _known_from"
        )


def day(days: int) -> datetime:
    return (NIGHT + timedelta(days=days)).replace(tzinfo=None)


def test_a_new_unit_makes_new_versions_dated_at_the_run_that_restaged(tmp_path: Path) -> None:
    before = table(tmp_path, AMOUNT)
    with night(tmp_path / "home", 0) as ws:
        land(ws, before, [("A", "1"), ("B", "x")])
    after = table(tmp_path, AMOUNT | UNIT)
    with night(tmp_path / "home", 1) as ws:
        with ws.engine.begin() as session:
            assert definition_changed(session, after)
        assert restage(ws, after, committed_batches(ws, after, staged=True)) == (1, 1)
        assert versions(ws) == [
            ("A", Decimal("1.00"), day(0), day(1)),
            ("A", Decimal("10000.00"), day(1), None),
        ]
        with ws.engine.begin() as session:
            assert not definition_changed(session, after)
            assert session.rows("SELECT table_name, rules FROM private.quarantine.quarantined_row") == [
                ("t", "t.amount_cny.parse")
            ]
            assert session.rows("SELECT DISTINCT table_name FROM meta.batch_load") == [("t",)]
        assert [e["table"] for e in ws.decisions.entries("restage")] == ["t"]


def test_other_words_are_no_other_definition(tmp_path: Path) -> None:
    before = table(tmp_path, AMOUNT)
    with night(tmp_path / "home", 0) as ws:
        land(ws, before, [("A", "1")])
        with ws.engine.begin() as session:
            assert not definition_changed(session, table(tmp_path, AMOUNT | {"description": "said better"}))


def test_a_row_that_the_new_contract_admits_enters_from_its_old_batch(tmp_path: Path) -> None:
    strict = table(tmp_path, AMOUNT | {"logicalTypeOptions": {"maximum": 5}})
    with night(tmp_path / "home", 0) as ws:
        land(ws, strict, [("A", "1"), ("B", "9")])
    wide = table(tmp_path, AMOUNT)
    with night(tmp_path / "home", 1) as ws:
        restage(ws, wide, committed_batches(ws, wide, staged=True))
        assert [(v[0], v[2]) for v in versions(ws)] == [("A", day(0)), ("B", day(1))]


def test_a_contract_that_would_block_what_was_loaded_changes_nothing(tmp_path: Path) -> None:
    before = table(tmp_path, AMOUNT)
    with night(tmp_path / "home", 0) as ws:
        land(ws, before, [("A", "1"), ("B", "9")])
    strict = table(tmp_path, AMOUNT | {"logicalTypeOptions": {"maximum": 0}})
    with night(tmp_path / "home", 1) as ws:
        with pytest.raises(PermanentFailure, match="nothing was changed"):
            restage(ws, strict, committed_batches(ws, strict, staged=True))
        assert [v[3] for v in versions(ws)] == [None, None]
        with ws.engine.begin() as session:
            assert definition_changed(session, strict)


def test_a_batch_that_was_blocked_does_not_stand_in_the_way_of_a_new_contract(tmp_path: Path) -> None:
    before = table(tmp_path, AMOUNT)
    with night(tmp_path / "home", 0) as ws:
        land(ws, before, [("A", "1")])
    with night(tmp_path / "home", 1) as ws:
        land(ws, before, [("A", "x"), ("B", "y")])
    after = table(tmp_path, AMOUNT | UNIT)
    with night(tmp_path / "home", 2) as ws:
        assert restage(ws, after, committed_batches(ws, after, staged=True)) == (1, 1)
        assert versions(ws)[-1] == ("A", Decimal("10000.00"), day(2), None)
        with ws.engine.begin() as session:
            loads = session.rows("SELECT status FROM meta.batch_load ORDER BY known_at")
        assert loads == [("loaded",), ("blocked",)]


def test_an_edited_batch_is_refused(tmp_path: Path) -> None:
    t = table(tmp_path, AMOUNT)
    with night(tmp_path / "home", 0) as ws:
        land(ws, t, [("A", "1")])
        path = next((tmp_path / "home" / "raw" / "t").glob("*/*.parquet"))
        path.chmod(0o600)
        path.write_bytes(path.read_bytes()[:-1] + b"\x00")
        with pytest.raises(PermanentFailure, match="sha256"):
            committed_batches(ws, t, staged=True)
