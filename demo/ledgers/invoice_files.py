"""Ledger ``fin_invoice``: the monthly exports of the tax platform, as their sheets show.

Belongs here: which invoices stand in which file, and the dirt of the sheets. A month's file holds what was
issued in it, and repeats the originals of earlier months that were reddened in it; what is entered after
the file was sent comes with a further copy of the file. Planted: March 2024 is in 万元 (D05), June 2024 was
sent again with buyers corrected (D28), one invoice of August 2024 was forgotten until 28 October, five of
July 2024 hold the tax in their amount without tax (D18). Dirt: dates as Excel serials and text (D06),
amounts as text (D07), full-width numbers (D01), blanks (D02), words of an older form (D21). Keep out: which
invoices there are (``invoices``).
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from demo.ledgers.finance_calendar import Period, closing_day, months
from demo.ledgers.finance_counterparty import parties
from demo.ledgers.finance_rows import money
from demo.ledgers.forms import dotted, full_width, number_text, padded, sheet_date
from demo.ledgers.invoices import Invoice, invoices
from demo.timeline import Event, Row, Timeline
from demo.workdays import next_workday
from demo.world import HISTORY_END, World

COLUMNS = (
    "invoice_no", "source_system", "invoice_type", "issue_date", "org_code", "counterparty_code", "buyer_usci",
    "biz_type", "biz_doc_no", "amount_ex_tax", "tax_rate", "tax_amount", "amount_inc_tax", "red_of", "status",
    "file_period", "file_version",
)  # fmt: skip

WORDS = {
    "rent": "不动产租赁",
    "property_fee": "物业服务",
    "utility": "水电气费",
    "concrete": "商品混凝土",
    "steel": "钢材",
    "other": "其他",
}
_OLDER_WORDS = {"rent": "租金", "property_fee": "物业费", "utility": "水电费", "concrete": "商砼"}
STATUS = {"valid": "正常", "red": "已红冲", "void": "已作废"}
_PLATFORM = "电子税务局"
IN_WAN, RESENT, INCLUSIVE = Period(2024, 3), Period(2024, 6), Period(2024, 7)
_RESENT_AT = datetime(2024, 7, 25, 15, 40)
FORGOTTEN = ("YWCT-09", Period(2024, 8))
_FORGOTTEN_AT = datetime(2024, 10, 28, 11, 5)
_WRONG_BUYERS, _INCLUSIVE_ROWS = 3, 5


def sent_at(month: Period) -> datetime:
    """When the month's first file is sent: the working day after the last book has closed."""
    closed = max(closing_day(f"YWCT-{n:02d}", month) for n in range(12))
    return datetime.combine(next_workday(closed + timedelta(days=1)), time(10, 15))


def _copies(month: Period, late: Iterable[datetime]) -> list[datetime]:
    """When the month's file was sent: once, and after everything entered later."""
    again = {next_workday(at.date() + timedelta(days=1)) for at in late}
    sent = [sent_at(month), *(datetime.combine(day, time(15, 30)) for day in again)]
    if month == RESENT:
        sent.append(_RESENT_AT)
    if month == FORGOTTEN[1]:
        sent.append(_FORGOTTEN_AT)
    return sorted(sent)


class _Sheets:
    """Draws the rows of all files; an invoice is typed the same way wherever it stands."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.usci = {code: party.usci for code, party in parties(world).items()}
        self.by_month: dict[Period, list[Invoice]] = defaultdict(list)
        for invoice in invoices(world):
            self.by_month[invoice.month].append(invoice)
        self.forgotten = next(
            i
            for i in self.by_month[FORGOTTEN[1]]
            if i.org_code == FORGOTTEN[0] and not i.red and not i.voided
        )

    def month(self, month: Period) -> Iterator[Event]:
        """All copies of the month's file."""
        issued = self.by_month[month]
        first, period = sent_at(month), f"{month.year}{month.text}"
        copies = _copies(month, (i.known for i in issued if i.known > first))
        for version, sent in enumerate(copies, 1):
            for number, invoice in enumerate(self._held(month, issued)):
                row = self._row(invoice, month, sent, self.world.rng(f"fin_invoice:{invoice.number}"))
                if month == INCLUSIVE and number % 90 == 7 and number < 90 * _INCLUSIVE_ROWS:
                    row["amount_ex_tax"] = row["amount_inc_tax"]
                if month == RESENT and version == 1 and number < _WRONG_BUYERS:
                    self._misdirect(row, issued[-1 - number])
                missing = invoice is self.forgotten and sent < _FORGOTTEN_AT
                if invoice.known <= sent and not missing:
                    yield sent, False, row | {"file_period": period, "file_version": version}

    def _held(self, month: Period, issued: list[Invoice]) -> list[Invoice]:
        """What was issued in the month, and the earlier originals that it reddens."""
        originals = [i.red_of for i in issued if i.red_of is not None and i.red_of.month != month]
        return sorted([*issued, *originals], key=lambda i: (i.issued, i.number))

    def _misdirect(self, row: Row, other: Invoice) -> None:
        row["counterparty_code"], row["buyer_usci"] = other.party, self.usci.get(other.party)

    def _row(self, invoice: Invoice, month: Period, sent: datetime, rng: random.Random) -> Row:
        usci, wan = self.usci.get(invoice.party), month == IN_WAN
        words = _OLDER_WORDS if rng.random() < 0.012 else {}
        amounts = [_amount(fen, wan, rng) for fen in (invoice.net, invoice.tax, invoice.gross)]
        status = STATUS[invoice.status_at(sent)]
        return {
            "invoice_no": full_width(invoice.number) if rng.random() < 0.004 else invoice.number,
            "source_system": _PLATFORM,
            "invoice_type": _kind(invoice, usci, rng),
            "issue_date": sheet_date(invoice.issued, rng, _usual(invoice.issued), 0.02),
            "org_code": invoice.org_code,
            "counterparty_code": padded(invoice.party, rng) if rng.random() < 0.006 else invoice.party,
            "buyer_usci": full_width(usci) if usci and rng.random() < 0.004 else usci,
            "biz_type": words.get(invoice.biz_type, WORDS[invoice.biz_type]),
            "biz_doc_no": invoice.doc if rng.random() < 0.97 else None,
            "amount_ex_tax": amounts[0],
            "tax_rate": Decimal(invoice.rate).scaleb(-2),
            "tax_amount": amounts[1],
            "amount_inc_tax": amounts[2],
            "red_of": invoice.red_of.number if invoice.red_of else None,
            "status": "红冲" if status == STATUS["red"] and rng.random() < 0.2 else status,
            "money_unit": "万元" if wan else "元",
        }


def _usual(day: date) -> object:
    """The platform writes the day as a cell; since 2024 as an Excel serial of a text export."""
    return (day - date(1899, 12, 30)).days if day.year > 2023 and day.month % 4 == 1 else dotted(day)


def _kind(invoice: Invoice, usci: str | None, rng: random.Random) -> str:
    if usci is None:
        return "普票"
    return "专票" if rng.random() < 0.25 else rng.choice(("数电", "数电", "数电", "全电发票"))


def _amount(fen: int, wan: bool, rng: random.Random) -> object:
    value = Decimal(fen).scaleb(-6) if wan else money(fen)
    return number_text(value) if rng.random() < 0.008 else value


def build(world: World) -> Timeline:
    """The ledger's timeline: a file a month and its later copies; about 10,500 invoices a year."""
    sheets, end = _Sheets(world), datetime.combine(HISTORY_END, time.max)
    events = (event for month in months() for event in sheets.month(month))
    return Timeline("fin_invoice", COLUMNS, [event for event in events if event[0] <= end])
