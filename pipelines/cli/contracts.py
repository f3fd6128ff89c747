"""``jibao contracts``: are the contracts sound, and do the sources keep them?

Belongs here: printing the outcome of checks that live elsewhere. Keep out: the checks.
"""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from pipelines.cli.console import Home, console

app = typer.Typer(help="Data contracts of the source tables.", no_args_is_help=True)


@app.callback()
def family() -> None:
    """Data contracts of the source tables."""


@app.command()
def check(
    sources: Annotated[bool, typer.Option("--sources", help="Ask every source system too.")] = False,
    home: Home = None,
) -> None:
    """Compile every contract, metric, reconciliation and bulletin; with --sources also reach every table."""
    from data_contracts.claim import bulletins, load_bulletin
    from data_contracts.contract_file import load_contracts
    from data_contracts.materiality import load_materiality
    from data_contracts.metric import load_metrics
    from data_contracts.metric_binding import faults
    from data_contracts.outputs import load_outputs
    from data_contracts.reconciliation import load_reconciliations
    from data_contracts.rules import rules_of
    from data_contracts.to_expectations import suite_of
    from resources.failures import SourceFailure
    from resources.settings import load_settings
    from resources.sources.base import connector_for, probe

    contracts = load_contracts()
    for contract in contracts.values():
        connector_for(contract)
        suite_of(contract)
    if unbound := list(faults()):
        for fault in unbound:
            console.print(f"[red]✗[/] {escape(str(fault))}", highlight=False, soft_wrap=True)
        raise typer.Exit(1)
    load_materiality()
    rules = sum(len(rules_of(c)) for c in contracts.values())
    claims = sum(len(load_bulletin(quarter).claims) for quarter in bulletins())
    console.print(
        f"[green]✓[/] {len(contracts)} source contracts, {rules} rules, {len(load_outputs())} output contracts, "
        f"{len(load_metrics())} metrics, {len(load_reconciliations())} reconciliations, {claims} claims",
        highlight=False,
        soft_wrap=True,
    )
    if not sources:
        return
    settings, failed = load_settings(home), 0
    for contract in contracts.values():
        try:
            probe(settings.source(contract.server, contract.name), contract)
            console.print(f"[green]✓[/] {contract.name} at {contract.server}", highlight=False)
        except SourceFailure as failure:
            failed += 1
            console.print(f"[red]✗[/] {escape(str(failure))}", highlight=False, soft_wrap=True)
    if failed:
        raise typer.Exit(1)


@app.command()
def evidence(
    run: Annotated[str, typer.Argument(help="Run, e.g. 20241010T120000Z; default: the newest.")] = "",
    home: Home = None,
) -> None:
    """Render a run's Great Expectations results as Data Docs (HTML) and print where they lie."""
    import json

    from resources.expectations import write_data_docs
    from resources.settings import load_settings
    from resources.workspace import stamped

    folder = load_settings(home).home / "evidence"
    runs = sorted(path.name for path in folder.glob("*Z")) if folder.exists() else []
    name = run or (runs[-1] if runs else "")
    if name not in runs:
        raise typer.BadParameter(
            f"no evidence of run {name or '-'}; there is {', '.join(runs[-5:]) or 'none'}"
        )
    results = [json.loads(p.read_text(encoding="utf-8")) for p in sorted((folder / name).glob("*.json"))]
    index = write_data_docs(results, folder / name / "docs", run=name, known_at=stamped(name))
    console.print(f"[green]✓[/] {len(results)} tables: {index}", highlight=False, soft_wrap=True)
