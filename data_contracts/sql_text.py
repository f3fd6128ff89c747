"""SQL as text: how a value is written, and what a SELECT reads and gives.

Belongs here: what every compiler of this package and every reader of ``.sql`` files needs. Keep out: what a
contract, metric or reconciliation compiles to.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import sqlglot
from sqlglot import exp

DIALECT = "duckdb"


def literal(value: object) -> str:
    """A value as a text literal, which takes the type of where it stands; None is ``NULL``."""
    return "NULL" if value is None else "'" + str(value).replace("'", "''") + "'"


def row(values: Iterable[object]) -> str:
    """Values as one row of ``VALUES``."""
    return f"({', '.join(map(literal, values))})"


@cache
def tables_read(sql: str) -> tuple[str, ...]:
    """``schema.table`` names a SELECT reads, in order of first mention, its own CTEs left out."""
    found = sqlglot.parse_one(sql, dialect=DIALECT).find_all(exp.Table)
    return tuple(dict.fromkeys(f"{t.db}.{t.name}" for t in found if t.db))


@cache
def columns_given(sql: str) -> tuple[str, ...]:
    """Names of the columns a SELECT gives, in order."""
    query = sqlglot.parse_one(sql, dialect=DIALECT)
    return tuple(query.named_selects) if isinstance(query, exp.Query) else ()
