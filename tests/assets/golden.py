"""Golden cases in YAML: rows of ledgers in, rows of core tables out, readable without Python.

A case holds ``rule`` (what it shows), ``cut_off`` (the day), ``given`` (rows by ledger table: only columns
that matter, the rest is NULL; rows of one key with their own ``_known_from`` in UTC are its versions),
``expect`` (rows by core table: the named columns of *all* its rows, in any order) and ``figures``
(``{figure: sum(amount_cny), of: fct_investment, where: …, is: …}``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import yaml

from tests.assets.core_warehouse import Given, Row


class _TextLoader(yaml.SafeLoader):
    """Keeps numbers and dates as written: 0.10 stays text, so no amount passes through a float."""


for _tag in ("int", "float", "timestamp"):
    _TextLoader.add_constructor(f"tag:yaml.org,2002:{_tag}", lambda loader, node: str(node.value))


@dataclass(frozen=True)
class Case:
    """One golden case as its file says it."""

    name: str
    rule: str
    cut_off: date
    given: Given
    expect: Mapping[str, Sequence[Row]]
    figures: Sequence[Mapping[str, str]]


def load_cases(folder: Path) -> list[Case]:
    """All cases of a folder, by file name."""
    cases = []
    for path in sorted(folder.glob("*.yaml")):
        document: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), _TextLoader)
        document["cut_off"] = date.fromisoformat(document["cut_off"])
        cases.append(Case(name=path.stem, **{"expect": {}, "figures": (), **document}))
    return cases


def rows_of(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str]
) -> list[tuple[Any, ...]]:
    """The named columns of all rows of a core table, sorted."""
    names = ", ".join(f'"{c}"' for c in columns)
    return sorted(connection.execute(f"SELECT {names} FROM core.{table}").fetchall(), key=repr)


def expected_rows(
    connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Row]
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Columns the expectation names, and its rows in the types of the table, sorted."""
    columns = list(rows[0])
    for row in rows:
        if list(row) != columns:
            raise ValueError(f"{table}: every expected row names the same columns {columns}, not {list(row)}")
    types = {r[0]: r[1] for r in connection.execute(f"DESCRIBE core.{table}").fetchall()}
    casts = ", ".join(f"CAST(? AS {types[c]})" for c in columns)
    typed = [connection.execute(f"SELECT {casts}", list(row.values())).fetchall()[0] for row in rows]
    return columns, sorted(typed, key=repr)
