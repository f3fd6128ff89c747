"""Who stayed in which park from when to when, before anybody enters it into the park platform.

Belongs here: the stays behind ``park_company``. As of 30 September 2024 exactly 330 different companies
stay in parks that are not public (C13); ``seeds/companies.yaml`` holds the counts. Keep out: rows, dirt.
"""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from demo.ledgers.forms import some_workday, soon_after
from demo.ledgers.names import CompanyNames, parts
from demo.seed_files import seed_tree
from demo.world import AS_OF, HISTORY_END, Park, World, random_usci

_LATE_ARRIVALS = (
    (date(2024, 9, 18), datetime(2024, 10, 16, 10, 22, 41)),
    (date(2024, 9, 24), datetime(2024, 10, 22, 14, 5, 9)),
)
"""Companies that came in September and were entered weeks later: (in_park_date, entered)."""

PUBLIC_PARK = "PK-13"


@dataclass(frozen=True)
class Stay:
    """One stay of a company in a park. None dates: not (yet); ``*_recorded``: entered then, if not soon."""

    enterprise_id: str
    usci: str | None
    name: str
    park_code: str
    industry_code: str
    tenant_kind: str
    stage: str
    reg_capital: str
    in_date: date | None
    exit_date: date | None = None
    in_recorded: datetime | None = None
    exit_recorded: datetime | None = None
    renamed: tuple[datetime, str] | None = None
    usci_found: datetime | None = None
    bad_usci: bool = False
    full_width_usci: bool = False


@lru_cache(maxsize=2)
def stays(world: World) -> tuple[Stay, ...]:
    """All stays, the current ones first; 1,200 at scale 1."""
    told: dict[str, Any] = seed_tree("companies")
    draw, counts = _Draw(world), told["counts"]
    current = _current(draw, told)
    second = [draw.second(current[i], i) for i in range(60, 60 + 14 * counts["second_stays"], 14)]
    second[0] = replace(second[0], full_width_usci=True)
    found = [*current, *second, draw.bad()]
    found += [draw.shop(left=False) for _ in range(counts["shops"])]
    found += [draw.shop(left=True) for _ in range(counts["shops_left"])]
    found += [draw.tenant(date(2024, 10, 8), date(2024, 10, 10)) for _ in range(counts["arrived_after"])]
    for number in range(counts["arriving_later"]):
        stay = draw.tenant(date(2024, 10, 14), date(2024, 12, 20))
        if number < len(_LATE_ARRIVALS):
            came, entered = _LATE_ARRIVALS[number]
            stay = replace(stay, in_date=came, in_recorded=entered)
        found.append(stay)
    found += [draw.prospect() for _ in range(counts["prospects"])]
    found += [draw.earlier(current[i]) for i in _came_back(told)]
    found += [draw.left(date(2024, 9, 30), date(2024, 9, 30))]
    found += [draw.left(date(2024, 1, 5), date(2024, 9, 20)) for _ in range(34)]
    found += [draw.left(date(2017, 9, 1), date(2023, 12, 28)) for _ in range(counts["in_all"] - len(found))]
    _confuse_two(found)
    extra = counts["in_all"] * (world.scale - 1)
    return (*found, *(draw.left(date(2023, 2, 1), date(2023, 12, 28)) for _ in range(extra)))


def _confuse_two(found: list[Stay]) -> None:
    """Two companies that left long ago were entered under the code of one of them (D17)."""
    borne = Counter(stay.usci for stay in found)
    gone = [
        i
        for i, s in enumerate(found)
        if s.exit_date and s.exit_date < date(2022, 1, 1) and borne[s.usci] == 1
    ]
    found[gone[1]] = replace(found[gone[1]], usci=found[gone[0]].usci)


def _current(draw: _Draw, told: dict[str, Any]) -> list[Stay]:
    """The 330 companies of 30 September, each once."""
    counts = told["counts"]
    drawn = [draw.tenant(date(2016, 6, 1), date(2024, 9, 27)) for _ in range(counts["tenants"])]
    for index in range(counts["without_usci"]):
        found = datetime(2024, 11, 4, 15, 8, 20) if index == told["usci_found_later"] else None
        drawn[index] = replace(drawn[index], usci=None if not found else drawn[index].usci, usci_found=found)
    index = told["in_park_on_last_day"]
    drawn[index] = replace(drawn[index], in_date=AS_OF)
    for index in told["leaving_after"]:
        drawn[index] = replace(drawn[index], exit_date=date(2024, 10, 9))
    for index, day in told["renamed"].items():
        drawn[index] = draw.renamed(drawn[index], day)
    index = told["exit_recorded_late"]
    late = datetime(2024, 10, 21, 16, 40, 12)
    drawn[index] = replace(drawn[index], exit_date=date(2024, 9, 26), exit_recorded=late)
    for index in _came_back(told):
        drawn[index] = draw.tenant(date(2023, 3, 1), date(2024, 8, 30))
    named = [draw.named(row) for row in told["named"]]
    return drawn + named


def _came_back(told: dict[str, Any]) -> range:
    """Places of the companies that had left years ago and are here again."""
    return range(200, 200 + 9 * told["counts"]["came_back"], 9)


class _Draw:
    """Draws stays that fit the parks: none before a park opens, incubatees in incubators."""

    def __init__(self, world: World) -> None:
        self.rng = world.rng("park_company")
        self.names = CompanyNames(world.rng("park_company.names"))
        self.parks = [p for p in world.parks if p.open_date and p.park_kind != "public_park"]

    def tenant(self, first: date, last: date) -> Stay:
        """A stay that begins in the range and goes on."""
        park = self._park(last)
        assert park.open_date is not None
        begin = max(first, park.open_date)
        years = (last.year - begin.year) or 1
        # Newer years weigh more: the parks have been filling up.
        if years > 1 and self.rng.random() < 0.5:
            begin = max(begin, date(2023, 1, 3))
        return self._stay(park, some_workday(begin, last, self.rng))

    def left(self, first: date, last: date) -> Stay:
        """A stay that ended in the range, after half a year or longer."""
        ended = some_workday(first, last, self.rng)
        park = self._park(ended - timedelta(days=400))
        assert park.open_date is not None
        begin = max(park.open_date, ended - timedelta(days=1500))
        came = some_workday(begin, ended - timedelta(days=180), self.rng)
        return replace(self._stay(park, came), exit_date=ended)

    def prospect(self) -> Stay:
        """A company that talks about a place and has none."""
        known = some_workday(date(2022, 6, 1), date(2024, 12, 10), self.rng)
        stay = self._stay(self._park(HISTORY_END), known)
        return replace(stay, in_date=None, in_recorded=soon_after(known, self.rng))

    def shop(self, *, left: bool) -> Stay:
        """A shop in the public park."""
        begin = some_workday(date(2019, 5, 6), date(2022, 12, 20), self.rng)
        ended = some_workday(date(2023, 1, 10), date(2024, 9, 20), self.rng) if left else None
        base = self._stay(self.parks[0], begin)
        return replace(
            base, name=self.names.shop(), park_code=PUBLIC_PARK, industry_code="5299", tenant_kind="shop",
            stage="none", reg_capital="", exit_date=ended,
        )  # fmt: skip

    def second(self, stay: Stay, number: int) -> Stay:
        """Another stay of the company in another park, for a third of them under a shorter name (D16)."""
        others = [p for p in self.parks if p.park_code not in (stay.park_code, "PK-07")]
        again = self._stay(
            self.rng.choice(others), some_workday(date(2023, 4, 3), date(2024, 8, 30), self.rng)
        )
        name = stay.name.replace("有限公司", "公司") if number % 3 == 0 else stay.name
        return replace(again, usci=stay.usci, name=name, industry_code=stay.industry_code)

    def earlier(self, stay: Stay) -> Stay:
        """A stay of the same company that ended years before the present one."""
        ended = some_workday(date(2021, 9, 1), date(2022, 11, 30), self.rng)
        park = next(p for p in self.parks if p.park_code == "PK-01")
        past = self._stay(park, ended - timedelta(days=self.rng.randint(300, 700)))
        return replace(past, usci=stay.usci, name=stay.name, exit_date=ended)

    def bad(self) -> Stay:
        """A tenant whose usci was mistyped: the check digit does not hold (D17)."""
        return replace(self.tenant(date(2023, 5, 4), date(2024, 7, 30)), bad_usci=True)

    def renamed(self, stay: Stay, day: date) -> Stay:
        """The stay of a company that takes a new name on ``day`` and keeps its usci."""
        park = next(p for p in self.parks if p.park_code == "PK-05")
        begin = some_workday(date(2020, 3, 2), date(2022, 12, 6), self.rng)
        at = soon_after(day - timedelta(days=1), self.rng, 1)
        return replace(
            stay, in_date=begin, park_code=park.park_code, tenant_kind="tenant", stage="none",
            renamed=(at, self.names.draw(stay.industry_code)),
        )  # fmt: skip

    def named(self, row: dict[str, Any]) -> Stay:
        """A tenant told in the seeds."""
        park = next(p for p in self.parks if p.park_code == row["park"])
        stay = self._stay(park, row["in"])
        return replace(
            stay, name=row["name"], industry_code=row["industry"], tenant_kind="tenant", stage="none"
        )

    def _park(self, open_by: date) -> Park:
        """A park open by that day, drawn by size; the newest one is still nearly empty."""
        able = [p for p in self.parks if p.open_date and p.open_date <= open_by]
        weights = [4.0e4 if p.park_code == "PK-07" else float(p.leasable_m2) for p in able]
        return self.rng.choices(able, weights)[0]

    def _stay(self, park: Park, day: date) -> Stay:
        rng = self.rng
        industry = rng.choice(list(parts()["trades"]))
        kind, stage = self._kind(park)
        capital = rng.choice((50, 100, 200, 500, 1000, 2000, 5000, 10000, 22000))
        return Stay(
            enterprise_id=str(uuid.UUID(int=rng.getrandbits(128), version=4)),
            usci=random_usci(rng, rng.choice(("330782", "330782", "330782", "330702", "330106", "310115"))),
            name=self.names.draw(industry),
            park_code=park.park_code,
            industry_code=industry,
            tenant_kind=kind,
            stage=stage,
            reg_capital=f"{capital}万{rng.choice(('人民币', '人民币', '元人民币', '美元'))}",
            in_date=day,
        )

    def _kind(self, park: Park) -> tuple[str, str]:
        incubator = park.park_kind == "incubator"
        if incubator and self.rng.random() < 0.62:
            return "incubatee", self.rng.choice(("seedbed", "incubator", "incubator", "accelerator"))
        return ("sub_tenant" if self.rng.random() < 0.1 else "tenant"), "none"
