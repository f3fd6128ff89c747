"""``report.quarterly_bulletin``: one quarter's group figures in the words and units of its bulletin, as reported.

Belongs here: choosing the period each figure is told in, and its printed form. Keep out: values.
"""

from __future__ import annotations

from data_contracts.metric import load_metrics
from data_contracts.metric_text import display
from resources.engine import Session

_COLUMNS = (
    "quarter VARCHAR, metric_id VARCHAR, name_zh VARCHAR, name_en VARCHAR, period VARCHAR, shown VARCHAR, "
    "value DECIMAL(38,6), adjustment DECIMAL(38,6), value_date DATE, value_date_to DATE, row_count BIGINT, "
    "fingerprint DECIMAL(38,0), definition_hash VARCHAR, flags VARCHAR, printed VARCHAR, verdict VARCHAR, "
    "known_at TIMESTAMP"
)


def create_bulletin(session: Session) -> None:
    """The table, if it is not there, or as it was before a figure had an adjustment."""
    session.run(f"CREATE TABLE IF NOT EXISTS report.quarterly_bulletin ({_COLUMNS})")
    if "adjustment" not in dict(session.columns("SELECT * FROM report.quarterly_bulletin")):
        session.run(f"CREATE OR REPLACE TABLE report.quarterly_bulletin ({_COLUMNS})")


def write_quarter(session: Session, quarter: str) -> int:
    """Replace one quarter's rows; returns how many. A figure told for the year so far stands as ``ytd``."""
    session.run("DELETE FROM report.quarterly_bulletin WHERE quarter = :q", q=quarter)
    metrics = load_metrics()
    figures = session.rows(
        "SELECT m.metric_id, m.period, m.value, m.adjustment, m.reported_value, m.value_date, m.value_date_to, "
        "m.value_text, m.row_count, m.fingerprint, m.definition_hash, m.flags, c.printed, c.status "
        "FROM mart.reported_metric AS m "
        "LEFT JOIN mart.claim_result AS c ON c.quarter = m.quarter AND c.metric_id = m.metric_id "
        "WHERE m.quarter = :q AND m.grain = 'group' AND m.period IN ('ytd', 'as_of') ORDER BY c.seq, m.metric_id",
        q=quarter,
    )
    for (
        metric_id,
        period,
        value,
        adjustment,
        reported,
        day,
        until,
        text,
        rows,
        fingerprint,
        definition,
        flags,
        printed,
        verdict,
    ) in figures:
        metric = metrics[metric_id]
        shown = _shown(display(metric, reported) if reported is not None else text, day, until)
        session.run(
            "INSERT INTO report.quarterly_bulletin SELECT :q, :m, :zh, :en, :p, :shown, :v, :a, :d, :u, :n, :f, :h, "
            ":flags, :printed, :verdict, known_at FROM core.cut_off",
            q=quarter, m=metric_id, zh=metric.name.zh, en=metric.name.en, p=period, shown=shown, v=value,
            a=adjustment, d=day, u=until, n=rows, f=fingerprint, h=definition, flags=flags, printed=printed,
            verdict=verdict,
        )  # fmt: skip
    return len(figures)


def _shown(text: str | None, day: object, until: object) -> str:
    if day is None:
        return text or "–"
    return f"{day} … {until}" if until and until != day else str(day)
