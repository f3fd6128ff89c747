"""Raw store on a real disk: batches whole or absent, the same bytes for the same rows, damage found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resources.failures import PermanentFailure, TransientFailure
from resources.raw_store import Manifest, RawStore, Window
from resources.sources.base import Extraction, landed_schema
from tests.resources.tables import column, contract, extraction_of

TABLE = contract({"kind": "sql", "table": "t"}, column("code", key=1), column("amount"), name="fin_voucher")
KNOWN_AT = datetime(2024, 10, 10, 18, 0, tzinfo=UTC)
WINDOW = Window(since=datetime(2024, 10, 1), until=datetime(2024, 10, 11, 2))


@pytest.fixture
def store(tmp_path: Path) -> RawStore:
    return RawStore(tmp_path / "raw", clock=lambda: KNOWN_AT)


def rows(count: int) -> list[tuple[object, ...]]:
    return [
        (f"V{i}", None if i % 3 else f"{i}.50", i, "t?ts>=2024-10-01", "data") for i in range(1, count + 1)
    ]


def land(store: RawStore, count: int = 5, chunk: int = 1000, batch_id: str = "20241010T180000Z") -> Manifest:
    return store.land(TABLE, extraction_of(TABLE, rows(count), chunk), batch_id, KNOWN_AT, WINDOW)


def test_a_batch_holds_rows_origin_and_manifest(store: RawStore, tmp_path: Path) -> None:
    manifest = land(store)
    directory = tmp_path / "raw" / "fin_voucher" / "20241010T180000Z"
    assert sorted(p.name for p in directory.iterdir()) == ["manifest.json", "part-000.parquet"]
    assert store.read_path(manifest) == directory / "part-000.parquet"
    found = duckdb.sql(f"SELECT * FROM '{store.read_path(manifest)}' ORDER BY _row_no").fetchall()
    assert found[2] == (
        "V3",
        "3.50",
        3,
        "t?ts>=2024-10-01",
        "data",
        "20241010T180000Z",
        datetime(2024, 10, 10, 18),
    )
    assert found[0][1] is None
    written = json.loads((directory / "manifest.json").read_text())
    assert written["rows"] == 5
    assert written["bytes"] == store.read_path(manifest).stat().st_size
    assert written["proof"] == {"method": "count", "complete": True, "full": True, "rows": 5}
    assert written["window"] == {"since": "2024-10-01T00:00:00", "until": "2024-10-11T02:00:00"}
    assert written["columns"] == [
        "code", "amount", "_row_no", "_source_ref", "_row_kind", "_batch_id", "_extracted_at",
    ]  # fmt: skip
    assert store.manifests("fin_voucher") == [manifest]
    store.verify(manifest)


def test_the_same_rows_give_the_same_bytes_however_they_are_cut(tmp_path: Path) -> None:
    stores = [RawStore(tmp_path / name, clock=lambda: KNOWN_AT) for name in ("a", "b")]
    first, second = land(stores[0], 130_000, chunk=130_000), land(stores[1], 130_000, chunk=7_777)
    assert first == second
    assert stores[0].read_path(first).read_bytes() == stores[1].read_path(second).read_bytes()
    groups = pq.ParquetFile(stores[0].read_path(first)).metadata
    assert [groups.row_group(i).num_rows for i in range(groups.num_row_groups)] == [122_880, 7_120]
    assert groups.row_group(0).column(0).compression == "ZSTD"


def test_no_rows_are_a_batch_too(store: RawStore) -> None:
    manifest = land(store, 0)
    assert manifest.rows == 0
    table = pq.read_table(store.read_path(manifest))
    assert (table.num_rows, table.column_names) == (0, list(manifest.columns))
    store.verify(manifest)


def test_a_source_that_fails_midway_leaves_nothing(store: RawStore, tmp_path: Path) -> None:
    def broken() -> Iterator[pa.RecordBatch]:
        yield from extraction_of(TABLE, rows(10)).batches
        raise TransientFailure(system="finance", table="fin_voucher", where="nc", cause="broke", cure="again")

    with pytest.raises(TransientFailure, match="broke"):
        store.land(TABLE, Extraction(broken(), {}), "b1", KNOWN_AT, WINDOW)
    assert store.manifests("fin_voucher") == []
    assert [p for p in (tmp_path / "raw").rglob("*") if p.is_file()] == []


def test_a_source_is_closed_when_the_disk_fails(store: RawStore) -> None:
    closed = []

    def source() -> Iterator[pa.RecordBatch]:
        try:
            yield pa.RecordBatch.from_pydict({"other": ["columns"]})
        finally:
            closed.append(True)

    with pytest.raises((ValueError, pa.ArrowException)):
        store.land(TABLE, Extraction(source(), {}), "b1", KNOWN_AT, WINDOW)
    assert closed == [True]


def test_what_a_killed_run_left_is_swept_and_was_never_a_batch(store: RawStore, tmp_path: Path) -> None:
    left = tmp_path / "raw" / ".partial" / "fin_voucher.b0"
    left.mkdir(parents=True)
    (left / "part-000.parquet").write_bytes(b"half")
    assert store.manifests("fin_voucher") == []
    assert store.sweep() == ["fin_voucher.b0"]
    assert store.sweep() == []
    land(store)
    assert len(store.manifests("fin_voucher")) == 1


def test_a_batch_is_never_written_twice(store: RawStore) -> None:
    manifest = land(store)
    with pytest.raises(FileExistsError, match="batch 20241010T180000Z of fin_voucher is landed already"):
        land(store, 1)
    store.verify(manifest)
    with pytest.raises(ValueError, match="no plain file name"):
        land(store, batch_id="../elsewhere")


def test_manifests_come_in_the_order_they_became_known(store: RawStore) -> None:
    empty = [
        store.land(TABLE, extraction_of(TABLE, []), batch, KNOWN_AT.replace(day=day), WINDOW)
        for batch, day in (("b", 12), ("c", 11), ("a", 12))
    ]
    assert [m.batch_id for m in store.manifests("fin_voucher")] == ["c", "a", "b"]
    assert all(m.rows == 0 for m in empty)
    assert store.manifests("fin_org") == []


def test_changed_bytes_and_missing_files_are_found(store: RawStore) -> None:
    manifest = land(store)
    path = store.read_path(manifest)
    content = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(content[:-1] + b"X")
    with pytest.raises(PermanentFailure) as caught:
        store.verify(manifest)
    assert f"raw / fin_voucher / {path}: its sha256 is " in str(caught.value)
    assert manifest.sha256 in str(caught.value)
    path.unlink()
    with pytest.raises(PermanentFailure, match="the file is not there → restore the batch from a backup"):
        store.verify(manifest)


def test_an_unreadable_manifest_is_named(store: RawStore, tmp_path: Path) -> None:
    land(store)
    path = tmp_path / "raw" / "fin_voucher" / "20241010T180000Z" / "manifest.json"
    path.write_text("{")
    with pytest.raises(
        PermanentFailure, match=r"raw / fin_voucher / .*manifest\.json: the manifest cannot be read"
    ):
        store.manifests("fin_voucher")


def test_raw_rows_are_for_their_owner_only(store: RawStore, tmp_path: Path) -> None:
    land(store)
    assert (tmp_path / "raw").stat().st_mode & 0o077 == 0


def test_landed_columns_have_units_only_where_headers_exist() -> None:
    columns = (column("code", key=1), column("amount", source_unit="万元"))
    sheet = contract({"kind": "workbook", "files": "a", "sheet": "s"}, *columns)
    assert landed_schema(sheet).names == [
        "code",
        "amount",
        "amount__unit",
        "_row_no",
        "_source_ref",
        "_row_kind",
    ]
    assert "amount__unit" not in landed_schema(contract({"kind": "sql", "table": "t"}, *columns)).names
