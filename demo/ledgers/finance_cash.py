"""Ledger ``fin_cash_txn``: what went in and out of the group's bank accounts, as the treasury system keeps it.

Belongs here: one row for each part of a bank line of a posted voucher: a bank line is cut by the lines
against it that name a party, a project or a document, so that every payment says whom and what it was for;
everyday bills of several parties are paid in bulk.
By account and month the rows equal account 1002 of the books (R31), but for :data:`IN_TRANSIT`. A void or
deleted voucher moved no money; a red letter moved it back. Dirt: blanks for nothing (D02), purposes in
Chinese (D21). Keep out: vouchers.

An account's code is the company and its leaf of 1002: ``YWCT-03-10020105``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time

from demo.ledgers.finance_calendar import Period
from demo.ledgers.finance_rows import money
from demo.ledgers.finance_vouchers import BANK, Line, Voucher
from demo.timeline import Event, Row

CASH_COLUMNS = (
    "txn_id",
    "org_code",
    "bank_account_code",
    "txn_date",
    "direction",
    "amount_cny",
    "counterparty_code",
    "purpose",
    "biz_doc_no",
    "project_code",
    "bank_ref",
    "created_at",
)
_WORDS = {"rent": "租金", "tax": "税费", "loan": "借款", "concrete": "混凝土款", "other": "其他"}
_DRIFT_EVERY, _BLANK_EVERY, _NO_REF_EVERY = 149, 83, 29
_TEXT_OR_NULL = ("counterparty_code", "biz_doc_no", "project_code", "bank_ref")


@dataclass(frozen=True, slots=True)
class InTransit:
    """The book's last such line of the period reaches the bank only on ``day`` of the next month."""

    org_code: str
    period: Period
    direction: str
    day: date


IN_TRANSIT = (
    InTransit("YWCT-08", Period(2024, 6), "IN", date(2024, 7, 1)),
    InTransit("YWCT-09", Period(2024, 9), "OUT", date(2024, 10, 8)),
)


@dataclass(slots=True)
class _Part:
    """Part of a bank line; ``amount`` (fen) is positive for money in. ``against``: the line it is for."""

    voucher: Voucher
    bank: Line
    number: int
    amount: int
    against: Line | None
    late: date | None = None

    @property
    def purpose(self) -> str:
        return "refund" if self.voucher.reversal_of else self.bank.purpose or "other"


def _named(voucher: Voucher, sign: int) -> Iterator[tuple[Line | None, int]]:
    """Lines against a bank line of that sign which say whom or what it was for, with fen.

    Everyday claims and bills of several parties without a document are paid in bulk: the bank names none.
    """
    found = [
        (line, (line.credit - line.debit) * sign)
        for line in voucher.lines
        if not line.account.startswith(BANK)
        and (line.party or line.doc or line.project)
        and (line.credit - line.debit) * sign > 0
    ]
    plain = all(line.purpose in (None, "other") for line in voucher.lines)
    if not (plain and len(found) > 1 and not any(line.doc for line, _ in found)):
        yield from found


def _parts(voucher: Voucher) -> Iterator[_Part]:
    """The voucher's bank lines, each cut by the named lines of the other side, in their order."""
    number = 0
    for sign in (1, -1):
        waiting = list(_named(voucher, sign))
        for bank in voucher.lines:
            left = (bank.debit - bank.credit) * sign if bank.account.startswith(BANK) else 0
            while left > 0:
                line, amount = waiting.pop(0) if waiting else (None, left)
                taken = min(left, amount)
                if amount > taken:
                    waiting.insert(0, (line, amount - taken))
                number, left = number + 1, left - taken
                yield _Part(voucher, bank, number, sign * taken, line)


def _txn_id(part: _Part) -> str:
    return f"ZJ{part.voucher.pk[6:]}{part.number:03d}"


def paid_by(vouchers: Iterable[Voucher], purpose: str) -> dict[str, str]:
    """Document to the transaction that paid it, of one purpose; of two the later."""
    bank = [v for v in vouchers if any(line.purpose == purpose for line in v.lines) and _moved(v)]
    parts = (part for voucher in sorted(bank, key=lambda v: v.created) for part in _parts(voucher))
    return {p.against.doc: _txn_id(p) for p in parts if p.against is not None and p.against.doc is not None}


def _row(part: _Part, serial: int) -> Row:
    voucher, against = part.voucher, part.against
    posted = voucher.states[-1].ts
    day = part.late or voucher.day
    row: Row = {
        "txn_id": _txn_id(part),
        "org_code": voucher.org_code,
        "bank_account_code": f"{voucher.org_code}-{part.bank.account}",
        "txn_date": day,
        "direction": "IN" if part.amount > 0 else "OUT",
        "amount_cny": money(abs(part.amount)),
        "counterparty_code": against and against.party,
        "purpose": part.purpose,
        "biz_doc_no": (against and against.doc) or part.bank.doc,
        "project_code": against and against.project,
        "bank_ref": f"{day:%Y%m%d}{voucher.org_code[-2:]}{serial:08d}" if serial % _NO_REF_EVERY else None,
        "created_at": datetime.combine(part.late, time(9, 31, 6)) if part.late else posted,
    }
    if serial % _DRIFT_EVERY == 0:
        row["purpose"] = _WORDS.get(part.purpose, part.purpose)
    if serial % _BLANK_EVERY == 0:
        row |= {column: " " for column in _TEXT_OR_NULL if row[column] is None}
    return row


def _moved(voucher: Voucher) -> bool:
    """Whether the voucher moved money: posted in the end, and no planted fault."""
    last = voucher.states[-1]
    return not voucher.faulty and last.posted_on is not None and not last.void and not last.deleted


def _delay(parts: Iterable[_Part]) -> None:
    """Choose the lines in transit: plain business, the last of its book and month."""
    for told in IN_TRANSIT:
        sign = 1 if told.direction == "IN" else -1
        found = [
            part
            for part in parts
            if (part.voucher.org_code, part.voucher.period) == (told.org_code, told.period)
            and part.amount * sign > 0
            and part.purpose == "other"
        ]
        max(found, key=lambda part: (part.voucher.created, part.number)).late = told.day


def cash_events(vouchers: Iterable[Voucher]) -> list[Event]:
    """Rows of the treasury system for numbered vouchers, visible from their ``created_at``."""
    parts = [part for voucher in vouchers if _moved(voucher) for part in _parts(voucher)]
    _delay(parts)
    rows = [_row(part, serial) for serial, part in enumerate(parts, start=1)]
    return [(row["created_at"], False, row) for row in rows]  # type: ignore[misc]
