"""Ledger ``fin_elimination``: the monthly sheets that take sales and balances inside the group out again.

Belongs here: what follows from the books' lines between two companies of the group: sales of concrete with
their cost and the profit left in the buyer's works (R14, R30), what they owe each other (R25), and the
capital of subsidiaries. Amounts are debit positive; every sheet number adds up to zero; balances are taken
out by the movement of the month, so that months add up. May 2024 and September 2024 were sent twice: the
second copies lack a sheet (C25, D28), and that of September, of 12 November, splits the profit anew. Dirt:
amounts as text (D07), full-width codes (D01), blanks (D02), words of an older form (D21), times as text
(D06). Keep out: the vouchers of the sales (``finance_concrete``).
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

from demo.ledgers.finance_calendar import Period, closing_day, months
from demo.ledgers.finance_chart import chart
from demo.ledgers.finance_gl import vouchers
from demo.ledgers.finance_rows import money
from demo.ledgers.finance_vouchers import Line, Voucher
from demo.ledgers.forms import full_width, number_text, padded
from demo.timeline import Event, Row, Timeline
from demo.workdays import next_workday
from demo.world import World

COLUMNS = (
    "fiscal_year", "period_no", "doc_no", "line_no", "org_code", "counter_org_code", "group_account_code",
    "amount_cny", "elim_type", "posted_at", "file_period", "file_version",
)  # fmt: skip

WORDS = {
    "trade": "内部交易",
    "balance": "内部往来",
    "unrealised_profit": "未实现利润",
    "equity": "权益",
}
_OLDER_WORDS = {
    "trade": "内部销售",
    "balance": "往来抵销",
    "unrealised_profit": "未实现内部利润",
    "equity": "权益抵销",
}
_OWED = {"1122": "220202", "1221": "224103"}
"""Account of the company that owes, by the receivable's first four digits."""
_UNBILLED, _COST, _WORKS = "1473", "6401", ("1604", "5001")
_CAPITAL, _SHARES = "4001", "151101"
_CAPITAL_FEN = 20_000_000_000
_INCREASE = ("YWCT-11", 5_000_000_000)
"""A subsidiary whose capital was raised in October 2024; the first sheets of September held it already."""
_TWICE, _EARLY = Period(2024, 5), Period(2024, 9)
_AGAIN = {_TWICE: datetime(2024, 6, 25, 15, 12), _EARLY: datetime(2024, 11, 12, 10, 36)}


@dataclass(frozen=True, slots=True)
class _Entry:
    """One line of a sheet; ``amount`` fen, debit positive."""

    org: str
    other: str
    account: str
    amount: int


@dataclass(frozen=True, slots=True)
class _Sheet:
    """One elimination sheet: lines that add up to zero."""

    number: str
    kind: str
    entries: tuple[_Entry, ...]
    posted: datetime


@dataclass(slots=True)
class _Pair:
    """What one company's book says of another one in a month; fen, by group account."""

    revenue: dict[str, int]
    cost: dict[str, int]
    owed: dict[str, int]


_Pairs = dict[tuple[str, str], _Pair]


def sent_at(period: Period) -> datetime:
    """When the month's workbook is sent: the second working day after the last book has closed."""
    closed = max(closing_day(f"YWCT-{n:02d}", period) for n in range(12))
    day = next_workday(next_workday(closed + timedelta(days=1)) + timedelta(days=1))
    return datetime.combine(day, time(14, 40))


def _other(line: Line) -> str | None:
    return line.party[3:] if line.party and line.party.startswith("GS-") else None


def _pairs(of_month: Iterable[Voucher], at: datetime) -> _Pairs:
    found: _Pairs = defaultdict(lambda: _Pair(*(defaultdict(int) for _ in range(3))))
    for voucher in of_month:
        if voucher.kind == "pl_transfer" or not voucher.counts_at(at):
            continue
        for line in voucher.lines:
            other = _other(line)
            if other is None:
                continue
            pair, debit = found[voucher.org_code, other], line.debit - line.credit
            account = chart(voucher.org_code)[line.account].group_code
            if line.account.startswith(("6001", "6051")):
                pair.revenue[account] -= debit
            elif line.account.startswith(_COST):
                pair.cost[account] += debit
            elif line.account[:4] in (*_OWED, _UNBILLED):
                pair.owed[account] += debit
    return found


def _works_accounts(made: Iterable[Voucher]) -> dict[tuple[str, str], str]:
    """Group account on which a buyer books what it buys from another company."""
    found: dict[tuple[str, str], str] = {}
    for voucher in made:
        sellers = [other for line in voucher.lines if line.credit > 0 and (other := _other(line))]
        works = [line.account for line in voucher.lines if line.account.startswith(_WORKS)]
        if sellers and works:
            found[voucher.org_code, sellers[0]] = chart(voucher.org_code)[works[0]].group_code
    return found


class _Month:
    """Draws the sheets of one month."""

    def __init__(self, period: Period, works: dict[tuple[str, str], str], rng: random.Random) -> None:
        self.period, self.works, self.rng = period, works, rng
        self.posted, self.count = sent_at(period) - timedelta(hours=29), 0

    def sheet(self, kind: str, entries: list[_Entry]) -> Iterator[_Sheet]:
        """The next sheet; nothing where there is nothing to take out."""
        kept = tuple(entry for entry in entries if entry.amount)
        if kept:
            self.count += 1
            self.posted += timedelta(seconds=self.rng.randint(40, 400))
            number = f"DX-{self.period.year}{self.period.text}-{self.count:03d}"
            yield _Sheet(number, kind, kept, self.posted)

    def sold(self, seller: str, buyer: str, pair: _Pair) -> Iterator[_Sheet]:
        """Revenue against cost, and the profit against the buyer's works."""
        sales = [_Entry(seller, buyer, account, fen) for account, fen in sorted(pair.revenue.items())]
        total, cost = sum(pair.revenue.values()), sum(pair.cost.values())
        account = next(iter(pair.cost), "640101")
        yield from self.sheet("trade", [*sales, _Entry(seller, buyer, account, -total)])
        profit = total - cost
        works = _Entry(buyer, seller, self.works.get((buyer, seller), "160401"), -profit)
        yield from self.sheet("unrealised_profit", [_Entry(seller, buyer, account, profit), works])

    def owed(self, holder: str, debtor: str, pair: _Pair) -> Iterator[_Sheet]:
        """Receivables against the other company's payables; unbilled sales against its works."""
        entries = []
        for account, fen in sorted(pair.owed.items()):
            works = self.works.get((debtor, holder), "160401")
            against = works if account.startswith(_UNBILLED) else _OWED[account[:4]]
            entries += [_Entry(debtor, holder, against, fen), _Entry(holder, debtor, account, -fen)]
        yield from self.sheet("balance", entries)

    def capital(self, world: World) -> Iterator[_Sheet]:
        """Capital of the subsidiaries against the parent's shares, once when the sheets begin."""
        for org in world.orgs:
            if org.parent_org_code:
                yield from self.raised(org.org_code, org.parent_org_code, _CAPITAL_FEN)

    def raised(self, org_code: str, parent: str, fen: int) -> Iterator[_Sheet]:
        """One subsidiary's capital against its parent's shares."""
        shares = _Entry(parent, org_code, _SHARES, -fen)
        yield from self.sheet("equity", [_Entry(org_code, parent, _CAPITAL, fen), shares])


def _sheets(world: World) -> Iterator[tuple[Period, list[_Sheet]]]:
    rng, made = world.rng("fin_elimination"), vouchers(world)
    works, by_period = _works_accounts(made), defaultdict[Period, list[Voucher]](list)
    for voucher in made:
        by_period[voucher.period].append(voucher)
    for period in months():
        month, pairs = _Month(period, works, rng), _pairs(by_period[period], sent_at(period))
        found: list[_Sheet] = []
        for (holder, other), pair in sorted(pairs.items()):
            found += [*month.sold(holder, other, pair), *month.owed(holder, other, pair)]
        if period == months()[0]:
            found += month.capital(world)
        if period == _EARLY.next():
            found += month.raised(_INCREASE[0], "YWCT-00", _INCREASE[1])
        yield period, found


def build(world: World) -> list[Timeline]:
    """The ledger's timeline: a workbook a month, two of them sent twice."""
    rng, rows = world.rng("fin_elimination.sheet"), list[Event]()
    for period, sheets in _sheets(world):
        first, again = sheets, sheets
        if period in _AGAIN:
            extra = _Month(period, {}, rng)
            extra.count = len(sheets)
            first = [*sheets, *extra.raised(_INCREASE[0], "YWCT-00", _INCREASE[1])]
            again = [_split_anew(sheet) if period == _EARLY else sheet for sheet in sheets]
            rows += _file(period, 2, _AGAIN[period], again, rng)
        rows += _file(period, 1, sent_at(period), first, rng)
    return [Timeline("fin_elimination", COLUMNS, rows)]


def _split_anew(sheet: _Sheet) -> _Sheet:
    """A profit sheet after its margin was looked at again: a twentieth less."""
    if sheet.kind != "unrealised_profit":
        return sheet
    seller, buyer = sheet.entries
    fen = seller.amount - seller.amount // 20
    return replace(sheet, entries=(replace(seller, amount=fen), replace(buyer, amount=-fen)))


def _file(
    period: Period, version: int, sent: datetime, sheets: list[_Sheet], rng: random.Random
) -> Iterator[Event]:
    of_file = {"file_period": f"{period.year}{period.text}", "file_version": version}
    for sheet in sheets:
        words = _OLDER_WORDS if rng.random() < 0.012 else WORDS
        for number, entry in enumerate(sheet.entries, 1):
            row = _row(period, sheet, number, entry, rng) | {"elim_type": words[sheet.kind]}
            yield sent, False, row | of_file


def _row(period: Period, sheet: _Sheet, number: int, entry: _Entry, rng: random.Random) -> Row:
    amount, luck = money(entry.amount), rng.random()
    posted: object = sheet.posted if luck < 0.98 else f"{sheet.posted:%Y-%m-%d %H:%M}"
    return {
        "fiscal_year": str(period.year),
        "period_no": period.text,
        "doc_no": sheet.number,
        "line_no": number,
        "org_code": padded(entry.org, rng) if rng.random() < 0.008 else entry.org,
        "counter_org_code": entry.other,
        "group_account_code": full_width(entry.account) if rng.random() < 0.01 else entry.account,
        "amount_cny": number_text(amount) if rng.random() < 0.015 else amount,
        "posted_at": posted,
    }
