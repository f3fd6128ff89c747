"""Rejected rows of a staged table as they stand now.

Belongs here: which rejections still wait and which a later delivery settled. Keep out: rejecting a row
(``load``), rows held back for their parent (``known``), the masked copy readers get (``publish``).
"""

from __future__ import annotations

from assets.staged.candidate import relation
from assets.staged.load import Batch
from data_contracts.model import TableContract
from resources.engine import Session


def rejected(contract: TableContract) -> str:
    """SELECT of a table's rejected rows, the newest rejection of each, without their content.

    ``state``: ``waived`` or ``replayed`` by a decision; ``resolved`` once a later batch brought a row of the same
    key that passed; else ``open``.
    """
    return f"""SELECT q.table_name, q.key_text, q.rules, q.source_ref, q.row_no, q.batch_id, q.known_at,
    q.replaces_current, coalesce(q.moved, CASE WHEN q.settled_at IS NULL THEN 'open' ELSE 'resolved' END) AS state
    FROM (
        SELECT *, row_number() OVER (
            PARTITION BY key_text, rules, raw_row ORDER BY known_at DESC, row_id DESC) AS newest
        FROM private.quarantine.quarantined_row WHERE table_name = '{contract.name}'
    ) AS q
    JOIN meta.batch_load AS l ON l.table_name = q.table_name AND l.batch_id = q.batch_id
    WHERE q.newest = 1"""


def settle(private: Session, contract: TableContract, batch: Batch) -> None:
    """Note which earlier rejections this batch settles: it brought a row of their key that passed.

    The row may well be the one that was known all along, when the source took back what it had changed.
    """
    passed = (
        f"SELECT key_text FROM {relation(contract, 'disposition')} "
        "WHERE disposition IN ('new_version', 'unchanged')"
    )
    private.run(
        "UPDATE private.quarantine.quarantined_row SET settled_at = CAST(:k AS TIMESTAMP) WHERE table_name = :t "
        f"AND settled_at IS NULL AND known_at < CAST(:k AS TIMESTAMP) AND key_text IN ({passed})",
        t=contract.name, k=batch.known_utc,
    )  # fmt: skip


def count_open(session: Session, contract: TableContract) -> int:
    """Rejected rows of a table that no later delivery settled."""
    (count,) = session.row(f"SELECT count(*) FROM ({rejected(contract)}) WHERE state = 'open'")
    return int(count)
