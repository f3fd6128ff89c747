"""Manual adjustments beside the figures: ``mart.reported_metric``, and which adjustments count in it.

Belongs here: running the compiled queries. Keep out: their text (``data_contracts.reported_sql``), which adjustments
are in force (``adjustment_line.sql``).
"""

from __future__ import annotations

from collections.abc import Mapping

from data_contracts.metric import Metric, load_metrics
from data_contracts.reported_sql import (
    ADJUSTABLE,
    COUNTED_COLUMNS,
    counted_adjustment_sql,
    reported_metric_sql,
)
from resources.engine import Session

LINE_COLUMNS = tuple(column.removeprefix("_") for column in COUNTED_COLUMNS[1:])
"""What is told of an adjustment that a figure of a quarter counts."""


def reported_statements(metrics: Mapping[str, Metric]) -> list[str]:
    """Statements that make ``mart.reported_metric`` and ``mart.counted_adjustment``, for a past view."""
    return [
        f"CREATE TABLE mart.reported_metric AS {reported_metric_sql(metrics)}",
        f"CREATE TABLE mart.counted_adjustment AS {counted_adjustment_sql(metrics)}",
    ]


def create_reported_metric(session: Session, metrics: Mapping[str, Metric]) -> None:
    """Every figure with its adjustment, into ``mart.reported_metric``."""
    session.run(f"CREATE OR REPLACE TABLE mart.reported_metric AS {reported_metric_sql(metrics)}")


def counted(session: Session, quarter: str, source: str = "") -> list[dict[str, object]]:
    """Adjustments that figures of a quarter count, in order of number. ``source``: ``mart.counted_adjustment`` of a
    past view; without it as the last run left them."""
    rows = session.rows(
        f"SELECT {', '.join(COUNTED_COLUMNS[1:])} FROM {source or f'({counted_adjustment_sql(load_metrics())})'} AS c "
        "WHERE quarter = :q ORDER BY adjustment_no",
        q=quarter,
    )
    return [dict(zip(LINE_COLUMNS, row, strict=True)) for row in rows]


def uncounted(session: Session, metrics: Mapping[str, Metric]) -> list[tuple[str, str]]:
    """Adjustments in force that no figure counts: number, and why with the cure."""
    rows = session.rows(
        "SELECT adjustment_no, metric_id, quarter FROM known.fin_adjustment "
        "WHERE COALESCE(void_flag, 'N') <> 'Y' AND adjustment_no NOT IN "
        f"(SELECT adjustment_no FROM ({counted_adjustment_sql(metrics)}) AS c) ORDER BY adjustment_no"
    )
    return [(number, why_uncounted(metrics.get(metric), metric, quarter)) for number, metric, quarter in rows]


def why_uncounted(metric: Metric | None, name: str, quarter: str) -> str:
    """Why no figure counts an adjustment of ``name``, and the cure."""
    if metric is None:
        return f"there is no figure {name} → correct 指标 in the register"
    if metric.kind not in ADJUSTABLE:
        rather = " or ".join(metric.inputs) if metric.inputs else "the ledger"
        return f"{name} is a {metric.kind} and takes no adjustment → adjust {rather}"
    return f"{quarter} has no figures yet → it counts once that quarter has begun"
