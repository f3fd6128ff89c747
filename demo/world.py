"""The pretend group: what every ledger of the demo agrees on.

Belongs here: the companies, parks and projects that several ledgers name, the clock of the demo, the
Chinese working calendar, and the independent random streams. Add a column to ``seeds/*.csv`` when two
ledgers must agree on it. Keep out: rows of ledgers (``demo.ledgers``), dirt, and how systems show them.

``World`` describes the group as it stands on :data:`UP_DAY`; what was different before or becomes
different later (a renamed company, a park not yet open) is a matter of the ledger that shows it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from functools import cached_property

from data_contracts.codes import organisation_check_digit, usci_check_digit
from demo.seed_files import SEEDS, seed_rows
from demo.workdays import (
    days_between,
    is_workday,
    month_end,
    months_between,
    next_month,
    next_workday,
    previous_workday,
    workbook_day,
    workdays_between,
)

__all__ = [
    "ADVANCE_DAY",
    "AS_OF",
    "HISTORY_END",
    "HISTORY_START",
    "SEEDS",
    "STATE_TIME",
    "UP_DAY",
    "YEAR_START",
    "Org",
    "Park",
    "Project",
    "World",
    "days_between",
    "is_workday",
    "month_end",
    "months_between",
    "next_month",
    "next_workday",
    "previous_workday",
    "random_usci",
    "seed_rows",
    "usci_of",
    "workbook_day",
    "workdays_between",
]

HISTORY_START = date(2023, 1, 1)
HISTORY_END = date(2024, 12, 31)
"""First and last business day any ledger holds; every timeline is generated whole, whatever ``end``."""

YEAR_START, AS_OF = date(2024, 1, 1), date(2024, 9, 30)
"""Window of the bulletin's year-to-date figures."""

UP_DAY, ADVANCE_DAY = date(2024, 10, 10), date(2024, 11, 15)
"""Where ``demo up`` and ``demo advance`` put the source systems by default (20:00 of that day)."""

STATE_TIME = time(20, 0)
"""Local time of day (+08:00) at which the source systems are shown."""


def usci_of(organisation8: str, region: str = "330782", prefix: str = "91") -> str:
    """Valid 18-character 统一社会信用代码 around an 8-character organisation body (GB 32100, GB 11714)."""
    body = prefix + region + organisation8 + organisation_check_digit(organisation8)
    return body + usci_check_digit(body)


def random_usci(rng: random.Random, region: str = "330782") -> str:
    """A valid enterprise usci of the newer shape (organisation body ``MA`` and six characters)."""
    tail = "".join(rng.choice("0123456789ABCDEFGHJKLMNPQRTUWXY") for _ in range(6))
    return usci_of("MA" + tail, region)


@dataclass(frozen=True)
class Org:
    """A company of the group; ``consolidation_pct`` is a share of 1 (0.8500), None parent = the group."""

    org_code: str
    org_name: str
    short_name: str
    usci: str
    parent_org_code: str | None
    consolidation_pct: Decimal
    industry_code: str


@dataclass(frozen=True)
class Park:
    """A park as of :data:`UP_DAY`. Areas in m2; ``managed_to`` is exclusive, None = still managed."""

    park_code: str
    park_name: str
    aliases: tuple[str, ...]
    park_kind: str
    town_code: str
    gfa_m2: Decimal
    leasable_m2: Decimal
    open_date: date | None
    managed_from: date | None
    managed_to: date | None
    self_managed: bool
    org_code: str
    project_code: str | None

    def managed_on(self, day: date) -> bool:
        """Whether the park is under management (在管) on ``day``."""
        begun = self.managed_from is not None and self.managed_from <= day
        return begun and (self.managed_to is None or day < self.managed_to)


@dataclass(frozen=True)
class Project:
    """A construction project as of :data:`UP_DAY`; planned total in CNY.

    ``role`` says what the project is there for: ``construction`` (one of the 19), ``finished`` (in
    2024), ``finished_before``, ``small_housing``, ``suspended``, ``deleted``, ``below_threshold``,
    ``cut_below_threshold``, ``agency``, ``not_started``, ``started_late`` (after 30 September) or
    ``cancelled``. ``accepted`` is the completion acceptance known on :data:`UP_DAY`; ``consultant_usci``
    is appointed when the project commences.
    """

    project_code: str
    project_name: str
    aliases: tuple[str, ...]
    role: str
    national_code: str | None
    org_code: str
    owner_org_code: str | None
    owner_usci: str
    consultant_usci: str | None
    project_type: str
    construction_mode: str
    investment_category: str
    in_statistics: str
    industry_code: str
    town_code: str
    park_code: str | None
    planned_total_cny: Decimal
    gfa_m2: Decimal | None
    commenced: date | None
    accepted: date | None
    sections: tuple[str, ...]

    @property
    def counts_in_investment(self) -> bool:
        """Inside the effective investment: in statistics, owned by the group, threshold of 5 m CNY."""
        threshold = self.project_type == "housing" or self.planned_total_cny >= 5_000_000
        return self.in_statistics == "Y" and self.owner_org_code is not None and threshold


@dataclass(frozen=True)
class World:
    """Everything the ledgers share, fixed by ``seed``.

    ``scale`` multiplies the volume of transactional ledgers; the additional rows are dated 2023, so no
    figure of 2024 moves. ``end`` is the day up to which the systems are shown; no row depends on it.
    """

    seed: int = 20240930
    scale: int = 1
    end: date = UP_DAY

    def __post_init__(self) -> None:
        if self.scale < 1:
            raise ValueError(f"scale must be 1 or more, not {self.scale}")
        if not HISTORY_START <= self.end <= HISTORY_END:
            raise ValueError(f"end must lie in {HISTORY_START}..{HISTORY_END}, not {self.end}")

    def rng(self, name: str) -> random.Random:
        """An independent random stream; one name per table keeps tables from shifting each other."""
        return random.Random(f"{self.seed}:{name}")

    @property
    def state_at(self) -> datetime:
        """Local instant (naive, +08:00) whose state the systems show: ``end`` at 20:00."""
        return datetime.combine(self.end, STATE_TIME)

    @cached_property
    def orgs(self) -> tuple[Org, ...]:
        """The 12 companies, the group first."""
        return tuple(_org(row) for row in seed_rows("orgs"))

    @cached_property
    def parks(self) -> tuple[Park, ...]:
        """The 13 parks, by code."""
        return tuple(_park(row) for row in seed_rows("parks"))

    @cached_property
    def projects(self) -> tuple[Project, ...]:
        """The 45 projects of scale 1, then 45 projects finished in 2023 for each further scale step."""
        rng, orgs = self.rng("world.projects"), {o.org_code: o for o in self.orgs}
        consultants = tuple(random_usci(rng) for _ in range(6))
        base = tuple(_project(row, rng, orgs, consultants) for row in seed_rows("projects"))
        return base + tuple(_history_project(n, base, rng) for n in range(45 * (self.scale - 1)))

    def org(self, org_code: str) -> Org:
        """Company by code."""
        return next(o for o in self.orgs if o.org_code == org_code)

    def park(self, park_code: str) -> Park:
        """Park by code."""
        return next(p for p in self.parks if p.park_code == park_code)

    def project(self, project_code: str) -> Project:
        """Project by code."""
        return next(p for p in self.projects if p.project_code == project_code)


# --- seeds to objects ------------------------------------------------------------------------------


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split("|")) if text else ()


def _org(row: dict[str, str]) -> Org:
    return Org(
        org_code=row["org_code"],
        org_name=row["org_name"],
        short_name=row["short_name"],
        usci=usci_of(row["organisation8"]),
        parent_org_code=row["parent_org_code"] or None,
        consolidation_pct=Decimal(row["consolidation_pct"]),
        industry_code=row["industry_code"],
    )


def _park(row: dict[str, str]) -> Park:
    return Park(
        park_code=row["park_code"],
        park_name=row["park_name"],
        aliases=_names(row["aliases"]),
        park_kind=row["park_kind"],
        town_code=row["town_code"],
        gfa_m2=Decimal(row["gfa_m2"]),
        leasable_m2=Decimal(row["leasable_m2"]),
        open_date=_day(row["open_date"]),
        managed_from=_day(row["managed_from"]),
        managed_to=_day(row["managed_to"]),
        self_managed=row["self_managed"] == "true",
        org_code=row["org_code"],
        project_code=row["project_code"] or None,
    )


def _project(
    row: dict[str, str], rng: random.Random, orgs: dict[str, Org], consultants: tuple[str, ...]
) -> Project:
    code, owned = row["project_code"], row["owner"] == "group"
    approved = f"{code[5:7]}{rng.randint(1, 9):02d}"
    national = f"{approved}-330782-04-01-{rng.randint(10000, 99999)}{rng.choice('0123456789X')}"
    outside = random_usci(rng)
    consultant = rng.choice(consultants)
    return Project(
        project_code=code,
        project_name=row["project_name"],
        aliases=_names(row["aliases"]),
        role=row["role"],
        # Projects of 2019 still carry a code of the older shape: their national code is unknown.
        national_code=None if code < "CT-2020" else national,
        org_code=row["org_code"],
        owner_org_code=row["org_code"] if owned else None,
        owner_usci=orgs[row["org_code"]].usci if owned else outside,
        consultant_usci=None if row["role"] == "cancelled" else consultant,
        project_type=row["project_type"],
        construction_mode=row["construction_mode"],
        investment_category=row["investment_category"],
        in_statistics=row["in_statistics"],
        industry_code=row["industry_code"],
        town_code=row["town_code"],
        park_code=row["park_code"] or None,
        planned_total_cny=Decimal(row["planned_total_wan"]) * 10_000,
        gfa_m2=Decimal(row["gfa_m2"]) if row["gfa_m2"] else None,
        commenced=_day(row["commenced"]),
        accepted=_day(row["accepted"]),
        sections=tuple(f"{code}-S{n:02d}" for n in range(1, int(row["sections"]) + 1)),
    )


def _history_project(number: int, base: tuple[Project, ...], rng: random.Random) -> Project:
    """A further project that was commenced in 2022 and accepted in 2023."""
    model = base[number % 19]
    code = f"CT-2022-{1001 + number}"
    return replace(
        model,
        project_code=code,
        project_name=f"{model.project_name}配套{number // 19 + 1}",
        aliases=(),
        role="finished_before",
        national_code=f"2203-330782-04-01-{rng.randint(10000, 99999)}{rng.choice('0123456789X')}",
        park_code=None,
        planned_total_cny=Decimal(rng.randint(800, 9000)) * 10_000,
        commenced=date(2022, rng.randint(1, 12), rng.randint(1, 28)),
        accepted=date(2023, rng.randint(3, 12), rng.randint(1, 28)),
        sections=tuple(f"{code}-S{n:02d}" for n in (1, 2)),
    )
