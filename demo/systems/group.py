"""The pretend group as a whole: its systems brought up, moved in time, looked at, taken down.

Belongs here: the order of the steps. Keep out: how each one works (``servers``, ``loading``). Every step
can be repeated: what is up and shows the right day is left alone, what died is started again.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from demo.systems import finance_server, ledger_store, servers
from demo.systems.errors import DemoError
from demo.systems.home import Home, State, new_secrets, shown_at
from demo.systems.loading import Timelines, bring_rows
from demo.systems.overlay import Overlay, read_touches
from demo.systems.processes import free_port
from demo.systems.servers import Progress
from demo.systems.tables import REST_SYSTEMS, SYSTEMS


def _silent(_: str) -> None:
    return None


def up(
    home: Path,
    day: date,
    seed: int,
    scale: int,
    progress: Progress = _silent,
    timelines: Timelines | None = None,
) -> dict[str, str]:
    """Have all systems run and show at least ``day`` (20:00); gives the settings written for the product.

    Systems that already show a later day stay there. ``timelines`` stands in for the group's own ledgers.
    Raises :class:`DemoError` when the home holds a demo of another seed or scale.
    """
    root = Home(home)
    with root.locked():
        state = root.read_state() or _new_state(day, seed, scale)
        if (state.seed, state.scale) != (seed, scale):
            raise DemoError(
                f"{root.root} holds a demo of seed {state.seed} and scale {state.scale}",
                f"take it down and remove {root.demo}, or use another home for seed {seed}, scale {scale}",
            )
        return _bring(root, state, max(day.isoformat(), state.day), progress, timelines)


def advance(
    home: Path, to: date, progress: Progress = _silent, timelines: Timelines | None = None
) -> dict[str, str]:
    """Move all systems forward to ``to`` (20:00), edits kept; gives the settings.

    Raises :class:`DemoError` for a day before the one shown.
    """
    root = Home(home)
    with root.locked():
        state = root.require_state()
        if to.isoformat() < state.day:
            raise DemoError(f"the demo shows {state.day} and cannot go back to {to}", "give a later day")
        return _bring(root, state, to.isoformat(), progress, timelines)


def down(home: Path) -> list[str]:
    """Stop the processes and name them; rows, edits, ports and passwords stay for the next ``up``."""
    root = Home(home)
    with root.locked():
        found = root.read_state()
        if found is None:
            return []
        stopped = servers.stop_all(root, found)
        root.write_state(found)
        return stopped


def state(home: Path) -> dict[str, object]:
    """What is set up in ``home``: seed, scale, day, clock and per system where it is, since when it shows
    which day, and whether it runs. Empty where nothing is. Holds no secrets."""
    root = Home(home)
    found = root.read_state()
    if found is None:
        return {}
    http = servers.http_pid(root, found) is not None
    running = {
        "finance": servers.finance_pid(found) is not None,
        **dict.fromkeys(REST_SYSTEMS, http),
    }
    places = {
        "finance": f"127.0.0.1:{found.ports['finance']}/{finance_server.DATABASE}",
        "concrete": str(root.concrete),
        "workbooks": str(root.workbooks),
        "project_system": f"http://127.0.0.1:{found.ports['http']}/pms",
        "park_platform": f"http://127.0.0.1:{found.ports['http']}/park",
        "charging": f"http://127.0.0.1:{found.ports['http']}/charging",
    }
    return {
        "seed": found.seed,
        "scale": found.scale,
        "day": found.day,
        "clock": f"{found.clock}+08:00",
        "edits": len(read_touches(root.edits)),
        "systems": {
            name: {
                "at": at,
                "running": running.get(name, Path(at).exists()),
                "shows": found.loaded.get(name, ""),
            }
            for name, at in places.items()
        },
    }


def _new_state(day: date, seed: int, scale: int) -> State:
    finance = free_port()
    return State(
        seed=seed,
        scale=scale,
        day=day.isoformat(),
        clock=shown_at(day).isoformat(),
        ports={"finance": finance, "http": free_port({finance})},
        secrets=new_secrets(),
    )


def _bring(
    root: Home, state: State, day: str, progress: Progress, timelines: Timelines | None
) -> dict[str, str]:
    root.write_state(state)
    _forget_lost(root, state)
    servers.ensure_finance(root, state, progress)
    servers.ensure_http(root, state, progress)
    state.day = day
    root.write_state(state)
    behind = [system for system in SYSTEMS if state.loaded.get(system) != day]
    if behind:
        ledgers = timelines if timelines is not None else _ledgers(root, state, progress)
        overlay = Overlay(read_touches(root.edits))
        for system in behind:
            progress(f"{system}: rows as of {day}")
            bring_rows(root, state, system, ledgers, overlay)
            state.loaded[system] = day
            root.write_state(state)
    state.move_clock(shown_at(day))
    root.write_state(state)
    progress(f"all systems show {day}")
    return root.settings(state)


def _forget_lost(root: Home, state: State) -> None:
    """What someone removed by hand is loaded again."""
    lost = {
        "concrete": root.concrete,
        "workbooks": root.workbooks,
        **dict.fromkeys(REST_SYSTEMS, root.store),
    }
    for system, path in lost.items():
        if not path.exists():
            state.loaded.pop(system, None)


def _ledgers(root: Home, state: State, progress: Progress) -> Timelines:
    shown = [state.loaded.get(system) for system in SYSTEMS]
    if None not in shown:
        kept = ledger_store.kept_ahead(
            root.ahead, state.seed, state.scale, min(shown_at(day) for day in shown if day)
        )
        if kept is not None:
            return kept
    progress("writing the group's ledgers")
    ledgers = ledger_store.build(state.seed, state.scale, date.fromisoformat(state.day))
    ledger_store.keep_ahead(root.ahead, ledgers, state.seed, state.scale, shown_at(state.day))
    return ledgers
