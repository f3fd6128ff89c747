"""``jibao quarantine``: rejected rows and why.

Belongs here: listing from the published file, content masked. Keep out: decisions on rows.
"""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli.console import Format, FormatOption, Home, console, table, write_rows
from pipelines.cli.read import _rows, published

app = typer.Typer(
    help="Rejected rows: where they stand at the source and which rules they broke.", no_args_is_help=True
)
_COLUMNS = ("table_name", "key_text", "rules", "source_ref", "row_no", "batch_id", "state")


@app.callback()
def family() -> None:
    """Rejected rows: where they stand at the source and which rules they broke."""


@app.command("list")
def list_rows(
    table_name: Annotated[str, typer.Argument(metavar="TABLE", help="Only this table.")] = "",
    state: Annotated[str, typer.Option(help="open, held, resolved or all.")] = "open",
    limit: Annotated[int, typer.Option(help="Most rows to print.")] = 50,
    style: FormatOption = Format.table,
    home: Home = None,
) -> None:
    """List rejected and held rows, newest first."""
    with published(home) as connection:
        rows = _rows(
            connection,
            "SELECT table_name, key_text, rules, source_ref, row_no, batch_id, state FROM meta.quarantine "
            "WHERE (:t = '' OR table_name = :t) AND (:s = 'all' OR state = :s) "
            "ORDER BY known_at DESC, table_name, key_text LIMIT :n",
            t=table_name, s=state, n=limit,
        )  # fmt: skip
        counted = _rows(
            connection,
            "SELECT table_name, state, count(*) AS n FROM meta.quarantine GROUP BY ALL ORDER BY ALL",
        )
    if style is not Format.table:
        write_rows(rows, _COLUMNS, style)
        return
    totals = ", ".join(f"{c['table_name']} {c['n']} {c['state']}" for c in counted) or "nothing"
    shown = table("quarantine", "table", "key", "rules broken", "where", "state", caption=totals)
    for row in rows:
        where = row["source_ref"] + (f" row {row['row_no']}" if row["row_no"] is not None else "")
        shown.add_row(
            row["table_name"], row["key_text"], row["rules"].replace(",", "\n"), where, row["state"]
        )
    console.print(shown)
