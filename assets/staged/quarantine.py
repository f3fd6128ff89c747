"""Rejected rows of a staged table as they stand now.

Belongs here: which rejections still wait and which a later delivery settled. Keep out: rejecting a row
(``load``), rows held back for their parent (``known``), the masked copy readers get (``publish``).
"""

from __future__ import annotations

from assets.staged.tables import key_text
from data_contracts.model import TableContract
from resources.engine import Session


def rejected(contract: TableContract) -> str:
    """SELECT of a table's rejected rows, the newest rejection of each, without their content.

    ``state``: ``open``, or ``resolved`` once a later batch brought a version of the same key that passed.
    """
    return f"""SELECT q.table_name, q.key_text, q.rules, q.source_ref, q.row_no, q.batch_id, q.known_at,
    q.replaces_current, CASE WHEN EXISTS (
        SELECT 1 FROM staged.{contract.name} AS s
        WHERE s._known_from > q.known_at AND {key_text(contract, "s")} = q.key_text
    ) THEN 'resolved' ELSE 'open' END AS state
    FROM (
        SELECT *, row_number() OVER (
            PARTITION BY key_text, rules, raw_row ORDER BY known_at DESC, row_id DESC) AS newest
        FROM private.quarantine.quarantined_row WHERE table_name = '{contract.name}'
    ) AS q
    JOIN meta.batch_load AS l ON l.table_name = q.table_name AND l.batch_id = q.batch_id
    WHERE q.newest = 1"""


def count_open(session: Session, contract: TableContract) -> int:
    """Rejected rows of a table that no later delivery settled."""
    (count,) = session.row(f"SELECT count(*) FROM ({rejected(contract)}) WHERE state = 'open'")
    return int(count)
