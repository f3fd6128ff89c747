"""The terminal: one console, home option, table and number output in three formats.

Belongs here: what every command prints through. Keep out: what is printed.
"""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

PIPED_WIDTH = 200
"""Characters of a line that goes to no terminal."""


def _console(*, stderr: bool = False) -> Console:
    """A console as wide as its terminal; where there is none, so wide that no name is folded."""
    made = Console(stderr=stderr)
    if not made.is_terminal and "COLUMNS" not in os.environ:
        made.width = PIPED_WIDTH
    return made


console = _console()
errors = _console(stderr=True)

Home = Annotated[
    Path | None,
    typer.Option(
        "--home", help="Where all state lives. Default: JIBAO_HOME, else .jibao", show_default=False
    ),
]


class Format(StrEnum):
    """How a result is printed."""

    table = "table"
    json = "json"
    csv = "csv"


FormatOption = Annotated[Format, typer.Option("--format", "-f", help="How to print the result.")]


def write_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], style: Format) -> None:
    """Print rows as JSON (one array) or CSV (header and rows); dates ISO, decimals exact."""
    shaped = [{c: _plain(row.get(c)) for c in columns} for row in rows]
    if style is Format.json:
        json.dump(shaped, sys.stdout, ensure_ascii=False, indent=2)
        sys.stdout.write("\n")
        return
    writer = csv.DictWriter(sys.stdout, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(shaped)


def table(title: str, *headers: str, caption: str = "", right: Sequence[str] = ()) -> Table:
    """A plain table; ``right`` names the headers whose column is right-aligned."""
    shown = Table(
        title=title, caption=caption, title_justify="left", caption_justify="left", header_style="bold"
    )
    for header in headers:
        shown.add_column(header, justify="right" if header in right else "left", overflow="fold")
    return shown


def plain_text(value: object) -> str:
    """A value in a table: a number with thousands and without trailing zeros; nothing for None."""
    if isinstance(value, Decimal):
        return f"{value.normalize():,f}"
    return "" if value is None else str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value
