"""Planted events of the general ledger: what happens after the bulletin, and single faults.

Belongs here: the late entries and red letters of the bridge cases, and the vouchers that a check must
stop (duplicate, unbalanced, non-leaf account). None of the faults touches an account that a headline
figure uses. Keep out: dirt that is only spelling (``finance_rows``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from demo.ledgers.concrete_contracts import Contract
from demo.ledgers.concrete_sales import Sale
from demo.ledgers.finance_calendar import Period
from demo.ledgers.finance_concrete import SEPTEMBER, invoice
from demo.ledgers.finance_vouchers import Line, State, Voucher, posted_at, red_letter, type_in_book

_PLAIN = "60010101"
_DUPLICATE_BOOKS = frozenset({"YWCT-00", "YWCT-06", "YWCT-07", "YWCT-09"})
_DUPLICATE_STRIDE, _SHORTENED_STRIDE = 26, 12
_EVE = date(2024, 10, 10)


def _late(contract: Contract, created: datetime, volume: int, amount: int, number: str) -> Voucher:
    """A September invoice made after the books of September were closed."""
    return invoice(contract, SEPTEMBER, created, {_PLAIN: Sale(volume, amount)}, number)


def after_the_bulletin(september: list[tuple[Contract, Voucher]]) -> Iterator[Voucher]:
    """The three cases of section 5b, all in the seller's book.

    (iii) made on 9 October, posted on the 14th, period 09: late status; (ii) the book reopened on
    4 November takes a late voucher and a red letter in 09; (i) a red letter of 6 November in period 11.
    """
    outside = [pair for pair in september if pair[0].group_org is None]
    small = sorted(outside, key=lambda pair: pair[1].lines[0].debit)
    waiting = _late(
        outside[3][0], datetime(2024, 10, 9, 15, 12, 40), 94_720, 31_844_660, "24332000000000499017"
    )
    waiting.states = [
        State(waiting.created, None),
        State(datetime(2024, 10, 14, 10, 5, 11), date(2024, 10, 14)),
    ]
    late = _late(
        outside[5][0], datetime(2024, 11, 5, 10, 20, 33), 122_640, 41_230_597, "24332000000000503119"
    )
    late.day = SEPTEMBER.last_day
    yield waiting
    yield posted_at(late, datetime(2024, 11, 5, 10, 52, 4))
    red = red_letter(small[2][1], SEPTEMBER, datetime(2024, 11, 5, 14, 10, 27))
    red.day = SEPTEMBER.last_day
    yield posted_at(red, datetime(2024, 11, 5, 14, 31, 50))
    open_month = red_letter(small[4][1], Period(2024, 11), datetime(2024, 11, 6, 9, 40, 15))
    yield posted_at(open_month, datetime(2024, 11, 6, 10, 2, 38))


def audit_adjustment(september: list[tuple[Contract, Voucher]]) -> Voucher:
    """Concrete revenue the auditors moved into 2023: period 13, made in March 2024."""
    sale = {_PLAIN: Sale(362_000, 126_480_000)}
    period, created = Period(2023, 13), datetime(2024, 3, 21, 10, 8, 55)
    voucher = invoice(september[1][0], period, created, sale, "24332000000000188203")
    voucher.day = period.last_day
    return posted_at(voucher, datetime(2024, 3, 21, 10, 44, 9))


def _expense(
    org_code: str, period: Period, created: datetime, account: str, debit: int, credit: int
) -> Voucher:
    text = "调整费用"
    lines = [
        Line(account, debit, 0, text),
        Line("224105", 0, credit, text, party=f"YG{org_code[-2:]}01"),
    ]
    voucher = Voucher(org_code, period, type_in_book(org_code, "转"), created.date(), "GL", created, lines)
    return posted_at(voucher, created + timedelta(minutes=45))


def single_faults() -> Iterator[Voucher]:
    """One unbalanced voucher (D12), one posting to a non-leaf account (D13)."""
    unbalanced = _expense(
        "YWCT-06", Period(2024, 4), datetime(2024, 4, 16, 10, 3, 0), "660210", 1_200_000, 1_120_000
    )
    non_leaf = _expense(
        "YWCT-09", Period(2024, 5), datetime(2024, 5, 21, 14, 37, 0), "6602", 368_000, 368_000
    )
    unbalanced.faulty = non_leaf.faulty = True
    yield from (unbalanced, non_leaf)


def late_in_2023() -> Voucher:
    """What the water company's reopened June 2023 took in."""
    created = datetime(2023, 7, 20, 15, 22, 18)
    voucher = _expense("YWCT-08", Period(2023, 6), created, "660240", 8_460_000, 8_460_000)
    voucher.day = date(2023, 6, 30)
    return voucher


def _is_claim(voucher: Voucher) -> bool:
    """An everyday expense claim, posted at once and never changed."""
    return voucher.source == "GL" and voucher.lines[-1].account == "224105" and voucher.kind == "normal"


def duplicates(vouchers: list[Voucher]) -> Iterator[Voucher]:
    """Expense claims entered a second time under the same number, an hour later (D08)."""
    claims = [v for v in vouchers if v.org_code in _DUPLICATE_BOOKS and len(v.states) == 1 and _is_claim(v)]
    for model in claims[::_DUPLICATE_STRIDE]:
        lines = [replace(line) for line in model.lines]
        state = replace(model.states[0], ts=model.states[0].ts + timedelta(minutes=66))
        yield replace(
            model,
            created=model.created + timedelta(minutes=61),
            lines=lines,
            states=[state],
            same_number_as=model,
            faulty=True,
        )


def shortened(vouchers: list[Voucher]) -> None:
    """Let some claims lose a line before they are posted: the ledger replaces the lines of a voucher.

    One of them is shown with both lines on the evening of the cut-off, and posted the next morning.
    """
    waiting = next(v for v in vouchers if _is_claim(v) and v.created.date() == _EVE and len(v.states) == 1)
    morning = datetime.combine(_EVE, time(9, 12)) + timedelta(days=1)
    waiting.states = [State(waiting.created, None), State(morning, morning.date())]
    two_step = [v for v in vouchers if len(v.states) == 2 and v.states[0].posted_on is None and _is_claim(v)]
    chosen = [v for v in two_step[::_SHORTENED_STRIDE] if v is not waiting]
    for voucher in (waiting, *chosen):
        first = voucher.lines[0]
        half = first.debit // 2
        rest = replace(first, debit=first.debit - half, summary="待分配费用")
        voucher.early_lines = [replace(first, debit=half), *voucher.lines[1:], rest]


def planted(everyday: list[Voucher], september: list[tuple[Contract, Voucher]]) -> list[Voucher]:
    """All planted vouchers; some of the everyday ones get an earlier version."""
    shortened(everyday)
    return [
        *after_the_bulletin(september),
        audit_adjustment(september),
        *single_faults(),
        late_in_2023(),
        *duplicates(everyday),
    ]
