"""What a publication says about itself: quarantine without its content, fingerprints.

Belongs here: the ``meta`` tables readers see. Keep out: comments (``comments``) and
the switch itself.
"""

from __future__ import annotations

from collections.abc import Mapping

from assets.staged.known import admitted, checked
from assets.staged.quarantine import rejected
from assets.staged.relationships import rule_id
from assets.staged.tables import key_text
from data_contracts.model import TableContract
from resources.engine import Session


def write_quarantine(session: Session, contracts: Mapping[str, TableContract]) -> int:
    """``meta.quarantine``: one row a rejected source row (its newest rejection), masked; returns the open ones.

    ``state``: ``open``; ``resolved`` once a later batch brought a version of the same key that passed;
    ``held`` for rows that wait for their parent.
    """
    rows = " UNION ALL ".join(f"({rejected(contract)})" for contract in contracts.values())
    session.run(f"CREATE OR REPLACE TABLE meta.quarantine AS {rows}")
    for contract in contracts.values():
        for relationship in (r for r in checked(contract, contracts) if r.orphan == "hold" or r.requires):
            session.run(
                f"INSERT INTO meta.quarantine SELECT :t, {key_text(contract, 's')}, :r, _source_ref, _row_no, "
                f"_batch_id, _known_from, FALSE, 'held' FROM staged.{contract.name} AS s "
                f"WHERE _known_to IS NULL AND NOT ({admitted(relationship, contracts)})",
                t=contract.name, r=rule_id(contract, relationship),
            )  # fmt: skip
    return int(session.row("SELECT count(*) FROM meta.quarantine WHERE state = 'open'")[0])


def fingerprints(session: Session) -> dict[str, str]:
    """Count and order-independent fingerprint of every staged table's versions, and of the figures.

    ``count:sum``, the sum over the first 60 bits of each row's md5 (design section 5).
    """
    found = {}
    tables = session.rows(
        "SELECT table_name FROM information_schema.tables WHERE table_catalog = current_database() "
        "AND table_schema = 'staged' AND table_type = 'BASE TABLE' ORDER BY table_name"
    )
    for (table,) in tables:
        times = " || '|' || ".join(
            f"coalesce(CAST({c} AS VARCHAR), '')" for c in ("_known_from", "_known_to")
        )
        version = f"md5(_row_hash || '|' || {times})"
        found[f"staged.{table}"] = _fingerprint(session, f"staged.{table}", version)
    row = (
        "md5(metric_id || '|' || quarter || '|' || period || '|' || grain || '|' || scope_code || '|' || "
        "coalesce(CAST(value AS VARCHAR), '') || '|' || coalesce(CAST(value_date AS VARCHAR), '') || '|' || "
        "coalesce(value_text, '') || '|' || CAST(fingerprint AS VARCHAR))"
    )
    found["mart.quarterly_metric"] = _fingerprint(session, "mart.quarterly_metric", row)
    return found


def _fingerprint(session: Session, table: str, digest: str) -> str:
    number = f"CAST('0x' || substr({digest}, 1, 15) AS BIGINT)"
    count, total = session.row(
        f"SELECT count(*), CAST(coalesce(sum({number}), 0) AS DECIMAL(38,0)) FROM {table}"
    )
    return f"{count}:{total}"
