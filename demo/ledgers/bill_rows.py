"""Ledger ``park_bill``: what the parks bill and what came in, as the park platform's API shows it.

Belongs here: one row per bill and its states: issued, invoiced, paid in parts, paid, waived. Amounts
include tax; dates are instants in Z of the local midnight and ``updated_at`` ISO Z, equal to the row's
``visible_from`` (D29). Dirt: words for codes (D21), and three rent bills entered without tax, which are
corrected after the bulletin (D18). Keep out: what is billed and paid (``bills``).
"""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from decimal import Decimal

from demo.ledgers.bills import Bill, bills
from demo.ledgers.forms import iso_z, json_number, midnight_z, office_time
from demo.seed_files import seed_tree
from demo.timeline import Event, Row, Timeline
from demo.world import World

COLUMNS = (
    "bill_no", "lease_no", "enterprise_id", "park_code", "fee_type", "cycle_start", "cycle_end",
    "amount_inc_tax", "tax_rate", "received_cny", "due_date", "invoice_no", "state", "updated_at",
)  # fmt: skip

WITHOUT_TAX = 3
CORRECTED_AT = datetime(2024, 10, 25, 10, 5, 30)
"""So many rent bills of the quarter stand without tax until then (D18)."""

_WORD, _INVOICED_LATER = 0.004, 0.2

Change = tuple[datetime, Row]


def build(world: World) -> Timeline:
    """The ledger's timeline: about 11,000 bills a year at scale 1, two or three states each."""
    rng = world.rng("park_bill.sheet")
    words: dict[str, dict[str, str]] = seed_tree("estate_words")
    wrong = _without_tax(world)
    rows: list[Event] = []
    for bill in bills(world):
        rows += _events(bill, bill.bill_no in wrong, words, rng)
    return Timeline("park_bill", COLUMNS, rows)


def _without_tax(world: World) -> set[str]:
    """The first rent bills of the third quarter that were paid only after the correction, or not yet."""
    found = [
        bill.bill_no
        for bill in bills(world)
        if bill.fee_type == "rent"
        and date(2024, 7, 1) <= bill.cycle_start <= date(2024, 9, 30)
        and bill.issued_on < date(2024, 10, 1)
        and all(day > CORRECTED_AT.date() for day, _ in bill.receipts)
    ]
    return set(found[:WITHOUT_TAX])


def _events(
    bill: Bill, without_tax: bool, words: dict[str, dict[str, str]], rng: random.Random
) -> list[Event]:
    later = bill.invoice_no is not None and rng.random() < _INVOICED_LATER
    if rng.random() < _WORD:
        fee: str = words["fee_type"][bill.fee_type]
    else:
        fee = bill.fee_type
    row: Row = {
        "bill_no": bill.bill_no,
        "lease_no": bill.lease_no if bill.lease_no else rng.choice((None, "")),
        "enterprise_id": bill.enterprise_id,
        "park_code": bill.park_code,
        "fee_type": fee,
        "cycle_start": midnight_z(bill.cycle_start),
        "cycle_end": midnight_z(bill.cycle_end),
        "amount_inc_tax": _cny(
            bill.amount * 10_000 // (10_000 + bill.tax_bp) if without_tax else bill.amount
        ),
        "tax_rate": json_number(Decimal(bill.tax_bp) / 10_000),
        "received_cny": 0,
        "due_date": midnight_z(bill.due_date),
        "invoice_no": None if later or bill.fee_type == "late_fee" else bill.invoice_no,
        "state": "unpaid",
    }
    events: list[Event] = []
    for at, change in sorted(_changes(bill, later, without_tax, rng), key=lambda each: each[0]):
        row = row | change
        shown = words["bill_state"][str(row["state"])] if rng.random() < _WORD else row["state"]
        events.append((at, False, row | {"state": shown, "updated_at": iso_z(at)}))
    return events


def _changes(bill: Bill, later: bool, without_tax: bool, rng: random.Random) -> list[Change]:
    issued = office_time(bill.issued_on, rng)
    changes: list[Change] = [(issued, {})]
    if later:
        changes.append(
            (issued + timedelta(days=rng.randint(1, 6), minutes=7), {"invoice_no": bill.invoice_no})
        )
    if without_tax:
        changes.append((CORRECTED_AT, {"amount_inc_tax": _cny(bill.amount)}))
    received = 0
    for number, (day, fen) in enumerate(bill.receipts):
        received += fen
        state = "paid" if received == bill.amount else "partial"
        at = max(office_time(day, rng), issued + timedelta(minutes=20 + number))
        change: Row = {"received_cny": _cny(received), "state": state}
        if bill.fee_type == "late_fee":
            change["invoice_no"] = bill.invoice_no
        changes.append((at, change))
    if bill.waived_on:
        changes.append(
            (max(office_time(bill.waived_on, rng), issued + timedelta(minutes=30)), {"state": "waived"})
        )
    return changes


def _cny(fen: int) -> int | float:
    return json_number(Decimal(fen) / 100)
