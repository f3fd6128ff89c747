"""``core.dim_report_version``: one row a published version, from the decisions log.

Belongs here: reading the log's runs, and the row of the run that is publishing now. Keep out: publishing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from data_contracts.calendar import SHANGHAI, Quarter, naive_utc
from resources.engine import Session, insert_rows
from resources.publisher import file_name
from resources.workspace import Workspace, stamp

Row = tuple[str, str, date, datetime, str, datetime, str]


def report_versions(ws: Workspace) -> Iterator[Row]:
    """Rows of the table, oldest first; the last one is this run's own."""
    for entry in ws.decisions.entries("run"):
        at = datetime.fromisoformat(entry["at"])
        if at < ws.known_at:
            yield _row(at, str(entry["run_id"]), str(entry["published"]))
    yield _row(ws.known_at, ws.run_id, file_name(ws.stamp))


def create_report_version(session: Session, ws: Workspace) -> int:
    """Make the table anew; returns its rows."""
    session.run(
        "CREATE OR REPLACE TABLE core.dim_report_version (report_id VARCHAR, quarter VARCHAR, as_of DATE, "
        "cutoff TIMESTAMP, run_id VARCHAR, published_at TIMESTAMP, published_file VARCHAR)"
    )
    rows = list(report_versions(ws))
    insert_rows(session, "core.dim_report_version", rows)
    return len(rows)


def _row(known_at: datetime, run_id: str, file: str) -> Row:
    day = known_at.astimezone(SHANGHAI).date()
    quarter = Quarter.holding(day)
    if day < quarter.as_of:
        quarter = quarter.previous
    at = naive_utc(known_at)
    return f"{quarter}-{stamp(known_at)}", str(quarter), quarter.as_of, at, run_id, at, file
