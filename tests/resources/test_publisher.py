"""Publishing: a whole file or none, readers undisturbed, the last N kept."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from resources.engine import DuckDBEngine
from resources.publisher import POINTER, FilePublisher


@pytest.fixture
def engine(tmp_path: Path) -> DuckDBEngine:
    return DuckDBEngine(tmp_path / "work" / "warehouse.duckdb", tmp_path / "work" / "private.duckdb")


def write(engine: DuckDBEngine, value: int) -> None:
    with engine.begin() as session:
        session.run("CREATE OR REPLACE TABLE figure AS SELECT 0 AS value")
        session.run("UPDATE figure SET value = :v", v=value)


def read(path: Path) -> int:
    with duckdb.connect(str(path), read_only=True) as connection:
        return int(connection.execute("SELECT value FROM figure").fetchall()[0][0])


def test_the_pointer_moves_in_one_step_and_an_open_reader_keeps_its_file(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    publisher = FilePublisher(tmp_path / "published")
    write(engine, 1)
    publisher.publish(engine, "1")
    with duckdb.connect(str(tmp_path / "published" / POINTER), read_only=True) as reader:
        write(engine, 2)
        publisher.publish(engine, "2")
        assert reader.execute("SELECT value FROM figure").fetchall() == [(1,)]
    assert read(tmp_path / "published" / POINTER) == 2


def test_work_that_is_not_published_does_not_show(engine: DuckDBEngine, tmp_path: Path) -> None:
    publisher = FilePublisher(tmp_path / "published")
    write(engine, 1)
    publisher.publish(engine, "1")
    write(engine, 2)
    assert read(tmp_path / "published" / POINTER) == 1


def test_only_the_last_versions_are_kept_but_never_the_current_one_lost(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    publisher = FilePublisher(tmp_path / "published", keep=2)
    for version in "1234":
        write(engine, int(version))
        publisher.publish(engine, version)
    assert [p.name for p in publisher.versions()] == ["warehouse-4.duckdb", "warehouse-3.duckdb"]
    publisher.roll_back("3")
    write(engine, 5)
    assert read(tmp_path / "published" / POINTER) == 3


def test_rolling_back_to_nothing_says_what_there_is(engine: DuckDBEngine, tmp_path: Path) -> None:
    publisher = FilePublisher(tmp_path / "published")
    write(engine, 1)
    publisher.publish(engine, "1")
    with pytest.raises(FileNotFoundError, match="choose one of: 1"):
        publisher.roll_back("9")


def test_a_copy_that_fails_leaves_the_published_file(
    engine: DuckDBEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher = FilePublisher(tmp_path / "published")
    write(engine, 1)
    publisher.publish(engine, "1")

    def half(target: Path) -> None:
        target.write_bytes(b"half a file")
        raise OSError("no space left on device")

    monkeypatch.setattr(engine, "copy_warehouse", half)
    with pytest.raises(OSError, match="no space"):
        publisher.publish(engine, "2")
    assert read(tmp_path / "published" / POINTER) == 1
    assert [p.name for p in publisher.versions()] == ["warehouse-1.duckdb"]
