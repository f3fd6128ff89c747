"""Tables of the staged layer and of the run's own records, as DDL built from contracts.

Belongs here: CREATE statements and the one place that says what their columns mean. Keep out: writing rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from data_contracts.model import TableContract
from resources.engine import Engine, Session

SCHEMAS = ("staged", "known", "core", "mart", "report", "meta")
PRIVATE_SCHEMAS = ("candidate", "quarantine", "restricted")

_META = {
    "meta.batch_load": (
        "table_name VARCHAR, batch_id VARCHAR, known_at TIMESTAMP, status VARCHAR, landed BIGINT, "
        "new_version BIGINT, unchanged BIGINT, duplicate BIGINT, control BIGINT, quarantined BIGINT, "
        "deleted BIGINT, watermark TIMESTAMP, contract_version VARCHAR"
    ),
    "meta.rule_result": (
        "table_name VARCHAR, batch_id VARCHAR, known_at TIMESTAMP, rule_id VARCHAR, severity VARCHAR, "
        "unit VARCHAR, evaluated BIGINT, violations BIGINT, expectation_violations BIGINT, status VARCHAR, "
        "message VARCHAR"
    ),
    "meta.control_total": (
        "table_name VARCHAR, batch_id VARCHAR, known_at TIMESTAMP, sheet VARCHAR, row_no BIGINT, "
        "column_name VARCHAR, quarter VARCHAR, printed DECIMAL(38,6), read DECIMAL(38,6), rows_read BIGINT"
    ),
    "meta.scope_version": "table_name VARCHAR, scope VARCHAR, version BIGINT",
    "meta.staged_definition": "table_name VARCHAR, definition_hash VARCHAR",
    "meta.movement": (
        "table_name VARCHAR, seq BIGINT, kind VARCHAR, known_at TIMESTAMP, rule_id VARCHAR, key_text VARCHAR, "
        "decided_by VARCHAR, reason VARCHAR, considered BIGINT, admitted BIGINT, kept_out BIGINT, ended BIGINT, "
        "made BIGINT"
    ),
    "meta.source_state": (
        "table_name VARCHAR, known_at TIMESTAMP, state VARCHAR, cause VARCHAR, last_good_known_at TIMESTAMP"
    ),
}

_QUARANTINE = (
    "table_name VARCHAR, batch_id VARCHAR, known_at TIMESTAMP, row_id BIGINT, source_ref VARCHAR, "
    "row_no BIGINT, key_text VARCHAR, rules VARCHAR, replaces_current BOOLEAN, raw_row VARCHAR, settled_at TIMESTAMP, "
    "row_hash VARCHAR, moved VARCHAR, moved_at TIMESTAMP"
)


def create_tables(engine: Engine, contracts: Iterable[TableContract]) -> None:
    """All that staging these contracts needs, in both files: a transaction writes to one of them only."""
    chosen = list(contracts)
    with engine.begin() as session:
        create_all(session)
        for contract in chosen:
            create_staged(session, contract)
    with engine.begin() as session:
        create_private(session)
        for contract in chosen:
            create_restricted(session, contract)


def create_all(warehouse: Session) -> None:
    """Schemas and record tables of the warehouse file; safe to repeat."""
    for schema in SCHEMAS:
        warehouse.run(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    for name, columns in _META.items():
        warehouse.run(f"CREATE TABLE IF NOT EXISTS {name} ({columns})")


def create_private(private: Session) -> None:
    """Schemas and tables of the private file; safe to repeat."""
    for schema in PRIVATE_SCHEMAS:
        private.run(f"CREATE SCHEMA IF NOT EXISTS private.{schema}")
    private.run(f"CREATE TABLE IF NOT EXISTS private.quarantine.quarantined_row ({_QUARANTINE})")
    for column in ("settled_at TIMESTAMP", "row_hash VARCHAR", "moved VARCHAR", "moved_at TIMESTAMP"):
        private.run(f"ALTER TABLE private.quarantine.quarantined_row ADD COLUMN IF NOT EXISTS {column}")


def create_staged(warehouse: Session, contract: TableContract) -> None:
    """The versioned table of one contract; a column that a newer contract adds is added, empty."""
    columns = ", ".join(f'"{c.name}" {c.warehouse_type}' for c in contract.public)
    warehouse.run(
        f"CREATE TABLE IF NOT EXISTS staged.{contract.name} ({columns}, _known_from TIMESTAMP, "
        "_known_to TIMESTAMP, _reconstructed BOOLEAN, _row_hash VARCHAR, _batch_id VARCHAR, "
        "_source_ref VARCHAR, _row_no BIGINT)"
    )
    for column in contract.public:
        warehouse.run(
            f'ALTER TABLE staged.{contract.name} ADD COLUMN IF NOT EXISTS "{column.name}" {column.warehouse_type}'
        )


def create_restricted(private: Session, contract: TableContract) -> None:
    """Side table of a contract's restricted columns, by row hash; nothing where it has none."""
    if contract.restricted:
        columns = ", ".join(f'"{c.name}" {c.warehouse_type}' for c in contract.restricted)
        private.run(
            f"CREATE TABLE IF NOT EXISTS private.restricted.{contract.name} (_row_hash VARCHAR, {columns})"
        )
    for column in contract.restricted:
        private.run(
            f"ALTER TABLE private.restricted.{contract.name} "
            f'ADD COLUMN IF NOT EXISTS "{column.name}" {column.warehouse_type}'
        )


def key_text(contract: TableContract, alias: str = "", columns: Sequence[str] = ()) -> str:
    """SQL text of a row's natural key, or of ``columns``: its parts joined by ``|``, in key order."""
    prefix = f"{alias}." if alias else ""
    parts = (f"coalesce(CAST({prefix}\"{k}\" AS VARCHAR), '')" for k in columns or contract.key)
    return " || '|' || ".join(parts)
