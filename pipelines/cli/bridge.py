"""``jibao bridge``: how a quarter's figures got from what was reported to what they are now, by cause.

Belongs here: the command, how a bridge is printed and exported. Keep out: computing it (``assets.report.bridge``).
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any, get_args

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
from pipelines.cli.console import Format, FormatOption, Home, console, plain_text, table, write_rows
from pipelines.cli.export import export_rows
from resources.settings import load_settings

_ROW_COLUMNS = (
    "metric_id", "cause", "affects_quarter", "source_table", "source_key", "amount_before", "amount_after",
    "counted_as", "said",
)  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(bridge)


def bridge(
    quarter: Annotated[str, typer.Argument(help="Quarter, e.g. 2024Q3.")],
    metric_id: Annotated[
        str, typer.Argument(metavar="[METRIC]", help="One metric, with the rows behind each cause.")
    ] = "",
    start: Annotated[
        str, typer.Option("--from", help="Publication it leads from, e.g. v1. Default: the newest.")
    ] = "",
    end: Annotated[
        str, typer.Option("--to", help="Later publication, or current: as the last run left it.")
    ] = "current",
    scope: ScopeOption = "group",
    period: PeriodOption = "",
    limit: RowsOption = 20,
    export: ExportOption = None,
    style: FormatOption = Format.table,
    home: Home = None,
) -> None:
    """Lead each figure from one publication to the next, cause by cause. Exit 1 if something stays unexplained."""
    from assets.report.bridge import EFFECT_COLUMNS
    from assets.report.cuts import cut_named, lead, newest_version
    from data_contracts.calendar import Quarter
    from data_contracts.contract_file import load_contracts
    from data_contracts.metric import Period, load_metrics
    from resources.workspace import hold

    name = Quarter.parse(quarter_named(quarter))
    metrics, contracts = load_metrics(), load_contracts()
    chosen = metric_named(metric_id) if metric_id else None
    exportable(export)
    if period and period not in get_args(Period):
        raise typer.BadParameter(f"no period {period!r}: choose {', '.join(get_args(Period))}")
    if export and chosen is None:
        raise typer.BadParameter("--export lists the rows of one metric: name it")
    grain, code = scope_named(scope)
    if chosen:
        metrics = {name: metrics[name] for name in (chosen.id, *chosen.inputs)}
    with hold(load_settings(home), run_id=f"bridge {name}", reading=True) as ws:
        first = cut_named(ws, contracts, metrics, name, start or newest_version(ws, name))
        last = cut_named(ws, contracts, metrics, name, end)
        if last.cut_off < first.cut_off:
            raise typer.BadParameter(
                f"{first.name} was known later than {last.name}: exchange --from and --to"
            )
        _asked_for(str(name), chosen, (grain, code), {*first.figures, *last.figures})
        found = lead(ws, contracts, metrics, name, first, last, metrics if chosen else (), (grain, code))
    effects = [e for e in found.effects if (e.grain, e.scope_code) == (grain, code)]
    if style is Format.table:
        _print(found, _of_one_period(effects, metrics, period), metrics)
        _print_rows(found.rows, limit)
    else:
        write_rows([e.told() for e in effects], EFFECT_COLUMNS, style)
    if export:
        written = export_rows(
            export, _ROW_COLUMNS, ([getattr(r, c) for c in _ROW_COLUMNS] for r in found.rows)
        )
        console.print(f"{written:,} rows written to {export}", highlight=False)
    if found.unexplained:
        raise typer.Exit(1)


def _asked_for(quarter: str, chosen: Any, place: tuple[str, str], figures: set[Any]) -> None:
    """Raise ``typer.BadParameter`` for a scope that has no figure at either end, as ``jibao explain`` refuses it."""
    grain, code = place
    said = f"{grain} {code}".strip()
    if chosen and grain not in chosen.grains:
        raise typer.BadParameter(
            f"{chosen.id} has no figure for {said}: its grains are {', '.join(chosen.grains)}"
        )
    there = {k[0] for k in figures if (k[1], *k[3:]) == (quarter, grain, code)}
    if not there or (chosen and chosen.id not in there):
        raise typer.BadParameter(f"no figure of {chosen.id if chosen else 'any metric'} for {quarter} {said}")


def _of_one_period(effects: list[Any], metrics: Any, period: str) -> list[Any]:
    """Effects on the period asked for, else on the one a figure is quoted for; of what is unexplained, all."""

    def shown(effect: Any) -> str:
        metric = metrics.get(effect.metric_id)
        return period or (usual_period(metric) if metric else effect.period)

    return [e for e in effects if e.period == shown(e) or e.cause == "unexplained"]


def _print(found: Any, effects: list[Any], metrics: Any) -> None:
    shown = table(
        f"{found.quarter}: from {found.start.name} to {found.end.name}",
        "figure", "cause", "affects", "effect", "figure then", right=("effect", "figure then"), caption=_changed(found),
    )  # fmt: skip
    figures: dict[tuple[str, str], list[Any]] = {}
    for effect in effects:
        figures.setdefault((effect.metric_id, effect.period), []).append(effect)
    for (metric_id, period), steps in sorted(figures.items()):
        metric = metrics.get(metric_id)
        names = iter([f"[bold]{metric_id}[/]", f"{metric.name.zh if metric else ''} [dim]{period}[/]"])
        shown.add_row(next(names), f"[dim]{found.start.name}[/]", "", "", _value(metric, steps[0].before))
        for step in steps:
            cause = f"[bold red]{step.cause}[/]" if step.cause == "unexplained" else step.cause
            shown.add_row(
                next(names, ""),
                cause,
                step.affects_quarter,
                _effect(metric, step),
                _value(metric, step.after),
            )
        if rounding := _rounding(metric, steps):
            shown.add_row("", "[dim]rounding[/]", "", f"[dim]{rounding}[/]", "")
        shown.add_section()
    if figures:
        console.print(shown)
    else:
        console.print(f"{shown.title}: no figure differs; {shown.caption}", highlight=False)


def _print_rows(rows: Iterable[Any], limit: int) -> None:
    listed = sorted(
        rows, key=lambda r: -abs((r.amount_after or Decimal(0)) - (r.amount_before or Decimal(0)))
    )
    if not listed:
        return
    shown = table(
        "rows behind the causes", "metric and cause", "ledger row", "before", "after", "what changed",
        right=("before", "after"), caption=f"{min(limit, len(listed))} of {len(listed)} rows",
    )  # fmt: skip
    for row in listed[:limit]:
        shown.add_row(
            f"{row.metric_id}\n{row.cause} [dim]{row.affects_quarter}[/]",
            escape(f"{row.source_table}\n{row.source_key}"),
            plain_text(row.amount_before),
            plain_text(row.amount_after),
            escape(row.said or (f"counts as {row.counted_as}" if row.counted_as else "")),
        )
    console.print(shown)


def _changed(found: Any) -> str:
    counted: dict[str, int] = {}
    for (_, cause), rows in found.changed.items():
        counted[cause] = counted.get(cause, 0) + rows
    told = ", ".join(f"{cause} {rows:,}" for cause, rows in counted.items())
    alarm = f"; [bold red]✗ {len(found.unexplained)} unexplained[/]" if found.unexplained else ""
    return f"changed ledger rows, whether they count in a figure or not: {told or 'none'}{alarm}"


def _effect(metric: Any, step: Any) -> str:
    """The exact difference in the stored unit; of what is no number, nothing: the figure then says it."""
    if step.effect is None:
        return ""
    return f"{step.effect.normalize():+,f} {metric.unit if metric else ''}".strip()


def _value(metric: Any, value: Any) -> str:
    from data_contracts.metric_text import display

    return display(metric, value.number) if metric and value.number is not None else str(value) or "–"


def _rounding(metric: Any, steps: list[Any]) -> str:
    """What the printed effects miss of the printed difference, in display units; nothing where they fit."""
    from data_contracts.metric_text import rounded

    if metric is None or any(s.effect is None for s in steps):
        return ""
    missed = (
        rounded(metric, steps[-1].after.number or Decimal(0))
        - rounded(metric, steps[0].before.number or Decimal(0))
        - sum((rounded(metric, s.effect) for s in steps), Decimal(0))
    )
    return f"{missed:+f}{metric.display.unit}" if missed else ""
