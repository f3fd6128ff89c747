"""Words a person types, as values: quarters, days, instants, grains, bases.

Belongs here: reading what commands are given, and saying what to write instead. Keep out: what is done
with them.
"""

from __future__ import annotations

from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, get_args

import typer

from data_contracts.calendar import Quarter
from data_contracts.metric import Grain, Metric, Period, load_metrics
from pipelines.cli.export import WRITERS
from resources.settings import parse_instant

GRAINS: tuple[Grain, ...] = get_args(Grain)
BASES = {
    "latest": "as known now",
    "first": "as first reported",
    "known-at": "as known at",
    "comparable": "beside last year under this year's scope",
}
"""Bases of figures: the word, and what it says of them."""


ScopeOption = Annotated[str, typer.Option("--scope", help="group, or a grain and code such as park=PK-01.")]
PeriodOption = Annotated[
    str, typer.Option("--period", help="quarter, ytd or as_of. Default: the year to date, or as of.")
]
RowsOption = Annotated[int, typer.Option("--rows", help="Most rows to print; all are exported.")]
BasisOption = Annotated[
    str,
    typer.Option(
        "--basis",
        help="latest: as known now. first: as first reported. known-at=2024-10-10: recomputed as known at the "
        "end of that day, or at an instant. comparable: last year under this year's scope, beside this year's.",
    ),
]
ExportOption = Annotated[
    Path | None, typer.Option("--export", help="Write every row to FILE.csv, .xlsx or .parquet.")
]


def quarter_named(text: str) -> str:
    """``2024Q3`` as the warehouse writes it. Raises ``typer.BadParameter`` for what is no quarter."""
    try:
        return str(Quarter.parse(text))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def instant(option: str, text: str) -> datetime | None:
    """The instant given for ``option``, UTC; None where it was left out. Raises ``typer.BadParameter``."""
    try:
        return parse_instant(text) if text else None
    except ValueError as error:
        raise typer.BadParameter(
            f"{option} {text!r} is no instant: write 2024-10-10T20:00:00+08:00"
        ) from error


def basis_named(text: str) -> tuple[str, datetime | None]:
    """A basis and its instant: ``first``, ``latest``, ``comparable``, ``known-at=2024-10-10``."""
    word, _, at = text.partition("=")
    if word not in BASES or (word == "known-at") != bool(at):
        raise typer.BadParameter(
            f"no basis {text!r}: write latest, first, comparable, or known-at= and a day or an instant"
        )
    return word, instant("--basis known-at", at)


def day(option: str, text: str) -> date | None:
    """The day given for ``option``; None where it was left out. Raises ``typer.BadParameter``."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise typer.BadParameter(f"{option} {text!r} is no day: write 2024-12-31") from error


def metric_named(text: str) -> Metric:
    """The metric of that id. Raises ``typer.BadParameter`` with the ids that are near."""
    metrics = load_metrics()
    if text not in metrics:
        near = get_close_matches(text, metrics, 3)
        hint = f": is it {', '.join(near)}?" if near else ": see docs/metrics.md"
        raise typer.BadParameter(f"no metric {text!r}{hint}")
    return metrics[text]


def scope_named(text: str) -> tuple[Grain, str]:
    """Grain and code of ``group`` or ``park=PK-01``. Raises ``typer.BadParameter``."""
    word, _, code = text.replace("/", "=", 1).partition("=")
    grain = next((g for g in GRAINS if g == word), None)
    if grain is None or (grain == "group") == bool(code):
        raise typer.BadParameter(f"no scope {text!r}: write group, or org=, project= or park= and a code")
    return grain, code


def usual_period(metric: Metric) -> Period:
    """The period a figure is quoted for: the year to date, or as of the last day, or else the quarter."""
    return next(period for period in ("ytd", "as_of", "quarter") if period in metric.periods)


def exportable(target: Path | None) -> None:
    """Raise ``typer.BadParameter`` for a file of a form, or in a place, that rows cannot be written in."""
    if target and target.suffix.lower() not in WRITERS:
        raise typer.BadParameter(f"cannot export to {target.name}: use {', '.join(WRITERS)}")
    if target and not target.absolute().parent.is_dir():
        raise typer.BadParameter(
            f"cannot export to {target}: there is no folder {target.parent}, make it first"
        )
