"""Run a ``.sql`` file as a table or view that keeps its output contract.

Belongs here: create, compare with the contract, comment, count; column lineage from sqlglot. Keep out: what
the SQL says, and Dagster.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlglot
from sqlglot import exp
from sqlglot.lineage import Node, lineage
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import build_scope

from assets.sql_files import SqlFile, create_statement
from data_contracts.calendar import naive_utc
from data_contracts.outputs import OutputContract
from data_contracts.sql_text import DIALECT, literal
from resources.engine import Session


class BrokenPromise(Exception):
    """A table does not have the columns its output contract promises BI."""


def create_cut_off(session: Session, known_at: datetime) -> None:
    """``core.cut_off``: the one row that says what the warehouse knew (UTC) and which day that is in Shanghai."""
    session.run(cut_off_statement(known_at))


def cut_off_statement(known_at: datetime) -> str:
    """``CREATE VIEW core.cut_off`` for a ``known_at`` (aware)."""
    at = naive_utc(known_at).isoformat(sep=" ")
    return (
        f"CREATE OR REPLACE VIEW core.cut_off AS SELECT TIMESTAMP '{at}' AS known_at, "
        f"CAST(TIMESTAMP '{at}' + INTERVAL 8 HOUR AS DATE) AS cut_off_date"
    )


def materialize(session: Session, file: SqlFile, promise: OutputContract | None) -> int:
    """Create the table or view, hold it to its contract, comment it; returns its rows."""
    session.run(f"CREATE SCHEMA IF NOT EXISTS {file.layer}")
    _drop_other_kind(session, file)
    session.run(create_statement(file))
    if promise is not None:
        hold_to(session, promise)
        comment(session, promise, file.materialized)
    return int(session.row(f"SELECT count(*) FROM {file.table}")[0])


def hold_to(session: Session, promise: OutputContract) -> None:
    """Raise :class:`BrokenPromise` unless the table has exactly the promised columns and types, in order."""
    table = f"{promise.layer}.{promise.name}"
    found = session.columns(f"SELECT * FROM {table}")
    promised = [(c.name, _type(c.type)) for c in promise.columns]
    if found != promised:
        missing = [c for c in promised if c not in found]
        extra = [c for c in found if c not in promised]
        raise BrokenPromise(
            f"{table}: promised but not there {missing}, there but not promised {extra} → "
            f"change the SQL, or data_contracts/{promise.layer}/{promise.name}.yaml with a new version"
        )


def comment(session: Session, promise: OutputContract, kind: str) -> None:
    """Comments on the table and every column: Chinese name, then the English description."""
    comment_on(
        session,
        kind,
        f"{promise.layer}.{promise.name}",
        f"{promise.business_name}: {promise.description}",
        {c.name: f"{c.business_name}: {c.description}" for c in promise.columns},
    )


def comment_on(session: Session, kind: str, table: str, text: str, columns: Mapping[str, str]) -> None:
    """Comment a table or view and its columns, in one round trip."""
    statements = [f"COMMENT ON {kind.upper()} {table} IS {literal(text)}"]
    statements += [f'COMMENT ON COLUMN {table}."{name}" IS {literal(said)}' for name, said in columns.items()]
    session.run(";\n".join(statements))


def column_lineage(
    file: SqlFile, schemas: Mapping[str, Mapping[str, str]]
) -> dict[str, list[tuple[str, str]]]:
    """Output column → (table, column) it is computed from, by sqlglot.

    ``schemas``: ``schema.table`` → column → type, for the tables the file reads.
    """
    nested: dict[str, object] = {}
    for name, columns in schemas.items():
        schema, table = name.split(".", 1)
        tables = nested.setdefault(schema, {})
        assert isinstance(tables, dict)
        tables[table] = dict(columns)
    tree = qualify(
        sqlglot.parse_one(file.sql, dialect=DIALECT), dialect=DIALECT, schema=nested,
        validate_qualify_columns=False, identify=False,
    )  # fmt: skip
    scope = build_scope(tree)
    if scope is None or not isinstance(tree, exp.Query):
        return {}
    # All columns in one walk over one tree: column by column copies the whole query each time.
    nodes = lineage(None, tree, nested, dialect=DIALECT, scope=scope, trim_selects=False, copy=False)
    assert isinstance(nodes, dict)
    return {column: sorted(_sources(node)) for column, node in nodes.items()}


def _sources(node: Node) -> set[tuple[str, str]]:
    sources = set()
    for leaf in node.walk():
        if isinstance(leaf.expression, exp.Table) and leaf.expression.db:
            sources.add(
                (f"{leaf.expression.db}.{leaf.expression.name}", leaf.name.rsplit(".", 1)[-1].strip('"'))
            )
    return sources


def _drop_other_kind(session: Session, file: SqlFile) -> None:
    """A file that changed between view and table would otherwise fail on its own older self."""
    rows = session.rows(
        "SELECT table_type FROM information_schema.tables WHERE table_catalog = current_database() "
        "AND table_schema = :s AND table_name = :n",
        s=file.layer, n=file.name,
    )  # fmt: skip
    for (kind,) in rows:
        if (kind == "VIEW") != (file.materialized == "view"):
            session.run(f"DROP {'VIEW' if kind == 'VIEW' else 'TABLE'} {file.table}")


def _type(declared: str) -> str:
    """Warehouse type of a contract's physicalType: lengths of text are not types."""
    base = declared.split("(")[0].strip().upper()
    if base in ("VARCHAR", "CHAR", "TEXT"):
        return "VARCHAR"
    if base in ("INT", "SMALLINT", "BIGINT", "INTEGER"):
        return {"INT": "INTEGER", "SMALLINT": "SMALLINT"}.get(base, base)
    return declared.replace(" ", "").upper()
