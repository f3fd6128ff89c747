"""The SQL of the warehouse: what each transformation is, what it reads, and in which order they run.

Belongs here: reading the ``.sql`` files beside the assets, the ``.csv`` files of reference data there and the
facts that source contracts declare, their head comment and, with sqlglot, their dependencies. Keep out: running
them, and making a declared fact's SQL (``data_contracts.fact``).

A transformation is one SELECT; its first lines are ``-- <description>`` and ``-- materialized: view|table``. A
``.csv`` begins with ``# <description>`` and ``# source: <where it is from>``, then the header; its types are those
of its output contract, and an empty cell is NULL.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

from data_contracts import code_list
from data_contracts.contract_file import load_contracts
from data_contracts.fact import declared_facts
from data_contracts.model import ContractError
from data_contracts.outputs import written_outputs
from data_contracts.sql_text import row, tables_read

ASSETS_DIR = Path(__file__).parent


@dataclass(frozen=True)
class SqlFile:
    """One transformation: ``layer.name``, what it materializes and the tables it reads.

    ``origin``: the ``.sql`` or ``.csv`` file, or the source contract that declares it.
    """

    layer: str
    name: str
    description: str
    materialized: str
    sql: str
    reads: tuple[str, ...]
    origin: Path

    @property
    def is_declared(self) -> bool:
        """True where a source contract declares it, and there is no file."""
        return self.origin.suffix == ".yaml"

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
    """Transformations of one layer by name, each after those of the layer that it reads."""
    found = {path.stem: _read(layer, path) for path in sorted((ASSETS_DIR / layer).glob("*.sql"))}
    found |= {path.stem: _reference(layer, path) for path in sorted((ASSETS_DIR / layer).glob("*.csv"))}
    if layer == "core":
        contracts = load_contracts()
        found[code_list.NAME] = _parsed(
            layer, code_list.NAME, code_list.code_list_sql(contracts), Path(code_list.__file__)
        )
        for name, fact in declared_facts(contracts).items():
            origin = next(c.path for c in contracts.values() if c.fact and c.fact["name"] == name)
            if name in found:
                raise ContractError(origin, "fact", f"assets/core/{name}.sql makes it too", "keep one")
            found[name] = _parsed(layer, name, fact.sql, origin)
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


def _reference(layer: str, path: Path) -> SqlFile:
    """Reference data as a SELECT over its rows, in the types of its output contract."""
    lines = path.read_text(encoding="utf-8").splitlines()
    notes = [line.removeprefix("#").strip() for line in lines if line.startswith("#")]
    if len(notes) < 2 or not notes[1].startswith("source:"):
        raise ValueError(f"{path}: begin with '# <description>' and '# source: <where it is from>'")
    header, *rows = csv.reader(line for line in lines if not line.startswith("#"))
    types = {c.name: c.type for c in written_outputs()[f"{layer}.{path.stem}"].columns}
    if list(types) != header:
        raise ValueError(f"{path}: columns {header}, its output contract promises {list(types)}")
    values = ",\n    ".join(row(cell or None for cell in cells) for cells in rows)
    selected = ",\n  ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in types.items())
    text = (
        f"-- {notes[0]}\n-- materialized: table\n-- {notes[1]}\n"
        f"SELECT\n  {selected}\nFROM (\n  VALUES\n    {values}\n) AS listed({', '.join(header)})\n"
    )
    return _parsed(layer, path.stem, text, path)


def _read(layer: str, path: Path) -> SqlFile:
    return _parsed(layer, path.stem, path.read_text(encoding="utf-8"), path)


def _parsed(layer: str, name: str, text: str, path: Path) -> SqlFile:
    head = [line[2:].strip() for line in text.splitlines() if line.startswith("--")]
    materialized = next((h.split(":", 1)[1].strip() for h in head if h.startswith("materialized:")), "")
    if materialized not in ("view", "table") or not head or head[0].startswith("materialized:"):
        raise ValueError(f"{path}: begin with '-- <description>' and '-- materialized: view' or 'table'")
    return SqlFile(layer, name, head[0], materialized, text, tables_read(text), path)
