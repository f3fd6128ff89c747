"""``report.quarterly_bulletin``: one quarter's group figures in the words and units of its bulletin, as reported.

Belongs here: choosing the period each figure is told in, and its printed form. Keep out: values.
"""

from __future__ import annotations

from data_contracts.metric import load_metrics
from data_contracts.metric_text import display
from data_contracts.outputs import load_outputs
from resources.engine import Session, insert_rows

TABLE = "report.quarterly_bulletin"


def create_bulletin(session: Session) -> None:
    """The table, if it is not there with the columns its output contract promises."""
    promised = load_outputs()[TABLE].columns
    columns = ", ".join(f"{c.name} {c.type}" for c in promised)
    session.run(f"CREATE TABLE IF NOT EXISTS {TABLE} ({columns})")
    if [name for name, _ in session.columns(f"SELECT * FROM {TABLE}")] != [c.name for c in promised]:
        session.run(f"CREATE OR REPLACE TABLE {TABLE} ({columns})")


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
    if not figures:
        return 0
    (known_at,) = session.row("SELECT known_at FROM core.cut_off")
    told = []
    for metric_id, period, value, adjustment, reported, day, until, text, *traced in figures:
        metric = metrics[metric_id]
        shown = _shown(display(metric, reported) if reported is not None else text, day, until)
        named = (quarter, metric_id, metric.name.zh, metric.name.en, period)
        told.append((*named, shown, value, adjustment, day, until, *traced, known_at))
    insert_rows(session, TABLE, told)
    return len(figures)


def _shown(text: str | None, day: object, until: object) -> str:
    if day is None:
        return text or "–"
    return f"{day} … {until}" if until and until != day else str(day)
