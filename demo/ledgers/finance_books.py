"""Everyday business of the books, from the templates of ``seeds/fin_templates.yaml``.

Belongs here: drawing vouchers from templates, month by month and book by book, and the loans between
companies that stand in two books. Add everyday business to the YAML. Keep out: sales of
concrete and steel (``finance_concrete``, ``finance_steel``), the close (``finance_closing``), faults.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

from demo.ledgers.finance_calendar import Period, months, workdays
from demo.ledgers.finance_chart import Account, chart, leaves
from demo.ledgers.finance_parties import group_code, pools, tenants
from demo.ledgers.finance_templates import Leg, Template, needs_project, templates
from demo.ledgers.finance_vouchers import (
    BANK,
    Line,
    Voucher,
    closing_hour,
    post,
    red_letter,
    same_day,
    split,
    type_in_book,
    voucher_day,
    working_hour,
)
from demo.workdays import next_workday, workdays_between
from demo.world import World

_LOANS_A_MONTH = 4
_IN_TRANSIT = (Period(2024, 9), "YWCT-00", 2)
"""The loan that is in transit at the quarter's end: period, lender, which of the month."""
_MINOR_SHARE_PCT = 5


class _Scene:
    """What one book can draw from in one month: days, projects, parks, counterparties."""

    def __init__(self, world: World, org_code: str, period: Period, rng: random.Random) -> None:
        self.world, self.org_code, self.period, self.rng = world, org_code, period, rng
        self.days = workdays(period)
        self.accounts = chart(org_code)
        self.pools = pools(world, org_code)
        running = [
            p
            for p in world.projects
            if p.org_code == org_code
            and p.role
            not in ("deleted", "suspended", "below_threshold", "cancelled", "not_started", "agency")
            and p.commenced is not None
            and p.commenced <= period.last_day
            and (p.accepted is None or p.accepted >= period.first_day)
        ]
        self.projects = [p.project_code for p in running]
        self.weights = [int(p.planned_total_cny // 10_000) for p in running]
        own = [p for p in world.parks if p.open_date is not None and p.open_date <= period.first_day]
        self.parks = [p.park_code for p in own if p.org_code == org_code] or [p.park_code for p in own]

    def project(self) -> str:
        """A project of the book, large ones more often."""
        return self.rng.choices(self.projects, self.weights)[0]

    def tenants(self, park_code: str) -> tuple[str, ...]:
        """Counterparty codes of the companies in the park in this period."""
        return tenants(self.world, park_code, self.period)


class _Drawn:
    """The choices one voucher has made, so that its lines name the same project, park and parties."""

    def __init__(self, scene: _Scene, template: Template, text: str) -> None:
        self.scene, self.template, self.text = scene, template, text
        wanted = needs_project(template, scene.org_code)
        self.project = scene.project() if wanted else None
        self.park = scene.parks[int(scene.rng.random() * len(scene.parks))]
        self.start = int(scene.rng.random() * 1_000_000)

    def party(self, account: Account, index: int) -> str:
        pool = self.template.party or account.party
        codes = self.scene.tenants(self.park) if pool == "tenant" else self.scene.pools[pool]
        return codes[(self.start + index) % len(codes)]

    def line(self, code: str, amount: int, is_debit: bool, index: int) -> Line:
        account = self.scene.accounts[code]
        aux = account.aux
        return Line(
            code,
            amount if is_debit else 0,
            0 if is_debit else amount,
            self.text,
            self.project if "project" in aux else None,
            self.party(account, index) if "counterparty" in aux else None,
            self.park if "park" in aux else None,
            account.product or None,
            purpose=self.template.purpose_in(self.scene.org_code) if code.startswith(BANK) else None,
        )


def _side(drawn: _Drawn, legs: tuple[Leg, ...], units: list[int], is_debit: bool) -> Iterator[Line]:
    """Lines of one side, adding up to the units: tax apart, minor legs 5% each, the first leg the rest."""
    rng, total = drawn.scene.rng, sum(units)
    rate = max(leg.vat for leg in legs)
    nets = [unit * 100 // (100 + rate) for unit in units] if rate else units
    plain = [leg for leg in legs if not leg.vat]
    minor = sum(nets) * _MINOR_SHARE_PCT // 100
    for leg in legs:
        codes = leaves(drawn.scene.org_code, leg.accounts)
        if leg.vat:
            amounts = [total - sum(nets)]
        elif leg.by_unit:
            amounts = nets
        else:
            share = sum(nets) - minor * (len(plain) - 1) if leg is plain[0] else minor
            count = leg.low + int(rng.random() * (leg.high - leg.low + 1))
            amounts = split(share, count, rng)
        at = int(rng.random() * len(codes))
        for index, amount in enumerate(amounts):
            if amount:
                yield drawn.line(codes[(at + index) % len(codes)], amount, is_debit, index)


def draw(template: Template, scene: _Scene) -> Voucher:
    """Draw one balanced voucher of the template in the scene's book and month."""
    rng, period = scene.rng, scene.period
    low, high = template.amount
    few, many = template.units
    units = [
        low + int(rng.random() * (high - low)) for _ in range(few + int(rng.random() * (many - few + 1)))
    ]
    drawn = _Drawn(scene, template, template.text.format(month=min(period.number, 12)))
    lines = [*_side(drawn, template.debit, units, True), *_side(drawn, template.credit, units, False)]
    if template.at_close:
        created = closing_hour(rng, scene.org_code, period)
    else:
        created = working_hour(rng, scene.days[int(rng.random() * len(scene.days))])
    return Voucher(
        scene.org_code,
        period,
        type_in_book(scene.org_code, template.voucher_type),
        voucher_day(period, created, template.at_close),
        template.source,
        created,
        lines,
        template.kind,
    )


def _taken_back(accrual: Voucher, rng: random.Random) -> Voucher:
    """Reversal of an accrual on a working day of the next month, as red letter."""
    period = accrual.period.next()
    days = workdays(period)
    return same_day(red_letter(accrual, period, working_hour(rng, rng.choice(days)), "accrual_reversal"), rng)


def _month(world: World, org_code: str, period: Period) -> Iterator[Voucher]:
    rng = world.rng(f"fin_gl:{org_code}:{period.year}:{period.number}")
    scene = _Scene(world, org_code, period, rng)
    rounds = 2 * world.scale - 1 if period.year == months()[0].year else 1
    for template in templates():
        times = template.times(org_code)
        if not times or (needs_project(template, org_code) and not scene.projects):
            continue
        accrual = template.kind == "accrual"
        # Accruals reach into the next month: the extra volume of 2023 has none, so 2024 stays the same.
        for _ in range(times if accrual else times * rounds):
            voucher = draw(template, scene)
            if not accrual:
                yield post(voucher, rng)
                continue
            yield same_day(voucher, rng)
            if period != months()[-1]:
                yield _taken_back(voucher, rng)


def everyday(world: World) -> Iterator[Voucher]:
    """Everyday vouchers of all books and months, and the audit entries of the adjustment period 2023."""
    for org in world.orgs:
        for period in months():
            yield from _month(world, org.org_code, period)
        yield from _audit_entries(world, org.org_code)


def _audit_entries(world: World, org_code: str) -> Iterator[Voucher]:
    period = Period(2023, 13)
    rng = world.rng(f"fin_gl:{org_code}:audit")
    scene = _Scene(world, org_code, period, rng)
    for template in templates():
        if template.name in ("service_purchase", "reclass"):
            yield from (same_day(draw(template, scene), rng) for _ in range(2))


def group_loans(world: World) -> Iterator[Voucher]:
    """Loans between companies: a receivable in one book and, the same day, a payable in the other (R25).

    One of September 2024 leaves the lender on the quarter's last day and reaches the borrower's book in
    October: at the quarter's end it is in transit.
    """
    rng = world.rng("fin_gl:group_loans")
    codes = [org.org_code for org in world.orgs]
    for period in months():
        days = workdays_between(period.first_day, period.last_day)
        for lender in codes:
            for number in range(_LOANS_A_MONTH):
                borrower = rng.choice([code for code in codes if code != lender])
                amount = rng.randint(20, 900) * 1_000_000
                created = working_hour(rng, rng.choice(days))
                lent, received = (
                    _loan_side(org_code, other, lends, amount, created, rng)
                    for org_code, other, lends in ((lender, borrower, True), (borrower, lender, False))
                )
                if (period, lender, number) == _IN_TRANSIT:
                    _delay(lent, received)
                yield same_day(lent, rng)
                yield same_day(received, rng)


def _loan_side(
    org_code: str, other: str, lends: bool, amount: int, created: datetime, rng: random.Random
) -> Voucher:
    bank = rng.choice(leaves(org_code, "100201"))
    account, text = ("122103", "拨付内部借款") if lends else ("224103", "收到内部借款")
    debit = Line(account if lends else bank, amount, 0, text)
    credit = Line(bank if lends else account, 0, amount, text)
    (debit if lends else credit).party = group_code(other)
    (credit if lends else debit).purpose = "intercompany"
    kind, period = type_in_book(org_code, "付" if lends else "收"), Period(created.year, created.month)
    return Voucher(org_code, period, kind, created.date(), "GL", created, [debit, credit])


def _delay(lent: Voucher, received: Voucher) -> None:
    """Let the lender pay on the period's last day, and the borrower book it on the first one after."""
    last = lent.period.last_day
    lent.created = datetime.combine(last, lent.created.time())
    first = next_workday(last + timedelta(days=1))
    received.created = datetime.combine(first, received.created.time())
    received.period = Period(first.year, first.month)
    lent.day, received.day = last, first
