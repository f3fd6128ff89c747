"""``jibao hold``, ``certify``, ``close``, ``reopen`` and ``publication``: reporting a quarter and standing by it.

Belongs here: the commands. Keep out: what they do (``assets.report``); each step is a job that the Dagster UI
shows too (``pipelines.closing``).
"""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.markup import escape

from data_contracts.calendar import Quarter
from pipelines.cli.arguments import instant, quarter_named
from pipelines.cli.console import Format, FormatOption, Home, console, errors, table, write_rows
from pipelines.cli.published import NotPublished, published, rows_of
from resources.settings import load_settings

By = Annotated[str, typer.Option("--by", help="Name of the person who answers for it.")]
Name = Annotated[str, typer.Argument(metavar="QUARTER", help="Quarter, e.g. 2024Q3.")]
Now = Annotated[str, typer.Option("--now", help="The run's known_at.")]

publication = typer.Typer(help="What was reported: list it, prove it.", no_args_is_help=True)
_COLUMNS = (
    "quarter", "version", "is_current", "cut_off", "known_at", "preparer", "certifiers", "closer", "figures",
    "batches", "reason", "accounting_reason", "override_reason", "sha256",
)  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    for command in (hold, certify, close, reopen):
        app.command()(command)
    app.add_typer(publication, name="publication")


def hold(quarter: Name, by: By, now: Now = "", home: Home = None) -> None:
    """Say that a quarter is prepared: from here on its units certify it."""
    _take("hold_quarter", quarter, home, now, by=by)


def certify(
    quarter: Name,
    by: By,
    unit: Annotated[str, typer.Option("--unit", help="Certifying unit, as docs/metrics.md names it.")],
    now: Now = "",
    home: Home = None,
) -> None:
    """Certify the figures of one unit as they stand."""
    _take("certify_quarter", quarter, home, now, by=by, unit=unit)


def close(
    quarter: Name,
    by: By,
    cut_off: Annotated[
        str,
        typer.Option("--cut-off", help="As known then (ISO 8601, or a day). Default: the last complete run."),
    ] = "",
    reason: Annotated[str, typer.Option(help="Why it is restated; needed from the second version on.")] = "",
    accounting_reason: Annotated[
        str,
        typer.Option(
            help="What the restatement is in the books: policy_change, prior_period_error, estimate_change or other; "
            "needed from the second version on."
        ),
    ] = "",
    override: Annotated[str, typer.Option(help="Why it is closed without certificates that are valid.")] = "",
    now: Now = "",
    home: Home = None,
) -> None:
    """Publish the next version of a quarter. Refused, with every reason, while something bars it."""
    instant("--cut-off", cut_off)
    said = {"reason": reason, "accounting_reason": accounting_reason, "override": override}
    _take("close_quarter", quarter, home, now, by=by, cut_off=cut_off, **said)


def reopen(
    quarter: Name,
    by: By,
    reason: Annotated[str, typer.Option(help="Why the quarter is restated.")],
    now: Now = "",
    home: Home = None,
) -> None:
    """Reopen a closed quarter for a restatement."""
    _take("reopen_quarter", quarter, home, now, by=by, reason=reason)


@publication.command("list")
def list_publications(style: FormatOption = Format.table, home: Home = None) -> None:
    """Every publication: version, cut-off, who prepared, certified and closed it, and why it restates."""
    with published(home) as connection:
        rows = rows_of(
            connection, f"SELECT {', '.join(_COLUMNS)} FROM report.publication ORDER BY quarter, version"
        )
        certificates = rows_of(
            connection, "SELECT quarter, unit, certified_by, stale_because FROM report.certificate "
            "WHERE is_stale ORDER BY quarter, unit",
        )  # fmt: skip
    if style is not Format.table:
        write_rows(rows, _COLUMNS, style)
        return
    shown = table("publications", "quarter", "known at its cut-off (UTC)", "signed by", "figures", "sha256")
    for row in rows:
        signed = (
            f"{row['closer']}\n[dim]prepared {row['preparer']}\n{escape(_certified(row['certifiers']))}[/]"
        )
        why = " ".join(filter(None, (row["accounting_reason"], row["reason"]))) or row["override_reason"]
        signed += f"\n[yellow]{escape(why)}[/]" if why else ""
        name = f"{row['quarter']} v{row['version']}" + ("" if row["is_current"] else "\n[dim]superseded[/]")
        shown.add_row(
            name, f"{row['cut_off']:%Y-%m-%d %H:%M:%S}", signed, f"{row['figures']:,}", row["sha256"][:16]
        )
    console.print(shown)
    for row in certificates:
        console.print(
            f"[yellow]stale certificate[/] {row['quarter']} {row['unit']} ({row['certified_by']}): "
            f"{escape(row['stale_because'])}", highlight=False,
        )  # fmt: skip


@publication.command()
def verify(
    quarter: Annotated[str, typer.Argument(metavar="[QUARTER]", help="Only this quarter.")] = "",
    home: Home = None,
) -> None:
    """Prove publications from the raw batches alone. Exit 1 if one does not come out again."""
    from assets.report.verify import verify_publications
    from data_contracts.contract_file import load_contracts

    only = quarter_named(quarter) if quarter else ""
    proved = failed = 0
    for name, version, problem in verify_publications(load_settings(home), load_contracts(), only):
        proved, failed = proved + 1, failed + bool(problem)
        mark = (
            f"[bold red]✗[/] {escape(problem)}"
            if problem
            else "[green]✓[/] comes out again from the raw batches"
        )
        console.print(f"{name} v{version} {mark}", highlight=False)
    if not proved:
        raise NotPublished(
            f"{only or 'no quarter'} was {'never' if only else 'ever'} published → `jibao close`"
        )
    if failed:
        raise typer.Exit(1)


def _certified(certifiers: str | None) -> str:
    """``unit: name, …`` as a line a person: most sign for several units."""
    units: dict[str, list[str]] = {}
    for pair in (certifiers or "").split(", ") if certifiers else ():
        unit, _, name = pair.partition(": ")
        units.setdefault(name, []).append(unit)
    said = [f"certified {name}: {'、'.join(named)}" for name, named in units.items()]
    return "\n".join(said) or "no certificate"


def _take(job: str, quarter: str, home: Any, now: str, **said: str) -> None:
    from pipelines.closing import op_of
    from pipelines.definitions import defs
    from pipelines.runs import run_job

    name = quarter_named(quarter)
    outcome = run_job(
        defs,
        job,
        home=home,
        now=now,
        partition=Quarter.parse(name).partition_key,
        step_config={op_of(job): {"config": said}},
    )
    if not outcome.success:
        errors.print(f"[bold red]✗[/] {escape(outcome.cause or '')}", highlight=False, soft_wrap=True)
        raise typer.Exit(1)
    console.print(f"[green]✓[/] {name}: {op_of(job)} by {said['by']}", highlight=False)
