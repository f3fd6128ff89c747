"""Lists that show a present state and keep no past: every delivery is taken in turn.

Belongs here: extraction and staging of several files of a table replaced whole, in a real workspace. Keep out:
what is made of the versions (golden cases of the core).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from assets.raw.extract import Reach, extract
from assets.staged import tables
from assets.staged.pending import committed_batches
from assets.staged.stage import stage
from data_contracts.model import ContractError, TableContract
from data_contracts.rules import rules_of
from resources.settings import load_settings
from resources.workspace import Workspace, hold
from tests.assets.staging import contract

FIRST = datetime(2024, 10, 10, 12, tzinfo=UTC)
IN_TURN = {
    "verb": "replace",
    "scope": "table",
    "version": "snapshot_date",
    "max_delete_pct": 60,
    "in_turn": True,
}
VERSIONS = (
    "SELECT item_no, status, strftime(_known_from, '%m-%d %H:%M'), strftime(_known_to, '%m-%d %H:%M'), "
    "_reconstructed FROM staged.items ORDER BY item_no, _known_from, status"
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("JIBAO_SOURCES__WORKBOOKS__URL", str(tmp_path / "drops"))
    (tmp_path / "drops").mkdir()
    return tmp_path


def _list(home: Path, day: str, states: Mapping[str, str]) -> None:
    lines = ["编号,状态,单位", *(f"{item},{state},YWCT-02" for item, state in states.items())]
    (home / "drops" / f"items_{day}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _items(home: Path, update: dict[str, Any] | None = None) -> TableContract:
    transport = {
        "kind": "file", "format": "csv", "encoding": "utf-8", "files": r"items_(?P<snapshot_date>\d{8})\.csv",
    }  # fmt: skip
    columns: list[dict[str, Any]] = [
        {"name": "item_no", "physicalName": "编号", "logicalType": "string", "physicalType": "varchar(9)",
         "primaryKey": True, "primaryKeyPosition": 1},
        {"name": "status", "physicalName": "状态", "logicalType": "string", "physicalType": "varchar(9)"},
        {"name": "org_code", "physicalName": "单位", "logicalType": "string", "physicalType": "varchar(9)"},
        {"name": "snapshot_date", "logicalType": "date", "physicalType": "date",
         "customProperties": [{"property": "lineage", "value": True}]},
    ]  # fmt: skip
    return contract(home, "items", columns, update or IN_TURN, transport=transport)


def _night(home: Path, days: int, *, full: bool = False) -> list[tuple[Any, ...]]:
    """One night: extract, stage all that is pending; the versions then."""
    items = _items(home)
    with hold(load_settings(home), run_id=f"night{days}xxxx", now=FIRST + timedelta(days=days)) as ws:
        with ws.engine.begin() as session:
            tables.create_all(session)
            tables.create_staged(session, items)
        with ws.engine.begin() as session:
            tables.create_private(session)
        extract(ws, items, Reach(full=full))
        return _staged(ws, items)


def _staged(ws: Workspace, items: TableContract) -> list[tuple[Any, ...]]:
    for pending in committed_batches(ws, items, staged=False):
        outcome = stage(
            ws.engine, items, rules_of(items), pending.batch, pending.parquet, pending.columns, None
        )
        assert not outcome.report.blocked
        if pending.is_new:
            ws.decisions.append(
                "load", ws.known_at, table=items.name, batch_id=pending.batch.batch_id, status="loaded"
            )
    with ws.engine.begin() as session:
        return session.rows(VERSIONS)


def test_before_the_first_load_each_list_is_known_from_its_own_day(home: Path) -> None:
    _list(home, "20240805", {"A": "building", "B": "drafted"})
    _list(home, "20240905", {"A": "building"})
    _list(home, "20241008", {"A": "operating", "C": "filed"})
    assert _night(home, 0) == [
        ("A", "building", "08-05 16:00", "10-10 12:00", True),
        ("A", "operating", "10-10 12:00", None, False),
        ("B", "drafted", "08-05 16:00", "09-05 16:00", True),
        ("C", "filed", "10-10 12:00", None, False),
    ]


def test_what_waited_between_two_nights_is_known_from_the_later_one(home: Path) -> None:
    _list(home, "20240905", {"A": "building"})
    _night(home, 0)
    _list(home, "20241011", {"A": "completed"})
    _list(home, "20241012", {"A": "operating"})
    assert _night(home, 5) == [
        ("A", "building", "10-10 12:00", "10-15 12:00", False),
        ("A", "completed", "10-15 12:00", "10-15 12:00", False),
        ("A", "operating", "10-15 12:00", None, False),
    ]


def test_asking_for_everything_again_does_not_turn_the_list_back(home: Path) -> None:
    _list(home, "20240905", {"A": "building"})
    _list(home, "20241008", {"A": "operating"})
    before = _night(home, 0)
    _list(home, "20240912", {"A": "drafted"})
    assert _night(home, 1, full=True) == before


def test_in_turn_needs_snapshots(home: Path) -> None:
    with pytest.raises(ContractError, match="in_turn without snapshots"):
        _items(home, {"verb": "upsert", "watermark": "snapshot_date", "in_turn": True})
