"""An in-memory warehouse for tests of the core SQL: ``known`` rows as given, core tables by the files.

Belongs here: building ``known.*`` from hand-written rows with the types of the source contracts, and running
``assets/core/*.sql`` in the order of what they read. Keep out: expectations.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import duckdb

from assets.sql_files import sql_files
from data_contracts.calendar import cut_off
from data_contracts.contract_file import load_contracts
from data_contracts.model import TableContract

Row = Mapping[str, str | bool | None]
Given = Mapping[str, Sequence[Row]]

_TECHNICAL = {
    "_known_from": "TIMESTAMP",
    "_reconstructed": "BOOLEAN",
    "_row_hash": "VARCHAR",
    "_batch_id": "VARCHAR",
    "_source_ref": "VARCHAR",
    "_row_no": "BIGINT",
}
_FIRST_KNOWN = "2023-01-01 00:00:00"


def core_sql() -> Mapping[str, str]:
    """Text of every core file by table name, each after all core files it reads."""
    return {name: file.sql for name, file in sql_files("core").items()}


def build_warehouse(given: Given, cut_off_day: date) -> duckdb.DuckDBPyConnection:
    """A database that holds ``given`` as known at the end of ``cut_off_day``, and all core tables over it."""
    connection = duckdb.connect()
    for schema in ("given", "known", "core"):
        connection.execute(f"CREATE SCHEMA {schema}")
    known_at = cut_off(cut_off_day).replace(tzinfo=None)
    connection.execute(
        f"CREATE VIEW core.cut_off AS "
        f"SELECT TIMESTAMP '{known_at}' AS known_at, DATE '{cut_off_day}' AS cut_off_date"
    )
    contracts = load_contracts()
    if unknown := set(given) - set(contracts):
        raise KeyError(f"no source contract for {sorted(unknown)}")
    for contract in contracts.values():
        _create_known(connection, contract, given.get(contract.name, ()))
    for name, sql in core_sql().items():
        connection.execute(f"CREATE TABLE core.{name} AS {sql}")
    return connection


def _create_known(
    connection: duckdb.DuckDBPyConnection, contract: TableContract, rows: Sequence[Row]
) -> None:
    types = {c.name: c.warehouse_type for c in contract.public} | _TECHNICAL | {"_known_to": "TIMESTAMP"}
    columns = ", ".join(f'"{name}" {kind}' for name, kind in types.items())
    connection.execute(f"CREATE TABLE given.{contract.name} ({columns})")
    for row in _versions(contract, rows):
        if unknown := set(row) - set(types):
            raise KeyError(f"{contract.name} has no public column {sorted(unknown)}")
        names, marks = ", ".join(f'"{n}"' for n in row), ", ".join("?" for _ in row)
        connection.execute(
            f"INSERT INTO given.{contract.name} ({names}) VALUES ({marks})", list(row.values())
        )
    connection.execute(
        f"""CREATE VIEW known.{contract.name}__versions AS
        SELECT g.* REPLACE (CASE WHEN g._known_to <= c.known_at THEN g._known_to END AS _known_to)
        FROM given.{contract.name} AS g, core.cut_off AS c WHERE g._known_from <= c.known_at"""
    )
    connection.execute(
        f"""CREATE VIEW known.{contract.name} AS
        SELECT * EXCLUDE (_known_to) FROM known.{contract.name}__versions WHERE _known_to IS NULL"""
    )


def _versions(contract: TableContract, rows: Sequence[Row]) -> Iterable[dict[str, str | bool | None]]:
    """Rows with their technical columns; rows of one key are its versions in order of ``_known_from``."""
    filled = [{"_known_from": _FIRST_KNOWN, **row} for row in rows]
    filled.sort(key=lambda row: str(row["_known_from"]))
    latest: dict[tuple[object, ...], dict[str, str | bool | None]] = {}
    for number, row in enumerate(filled, start=1):
        key = tuple(row.get(name) for name in contract.key)
        # Rows may leave their key out where it plays no part; then each is a row of its own.
        previous = latest.get(key) if None not in key else None
        if previous is not None:
            previous.setdefault("_known_to", row["_known_from"])
        content = repr(sorted((k, v) for k, v in row.items() if not k.startswith("_")))
        row["_row_hash"] = hashlib.md5(content.encode(), usedforsecurity=False).hexdigest()
        row["_row_no"] = str(number)
        latest[key] = row
    return filled
