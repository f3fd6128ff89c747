"""The rows both HTTP systems show: one SQLite file with one JSON document per row.

Belongs here: writing and reading that file. A server that runs sees a change at its next request, since
it opens the file for each. Keep out: HTTP (``http_server``) and what a person may change (``edit``).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote

from demo.systems.changes import Changes
from demo.systems.tables import SourceTable
from demo.systems.watermarks import read_ms
from demo.timeline import Row

_SCHEMA = """
CREATE TABLE IF NOT EXISTS document (
    system TEXT NOT NULL, resource TEXT NOT NULL, key TEXT NOT NULL,
    changed_ms INTEGER, body TEXT NOT NULL,
    PRIMARY KEY (system, resource, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS token (system TEXT PRIMARY KEY, token TEXT NOT NULL);
"""


def _as_json(value: object) -> object:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _open(path: Path) -> sqlite3.Connection:
    # mode=rw: a server whose file was removed must fail, not serve an empty one it has just made.
    return sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True, timeout=30)


def create(path: Path, tokens: Mapping[str, str]) -> None:
    """Make the file (mode 600, since it holds the tokens) where it is missing and set the tokens."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    with closing(_open(path)) as store, store:
        store.execute("PRAGMA journal_mode = WAL")
        store.executescript(_SCHEMA)
        store.executemany("INSERT OR REPLACE INTO token VALUES (?, ?)", tokens.items())


def _documents(table: SourceTable, rows: Iterable[Row]) -> Iterable[tuple[object, ...]]:
    column = table.watermark and table.shown(table.watermark)
    for row in rows:
        changed_ms = read_ms(row.get(column)) if column else None
        body = json.dumps(row, ensure_ascii=False, default=_as_json)
        yield table.system, table.source, json.dumps(table.key_of(row)), changed_ms, body


def _write(store: sqlite3.Connection, table: SourceTable, rows: Iterable[Row]) -> None:
    store.executemany("INSERT OR REPLACE INTO document VALUES (?, ?, ?, ?, ?)", _documents(table, rows))


def load(path: Path, tables: Iterable[tuple[SourceTable, list[Row]]]) -> None:
    """Replace all rows of the given tables, in one transaction."""
    with closing(_open(path)) as store, store:
        for table, rows in tables:
            store.execute(
                "DELETE FROM document WHERE system = ? AND resource = ?", (table.system, table.source)
            )
            _write(store, table, rows)


def apply(path: Path, changes: Iterable[tuple[SourceTable, Changes]]) -> None:
    """Write changed rows and take away gone ones, in one transaction."""
    with closing(_open(path)) as store, store:
        for table, change in changes:
            store.executemany(
                "DELETE FROM document WHERE system = ? AND resource = ? AND key = ?",
                [(table.system, table.source, json.dumps(key)) for key in change.gone],
            )
            _write(store, table, change.rows)


def rows_of(path: Path, table: SourceTable) -> list[Row]:
    """All rows of a table as they are shown, in the order of their keys."""
    with closing(_open(path)) as store:
        found = store.execute(
            "SELECT body FROM document WHERE system = ? AND resource = ? ORDER BY key",
            (table.system, table.source),
        )
        return [json.loads(body) for (body,) in found]


def tokens_of(path: Path) -> dict[str, str]:
    """System to the token it accepts."""
    with closing(_open(path)) as store:
        return dict(store.execute("SELECT system, token FROM token"))


def page(path: Path, system: str, resource: str, since_ms: int | None, offset: int, limit: int) -> list[str]:
    """JSON texts of one page: rows changed at or after ``since_ms``, ordered by key."""
    where, values = _filter(system, resource, since_ms)
    with closing(_open(path)) as store:
        found = store.execute(
            f"SELECT body FROM document WHERE {where} ORDER BY key LIMIT ? OFFSET ?",
            (*values, limit, offset),
        )
        return [body for (body,) in found]


def count(path: Path, system: str, resource: str, since_ms: int | None) -> int:
    """Number of rows the same filter gives over all pages."""
    where, values = _filter(system, resource, since_ms)
    with closing(_open(path)) as store:
        found: int = store.execute(f"SELECT count(*) FROM document WHERE {where}", values).fetchone()[0]
        return found


def _filter(system: str, resource: str, since_ms: int | None) -> tuple[str, list[object]]:
    if since_ms is None:
        return "system = ? AND resource = ?", [system, resource]
    return "system = ? AND resource = ? AND changed_ms >= ?", [system, resource, since_ms]
