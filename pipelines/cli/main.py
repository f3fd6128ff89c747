"""The ``jibao`` program: its commands and how errors reach the terminal.

Belongs here: assembling the commands. Keep out: what each does.
"""

from __future__ import annotations

import sys

import typer
from rich.console import Console
from rich.markup import escape

from data_contracts.model import ContractError
from demo.systems.errors import DemoError
from pipelines.cli import bridge, closing, contracts, demo, explain, quarantine, read, reconcile, rollup, run
from resources.failures import Refused, SourceFailure

app = typer.Typer(
    name="jibao",
    help="季报: a quarterly reporting warehouse. Every figure computed from ledger rows.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(demo.app, name="demo")
app.add_typer(contracts.app, name="contracts")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(reconcile.app, name="reconcile")
for module in (run, read, rollup, explain, bridge, closing):
    module.register(app)


def main() -> None:
    """Entry point: one line for what a person must mend, a traceback only for our own defects."""
    try:
        app()
    except (DemoError, Refused, SourceFailure, ContractError) as error:
        Console(stderr=True).print(f"[bold red]✗[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(1)
