"""Which leads there are and what becomes of each, before anybody writes them into the sheet.

Belongs here: the leads behind ``park_lead``: those of the letters of intent, the ones ``seeds/leads.yaml``
names, companies that moved into a park, and drawn ones. As known on 2024-10-10 exactly 66 were signed in
January to September 2024, whatever their stage is now (C16). Keep out: the sheet and its dirt (``leads``).
"""

from __future__ import annotations

import random
import unicodedata
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from demo.ledgers import loi
from demo.ledgers.forms import office_time, some_workday, soon_after
from demo.ledgers.names import CompanyNames, parts
from demo.ledgers.stays import stays
from demo.seed_files import seed_tree
from demo.systems.sheet import number_of
from demo.timeline import Row
from demo.world import AS_OF, HISTORY_END, UP_DAY, YEAR_START, World, random_usci

_Q4 = (date(2024, 10, 14), date(2024, 12, 20))
_LAST_SEPTEMBER = date(2024, 9, 27)


@dataclass(frozen=True)
class Lead:
    """One lead. ``invest`` in 亿元; ``seen``: when its last event is written down, if not within days."""

    lead_no: str
    project: str
    company: str
    usci: str | None
    industry: str | None
    contacted: date
    invest: Decimal | None = None
    level: str | None = "一般"
    tier: str | None = "normal"
    park_code: str | None = None
    signed: date | None = None
    landed: date | None = None
    production: date | None = None
    lost: date | None = None
    seen: datetime | None = None

    @property
    def in_ytd(self) -> bool:
        """Signed in the window of the bulletin, and known when it was written."""
        late = self.seen is not None and self.seen.date() > UP_DAY
        return self.signed is not None and YEAR_START <= self.signed <= AS_OF and not late


@lru_cache(maxsize=2)
def leads(world: World) -> tuple[Lead, ...]:
    """All leads by number; 900 at scale 1."""
    told: dict[str, Any] = seed_tree("leads")
    draw = _Draw(world)
    found = [draw.of_letter(row) for row in _letters(world) if row["lead_no"]]
    draw.taken |= {lead.lead_no for lead in found}
    found += _named(world, draw, told)
    found += draw.moved_in(told["landed_with_a_stay"])
    missing = told["signed_ytd"] - sum(lead.in_ytd for lead in found)
    if missing < told["lost_after_signing"]:
        raise ValueError(f"{told['signed_ytd'] - missing} leads are signed already, raise signed_ytd")
    for number in range(missing):
        lead = draw.signed(YEAR_START + timedelta(days=8), _LAST_SEPTEMBER)
        found.append(draw.lose(lead) if number < told["lost_after_signing"] else lead)
    found += [draw.signed(date(2022, 3, 1), date(2023, 12, 20)) for _ in range(told["signed_before"])]
    found += [draw.signed(*_Q4) for _ in range(told["signed_later"])]
    found += [draw.lost() for _ in range(told["lost"])]
    found += [draw.open() for _ in range(told["in_all"] - len(found))]
    found += [draw.of_2023() for _ in range(told["in_all"] * (world.scale - 1))]
    return tuple(sorted(found, key=lambda lead: lead.lead_no))


def _letters(world: World) -> list[Row]:
    """The last state of every letter of intent."""
    rows: dict[object, Row] = {row["loi_no"]: row for _, _, row in loi.build(world).rows}
    return list(rows.values())


def _named(world: World, draw: _Draw, told: dict[str, Any]) -> list[Lead]:
    tenants = {stay.name: stay.usci for stay in stays(world)}
    found: dict[str, Lead] = {}
    for row in (*told["named"], told["wrong_unit"], told["unreadable_day"]):
        same = row.get("usci_of")
        usci = found[same].usci if same else tenants.get(row["company"]) or random_usci(draw.rng, "310115")
        found[row["project"]] = Lead(
            draw.number(row["contacted"].year), row["project"], row["company"], usci, row["industry"],
            row["contacted"], Decimal(row.get("invest") or row["right"]), row.get("level", "一般"),
            row.get("tier", "normal"), row.get("park"), row.get("signed"), row.get("landed"),
            row.get("production"), row.get("lost"), row.get("seen"),
        )  # fmt: skip
    return list(found.values())


def day_of(value: object) -> date | None:
    """The day a cell of the letters' sheet means, however it is written."""
    if value is None or isinstance(value, date):
        return value
    if isinstance(value, int):
        return date(1899, 12, 30) + timedelta(days=value)
    text = str(value).replace("/", "-").replace(".", "-")
    if text.isdecimal():
        return datetime.strptime(text, "%Y%m%d").date()
    return date(*(int(part) for part in text.split("-")))


class _Draw:
    def __init__(self, world: World) -> None:
        self.world, self.rng = world, world.rng("park_lead")
        self.names = CompanyNames(world.rng("park_lead.names"))
        self.parks = [p for p in world.parks if p.park_kind != "public_park"]
        self.taken: set[str] = set()
        told: dict[str, Any] = seed_tree("leads")
        self._projects: list[str] = told["projects"]
        self._numbers: dict[int, int] = {}
        # Companies the platform knows as prospects are leads of the promotion company.
        self._prospects = [s for s in stays(world)[:1_200] if s.in_date is None]

    def number(self, year: int) -> str:
        """The next free number of a year."""
        while True:
            self._numbers[year] = self._numbers.get(year, 0) + 1
            number = f"XS-{year}-{self._numbers[year]:04d}"
            if number not in self.taken:
                self.taken.add(number)
                return number

    def of_letter(self, row: Row) -> Lead:
        """The lead a letter of intent grew from; a letter withdrawn is a lead lost."""
        rng, signed = self.rng, day_of(row["signed_date"])
        assert signed is not None
        converted, withdrawn = day_of(row["converted_date"]), day_of(row["withdrawn_date"])
        usci = unicodedata.normalize("NFKC", str(row["usci"])).strip() if row["usci"] else None
        company = unicodedata.normalize("NFKC", str(row["company_name"])).strip()
        name = str(row["company_name"]).strip() if "（" in str(row["company_name"]) else company
        park = next(p for p in self.world.parks if row["park_name"] in (p.park_name, *p.aliases))
        area = number_of(row["area_m2"]) or Decimal(0)
        first = date(signed.year, 1, 2)
        lead = Lead(
            str(row["lead_no"]), self._project(name), name, usci, self._industry(),
            max(first, signed - timedelta(days=rng.randint(12, 120))),
            (area / 4_000).quantize(Decimal("0.01")) or Decimal("0.10"), park_code=park.park_code,
        )  # fmt: skip
        if withdrawn:
            return replace(lead, lost=withdrawn)
        if converted:
            agreed = signed + (converted - signed) // 2
            return replace(lead, signed=agreed, landed=converted)
        # One valid letter in four has become an agreement; of this year's only what the sheet already shows.
        agreed = signed + timedelta(days=rng.randint(20, 90))
        return replace(lead, signed=agreed) if rng.random() < 0.25 and agreed <= _LAST_SEPTEMBER else lead

    def moved_in(self, count: int) -> list[Lead]:
        """Companies that moved into a park this year: signed weeks before, landed on the day they came."""
        able = [
            s for s in stays(self.world)[:330]
            if s.in_date and date(2024, 3, 1) <= s.in_date <= _LAST_SEPTEMBER and s.usci and not s.renamed
            and not s.in_recorded and not s.bad_usci and s.name != "芯卓科技浙江有限公司"
        ]  # fmt: skip
        found = []
        for stay in able[:count]:
            assert stay.in_date is not None
            signed = max(stay.in_date - timedelta(days=self.rng.randint(15, 55)), date(2024, 1, 9))
            contacted = signed - timedelta(days=self.rng.randint(40, 200))
            found.append(
                Lead(
                    self.number(contacted.year), self._project(stay.name), stay.name, stay.usci,
                    stay.industry_code, contacted, self._invest(), park_code=stay.park_code,
                    signed=signed, landed=stay.in_date,
                )
            )  # fmt: skip
        return found

    def signed(self, first: date, last: date) -> Lead:
        """A lead signed in the range; of the older ones most have landed and some produce."""
        rng, day = self.rng, some_workday(first, last, self.rng)
        lead = replace(self._fresh(day - timedelta(days=rng.randint(30, 260))), signed=day)
        landed = day + timedelta(days=rng.randint(40, 300))
        if rng.random() < 0.75 and landed <= HISTORY_END:
            lead = replace(lead, landed=landed)
            production = landed + timedelta(days=rng.randint(120, 400))
            if rng.random() < 0.6 and production <= HISTORY_END:
                lead = replace(lead, production=production)
        return lead

    def lose(self, lead: Lead) -> Lead:
        """The same lead, given up some weeks after it was signed."""
        assert lead.signed is not None
        lost = min(lead.signed + timedelta(days=self.rng.randint(14, 70)), AS_OF)
        return replace(lead, landed=None, production=None, lost=lost)

    def lost(self) -> Lead:
        """A lead given up before anything was signed."""
        lead = self._fresh(some_workday(date(2022, 2, 7), date(2024, 11, 20), self.rng))
        return replace(lead, lost=lead.contacted + timedelta(days=self.rng.randint(25, 200)))

    def open(self) -> Lead:
        """A lead still talked about."""
        if self._prospects:
            stay = self._prospects.pop()
            assert stay.in_recorded is not None
            day = stay.in_recorded.date()
            lead = self._fresh(day)
            return replace(
                lead, company=stay.name, usci=stay.usci, industry=stay.industry_code, park_code=stay.park_code,
                project=self._project(stay.name),
            )  # fmt: skip
        return self._fresh(some_workday(date(2022, 6, 1), date(2024, 12, 18), self.rng))

    def of_2023(self) -> Lead:
        """A further lead of 2023, given up in the same year."""
        lead = self._fresh(some_workday(date(2023, 1, 4), date(2023, 9, 28), self.rng))
        return replace(lead, lost=lead.contacted + timedelta(days=self.rng.randint(20, 90)))

    def _fresh(self, contacted: date) -> Lead:
        industry = self._industry()
        name = self.names.draw(industry)
        usci = random_usci(self.rng, self.rng.choice(("330782", "330106", "310115", "440305", "110108")))
        return Lead(
            self.number(contacted.year), self._project(name), name,
            usci if self.rng.random() < 0.6 else None, industry if self.rng.random() < 0.93 else None,
            contacted, self._invest() if self.rng.random() < 0.9 else None,
            level="省重大" if self.rng.random() < 0.02 else self.rng.choice(("一般", "一般", None)),
            tier="normal" if self.rng.random() < 0.9 else None,
            park_code=self.rng.choice(self.parks).park_code if self.rng.random() < 0.8 else None,
        )  # fmt: skip

    def _industry(self) -> str:
        return str(self.rng.choice(list(parts()["trades"])))

    def _project(self, company: str) -> str:
        short = company
        for word in (*parts()["places"], *parts()["forms"], "（义乌）", "公司"):
            short = short.replace(str(word), "")
        return short + self.rng.choice(self._projects)

    def _invest(self) -> Decimal:
        return Decimal(self.rng.choice((30, 45, 60, 80, 120, 150, 200, 260, 350, 500, 800))) / 100


def office(day: date, rng: random.Random) -> datetime:
    """When somebody writes down what happened on ``day``: within days, in office hours."""
    return soon_after(day, rng) if day <= HISTORY_END else office_time(day, rng)
