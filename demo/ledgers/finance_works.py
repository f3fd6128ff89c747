"""Construction in the books: what the projects invest, month by month, without VAT.

Belongs here: works in progress, development cost of housing and works for others, driven by the same
plan as the investment statistics, so that books and statistics differ only by VAT, capitalised interest
and prepayments (C05, R01). January is exempt from the statistics and inside February: here it has its
own vouchers. Keep out: payments and interest, which are everyday business.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from demo.ledgers.finance_calendar import Period, months, workdays
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
from demo.ledgers.investment_plan import UNIT_CNY, true_months
from demo.world import Project, World

WORKS_PREFIXES = ("1604", "5001")
_VOUCHER_EVERY, _MOST_VOUCHERS = 260_000_000, 7
_RETENTION_PCT, _PREPAY_SHARE = 5, 0.3
_AGENCY = "147301"


@dataclass(frozen=True, slots=True)
class _Route:
    """Where a component of investment is booked, its VAT rate, and whom it is owed to."""

    own: str
    housing: str
    vat: int
    owed: str
    pool: str
    text: str


_ROUTES = {
    "construction": _Route("160401", "500104", 9, "220201", "contractor", "计列建筑工程进度款"),
    "installation": _Route("160402", "500103,500105", 9, "220201", "contractor", "计列安装工程进度款"),
    "equipment": _Route("160403,160502", "500103", 13, "220202", "supplier", "设备到货安装"),
    "land": _Route("170101", "500101", 0, "", "", "支付土地价款"),
    "other_fee": _Route(
        "16040401,16040402,16040403,16040404,16040405,16040408,16040409",
        "500102,500106",
        6,
        "220205",
        "supplier",
        "工程设计监理等费用",
    ),
}


def _account_pool(project: Project, route: _Route) -> tuple[str, ...]:
    if project.role == "agency":
        return (_AGENCY,)
    housing = project.project_type == "housing"
    return leaves(project.org_code, route.housing if housing else route.own)


def bought_inside(vouchers: Iterable[Voucher]) -> dict[tuple[str, Period], int]:
    """Fen booked on works by other vouchers (concrete bought in the group), by project and period."""
    found: dict[tuple[str, Period], int] = defaultdict(int)
    for voucher in vouchers:
        for line in voucher.lines:
            if line.project is not None and line.account.startswith(WORKS_PREFIXES):
                found[line.project, voucher.period] += line.debit - line.credit
    return found


def _by_period(world: World) -> Iterator[tuple[Project, Period, str, int]]:
    """Project, period, component and fen including VAT; February's statistics hold January too."""
    projects = {project.project_code: project for project in world.projects}
    for code, by_month in true_months(world).items():
        for month, components in by_month.items():
            for component, units in components.items():
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

    def _voucher(self, kind: str, source: str, lines: list[Line], period: Period | None = None) -> Voucher:
        days = self.days if period is None else workdays(period)
        created = working_hour(self.rng, self.rng.choice(days))
        org_code = self.project.org_code
        return Voucher(
            org_code,
            period or self.period,
            type_in_book(org_code, kind),
            created.date(),
            source,
            created,
            lines,
        )

    def works(self, component: str, net: int) -> Iterator[Voucher]:
        """Vouchers of one component; ``net`` fen without VAT, cut into several for large sums."""
        route = _ROUTES[component]
        count = min(net // _VOUCHER_EVERY + 1, _MOST_VOUCHERS)
        for share in split(net, count, self.rng):
            yield post(self._works_voucher(route, share), self.rng, may_fail=False)

    def _works_voucher(self, route: _Route, net: int) -> Voucher:
        rng, code = self.rng, self.project.project_code
        accounts, tax = _account_pool(self.project, route), net * route.vat // 100
        parts = split(net, 1 if net < 5_000_000 else rng.randint(1, min(3, len(accounts))), rng)
        at = rng.randrange(len(accounts))
        lines = [
            Line(accounts[(at + n) % len(accounts)], part, 0, route.text, code)
            for n, part in enumerate(parts)
        ]
        if tax:
            lines.append(Line("22210101", tax, 0, route.text))
        return self._voucher("转" if route.owed else "付", "AP", lines + self._owed(route, net + tax))

    def _owed(self, route: _Route, total: int) -> list[Line]:
        if not route.owed:
            return [Line(self.rng.choice(leaves(self.project.org_code, "100201")), 0, total, route.text)]
        party = self.rng.choice(self.pools[route.pool])
        kept = total * _RETENTION_PCT // 100 if route.pool == "contractor" else 0
        lines = [Line(route.owed, 0, total - kept, route.text, party=party)]
        if kept:
            lines.append(Line("220204", 0, kept, route.text, party=party))
        return lines

    def prepayment(self) -> Iterator[Voucher]:
        """A prepayment to a contractor, and its settlement against what is owed a month later."""
        rng, code, text = self.rng, self.project.project_code, "预付工程款"
        amount, party = rng.randint(20, 240) * 1_000_000, rng.choice(self.pools["contractor"])
        bank = rng.choice(leaves(self.project.org_code, "100201"))
        paid = [Line("112302", amount, 0, text, code, party), Line(bank, 0, amount, text)]
        yield same_day(self._voucher("付", "AP", paid), rng)
        if self.period == months()[-1]:
            return
        text = "预付工程款抵扣"
        settled = [
            Line("220201", amount, 0, text, party=party),
            Line("112302", 0, amount, text, code, party),
        ]
        yield same_day(self._voucher("转", "AP", settled, self.period.next()), rng)


def works(world: World, bought: Mapping[tuple[str, Period], int]) -> Iterator[Voucher]:
    """Vouchers of all projects; ``bought`` (fen by project and period) is booked by others already."""
    rng, owing = world.rng("fin_gl:works"), dict(bought)
    for project, period, component, gross in _by_period(world):
        site = _Site(world, project, period, rng)
        net = gross * 100 // (100 + _ROUTES[component].vat)
        if component == "construction":
            rest = net - owing.pop((project.project_code, period), 0)
            net = max(rest, 0)
            if rest < 0:
                owing[project.project_code, period.next()] = (
                    owing.get((project.project_code, period.next()), 0) - rest
                )
            if project.role != "agency" and rng.random() < _PREPAY_SHARE:
                yield from site.prepayment()
        if net:
            yield from site.works(component, net)
