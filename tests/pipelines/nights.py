"""What happens at the sources between the nights: three edits, and five weeks."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from tests.pipelines.conftest import Night
from tests.pipelines.homes import FigureKey, Place

PROJECT = "CT-2022-001"
INVESTED_MORE = Decimal("1234500.00")
SOLD_MORE = Decimal("1000.00")
_WAN = 10_000


@dataclass(frozen=True)
class Edits:
    """One cell, one status, one voucher, as they were changed."""

    project_org: str
    hazard_park: str
    hazard_org: str
    revenue_org: str

    def expected(self) -> dict[FigureKey, Decimal]:
        """Figure → by how much it moves. The year to date of the fourth quarter holds the third."""
        moves = {}
        for quarter, period in (("2024Q3", "quarter"), ("2024Q3", "ytd"), ("2024Q4", "ytd")):
            for metric, amount, scopes in (
                ("effective_investment", INVESTED_MORE, [("org", self.project_org), ("project", PROJECT)]),
                ("hazards_rectified", Decimal(-1), [("org", self.hazard_org), ("park", self.hazard_park)]),
                ("concrete_revenue", SOLD_MORE, [("org", self.revenue_org)]),
                ("concrete_revenue_jianke", SOLD_MORE, [("org", self.revenue_org)]),
            ):
                for grain, scope in [("group", ""), *scopes]:
                    moves[metric, quarter, period, grain, scope] = amount
        return moves


def edit_three(place: Place) -> Edits:
    """Invest more in one cell of September, take back one closure, sell more on one voucher."""
    return Edits(_invest(place), *_reopen_hazard(place), _sell(place))


def _invest(place: Place) -> str:
    ((org, amount),) = place.rows(
        "SELECT org_code, amount_cny FROM core.fct_investment WHERE project_code = :p AND stat_month = '202409' "
        "AND component = 'construction'",
        p=PROJECT,
    )
    cell = {"project_code": PROJECT, "stat_month": "202409", "component": "建筑工程"}
    place.edit("con_invest_month", cell, amount_cny=str((amount + INVESTED_MORE) / _WAN))
    return str(org)


def _reopen_hazard(place: Place) -> tuple[str, str]:
    hazard, park, org = place.rows(
        "SELECT hazard_no, park_code, org_code FROM core.fct_hazard WHERE status = 'closed' AND is_managed "
        "AND found_date >= DATE '2024-07-01' AND verified_date BETWEEN DATE '2024-08-01' AND DATE '2024-08-31' "
        "ORDER BY hazard_no"
    )[0]
    place.edit("park_hazard", {"hazard_no": hazard}, status="rectifying")
    return park, org


def _sell(place: Place) -> str:
    voucher, line, org, credit = place.rows(
        "SELECT g.pk_voucher, g._source_key, g.org_code, g.credit FROM core.fct_gl_line AS g "
        "WHERE g.metric_tag = 'concrete_revenue' AND g.fiscal_quarter = '2024Q3' AND g.voucher_kind = 'normal' "
        "AND g.reversal_of IS NULL AND g.credit > 0 ORDER BY g.pk_voucher, g.line_no"
    )[0]
    ((receivable, debit),) = place.rows(
        "SELECT _source_key, debit FROM core.fct_gl_line WHERE pk_voucher = :v AND debit > 0", v=voucher
    )
    ((total,),) = place.rows(
        "SELECT total_debit FROM staged.fin_voucher WHERE pk_voucher = :v AND _known_to IS NULL", v=voucher
    )
    place.edit("fin_voucher_line", {"pk_detail": line}, credit=str(credit + SOLD_MORE))
    place.edit("fin_voucher_line", {"pk_detail": receivable}, debit=str(debit + SOLD_MORE))
    totals = str(total + SOLD_MORE)
    place.edit("fin_voucher", {"pk_voucher": voucher}, total_debit=totals, total_credit=totals)
    return str(org)


def values(night: Night) -> dict[FigureKey, Decimal]:
    """The figures of a night that are numbers."""
    return {key: row[0] for key, row in night.figures.items() if row[0] is not None}
