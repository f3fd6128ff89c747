"""Certificates of reporting units: what each covers, and whether it still holds.

Belongs here: which figures a unit answers for and comparing them with what it certified. Keep out: who may certify
(``state``). The unit of a metric is its ``certifying_unit``; the group office certifies what is no company's own:
distinct counts over companies and eliminations. A unit certifies the manual adjustments in its figures with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from assets.report.state import Certificate
from data_contracts.metric import Metric
from resources.engine import Session

Figures = Iterable[Mapping[str, object]]
_ADJUSTMENT = "adjustment "


def units(metrics: Iterable[Metric]) -> list[str]:
    """All certifying units, in order of name."""
    return sorted({metric.certifying_unit for metric in metrics})


def covered(
    metrics: Mapping[str, Metric], unit: str, figures: Figures, adjustments: Figures = ()
) -> dict[str, str]:
    """What a unit answers for: the group's figures that name it, and the adjustments these count.

    ``metric/period`` → ``definition hash:rows:fingerprint``, ``adjustment number`` → hash of its row.
    """
    own = {m.id for m in metrics.values() if m.certifying_unit == unit}
    adjusted = own.union(*(metrics[name].inputs for name in own))
    return {
        f"{figure['metric_id']}/{figure['period']}": (
            f"{figure['definition_hash']}:{figure['row_count']}:{figure['fingerprint']}"
        )
        for figure in figures
        if figure["grain"] == "group" and figure["metric_id"] in own
    } | {
        f"{_ADJUSTMENT}{line['adjustment_no']}": str(line["row_hash"])
        for line in adjustments
        if line["metric_id"] in adjusted
    }


def figures_of(certificate: Certificate) -> dict[tuple[str, str], tuple[str, int, str]]:
    """(metric, period) → (definition hash, rows, fingerprint) of what a certificate covers, adjustments aside."""
    found = {}
    for name, told in certificate.covers.items():
        if not name.startswith(_ADJUSTMENT):
            metric_id, _, period = name.partition("/")
            definition, rows, fingerprint = told.split(":")
            found[metric_id, period] = definition, int(rows), fingerprint
    return found


def current_figures(session: Session, quarter: str) -> list[dict[str, object]]:
    """The group's figures of a quarter as the last run left them, as far as a certificate needs them."""
    columns = ("metric_id", "period", "grain", "definition_hash", "row_count", "fingerprint")
    rows = session.rows(
        f"SELECT {', '.join(columns)} FROM mart.quarterly_metric WHERE quarter = :q AND grain = 'group'",
        q=quarter,
    )
    return [dict(zip(columns, row, strict=True)) for row in rows]


_CAME_OR_WENT = {(True, False): "new", (False, True): "no longer in force", (False, False): "changed"}


def stale_because(certificate: Certificate, covers: Mapping[str, str]) -> list[str]:
    """Why a certificate no longer holds, a line a figure; none while it does. ``covers``: what it should say now."""
    reasons = []
    for name in sorted(certificate.covers.keys() | covers.keys()):
        before, now = certificate.covers.get(name), covers.get(name)
        if before == now:
            continue
        if name.startswith(_ADJUSTMENT):
            reasons.append(f"{name}: {_CAME_OR_WENT[before is None, now is None]}")
        elif before is None or now is None:
            reasons.append(f"{name}: {'a new figure' if before is None else 'no longer computed'}")
        elif before.partition(":")[0] != now.partition(":")[0]:
            reasons.append(f"{name}: its definition changed")
        else:
            reasons.append(
                f"{name}: its rows changed, {before.split(':')[1]} certified, {now.split(':')[1]} now"
            )
    return reasons
