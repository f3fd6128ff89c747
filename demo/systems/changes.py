"""From timelines to what a source system must show: its rows at an instant, or what changed in between.

Belongs here: reading timelines by the systems' keys, with people's edits laid over. Keep out: writing
rows into a system.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from demo.systems.overlay import Overlay
from demo.systems.tables import SourceTable
from demo.timeline import Row, Timeline, changes_between, state_at


@dataclass(frozen=True)
class Changes:
    """Rows of one table to write whole, and keys (as texts) whose rows go."""

    rows: list[Row]
    gone: list[tuple[str, ...]]


def rows_at(table: SourceTable, timeline: Timeline | None, at: datetime, overlay: Overlay) -> list[Row]:
    """What the system shows at ``at`` (local time), edits included; nothing for a table without ledger."""
    if timeline is None:
        return []
    return overlay.over_all(table, state_at(timeline, table.shown_key, at))


def changed_between(
    table: SourceTable, timeline: Timeline | None, after: datetime, until: datetime, overlay: Overlay
) -> Changes:
    """What to write so that the system's state at ``after`` becomes that at ``until``.

    Writing it twice is the same as writing it once.
    """
    latest: dict[tuple[str, ...], Row | None] = {}
    for _, gone, row in changes_between(timeline, after, until) if timeline else ():
        latest[table.key_of(row)] = None if gone else overlay.over(table, row)
    return Changes(
        rows=[row for row in latest.values() if row is not None],
        gone=[key for key, row in latest.items() if row is None],
    )
