"""``jibao quarantine``: rejected rows and why.

Belongs here: listing from the published file, content masked. Keep out: decisions on rows.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.markup import escape

from data_contracts.model import load_contracts
from data_contracts.rules import rules_of
from pipelines.cli.console import Format, FormatOption, Home, console, table, write_rows
from pipelines.cli.read import _rows, published

app = typer.Typer(
    help="Rejected rows: where they stand at the source and which rules they broke.", no_args_is_help=True
)
_COLUMNS = (
    "system", "table_name", "key_text", "source_ref", "row_no", "rules", "reason", "cure", "state", "batch_id",
)  # fmt: skip


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
    _explain(rows)
    if style is not Format.table:
        write_rows(rows, _COLUMNS, style)
        return
    totals = ", ".join(f"{c['table_name']} {c['n']} {c['state']}" for c in counted) or "nothing"
    shown = table("quarantine", "table and key", "where", "what is wrong", "cure", "state", caption=totals)
    for row in rows:
        where = f"{row['system']}\n{row['source_ref']}" + (f" row {row['row_no']}" if row["row_no"] else "")
        key = f"{row['table_name']}\n{row['key_text']}"
        wrong = f"{escape(row['reason'])}\n[dim]{escape(row['rules'])}[/]"
        shown.add_row(escape(key), escape(where), wrong, escape(row["cure"]), row["state"])
    console.print(shown)


def _explain(rows: list[dict[str, Any]]) -> None:
    """Add to each row its source system and, for the first rule it broke, what is wrong and the cure."""
    contracts = load_contracts()
    rules = {r.id: r for c in contracts.values() for r in rules_of(c)}
    for row in rows:
        contract = contracts.get(row["table_name"])
        rule = rules.get(row["rules"].split(",")[0])
        row["system"] = contract.server if contract else ""
        held = (
            "its parent is not known yet"
            if row["state"] == "held"
            else "the contract no longer has this rule"
        )
        row["reason"] = rule.message if rule else held
        row["cure"] = rule.cure if rule else "have the parent row sent, or map the name; it enters by itself"
