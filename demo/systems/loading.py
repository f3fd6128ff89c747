"""Rows into systems: the whole ledger at first, afterwards what changed.

Belongs here: which rows each system gets, by the day it shows and the day it is to show. Keep out: how a
system stores them, and processes (``servers``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from demo.systems import concrete_db, finance_db, finance_server, rest_store, workbooks
from demo.systems.changes import Changes, changed_between, rows_at
from demo.systems.finance_server import OWNER
from demo.systems.home import Home, State, shown_at
from demo.systems.layouts import layouts
from demo.systems.overlay import Overlay, read_touches
from demo.systems.tables import SourceTable, tables_of
from demo.timeline import Row, Timeline

Timelines = Mapping[str, Timeline]
_Load = Callable[[Iterable[tuple[SourceTable, list[Row]]]], None]
_Apply = Callable[[Iterable[tuple[SourceTable, Changes]]], None]


@contextmanager
def _writers(root: Home, state: State, system: str) -> Iterator[tuple[_Load, _Apply]]:
    """How the system takes all rows of its tables, and how it takes changes."""
    if system == "finance":
        with finance_server.connect(state.ports["finance"], OWNER, state.secrets["owner"]) as connection:
            clock, touches = shown_at(state.day), read_touches(root.edits)
            yield (
                partial(finance_db.load, connection, clock=clock, touches=touches),
                partial(finance_db.apply, connection, clock=clock, touches=touches),
            )
    elif system == "concrete":
        yield partial(concrete_db.load, root.concrete), partial(concrete_db.apply, root.concrete)
    else:
        yield partial(rest_store.load, root.store), partial(rest_store.apply, root.store)


def bring_rows(root: Home, state: State, system: str, ledgers: Timelines, overlay: Overlay) -> None:
    """Have the system show ``state.day``, from whatever it shows now. Repeating it changes nothing."""
    if system == "workbooks":
        _bring_workbooks(root, state, ledgers, overlay)
        return
    at, shown = shown_at(state.day), state.loaded.get(system)
    with _writers(root, state, system) as (load, apply):
        if shown is None:
            load((t, rows_at(t, ledgers.get(t.table), at, overlay)) for t in tables_of(system))
        else:
            before = shown_at(shown)
            apply(
                (t, changed_between(t, ledgers.get(t.table), before, at, overlay)) for t in tables_of(system)
            )


def _bring_workbooks(root: Home, state: State, ledgers: Timelines, overlay: Overlay) -> None:
    root.workbooks.mkdir(parents=True, exist_ok=True)
    root.manifests.mkdir(exist_ok=True)
    files: dict[str, list[tuple[SourceTable, Timeline]]] = {}
    for table in tables_of("workbooks"):
        if timeline := ledgers.get(table.table):
            files.setdefault(layouts()[table.table].path, []).append((table, timeline))
    for sheets in files.values():
        manifest = root.manifests / f"{sheets[0][0].table}.json"
        workbooks.write_files(root.workbooks, manifest, sheets, shown_at(state.day), overlay)
