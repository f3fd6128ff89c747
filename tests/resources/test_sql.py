"""SQL connector on a real SQLite file: text, predicates, proof, failures; and the SQL other databases get."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from data_contracts.model import ContractError, Update
from resources.failures import PermanentFailure, TransientFailure
from resources.sources.base import ExtractionRequest, Source, probe
from resources.sources.sql import SqlConnector
from tests.resources.snapshots import after_count
from tests.resources.tables import column, contract, read

TICKETS = contract(
    {"kind": "sql", "table": "delivery_ticket", "watermark_format": "%Y-%m-%d %H:%M:%S"},
    column("ticket_no", key=1),
    column("signed_m3", kind="decimal"),
    column("updated_at", kind="timestamp"),
    update=Update("upsert", watermark="updated_at", overlap_days=3),
    name="con_cc_delivery",
)


@pytest.fixture(params=[True, False], ids=["columns", "rows"])
def connector(request: pytest.FixtureRequest) -> SqlConnector:
    return SqlConnector(columnar=request.param)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "concrete plant.db"
    with sqlite3.connect(path) as db:
        db.execute(
            "CREATE TABLE delivery_ticket (ticket_no TEXT, signed_m3 TEXT, updated_at TEXT, driver TEXT)"
        )
        db.executemany(
            "INSERT INTO delivery_ticket VALUES (?, ?, ?, '张三')",
            [
                ("T1", "１0.50 ", "2024-09-01 08:00:00"),
                ("T2", None, "2024-09-30 23:59:59"),
                ("T3", "", "2024-10-01 00:00:00"),
                ("T4", "9", None),
            ],
        )
    db.close()
    return path


def sqlite_source(path: Path, timeout_seconds: float = 5.0) -> Source:
    return Source("concrete", f"sqlite:///{path}", timeout_seconds=timeout_seconds)


def test_every_value_lands_as_the_text_the_source_holds(database: Path, connector: SqlConnector) -> None:
    rows, proof = read(sqlite_source(database), TICKETS, connector=connector)
    assert [r["signed_m3"] for r in rows] == ["１0.50 ", None, "", "9"]
    assert [r["_row_no"] for r in rows] == [1, 2, 3, 4]
    assert {r["_source_ref"] for r in rows} == {"delivery_ticket"}
    assert {r["_row_kind"] for r in rows} == {"data"}
    assert proof["complete"] is True
    assert proof["full"] is True
    assert (proof["rows"], proof["expected"]) == (4, 4)
    assert proof["unread_columns"] == ["driver"]


def test_the_watermark_bound_is_inclusive_and_rows_without_one_always_come(
    database: Path, connector: SqlConnector
) -> None:
    since = datetime(2024, 9, 30, 23, 59, 59)
    rows, proof = read(sqlite_source(database), TICKETS, since, connector=connector)
    assert [r["ticket_no"] for r in rows] == ["T2", "T3", "T4"]
    assert rows[0]["_source_ref"] == "delivery_ticket?updated_at>=2024-09-30"
    assert proof["full"] is False
    assert proof["expected"] == 3


@pytest.mark.parametrize("form", [None, "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M"])
def test_a_text_watermark_without_a_time_is_in_its_day(
    database: Path, connector: SqlConnector, form: str | None
) -> None:
    with sqlite3.connect(database) as db:
        db.execute("UPDATE delivery_ticket SET updated_at = substr(updated_at, 1, 10)")
    db.close()
    transport = {"kind": "sql", "table": "delivery_ticket"} | ({"watermark_format": form} if form else {})
    table = replace(TICKETS, transport=transport)
    rows, _ = read(sqlite_source(database), table, datetime(2024, 9, 30), connector=connector)
    assert [r["ticket_no"] for r in rows] == ["T2", "T3", "T4"]


def test_a_watermark_of_digits_alone_may_be_a_number_and_is_bound_as_it_is(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "numbers.db") as db:
        db.execute("CREATE TABLE delivery_ticket (ticket_no TEXT, signed_m3 TEXT, updated_at INTEGER)")
        db.execute(
            "INSERT INTO delivery_ticket VALUES ('T1', '1', 20240929235959), ('T2', '2', 20240930000000)"
        )
    db.close()
    transport = {"kind": "sql", "table": "delivery_ticket", "watermark_format": "%Y%m%d%H%M%S"}
    rows, _ = read(
        sqlite_source(tmp_path / "numbers.db"), replace(TICKETS, transport=transport), datetime(2024, 9, 30)
    )
    assert [r["ticket_no"] for r in rows] == ["T2"]


def test_numbers_dates_and_nulls_give_one_text_on_both_paths(tmp_path: Path) -> None:
    path = tmp_path / "types.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE t (i INTEGER, r REAL, b BOOLEAN, d DATE, late TEXT, x BLOB)")
        values = [(i, i / 7, i % 2, "2024-09-10", "x" if i > 3000 else None, b"ab") for i in range(4000)]
        db.executemany(
            "INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)", [*values, (2**60, 4567.89, 1, None, None, None)]
        )
    db.close()
    table = contract(
        {"kind": "sql", "table": "t"},
        column("i", kind="integer", key=1),
        column("r", kind="decimal"),
        *(column(n) for n in ("b", "d", "late", "x")),
    )
    fast, fast_proof = read(sqlite_source(path), table, connector=SqlConnector(columnar=True))
    slow, slow_proof = read(sqlite_source(path), table, connector=SqlConnector(columnar=False))
    assert (fast_proof.pop("path"), slow_proof.pop("path")) == ("adbc_driver_sqlite", "sqlalchemy")
    assert fast == slow
    assert fast_proof == slow_proof
    assert (fast[-1]["i"], fast[-1]["r"], fast[-1]["b"]) == (str(2**60), "4567.89", "1")
    assert fast[3999]["late"] == "x"


def test_a_touched_scope_comes_whole(tmp_path: Path, connector: SqlConnector) -> None:
    path = tmp_path / "books.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE gl_detail (pk_detail TEXT, pk_voucher TEXT, ts TEXT)")
        rows = [
            ("1", "A", "2024-09-01"),
            ("2", "A", "2024-10-02"),
            ("3", "B", "2024-09-01"),
            ("4", "C", "2024-10-09"),
        ]
        db.executemany("INSERT INTO gl_detail VALUES (?, ?, ?)", rows)
    db.close()
    lines = contract(
        {"kind": "sql", "table": "gl_detail", "watermark_format": "%Y-%m-%d"},
        column("pk_detail", key=1),
        column("pk_voucher"),
        column("ts"),
        update=Update("replace", scope=("pk_voucher",), watermark="ts"),
    )
    landed, proof = read(sqlite_source(path), lines, datetime(2024, 10, 1), connector=connector)
    assert [r["pk_detail"] for r in landed] == ["1", "2", "4"]
    assert (proof["expected"], proof["full"]) == (3, False)


def test_an_empty_table_is_a_complete_answer(tmp_path: Path, connector: SqlConnector) -> None:
    path = tmp_path / "empty.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE delivery_ticket (ticket_no TEXT, signed_m3 TEXT, updated_at TEXT)")
    db.close()
    rows, proof = read(sqlite_source(path), TICKETS, connector=connector)
    assert rows == []
    assert (proof["complete"], proof["rows"], proof["expected"]) == (True, 0, 0)


def test_rows_written_while_reading_do_not_enter_the_snapshot(
    database: Path, connector: SqlConnector
) -> None:
    with sqlite3.connect(database) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.executemany(
            "INSERT INTO delivery_ticket VALUES (?, '1', '2024-10-01 00:00:00', '')",
            [(f"N{i}",) for i in range(40_000)],
        )
    db.close()
    extraction = connector.extract(sqlite_source(database), ExtractionRequest(TICKETS))
    count = next(extraction.batches).num_rows
    with sqlite3.connect(database) as db:
        db.execute("DELETE FROM delivery_ticket WHERE ticket_no = 'N39999'")
        db.execute("INSERT INTO delivery_ticket VALUES ('late', '1', '2024-10-01 00:00:00', '')")
    db.close()
    count += sum(batch.num_rows for batch in extraction.batches)
    assert count == extraction.proof["expected"] == 40_004


@pytest.mark.parametrize("columnar", [False, True], ids=["rows", "columns"])
def test_rows_written_between_count_and_rows_stay_out(database: Path, columnar: bool) -> None:
    def write() -> None:
        with sqlite3.connect(database) as other:
            other.execute("DELETE FROM delivery_ticket")
        other.close()

    with sqlite3.connect(database) as db:
        db.execute("PRAGMA journal_mode=WAL")
    db.close()
    with after_count("adbc_driver_sqlite", write):
        rows, proof = read(sqlite_source(database), TICKETS, connector=SqlConnector(columnar))
    assert (len(rows), proof["expected"], proof["complete"]) == (4, 4, True)
    assert sqlite3.connect(database).execute("SELECT count(*) FROM delivery_ticket").fetchone() == (0,)


def test_a_missing_file_is_permanent_and_is_not_created(tmp_path: Path, connector: SqlConnector) -> None:
    path = tmp_path / "gone.db"
    with pytest.raises(PermanentFailure) as caught:
        read(sqlite_source(path), TICKETS, connector=connector)
    message = str(caught.value)
    assert message.startswith(
        "concrete / con_cc_delivery / gone.db/delivery_ticket: there is no such database"
    )
    assert "→ correct the database name in its URL" in message
    assert not path.exists()


def test_a_missing_table_is_named(database: Path, connector: SqlConnector) -> None:
    table = contract({"kind": "sql", "table": "ticket"}, column("ticket_no", key=1), name="con_cc_delivery")
    with pytest.raises(
        PermanentFailure, match=r"concrete plant\.db/ticket: there is no such table or view → corr"
    ):
        read(sqlite_source(database), table, connector=connector)


def test_a_changed_column_is_named_with_those_that_are_there(database: Path, connector: SqlConnector) -> None:
    table = contract(
        {"kind": "sql", "table": "delivery_ticket"},
        column("ticket_no", key=1),
        column("signed_m3", "qty_signed"),
    )
    with pytest.raises(PermanentFailure) as caught:
        read(sqlite_source(database), table, connector=connector)
    assert "columns not there: qty_signed; there are: ticket_no, signed_m3, updated_at, driver" in str(
        caught.value
    )
    assert "correct physicalName of the columns in the contract" in str(caught.value)
    with pytest.raises(PermanentFailure, match="qty_signed"):
        probe(sqlite_source(database), table)


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("finance database", "this is no database URL"),
        ("dm://u:s3cret@h/d", "driver for this database is not"),
    ],
)
def test_an_address_that_cannot_be_used_is_permanent_and_not_shown(url: str, cause: str) -> None:
    with pytest.raises(PermanentFailure, match=cause) as caught:
        probe(Source("finance", url), TICKETS)
    assert "s3cret" not in str(caught.value)


def test_names_that_differ_in_case_only_are_found(database: Path) -> None:
    table = contract({"kind": "sql", "table": "delivery_ticket"}, column("ticket_no", "TICKET_NO", key=1))
    assert len(read(sqlite_source(database), table)[0]) == 4


def test_a_file_that_is_no_database_is_permanent(tmp_path: Path, connector: SqlConnector) -> None:
    path = tmp_path / "notes.db"
    path.write_text("just text, long enough to be taken for a header of something else entirely" * 20)
    with pytest.raises(PermanentFailure, match="not a database or it is damaged"):
        read(sqlite_source(path), TICKETS, connector=connector)


def test_a_locked_database_is_transient(database: Path, connector: SqlConnector) -> None:
    holder = sqlite3.connect(database, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(TransientFailure, match=r"busy, locked or starting \(.*database is locked"):
            read(sqlite_source(database, timeout_seconds=0.1), TICKETS, connector=connector)
    finally:
        holder.close()


def test_bytes_that_are_no_text_are_a_failure_of_the_column(tmp_path: Path, connector: SqlConnector) -> None:
    path = tmp_path / "bytes.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE t (a TEXT, b TEXT)")
        db.execute("INSERT INTO t VALUES ('x', CAST(x'ff41' AS TEXT))")
    db.close()
    table = contract({"kind": "sql", "table": "t"}, column("a", key=1), column("b"))
    with pytest.raises(PermanentFailure, match=r"bytes\.db/t.*a text is not in the database's encoding"):
        read(sqlite_source(path), table, connector=connector)


def test_nobody_listening_is_transient_and_the_password_stays_secret() -> None:
    source = Source("finance", "postgresql+psycopg://reader:s3cret@127.0.0.1:9/nc", timeout_seconds=2)
    with pytest.raises(TransientFailure) as caught:
        read(
            source, contract({"kind": "sql", "table": "gl_voucher"}, column("pk", key=1), name="fin_voucher")
        )
    assert str(caught.value).startswith("finance / fin_voucher / nc/gl_voucher: nobody answers there (")
    assert "check host and port" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__suppress_context__
    assert "s3cret" not in repr(source)


def test_a_text_watermark_without_a_format_is_a_contract_error(database: Path) -> None:
    table = contract(
        {"kind": "sql", "table": "delivery_ticket"},
        column("ticket_no", key=1),
        column("updated_at"),
        update=Update("upsert", watermark="updated_at"),
    )
    with pytest.raises(ContractError, match="give watermark_format"):
        read(sqlite_source(database), table, datetime(2024, 10, 1))
