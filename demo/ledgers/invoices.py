"""Which invoices the group has issued, read off the books: every line of output VAT has its invoice.

Belongs here: the invoices behind the tax export (``invoice_files``) and the receivables module
(``ar_invoices``). A voucher that bills several customers on one tax line stands for one invoice each. The
number is that of the tax line where it has one, else it is drawn here. A red letter in the books is a red
invoice with a number of its own; an entry made by mistake and voided voids its invoice. Keep out: how
either ledger shows them, dirt, vouchers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from demo.ledgers.bills import Bill, bills
from demo.ledgers.concrete_contracts import SELLER, contracts
from demo.ledgers.finance_calendar import ADJUSTMENT, Period
from demo.ledgers.finance_chart import chart
from demo.ledgers.finance_gl import vouchers
from demo.ledgers.finance_master import MORTAR
from demo.ledgers.finance_vouchers import Line, Voucher
from demo.world import World

RATES = (13, 9, 6, 5, 3)
_MOST_ROUNDING = 6
_FIRST_NUMBER = 5_000_000
_OF_FEE = {
    "rent": "rent",
    "property": "property_fee",
    "water": "utility",
    "electric": "utility",
    "gas": "utility",
}


@dataclass(slots=True, eq=False)
class Invoice:
    """One invoice; ``net`` and ``tax`` in fen, ``rate`` in %, negative amounts in a red one.

    ``known`` is when it was entered; ``voided`` and ``red`` (the invoice that takes it back) come later.
    """

    number: str
    org_code: str
    issued: date
    known: datetime
    party: str
    biz_type: str
    doc: str | None
    net: int
    tax: int
    rate: int
    red_of: Invoice | None = None
    red: Invoice | None = None
    voided: datetime | None = None

    @property
    def gross(self) -> int:
        """Amount with tax."""
        return self.net + self.tax

    @property
    def month(self) -> Period:
        """Month of issue."""
        return Period(self.issued.year, self.issued.month)

    def status_at(self, instant: datetime) -> str:
        """``valid``, ``red`` once a red invoice takes it back, or ``void``."""
        if self.voided is not None and self.voided <= instant:
            return "void"
        return "red" if self.red is not None and self.red.known <= instant else "valid"


@dataclass(frozen=True, slots=True)
class _Share:
    """What one customer is billed on a voucher."""

    party: str
    account: str
    product: str | None
    number: str | None
    doc: str | None
    net: int
    tax: int


def _is_number(doc: str | None) -> bool:
    return doc is not None and len(doc) == 20 and doc.isdigit()


def _tax_lines(voucher: Voucher) -> list[Line]:
    accounts = chart(voucher.org_code)
    return [x for x in voucher.lines if x.credit and accounts[x.account].tag == "output_vat"]


def _one(owed: list[Line], sold: list[Line], tax: Line) -> _Share:
    party = next((x.party for x in (*owed, *sold) if x.party), None)
    if party is None:
        raise ValueError(f"nobody is billed by the tax line {tax.summary!r} ({tax.account})")
    return _Share(
        party,
        sold[0].account,
        sold[0].product,
        tax.doc if _is_number(tax.doc) else None,
        next((x.doc for x in owed if x.doc and not _is_number(x.doc)), None),
        sum(x.credit for x in sold),
        tax.credit,
    )


def _by_party(owed: list[Line], sold: list[Line], tax: Line) -> list[_Share]:
    """One share a customer, where receivables and revenue name the same customers; else a single one."""
    gross, mine = defaultdict[str | None, int](int), defaultdict[str | None, list[Line]](list)
    for line in owed:
        gross[line.party] += line.debit
    for line in sold:
        mine[line.party].append(line)
    nets = {party: sum(x.credit for x in lines) for party, lines in mine.items()}
    if len(gross) < 2 or set(gross) != set(nets) or None in gross:
        return [_one(owed, sold, tax)]
    return [
        _Share(str(p), mine[p][0].account, mine[p][0].product, None, None, nets[p], gross[p] - nets[p])
        for p in gross
    ]


def _of_bills(voucher: Voucher, taxes: list[Line], billed: Mapping[str, Bill]) -> list[_Share]:
    """Shares of a voucher about bills of the parks: each tax line has the number of its bill's invoice."""
    shares = []
    for tax in taxes:
        bill = billed[str(tax.doc)]
        party = next(x.party for x in voucher.lines if x.party and x.doc == bill.bill_no)
        net = bill.amount - tax.credit
        shares.append(_Share(str(party), tax.account, None, tax.doc, bill.bill_no, net, tax.credit))
    return shares


def _shares(voucher: Voucher, billed: Mapping[str, Bill]) -> list[_Share]:
    """What the voucher bills: its tax lines with the revenue and receivable lines that belong to each."""
    taxes = _tax_lines(voucher)
    if all(tax.doc in billed for tax in taxes):
        return _of_bills(voucher, taxes, billed)
    owed = [x for x in voucher.lines if x.debit]
    sold = [x for x in voucher.lines if x.credit and x not in taxes]
    if len(taxes) == 1:
        return _by_party([x for x in owed if x.party], sold, taxes[0])
    if len(taxes) == len(owed) == len(sold):
        return [_one([o], [s], t) for o, s, t in zip(owed, sold, taxes, strict=True)]
    raise ValueError(f"{voucher.pk}: {len(taxes)} tax lines do not pair with {len(sold)} of revenue")


def _issued(voucher: Voucher) -> date:
    """Day of issue: that of the voucher, else of its making, but always inside its fiscal period."""
    period = voucher.period
    if period.number == ADJUSTMENT:
        return period.last_day
    days = (voucher.day, voucher.created.date())
    return next((d for d in days if period.first_day <= d <= period.last_day), period.last_day)


def _rate(net: int, tax: int) -> int:
    return min(RATES, key=lambda rate: abs(net * rate - tax * 100))


class _Register:
    """Numbers and keeps the invoices while the vouchers are read in the order they were made."""

    def __init__(self, world: World) -> None:
        self.taken: set[str] = set()
        self.last: dict[Period, int] = {}
        self.of_voucher: dict[int, list[Invoice]] = {}
        self.found: list[Invoice] = []
        self.bills = {bill.invoice_no: bill for bill in bills(world) if bill.invoice_no}
        self.sites = {(c.customer_code, c.site_name): c.contract_no for c in contracts(world)}

    def number(self, told: str | None, issued: date) -> str:
        """The number told, or the next free one of the month."""
        if told is not None and told not in self.taken:
            self.taken.add(told)
            return told
        month = Period(issued.year, issued.month)
        self.last[month] = self.last.get(month, _FIRST_NUMBER) + 3
        return f"{issued.year % 100:02d}332000{issued.month:02d}{self.last[month]:010d}"

    def kind(self, share: _Share, period: Period) -> str:
        """Kind of business by the bill, else by what was sold; mortar counted as concrete until 2023."""
        if share.number in self.bills:
            return _OF_FEE.get(self.bills[share.number].fee_type, "other")
        if share.account == MORTAR and period.year > 2023:
            return "other"
        return share.product or "other"

    def add(self, voucher: Voucher) -> None:
        """The voucher's invoices, or the red ones of a red letter."""
        end = voucher.states[-1]
        gone = end.ts if end.void or end.deleted else None
        shares, issued = _shares(voucher, self.bills), _issued(voucher)
        if gone is not None and any(s.number in self.taken for s in shares if s.number):
            return  # The same invoice entered twice.
        reversed_ = self.of_voucher.get(id(voucher.reversal_of), [])
        posted = next((s.ts for s in voucher.states if s.posted_on is not None), None)
        if posted is None:
            return
        mine = []
        for number, share in enumerate(shares):
            original = reversed_[number] if voucher.reversal_of is not None else None
            told = None if original is not None else share.number
            invoice = Invoice(
                self.number(told, issued),
                voucher.org_code,
                issued,
                posted,
                share.party,
                original.biz_type if original else self.kind(share, voucher.period),
                original.doc if original else share.doc or self._site(voucher, share),
                share.net,
                share.tax,
                _rate(share.net, share.tax),
                red_of=original,
                voided=gone,
            )
            if original is not None:
                original.red = invoice
            mine.append(invoice)
        self.of_voucher[id(voucher)] = mine
        self.found += mine

    def _site(self, voucher: Voucher, share: _Share) -> str | None:
        """Supply contract of a sale of concrete, by the site its text names."""
        if voucher.org_code != SELLER:
            return None
        site = voucher.lines[0].summary.partition(" ")[2]
        return self.sites.get((share.party, site))


def _billing(world: World) -> Iterator[Voucher]:
    made = [v for v in vouchers(world) if v.kind == "normal" and not v.faulty and _tax_lines(v)]
    return iter(sorted(made, key=lambda v: (v.created, v.pk)))


@lru_cache(maxsize=1)
def invoices(world: World) -> tuple[Invoice, ...]:
    """Every invoice of 2023 and 2024 in the order of entry; about 10,500 a year. Do not change them."""
    register = _Register(world)
    for voucher in _billing(world):
        register.add(voucher)
    return tuple(register.found)
