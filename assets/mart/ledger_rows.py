"""The ledger rows that facts are made of, each with its batch and its place at the source.

Belongs here: from a fact to its rows. A fact names one ledger row by its natural key, or several by the leading
columns of theirs; of any others ``core.fact_ledger_row`` names each. Keep out: which facts a figure counts
(``data_contracts.metric_sql``), what changed in the rows (``assets.report.evidence``).
"""

from __future__ import annotations

from collections.abc import Mapping

from assets.staged.tables import key_text
from data_contracts.model import TableContract
from resources.engine import Session

LEDGER_ROWS = "core.fact_ledger_row"


def rows_listed(session: Session, fact: str) -> bool:
    """Whether :data:`LEDGER_ROWS` names the rows of this fact; warehouses of before there were such have no table."""
    there = session.rows(
        "SELECT 1 FROM information_schema.tables WHERE table_catalog = current_database() "
        "AND table_schema || '.' || table_name = :t",
        t=LEDGER_ROWS,
    )
    return bool(there) and bool(session.rows(f"SELECT 1 FROM {LEDGER_ROWS} WHERE fact = :f LIMIT 1", f=fact))


def traced(session: Session, fact: str, rows: str, contracts: Mapping[str, TableContract]) -> str:
    """SELECT of the facts in ``rows`` with each ledger row they are made of; without one, ``known_from`` is NULL.

    A fact of several ledger rows stands with each of them, and adds its amount with the first.
    """
    listed = rows_listed(session, fact)
    facts = f"SELECT *, row_number() OVER () AS _fact_no FROM ({rows})"
    if listed:
        origin = (
            f"SELECT f.*, o.source_table AS _origin_table, o.source_key AS _origin_key FROM ({facts}) AS f "
            f"LEFT JOIN {LEDGER_ROWS} AS o ON o.fact = '{fact}' AND o.fact_key = f._source_key"
        )
    else:
        origin = f"SELECT *, _source_table AS _origin_table, _source_key AS _origin_key FROM ({facts})"
    kinds = session.rows(
        "SELECT _origin_table, max(length(_origin_key) - length(replace(_origin_key, '|', ''))) + 1 "
        f"FROM ({origin}) GROUP BY _origin_table"
    )
    # None of them: an empty answer with the same columns.
    tables = [(contracts[t], int(n or 1)) for t, n in kinds if t in contracts] or [
        next((c, 1) for c in contracts.values())
    ]
    places = " UNION ALL ".join(_places(contract, parts) for contract, parts in tables)
    amount = "f._amount"
    if listed or any(parts < len(contract.key) for contract, parts in tables):
        first = "row_number() OVER (PARTITION BY f._fact_no ORDER BY f._origin_table, p.whole_key) = 1"
        amount = f"CASE WHEN {first} THEN f._amount END"
    return (
        f"WITH fact AS ({origin}), place AS ({places}) SELECT "
        "f.* EXCLUDE (_source_table, _source_key, _row_hash, _amount, _member, _fact_no, _origin_table, _origin_key), "
        f"CAST({amount} AS DECIMAL(38, 6)) AS amount, CAST(f._member AS VARCHAR) AS counted_as, "
        "COALESCE(f._origin_table, f._source_table) AS source_table, "
        "COALESCE(p.whole_key, f._origin_key, f._source_key) AS source_key, p.source_ref, "
        "p.row_no, p.batch_id, p.known_from FROM fact AS f LEFT JOIN place AS p "
        "ON p.table_name = f._origin_table AND p.key_text = f._origin_key"
    )


def _places(contract: TableContract, parts: int) -> str:
    return (
        f"SELECT '{contract.name}' AS table_name, {key_text(contract, columns=contract.key[:parts])} AS key_text, "
        f"{key_text(contract)} AS whole_key, _source_ref AS source_ref, _row_no AS row_no, "
        f"_batch_id AS batch_id, _known_from AS known_from FROM known.{contract.name}"
    )
