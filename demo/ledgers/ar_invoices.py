"""Ledger ``fin_ar_invoice``: invoices as the receivables module of the accounts shows them.

Belongs here: the receivables' view of rent, fees and concrete: the same numbers as in the tax export, with
the bill or supply contract and the customer's code. Planted: amounts of three invoices that differ from the
tax export, and customers typed wrong at first. Dirt: blanks (D02). Keep out: which invoices there are
(``invoices``) and what the tax platform says (``invoice_files``).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from demo.ledgers.finance_rows import money
from demo.ledgers.invoices import Invoice, invoices
from demo.timeline import Event, Row, Timeline
from demo.world import World

COLUMNS = (
    "invoice_no", "source_system", "org_code", "counterparty_code", "issue_date", "biz_type", "biz_doc_no",
    "amount_ex_tax", "tax_rate", "tax_amount", "amount_inc_tax", "red_of", "status", "ts",
)  # fmt: skip

KINDS = ("rent", "property_fee", "utility", "concrete")
_NOT_KEPT = ("YWCT-08",)
"""The water company bills from a system of its own."""
BREAKS = ("YWCT-02", (11, 60, 140))
"""Book, and the places among its invoices of 2024-08 whose amount was typed wrong, by 9.00 CNY."""
_BREAK_FEN = 900


def _kept(world: World) -> Iterator[Invoice]:
    for invoice in invoices(world):
        if invoice.biz_type in KINDS and invoice.org_code not in _NOT_KEPT:
            yield invoice


def _broken(found: list[Invoice]) -> set[str]:
    book, places = BREAKS
    august = [
        i.number
        for i in found
        if i.org_code == book and (i.issued.year, i.issued.month) == (2024, 8) and not i.red and not i.voided
    ]
    return {august[place] for place in places if place < len(august)}


def _row(invoice: Invoice, blank: bool, more: int) -> Row:
    empty = " " if blank else None
    return {
        "invoice_no": invoice.number,
        "source_system": "AR",
        "org_code": invoice.org_code,
        "counterparty_code": invoice.party,
        "issue_date": invoice.issued,
        "biz_type": invoice.biz_type,
        "biz_doc_no": invoice.doc or empty,
        "amount_ex_tax": money(invoice.net + more),
        "tax_rate": Decimal(invoice.rate).scaleb(-2),
        "tax_amount": money(invoice.tax),
        "amount_inc_tax": money(invoice.gross + more),
        "red_of": invoice.red_of.number if invoice.red_of else empty,
        "status": "valid",
    }


def _states(invoice: Invoice, row: Row, stranger: str | None, rng: random.Random) -> Iterator[Event]:
    """The invoice as entered, then as corrected, voided or reddened."""

    def shown(at: datetime, change: Row) -> Event:
        return at, False, row | change | {"ts": at.isoformat(" ", "seconds")}

    if stranger is not None:
        yield shown(invoice.known, {"counterparty_code": stranger})
        yield shown(invoice.known + timedelta(days=2, minutes=rng.randint(1, 300)), {})
    else:
        yield shown(invoice.known, {})
    if invoice.voided is not None:
        yield shown(invoice.voided, {"status": "void"})
    if invoice.red is not None:
        yield shown(invoice.red.known + timedelta(minutes=6), {"status": "red"})


def build(world: World) -> Timeline:
    """The ledger's timeline; about 9,400 invoices a year at scale 1."""
    rng, events = world.rng("fin_ar_invoice"), list[Event]()
    found = list(_kept(world))
    broken = _broken(found)
    for number, invoice in enumerate(found):
        plain = invoice.voided is None and invoice.red is None and invoice.red_of is None
        stranger = found[number - 1].party if plain and number and rng.random() < 0.004 else None
        row = _row(invoice, rng.random() < 0.012, _BREAK_FEN if invoice.number in broken else 0)
        events += _states(invoice, row, stranger, rng)
    return Timeline("fin_ar_invoice", COLUMNS, events)
