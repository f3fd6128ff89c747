"""Decisions on rejected rows: waived, revoked and replayed ones move at the run of the decision, and again in a
rebuild; nothing is moved by halves, twice or for a row that is not there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assets.staged import movements
from assets.staged.catch_up import catch_up
from assets.staged.movements import Movement, replay, revoke, unsettled, waive
from assets.staged.pending import committed_batches
from assets.staged.quarantine import rejected
from assets.staged.restage import definition_changed, record_definition, restage
from assets.staged.tables import create_all, create_private, create_restricted, create_staged
from data_contracts.model import TableContract
from data_contracts.rules import rules_of
from resources.failures import RefusedDecision, RefusedRun
from resources.raw_store import Window
from resources.settings import load_settings
from resources.sources.base import Extraction, landed_schema
from resources.workspace import Workspace, hold
from tests.assets.staging import contract

NIGHT = datetime(2024, 10, 10, 12, tzinfo=UTC)
KEY = {"name": "no", "physicalType": "varchar(3)", "primaryKey": True, "primaryKeyPosition": 1}
LEAST = "t.amount_cny.between"
TELLER = {"name": "teller", "physicalType": "varchar(9)", "classification": "restricted"}
AMOUNT = {
    "name": "amount_cny", "physicalType": "decimal(18,2)", "required": True, "logicalTypeOptions": {"minimum": 0}
}  # fmt: skip
Rows = Sequence[tuple[str, str]]


def table(folder: Path, least: int | None = 0, most: int | None = None) -> TableContract:
    """Table ``t``: a key of three letters, an amount within bounds, and who said it, which nobody may see."""
    bounds = {k: v for k, v in (("minimum", least), ("maximum", most)) if v is not None}
    columns: list[dict[str, Any]] = [KEY, AMOUNT | {"logicalTypeOptions": bounds}, TELLER]
    return contract(folder, "t", columns, {"verb": "upsert"}, quarantine={"max_pct": 90, "min_rows": 9})


@contextmanager
def night(home: Path, days: int, t: TableContract) -> Iterator[Workspace]:
    with hold(load_settings(home), run_id=f"run{days}xxxxx", now=NIGHT + timedelta(days=days)) as ws:
        with ws.engine.begin() as session:
            create_all(session)
            create_staged(session, t)
            if not session.rows("SELECT 1 FROM meta.staged_definition"):
                record_definition(session, t)
        with ws.engine.begin() as session:
            create_private(session)
            create_restricted(session, t)
        yield ws


def land(ws: Workspace, t: TableContract, rows: Rows) -> None:
    """Land and stage a batch; the log says that it was loaded before, so SQL alone judges it."""
    schema, count = landed_schema(t), len(rows)
    values: dict[str, Any] = {
        "no": [r[0] for r in rows], "amount_cny": [r[1] for r in rows], "teller": ["甲"] * count,
        "_row_no": list(range(count)), "_source_ref": ["s"] * count, "_row_kind": ["data"] * count,
    }  # fmt: skip
    arrays = [pa.array(values.get(f.name, [None] * count), f.type) for f in schema]
    batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
    proof: dict[str, object] = {"complete": True, "full": True, "rows": count}
    landed = ws.raw.land(t, Extraction(iter([batch]), proof), ws.stamp, ws.known_at, Window())
    ws.decisions.append("batch", ws.known_at, table="t", batch_id=landed.batch_id, sha256=landed.sha256)
    ws.decisions.append("load", ws.known_at, table="t", batch_id=landed.batch_id)
    catch_up(ws, t, rules_of(t))


def state(ws: Workspace, t: TableContract) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that decisions touch."""
    queries = {
        "versions": "SELECT no, amount_cny, _known_from, _known_to FROM staged.t ORDER BY no, _known_from",
        "quarantine": f"SELECT key_text, state FROM ({rejected(t)}) ORDER BY ALL",
        "movements": "SELECT kind, rule_id, known_at, decided_by, reason, considered, admitted, kept_out, ended, made "
        "FROM meta.movement ORDER BY seq",
        "tellers": "SELECT count(DISTINCT r._row_hash) FROM private.restricted.t AS r "
        "JOIN staged.t AS s ON s._row_hash = r._row_hash",
    }
    with ws.engine.begin() as session:
        return {name: session.rows(query) for name, query in queries.items()}


def conserved(ws: Workspace) -> bool:
    """Rows rejected at their loads are all still on record, each in one state."""
    with ws.engine.begin() as session:
        (kept,) = session.row(
            "SELECT count(*) FROM private.quarantine.quarantined_row WHERE table_name = 't'"
        )
        (loads,) = session.row("SELECT sum(quarantined) FROM meta.batch_load")
        broken = session.rows("SELECT 1 FROM meta.movement WHERE considered <> admitted + kept_out")
    return bool(kept == loads and not broken)


def day(days: int) -> datetime:
    return (NIGHT + timedelta(days=days)).replace(tzinfo=None)


@pytest.fixture
def t(tmp_path: Path) -> TableContract:
    return table(tmp_path)


@pytest.fixture
def home(tmp_path: Path, t: TableContract) -> Path:
    with night(tmp_path / "home", 0, t) as ws:
        land(ws, t, [("A", "1"), ("B", "-5"), ("C", "x"), ("D", "-7")])
    return tmp_path / "home"


def test_a_waived_row_is_a_version_of_the_run_of_the_waiver(home: Path, t: TableContract) -> None:
    with night(home, 1, t) as ws:
        assert waive(ws, t, "B", "amount_cny.between", " 张三 ", "红冲") == Movement(1, 1, 0, 1)
        found = state(ws, t)
        assert found["versions"] == [
            ("A", Decimal(1), day(0), None), ("B", Decimal(-5), day(1), None)
        ]  # fmt: skip
        assert found["quarantine"] == [("B", "waived"), ("C", "open"), ("D", "open")]
        assert found["movements"] == [("waive", LEAST, day(1), "张三", "红冲", 1, 1, 0, 0, 1)]
        assert found["tellers"] == [(2,)]
        assert conserved(ws)
        assert ws.decisions.verify() == 3
    with night(home, 2, t) as ws:
        land(ws, t, [("B", "-5")])
        assert state(ws, t)["versions"] == found["versions"], "sent again, it is the row that was admitted"
    with night(home, 3, t) as ws:
        land(ws, t, [("B", "-6")])
        assert state(ws, t)["versions"] == found["versions"], "another content needs a decision of its own"
        assert ("B", "open") in state(ws, t)["quarantine"]


def test_a_revoked_waiver_ends_the_version_and_opens_the_row_again(home: Path, t: TableContract) -> None:
    with night(home, 1, t) as ws:
        waive(ws, t, "B", LEAST, "张三", "红冲")
    with night(home, 2, t) as ws:
        assert revoke(ws, t, "B", LEAST, "李四", "误判").ended == 1
        assert ("B", Decimal(-5), day(1), day(2)) in state(ws, t)["versions"]
        assert ("B", "open") in state(ws, t)["quarantine"]
        assert conserved(ws)
        with pytest.raises(RefusedDecision, match="no waiver of it holds"):
            revoke(ws, t, "B", LEAST, "李四", "误判")
    with night(home, 3, t) as ws:
        assert waive(ws, t, "B", LEAST, "张三", "红冲").admitted == 1


@pytest.mark.parametrize(
    ("key", "rule", "by", "reason", "cause"),
    [
        ("Z", LEAST, "张三", "x", "no rejected row of that key is open"),
        ("A", LEAST, "张三", "x", "no rejected row of that key is open"),
        ("B", "t.amount_cny.most", "张三", "x", "no such rule"),
        ("B", "t.no.length", "张三", "x", "cannot be loaded"),
        ("C", "t.amount_cny.parse", "张三", "x", "cannot be loaded"),
        ("B", "t.key.unique", "张三", "x", "cannot be loaded"),
        ("B", "t.amount_cny.not_null", "张三", "x", "the row did not break it"),
        ("B", LEAST, " ", "x", "--by is empty"),
        ("B", LEAST, "张三", "", "--reason is empty"),
    ],
)
def test_a_waiver_is_refused(
    home: Path, t: TableContract, key: str, rule: str, by: str, reason: str, cause: str
) -> None:
    with night(home, 1, t) as ws:
        before, entries = state(ws, t), ws.decisions.verify()
        with pytest.raises(RefusedDecision, match=cause):
            waive(ws, t, key, rule, by, reason)
        assert (state(ws, t), ws.decisions.verify()) == (before, entries)


def test_a_row_is_waived_once(home: Path, t: TableContract) -> None:
    with night(home, 1, t) as ws:
        waive(ws, t, "B", LEAST, "张三", "红冲")
        with pytest.raises(RefusedDecision, match="no rejected row of that key is open"):
            waive(ws, t, "B", LEAST, "张三", "红冲")
        assert len(state(ws, t)["movements"]) == 1


@pytest.fixture
def whole(tmp_path: Path) -> TableContract:
    """A table sent whole, of which a batch may take half the rows away."""
    return contract(
        tmp_path, "t", [KEY, AMOUNT, TELLER], {"verb": "replace", "scope": "table", "max_delete_pct": 50},
        quarantine={"max_pct": 90, "min_rows": 9},
    )  # fmt: skip


def test_a_decision_on_a_row_judges_no_batch_again(tmp_path: Path, whole: TableContract) -> None:
    """Admitted late, the rows had been gone already: more of them than one batch may take away."""
    home = tmp_path / "other"
    with night(home, 0, whole) as ws:
        land(ws, whole, [("A", "1"), ("B", "-5"), ("C", "-6")])
    with night(home, 1, whole) as ws:
        land(ws, whole, [("A", "1")])
    for days, key in ((2, "B"), (3, "C")):
        with night(home, days, whole) as ws:
            assert waive(ws, whole, key, LEAST, "张三", "红冲") == Movement(1, 1, 0, 0)
            assert unsettled(ws, whole) == []
    with night(home, 4, whole) as ws:
        land(ws, whole, [("A", "2")])
        assert [v[:2] for v in state(ws, whole)["versions"] if v[3] is None] == [("A", Decimal(2))]
        before = state(ws, whole)
    shutil.rmtree(home / "work")
    with night(home, 5, whole) as ws:
        catch_up(ws, whole, rules_of(whole))
        assert state(ws, whole) == before


def test_what_was_blocked_stays_blocked_when_a_row_before_it_is_waived(
    tmp_path: Path, whole: TableContract
) -> None:
    home = tmp_path / "other"
    with night(home, 0, whole) as ws:
        land(ws, whole, [("A", "1"), ("B", "-5")])
    with night(home, 1, whole) as ws:
        land(ws, whole, [("B", "7")])
        assert [v[:2] for v in state(ws, whole)["versions"]] == [("A", Decimal(1))], (
            "all that was known would go"
        )
    with night(home, 2, whole) as ws:
        waive(ws, whole, "B", LEAST, "张三", "红冲")
        assert ("B", Decimal(-5), day(2), None) in state(ws, whole)["versions"]


def test_two_rules_take_two_waivers(tmp_path: Path) -> None:
    doubled = contract(
        tmp_path, "t", [KEY, AMOUNT, TELLER], {"verb": "upsert"}, quarantine={"max_pct": 90, "min_rows": 9},
        quality=[{"id": "not_five", "name": "five", "description": "write four", "type": "custom", "engine": "jibao",
                  "implementation": {"row": "amount_cny <> -5"}, "severity": "error", "dimension": "accuracy"}],
    )  # fmt: skip
    with night(tmp_path / "other", 0, doubled) as ws:
        land(ws, doubled, [("A", "1"), ("B", "-5")])
        assert waive(ws, doubled, "B", "not_five", "张三", "x") == Movement(1, 0, 0, 0)
        assert state(ws, doubled)["quarantine"] == [("B", "open")]
        assert waive(ws, doubled, "B", LEAST, "张三", "x") == Movement(1, 1, 0, 1)
        assert conserved(ws)


def test_replay_admits_what_the_mended_contract_allows(home: Path, tmp_path: Path, t: TableContract) -> None:
    with night(home, 1, t) as ws:
        assert replay(ws, t) == Movement(3, 0, 0, 0), "nothing was mended"
        assert state(ws, t)["movements"] == []
    mended = table(tmp_path, least=-5)
    with night(home, 2, mended) as ws:
        assert replay(ws, mended, "amount_cny.parse") == Movement(1, 0, 0, 0)
        assert replay(ws, mended, LEAST) == Movement(2, 1, 0, 1)
        found = state(ws, mended)
        assert ("B", Decimal(-5), day(2), None) in found["versions"]
        assert found["quarantine"] == [("B", "replayed"), ("C", "open"), ("D", "open")]
        assert found["movements"] == [("replay", LEAST, day(2), None, None, 2, 1, 1, 0, 1)]
        assert conserved(ws)
        assert replay(ws, mended, LEAST) == Movement(1, 0, 0, 0), "twice moves nothing twice"
        assert state(ws, mended) == found
        with pytest.raises(RefusedDecision, match="no such rule"):
            replay(ws, mended, "amount_cny.most")


def test_a_row_that_was_deleted_or_replaced_since_does_not_come_back(
    home: Path, tmp_path: Path, t: TableContract
) -> None:
    with night(home, 1, t) as ws:
        land(ws, t, [("B", "5")])
    mended = table(tmp_path, least=None)
    with night(home, 2, mended) as ws:
        replay(ws, mended)
        assert [v for v in state(ws, mended)["versions"] if v[0] == "B"] == [("B", Decimal(5), day(1), None)]
        assert state(ws, mended)["quarantine"] == [("B", "resolved"), ("C", "open"), ("D", "replayed")]


def test_a_kill_between_the_log_and_the_tables_is_caught_up(
    home: Path, t: TableContract, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(home, whole)
    with night(whole, 1, t) as ws:
        waive(ws, t, "B", LEAST, "张三", "红冲")
        expected = state(ws, t)
    for place in ("merge_side_rows", "merge_rows"):
        killed = tmp_path / place
        shutil.copytree(home, killed)
        with monkeypatch.context() as patched:
            patched.setattr(movements, place, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt), night(killed, 1, t) as ws:
                waive(ws, t, "B", LEAST, "张三", "红冲")
        with night(killed, 2, t) as ws:
            with pytest.raises(RefusedDecision, match="not staged yet"):
                waive(ws, t, "D", LEAST, "张三", "红冲")
            assert len(unsettled(ws, t)) == 1
            catch_up(ws, t, rules_of(t))
            assert state(ws, t) == expected
            assert unsettled(ws, t) == []
            assert conserved(ws)


def test_a_rebuild_dates_replayed_rows_at_their_replay_whatever_the_contract_says_now(
    home: Path, tmp_path: Path, t: TableContract
) -> None:
    with night(home, 1, t) as ws:
        waive(ws, t, "B", LEAST, "张三", "红冲")
    with night(home, 2, t) as ws:
        land(ws, t, [("A", "2"), ("E", "-9")])
    mended = table(tmp_path, least=-7)
    with night(home, 3, mended) as ws:
        assert replay(ws, mended).admitted == 1
        revoke(ws, mended, "B", LEAST, "李四", "误判")
    with night(home, 4, mended) as ws:
        land(ws, mended, [("B", "-6"), ("D", "-7"), ("E", "-9")])
        before = state(ws, mended)
        assert ("D", Decimal(-7), day(3), None) in before["versions"]
    shutil.rmtree(home / "work")
    with night(home, 5, mended) as ws:
        catch_up(ws, mended, rules_of(mended))
        after = state(ws, mended)
    # A waiver under a contract that has changed since moves nothing anew; what a replay moved is in the log.
    assert after["movements"][1] == before["movements"][1]
    assert [v for v in after["versions"] if v[0] in "AD"] == [v for v in before["versions"] if v[0] in "AD"]


def test_a_rebuild_under_one_definition_is_equal_row_for_row(home: Path, t: TableContract) -> None:
    with night(home, 1, t) as ws:
        waive(ws, t, "B", LEAST, "张三", "红冲")
    with night(home, 2, t) as ws:
        land(ws, t, [("A", "2"), ("B", "-5"), ("E", "-9")])
        waive(ws, t, "E", LEAST, "张三", "红冲")
    with night(home, 3, t) as ws:
        revoke(ws, t, "B", LEAST, "李四", "误判")
        before = state(ws, t)
    shutil.rmtree(home / "work")
    with night(home, 4, t) as ws:
        catch_up(ws, t, rules_of(t))
        assert state(ws, t) == before
        assert conserved(ws)


def test_a_changed_contract_keeps_waivers_and_says_replayed_of_what_passes_now(
    home: Path, tmp_path: Path, t: TableContract
) -> None:
    with night(home, 1, t) as ws:
        waive(ws, t, "D", LEAST, "张三", "红冲")
    mended = table(tmp_path, least=-5)
    with night(home, 2, mended) as ws:
        with ws.engine.begin() as session:
            assert definition_changed(session, mended)
        restage(ws, mended, committed_batches(ws, mended, staged=True))
        found = state(ws, mended)
        assert found["quarantine"] == [("B", "replayed"), ("C", "open"), ("D", "waived")]
        assert ("D", Decimal(-7), day(1), None) in found["versions"]
        assert ("B", Decimal(-5), day(2), None) in found["versions"]


def test_a_decision_holds_the_home_and_moves_the_clock(home: Path, t: TableContract) -> None:
    with night(home, 1, t) as ws:
        waive(ws, t, "B", LEAST, "张三", "红冲")
        with pytest.raises(RefusedRun, match="is held by"), night(home, 2, t):
            pass
    with pytest.raises(RefusedRun, match="not later"), night(home, 1, t):
        pass
