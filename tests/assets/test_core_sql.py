"""The core tables do what their golden cases say, and keep the shape every table of the layer has."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa
from duckdb_sqlalchemy import ConnectionWrapper

from assets.mart.ledger_rows import traced
from assets.sql_files import sql_files, upstream_tables
from data_contracts.contract_file import load_contracts
from data_contracts.metric import load_metrics
from data_contracts.outputs import load_outputs
from resources.engine import DuckDBSession
from tests.assets.core_warehouse import build_warehouse, core_sql
from tests.assets.golden import Case, expected_rows, load_cases, rows_of

CASES = load_cases(Path(__file__).parents[1] / "golden" / "core")

UNLIKE_THE_CONTRACT = {
    # Cases of the ledger leave its own key out where it plays no part.
    "fct_gl_line": "_source_key",
    # A name that nobody has mapped to a project stands for itself.
    "fct_investment": "COALESCE(project_code, reported_project), stat_month, component",
}
KEYS = {
    name: UNLIKE_THE_CONTRACT.get(name, ", ".join(load_outputs()[f"core.{name}"].key)) for name in core_sql()
}

MEMBERS = {
    "org_code": ("dim_org", "org_code"),
    "counter_org_code": ("dim_org", "org_code"),
    "owner_org_code": ("dim_org", "org_code"),
    "parent_org_code": ("dim_org", "org_code"),
    "project_code": ("dim_project", "project_code"),
    "park_code": ("dim_park", "park_code"),
    "company_key": ("dim_company", "company_key"),
}


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.name)
def built(request: pytest.FixtureRequest) -> Iterator[tuple[Case, duckdb.DuckDBPyConnection]]:
    case: Case = request.param
    connection = build_warehouse(case.given, case.cut_off)
    yield case, connection
    connection.close()


def test_a_golden_case_comes_out_as_written(built: tuple[Case, duckdb.DuckDBPyConnection]) -> None:
    case, connection = built
    for table, rows in case.expect.items():
        columns, expected = expected_rows(connection, table, rows)
        assert rows_of(connection, table, columns) == expected, f"{case.name}: core.{table}: {case.rule}"


def test_a_golden_figure_comes_out_as_written(built: tuple[Case, duckdb.DuckDBPyConnection]) -> None:
    case, connection = built
    for figure in case.figures:
        where = f"WHERE {figure['where']}" if "where" in figure else ""
        query = f"SELECT {figure['figure']} FROM core.{figure['of']} {where}"
        value = connection.execute(query).fetchall()[0][0]
        assert Decimal(str(value)) == Decimal(figure["is"]), f"{case.name}: {query}"


def test_every_table_has_one_row_a_key(built: tuple[Case, duckdb.DuckDBPyConnection]) -> None:
    case, connection = built
    doubled = [
        f"SELECT '{table}', count(*) FROM core.{table} GROUP BY {key} HAVING count(*) > 1"
        for table, key in KEYS.items()
    ]
    assert connection.execute(" UNION ALL ".join(doubled)).fetchall() == [], case.name


def test_every_reference_finds_its_member(built: tuple[Case, duckdb.DuckDBPyConnection]) -> None:
    case, connection = built
    columns = connection.execute(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE schema_name = 'core'"
    ).fetchall()
    lost = [
        f"SELECT DISTINCT '{table}.{column}', t.{column} FROM core.{table} AS t "
        f"ANTI JOIN core.{MEMBERS[column][0]} AS p ON t.{column} = p.{MEMBERS[column][1]} "
        f"WHERE t.{column} IS NOT NULL"
        for table, column in columns
        if column in MEMBERS
    ]
    assert len(lost) > 30
    assert connection.execute(" UNION ALL ".join(lost)).fetchall() == [], case.name


def test_every_fact_stands_in_a_ledger(built: tuple[Case, duckdb.DuckDBPyConnection]) -> None:
    """Those of all product metrics, but for projects that only other ledgers name."""
    case, connection = built
    inferred = "SELECT project_code FROM core.dim_project WHERE is_inferred"
    engine = sa.create_engine("duckdb://", creator=lambda: ConnectionWrapper(connection.cursor()))
    with engine.connect() as cursor:
        for fact in sorted({m.fact for m in load_metrics().values() if m.fact}):
            rows = f"SELECT *, NULL AS _amount, NULL AS _member FROM core.{fact}"
            placed = traced(DuckDBSession(cursor), fact, rows, load_contracts())
            lost = connection.execute(
                f"SELECT DISTINCT source_table, source_key FROM ({placed}) WHERE known_from IS NULL "
                f"AND split_part(source_key, '|', 1) NOT IN ({inferred})"
            ).fetchall()
            assert lost == [], f"{case.name}: core.{fact}"


@pytest.mark.parametrize("dimension", ["dim_org", "dim_account", "dim_project", "dim_park"])
def test_a_history_covers_every_day_once(
    built: tuple[Case, duckdb.DuckDBPyConnection], dimension: str
) -> None:
    case, connection = built
    key = KEYS[dimension]
    broken = connection.execute(
        f"""SELECT {key}, valid_from, valid_to FROM (
            SELECT {key}, valid_from, valid_to,
                lag(valid_to) OVER (PARTITION BY {key} ORDER BY valid_from) AS before,
                lead(valid_from) OVER (PARTITION BY {key} ORDER BY valid_from) AS after
            FROM core.{dimension}_history)
        WHERE valid_from IS DISTINCT FROM COALESCE(before, DATE '0001-01-01')
            OR valid_to IS DISTINCT FROM after"""
    ).fetchall()
    assert broken == [], f"{case.name}: core.{dimension}_history"
    assert set(rows_of(connection, f"{dimension}_history", key.split(", "))) == set(
        rows_of(connection, dimension, key.split(", "))
    )


def test_files_run_after_what_they_read() -> None:
    order = list(core_sql())
    for name, file in sql_files("core").items():
        for read in file.reads:
            schema, table = read.split(".")
            assert schema in ("known", "core"), f"core.{name} reads {read}"
            if schema == "core" and table != "cut_off":
                assert order.index(table) < order.index(name)


@pytest.mark.parametrize("name", sorted(KEYS))
def test_a_file_says_what_it_is_and_how_it_is_kept(name: str) -> None:
    first, second = core_sql()[name].splitlines()[:2]
    assert first.startswith("-- ")
    assert first.endswith(".")
    assert second in ("-- materialized: view", "-- materialized: table")


MIXED = {"dim_region", "dim_code"}
"""Reference data that ledgers add to."""


def _behind(table: str) -> set[str]:
    return upstream_tables({f.table: f for f in sql_files("core").values()}, table)


@pytest.fixture(scope="module")
def empty() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = build_warehouse({}, date(2024, 10, 10))
    yield connection
    connection.close()


def test_an_empty_warehouse_has_empty_facts(empty: duckdb.DuckDBPyConnection) -> None:
    for table in core_sql():
        count = empty.execute(f"SELECT count(*) FROM core.{table}").fetchall()[0][0]
        files = sql_files("core")
        given = [t for t in files if not any(r.startswith("known.") for r in _behind(f"core.{t}"))]
        assert (count > 0) == (table in given or table in MIXED), table


def test_the_calendar_has_every_day_once(empty: duckdb.DuckDBPyConnection) -> None:
    days = [row[0] for row in rows_of(empty, "dim_date", ["calendar_date"])]
    first = date(2021, 1, 1)
    assert sorted(days) == [first + timedelta(days=n) for n in range(2191)]
    assert max(days) == date(2026, 12, 31)


@pytest.mark.parametrize(
    ("day", "words"),
    [
        ("2024-02-29", (2024, 1, "2024Q1", 2, "202402", "下旬", "2024", "02", True, False)),
        ("2024-08-10", (2024, 3, "2024Q3", 8, "202408", "上旬", "2024", "08", False, False)),
        ("2024-08-11", (2024, 3, "2024Q3", 8, "202408", "中旬", "2024", "08", False, False)),
        ("2024-08-20", (2024, 3, "2024Q3", 8, "202408", "中旬", "2024", "08", False, False)),
        ("2024-08-21", (2024, 3, "2024Q3", 8, "202408", "下旬", "2024", "08", False, False)),
        ("2024-09-30", (2024, 3, "2024Q3", 9, "202409", "下旬", "2024", "09", True, False)),
        ("2024-10-01", (2024, 4, "2024Q4", 10, "202410", "上旬", "2024", "10", False, True)),
        ("2024-10-07", (2024, 4, "2024Q4", 10, "202410", "上旬", "2024", "10", False, True)),
        ("2024-10-08", (2024, 4, "2024Q4", 10, "202410", "上旬", "2024", "10", False, False)),
        ("2023-09-29", (2023, 3, "2023Q3", 9, "202309", "下旬", "2023", "09", False, True)),
    ],
)
def test_the_calendar_knows_the_words_of_a_day(
    empty: duckdb.DuckDBPyConnection, day: str, words: tuple[object, ...]
) -> None:
    found = empty.execute(
        "SELECT year_no, quarter_no, quarter, month_no, stat_month, dekad, fiscal_year, fiscal_period, "
        f"is_month_end, is_national_day_holiday FROM core.dim_date WHERE calendar_date = '{day}'"
    ).fetchall()
    assert found == [words]


def test_windows_reach_to_the_quarter_of_the_cut_off(empty: duckdb.DuckDBPyConnection) -> None:
    rows = rows_of(
        empty, "dim_quarter", ["quarter", "period", "period_start", "period_end", "as_of", "is_current"]
    )
    assert len(rows) == 16
    assert min(rows)[0] == "2023Q1"
    start, end = date(2024, 7, 1), date(2024, 9, 30)
    assert ("2024Q3", "quarter", start, end, end, False) in rows
    assert ("2024Q3", "ytd", date(2024, 1, 1), end, end, False) in rows
    assert ("2024Q4", "quarter", date(2024, 10, 1), date(2024, 12, 31), date(2024, 12, 31), True) in rows
    assert {row[0] for row in rows if row[5]} == {"2024Q4"}


@pytest.mark.parametrize(
    ("cut_off", "last", "count"),
    [("2023-01-01", "2023Q1", 2), ("2024-09-30", "2024Q3", 14), ("2031-12-31", "2031Q4", 72)],
)
def test_windows_grow_with_the_cut_off(cut_off: str, last: str, count: int) -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA core")
        connection.execute(f"CREATE VIEW core.cut_off AS SELECT DATE '{cut_off}' AS cut_off_date")
        windows = connection.execute(core_sql()["dim_quarter"]).fetchall()
        assert len(windows) == count
        assert max(windows)[0] == last
