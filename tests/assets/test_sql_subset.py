"""All SQL of the warehouse stays inside the portable subset, and the linter sees what does not."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlglot

import assets
from assets.sql_files import sql_files
from assets.sql_lint import FORBIDDEN, lint_files, lint_sql

ASSETS = Path(assets.__file__).parent
FILES = sorted(ASSETS.glob("**/*.sql"))

BAD = [
    ("QUALIFY", "SELECT a FROM t QUALIFY row_number() OVER (ORDER BY a) = 1"),
    ("GROUP BY ALL", "SELECT a, count(*) FROM t GROUP BY ALL"),
    ("ORDER BY ALL", "SELECT a FROM t ORDER BY ALL"),
    ("DISTINCT ON", "SELECT DISTINCT ON (a) a, b FROM t"),
    ("* EXCLUDE/REPLACE", "SELECT * EXCLUDE (a) FROM t"),
    ("* EXCLUDE/REPLACE", "SELECT * REPLACE (a + 1 AS a) FROM t"),
    ("COLUMNS()", "SELECT COLUMNS('a.*') FROM t"),
    ("division", "SELECT a / b FROM t"),
    ("division", "SELECT a // b FROM t"),
    ("division", "SELECT CAST(a AS BIGINT) // b FROM t"),
    ("division", "SELECT CAST(a AS BIGINT) // CAST(b AS DECIMAL(9, 2)) FROM t"),
    ("division", "SELECT CAST(a AS BIGINT) / CAST(b AS BIGINT) FROM t"),
    ("avg", "SELECT avg(a) FROM t"),
    ("product without CAST", "SELECT a * b FROM t"),
    ("product without CAST", "SELECT CAST(a * b * c AS DECIMAL(18, 2)) FROM t"),
    ("product without CAST", "SELECT CAST(a * b + c AS DECIMAL(18, 2)) FROM t"),
    ("product without CAST", "SELECT sum(a * b) FROM t"),
    ("product without CAST", "SELECT CAST(a * b AS VARCHAR) FROM t"),
    ("list", "SELECT [a, b] FROM t"),
    ("list", "SELECT list(a) FROM t"),
    ("list", "SELECT array_agg(a) FROM t"),
    ("list", "SELECT unnest(a) FROM t"),
    ("list", "SELECT a FROM generate_series(1, 9) AS g(a)"),
    ("list element", "SELECT a[1] FROM t"),
    ("struct", "SELECT {'a': 1} AS b FROM t"),
    ("struct", "SELECT struct_pack(a := 1) AS b FROM t"),
    ("lambda", "SELECT list_transform(a, x -> x) FROM t"),
    ("type", "SELECT CAST(a AS DOUBLE) FROM t"),
    ("type", "SELECT a::FLOAT FROM t"),
    ("type", "SELECT CAST(a AS HUGEINT) FROM t"),
    ("type", "SELECT CAST(a AS INTEGER[]) FROM t"),
    ("type", "SELECT TRY_CAST(a AS TIMESTAMPTZ) FROM t"),
    ("join kind", "SELECT t.a FROM t ASOF JOIN u ON t.a >= u.a"),
    ("join kind", "SELECT t.a FROM t POSITIONAL JOIN u"),
    ("OR in an outer join", "SELECT t.a FROM t LEFT JOIN u ON t.a = u.a AND (u.b IS NULL OR u.b > t.b)"),
    ("sample", "SELECT a FROM t USING SAMPLE 5"),
    ("pivot", "SELECT * FROM t PIVOT (sum(b) FOR a IN ('x', 'y'))"),
    ("catalog name", "SELECT a FROM warehouse.core.t"),
    ("function", "SELECT hash(a) FROM t"),
    ("function", "SELECT try_strptime(a, '%Y-%m-%d') FROM t"),
    ("function", "SELECT my_macro(a) FROM t"),
    ("function", "SELECT median(a) FROM t"),
    ("function", "SELECT concat_ws('|', a, b) FROM t"),
    ("function", "SELECT bit_xor(a) FROM t"),
    ("function", "SELECT a -> '$.x' FROM t"),
    ("function", "SELECT string_agg(a, ',') FROM t"),
    ("function", "SELECT a FROM read_parquet('x.parquet')"),
    ("statement", "CREATE MACRO twice(a) AS a + a"),
    ("statement", "SELECT 1; SELECT 2"),
    ("statement", "DELETE FROM t"),
    ("statement", "INSERT INTO t SELECT 1"),
    ("statement", "-- nothing but words"),
    ("syntax", "SELECT FROM WHERE"),
]

GOOD = [
    "SELECT CAST(a * b AS DECIMAL(20, 2)), CAST((a * b) AS BIGINT), count(*), count(DISTINCT c) FROM t",
    "WITH r AS (SELECT a, rank() OVER (PARTITION BY b ORDER BY c) AS n FROM t) SELECT a FROM r WHERE n = 1",
    "SELECT a, b, sum(c) FROM t GROUP BY GROUPING SETS ((a, b), (a), ())",
    "SELECT CASE WHEN strpos(a, 'x') > 0 THEN substr(a, 1, 4) END, COALESCE(a, b), md5(a || '|' || b) FROM t",
    "SELECT a FROM t WHERE regexp_matches(a, '^[0-9]+$') AND a IS DISTINCT FROM b",
    "SELECT TRY_CAST(a AS DATE), last_day(b), c + INTERVAL 8 HOUR, least(b, d) FROM core.t",
    "SELECT t.a FROM t JOIN u ON t.a = u.a AND COALESCE(t.b = 1 OR u.b = 1, FALSE) WHERE t.b = 1 OR u.b = 2",
    "SELECT t.a FROM t INNER JOIN u ON t.a = u.a AND (u.b IS NULL OR u.b > t.b)",
    "SELECT CAST(a + b AS BIGINT) // (CAST(c AS BIGINT)) FROM t",
    "SELECT 1 AS a UNION ALL SELECT 2",
    "SELECT a FROM (VALUES (1), (2)) AS v(a)",
    "SELECT a FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.a = t.a) AND a IN (SELECT b FROM v)",
]


@pytest.mark.parametrize("name", [n for n, f in sql_files("core").items() if f.origin.suffix != ".sql"])
def test_what_no_sql_file_says_stays_inside_it_too(name: str) -> None:
    sql = sql_files("core")[name].sql
    assert [str(v) for v in lint_sql(sql, f"core/{name}")] == []
    assert len(sqlglot.transpile(sql, read="duckdb", write="spark")) == 1


def test_there_is_sql_to_lint() -> None:
    assert len([path for path in FILES if path.parent.name == "core"]) >= 15


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ASSETS).as_posix())
def test_a_file_stays_inside_the_subset(path: Path) -> None:
    assert [str(v) for v in lint_files([path], ASSETS)] == []


@pytest.mark.parametrize(("construct", "sql"), BAD, ids=[f"{c}: {s[:50]}" for c, s in BAD])
def test_a_forbidden_construct_is_seen(construct: str, sql: str) -> None:
    found = lint_sql(sql, "core/planted.sql")
    assert construct in {v.construct for v in found}
    assert all(v.file == "core/planted.sql" and v.text and v.cure for v in found)


def test_every_forbidden_construct_has_a_bad_snippet() -> None:
    assert {name for name, _, _ in FORBIDDEN} <= {construct for construct, _ in BAD}


@pytest.mark.parametrize("sql", GOOD, ids=[s[:60] for s in GOOD])
def test_what_the_subset_allows_passes(sql: str) -> None:
    assert lint_sql(sql, "core/good.sql") == []


def test_every_violation_of_a_file_is_listed(tmp_path: Path) -> None:
    (tmp_path / "mart").mkdir()
    (tmp_path / "mart" / "bad.sql").write_text("SELECT avg(a) / hash(b) FROM t", encoding="utf-8")
    (tmp_path / "good.sql").write_text("SELECT a FROM t", encoding="utf-8")
    found = lint_files(tmp_path.glob("**/*.sql"), tmp_path)
    assert [(v.file, v.construct) for v in found] == [
        ("mart/bad.sql", "division"),
        ("mart/bad.sql", "avg"),
        ("mart/bad.sql", "function"),
    ]
    assert str(found[1]).startswith("mart/bad.sql: avg: AVG(a) → ")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ASSETS).as_posix())
def test_a_file_can_be_written_for_spark(path: Path) -> None:
    written = sqlglot.transpile(path.read_text(encoding="utf-8"), read="duckdb", write="spark")
    assert len(written) == 1
    assert sqlglot.parse_one(written[0], dialect="spark") is not None
