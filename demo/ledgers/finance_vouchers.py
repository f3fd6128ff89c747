"""Vouchers of the pretend books before the general ledger shows them, and what can happen to them.

Belongs here: the voucher and its lines, its life (made, posted, void, deleted), red letters. Keep out:
which business is recorded (``finance_books`` …) and how the ledger spells it (``finance_rows``).

Money is whole fen; an exact quantity and price stand beside it where the business has one.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from demo.ledgers.finance_calendar import ADJUSTMENT, Period, closing_day
from demo.workdays import next_workday

BANK = "1002"
"""Account of the money at banks; every leaf below it is one account at a bank."""

TWO_STEP_SHARE = 0.05
"""Share of vouchers the ledger has shown unposted before it shows them posted."""

_VOID_SHARE, _DELETED_SHARE = 0.004, 0.003
_SINGLE_TYPE_BOOKS = frozenset({"YWCT-00", "YWCT-06", "YWCT-07", "YWCT-11"})


@dataclass(slots=True)
class Line:
    """One line; exactly one of ``debit`` and ``credit`` (fen) is not zero, negative in a red letter.

    ``purpose`` says what a bank line pays for, as the cash ledger states it; other lines have none.
    """

    account: str
    debit: int
    credit: int
    summary: str
    project: str | None = None
    party: str | None = None
    park: str | None = None
    product: str | None = None
    doc: str | None = None
    quantity: Decimal | None = None
    purpose: str | None = None


@dataclass(frozen=True, slots=True)
class State:
    """What the ledger says of a voucher from ``ts`` on."""

    ts: datetime
    posted_on: date | None
    void: bool = False
    deleted: bool = False


@dataclass(slots=True, eq=False)
class Voucher:
    """One voucher. ``early_lines`` are shown with every state but the last, where they differed.

    ``faulty`` marks a planted fault (a duplicate, an unbalanced one …) that no book-keeping rests on;
    ``same_number_as`` is the voucher whose number a duplicate repeats.
    """

    org_code: str
    period: Period
    voucher_type: str
    day: date
    source: str
    created: datetime
    lines: list[Line]
    kind: str = "normal"
    states: list[State] = field(default_factory=list)
    reversal_of: Voucher | None = None
    same_number_as: Voucher | None = None
    early_lines: list[Line] | None = None
    faulty: bool = False
    pk: str = ""
    serial: int = 0
    number: int = 0

    def counts_at(self, instant: datetime) -> bool:
        """Whether the voucher is posted, not void and not deleted at ``instant``, and no planted fault."""
        held = [state for state in self.states if state.ts <= instant]
        if not held or self.faulty:
            return False
        last = held[-1]
        return last.posted_on is not None and not last.void and not last.deleted


def type_in_book(org_code: str, voucher_type: str) -> str:
    """Some books sort their vouchers into 收, 付 and 转; the others write 记 on all."""
    return "记" if org_code in _SINGLE_TYPE_BOOKS else voucher_type


def working_hour(rng: random.Random, day: date) -> datetime:
    """A moment between 08:40 and 16:20 of ``day``."""
    return datetime.combine(day, time(8, 40)) + timedelta(seconds=int(rng.random() * 27_600))


def closing_hour(rng: random.Random, org_code: str, period: Period) -> datetime:
    """A moment between 09:00 and 13:30 of the day the book closes."""
    start = datetime.combine(closing_day(org_code, period), time(9))
    return start + timedelta(seconds=int(rng.random() * 16_200))


def post(voucher: Voucher, rng: random.Random, *, may_fail: bool = True) -> Voucher:
    """Give an ordinary voucher its life: posted the same day or the next, or void or deleted later.

    A voucher that may not fail is posted in the end.
    """
    same_day = voucher.created + timedelta(seconds=480 + int(rng.random() * 7200))
    luck, posted = rng.random(), State(same_day, same_day.date())
    luck += 0 if may_fail else _VOID_SHARE + _DELETED_SHARE
    if luck >= TWO_STEP_SHARE + _VOID_SHARE + _DELETED_SHARE:
        voucher.states = [posted]
        return voucher
    next_day = next_workday(voucher.created.date() + timedelta(days=1))
    # The day after may lie behind the close: then the change happens on the day itself.
    open_still = next_day <= closing_day(voucher.org_code, voucher.period)
    start, span = (datetime.combine(next_day, time(8, 30)), 7200) if open_still else (same_day, 540)
    later = start + timedelta(seconds=60 + int(rng.random() * span))
    # Money that never moved is noticed before it is posted.
    banked = any(line.account.startswith(BANK) for line in voucher.lines)
    first = State(same_day, None) if banked else posted
    if luck < _VOID_SHARE:
        voucher.states = [first, replace(posted, ts=later, void=True)]
    elif luck < _VOID_SHARE + _DELETED_SHARE:
        voucher.states = [first, replace(posted, ts=later, deleted=True)]
    else:
        voucher.states = [State(voucher.created, None), State(later, later.date())]
    return voucher


def posted_at(voucher: Voucher, moment: datetime) -> Voucher:
    """Give the voucher the plainest life: the ledger shows it posted from ``moment`` on."""
    voucher.states = [State(moment, moment.date())]
    return voucher


def same_day(voucher: Voucher, rng: random.Random) -> Voucher:
    """Post the voucher within the hour."""
    return posted_at(voucher, voucher.created + timedelta(seconds=300 + int(rng.random() * 3000)))


def voucher_day(period: Period, created: datetime, closing: bool) -> date:
    """Date on the voucher: the day it was made, but the period's last day for closing entries."""
    return period.last_day if closing or period.number == ADJUSTMENT else created.date()


def red_letter(original: Voucher, period: Period, created: datetime, kind: str = "normal") -> Voucher:
    """A voucher that repeats the original with negative amounts on the same sides (红字冲销)."""
    lines = [
        replace(
            line,
            debit=-line.debit,
            credit=-line.credit,
            summary=f"冲销：{line.summary}",
            quantity=None if line.quantity is None else -line.quantity,
        )
        for line in original.lines
    ]
    return Voucher(
        original.org_code,
        period,
        original.voucher_type,
        created.date(),
        original.source,
        created,
        lines,
        kind,
        reversal_of=original,
    )


def copied(original: Voucher, **changes: object) -> Voucher:
    """The same entry again with lines of its own; ``changes`` are fields of the new voucher."""
    lines = [replace(line) for line in original.lines]
    fresh: dict[str, object] = {"lines": lines, "states": [], "early_lines": None}
    return replace(original, **(fresh | changes))  # type: ignore[arg-type]


def split(amount: int, parts: int, rng: random.Random) -> list[int]:
    """Cut ``amount`` into ``parts`` random shares that add up to it."""
    if parts == 1:
        return [amount]
    weights = [20 + int(rng.random() * 100) for _ in range(parts)]
    total = sum(weights)
    shares = [amount * weight // total for weight in weights[1:]]
    return [amount - sum(shares), *shares]
