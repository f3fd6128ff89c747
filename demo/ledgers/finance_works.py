"""Construction in the books: what the projects invest, month by month, without VAT.

Belongs here: works in progress, development cost of housing and works for others. Building and
installation follow the payment certificates of ``certificates``: works against the section's contractor,
retention, the advance worked off, and what is paid of each certificate, all under its number. Equipment, land
and other fees follow the plan of the investment statistics. Books, certificates and statistics thus differ
only by VAT, capitalised interest and advances (C05, R01-R04). January is exempt from the statistics and
inside February: here it has its own vouchers. Keep out: interest, which is everyday business.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from demo.ledgers.certificates import Certificate, advance, certificates
from demo.ledgers.finance_calendar import Period, workdays
from demo.ledgers.finance_chart import leaves
from demo.ledgers.finance_parties import pools
from demo.ledgers.finance_vouchers import (
    Line,
    Voucher,
    post,
    same_day,
    split,
    type_in_book,
    working_hour,
)
from demo.ledgers.investment_plan import UNIT_CNY, shares_of, true_months
from demo.ledgers.section_plan import BUILT
from demo.ledgers.sections import Section, sections
from demo.world import HISTORY_END, Project, World, previous_workday

_VOUCHER_EVERY, _MOST_VOUCHERS = 260_000_000, 7
_AGENCY = "147301"
_PAYABLE, _WITHHELD, _ADVANCED, _INPUT_VAT = "220201", "220204", "112302", "22210101"
_WAGE_ACCOUNT = "10020301"


@dataclass(frozen=True, slots=True)
class _Route:
    """Where a component of investment is booked, its VAT rate, and whom it is owed to."""

    own: str
    housing: str
    vat: int
    owed: str
    text: str


_ROUTES = {
    "construction": _Route("160401", "500104", 9, _PAYABLE, "计列建筑工程进度款"),
    "installation": _Route("160402", "500103,500105", 9, _PAYABLE, "计列安装工程进度款"),
    "equipment": _Route("160403,160502", "500103", 13, "220202", "设备到货安装"),
    "land": _Route("170101", "500101", 0, "", "支付土地价款"),
    "other_fee": _Route(
        "16040401,16040402,16040403,16040404,16040405,16040408,16040409",
        "500102,500106",
        6,
        "220205",
        "工程设计监理等费用",
    ),
}


def _account_pool(project: Project, route: _Route) -> tuple[str, ...]:
    if project.role == "agency":
        return (_AGENCY,)
    housing = project.project_type == "housing"
    return leaves(project.org_code, route.housing if housing else route.own)


def _by_period(world: World) -> Iterator[tuple[Project, Period, str, int]]:
    """Project, period, component and fen including VAT of all but building and installation."""
    projects = {project.project_code: project for project in world.projects}
    for code, by_month in true_months(world).items():
        for month, components in by_month.items():
            for component, units in components.items():
                if component in BUILT:
                    continue
                amount, period = units * UNIT_CNY * 100, Period(month.year, month.month)
                begun = projects[code].commenced
                january = Period(month.year, 1)
                if month.month == 2 and begun is not None and begun <= january.first_day:
                    first = amount * 46 // 100
                    yield projects[code], january, component, first
                    amount -= first
                if amount:
                    yield projects[code], period, component, amount


class _Site:
    """One project in one period: draws its vouchers."""

    def __init__(self, world: World, project: Project, period: Period, rng: random.Random) -> None:
        self.project, self.period, self.rng = project, period, rng
        self.days, self.pools = workdays(period), pools(world, project.org_code)

    def _voucher(self, kind: str, lines: list[Line]) -> Voucher:
        created, org_code = working_hour(self.rng, self.rng.choice(self.days)), self.project.org_code
        kind = type_in_book(org_code, kind)
        return Voucher(org_code, self.period, kind, created.date(), "AP", created, lines)

    def works(self, component: str, net: int) -> Iterator[Voucher]:
        """Vouchers of one component; ``net`` fen without VAT, cut into several for large sums."""
        route = _ROUTES[component]
        count = min(net // _VOUCHER_EVERY + 1, _MOST_VOUCHERS)
        for share in split(net, count, self.rng):
            yield post(self._works_voucher(route, share), self.rng, may_fail=False)

    def _works_voucher(self, route: _Route, net: int) -> Voucher:
        tax = net * route.vat // 100
        lines = _debits(self.project, route, net, self.rng, None)
        if tax:
            lines.append(Line(_INPUT_VAT, tax, 0, route.text))
        if route.owed:
            party = self.rng.choice(self.pools["supplier"])
            lines.append(Line(route.owed, 0, net + tax, route.text, party=party))
            return self._voucher("转", lines)
        bank = self.rng.choice(leaves(self.project.org_code, "100201"))
        return self._voucher("付", [*lines, Line(bank, 0, net + tax, route.text)])


def _debits(project: Project, route: _Route, net: int, rng: random.Random, doc: str | None) -> list[Line]:
    """Works lines of one route, cut over a few of its accounts."""
    accounts = _account_pool(project, route)
    parts = split(net, 1 if net < 5_000_000 else rng.randint(1, min(3, len(accounts))), rng)
    at = rng.randrange(len(accounts))
    return [
        Line(accounts[(at + n) % len(accounts)], part, 0, route.text, project.project_code, doc=doc)
        for n, part in enumerate(parts)
    ]


# --- certificates ------------------------------------------------------------------------------------


def _certified(certificate: Certificate, rng: random.Random) -> Voucher:
    """Works of a certificate: what falls due, what is held back, and the advance that is worked off."""
    section, doc = certificate.section, certificate.doc
    assert section.plan is not None
    project, shares = section.plan.life.project, shares_of(section.plan.life)
    net = certificate.output * 10_000 // (10_000 + section.tax_bp)
    built = sum(shares.get(name, 0) for name in BUILT)
    installed = int(net * (shares.get("installation", 0) / built))
    lines: list[Line] = []
    for component, amount in (("construction", net - installed), ("installation", installed)):
        if amount:
            lines += _debits(project, _ROUTES[component], amount, rng, doc)
    text, party = f"{section.section_name}第{int(certificate.cert_no)}期计量", section.contractor_party
    lines.append(Line(_INPUT_VAT, certificate.output - net, 0, text, doc=doc))
    kept = certificate.output - certificate.payable - certificate.advance_deduct
    lines.append(Line(_PAYABLE, 0, certificate.payable, text, party=party, doc=doc))
    lines.append(Line(_WITHHELD, 0, kept, f"{text}质保金及未到期款", party=party, doc=doc))
    if certificate.advance_deduct:
        worked_off = certificate.advance_deduct
        lines.append(
            Line(_ADVANCED, 0, worked_off, f"{text}抵扣预付款", project.project_code, party, doc=doc)
        )
    kind, created = type_in_book(section.org_code, "转"), certificate.booked_at
    return Voucher(section.org_code, certificate.period, kind, created.date(), "AP", created, lines)


def _payment(
    section: Section, doc: str, day: date, fen: int, purpose: str, rng: random.Random
) -> Voucher | None:
    """A payment to the section's contractor; None where it lies after the generated history."""
    if day > HISTORY_END:
        return None
    period, org_code, party = Period(day.year, day.month), section.org_code, section.contractor_party
    bank = _WAGE_ACCOUNT if purpose == "wage" else rng.choice(leaves(org_code, "100201"))
    text = {"wage": "拨付农民工工资专户", "progress_pay": "支付工程进度款"}.get(purpose, "预付工程款")
    owed = Line(_PAYABLE, fen, 0, text, party=party, doc=doc)
    if purpose not in ("wage", "progress_pay"):
        owed = Line(_ADVANCED, fen, 0, text, section.project_code, party, doc=doc)
    lines = [owed, Line(bank, 0, fen, text, purpose=purpose)]
    created = working_hour(rng, day)
    return Voucher(org_code, period, type_in_book(org_code, "付"), day, "AP", created, lines)


def _advances(world: World, rng: random.Random) -> Iterator[Voucher]:
    """The advance of each contract begun since 2023, paid before its first certificate."""
    for section in sections(world):
        amount = advance(section)
        if amount and section.plan is not None and section.plan.months:
            day = previous_workday(section.start_date + timedelta(days=4))
            paid = _payment(section, f"{section.section_code}/YF", day, amount, "other", rng)
            if paid is not None:
                yield same_day(paid, rng)


def _contractors(world: World) -> Iterator[Voucher]:
    rng = world.rng("fin_gl:certificates")
    yield from _advances(world, rng)
    for certificate in certificates(world):
        yield same_day(_certified(certificate, rng), rng)
        for day, fen, purpose in certificate.payments:
            paid = _payment(certificate.section, certificate.doc, day, fen, purpose, rng)
            if paid is not None:
                yield same_day(paid, rng)


def works(world: World) -> Iterator[Voucher]:
    """Vouchers of all projects: certificates and their payments, then equipment, land and fees."""
    yield from _contractors(world)
    rng = world.rng("fin_gl:works")
    for project, period, component, gross in _by_period(world):
        net = gross * 100 // (100 + _ROUTES[component].vat)
        if net:
            yield from _Site(world, project, period, rng).works(component, net)
