"""A ledger over time: what a pretend source system shows at any instant.

Belongs here: the Timeline type that every ledger builder returns, and the one way to read its state.
Keep out: what the rows mean (demo.ledgers), who they are about (demo.world), how they are served.
"""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter

Row = dict[str, object]
"""One source row: column name to the value as the source shows it, dirt included."""

Event = tuple[datetime, bool, Row]
"""(visible_from, gone, row): from this instant on the key shows this row, or is gone."""


@dataclass(frozen=True)
class Timeline:
    """All versions of all rows of one source table, 2023-01-01 to the end of the generated world.

    `visible_from` is local time (+08:00) without a zone. A `gone` event needs only the key columns in
    its row. Events may stand in any order; of two events of one key at one instant, the later in the
    list holds. The order in which keys first appear in `rows` is the order of the source's rows.
    """

    table: str
    columns: tuple[str, ...]
    rows: list[Event]


def _key_reader(key_columns: Sequence[str]) -> Callable[[Row], object]:
    if not key_columns:
        raise ValueError("key_columns must name at least one column")
    return itemgetter(*key_columns)


def state_at(timeline: Timeline, key_columns: Sequence[str], instant: datetime) -> list[Row]:
    """Give the rows the source shows at `instant` (local time, no zone).

    Per key the last event with visible_from <= instant holds, unless it is `gone`. The rows are the
    timeline's own dicts, not copies: do not change them. Raises KeyError where a row lacks a key column.
    """
    key_of = _key_reader(key_columns)
    latest: dict[object, Event] = {}
    for event in timeline.rows:
        if event[0] > instant:
            continue
        key = key_of(event[2])
        held = latest.get(key)
        if held is None or held[0] <= event[0]:
            latest[key] = event
    return [row for _, gone, row in latest.values() if not gone]


def changes_between(timeline: Timeline, after: datetime, until: datetime) -> list[Event]:
    """Give the events with after < visible_from <= until, oldest first (ties keep the list's order).

    Applied in order to the state at `after`, they give the state at `until`.
    """
    found = [event for event in timeline.rows if after < event[0] <= until]
    found.sort(key=itemgetter(0))
    return found


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the cycle collector while a large ledger is built.

    Hundreds of thousands of rows are made and all of them stay: looking through them again and again
    for cycles costs a quarter of the time and finds nothing.
    """
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()
