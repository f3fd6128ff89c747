"""``mart.claim_result``: every statement of every bulletin beside its computed figure.

Belongs here: fetching the figure a claim speaks of and storing the verdict. Keep out: judging it
(``data_contracts.claim``).
"""

from __future__ import annotations

from collections import Counter

from data_contracts.claim import Claim, ClaimResult, Figure, bulletins, evaluate, load_bulletin
from data_contracts.metric import load_metrics
from resources.engine import Session

_FIGURE = ("value", "value_date", "value_date_to", "value_text", "row_count", "flags")
_COLUMNS = (
    "quarter VARCHAR, seq INTEGER, claim_id VARCHAR, subject VARCHAR, quote VARCHAR, printed VARCHAR, "
    "computed VARCHAR, value DECIMAL(38,6), value_date DATE, accepted VARCHAR, status VARCHAR, reason VARCHAR, "
    "metric_id VARCHAR, flags VARCHAR"
)


def create_claim_result(session: Session) -> tuple[dict[str, int], list[str]]:
    """Judge all bulletins; returns results per status, and one line for each claim that fails."""
    session.run(f"CREATE OR REPLACE TABLE mart.claim_result ({_COLUMNS})")
    counted: Counter[str] = Counter({"pass": 0, "fail": 0, "not_computed": 0})
    failed = []
    for quarter in bulletins():
        for claim in load_bulletin(quarter).claims:
            figure = _figure(session, quarter, claim)
            result = evaluate(claim, figure, load_metrics()[claim.metric] if claim.metric else None)
            _store(session, quarter, result, figure)
            counted[result.status] += 1
            if result.status == "fail":
                failed.append(
                    f"{quarter} {claim.id}: {result.value}, accepted {result.accepted}: {result.reason}"
                )
    return dict(counted), failed


def _figure(session: Session, quarter: str, claim: Claim) -> Figure | None:
    rows = session.rows(
        f"SELECT {', '.join(_FIGURE)} FROM mart.quarterly_metric WHERE metric_id = :m AND quarter = :q "
        "AND period = :p AND grain = :g AND scope_code = :s",
        m=claim.metric or "", q=quarter, p=claim.period, g=claim.grain, s=claim.scope_code,
    )  # fmt: skip
    return Figure.of(dict(zip(_FIGURE, rows[0], strict=True))) if rows else None


def _store(session: Session, quarter: str, result: ClaimResult, figure: Figure | None) -> None:
    claim = result.claim
    session.run(
        "INSERT INTO mart.claim_result VALUES (:quarter, :seq, :id, :subject, :quote, :printed, :computed, :value, "
        ":day, :accepted, :status, :reason, :metric, :flags)",
        quarter=quarter, seq=claim.seq, id=claim.id, subject=claim.subject, quote=claim.quote,
        printed=_printed(claim), computed=result.value or None,
        value=figure.value if figure else None, day=figure.value_date if figure else None,
        accepted=result.accepted or None, status=result.status, reason=result.reason or None, metric=claim.metric,
        flags=figure.flags if figure else None,
    )  # fmt: skip


def _printed(claim: Claim) -> str:
    """The value as the bulletin prints it, with its unit; words such as ``date`` are no unit to print."""
    return claim.printed + (f" {claim.unit}" if claim.printed and not claim.unit.isascii() else "")
