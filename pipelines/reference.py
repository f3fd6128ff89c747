"""The reference pages, rendered: ``python -m pipelines.reference`` (or ``make docs``).

Belongs here: the command reference from the typer program, and one call for every page that is rendered.
Keep out: any word about a command that the command itself does not say. A test holds ``docs/cli.md`` equal to
what is rendered here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from data_contracts import bi, metric_docs, reconciliation_docs, render
from data_contracts.metric import load_metrics
from data_contracts.reconciliation import load_reconciliations
from pipelines.cli.main import app

CLI = Path(__file__).parent.parent / "docs" / "cli.md"
COMMAND = "make docs"

_HEAD = f"""\
# The `jibao` command

Rendered from the program by `{COMMAND}`; do not edit.

Exit codes: 0 done; 1 the answer is no (a claim fails, a run failed, a source cannot be reached); 2 the call
itself is wrong. Results go to standard output, progress and errors to standard error. A command that reads
(`claims`, `rollup`, `status`, `quarantine list`) reads the published warehouse and never waits for a run.
"""


def command_reference() -> str:
    """Markdown of every command: what it does, its arguments and options. Ends with one newline."""
    program: Any = typer.main.get_command(app)
    context = program.context_class(program, info_name="jibao")
    pages = list(_pages(program, context))
    contents = [f"| [`{name}`](#{name.replace(' ', '-')}) | {about} |" for name, about, _ in pages]
    lines = [_HEAD, "| Command | What it does |", "|---|---|", *contents]
    for name, _, page in pages:
        lines += ["", f"## {name}", "", *page]
    return "\n".join(lines) + "\n"


def write_all() -> list[Path]:
    """Render every reference page of ``docs/``; returns their paths."""
    CLI.write_text(command_reference(), encoding="utf-8")
    metric_docs.CATALOGUE.write_text(metric_docs.metric_catalogue(load_metrics()), encoding="utf-8")
    reconciliation_docs.PAGE.write_text(
        reconciliation_docs.reference(load_reconciliations()), encoding="utf-8"
    )
    return [CLI, render.write(), metric_docs.CATALOGUE, bi.write(), reconciliation_docs.PAGE]


def _pages(command: Any, context: Any) -> Iterator[tuple[str, str, list[str]]]:
    """(full name, first sentence, page) of ``command`` or of all commands below it, in the program's order."""
    if hasattr(command, "commands"):
        for name, below in command.commands.items():
            yield from _pages(below, below.context_class(below, info_name=name, parent=context))
        return
    about = " ".join(command.help.split())
    yield context.command_path, about.split(". ")[0].rstrip("."), list(_page(command, context, about))


def _page(command: Any, context: Any, about: str) -> Iterator[str]:
    yield about
    yield ""
    yield "```"
    yield " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield "```"
    records = [p.get_help_record(context) for p in command.params]
    if records:
        yield ""
        yield "| Argument or option | Meaning |"
        yield "|---|---|"
        for shown, meaning in records:
            yield f"| `{_cell(shown)}` | {_cell(meaning)} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    for page in write_all():
        print(page)
