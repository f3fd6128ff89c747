"""The ``known`` views: what the rest of the warehouse reads of the staged layer.

Belongs here: one pair of views a table, at the latest state or as known at a cut-off. Keep out: business SQL.

``known.<table>`` is the current rows; ``known.<table>__versions`` every version known by then. A row held
back because its parent has not come (``orphan: hold``) is left out here and nowhere else, so it enters by
itself in the run in which the parent is known, and any past view makes the same choice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from data_contracts.calendar import naive_utc
from data_contracts.model import Relationship, TableContract
from resources.engine import Session, quoted

TECHNICAL = ("_known_from", "_reconstructed", "_row_hash", "_batch_id", "_source_ref", "_row_no")
"""What every row of a ``known`` view ends with."""


def create_known(
    session: Session,
    contracts: Mapping[str, TableContract],
    *,
    cut_off: datetime | None = None,
) -> None:
    """Create the views of all tables in ``known``; see :func:`known_statements`."""
    for statement in known_statements(contracts, cut_off=cut_off):
        session.run(statement)


def known_statements(
    contracts: Mapping[str, TableContract],
    *,
    schema: str = "known",
    staged: str = "staged",
    cut_off: datetime | None = None,
) -> list[str]:
    """``CREATE VIEW`` of all tables in ``schema``, in order.

    ``staged``: schema (with catalog, if another) that holds the versions. ``cut_off`` (aware): rows as known
    then; None is the latest state.
    """
    statements = [
        f"CREATE OR REPLACE VIEW {schema}.{contract.name}__versions AS {_versions(contract, staged, cut_off)}"
        for contract in contracts.values()
    ]
    for contract in parents_first(contracts):
        columns = quoted([c.name for c in contract.public])
        held = "".join(f" AND ({admitted(r, contracts, schema)})" for r in holding(contract, contracts))
        statements.append(
            f"CREATE OR REPLACE VIEW {schema}.{contract.name} AS SELECT {columns}, {quoted(TECHNICAL)} "
            f"FROM {schema}.{contract.name}__versions AS s WHERE s._known_to IS NULL{held}"
        )
    return statements


def parents_first(contracts: Mapping[str, TableContract]) -> list[TableContract]:
    """Contracts ordered so that the parents of held relationships come before their children."""
    done: dict[str, TableContract] = {}

    def visit(contract: TableContract, path: tuple[str, ...]) -> None:
        if contract.name in done or contract.name in path:
            return
        for relationship in holding(contract, contracts):
            for name in _parents(relationship):
                visit(contracts[name], (*path, contract.name))
        done[contract.name] = contract

    for contract in contracts.values():
        visit(contract, ())
    return list(done.values())


def known_behind(names: Iterable[str], contracts: Mapping[str, TableContract]) -> dict[str, TableContract]:
    """Tables that decide what the views of ``names`` show: themselves, and the parents held rows wait for."""
    found: dict[str, TableContract] = {}
    todo = [name for name in names if name in contracts]
    while todo:
        contract = contracts[todo.pop()]
        if contract.name not in found:
            found[contract.name] = contract
            todo += [name for r in holding(contract, contracts) for name in _parents(r)]
    return {name: contract for name, contract in contracts.items() if name in found}


def refers(relationship: Relationship, child: str, parent: str) -> str:
    """SQL test that the row ``child`` names the row ``parent``: aliases of the two tables."""
    pairs = zip(relationship.columns, relationship.parent_columns, strict=True)
    return " AND ".join(f'{parent}."{theirs}" = {child}."{own}"' for own, theirs in pairs)


def admitted(
    relationship: Relationship, contracts: Mapping[str, TableContract], schema: str = "known"
) -> str:
    """SQL test on alias ``s``: the row's parent is known, or the row names none (NULL or '').

    Where the parent must satisfy a predicate, the test is only that: a row without a parent passes.
    """
    if relationship.requires:
        return _allowed(relationship, schema)
    first = f's."{relationship.columns[0]}"'
    if len(relationship.columns) == 1:
        parents = f'SELECT "{relationship.parent_columns[0]}" FROM {schema}.{relationship.parent}'
        tests = [f"{first} IS NULL", f"{first} = ''", f"{first} IN ({parents})"]
        if contracts[relationship.parent].column(relationship.parent_columns[0]).kind != "string":
            tests.pop(1)
    else:
        on_key = refers(relationship, "s", "p")
        missing = [f's."{c}" IS NULL' for c in relationship.columns]
        tests = [*missing, f"EXISTS (SELECT 1 FROM {schema}.{relationship.parent} AS p WHERE {on_key})"]
    if relationship.alias:
        table, column, split = relationship.alias
        if split:
            listed = f"replace('{split}' || a.\"{column}\" || '{split}', '{split} ', '{split}')"
            wanted = f"'{split}' || {first} || '{split}'"
            tests.append(f"EXISTS (SELECT 1 FROM {schema}.{table} AS a WHERE strpos({listed}, {wanted}) > 0)")
        else:
            tests.append(f'{first} IN (SELECT "{column}" FROM {schema}.{table})')
    return " OR ".join(tests)


def _allowed(relationship: Relationship, schema: str) -> str:
    """No row alike in ``held_with`` has a parent that, when the row was learnt, broke the predicate."""
    keys = list(zip(relationship.columns, relationship.parent_columns, strict=True))
    on = " AND ".join(
        f'p."{parent}" = ' + (f'v."{own.split(".")[1]}"' if "." in own else f'g."{own}"')
        for own, parent in keys
    )
    via = ""
    if relationship.via:
        column, table, key = relationship.via
        via = f'JOIN {schema}.{table} AS v ON v."{key}" = g."{column}" '
    versions = f"{schema}.{relationship.parent}__versions"
    earlier = " AND ".join(f'e."{parent}" = p."{parent}"' for _, parent in keys)
    held = ", ".join(f's."{name}"' for name in relationship.held_with)
    chosen = ", ".join(f'g."{name}"' for name in relationship.held_with)
    return (
        f"({held}) NOT IN (SELECT {f'({chosen})' if len(relationship.held_with) > 1 else chosen} "
        f"FROM {schema}.{relationship.child}__versions AS g {via}JOIN {versions} AS p ON {on} "
        f"WHERE g._known_to IS NULL AND NOT ({relationship.requires}) "
        "AND (p._known_to IS NULL OR g._known_from < p._known_to) "
        "AND (p._known_from <= g._known_from OR NOT EXISTS "
        f"(SELECT 1 FROM {versions} AS e WHERE {earlier} AND e._known_from < p._known_from)))"
    )


def checked(contract: TableContract, contracts: Mapping[str, TableContract]) -> list[Relationship]:
    """Relationships whose parent (and alias table) is under contract; the others cannot be checked yet."""
    return [
        r
        for r in contract.relationships
        if r.parent in contracts and (r.alias is None or r.alias[0] in contracts)
    ]


def holding(contract: TableContract, contracts: Mapping[str, TableContract]) -> list[Relationship]:
    """References that hold rows back: for want of a parent, or for what the parent is."""
    return [
        r
        for r in checked(contract, contracts)
        if (r.orphan == "hold" or r.requires) and r.parent != contract.name
    ]


def _parents(relationship: Relationship) -> tuple[str, ...]:
    alias = (relationship.alias[0],) if relationship.alias else ()
    return (relationship.parent, *alias, *((relationship.via[1],) if relationship.via else ()))


def _versions(contract: TableContract, staged: str, cut_off: datetime | None) -> str:
    columns = quoted([c.name for c in contract.public])
    if cut_off is None:
        return f"SELECT {columns}, {quoted(TECHNICAL)}, _known_to FROM {staged}.{contract.name}"
    at = f"TIMESTAMP '{naive_utc(cut_off).isoformat(sep=' ')}'"
    return (
        f"SELECT {columns}, {quoted(TECHNICAL)}, CASE WHEN _known_to > {at} THEN NULL ELSE _known_to END AS _known_to "
        f"FROM {staged}.{contract.name} WHERE _known_from <= {at}"
    )
