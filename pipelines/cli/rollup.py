"""``jibao rollup``: every figure of a quarter, on the basis asked for.

Belongs here: the command and how figures are printed. Keep out: work files, which a running job holds; what a basis
is (``assets.report.basis``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import sqlalchemy as sa
import typer

from pipelines.cli.arguments import BASES, GRAINS, BasisOption, basis_named, quarter_named
from pipelines.cli.console import Format, FormatOption, Home, console, table, write_rows
from pipelines.cli.published import beside_published, published, rows_of

_FIGURES = (
    "SELECT metric_id AS metric, period, grain, scope_code AS scope, value, adjustment, reported_value, value_date, "
    "value_date_to, value_text, unit, row_count AS rows, flags, definition_hash FROM {relation} "
    "WHERE quarter = :q AND grain = :g ORDER BY metric_id, period, scope_code"
)
_COMPARED = (
    "SELECT metric_id AS metric, period, grain, scope_code AS scope, value, last_year_value, comparable_value, change, "
    "change_pct, unit, flags, comparable_flags, definition_hash FROM mart.comparable_metric "
    "WHERE quarter = :q AND grain = :g ORDER BY metric_id, period, scope_code"
)


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(rollup)


def rollup(
    quarter: Annotated[str, typer.Argument(help="Quarter, e.g. 2024Q3.")],
    style: FormatOption = Format.table,
    grain: Annotated[str, typer.Option(help=f"One of {', '.join(GRAINS)}.")] = "group",
    basis: BasisOption = "latest",
    home: Home = None,
) -> None:
    """Every figure of one quarter: the quarter alone, the year to date, or as of its last day."""
    name = quarter_named(quarter)
    if grain not in GRAINS:
        raise typer.BadParameter(f"no grain {grain!r}: choose {', '.join(GRAINS)}")
    word, cut_off = basis_named(basis)
    with _answering(home, name, word, cut_off) as (connection, query):
        rows = rows_of(connection, query, q=name, g=grain)
    if not rows:
        raise typer.BadParameter(_why_none(name, word))
    at = basis.removeprefix(word).replace("=", " ")
    title = f"{name} by {grain}" + (f", {BASES[word]}{at}" if word != "latest" else "")
    if word == "comparable":
        columns = tuple(rows[0])
        show = _print_compared
    else:
        adjusted = any(row["adjustment"] is not None for row in rows)
        columns = tuple(c for c in rows[0] if adjusted or c not in ("adjustment", "reported_value"))
        show = _print_adjusted if adjusted else _print_figures
    if style is Format.table:
        show(title, rows)
    else:
        write_rows(rows, columns, style)


@contextmanager
def _answering(
    home: Path | None, quarter: str, basis: str, cut_off: datetime | None
) -> Iterator[tuple[sa.Connection, str]]:
    """A connection and the query whose rows are the answer."""
    from assets.report.basis import LATEST, first_reported, known_at
    from data_contracts.contract_file import load_contracts
    from resources.engine import DuckDBSession

    if cut_off is None:
        with published(home) as connection:
            relation = first_reported(DuckDBSession(connection), quarter) if basis == "first" else LATEST
            yield connection, _COMPARED if basis == "comparable" else _FIGURES.format(relation=relation)
        return
    with (
        beside_published(home) as engine,
        known_at(engine, load_contracts(), cut_off) as relation,
        engine.begin() as session,
    ):
        yield session.connection, _FIGURES.format(relation=relation)


def _why_none(quarter: str, basis: str) -> str:
    if basis == "comparable":
        return f"nothing to compare {quarter} with: the warehouse speaks of no quarter before 2023Q1"
    if basis == "known-at":
        return f"no figures for {quarter}: it had not begun by then, or lies before 2023Q1"
    return f"no figures for {quarter}: the warehouse speaks of 2023Q1 up to the published day"


def _print_figures(title: str, rows: list[dict[str, Any]]) -> None:
    shown = table(title, "metric", "", "period", "scope", "value", "rows", "flags", right=("value", "rows"))
    for row in rows:
        shown.add_row(*_named(row), _value(row), str(row["rows"]), row["flags"] or "")
    console.print(shown)


def _print_adjusted(title: str, rows: list[dict[str, Any]]) -> None:
    numbers = ("value", "adjustment", "reported", "rows")
    shown = table(title, "metric", "", "period", "scope", *numbers, "flags", right=numbers)
    for row in rows:
        # In the stored unit: what is adjusted is often less than a figure in 亿元 shows.
        adjustment = row["adjustment"]
        beside = ("", "")
        if adjustment is not None:
            beside = (f"{adjustment.normalize():+,f} {row['unit']}", _number(row, row["reported_value"]))
        shown.add_row(*_named(row), _value(row), *beside, str(row["rows"]), row["flags"] or "")
    console.print(shown)


def _print_compared(title: str, rows: list[dict[str, Any]]) -> None:
    numbers = ("this year", "last year", "comparable", "change", "%")
    shown = table(title, "metric", "", "period", "scope", *numbers, "flags", right=numbers)
    for row in rows:
        told = [_number(row, row[c]) for c in ("value", "last_year_value", "comparable_value", "change")]
        percent = "" if row["change_pct"] is None else f"{row['change_pct']:+,.1f}"
        flags = " ".join(f for f in (row["flags"], row["comparable_flags"]) if f)
        shown.add_row(*_named(row), *told, percent, flags)
    console.print(shown)


def _named(row: Mapping[str, Any]) -> tuple[str, str, str, str]:
    from data_contracts.metric import load_metrics

    metric = load_metrics().get(row["metric"])
    return row["metric"], metric.name.zh if metric else "", row["period"], row["scope"]


def _value(row: Mapping[str, Any]) -> str:
    if row["value_date"] is not None:
        until = row["value_date_to"]
        return f"{row['value_date']}" + (f" … {until}" if until and until != row["value_date"] else "")
    return _number(row, row["value"]) if row["value"] is not None else (row["value_text"] or "–")


def _number(row: Mapping[str, Any], value: Any) -> str:
    from data_contracts.metric import load_metrics
    from data_contracts.metric_text import display

    if value is None:
        return "–"
    metric = load_metrics().get(row["metric"])
    return display(metric, value) if metric else str(value)
