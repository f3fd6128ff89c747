"""``jibao explain``: the ledger rows behind a figure, and the proof that they are all of them.

Belongs here: the command, how rows and proof are printed, exporting them. Keep out: finding the rows
(``assets.mart.explain``).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from data_contracts.metric import Metric
from pipelines.cli.arguments import (
    BasisOption,
    ExportOption,
    PeriodOption,
    RowsOption,
    ScopeOption,
    basis_named,
    exportable,
    metric_named,
    quarter_named,
    scope_named,
    usual_period,
)
from pipelines.cli.console import Home, console, plain_text, table
from pipelines.cli.export import export_rows, fits
from pipelines.cli.published import beside_published, published
from resources.settings import load_settings


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
    basis: BasisOption = "latest",
    home: Home = None,
) -> None:
    """Show the ledger rows that make a figure, and prove it from them. Exit 1 if they do not prove it."""
    from assets.mart.explain import Scope
    from assets.mart.explain import explain as explained
    from data_contracts.contract_file import load_contracts
    from data_contracts.metric import load_metrics

    metrics = load_metrics()
    metric = metric_named(metric_id)
    chosen = period or usual_period(metric)
    if chosen not in metric.periods:
        raise typer.BadParameter(f"{metric_id} has no period {chosen!r}: {', '.join(metric.periods)}")
    exportable(export)
    grain, code = scope_named(scope)
    with _standing_on(home, metric, quarter_named(quarter), basis) as (session, name, years):
        place: Any = Scope(name, chosen, grain, code, years)
        found = explained(session, metric, place, metrics, load_contracts())
        for part in found.inputs or (found,):
            _print(session, part, limit)
            _print_adjusted(part)
        if found.inputs:
            _print_sum(found)
            _print_adjusted(found)
        if export:
            fits(export.suffix, found.proof.ledger_rows)
            _export(session, found, export)
    if not found.holds:
        raise typer.Exit(1)


@contextmanager
def _standing_on(
    home: Path | None, metric: Metric, quarter: str, basis: str
) -> Iterator[tuple[Any, str, int]]:
    """A session whose figures are those of the basis, the quarter to ask for and by how many years scope is later."""
    from assets.report.basis import (
        comparable_statements,
        first_statements,
        known_at_statements,
        standing_on,
    )
    from data_contracts.contract_file import load_contracts
    from data_contracts.metric import load_metrics
    from resources.engine import DuckDBSession

    word, cut_off = basis_named(basis)
    if word == "latest":
        with published(home) as connection:
            yield DuckDBSession(connection), quarter, 0
        return
    metrics, contracts, years = load_metrics(), load_contracts(), 0
    with beside_published(home) as engine:
        if cut_off:
            statements = known_at_statements(engine, contracts, cut_off)
        elif word == "first":
            statements = first_statements(load_settings(home).home, quarter, metric, metrics)
        else:
            quarter, statements = comparable_statements(engine, contracts, quarter, metric, metrics)
            years = 1
        with standing_on(engine, statements) as session:
            yield session, quarter, years


def _print(session: Any, found: Any, limit: int) -> None:
    from assets.mart.explain import LAST, rows
    from data_contracts.contract_file import load_contracts

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


def _print_adjusted(found: Any) -> None:
    from assets.mart.explain import LINE

    adjusted = found.adjusted
    if adjusted is None:
        return
    unit = found.metric.unit
    if adjusted.lines:
        shown = table(
            f"adjustments of {found.metric.id} {found.metric.name.zh}, {found.scope}",
            "number", "of", f"amount {unit}", "why", "by", right=(f"amount {unit}",),
        )  # fmt: skip
        for line in adjusted.lines:
            told = dict(zip(LINE, line, strict=True))
            shown.add_row(
                told["adjustment_no"],
                told["adjusted_quarter"],
                f"{told['amount'].normalize():+,f}",
                f"{told['accounting_reason']}\n[dim]{escape(told['reason'])}[/]",
                f"{escape(told['prepared_by'])}\n"
                f"[dim]approved {escape(told['approved_by'])} {told['approved_date']}[/]",
            )
        console.print(shown)
    mark = "[green]✓[/]" if adjusted.holds else "[bold red]✗ they do not come to it[/]"
    console.print(
        f"{found.metric.id} is reported as {plain_text(adjusted.value)} {unit}: {plain_text(found.figure.value)} of "
        f"its rows, {adjusted.adjustment.normalize():+,f} adjusted {mark}"
    )


def _print_sum(found: Any) -> None:
    sign = " / " if found.metric.ratio else " + "
    parts = sign.join(i.metric.id for i in found.inputs)
    console.print(f"[bold]{found.metric.id}[/] {found.metric.name.zh} = {parts} = {_figure(found)}")
    console.print(_proof(found))


def _proof(found: Any) -> str:
    proof = found.proof
    mark = "[green]✓ equal to the figure[/]" if proof.holds else "[bold red]✗ NOT the figure[/]"
    value = "" if proof.value is None else f", value {plain_text(proof.value)}"
    counted = f"{proof.rows:,} rows"
    if proof.ledger_rows != proof.rows:
        counted = f"{proof.rows:,} facts made of several ledger rows, {proof.ledger_rows:,} rows listed"
    astray = f"\n[bold red]✗ in no ledger: {escape(proof.astray)}[/]" if proof.astray else ""
    return f"{counted}{value}, fingerprint {proof.fingerprint}: {mark}{astray}"


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

    def told() -> Iterator[list[Any]]:
        for part in parts:
            places = [part.columns.index(c) if c in part.columns else None for c in columns]
            for row in rows(session, part):
                yield [part.metric.id, *(None if at is None else row[at] for at in places)]

    written = export_rows(target, ["metric_id", *columns], told())
    console.print(f"{written:,} rows written to {target}", highlight=False)
