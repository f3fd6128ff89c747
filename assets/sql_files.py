"""The ``.sql`` files beside the assets: what each one is, what it reads, and in which order they run.

Belongs here: reading a file's head comment and its dependencies with sqlglot. Keep out: running it.
A file is one SELECT; its first lines are ``-- <description>`` and ``-- materialized: view|table``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import sqlglot
from sqlglot import exp

DIALECT = "duckdb"
ASSETS_DIR = Path(__file__).parent


@dataclass(frozen=True)
class SqlFile:
    """One transformation: ``layer.name``, what it materializes and the tables it reads."""

    layer: str
    name: str
    description: str
    materialized: str
    sql: str
    reads: tuple[str, ...]

    @property
    def table(self) -> str:
        """``layer.name``."""
        return f"{self.layer}.{self.name}"

    @property
    def base_tables(self) -> tuple[str, ...]:
        """Tables read, with ``known.<t>__versions`` folded into ``known.<t>``."""
        return tuple(dict.fromkeys(t.removesuffix("__versions") for t in self.reads))


@cache
def sql_files(layer: str) -> Mapping[str, SqlFile]:
    """Files of one layer by name, each after those of the layer that it reads."""
    found = {path.stem: _read(layer, path) for path in sorted((ASSETS_DIR / layer).glob("*.sql"))}
    graph = {
        file.name: [
            t.split(".", 1)[1]
            for t in file.reads
            if t.startswith(f"{layer}.") and t.split(".", 1)[1] in found
        ]
        for file in found.values()
    }
    return {name: found[name] for name in TopologicalSorter(graph).static_order()}


def upstream_tables(files: Mapping[str, SqlFile], table: str) -> set[str]:
    """``known.*`` tables that ``table`` rests on, through any number of files."""
    seen: set[str] = set()
    todo = [table]
    while todo:
        current = todo.pop()
        if current in seen:
            continue
        seen.add(current)
        file = files.get(current)
        todo += file.base_tables if file else ()
    return {t for t in seen if t.startswith("known.")}


def create_statement(file: SqlFile, catalog: str = "") -> str:
    """``CREATE OR REPLACE`` of one file, in ``<catalog>layer``."""
    return f"CREATE OR REPLACE {file.materialized.upper()} {catalog}{file.table} AS\n{file.sql}"


def tables_read(sql: str) -> tuple[str, ...]:
    """``schema.table`` names a SELECT reads, its own CTEs left out."""
    tree = sqlglot.parse_one(sql, dialect=DIALECT)
    found: Iterable[exp.Table] = tree.find_all(exp.Table)
    return tuple(dict.fromkeys(f"{t.db}.{t.name}" for t in found if t.db))


def _read(layer: str, path: Path) -> SqlFile:
    text = path.read_text(encoding="utf-8")
    head = [line[2:].strip() for line in text.splitlines() if line.startswith("--")]
    materialized = next((h.split(":", 1)[1].strip() for h in head if h.startswith("materialized:")), "")
    if materialized not in ("view", "table") or not head or head[0].startswith("materialized:"):
        raise ValueError(f"{path}: begin with '-- <description>' and '-- materialized: view' or 'table'")
    return SqlFile(layer, path.stem, head[0], materialized, text, tables_read(text))
