"""Ledger ``fin_plan_target``: the group's plan of the year and its revisions, as the workbooks show them.

Belongs here: targets of companies (``seeds/plan_targets.yaml``) and of projects, to the end of each quarter
and for the year. The plan of 2024 was revised on 12 July (investment of some companies, from the third
quarter on) and, after the bulletin, on 6 November (the fourth quarter). A revision holds only the rows it
changes, each with the next version. Dirt: numbers as text (D07), dates as text and serials (D06), blanks
(D02), words of an older form (D21). Keep out: what was achieved.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from demo.ledgers.forms import number_text, padded, sheet_date
from demo.ledgers.investment_plan import UNIT_CNY, true_months
from demo.seed_files import seed_tree
from demo.timeline import Event, Row, Timeline
from demo.workdays import next_workday
from demo.world import World

COLUMNS = (
    "metric_id", "org_code", "project_code", "plan_year", "quarter", "version", "target_value", "unit",
    "approved_at", "file_version",
)  # fmt: skip

INVESTMENT = "effective_investment"
_WORDS = {INVESTMENT: ("有效投资", "固定资产投资")}
_SHARES = (Decimal("0.15"), Decimal("0.42"), Decimal("0.74"), Decimal(1))
_WHOLE = Decimal(100_000)
YEARS = (2023, 2024)
_MID_YEAR, _LATE = date(2024, 7, 12), date(2024, 11, 6)
_RAISED = {"YWCT-01": Decimal("0.97"), "YWCT-05": Decimal("1.04"), "YWCT-08": Decimal("0.95")}
"""Companies whose investment the revision of July changes from the third quarter on, and by how much."""
_LATE_RAISED = {"YWCT-04": Decimal("1.03"), "YWCT-11": Decimal("0.96")}


@dataclass(frozen=True, slots=True)
class Target:
    """One target; ``quarter`` 0 is the whole year, 1 to 4 cumulative to its end; ``project`` may be none."""

    metric: str
    org_code: str
    project: str | None
    year: int
    quarter: int
    version: int
    value: Decimal
    unit: str
    approved: date


@dataclass(frozen=True, slots=True)
class _Yearly:
    """A target of the year and the part of it planned to the end of each quarter."""

    metric: str
    org_code: str
    project: str | None
    value: Decimal
    unit: str
    shares: tuple[Decimal, ...]

    def targets(self, year: int, version: int, approved: date) -> Iterator[Target]:
        """Its five rows."""
        step = Decimal(1) if self.unit not in ("元",) else _WHOLE
        for quarter, share in ((0, Decimal(1)), *enumerate(self.shares, 1)):
            value = (self.value * share / step).quantize(Decimal(1)) * step
            yield Target(
                self.metric, self.org_code, self.project, year, quarter, version, value, self.unit, approved
            )


def _companies(year: int) -> Iterator[_Yearly]:
    for metric, spec in seed_tree("plan_targets").items():
        shares = tuple(Decimal(str(share)) for share in spec["shares"])
        for number, values in spec["year"].items():
            value = Decimal(str(values[YEARS.index(year)]))
            yield _Yearly(metric, f"YWCT-{number}", None, value, spec["unit"], shares)


def _investment(world: World, year: int, rng: random.Random) -> Iterator[_Yearly]:
    """Targets of the projects, near what their works come to, and of each company: its projects and a reserve."""
    projects = {p.project_code: p for p in world.projects if p.counts_in_investment}
    totals = defaultdict[str, Decimal](Decimal)
    for code, by_month in sorted(true_months(world).items()):
        units = sum(sum(m.values()) for month, m in by_month.items() if month.year == year)
        if code not in projects or units <= 0:
            continue
        exact = Decimal(units * UNIT_CNY) * Decimal(rng.randint(96, 106)) / 100
        value = (exact / _WHOLE).quantize(Decimal(1)) * _WHOLE
        totals[projects[code].org_code] += value
        yield _Yearly(INVESTMENT, projects[code].org_code, code, value, "元", _SHARES)
    for org_code, value in sorted(totals.items()):
        reserve = (value * Decimal("0.01") / _WHOLE).quantize(Decimal(1)) * _WHOLE
        yield _Yearly(INVESTMENT, org_code, None, value + reserve, "元", _SHARES)


def _first(world: World, year: int) -> list[Target]:
    """The plan of the year as approved at its beginning."""
    rng, approved = world.rng(f"fin_plan_target:{year}"), next_workday(date(year, 1, 18))
    yearly = [*_companies(year), *_investment(world, year, rng)]
    return [target for each in yearly for target in each.targets(year, 1, approved)]


def _revised(
    plan: list[Target], factors: dict[str, Decimal], first_quarter: int, version: int, day: date
) -> list[Target]:
    """The rows of the companies' investment that a revision changes."""
    return [
        replace(
            target,
            version=version,
            approved=day,
            value=(target.value * factors[target.org_code] / _WHOLE).quantize(Decimal(1)) * _WHOLE,
        )
        for target in plan
        if target.metric == INVESTMENT and target.project is None and target.org_code in factors
        and (target.quarter == 0 or target.quarter >= first_quarter)
    ]  # fmt: skip


def _workbooks(world: World) -> Iterator[tuple[datetime, list[Target]]]:
    """When each workbook was sent, and its targets; one version a file."""
    for year in YEARS:
        plan = _first(world, year)
        yield _sent(plan[0].approved), plan
        if year == YEARS[0]:
            # The extra volume of a larger scale is the plan of 2023 adopted again, unchanged.
            for version in range(2, world.scale + 1):
                again = date(year, 3, 1) + timedelta(days=version % 280)
                yield _sent(again), [replace(t, version=version, approved=again) for t in plan]
            continue
        yield _sent(_MID_YEAR), _revised(plan, _RAISED, 3, 2, _MID_YEAR)
        yield _sent(_LATE), _revised(plan, _LATE_RAISED, 4, 2, _LATE)


def _sent(approved: date) -> datetime:
    return datetime.combine(next_workday(approved + timedelta(days=2)), time(9, 45))


def build(world: World) -> Timeline:
    """The ledger's timeline: a workbook a year and one a revision; about 430 targets a year."""
    rng, rows, copies = world.rng("fin_plan_target.sheet"), list[Event](), defaultdict[int, int](int)
    for sent, targets in _workbooks(world):
        copies[targets[0].year] += 1
        of_file = {"file_version": copies[targets[0].year]}
        rows += [(sent, False, _row(target, rng) | of_file) for target in targets]
    return Timeline("fin_plan_target", COLUMNS, rows)


def _row(target: Target, rng: random.Random) -> Row:
    words = _WORDS.get(target.metric) or tuple(
        seed_tree("plan_targets")[target.metric][w] for w in ("word", "older")
    )
    return {
        "metric_id": words[1] if rng.random() < 0.012 else words[0],
        "org_code": padded(target.org_code, rng) if rng.random() < 0.006 else target.org_code,
        "project_code": target.project,
        "plan_year": str(target.year),
        "quarter": target.quarter,
        "version": target.version,
        "target_value": number_text(target.value) if rng.random() < 0.015 else target.value,
        "unit": target.unit,
        "approved_at": sheet_date(target.approved, rng, target.approved, 0.02),
    }
