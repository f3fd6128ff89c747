"""How the general ledger shows vouchers: gl_voucher and gl_detail rows, version by version.

Belongs here: column values and the spelling dirt of an NC database (D02 blanks for NULL, D06 date forms).
Keep out: what is recorded (``finance_books`` and the others).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from demo.ledgers.finance_vouchers import Line, State, Voucher
from demo.timeline import Event, Row

VOUCHER_COLUMNS = (
    "pk_voucher",
    "org_code",
    "fiscal_year",
    "period_no",
    "voucher_type",
    "voucher_no",
    "voucher_date",
    "voucher_kind",
    "prepared_by",
    "checked_by",
    "posted_by",
    "posted_flag",
    "posted_date",
    "void_flag",
    "reversal_of",
    "source_system",
    "attachment_cnt",
    "total_debit",
    "total_credit",
    "dr",
    "created_at",
    "ts",
)
LINE_COLUMNS = (
    "pk_detail",
    "pk_voucher",
    "line_no",
    "summary",
    "account_code",
    "debit",
    "credit",
    "quantity",
    "unit_price",
    "currency",
    "project_code",
    "counterparty_code",
    "park_code",
    "product_code",
    "biz_doc_no",
    "ts",
)
_TEXT_OR_NULL = ("checked_by", "posted_by", "reversal_of", "source_system")
_LINE_TEXT_OR_NULL = ("project_code", "counterparty_code", "park_code", "product_code", "biz_doc_no")
_BLANK_EVERY, _DATE_FORM_EVERY = 67, 101
"""One voucher in so many shows its NULLs as blanks (D02), its date in another form (D06)."""
_ZERO = Decimal("0.00")
_EIGHT = Decimal("0.00000001")
_SURNAMES = ("陈", "王", "吴", "楼", "朱", "金", "龚", "傅", "骆", "何", "方", "虞")
_GIVEN = ("晓燕", "建军", "丽娜", "伟强", "佳琪", "海峰", "雪梅", "志明", "文静", "俊杰")


def money(fen: int) -> Decimal:
    """1234 -> Decimal("12.34")."""
    return Decimal(fen).scaleb(-2) if fen else _ZERO


def _clerk(org_code: str, number: int) -> str:
    """One of the book's clerks."""
    at = int(org_code[-2:]) * 7 + number
    return _SURNAMES[at % len(_SURNAMES)] + _GIVEN[at * 3 % len(_GIVEN)]


def _hit(voucher: Voucher, every: int) -> bool:
    """True for about one voucher in ``every``, whatever else the ledger holds."""
    return (voucher.serial * 29 + voucher.period.number * 11 + int(voucher.org_code[-2:])) % every == 0


def _dated(voucher: Voucher) -> str:
    """Date on the voucher, now and then as 2024.9.10 or 2024/9/10 (D06)."""
    day = voucher.day
    if not _hit(voucher, _DATE_FORM_EVERY):
        return day.isoformat()
    mark = "./"[voucher.serial % 2]
    return f"{day.year}{mark}{day.month}{mark}{day.day}"


def _header(voucher: Voucher, state: State, date_text: str) -> Row:
    org, serial, reversal = voucher.org_code, voucher.serial, voucher.reversal_of
    posted = state.posted_on is not None
    return {
        "pk_voucher": voucher.pk,
        "org_code": org,
        "fiscal_year": str(voucher.period.year),
        "period_no": voucher.period.text,
        "voucher_type": voucher.voucher_type,
        "voucher_no": voucher.number,
        "voucher_date": date_text,
        "voucher_kind": voucher.kind,
        "prepared_by": _clerk(org, serial % 5),
        "checked_by": _clerk(org, 5 + serial % 2) if posted else None,
        "posted_by": _clerk(org, 7) if posted else None,
        "posted_flag": "Y" if posted else "N",
        "posted_date": state.posted_on,
        "void_flag": "Y" if state.void else "N",
        "reversal_of": None if reversal is None else reversal.pk,
        "source_system": voucher.source if serial % 50 else None,
        "attachment_cnt": serial * 5 % 9 if serial % 40 else None,
        "total_debit": money(sum(line.debit for line in voucher.lines)),
        "total_credit": money(sum(line.credit for line in voucher.lines)),
        "dr": 1 if state.deleted else 0,
        "created_at": voucher.created.isoformat(" "),
        "ts": state.ts.isoformat(" "),
    }


def _unit_price(line: Line) -> Decimal:
    """Amount by unit, to eight decimals as the column keeps it."""
    return (money(line.debit + line.credit) / (line.quantity or 1)).quantize(_EIGHT)


def _detail_keys(voucher: Voucher) -> str:
    """What the keys of the voucher's lines begin with; the line number follows."""
    return f"1001Z{voucher.pk[6:12]}{voucher.serial:06d}"


def _three(line_no: int) -> str:
    """Three characters of a line's key: 001 to 999, then A00 to Z99, since the key has 20 and no more."""
    if line_no < 1000:
        return f"{line_no:03d}"
    return f"{chr(ord('A') + line_no // 100 - 10)}{line_no % 100:02d}"


def _detail(keys: str, pk_voucher: str, line_no: int, line: Line, ts: str) -> Row:
    return {
        "pk_detail": f"{keys}{_three(line_no)}",
        "pk_voucher": pk_voucher,
        "line_no": line_no,
        "summary": line.summary,
        "account_code": line.account,
        "debit": money(line.debit),
        "credit": money(line.credit),
        "quantity": line.quantity,
        "unit_price": _unit_price(line) if line.quantity else None,
        "currency": "CNY",
        "project_code": line.project,
        "counterparty_code": line.party,
        "park_code": line.park,
        "product_code": line.product,
        "biz_doc_no": line.doc,
        "ts": ts,
    }


def _blanked(row: Row, columns: tuple[str, ...]) -> None:
    """Show one blank where a text column is NULL (D02)."""
    for column in columns:
        if row[column] is None:
            row[column] = " "


def _headers(voucher: Voucher) -> Iterator[Event]:
    date_text, blank = _dated(voucher), _hit(voucher, _BLANK_EVERY)
    for state in voucher.states:
        row = _header(voucher, state, date_text)
        if blank:
            _blanked(row, _TEXT_OR_NULL)
        yield state.ts, False, row


def _details(voucher: Voucher) -> Iterator[Event]:
    last, keys, pk = voucher.states[-1], _detail_keys(voucher), voucher.pk
    blank = _hit(voucher, _BLANK_EVERY)
    for state in voucher.states:
        ts = state.ts.isoformat(" ")
        early = voucher.early_lines if state is not last else None
        for line_no, line in enumerate(early or voucher.lines, 1):
            row = _detail(keys, pk, line_no, line, ts)
            if blank:
                _blanked(row, _LINE_TEXT_OR_NULL)
            yield state.ts, False, row
    for line_no in range(len(voucher.lines) + 1, len(voucher.early_lines or ()) + 1):
        yield last.ts, True, {"pk_detail": f"{keys}{_three(line_no)}", "pk_voucher": pk}


def shown(vouchers: list[Voucher]) -> tuple[list[Event], list[Event]]:
    """Events of gl_voucher and of gl_detail for vouchers that have their numbers already."""
    headers: list[Event] = []
    details: list[Event] = []
    for voucher in vouchers:
        headers.extend(_headers(voucher))
        details.extend(_details(voucher))
    return headers, details
