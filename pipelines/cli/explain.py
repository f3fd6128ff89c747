"""``jibao explain``: the ledger rows behind a figure, and the proof that they are all of them.

Belongs here: the command, how rows and proof are printed, exporting them. Keep out: finding the rows
(``assets.mart.explain``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from pipelines.cli.arguments import (
    ExportOption,
    PeriodOption,
    RowsOption,
    ScopeOption,
    exportable,
    metric_named,
    quarter_named,
    scope_named,
    usual_period,
)
from pipelines.cli.console import Home, console, plain_text, table
from pipelines.cli.export import export_rows
from pipelines.cli.published import published


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(explain)


def explain(
    metric_id: Annotated[str, typer.Argument(metavar="METRIC", help="Id of the metric, docs/metrics.md.")],
    quarter: Annotated[str, typer.Argument(help="Quarter, e.g. 2024Q3.")],
    scope: ScopeOption = "group",
    period: PeriodOption = "",
    limit: RowsOption = 20,
    export: ExportOption = None,
    home: Home = None,
) -> None:
    """Show the ledger rows that make a figure, and prove it from them. Exit 1 if they do not prove it."""
    from assets.mart.explain import Scope
    from assets.mart.explain import explain as explained
    from data_contracts.metric import load_metrics
    from data_contracts.model import load_contracts
    from resources.engine import DuckDBSession

    metrics = load_metrics()
    metric = metric_named(metric_id)
    chosen = period or usual_period(metric)
    if chosen not in metric.periods:
        raise typer.BadParameter(f"{metric_id} has no period {chosen!r}: {', '.join(metric.periods)}")
    exportable(export)
    grain, code = scope_named(scope)
    with published(home) as connection:
        session = DuckDBSession(connection)
        place: Any = Scope(quarter_named(quarter), chosen, grain, code)
        found = explained(session, metric, place, metrics, load_contracts())
        for part in found.inputs or (found,):
            _print(session, part, limit)
        if found.inputs:
            _print_sum(found)
        if export:
            _export(session, found, export)
    if not found.proof.holds:
        raise typer.Exit(1)


def _print(session: Any, found: Any, limit: int) -> None:
    from assets.mart.explain import LAST, rows
    from data_contracts.model import load_contracts

    servers = {name: contract.server for name, contract in load_contracts().items()}
    counted = "amount" if found.metric.kind in ("flow", "stock") else "counts as"
    shown = table(
        f"{found.metric.id} {found.metric.name.zh}, {found.scope}: {_figure(found)}",
        counted, "what it says", "where it stands",
        right=("amount",), caption=_proof(found),
    )  # fmt: skip
    for row in rows(session, found, limit):
        told = dict(zip(found.columns, row, strict=True))
        says = [
            f"[dim]{c}[/] {escape(plain_text(v))}" for c, v in told.items() if c not in LAST and v is not None
        ]
        place = str(told["source_ref"] or "")
        if told["row_no"] is not None and not place.endswith(f"!{told['row_no']}"):
            place += f" row {told['row_no']}"
        system = servers.get(told["source_table"], "")
        where = f"{system} {told['source_table']} {told['source_key']}\n[dim]{escape(place)}\n{told['batch_id']}[/]"
        weight = told["amount"] if counted == "amount" else told["counted_as"]
        shown.add_row(plain_text(weight), "\n".join(says), where)
    console.print(shown)


def _print_sum(found: Any) -> None:
    sign = " / " if found.metric.ratio else " + "
    parts = sign.join(i.metric.id for i in found.inputs)
    console.print(f"[bold]{found.metric.id}[/] {found.metric.name.zh} = {parts} = {_figure(found)}")
    console.print(_proof(found))


def _proof(found: Any) -> str:
    proof = found.proof
    mark = "[green]✓ equal to the figure[/]" if proof.holds else "[bold red]✗ NOT the figure[/]"
    value = "" if proof.value is None else f", value {plain_text(proof.value)}"
    return f"{proof.rows:,} rows{value}, fingerprint {proof.fingerprint}: {mark}"


def _figure(found: Any) -> str:
    from data_contracts.metric_text import display

    figure = found.figure
    if figure.value is not None:
        return display(found.metric, figure.value)
    return figure.value_text or display(found.metric, figure.value_date, figure.value_date_to)


def _export(session: Any, found: Any, target: Path) -> None:
    from assets.mart.explain import rows

    parts = found.inputs or (found,)
    columns = list(dict.fromkeys(c for p in parts for c in p.columns))
    exported = []
    for part in parts:
        for row in rows(session, part):
            told = dict(zip(part.columns, row, strict=True))
            exported.append([part.metric.id, *(told.get(c) for c in columns)])
    export_rows(target, ["metric_id", *columns], exported)
    console.print(f"{len(exported):,} rows written to {target}", highlight=False)
