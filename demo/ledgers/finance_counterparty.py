"""Ledger ``fin_counterparty``: whom the books owe and who owes them (用友NC bd_cust_supplier).

Belongs here: a master record for every counterparty code the books post to, the duplicates beside them,
renames and frozen records. Dirt: blanks (D02), renamed companies (D15), one usci under several codes and
names (D16), one usci on two different companies and one wrong check digit (D17). Keep out: which codes
there are and who uses them (``finance_parties``).
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from data_contracts.codes import USCI_ALPHABET
from demo.ledgers.concrete_contracts import contracts
from demo.ledgers.contractors import contractors
from demo.ledgers.coop import villages
from demo.ledgers.finance_parties import customers, group_code, pools, tenant_codes
from demo.ledgers.forms import office_time, padded, soon_after
from demo.ledgers.names import CompanyNames, person
from demo.ledgers.stays import Stay, stays
from demo.timeline import Event, Row, Timeline
from demo.workdays import next_workday
from demo.world import HISTORY_START, World, random_usci

COLUMNS = (
    "counterparty_code",
    "org_code",
    "name",
    "former_name",
    "usci",
    "cp_type",
    "region_code",
    "industry_code",
    "bank_account",
    "status",
    "ts",
)
GROUP = "YWCT-00"
_START = datetime.combine(HISTORY_START, time(0, 1))
_OPENED_BEFORE = timedelta(days=75)
"""A tenant's record is opened this long before it moves in."""

_TRADES = {
    "GY": ("2927", "3484", "3491", "3562", "3825", "6513", "7320"),
    "GC": ("3484", "2927"),
    "KH": ("6513", "3973", "3581", "3491"),
    "YS": ("1819", "2927", "3872"),
}
_BANKS = ("621226", "622848", "621661", "621700", "623091")
_DOUBLE_EVERY, _RENAMED_EVERY, _FROZEN_EVERY = 3, 31, 47
"""Of the suppliers and outside customers one in so many has a second record, takes a new name, is frozen."""
_BOTH_SIDES = 6
"""So many steel buyers are suppliers too, under another code and the same usci."""
_WRONG_DIGIT, _BORROWED = "GY0207", ("GY0118", "GY0261")
"""A record whose last character was misread; a record that shows the usci of another company."""


@dataclass(frozen=True, slots=True)
class Party:
    """A master record before it gets dirty; ``opened`` is the moment the ledger begins to show it."""

    code: str
    org_code: str
    name: str
    usci: str | None
    cp_type: str
    industry_code: str | None
    opened: datetime = _START
    renamed: tuple[datetime, str] | None = None
    frozen: datetime | None = None
    region: str = "330782"
    """Six-digit code of its county, where no usci tells it."""


def _group(world: World) -> Iterator[Party]:
    for org in world.orgs:
        yield Party(group_code(org.org_code), GROUP, org.org_name, org.usci, "both", org.industry_code)


def _tenants(world: World) -> Iterator[Party]:
    """One record a stay, kept by the company that runs the park; renamed with the stay."""
    codes = tenant_codes(world)
    keeper = {park.park_code: park.org_code for park in world.parks}
    for stay in stays(world):
        if stay.enterprise_id in codes:
            assert stay.in_date is not None
            day = max(next_workday(stay.in_date - _OPENED_BEFORE), HISTORY_START)
            yield Party(
                codes[stay.enterprise_id],
                keeper[stay.park_code],
                stay.name,
                stay.usci,
                "customer",
                stay.industry_code,
                datetime.combine(day, time(9, 5)) if day > HISTORY_START else _START,
                _renamed_stay(stay),
            )


def _renamed_stay(stay: Stay) -> tuple[datetime, str] | None:
    """The books hear of a new name some weeks after the park."""
    if stay.renamed is None:
        return None
    told = next_workday((stay.renamed[0] + timedelta(days=16)).date())
    return datetime.combine(told, time(10, 11)), stay.renamed[1]


def _concrete_customers(world: World) -> Iterator[Party]:
    """Buyers of concrete outside the group, with the usci of their contracts."""
    outside = {c.customer_code: c for c in contracts(world) if c.group_org is None}
    for code, contract in sorted(outside.items()):
        yield Party(code, "YWCT-03", contract.customer_name, contract.customer_usci, "customer", "4710")


def _villages() -> Iterator[Party]:
    """Partner villages, paid through their cooperative."""
    for village in villages():
        name = f"{village.name}股份经济合作社"
        yield Party(village.party, "YWCT-03", name, None, "village", None, region=village.region)


_BUILT_BY = {"construction": "4710", "supervision": "7482", "design": "7484"}


def _contractors(world: World) -> Iterator[Party]:
    """Companies that hold contracts of sections; a builder that buys concrete has a customer's code too."""
    for held in contractors(world):
        yield Party(held.party, GROUP, held.name, held.usci, "supplier", _BUILT_BY[held.kind])


class _Pool:
    """Draws the companies and people of the pools that nothing else in the group knows."""

    def __init__(self, world: World) -> None:
        self.world, self.rng = world, world.rng("fin_counterparty")
        self.names = CompanyNames(world.rng("fin_counterparty.names"))

    def company(self, code: str, org_code: str, cp_type: str) -> Party:
        """A company of the pool's trades."""
        industry = self.rng.choice(_TRADES[code[:2]])
        name = self.names.draw(industry)
        return Party(code, org_code, name, random_usci(self.rng), cp_type, industry)

    def agency(self, code: str) -> Party:
        """A travel agency that sells tickets of the public park."""
        name = self.names.draw("6513")
        for trade in ("软件", "信息技术", "网络科技"):
            name = name.replace(trade, "旅行社")
        return Party(code, "YWCT-06", name, random_usci(self.rng), "customer", "7291")

    def human(self, code: str, org_code: str, cp_type: str) -> Party:
        """A natural person: no usci, no industry."""
        return Party(code, org_code, person(self.rng), None, cp_type, None)

    def all(self) -> Iterator[Party]:
        """Every record of the drawn pools."""
        shared = pools(self.world, GROUP)
        yield from (self.company(code, GROUP, "supplier") for code in shared["supplier"])
        yield from (self.company(code, GROUP, "customer") for code in shared["steel_buyer"])
        for number, code in enumerate(shared["water_user"]):
            household = number % 5 < 2
            draw = self.human if household else self.company
            yield draw(code, "YWCT-08", "customer")
        yield from (self.agency(code) for code in shared["visitor"])
        yield from (self.human(code, "YWCT-05", "customer") for code in shared["owner"])
        for org in self.world.orgs:
            if org.org_code != "YWCT-03":
                for code in customers(self.world, org.org_code):
                    yield self.company(code, org.org_code, "customer")
            for code in pools(self.world, org.org_code)["staff"]:
                yield self.human(code, org.org_code, "both")


def _dirty_codes(drawn: Iterable[Party], rng: random.Random) -> Iterator[Party]:
    """Renames, frozen records, doubles of one company, and the two records with a wrong usci."""
    companies = [p for p in drawn if p.usci is not None and p.code[:2] in ("GY", "KH")]
    by_code = {p.code: p for p in companies}
    for number, party in enumerate(companies):
        if number % _RENAMED_EVERY == 7:
            day = date(2023, 3, 1) + timedelta(days=(number * 37) % 640)
            at = soon_after(day, rng)
            new = party.name.replace("有限公司", "集团有限公司").replace("股份集团", "集团股份")
            yield replace(party, renamed=(at, new))
        elif number % _FROZEN_EVERY == 3:
            yield replace(party, frozen=soon_after(date(2023, 2, 1) + timedelta(days=number * 2 % 660), rng))
        if number % _DOUBLE_EVERY == 1:
            yield _double(party, number, rng)
    wrong = by_code[_WRONG_DIGIT]
    assert wrong.usci is not None
    misread = USCI_ALPHABET[(USCI_ALPHABET.index(wrong.usci[17]) + 1) % len(USCI_ALPHABET)]
    yield replace(wrong, usci=wrong.usci[:17] + misread)
    yield replace(by_code[_BORROWED[0]], usci=by_code[_BORROWED[1]].usci)


def _double(party: Party, number: int, rng: random.Random) -> Party:
    """A second record of the company: another code, often another spelling of the name (D16)."""
    spellings = (
        party.name,
        party.name.replace("有限公司", "公司"),
        party.name.replace("义乌市", "义乌"),
        party.name.replace("（", "(").replace("）", ")"),
    )
    opened = office_time(next_workday(date(2023, 1, 4) + timedelta(days=number * 3 % 600)), rng)
    return replace(
        party, code=f"{party.code[:2]}9{number:03d}", name=spellings[number % 4], opened=opened, renamed=None
    )


def parties(world: World) -> dict[str, Party]:
    """Every master record by code; about 3,500 at scale 1."""
    pool = _Pool(world)
    drawn = list(pool.all())
    known = (_group, _tenants, _concrete_customers, _contractors)
    found = {p.code: p for p in (*(p for make in known for p in make(world)), *drawn)}
    by_code = {p.code: p for p in drawn}
    for number in range(1, _BOTH_SIDES + 1):
        buyer, supplier = f"GC{number:04d}", by_code[f"GY{number * 11:04d}"]
        found[buyer] = replace(by_code[buyer], name=supplier.name, usci=supplier.usci)
    found |= {p.code: p for p in _dirty_codes(drawn, pool.rng)}
    return found | {p.code: p for p in _villages()}


def _row(party: Party, rng: random.Random) -> Row:
    account = f"{rng.choice(_BANKS)}{rng.randrange(10**13):013d}" if rng.random() < 0.86 else None
    region = party.usci[2:8] if party.usci else party.region
    luck = rng.random()
    row: Row = {
        "counterparty_code": party.code,
        "org_code": party.org_code,
        "name": padded(party.name, rng) if luck < 0.012 else party.name,
        "former_name": None,
        "usci": party.usci,
        "cp_type": party.cp_type,
        "region_code": region if luck < 0.97 else None,
        "industry_code": party.industry_code,
        "bank_account": account,
        "status": "active",
        "ts": "",
    }
    if 0.2 < luck < 0.215:
        row |= {column: " " for column, value in row.items() if value is None and column != "usci"}
    return row


def _events(party: Party, rng: random.Random) -> Iterator[Event]:
    row = _row(party, rng)
    yield party.opened, False, row | {"ts": party.opened.isoformat(" ", "seconds")}
    changes: list[tuple[datetime, Row]] = []
    if party.renamed:
        changes.append((party.renamed[0], {"name": party.renamed[1], "former_name": party.name}))
    if party.frozen:
        changes.append((party.frozen, {"status": "frozen"}))
    for at, change in sorted(changes, key=lambda entry: entry[0]):
        row = row | change
        yield at, False, row | {"ts": at.isoformat(" ", "seconds")}


def build(world: World) -> list[Timeline]:
    """The ledger's timeline; at scale N it stays the same but for the stays of 2023."""
    rng = world.rng("fin_counterparty.sheet")
    events = [event for party in parties(world).values() for event in _events(party, rng)]
    return [Timeline("fin_counterparty", COLUMNS, events)]
