"""Holds warehouse SQL to the portable subset: what means the same on DuckDB and on Spark.

Belongs here: the list of what a ``.sql`` file may use, and finding what it may not. Add a function to
``PORTABLE_FUNCTIONS`` after both engines gave equal values for it. Keep out: running SQL, and what a table
must hold (its contract). sqlglot passes several of these constructs on in silence with another value, which
is why the list says what is allowed and everything else is a violation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import sqlglot
from sqlglot import exp

DIALECT = "duckdb"

PORTABLE_FUNCTIONS: tuple[type[exp.Func], ...] = (
    # operators and conditions that sqlglot counts among functions
    exp.And, exp.Or, exp.Case, exp.If, exp.Cast, exp.TryCast, exp.Exists, exp.Coalesce, exp.Nullif,
    exp.Greatest, exp.Least,
    # aggregates and windows
    exp.Count, exp.Sum, exp.Min, exp.Max, exp.Grouping, exp.RowNumber, exp.Rank, exp.DenseRank, exp.Lag,
    exp.Lead, exp.FirstValue, exp.LastValue,
    # text, numbers, dates
    exp.StrPosition, exp.Substring, exp.Length, exp.Lower, exp.Upper, exp.Trim, exp.Replace, exp.MD5,
    exp.RegexpLike, exp.Abs, exp.LastDay, exp.Extract, exp.Year, exp.Month, exp.Day,
)  # fmt: skip

PORTABLE_TYPES = {"DECIMAL", "SMALLINT", "INT", "BIGINT", "VARCHAR", "TEXT", "DATE", "TIMESTAMP", "BOOLEAN"}

_MULTIPLIED_INTO = {"DECIMAL", "SMALLINT", "INT", "BIGINT"}


@dataclass(frozen=True)
class Violation:
    """One construct outside the subset: where, what it is called, its text, what to write instead."""

    file: str
    construct: str
    text: str
    cure: str

    def __str__(self) -> str:
        return f"{self.file}: {self.construct}: {self.text} → {self.cure}"


Test = Callable[[exp.Expr], bool]


def _is(*kinds: type[exp.Expr]) -> Test:
    return lambda node: isinstance(node, kinds)


def _has(kind: type[exp.Expr], part: str) -> Test:
    return lambda node: isinstance(node, kind) and bool(node.args.get(part))


def _is_bare_product(node: exp.Expr) -> bool:
    """A product that no CAST gives a type at once: engines widen DECIMAL products differently."""
    if not isinstance(node, exp.Mul):
        return False
    above = node.parent
    while isinstance(above, exp.Paren):
        above = above.parent
    return not (isinstance(above, exp.Cast) and above.to.this.value in _MULTIPLIED_INTO)


def _is_division(node: exp.Expr) -> bool:
    """Any division but that of whole numbers that both are cast to BIGINT: engines cut its rest alike."""
    if not isinstance(node, exp.IntDiv):
        return isinstance(node, exp.Div)
    sides = (node.this.unnest(), node.expression.unnest())
    return not all(isinstance(s, exp.Cast) and s.to.this.value == "BIGINT" for s in sides)


def _is_foreign_type(node: exp.Expr) -> bool:
    return isinstance(node, exp.DataType) and node.this.value not in PORTABLE_TYPES


def _is_foreign_function(node: exp.Expr) -> bool:
    return isinstance(node, exp.Func) and not isinstance(node, (*PORTABLE_FUNCTIONS, *_NAMED_APART))


def _is_order_by_all(node: exp.Expr) -> bool:
    return isinstance(node, exp.Ordered) and isinstance(node.this, exp.Var)


def _is_or_of_outer_join(node: exp.Expr) -> bool:
    """An OR that an outer join depends on. DuckDB then compares every pair of rows: a million ledger lines
    took 116 s instead of 0.3 s. An inner join filters afterwards and stays fast."""
    if not isinstance(node, exp.Or):
        return False
    above: exp.Expr | None = node.parent
    while isinstance(above, exp.And | exp.Or | exp.Paren):
        above = above.parent
    return isinstance(above, exp.Join) and bool(above.side)


def _is_star_with_changes(node: exp.Expr) -> bool:
    return isinstance(node, exp.Star) and any(node.args.values())


_LIST_FUNCTIONS: tuple[type[exp.Func], ...] = (
    exp.Array, exp.ArrayAgg, exp.Explode, exp.Unnest, exp.GenerateSeries,
)  # fmt: skip

_NAMED_APART: tuple[type[exp.Func], ...] = (*_LIST_FUNCTIONS, exp.Avg, exp.Struct, exp.Columns)
"""Functions that have a rule of their own below, so that one use is one violation."""

FORBIDDEN: tuple[tuple[str, Test, str], ...] = (
    ("QUALIFY", _is(exp.Qualify), "number the rows in a CTE and filter on the number"),
    ("GROUP BY ALL", _has(exp.Group, "all"), "name the columns"),
    ("ORDER BY ALL", _is_order_by_all, "name the columns"),
    ("DISTINCT ON", _has(exp.Distinct, "on"), "number the rows in a CTE"),
    ("* EXCLUDE/REPLACE", _is_star_with_changes, "name the columns"),
    ("COLUMNS()", _is(exp.Columns), "name the columns"),
    (
        "division",
        _is_division,
        "carry both parts: ratios are made by the metric layer; whole numbers: CAST(a AS BIGINT) // CAST(b AS BIGINT)",
    ),
    ("avg", _is(exp.Avg), "carry sum and count: averages are made by the metric layer"),
    ("product without CAST", _is_bare_product, "write CAST(a * b AS DECIMAL(p, s))"),
    ("list", _is(*_LIST_FUNCTIONS), "use rows: VALUES, joins"),
    ("list element", _is(exp.Bracket), "use rows or substr"),
    ("struct", _is(exp.Struct, exp.Dot), "use columns"),
    ("lambda", _is(exp.Lambda), "use rows"),
    ("type", _is_foreign_type, f"use one of {', '.join(sorted(PORTABLE_TYPES))}"),
    ("OR in an outer join", _is_or_of_outer_join, "COALESCE the open end, so that keys can be hashed"),
    ("join kind", _has(exp.Join, "method"), "join on a range of dates"),
    ("sample", _is(exp.TableSample), "read every row"),
    ("pivot", _is(exp.Pivot), "use max(CASE WHEN …)"),
    ("catalog name", _has(exp.Table, "catalog"), "write schema.table"),
    ("function", _is_foreign_function, "use a function of PORTABLE_FUNCTIONS, or prove it equal and add it"),
)  # fmt: skip
"""Construct, how it is recognised, what to write instead."""


def lint_sql(sql: str, file: str) -> list[Violation]:
    """Everything in ``sql`` outside the subset; ``file`` is only for the message. ``[]`` = portable."""
    try:
        statements = [s for s in sqlglot.parse(sql, dialect=DIALECT) if s is not None]
    except sqlglot.errors.SqlglotError as error:
        return [Violation(file, "syntax", str(error).splitlines()[0], "write SQL of the DuckDB dialect")]
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        kinds = ", ".join(s.key.upper() for s in statements) or "nothing"
        return [
            Violation(file, "statement", kinds, "write exactly one SELECT; no macros, no changes of data")
        ]
    return list(_violations(statements[0], file))


def lint_files(files: Iterable[Path], root: Path) -> list[Violation]:
    """Violations of all ``files``, named relative to ``root``."""
    found: list[Violation] = []
    for path in sorted(files):
        found += lint_sql(path.read_text(encoding="utf-8"), path.relative_to(root).as_posix())
    return found


def _violations(tree: exp.Expr, file: str) -> Iterator[Violation]:
    for node in tree.walk():
        for construct, test, cure in FORBIDDEN:
            if test(node):
                yield Violation(file, construct, node.sql(dialect=DIALECT)[:80], cure)
