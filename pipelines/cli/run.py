"""Commands that run something: ``nightly``, ``extract``, ``dev``.

Belongs here: arguments to run config, progress, exit codes. Keep out: executing (``pipelines.runs``).
"""

from __future__ import annotations

import os
import sys
import time
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from pipelines.cli.arguments import day, instant
from pipelines.cli.console import Home, console, errors
from resources.settings import load_settings
from resources.states import SOURCE_STATES, SourceStates


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command()(nightly)
    app.command()(extract)
    app.command()(dev)


def nightly(
    now: Annotated[
        str,
        typer.Option(
            "--now", help="The run's known_at (ISO 8601; a date is the end of that day, Asia/Shanghai)."
        ),
    ] = "",
    home: Home = None,
) -> None:
    """Run the nightly job now: extract, validate, rebuild, audit, publish."""
    instant("--now", now)
    _run("nightly", "nightly", home=home, now=now)


def extract(
    table: Annotated[str, typer.Argument(help="Source table, e.g. fin_voucher.")],
    since: Annotated[str, typer.Option("--from", help="Ask from this day on (YYYY-MM-DD).")] = "",
    full: Annotated[bool, typer.Option("--full", help="Ask for everything.")] = False,
    now: Annotated[str, typer.Option("--now", help="The run's known_at.")] = "",
    home: Home = None,
) -> None:
    """Extract and stage one table; what is published changes with the next nightly run."""
    import dagster as dg

    from data_contracts.contract_file import load_contracts

    if table not in load_contracts():
        raise typer.BadParameter(f"no contract {table!r}; there are {', '.join(load_contracts())}")
    if table in load_settings(home).left_out:
        raise typer.BadParameter(f"{table} is left out by JIBAO_LEAVE_OUT: take it off that list first")
    if since and full:
        raise typer.BadParameter("--from and --full exclude each other")
    day("--from", since)
    instant("--now", now)
    _run(
        "nightly",
        f"extract {table}",
        home=home,
        now=now,
        assets=[dg.AssetKey(["raw", table]), dg.AssetKey(["staged", table])],
        step_config={f"raw__{table}": {"config": {"full": full, "since": since}}},
    )


def dev(
    port: Annotated[int, typer.Option(help="Port of the Dagster UI.")] = 3000,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    home: Home = None,
) -> None:
    """Start the Dagster UI and its daemon on this workspace."""
    from pipelines.runs import WORKSPACE, prepare_instance

    prepare_instance(load_settings(home).home)
    # The program lies beside its interpreter, whatever PATH says.
    program = os.path.join(os.path.dirname(sys.executable), "dagster")  # noqa: PTH118, PTH120
    os.execv(program, [program, "dev", "-w", str(WORKSPACE), "-h", host, "-p", str(port)])


def _run(job: str, said: str, **arguments: Any) -> None:
    """Run ``job`` with progress; ``said`` is what the person asked for."""
    from pipelines.definitions import defs
    from pipelines.runs import run_job

    started = time.monotonic()
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=errors, transient=True) as bar:
        task = bar.add_task("starting", total=None)

        def report(step: str, done: int, total: int) -> None:
            bar.update(task, description=step.replace("__", "/"), completed=done, total=total)

        outcome = run_job(defs, job, progress=report, **arguments)
    seconds = time.monotonic() - started
    if outcome.success and (cause := _not_usable(arguments)):
        errors.print(f"[bold red]✗[/] {escape(cause)}", highlight=False, soft_wrap=True)
        raise typer.Exit(1)
    if outcome.success:
        console.print(f"[green]✓[/] {said} in {seconds:.0f} s (run {outcome.run_id[:8]})", highlight=False)
        return
    # A cause names its rule in brackets, which must not be read as markup.
    errors.print(f"[bold red]✗[/] {escape(outcome.cause or '')}", highlight=False, soft_wrap=True)
    if not outcome.refused:
        errors.print(
            f"  {said} failed after {seconds:.0f} s (run {outcome.run_id}); `jibao status` shows what is stale since"
        )
    raise typer.Exit(1)


def _not_usable(arguments: dict[str, Any]) -> str | None:
    """Why the one table that was asked for could not be used, where a night would have gone on without it."""
    states = SourceStates(load_settings(arguments["home"]).home / SOURCE_STATES).all()
    tables = [key.path[1] for key in arguments.get("assets", ())]
    return next((states[t].cause for t in tables if t in states and states[t].cause), None)
