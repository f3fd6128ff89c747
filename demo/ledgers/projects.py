"""Ledger ``con_project``: the project master, as the project system's API shows it.

Belongs here: one row per project and every change of it, from its first entry on. Fields are camelCase
of the catalogue's, ``plannedTotalWan`` (万元) and ``deleted`` apart; dates ``YYYY-MM-DD``; ``updatedAt``
ISO with +08:00, equal to the row's ``visible_from``. Statuses follow the milestones of ``milestones``,
other changes stand in ``seeds/project_changes.yaml``. Dirt, in finished projects only: a name with a stray
blank (D02), ``done`` and ``已完成`` for ``completed`` (D21). Keep out: milestones and money.
"""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from typing import Any

from demo.ledgers.forms import iso_offset, json_number, office_time, padded
from demo.ledgers.milestones import by_project, met
from demo.ledgers.project_lives import Life, lives
from demo.seed_files import seed_tree
from demo.timeline import Event, Row, Timeline
from demo.world import Project, World, previous_workday

COLUMNS = (
    "projectCode", "nationalCode", "orgCode", "projectName", "ownerUsci", "ownerOrgCode", "consultantUsci",
    "projectType", "constructionMode", "investmentCategory", "inStatistics", "industryCode", "regionCode",
    "townCode", "parkCode", "plannedTotalWan", "gfaM2", "status", "constructionStatus",
    "constructionStatusDate", "planDocNo", "updatedAt", "deleted",
)  # fmt: skip

_DRIFTED = {"CT-2019-002": "done", "CT-2020-003": "已完成"}
"""Finished projects whose status is written in words of an older release of the system (D21)."""

_PADDED = ("CT-2021-006",)

Change = tuple[datetime, dict[str, object]]


def build(world: World) -> Timeline:
    """The ledger's timeline: 45 projects at scale 1, about 3 states each."""
    rng, told = world.rng("con_project"), seed_tree("project_changes")
    rows: list[Event] = []
    for life in lives(world).values():
        rows += _states(world, life, told.get(life.project.project_code, {}), rng)
    return Timeline("con_project", COLUMNS, rows)


def _states(world: World, life: Life, told: Any, rng: random.Random) -> list[Event]:
    """The project's rows in time, each carrying all fields as they then stood."""
    project = life.project
    later = _turns(world, life) + [(c["at"], c.get("set", {})) for c in told.get("changes", [])]
    entered = _entered(world, project, rng)
    row = _entry(project, entered.date(), rng) | told.get("first", {})
    rows: list[Event] = [(entered, False, row | {"updatedAt": iso_offset(entered)})]
    final: Row = _entry(project, entered.date(), rng)
    for at, changed in sorted(later, key=lambda change: change[0]):
        # A change without values of its own brings back what `first` had set apart.
        row = row | (changed or {name: _final(project, name, final) for name in told.get("first", {})})
        rows.append((at, False, row | {"updatedAt": iso_offset(at)}))
    return rows


def _final(project: Project, name: str, entry: Row) -> object:
    return project.consultant_usci if name == "consultantUsci" else entry[name]


def _entered(world: World, project: Project, rng: random.Random) -> datetime:
    """First entry: some weeks before anything else is recorded of the project."""
    first = min(r.recorded_at for r in by_project(world)[project.project_code])
    # What has not begun has been in the pipeline for long.
    lead = rng.randint(10, 30) + (0 if project.commenced else 120)
    return office_time(previous_workday(first.date() - timedelta(days=lead)), rng)


def _turns(world: World, life: Life) -> list[Change]:
    """Changes of status that follow from milestones: approved, commenced, accepted."""
    project, found = life.project, list[Change]()
    for milestone, values in (
        ("approval", {"status": "preparation"}),
        ("commencement", {"status": "implementation", "constructionStatus": "in_progress"}),
        ("completion_acceptance", {"status": "completion", "constructionStatus": _completed(project)}),
    ):
        revision = met(world, project.project_code, milestone)
        if revision is None or revision.date_met is None:
            continue
        changed: dict[str, object] = dict(values)
        if "constructionStatus" in values:
            changed["constructionStatusDate"] = revision.date_met.isoformat()
        if milestone == "commencement":
            changed |= _begun(project)
        found.append((revision.recorded_at, changed))
    return found


def _begun(project: Project) -> dict[str, object]:
    """What is known once a project begins; a first consultant is told in the changes."""
    number = project.project_code[3:]
    changed: dict[str, object] = {
        "planDocNo": f"产投项方〔{number[:4]}〕{number[5:]}号",
        "inStatistics": project.in_statistics,
    }
    if project.project_code != "CT-2021-004":
        changed["consultantUsci"] = project.consultant_usci
    return changed


def _completed(project: Project) -> str:
    return _DRIFTED.get(project.project_code, "completed")


def _entry(project: Project, entered: date, rng: random.Random) -> Row:
    code = project.project_code
    name = padded(project.project_name, rng) if code in _PADDED else project.project_name
    return {
        "projectCode": code,
        "nationalCode": project.national_code,
        "orgCode": project.org_code,
        "projectName": name,
        "ownerUsci": project.owner_usci,
        "ownerOrgCode": project.owner_org_code,
        "consultantUsci": None,
        "projectType": project.project_type,
        "constructionMode": project.construction_mode,
        "investmentCategory": project.investment_category,
        # The three starts that are being pushed are already entered in the register.
        "inStatistics": project.in_statistics if project.role == "not_started" else "N",
        "industryCode": project.industry_code,
        "regionCode": "330782",
        "townCode": project.town_code,
        "parkCode": project.park_code,
        "plannedTotalWan": json_number(project.planned_total_cny / 10_000),
        "gfaM2": None if project.gfa_m2 is None else json_number(project.gfa_m2),
        "status": "identification",
        "constructionStatus": "not_started",
        "constructionStatusDate": entered.isoformat(),
        "planDocNo": None,
        "updatedAt": "",
        "deleted": False,
    }
