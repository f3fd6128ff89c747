"""The folder of workbooks: which files there are, what stands in each, and writing them.

Belongs here: from a ledger to files, and changing a file in place. Keep out: how a sheet looks
(``sheet``, ``layouts``). A file is written under another name and renamed, so that a reader never meets
half of it, and is left alone as long as the ledger's rows in it are the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path

from demo.systems import sheet
from demo.systems.layouts import Layout, layouts
from demo.systems.overlay import Overlay
from demo.systems.tables import SourceTable
from demo.timeline import Row, Timeline, state_at
from demo.workdays import is_workday, months_between, workbook_day

_SAVE_TIME = time(18, 0)
_THURSDAY = 3
Files = Iterator[tuple[str, list[Row]]]
"""Path below the root and the ledger's rows in that file."""


def planned_files(table: SourceTable, timeline: Timeline, at: datetime) -> Files:
    """Every file of the table that was sent by ``at`` (local time)."""
    layout = layouts()[table.table]
    return _sent_files(layout, table, timeline, at) if layout.by else _snapshots(layout, table, timeline, at)


def _sent_files(layout: Layout, table: SourceTable, timeline: Timeline, at: datetime) -> Files:
    events: dict[str, Timeline] = {}
    for event in timeline.rows:
        row = event[2]
        # What is gone without naming a file is missing from the next file; the sent one stands.
        if event[0] > at or any(column not in row for column in layout.by):
            continue
        path = _path_of(layout, row)
        events.setdefault(path, Timeline(timeline.table, timeline.columns, [])).rows.append(event)
    for path, of_file in events.items():
        rows = state_at(of_file, table.key, at)
        yield path, [row for row in rows if any(row[column] is not None for column in table.key)]


def _path_of(layout: Layout, row: Mapping[str, object]) -> str:
    sent = str(row.get("file_version", 1))
    # A ledger may have a column of that name itself: of a plan, say.
    return layout.path.format(**{**row, "version": "" if sent == "1" else f"_v{sent}"})


def _snapshots(layout: Layout, table: SourceTable, timeline: Timeline, at: datetime) -> Files:
    for day in _snapshot_days(layout, timeline, at)[-layout.keep :]:
        yield layout.path.format(day=day), state_at(timeline, table.key, datetime.combine(day, _SAVE_TIME))


def _snapshot_days(layout: Layout, timeline: Timeline, at: datetime) -> list[date]:
    changed = sorted({_saved_on(event[0]) for event in timeline.rows})
    if not changed:
        return []
    first = max(changed[0], layout.since or changed[0])
    if layout.saved == "change":
        days = changed
    elif layout.saved == "month":
        months = months_between(first.replace(day=1), at.date())
        days = sorted({day for month in months if (day := workbook_day(month)) >= first} | {*layout.again})
    else:
        span = (at.date() - first).days
        days = [first + timedelta(days=n) for n in range(span + 1)]
        days = [day for day in days if day.weekday() == _THURSDAY and is_workday(day)]
    return [day for day in days if datetime.combine(day, _SAVE_TIME) <= at]


def _saved_on(instant: datetime) -> date:
    late = instant.time() > _SAVE_TIME
    return instant.date() + timedelta(days=int(late))


def _digest(pages: list[tuple[SourceTable, list[Row]]]) -> str:
    content: list[object] = []
    for table, rows in pages:
        content += [repr(layouts()[table.table]), rows]
    text = json.dumps(content, ensure_ascii=False, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()


def write_files(
    root: Path, manifest: Path, sheets: Sequence[tuple[SourceTable, Timeline]], at: datetime, overlay: Overlay
) -> int:
    """Bring the files of these tables, which are sheets of one kind of file, to their state at ``at``.

    Gives how many were written. ``manifest`` remembers the ledger rows each file was drawn from: as long as
    they are the same, what people changed in the file stays.
    """
    known: dict[str, str] = json.loads(manifest.read_text(encoding="utf-8")) if manifest.exists() else {}
    planned: dict[str, list[tuple[SourceTable, list[Row]]]] = {}
    for table, timeline in sheets:
        for path, rows in planned_files(table, timeline, at):
            planned.setdefault(path, []).append((table, rows))
    written = 0
    for path, pages in planned.items():
        digest = _digest(pages)
        if known.get(path) == digest and (root / path).exists():
            continue
        name = Path(path).name
        drawn = [(layouts()[t.table], overlay.over_all(t, rows, name)) for t, rows in pages]
        written += write_file(root / path, sheet.render_book(name, drawn))
        known[path] = digest
    replace_file(manifest, json.dumps(known, ensure_ascii=False, indent=0).encode())
    return written


def write_file(path: Path, content: bytes) -> bool:
    """Put the file in place at once; False where it already has this content."""
    if path.exists() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, content)
    return True


def replace_file(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write under another name in the same folder, then rename over ``path``."""
    other = path.with_name(f".{path.name}.tmp")
    other.unlink(missing_ok=True)
    other.touch(mode)
    other.write_bytes(content)
    other.replace(path)


def files_of(root: Path, layout: Layout) -> list[Path]:
    """The table's files, newest first."""
    return sorted((root / layout.folder).glob("[!.~]*.xlsx"), key=lambda path: path.name, reverse=True)
