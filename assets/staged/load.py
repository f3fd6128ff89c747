"""Apply one batch whose rows have their disposition: quarantine, versions, deletions, conservation.

Belongs here: the writes of the staged layer, one file per transaction. Keep out: deciding (``candidate``).

A crash between the private and the warehouse transaction leaves no trace that counts: the batch is loaded
when its row stands in ``meta.batch_load``, and both writes are repeatable until then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from assets.staged.candidate import DISPOSITIONS, relation, scope_text
from data_contracts.calendar import naive_utc
from data_contracts.model import UNREAD, TableContract
from resources.engine import Session, quoted


@dataclass(frozen=True)
class Batch:
    """What staging needs of a landed batch. ``deletes``: absence of a key is proved (complete, non-empty).

    ``reconstructed``: a file that was older than the first load; ``known_at`` is the end of its own day.
    """

    batch_id: str
    known_at: datetime
    landed: int
    deletes: bool
    reconstructed: bool = False

    @property
    def known_utc(self) -> datetime:
        """``known_at`` as the naive UTC that the warehouse stores."""
        return naive_utc(self.known_at)


@dataclass(frozen=True)
class LoadReport:
    """What became of one batch: rows by disposition, deletions, and why it is blocked, if it is."""

    table: str
    batch: Batch
    dispositions: Mapping[str, int]
    deleted: int
    violations: Mapping[str, int]
    blocked: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def conserved(self) -> bool:
        """Landed = new version + unchanged + duplicate + control + quarantined (design section 2)."""
        return self.batch.landed == sum(self.dispositions[d] for d in DISPOSITIONS)


def count_deletions(session: Session, contract: TableContract, batch: Batch) -> tuple[int, int]:
    """(current rows that absence would delete, current rows of the replaced scopes)."""
    if contract.update.verb != "replace" or not batch.deletes:
        return 0, 0
    scope = _in_scope(contract)
    deleted, current = session.row(
        f"SELECT count(*) FILTER (WHERE {_absent(contract)}), count(*) "
        f"FROM staged.{contract.name} AS s WHERE s._known_to IS NULL AND {scope}"
    )
    return int(deleted), int(current)


def write_private(private: Session, contract: TableContract, batch: Batch) -> None:
    """Quarantine rows and restricted values of one batch; repeatable."""
    name, candidate = contract.name, relation(contract)
    private.run(
        "DELETE FROM private.quarantine.quarantined_row WHERE table_name = :t AND batch_id = :b",
        t=name, b=batch.batch_id,
    )  # fmt: skip
    raw_row = ", ".join(f"'{c.name}', c.\"{c.name}__raw\"" for c in contract.columns)
    raw_row += f", '{UNREAD}', c.{UNREAD}" if contract.has_lines else ""
    private.run(
        "INSERT INTO private.quarantine.quarantined_row "
        "SELECT :t, :b, CAST(:k AS TIMESTAMP), c._row_id, c._source_ref, c._row_no, d.key_text, d.errors, "
        f"d.replaces_current, CAST(json_object({raw_row}) AS VARCHAR), NULL, c._row_hash, NULL, NULL "
        f"FROM {candidate} AS c JOIN {relation(contract, 'disposition')} AS d ON d._row_id = c._row_id "
        "WHERE d.disposition = 'quarantined'",
        t=name, b=batch.batch_id, k=batch.known_utc,
    )  # fmt: skip
    if contract.restricted:
        columns = quoted([c.name for c in contract.restricted])
        private.run(
            f"INSERT INTO private.restricted.{name} (_row_hash, {columns}) "
            f"SELECT DISTINCT c._row_hash, {columns} FROM {candidate} AS c "
            f"JOIN {relation(contract, 'disposition')} AS d ON d._row_id = c._row_id "
            f"WHERE d.disposition = 'new_version' AND NOT EXISTS "
            f"(SELECT 1 FROM private.restricted.{name} AS r WHERE r._row_hash = c._row_hash)"
        )


def write_versions(warehouse: Session, contract: TableContract, batch: Batch) -> None:
    """Close replaced and deleted versions, insert new ones."""
    name = contract.name
    (existing,) = warehouse.row(f"SELECT count(*) FROM staged.{name}")
    # Not by its rows: a ledger that was empty so far was known to be, and no row of it is older than its batch.
    (loads,) = warehouse.row(
        "SELECT count(*) FROM meta.batch_load WHERE table_name = :t AND status = 'loaded'", t=name
    )
    if existing:
        if contract.update.verb == "replace" and batch.deletes:
            warehouse.run(
                f"UPDATE staged.{name} AS s SET _known_to = CAST(:k AS TIMESTAMP) "
                f"WHERE s._known_to IS NULL AND {_in_scope(contract)} AND {_absent(contract)}",
                k=batch.known_utc,
            )
        on_key = " AND ".join(f's."{k}" = n."{k}"' for k in contract.key)
        warehouse.run(
            f"UPDATE staged.{name} AS s SET _known_to = CAST(:k AS TIMESTAMP) FROM ({_new_versions(contract)}) AS n "
            f"WHERE s._known_to IS NULL AND {on_key}",
            k=batch.known_utc,
        )
    columns = quoted([c.name for c in contract.public])
    warehouse.run(
        f"INSERT INTO staged.{name} ({columns}, _known_from, _known_to, _reconstructed, _row_hash, _batch_id, "
        f"_source_ref, _row_no) SELECT {columns}, {_known_from(contract, bool(loads))}, NULL, "
        f"{_reconstructed(contract, batch, bool(loads))}, _row_hash, :b, _source_ref, _row_no "
        f"FROM ({_new_versions(contract)}) AS n",
        k=batch.known_utc, b=batch.batch_id,
    )  # fmt: skip
    if contract.update.version and contract.update.scope:
        _write_scope_versions(warehouse, contract)


def record_load(warehouse: Session, contract: TableContract, report: LoadReport) -> None:
    """The row that makes a batch loaded (or blocked), with its conservation counts."""
    batch, counts = report.batch, report.dispositions
    watermark = "NULL"
    if contract.update.watermark:
        # A row stamped in the future must not move the watermark past what was really extracted.
        column = f'TRY_CAST("{contract.update.watermark}" AS TIMESTAMP)'
        limit = "CAST(:k AS TIMESTAMP) + INTERVAL 8 HOUR"
        watermark = f"(SELECT max({column}) FROM {relation(contract)} WHERE {column} <= {limit})"
    warehouse.run(
        "INSERT INTO meta.batch_load SELECT :t, :b, CAST(:k AS TIMESTAMP), :s, :landed, :new, :same, :dup, :ctl, "
        f":qua, :del, {watermark}, :v",
        t=contract.name, b=batch.batch_id, k=batch.known_utc, s="blocked" if report.blocked else "loaded",
        landed=batch.landed, new=counts["new_version"], same=counts["unchanged"], dup=counts["duplicate"],
        ctl=counts["control"], qua=counts["quarantined"], v=contract.version, **{"del": report.deleted},
    )  # fmt: skip


def written(session: Session, contract: TableContract, batch: Batch) -> tuple[int, int]:
    """(versions, quarantined rows) found in the tables for one batch: conservation counts what is there."""
    (versions,) = session.row(
        f"SELECT count(*) FROM staged.{contract.name} WHERE _batch_id = :b", b=batch.batch_id
    )
    (kept_out,) = session.row(
        "SELECT count(*) FROM private.quarantine.quarantined_row WHERE table_name = :t AND batch_id = :b",
        t=contract.name, b=batch.batch_id,
    )  # fmt: skip
    return int(versions), int(kept_out)


def _new_versions(contract: TableContract) -> str:
    return (
        f"SELECT c.* FROM {relation(contract)} AS c JOIN {relation(contract, 'disposition')} AS d "
        "ON d._row_id = c._row_id WHERE d.disposition = 'new_version'"
    )


def _in_scope(contract: TableContract) -> str:
    if not contract.update.scope:
        return "TRUE"
    return (
        f"{scope_text(contract, 's')} IN (SELECT DISTINCT {scope_text(contract, 'c')} "
        f"FROM {relation(contract)} AS c WHERE c._row_kind = 'data')"
    )


def _absent(contract: TableContract) -> str:
    on_key = " AND ".join(f'c."{k}" = s."{k}"' for k in contract.key)
    return f"NOT EXISTS (SELECT 1 FROM {relation(contract)} AS c WHERE c._row_kind = 'data' AND {on_key})"


def _known_from(contract: TableContract, known_before: bool) -> str:
    """First load: the ledger's own recording time, never later than the batch; afterwards the batch's time."""
    if known_before or contract.recorded_at is None:
        return "CAST(:k AS TIMESTAMP)"
    column = contract.column(contract.recorded_at)
    recorded = f'TRY_CAST(n."{column.name}" AS TIMESTAMP)'
    if column.kind == "date":  # a date is known by the end of that day
        recorded = f"{recorded} + INTERVAL 1 DAY - INTERVAL 1 SECOND"
    return f"coalesce(least({recorded} - INTERVAL 8 HOUR, CAST(:k AS TIMESTAMP)), CAST(:k AS TIMESTAMP))"


def _reconstructed(contract: TableContract, batch: Batch, known_before: bool) -> str:
    if batch.reconstructed:
        return "TRUE"
    return "FALSE" if known_before or contract.recorded_at is None else "TRUE"


def _write_scope_versions(warehouse: Session, contract: TableContract) -> None:
    warehouse.run(
        f"CREATE OR REPLACE TEMP TABLE delivered AS SELECT {scope_text(contract, 'c')} AS scope, "
        f'max(CAST("{contract.update.version}" AS BIGINT)) AS version FROM {relation(contract)} AS c '
        "WHERE c._row_kind = 'data' GROUP BY 1"
    )
    warehouse.run(
        "DELETE FROM meta.scope_version WHERE table_name = :t AND scope IN (SELECT scope FROM delivered)",
        t=contract.name,
    )
    warehouse.run("INSERT INTO meta.scope_version SELECT :t, scope, version FROM delivered", t=contract.name)
