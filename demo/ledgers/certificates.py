"""Ledger ``con_payment_cert`` (计量支付): what is certified, held back and paid of each section's works.

Belongs here: one certificate for each month in which a section was built, its approval, and the days on
which it is paid (the books and the bank show those; this ledger does not). Money in fen including VAT:

    payable = output x payable ratio - advance deducted - retention

and the payments of a certificate, wages of migrant workers among them, add up to its payable amount. What
is held back beyond that waits for the final settlement, years later. Keep out: how much was built.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from demo.ledgers.finance_calendar import Period, workdays
from demo.ledgers.forms import office_time
from demo.ledgers.section_plan import OPENING, rng_of
from demo.ledgers.sections import Section, sections
from demo.timeline import Event, Row, Timeline
from demo.world import HISTORY_END, UP_DAY, World, next_workday, previous_workday

COLUMNS = (
    "section_code", "cert_no", "period_month", "period_output_cny", "cumulative_output_cny",
    "payable_ratio", "advance_deduct_cny", "retention_cny", "wage_account_cny", "payable_cny",
    "approved_at", "updated_at",
)  # fmt: skip

UNPAID = "CT-2023-009-S02"
"""The section whose certificate of August 2024 nobody has paid: its builder had given up."""
APPROVED_LATE = "CT-2022-007-S03"
"""The section whose certificate of August 2024 is approved only after the bulletin."""
_TOLD_MONTH = Period(2024, 8)
_RATIOS_BP, _WAGE_PCT = (8000, 8000, 8500, 8500, 9000), (15, 25)
_RETENTION_BP, _ADVANCE_PCT, _DEDUCT_PCT = 300, 10, 25
_SUBMIT_FROM = 22
_CORRECTED_SHARE = 0.02

Payment = tuple[date, int, str]
"""(day, fen, purpose ``progress_pay`` or ``wage``)."""


@dataclass(frozen=True)
class Certificate:
    """One certificate. ``approved_at`` and ``payments`` may lie after the generated history's end.

    ``booked_at`` is when it was submitted, and the books recognise the works.
    """

    section: Section
    cert_no: str
    period: Period
    output: int
    cumulative: int
    ratio_bp: int
    advance_deduct: int
    retention: int
    wage: int
    booked_at: datetime
    approved_at: datetime
    payments: tuple[Payment, ...]

    @property
    def section_code(self) -> str:
        """The section it belongs to."""
        return self.section.section_code

    @property
    def project_code(self) -> str:
        """The section's project."""
        return self.section.project_code

    @property
    def org_code(self) -> str:
        """The book that owes it."""
        return self.section.org_code

    @property
    def year(self) -> int:
        """Year of the works."""
        return self.period.year

    @property
    def month(self) -> int:
        """Month of the works, 1 to 12."""
        return self.period.number

    @property
    def payable_ratio(self) -> Decimal:
        """Share of the output that falls due before the final settlement."""
        return Decimal(self.ratio_bp) / 10_000

    @property
    def payable(self) -> int:
        """Fen that fall due with the certificate."""
        return self.output * self.ratio_bp // 10_000 - self.advance_deduct - self.retention

    @property
    def doc(self) -> str:
        """How books and bank name it: ``<section_code>/<cert_no>``."""
        return f"{self.section_code}/{self.cert_no}"


@lru_cache(maxsize=2)
def certificates(world: World) -> tuple[Certificate, ...]:
    """All certificates of 2023 and 2024, by section and month: about 700 a year at scale 1."""
    return tuple(cert for section in sections(world) for cert in _of_section(world, section))


def advance(section: Section) -> int:
    """Fen paid in advance on a contract begun in 2023 or later; older advances are worked off."""
    begun = section.plan is not None and section.start_date > OPENING.last_day
    return section.contract_amount * _ADVANCE_PCT // 100 if begun else 0


def build(world: World) -> Timeline:
    """The ledger's timeline: a certificate is submitted, at times corrected, then approved."""
    rng, rows = world.rng("con_payment_cert.sheet"), list[Event]()
    for certificate in certificates(world):
        rows += _states(certificate, rng)
    return Timeline("con_payment_cert", COLUMNS, rows)


# --- what is certified -------------------------------------------------------------------------------


def _of_section(world: World, section: Section) -> Iterator[Certificate]:
    plan = section.plan
    if plan is None:
        return
    rng = rng_of(world, section.section_code, "certificates")
    ratio, wages = rng.choice(_RATIOS_BP), rng.randint(*_WAGE_PCT)
    cumulative, rest = plan.opening, advance(section)
    number = _certified_before(section)
    for period, output in sorted(plan.months.items()):
        cumulative, number = cumulative + output, number + 1
        deduct = min(rest, output * _DEDUCT_PCT // 100)
        rest -= deduct
        draft = Certificate(
            section=section,
            cert_no=f"{number:03d}",
            period=period,
            output=output,
            cumulative=cumulative,
            ratio_bp=ratio,
            advance_deduct=deduct,
            retention=output * _RETENTION_BP // 10_000,
            wage=0,
            booked_at=_booked(period, rng),
            approved_at=datetime.min,
            payments=(),
        )
        yield _settled(draft, min(output * wages // 100, draft.payable), rng)


def _certified_before(section: Section) -> int:
    """Certificates of the years before the ledger: one a month."""
    months = (OPENING.year - section.start_date.year) * 12 + OPENING.number - section.start_date.month + 1
    return max(months, 0)


def _booked(period: Period, rng: random.Random) -> datetime:
    days = [day for day in workdays(period) if day.day >= _SUBMIT_FROM]
    return office_time(rng.choice(days or list(workdays(period)[-2:])), rng)


def _settled(draft: Certificate, wage: int, rng: random.Random) -> Certificate:
    """Approve and pay: wages within days of the approval, the rest in one to three parts after it."""
    approved = office_time(next_workday(draft.booked_at.date() + timedelta(days=rng.randint(6, 24))), rng)
    told = draft.period == _TOLD_MONTH
    if told and draft.section_code == APPROVED_LATE:
        approved = office_time(next_workday(UP_DAY + timedelta(days=6)), rng)
    # Works that ended in 2023 are settled with that year's books.
    latest = date(2023, 12, 29) if draft.section.plan and _over(draft.section) else date(2025, 6, 30)
    if approved.date() > latest:
        approved = office_time(previous_workday(latest - timedelta(days=1)), rng)
    approved = max(approved, draft.booked_at + timedelta(hours=2))
    payments = [(approved.date() + timedelta(days=rng.randint(2, 7)), wage, "wage")] if wage else []
    rest, parts = draft.payable - wage, rng.choice((1, 1, 2, 2, 3))
    first = approved.date() + timedelta(days=rng.randint(5, 30))
    for part in range(parts if rest else 0):
        share = rest // parts if part else rest - rest // parts * (parts - 1)
        payments.append((first + timedelta(days=14 * part), share, "progress_pay"))
    if told and draft.section_code == UNPAID:
        payments = []
    days = [(min(next_workday(day), latest), fen, purpose) for day, fen, purpose in payments if fen]
    return Certificate(
        section=draft.section,
        cert_no=draft.cert_no,
        period=draft.period,
        output=draft.output,
        cumulative=draft.cumulative,
        ratio_bp=draft.ratio_bp,
        advance_deduct=draft.advance_deduct,
        retention=draft.retention,
        wage=wage,
        booked_at=draft.booked_at,
        approved_at=approved,
        payments=tuple(sorted(days)),
    )


def _over(section: Section) -> bool:
    assert section.plan is not None
    return section.plan.life.project.role == "finished_before"


# --- rows --------------------------------------------------------------------------------------------


def _states(certificate: Certificate, rng: random.Random) -> Iterator[Event]:
    """Submitted without an approval, a slip corrected before it at times, then approved."""
    row = _row(certificate)
    yield from _seen(row, certificate.booked_at, rng)
    if certificate.approved_at.date() <= HISTORY_END:
        approved = row | {"approved_at": _text(certificate.approved_at)}
        later = certificate.approved_at + timedelta(minutes=3)
        yield later, False, approved | {"updated_at": _text(later)}


def _seen(row: Row, at: datetime, rng: random.Random) -> Iterator[Event]:
    if rng.random() < _CORRECTED_SHARE:
        # The retention was left out at first, and the payable amount too high by it.
        slip = {"retention_cny": Decimal("0.00"), "payable_cny": _sum(row, "payable_cny", "retention_cny")}
        yield at, False, row | slip | {"updated_at": _text(at)}
        at += timedelta(days=1, minutes=11)
    yield at, False, row | {"updated_at": _text(at)}


def _sum(row: Row, *names: str) -> Decimal:
    return sum((Decimal(str(row[name])) for name in names), Decimal("0.00"))


def _row(certificate: Certificate) -> Row:
    return {
        "section_code": certificate.section_code,
        "cert_no": certificate.cert_no,
        "period_month": f"{certificate.year}{certificate.month:02d}",
        "period_output_cny": _cny(certificate.output),
        "cumulative_output_cny": _cny(certificate.cumulative),
        "payable_ratio": certificate.payable_ratio.quantize(Decimal("0.0001")),
        "advance_deduct_cny": _cny(certificate.advance_deduct),
        "retention_cny": _cny(certificate.retention),
        "wage_account_cny": _cny(certificate.wage) if certificate.wage else None,
        "payable_cny": _cny(certificate.payable),
        "approved_at": None,
        "updated_at": "",
    }


def _cny(fen: int) -> Decimal:
    return Decimal(fen).scaleb(-2)


def _text(moment: datetime) -> str:
    return moment.isoformat(" ", "seconds")
