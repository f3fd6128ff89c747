"""``jibao demo``: the pretend group's source systems.

Belongs here: starting, moving and editing them from the terminal. Keep out: how they work (``demo``).
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

import typer

from pipelines.cli.console import Home, console, errors
from resources.settings import load_settings

app = typer.Typer(help="A pretend group with real source systems on this machine.", no_args_is_help=True)
FIRST_DAY = date(2024, 10, 10)
NEXT_DAY = date(2024, 11, 15)


@app.callback()
def family() -> None:
    """A pretend group with real source systems on this machine."""


@app.command()
def up(
    day: Annotated[str, typer.Option(help="The group's today (first start only).")] = FIRST_DAY.isoformat(),
    seed: Annotated[int, typer.Option(help="Seed of the ledgers (first start only).")] = 20240930,
    scale: Annotated[int, typer.Option(help="Multiplies the volume (first start only).")] = 1,
    home: Home = None,
) -> None:
    """Start the systems: a PostgreSQL, a SQLite, a folder of workbooks, an HTTP server. Safe to repeat."""
    from demo.systems import group

    with errors.status("starting") as shown:
        group.up(load_settings(home).home, _day(day), seed, scale, lambda text: shown.update(text))
    _say(home)


@app.command()
def advance(
    to: Annotated[str, typer.Option(help="Move the group's today to this day.")] = "",
    days: Annotated[int, typer.Option(help="Move it by so many days.")] = 0,
    home: Home = None,
) -> None:
    """Move on in time: new rows, late entries, red letters, corrections. Default: to 2024-11-15."""
    from demo.systems import group

    place = load_settings(home).home
    target = _day(to) if to else NEXT_DAY
    if days:
        target = date.fromisoformat(str(group.state(place)["day"])) + timedelta(days=days)
    with errors.status(f"moving to {target}") as shown:
        group.advance(place, target, lambda text: shown.update(text))
    _say(home)


@app.command()
def down(home: Home = None) -> None:
    """Stop the systems; their data stays."""
    from demo.systems import group

    group.down(load_settings(home).home)
    console.print("[green]✓[/] the demo's systems are stopped", highlight=False)


@app.command()
def edit(
    table: Annotated[str, typer.Argument(help="Source table, e.g. park_hazard.")],
    where: Annotated[list[str], typer.Option("--where", help="column=value that finds the row; repeatable.")],
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="column=value to write; repeatable.")
    ] = None,
    delete: Annotated[bool, typer.Option("--delete", help="Delete the row instead.")] = False,
    home: Home = None,
) -> None:
    """Change a source row as a person in that system would; the next nightly run sees it."""
    from demo.systems.edit import edit as edit_source

    changed = edit_source(
        load_settings(home).home, table, _pairs("--where", where), _pairs("--set", set_ or []), delete=delete
    )
    console.print(f"[green]✓[/] {changed} row(s) of {table} changed at the source", highlight=False)


def _say(home: Home) -> None:
    from demo.systems import group

    state = group.state(load_settings(home).home)
    console.print(f"[green]✓[/] the demo's systems are up; today is {state['day']}", highlight=False)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no day: write 2024-10-10") from error


def _pairs(option: str, items: list[str]) -> dict[str, str]:
    pairs = dict(item.partition("=")[::2] for item in items if "=" in item)
    if len(pairs) != len(items):
        raise typer.BadParameter(f"{option} wants column=value")
    return pairs
