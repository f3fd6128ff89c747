"""The life of each project: when it began, when it is accepted, how far its investment has come.

Belongs here: dates that the project, milestone and investment ledgers must share, including those that
lie after the day the demo starts on. Keep out: rows. A life is told by ``seeds/project_lives.csv`` and
by the milestones named in ``seeds/milestones.yaml``, which win.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from demo.seed_files import seed_rows, seed_tree
from demo.world import Project, World

NamedRevision = dict[str, Any]
"""One told revision: ``recorded`` (datetime), ``due`` (two dates), ``met``, ``status``, ``defects``."""


@dataclass(frozen=True)
class Life:
    """Dates of one project. None = never, as far as anyone knows; ``accepted`` may lie in the future.

    ``invested_pct``: share of the planned total invested by the end of 2022, 2023, September and
    December 2024, in percent; None where the project has no investment in those years.
    """

    project: Project
    commenced: date | None
    accepted: date | None
    basis: str
    invested_pct: tuple[float, float, float, float] | None


@lru_cache(maxsize=1)
def named_milestones() -> dict[str, dict[str, list[NamedRevision]]]:
    """``seeds/milestones.yaml``: project to (section and) milestone to its revisions."""
    tree: dict[str, dict[str, list[NamedRevision]]] = seed_tree("milestones")
    return tree


def named_met(project_code: str, milestone: str) -> tuple[date, datetime] | None:
    """(day it was met, moment it was recorded) of a told milestone, if it is told and ever met."""
    for revision in named_milestones().get(project_code, {}).get(milestone, []):
        if "met" in revision:
            return revision["met"], revision["recorded"]
    return None


@lru_cache(maxsize=2)
def lives(world: World) -> dict[str, Life]:
    """Every project's life, keyed by project code."""
    told = {row["project_code"]: row for row in seed_rows("project_lives")}
    return {p.project_code: _life(p, told.get(p.project_code)) for p in world.projects}


def _life(project: Project, told: dict[str, str] | None) -> Life:
    begun = named_met(project.project_code, "commencement")
    accepted = project.accepted
    if told and accepted is None:
        accepted = date.fromisoformat(told["expected_acceptance"])
    named = named_met(project.project_code, "completion_acceptance")
    return Life(
        project=project,
        commenced=begun[0] if begun else project.commenced,
        accepted=named[0] if named else accepted,
        basis=told["basis"] if told else "progress",
        invested_pct=_levels(project, told),
    )


def _levels(project: Project, told: dict[str, str] | None) -> tuple[float, float, float, float] | None:
    if told:
        names = ("pct_2022", "pct_2023", "pct_2024_09", "pct_2024_12")
        first, second, third, last = (float(told[name]) for name in names)
        return first, second, third, last
    if project.accepted and project.accepted.year == 2023:
        return 40.0, 100.0, 100.0, 100.0
    return None
