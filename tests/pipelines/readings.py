"""Tempting wrong readings of a bulletin, computed on a published warehouse.

Belongs here: running ``tests/golden/readings/*.yaml`` and rendering ``docs/wrong_readings.md`` from the result
(``python -m tests.pipelines.readings HOME``). Keep out: what is expected of them.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from data_contracts.calendar import Quarter
from data_contracts.claim import Claim, ClaimResult, Figure, evaluate, load_bulletin
from data_contracts.metric import load_metrics
from tests.pipelines.homes import Place

FOLDER = Path(__file__).parents[1] / "golden" / "readings"
PAGE = Path(__file__).parents[2] / "docs" / "wrong_readings.md"
COMMAND = "python -m tests.pipelines.readings .jibao"
_HEAD = f"""\
# Wrong readings

Every figure has tempting wrong formulas. Each one here was computed on the demo as known on the bulletin's
cut-off and falls outside what the bulletin's words accept, while the metric's own figure lies inside: a figure
that is right is right for a reason. The formulas stand in `tests/golden/readings/`; a test computes them after
the first night and compares this page, which `{COMMAND}` renders.
"""


@dataclass(frozen=True)
class Reading:
    """One mistake: the claim it misreads, what it does, and its SQL (one value, or two days)."""

    claim: str
    reading: str
    sql: str


def readings(quarter: str) -> list[Reading]:
    """The wrong readings of a quarter's bulletin, with their shared relations written out."""
    told = yaml.safe_load((FOLDER / f"{quarter}.yaml").read_text(encoding="utf-8"))
    shared = ", ".join(f"{name} AS ({query})" for name, query in told["with"].items())
    return [Reading(r["claim"], r["reading"], f"WITH {shared} {r['sql']}") for r in told["readings"]]


def without(quarter: str) -> dict[str, str]:
    """Claims that no tempting formula misses, and why."""
    told: dict[str, str] = yaml.safe_load((FOLDER / f"{quarter}.yaml").read_text(encoding="utf-8"))["without"]
    return told


def misread(place: Place, quarter: str, reading: Reading) -> tuple[ClaimResult, Figure]:
    """The verdict on the claim if the figure were what the wrong reading gives, and that figure."""
    claim = _claims(quarter)[reading.claim]
    window = Quarter.parse(quarter)
    rows = place.rows(reading.sql, year_start=date(window.as_of.year, 1, 1), as_of=window.as_of)
    assert len(rows) == 1, f"{reading.claim}, {reading.reading}: {len(rows)} rows"
    figure = _figure(rows[0])
    return evaluate(claim, figure, load_metrics()[claim.metric or ""]), figure


def rendered(place: Place, quarter: str) -> str:
    """Markdown of all readings of a bulletin from a home's published file. Ends with one newline."""
    names = tuple(Figure.__dataclass_fields__)
    figures = {
        row[:4]: Figure(*row[4:])
        for row in place.rows(
            f"SELECT metric_id, period, grain, scope_code, {', '.join(names)} FROM mart.quarterly_metric "
            "WHERE quarter = :q", q=quarter,
        )
    }  # fmt: skip
    lines = [_HEAD, f"## {quarter}", "", "| Claim | Printed | Jibao | Wrong reading | gives | accepted |"]
    lines.append("|---|---|---|---|---|---|")
    before = None
    for reading in readings(quarter):
        result, figure = misread(place, quarter, reading)
        claim = result.claim
        head = (f"`{claim.id}`", f"{claim.printed} {claim.unit}", _plain(figures[_key(claim)]))
        said = (
            *(head if claim.id != before else ("", "", "")),
            reading.reading,
            _plain(figure),
            result.accepted,
        )
        lines.append(f"| {' | '.join(said)} |")
        before = claim.id
    lines += ["", "These are computed too, and no tempting formula misses them:", ""]
    lines += [f"- `{claim}`: {reason}" for claim, reason in without(quarter).items()]
    return "\n".join(lines) + "\n"


def _plain(figure: Figure) -> str:
    """The stored value, not the rounded one: that is where near misses differ."""
    if figure.value is not None:
        return f"{figure.value.quantize(Decimal('0.01')):,f}".removesuffix(".00")
    days = [day.isoformat() for day in (figure.value_date, figure.value_date_to) if day]
    return figure.value_text or " … ".join(dict.fromkeys(days)) or "nothing"


def _key(claim: Claim) -> tuple[str | None, str, str, str]:
    return (claim.metric, claim.period, claim.grain, claim.scope_code)


def _claims(quarter: str) -> dict[str, Claim]:
    return {claim.id: claim for claim in load_bulletin(quarter).claims}


def _figure(row: tuple[Any, ...]) -> Figure:
    first = row[0]
    if isinstance(first, date) or len(row) == 2:
        return Figure(value_date=first, value_date_to=row[1] if len(row) == 2 else None)
    if isinstance(first, str):
        return Figure(value_text=first)
    return Figure(value=None if first is None else Decimal(str(first)))


if __name__ == "__main__":
    PAGE.write_text(rendered(Place(Path(sys.argv[1])), "2024Q3"), encoding="utf-8")
    print(PAGE)
