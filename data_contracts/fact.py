"""A fact that a source contract declares: its SQL over ``known`` and the output contract BI relies on.

Belongs here: reading the custom property ``fact``, compiling ``orgPath`` to joins, the SELECT and the
:class:`~data_contracts.outputs.OutputContract`, both from the contract's own words. Keep out: facts whose
grain differs from their ledger's or that merge ledgers (``assets/core/*.sql``), running SQL.

A declared fact is one ledger row: the columns named (all public ones that are not ``lineage``, unless
``columns`` says), ``derived`` columns, ``org_code`` by the contract's ``orgPath``, and the origin of the row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import sqlglot
from sqlglot import exp

from data_contracts.contract_file import load_contracts
from data_contracts.model import Column, ContractError, TableContract
from data_contracts.outputs import OutputColumn, OutputContract
from data_contracts.sql_text import DIALECT

ORG = "org_code"
_ORIGIN = (
    OutputColumn("_source_table", "VARCHAR", "来源表", "Ledger table the row comes from.", True, False),
    OutputColumn(
        "_source_key", "VARCHAR", "来源主键", "Natural key of the ledger row as text, parts joined by a bar.",
        True, False,
    ),
    OutputColumn(
        "_row_hash", "VARCHAR", "行指纹", "md5 of the ledger row's content; figures carry the sum over their rows.",
        True, False,
    ),
)  # fmt: skip
_WORDS = {"name", "businessName", "description", "columns", "derived"}
_DERIVED_WORDS = {"name", "expression", "physicalType", "businessName", "description"}


@dataclass(frozen=True)
class Fact:
    """One declared fact: ``core.<name>``, its SELECT and its output contract."""

    name: str
    sql: str
    output: OutputContract


@dataclass(frozen=True)
class _Path:
    """A compiled ``orgPath``: joins and tables on the way, the table it ends at and the company's column there."""

    joins: tuple[str, ...]
    tables: tuple[str, ...]
    end: TableContract
    column: str


def declared_facts(contracts: Mapping[str, TableContract] | None = None) -> Mapping[str, Fact]:
    """Facts that ``contracts`` (default: all) declare, by name. Raises :class:`ContractError`."""
    tables = load_contracts() if contracts is None else contracts
    found: dict[str, Fact] = {}
    for contract in tables.values():
        if contract.fact is None:
            continue
        fact = declared_fact(contract, tables)
        if fact.name in found:
            _refuse(contract, f"{fact.name} is declared by another contract too", "choose another name")
        found[fact.name] = fact
    return found


def declared_fact(contract: TableContract, contracts: Mapping[str, TableContract]) -> Fact:
    """The fact of one contract. ``contracts`` holds the tables that its ``orgPath`` leads over."""
    said = _said(contract)
    path = org_path(contract, contracts)
    public = {c.name: c for c in contract.public}
    derived = {str(d["name"]): d for d in said.get("derived", [])}
    named = tuple(said.get("columns") or _usual(contract, derived))
    if ORG not in named:
        named = (*named, ORG)
    if missing := [k for k in contract.key if k not in named]:
        _refuse(contract, f"columns leave out the key {', '.join(missing)}", "name every key column")
    selected, promised = [], []
    for name in named:
        if name in derived:
            selected.append(_derived(contract, derived[name], path))
            promised.append(_promised_derived(derived[name]))
        elif name == ORG:
            selected.append(f"{path.end.name}.{path.column}" + ("" if path.column == ORG else f" AS {ORG}"))
            promised.append(_promised_org(contract, path))
        elif name in public:
            selected.append(f"{contract.name}.{name}")
            promised.append(_promised(public[name]))
        else:
            _refuse(contract, f"{name} is no public column of {contract.name}", "name one, or derive it")
    selected += [f"'{contract.name}' AS _source_table", f"{_source_key(contract)} AS _source_key"]
    selected.append(f"{contract.name}._row_hash")
    names = [c.business_name for c in promised]
    if twice := sorted({n for n in names if names.count(n) > 1}):
        _refuse(contract, f"two columns are called {', '.join(twice)}", "give each its own businessName")
    description = str(said.get("description") or contract.description)
    listed = ",\n    ".join(selected)
    joins = "".join(f"\n{join}" for join in path.joins)
    sql = (
        f"-- {description.rstrip('.')}.\n-- materialized: view\n"
        f"SELECT\n    {listed}\nFROM known.{contract.name} AS {contract.name}{joins}\n"
    )
    output = OutputContract(
        layer="core", name=said["name"], domain=contract.domain, owner=contract.owner,
        business_name=str(said.get("businessName") or contract.business_name), description=description,
        grain=contract.grain, columns=(*promised, *_ORIGIN),
    )  # fmt: skip
    return Fact(said["name"], sql, output)


def org_path(contract: TableContract, contracts: Mapping[str, TableContract]) -> _Path:
    """Compile ``orgPath``: ``org_code``, or ``column > table > column [> table > column …]``.

    Each step joins the table's one key column, or all columns of the reference that names the step's column.
    Raises :class:`ContractError` where a table, a column or a key does not fit.
    """
    words = [word.strip() for word in contract.org_path.split(">")]
    if len(words) % 2 == 0:
        _refuse(
            contract, f"orgPath {contract.org_path!r} ends with a table", "end it with the company's column"
        )
    here, column, joins, tables = contract, words[0], [], []
    for table, target in zip(words[1::2], words[2::2], strict=True):
        parent = contracts.get(table)
        if parent is None:
            _refuse(contract, f"orgPath leads over {table}, which has no contract", "add it, or another path")
        _has(contract, here, column)
        _has(contract, parent, target)
        if table in tables or table == contract.name:
            _refuse(contract, f"orgPath visits {table} twice", "write the shortest path")
        tables.append(table)
        pairs = _pairs(contract, here, column, parent)
        on = " AND ".join(f"{here.name}.{own} = {table}.{other}" for own, other in pairs)
        joins.append(f"LEFT JOIN known.{table} AS {table} ON {on}")
        here, column = parent, target
    _has(contract, here, column)
    return _Path(tuple(joins), tuple(tables), here, column)


def _said(contract: TableContract) -> Mapping[str, Any]:
    said = contract.fact or {}
    name = str(said.get("name", ""))
    if not name.startswith("fct_") or not name.isidentifier() or name != name.lower():
        _refuse(contract, f"name {name!r}", "write fact: {name: fct_<word>}")
    if unknown := set(said) - _WORDS:
        _refuse(contract, f"{sorted(unknown)} not known", f"use {', '.join(sorted(_WORDS))}")
    for derived in said.get("derived", []):
        if set(derived) - {"required"} != _DERIVED_WORDS:
            _refuse(contract, f"derived column {derived}", f"give {', '.join(sorted(_DERIVED_WORDS))}")
    return said


def _usual(contract: TableContract, derived: Mapping[str, Any]) -> Sequence[str]:
    own = [c.name for c in contract.public if not c.lineage and not c.is_technical and c.name not in derived]
    return [*own, *derived]


def _pairs(
    contract: TableContract, here: TableContract, column: str, parent: TableContract
) -> list[tuple[str, str]]:
    for relationship in here.relationships:
        if relationship.parent == parent.name and column in relationship.columns:
            return list(zip(relationship.columns, relationship.parent_columns, strict=True))
    if len(parent.key) != 1:
        _refuse(
            contract, f"{parent.name} has a key of {len(parent.key)} columns",
            f"declare the relationship of {here.name}.{column} to {parent.name}",
        )  # fmt: skip
    return [(column, parent.key[0])]


def _has(contract: TableContract, table: TableContract, column: str) -> None:
    if column not in {c.name for c in table.public}:
        _refuse(contract, f"orgPath: {table.name} has no public column {column}", "name one of its columns")


def _source_key(contract: TableContract) -> str:
    """The key as text; what ``staged`` calls ``key_text``, so that a fact's row finds its ledger row."""
    columns = [contract.column(k) for k in contract.key]
    if len(columns) == 1 and columns[0].kind == "string":
        return f"{contract.name}.{columns[0].name}"
    parts = (f"COALESCE(CAST({contract.name}.{c.name} AS VARCHAR), '')" for c in columns)
    return " || '|' || ".join(parts)


def _derived(contract: TableContract, derived: Mapping[str, Any], path: _Path) -> str:
    """A derived column with its bare names bound to the ledger row; others name a table of the path."""
    try:
        tree = sqlglot.parse_one(str(derived["expression"]), dialect=DIALECT)
    except sqlglot.ParseError as error:
        raise _error(contract, f"{derived['name']}: {error}", "write one SQL expression") from error
    for node in tree.find_all(exp.Column):
        if not node.table:
            node.set("table", exp.to_identifier(contract.name))
        elif node.table not in path.tables:
            _refuse(contract, f"{derived['name']} reads {node.table}", "name a table that orgPath leads over")
    kind = str(derived["physicalType"]).upper()
    return f"CAST({tree.sql(dialect=DIALECT)} AS {kind}) AS {derived['name']}"


def _promised(column: Column) -> OutputColumn:
    unit = f" Unit: {column.unit}." if column.unit else ""
    return OutputColumn(
        column.name, column.warehouse_type, column.business_name,
        (column.description or column.business_name) + unit, column.required, column.key_position is not None,
        column.enum,
    )  # fmt: skip


def _promised_org(contract: TableContract, path: _Path) -> OutputColumn:
    column = path.end.column(path.column)
    own = not path.joins
    said = column.description or "Company that answers for the row."
    way = "" if own else f" By {', '.join(path.tables)}."
    is_key = own and column.key_position is not None
    return OutputColumn(ORG, "VARCHAR", column.business_name, said + way, own and column.required, is_key)


def _promised_derived(derived: Mapping[str, Any]) -> OutputColumn:
    kind = str(derived["physicalType"]).upper()
    return OutputColumn(
        str(derived["name"]), kind, str(derived["businessName"]), str(derived["description"]),
        bool(derived.get("required", False)), False,
    )  # fmt: skip


def _error(contract: TableContract, cause: str, cure: str) -> ContractError:
    return ContractError(contract.path, "fact", cause, cure)


def _refuse(contract: TableContract, cause: str, cure: str) -> NoReturn:
    raise _error(contract, cause, cure)
