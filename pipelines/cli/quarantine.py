"""``jibao quarantine``: rejected rows and why, and decisions on them.

Belongs here: listing from the published file, content masked; arguments of a decision and what is said of it.
Keep out: what a decision does (``assets.staged.movements``).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from data_contracts.contract_file import load_contracts
from data_contracts.model import TableContract
from data_contracts.rules import rules_of
from pipelines.cli.arguments import instant
from pipelines.cli.console import Format, FormatOption, Home, console, table, write_rows
from pipelines.cli.published import published, rows_of
from resources.settings import load_settings
from resources.workspace import Workspace, hold

_STATES = ("open", "held", "resolved", "waived", "replayed", "all")
By = Annotated[str, typer.Option("--by", help="Name of who decides.", show_default=False)]
Reason = Annotated[str, typer.Option(help="Why.", show_default=False)]
Now = Annotated[str, typer.Option("--now", help="The run's known_at.")]
Key = Annotated[str, typer.Argument(metavar="KEY", help="Key as listed, its parts joined by |.")]
Table = Annotated[str, typer.Argument(metavar="TABLE", help="Source table.")]

app = typer.Typer(
    help="Rejected rows: where they stand, which rules they broke, and decisions on them.",
    no_args_is_help=True,
)
_COLUMNS = (
    "system", "table_name", "key_text", "source_ref", "row_no", "rules", "reason", "cure", "state", "batch_id",
)  # fmt: skip


@app.callback()
def family() -> None:
    """Rejected rows: where they stand, which rules they broke, and decisions on them."""


@app.command("list")
def list_rows(
    table_name: Annotated[str, typer.Argument(metavar="TABLE", help="Only this table.")] = "",
    state: Annotated[str, typer.Option(help="open, held, resolved, waived, replayed or all.")] = "open",
    limit: Annotated[int, typer.Option(help="Most rows to print.")] = 50,
    style: FormatOption = Format.table,
    home: Home = None,
) -> None:
    """List rejected and held rows, newest first."""
    if state not in _STATES:
        raise typer.BadParameter(f"no state {state!r}: choose {', '.join(_STATES)}")
    if table_name:
        _contract(table_name)
    with published(home) as connection:
        rows = rows_of(
            connection,
            "SELECT table_name, key_text, rules, source_ref, row_no, batch_id, state FROM meta.quarantine "
            "WHERE (:t = '' OR table_name = :t) AND (:s = 'all' OR state = :s) "
            "ORDER BY known_at DESC, table_name, key_text LIMIT :n",
            t=table_name, s=state, n=limit,
        )  # fmt: skip
        counted = rows_of(
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


@app.command()
def replay(
    table_name: Annotated[str, typer.Argument(metavar="TABLE", help="Only this table.")] = "",
    rule: Annotated[str, typer.Option(help="Only rows that broke this rule.", show_default=False)] = "",
    now: Now = "",
    home: Home = None,
) -> None:
    """Judge rejected rows again, from raw, after the contract was mended. What passes is a version of this run."""
    from assets.staged.movements import replay as judge_again

    contracts = load_contracts()
    named = [_contract(table_name)] if table_name else list(contracts.values())
    if rule:
        named = [c for c in named if rule in {name for r in rules_of(c) for name in (r.id, _bare(r.id))}]
        if not named:
            raise typer.BadParameter(f"no rule {rule!r}{f' of {table_name}' if table_name else ''}")
    with _held(home, now, named) as ws:
        for contract in named:
            moved = judge_again(ws, contract, rule)
            if moved.considered:
                console.print(
                    f"{contract.name}: {moved.considered} rejected rows judged, {moved.admitted} pass, "
                    f"{moved.made} new versions, {moved.kept_out} stay rejected",
                    highlight=False,
                )
    console.print(_NEXT, highlight=False)


@app.command()
def waive(
    table_name: Table,
    key: Key,
    rule: Annotated[str, typer.Option(help="The rule that is waived.", show_default=False)],
    by: By,
    reason: Reason,
    now: Now = "",
    home: Home = None,
) -> None:
    """Admit one rejected row despite a rule. It holds for this content of the row, until it is revoked."""
    from assets.staged.movements import waive as admit

    contract = _contract(table_name)
    with _held(home, now, [contract]) as ws:
        moved = admit(ws, contract, key, rule, by, reason)
    said = "admitted" if moved.admitted else "still rejected, for another rule it broke"
    console.print(escape(f"{contract.name} {key}: {rule} waived by {by}; {said}"), highlight=False)
    console.print(_NEXT, highlight=False)


@app.command()
def revoke(
    table_name: Table,
    key: Key,
    rule: Annotated[str, typer.Option(help="The rule that was waived.", show_default=False)],
    by: By,
    reason: Reason,
    now: Now = "",
    home: Home = None,
) -> None:
    """End a waiver: the row is rejected again from this run on."""
    from assets.staged.movements import revoke as reject_again

    contract = _contract(table_name)
    with _held(home, now, [contract]) as ws:
        moved = reject_again(ws, contract, key, rule, by, reason)
    console.print(
        escape(f"{contract.name} {key}: waiver of {rule} revoked by {by}; {moved.ended} version ended"),
        highlight=False,
    )
    console.print(_NEXT, highlight=False)


_NEXT = "readers see it after the next `jibao nightly`"


def _contract(table_name: str) -> TableContract:
    contracts = load_contracts()
    if table_name not in contracts:
        raise typer.BadParameter(f"no contract {table_name!r}; there are {', '.join(contracts)}")
    return contracts[table_name]


def _bare(rule_id: str) -> str:
    return rule_id.split(".", 1)[1]


@contextmanager
def _held(home: Path | None, now: str, contracts: list[TableContract]) -> Iterator[Workspace]:
    """The workspace, held as a run holds it, with the tables a decision needs."""
    from assets.staged.tables import create_tables

    with hold(load_settings(home), run_id=str(uuid.uuid4()), now=instant("--now", now)) as ws:
        create_tables(ws.engine, contracts)
        yield ws


def _explain(rows: list[dict[str, Any]]) -> None:
    """Add to each row its source system and, for the first rule it broke, what is wrong and the cure."""
    contracts = load_contracts()
    rules = {r.id: r for c in contracts.values() for r in rules_of(c)}
    for row in rows:
        contract = contracts.get(row["table_name"])
        rule = rules.get(row["rules"].split(",")[0])
        row["system"] = contract.server if contract else ""
        held = (
            "its parent is not known yet, or not one it may point at"
            if row["state"] == "held"
            else "the contract no longer has this rule"
        )
        row["reason"] = rule.message if rule else held
        row["cure"] = rule.cure if rule else "have the parent row sent, or map the name; it enters by itself"
