"""Sales of concrete in the books: invoices, month-end accruals, their reversal, cost, the buyers' side.

Belongs here: vouchers that follow from the settlements of ``concrete_sales``, with the ordinary
mistakes around them that net to nothing (an invoice to the wrong customer, void and deleted doubles).
Keep out: what happens to the books after the bulletin (``finance_planted``).
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from demo.ledgers.concrete_contracts import SELLER, Contract
from demo.ledgers.concrete_sales import SETTLEMENT_DAY, Sale, Settlement, settlements
from demo.ledgers.finance_calendar import Period, months, workdays
from demo.ledgers.finance_parties import group_code
from demo.ledgers.finance_vouchers import (
    Line,
    State,
    Voucher,
    closing_hour,
    copied,
    posted_at,
    red_letter,
    same_day,
    type_in_book,
    working_hour,
)
from demo.workdays import next_workday, workdays_between
from demo.world import World

RECEIVABLE, UNBILLED, SIMPLE_VAT, PRODUCTS = "112202", "147303", "222106", "140501"
COST = "640101"
JANUARY, SEPTEMBER, OCTOBER = Period(2024, 1), Period(2024, 9), Period(2024, 10)
LATE_DATED = 5
"""September invoices dated 8 October: they belong to period 09 all the same."""
EARLY_DATED = 3
"""Vouchers dated 30 September that belong to period 10."""
_EARLY_AT_LEAST = 60_000_00
DATED_BEFORE_AT_LEAST = 4_300_000_00
"""Fen of January invoices dated 31 December: with those of September, the revenue by the dates on the vouchers
lies outside the range the bulletin's words allow."""
RED_AT_LEAST = 5_600_000_00
DOUBLES_AT_LEAST = 5_300_000_00
"""Fen of red letters in 2024-01..09, and of void and of deleted doubles each: every one of them alone
would carry the revenue out of the range the bulletin's words allow."""
_COST_PCT = 86


def _revenue_lines(sales: dict[str, Sale], party: str, text: str, doc: str) -> list[Line]:
    return [
        Line(
            account,
            0,
            sale.amount,
            text,
            party=party,
            product="concrete",
            doc=doc,
            quantity=Decimal(sale.volume).scaleb(-2),
        )
        for account, sale in sorted(sales.items())
        if sale.amount
    ]


def _merged(parts: Iterable[dict[str, Sale]]) -> dict[str, Sale]:
    merged: dict[str, Sale] = defaultdict(lambda: Sale(0, 0))
    for part in parts:
        for account, sale in part.items():
            merged[account].volume += sale.volume
            merged[account].amount += sale.amount
    return dict(merged)


def _voucher(period: Period, created: datetime, lines: list[Line], source: str = "CC") -> Voucher:
    kind = type_in_book(SELLER, "转")
    return Voucher(SELLER, period, kind, created.date(), source, created, lines)


def invoice(
    contract: Contract, period: Period, created: datetime, sales: dict[str, Sale], number: str
) -> Voucher:
    """Invoice of a contract's settlement: receivable with 3% VAT against revenue and tax."""
    text = f"结算{period.number}月商砼款 {contract.site_name}"
    lines = _revenue_lines(sales, contract.customer_code, text, number)
    net = sum(line.credit for line in lines)
    tax = (net * 3 + 50) // 100
    receivable = Line(RECEIVABLE, net + tax, 0, text, party=contract.customer_code, doc=number)
    return _voucher(period, created, [receivable, *lines, Line(SIMPLE_VAT, 0, tax, text, doc=number)], "AR")


class _Numbers:
    """Running 20-digit numbers of fully digital invoices, month by month."""

    def __init__(self, period: Period, last: int = 41_000) -> None:
        self._head, self._last = f"{period.year % 100:02d}332000{period.text}", last

    def next(self) -> str:
        """The next number."""
        self._last += 7
        return f"{self._head}{self._last:010d}"


class _Seller:
    """The seller's books, month by month: what is settled, what is carried over unbilled."""

    def __init__(self, world: World) -> None:
        self.world, self.rng = world, world.rng("fin_gl:concrete")
        self.numbers = _Numbers(months()[0])
        self.by_period: dict[Period, list[Settlement]] = defaultdict(list)
        for settlement in settlements(world):
            self.by_period[settlement.period].append(settlement)
        self.carried: dict[str, Settlement] = {}
        self.invoices: dict[Period, list[tuple[Contract, Voucher]]] = defaultdict(list)
        self.made: list[Voucher] = []
        self.dated_before = 0

    def run(self) -> None:
        """Make the vouchers of all months in order."""
        for period in months():
            self._month(period)

    def _month(self, period: Period) -> None:
        self.rng = self.world.rng(f"fin_gl:concrete:{period.year}:{period.number}")
        self.numbers = _Numbers(period)
        current = {s.contract.contract_no: s for s in self.by_period[period]}
        for number in sorted(current | self.carried):
            self._bill(period, current.get(number), self.carried.get(number))
        accrual = self._accrual(period, [s for s in current.values() if s.unbilled])
        self._cost(period, list(current.values()))
        self.made.append(accrual)
        if period != months()[-1]:
            created = working_hour(self.rng, workdays(period.next())[2])
            reversal = red_letter(accrual, period.next(), created, "accrual_reversal")
            self.made.append(same_day(reversal, self.rng))
        self.carried = {number: s for number, s in current.items() if s.unbilled}

    def _bill(self, period: Period, current: Settlement | None, carried: Settlement | None) -> None:
        """Invoice what was carried over and what was delivered up to the settlement day."""
        contract = (current or carried).contract  # type: ignore[union-attr]
        parts = [half for half in (carried and carried.unbilled, current and current.settled) if half]
        number = len(self.invoices[period])
        outside = contract.group_org is None
        dated_early = sum(v.day.month == SEPTEMBER.number for _, v in self.invoices[period])
        large = carried is not None and sum(s.amount for s in carried.unbilled.values()) >= _EARLY_AT_LEAST
        if period == OCTOBER and outside and large and dated_early < EARLY_DATED:
            created = working_hour(self.rng, date(2024, 10, 9))
            voucher = self._invoice(contract, period, created, parts[0])
            voucher.day = SEPTEMBER.last_day
            parts = parts[1:]
        if not parts:
            return
        days = workdays_between(period.last_day.replace(day=SETTLEMENT_DAY + 1), period.last_day)
        created = working_hour(self.rng, self.rng.choice(days or workdays(period)[-2:]))
        if period == SEPTEMBER and outside and LATE_DATED <= number < 2 * LATE_DATED:
            created = closing_hour(self.rng, SELLER, period)
        voucher = self._invoice(contract, period, created, _merged(parts))
        if period == JANUARY and self.dated_before < DATED_BEFORE_AT_LEAST:
            voucher.day = Period(2023, 12).last_day
            self.dated_before += sum(line.credit for line in voucher.lines if line.account.startswith("6001"))

    def _invoice(
        self, contract: Contract, period: Period, created: datetime, sales: dict[str, Sale]
    ) -> Voucher:
        voucher = invoice(contract, period, created, sales, self.numbers.next())
        self.invoices[period].append((contract, same_day(voucher, self.rng)))
        return voucher

    def _accrual(self, period: Period, open_ones: list[Settlement]) -> Voucher:
        """Month-end accrual of what was delivered after the settlement day, without VAT."""
        text, doc = f"暂估{period.number}月26日后商砼收入", f"JS-{period.year}{period.text}"
        lines: list[Line] = []
        for settlement in open_ones:
            party = settlement.contract.customer_code
            credits = _revenue_lines(settlement.unbilled, party, text, doc)
            total = sum(line.credit for line in credits)
            lines += [Line(UNBILLED, total, 0, text, party=party, doc=doc), *credits]
        voucher = _voucher(period, closing_hour(self.rng, SELLER, period), lines)
        voucher.kind, voucher.day = "accrual", period.last_day
        return same_day(voucher, self.rng)

    def _cost(self, period: Period, delivered: list[Settlement]) -> None:
        text = f"结转{period.number}月商砼成本"
        amounts: dict[str, int] = defaultdict(int)
        for settlement in delivered:
            for sale in (*settlement.settled.values(), *settlement.unbilled.values()):
                amounts[settlement.contract.customer_code] += sale.amount * _COST_PCT // 100
        lines = [
            Line(COST, amount, 0, text, party=party, product="concrete") for party, amount in amounts.items()
        ]
        lines.append(Line(PRODUCTS, 0, sum(amounts.values()), text))
        voucher = _voucher(period, closing_hour(self.rng, SELLER, period), lines)
        voucher.day = period.last_day
        self.made.append(same_day(voucher, self.rng))


def _largest(seller: _Seller, at_least: int, skip: set[int]) -> list[tuple[Contract, Voucher]]:
    """Largest outside invoices of 2024-02..08 whose revenue adds up to ``at_least`` fen."""
    candidates = [
        pair
        for period, pairs in seller.invoices.items()
        if Period(2024, 2) <= period <= Period(2024, 8)
        for pair in pairs
        if pair[0].group_org is None and id(pair[1]) not in skip
    ]
    candidates.sort(key=lambda pair: -pair[1].lines[0].debit)
    chosen, total = [], 0
    for pair in candidates:
        if total >= at_least:
            break
        chosen.append(pair)
        total += sum(line.credit for line in pair[1].lines if line.account.startswith("6001"))
        skip.add(id(pair[1]))
    return chosen


def _renumber(voucher: Voucher, number: str) -> None:
    """Give the invoice that replaces a wrong one its own number."""
    for line in voucher.lines:
        line.doc = number if line.doc else None


def _billed_to_wrong_customer(seller: _Seller, skip: set[int]) -> Iterator[Voucher]:
    """Invoices first made out to the wrong customer, reddened in the next month and made out anew (D09)."""
    for number, (contract, voucher) in enumerate(_largest(seller, RED_AT_LEAST, skip)):
        others = [c for c, _ in seller.invoices[voucher.period] if c.customer_code != contract.customer_code]
        wrong = copied(voucher)
        stranger = seller.rng.choice([c for c in others if c.group_org is None]).customer_code
        for line in wrong.lines:
            line.party = stranger if line.party else None
        wrong.states = voucher.states
        period = voucher.period.next()
        created = working_hour(seller.rng, workdays(period)[4])
        red = posted_at(red_letter(wrong, period, created), created + timedelta(minutes=20))
        voucher.period, voucher.created, voucher.day = period, created + timedelta(minutes=9), created.date()
        _renumber(voucher, _Numbers(period, 90_000 + 70 * number).next())
        posted_at(voucher, created + timedelta(minutes=35))
        yield from (wrong, red)


def _doubles(seller: _Seller, skip: set[int]) -> Iterator[Voucher]:
    """Invoices entered and posted twice; the second is void, or deleted, by the next day."""
    for void in (True, False):
        for _, voucher in _largest(seller, DOUBLES_AT_LEAST, skip):
            double = copied(voucher, created=voucher.created + timedelta(minutes=4))
            first = voucher.states[0].ts + timedelta(minutes=3)
            gone = datetime.combine(next_workday(first.date() + timedelta(days=1)), time(9, 20))
            double.states = [
                State(first, first.date()),
                State(gone, first.date(), void=void, deleted=not void),
            ]
            yield double


def _buyer_side(contract: Contract, voucher: Voucher, rng: random.Random) -> Voucher:
    """The buyer's entry for a sale inside the group: works in progress against the payable (R25)."""
    buyer = str(contract.group_org)
    net = sum(line.credit for line in voucher.lines if line.account.startswith("6001"))
    tax = sum(line.credit for line in voucher.lines if line.account == SIMPLE_VAT)
    works = "50010402" if buyer == "YWCT-05" else "16040102"
    text, doc = f"购入商品混凝土 {contract.site_name}", voucher.lines[0].doc
    lines = [
        Line(works, net, 0, text, project=contract.project_code, doc=doc),
        Line("22210101", tax, 0, text, doc=doc),
        Line("220202", 0, net + tax, text, party=group_code(SELLER), doc=doc),
    ]
    created = voucher.created + timedelta(minutes=17)
    kind = type_in_book(buyer, "转")
    made = Voucher(buyer, voucher.period, kind, created.date(), "AP", created, lines)
    return same_day(made, rng)


def concrete_sales(world: World) -> tuple[list[Voucher], list[tuple[Contract, Voucher]]]:
    """All vouchers about concrete, and the September invoices for what happens to them later."""
    seller = _Seller(world)
    seller.run()
    skip: set[int] = set()
    extra = [*_billed_to_wrong_customer(seller, skip), *_doubles(seller, skip)]
    invoices = [pair for pairs in seller.invoices.values() for pair in pairs]
    bought = [_buyer_side(c, v, seller.rng) for c, v in invoices if c.group_org is not None]
    september = [pair for pair in seller.invoices[SEPTEMBER] if id(pair[1]) not in skip]
    return [*seller.made, *(v for _, v in invoices), *extra, *bought], september
