"""Changing a source row the way a person in that system would.

Belongs here: what a change entails: the watermark moves, a voucher moves with its lines, a deletion is
the system's own. Keep out: how a system is written to (``desks``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from demo.systems.desks import TICK, Desk, Found, desk_of
from demo.systems.errors import DemoError
from demo.systems.home import Home
from demo.systems.overlay import Touch, append_touches
from demo.systems.tables import SourceTable, find_table, source_tables
from demo.systems.watermarks import write


def edit(
    home: Path, table: str, where: Mapping[str, str], set: Mapping[str, str], *, delete: bool = False
) -> int:
    """Change (or with ``delete`` remove) the rows of ``table`` that show the texts of ``where``.

    ``table`` and columns may be the catalogue's names or the system's own; values are typed as that
    system shows them (万元 in a sheet or in the project system), ``NULL`` for no value. A workbook row is
    changed in the newest file that holds it. Each call is one minute on the demo's clock, to which the
    row's watermark moves. Where the system only marks rows as deleted (``dr``, ``deleted``), so does
    ``delete``. Gives the number of rows; raises :class:`DemoError` where there is nothing to change.
    """
    demo = Home(home)
    with demo.locked():
        state = demo.require_state()
        chosen = find_table(table)
        desk = desk_of(demo, state, chosen.system)
        found = _found(desk, chosen, where)
        values = _new_values(desk, chosen, set, delete)
        clock = state.now + TICK
        touches = _touches(desk, chosen, found, values, delete, clock)
        desk.write(touches)
        append_touches(demo.edits, touches)
        state.move_clock(clock)
        demo.write_state(state)
    return len(found)


def _found(desk: Desk, table: SourceTable, where: Mapping[str, str]) -> list[Found]:
    if not where:
        raise DemoError(f"which rows of {table.table}?", f"name them, for example by {table.key[0]}")
    found = desk.find(table, {desk.column(table, name): text for name, text in where.items()})
    if not found:
        said = ", ".join(f"{name}={text!r}" for name, text in where.items())
        raise DemoError(
            f"{table.table} shows no row with {said}",
            f"its rows are known by {', '.join(table.key)}; give values exactly as the system shows them",
        )
    return found


def _new_values(desk: Desk, table: SourceTable, set: Mapping[str, str], delete: bool) -> dict[str, str]:
    if bool(set) == delete:
        raise DemoError("a change sets columns or deletes the row, one of both", "give columns or delete")
    named = {desk.column(table, name): text for name, text in set.items()}
    keys = [column for column in table.shown_key if column in named]
    if keys:
        raise DemoError(
            f"{', '.join(keys)} is part of the key of {table.table}",
            "delete the row instead, or set another column",
        )
    return named


def _touches(
    desk: Desk,
    table: SourceTable,
    found: list[Found],
    values: Mapping[str, str],
    delete: bool,
    clock: datetime,
) -> list[Touch]:
    gone = delete and not table.deleted
    touches = []
    for row, file in found:
        typed = {name: desk.value(table, name, text, row) for name, text in values.items()}
        if delete:
            typed = {table.shown(name): value for name, value in table.deleted.items()}
        new = {} if gone else {**_watermark(table, clock), **typed}
        touches.append(Touch(table.table, table.key_of(row), new, gone, file))
    return touches + _moved_along(desk, table, [row for row, _ in found], touches, clock)


def _watermark(table: SourceTable, clock: datetime) -> dict[str, object]:
    if table.watermark is None:
        return {}
    return {table.shown(table.watermark): write(table.watermark_form, clock)}


def _moved_along(
    desk: Desk,
    table: SourceTable,
    rows: Iterable[Mapping[str, object]],
    touches: Iterable[Touch],
    clock: datetime,
) -> list[Touch]:
    """The other rows that get the same watermark, such as all lines of a changed voucher."""
    if table.moves_with is None:
        return []
    column, done = table.moves_with.column, {(touch.table, touch.key) for touch in touches}
    along = []
    for value in dict.fromkeys(str(row[column]) for row in rows):
        for other in (source_tables()[name] for name in table.moves_with.tables):
            for row, _ in desk.find(other, {column: value}):
                if (other.table, other.key_of(row)) not in done:
                    along.append(Touch(other.table, other.key_of(row), _watermark(other, clock)))
    return along
