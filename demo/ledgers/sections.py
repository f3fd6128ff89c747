"""Ledger ``con_section``: contracts of the sections, as the project system's API shows them.

Belongs here: what each contract says and when it changed. Fields are camelCase of the catalogue's,
``contractAmount`` and ``amendedAmount`` (CNY) apart; dates ``YYYY-MM-DD``; ``updatedAt`` ISO with +08:00,
equal to the row's ``visible_from``. Construction sections carry milestones and progress; beside them
stand a supervision (``-JL``) and a design contract (``-SJ``) of each larger project. Dirt: a project's
short name for its code (D14), words of an older release (D21), stray blanks (D02), a wrong check digit of a
contract long finished (D17). Keep out: what was built (``section_plan``) and paid (``certificates``).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from typing import Any

from demo.ledgers.contractors import Contractor, by_name, contractors
from demo.ledgers.forms import iso_offset, json_number, office_time, padded
from demo.ledgers.milestones import by_project
from demo.ledgers.project_lives import Life, lives
from demo.ledgers.section_plan import SectionPlan, rng_of, section_plans
from demo.seed_files import seed_tree
from demo.timeline import Event, Row, Timeline
from demo.world import World, previous_workday

COLUMNS = (
    "sectionCode", "projectCode", "sectionName", "contractNo", "contractNature", "contractorUsci",
    "tenderNo", "signDate", "contractAmount", "amendedAmount", "taxRate", "startDate", "plannedEndDate",
    "updatedAt",
)  # fmt: skip

_ORDINALS = "一二三四五六"
_SERVICES = (("supervision", "JL", "监理", 16), ("design", "SJ", "设计", 24))
"""Nature, letters in the code, word in the name, per mille of the planned total."""
_WITH_SERVICES = ("construction", "finished")
_WRONG_CHECK_DIGIT, _PADDED = "CT-2019-002-S01", ("CT-2020-001-S02", "CT-2021-001-JL")


@dataclass(frozen=True)
class Section:
    """A contract as it stands at the end of the history; money in fen including VAT.

    ``amended_amount`` is None where nothing was amended; ``plan`` is None but for construction.
    """

    section_code: str
    project_code: str
    org_code: str
    section_name: str
    contract_no: str
    nature: str
    contractor: Contractor
    tender_no: str | None
    sign_date: date
    contract_amount: int
    amended_amount: int | None
    tax_bp: int
    start_date: date
    planned_end: date
    plan: SectionPlan | None

    @property
    def contractor_usci(self) -> str:
        """The contractor's 统一社会信用代码."""
        return self.contractor.usci

    @property
    def contractor_party(self) -> str:
        """The contractor's counterparty code in the books (``SG0001`` …)."""
        return self.contractor.party

    @property
    def value(self) -> int:
        """What the contract is worth as amended, fen."""
        return self.contract_amount if self.amended_amount is None else self.amended_amount


@lru_cache(maxsize=2)
def sections(world: World) -> tuple[Section, ...]:
    """All contracts, by project and code: about 130 at scale 1."""
    plans, found = section_plans(world), list[Section]()
    for life in lives(world).values():
        own = [plan for plan in plans.values() if plan.life is life]
        found += [_construction(world, plan, number) for number, plan in enumerate(own)]
        if own and life.project.role in _WITH_SERVICES:
            found += _services(world, life, own)
    return tuple(found)


def build(world: World) -> Timeline:
    """The ledger's timeline: about 130 contracts at scale 1."""
    rng, rows = world.rng("con_section.sheet"), list[Event]()
    for section in sections(world):
        rows += _states(world, section, rng)
    return Timeline("con_section", COLUMNS, rows)


# --- contracts ---------------------------------------------------------------------------------------


def _told(section_code: str) -> list[dict[str, Any]]:
    changes: dict[str, list[dict[str, Any]]] = seed_tree("sections")["changes"]
    return changes.get(section_code, [])


def _construction(world: World, plan: SectionPlan, number: int) -> Section:
    project, rng = plan.life.project, rng_of(world, plan.section_code, "contract")
    amended = next((Decimal(str(c["amended"])) for c in _told(plan.section_code) if "amended" in c), None)
    original = plan.final if amended is None else int(plan.final / amended) // 1_000_000 * 1_000_000
    several = len(project.sections) > 1
    return Section(
        section_code=plan.section_code,
        project_code=project.project_code,
        org_code=project.org_code,
        section_name=f"{project.project_name}{_ORDINALS[number] + '标段' if several else '施工'}",
        contract_no=f"HT-{project.project_code[3:]}-SG{number + 1:02d}",
        nature="construction",
        contractor=_builder(world, plan, number, rng),
        tender_no=f"ZB-{plan.start.year}-{rng.randint(100, 999)}" if plan.final > 400_000_000 else None,
        sign_date=previous_workday(plan.start - timedelta(days=rng.randint(18, 45))),
        contract_amount=original,
        amended_amount=None if amended is None else plan.final,
        tax_bp=900,
        start_date=plan.start,
        planned_end=plan.planned_end,
        plan=plan,
    )


def _builder(world: World, plan: SectionPlan, number: int, rng: random.Random) -> Contractor:
    """The builder that buys concrete for the project, section by section; else any builder."""
    builders = [c for c in contractors(world) if c.kind == "construction"]
    own = [c for c in builders if c.project_code == plan.life.project.project_code]
    others = [c for c in builders if c.project_code is None]
    drawn = rng.choice(others)
    return own[number] if number < len(own) else drawn


def _services(world: World, life: Life, own: list[SectionPlan]) -> Iterator[Section]:
    """The supervision and the design contract of a project."""
    project = life.project
    for nature, letters, word, permille in _SERVICES:
        code = f"{project.project_code}-{letters}"
        rng = rng_of(world, code, "contract")
        companies = [c for c in contractors(world) if c.kind == nature]
        appointed = [c for c in companies if c.usci == project.consultant_usci]
        start = min(plan.start for plan in own) - timedelta(days=20 if nature == "supervision" else 190)
        amount = int(project.planned_total_cny) * 100 * permille // 1000
        yield Section(
            section_code=code,
            project_code=project.project_code,
            org_code=project.org_code,
            section_name=f"{project.project_name}{word}",
            contract_no=f"HT-{project.project_code[3:]}-{letters}",
            nature=nature,
            contractor=appointed[0] if appointed else rng.choice(companies),
            tender_no=f"ZB-{start.year}-{rng.randint(100, 999)}",
            sign_date=previous_workday(start - timedelta(days=rng.randint(8, 20))),
            contract_amount=amount * rng.randint(90, 108) // 100 // 100_000 * 100_000,
            amended_amount=None,
            tax_bp=600,
            start_date=start,
            planned_end=max(plan.planned_end for plan in own) if nature == "supervision" else own[0].start,
            plan=None,
        )


# --- rows --------------------------------------------------------------------------------------------


def _states(world: World, section: Section, rng: random.Random) -> Iterator[Event]:
    """The contract's rows in time, each carrying all fields as they then stood."""
    row, changes = _first(world, section, rng), _changes(world, section)
    entered = office_time(previous_workday(section.sign_date + timedelta(days=rng.randint(3, 9))), rng)
    yield entered, False, row | {"updatedAt": iso_offset(entered)}
    for at, values in sorted(changes, key=lambda change: change[0]):
        if at <= entered:
            row |= values
            continue
        row = row | values
        yield at, False, row | {"updatedAt": iso_offset(at)}


def _first(world: World, section: Section, rng: random.Random) -> Row:
    usci = section.contractor_usci
    for change in _told(section.section_code):
        if "builder_before" in change:
            usci = by_name(world)[change["builder_before"]].usci
    if section.section_code == _WRONG_CHECK_DIGIT:
        usci = usci[:-1] + ("A" if usci[-1] != "A" else "B")
    name, ends = section.section_name, _ends(world, section)
    row: Row = {
        "sectionCode": section.section_code,
        "projectCode": section.project_code,
        "sectionName": padded(name, rng) if section.section_code in _PADDED else name,
        "contractNo": section.contract_no,
        "contractNature": section.nature,
        "contractorUsci": usci,
        "tenderNo": section.tender_no,
        "signDate": section.sign_date.isoformat(),
        "contractAmount": _cny(section.contract_amount),
        "amendedAmount": None,
        "taxRate": json_number(Decimal(section.tax_bp) / 10_000),
        "startDate": section.start_date.isoformat(),
        "plannedEndDate": (ends[0][1] if ends else section.planned_end).isoformat(),
        "updatedAt": "",
    }
    words: dict[str, Row] = seed_tree("sections")["words"]
    return row | words.get(section.section_code, {})


def _cny(fen: int) -> int | float:
    return json_number(Decimal(fen) / 100)


def _changes(world: World, section: Section) -> list[tuple[datetime, Row]]:
    """Told changes, and the planned end as the milestones' plan moves it."""
    found: list[tuple[datetime, Row]] = []
    for change in _told(section.section_code):
        if "amended" in change:
            found.append((change["at"], {"amendedAmount": _cny(section.value)}))
        else:
            found.append((change["at"], {"contractorUsci": section.contractor_usci}))
    ends = _ends(world, section)
    for (_, before), (at, end) in pairwise(ends):
        if end != before:
            # The contract is changed a few days after the plan.
            found.append((at + timedelta(days=3, hours=-1, minutes=7), {"plannedEndDate": end.isoformat()}))
    return found


def _ends(world: World, section: Section) -> list[tuple[datetime, date]]:
    """(recorded at, last day planned) of the section's completion, oldest first."""
    return [
        (revision.recorded_at, revision.due[1])
        for revision in by_project(world)[section.project_code]
        if (revision.section_code, revision.milestone_code) == (section.section_code, "completion")
        and revision.due is not None
    ]
