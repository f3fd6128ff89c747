"""Which figures that moved since their publication call for a restatement, and what the others come to.

Belongs here: judging ``report.moved_figure`` by the thresholds of ``data_contracts/materiality.yaml``,
``report.unadjusted_difference``, and how a restatement is called for. Keep out: finding what moved (``tables``),
restating (``closing``).

Differences too small to restate are not forgotten: those of the quarters of one year are added up where the figure
adds up over quarters; for the others, and for the year to date, the newest quarter holds them all already.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from data_contracts.materiality import Materiality, load_materiality
from data_contracts.metric import Metric
from data_contracts.sql_text import row
from resources.engine import Session

_JUDGED = """\
UPDATE report.moved_figure AS m SET threshold = j.threshold, is_material = j.is_material
FROM (
    SELECT d.quarter, d.metric_id, d.period, d.grain, d.scope_code, t.threshold,
        CASE
            -- A figure that the publication does not hold at all was never reported.
            WHEN t.metric_id IS NULL THEN FALSE
            WHEN d.difference <> 0 THEN ABS(d.difference) >= t.threshold
            -- A date, a state or the names behind an equal number.
            ELSE TRUE
        END AS is_material
    FROM report.moved_figure AS d
    LEFT JOIN (
        SELECT f.quarter, f.metric_id, f.period, CAST(COALESCE(
            LEAST(r.absolute, NULLIF(r.relative_pct * ABS(f.reported_value) / 100, 0)), 0
        ) AS DECIMAL(38, 6)) AS threshold
        FROM report.figure AS f
        JOIN (SELECT quarter, max(version) AS version FROM report.publication GROUP BY quarter) AS p
            ON p.quarter = f.quarter AND p.version = f.version
        JOIN rule AS r ON r.metric_id = f.metric_id
        WHERE f.grain = 'group'
    ) AS t ON t.quarter = d.quarter AND t.metric_id = d.metric_id AND t.period = d.period
) AS j
WHERE j.quarter = m.quarter AND j.metric_id = m.metric_id AND j.period = m.period AND j.grain = m.grain
    AND j.scope_code = m.scope_code"""

_UNADJUSTED = """\
INSERT INTO report.unadjusted_difference
SELECT *, ABS(difference) >= threshold
FROM (
    SELECT SUBSTR(m.quarter, 1, 4) AS year, m.metric_id, m.period, count(*) AS figures,
        CAST(CASE WHEN r.adds_up AND m.period = 'quarter' THEN sum(m.difference)
            ELSE max_by(m.difference, m.quarter) END AS DECIMAL(38, 6)) AS difference,
        min(m.threshold) AS threshold
    FROM report.moved_figure AS m
    JOIN rule AS r ON r.metric_id = m.metric_id
    WHERE m.grain = 'group' AND NOT m.is_material AND m.difference <> 0 AND m.threshold IS NOT NULL
    GROUP BY SUBSTR(m.quarter, 1, 4), m.metric_id, m.period, r.adds_up
)"""


def judge(session: Session, metrics: Mapping[str, Metric], rules: Materiality | None = None) -> None:
    """Fill ``threshold`` and ``is_material`` of ``report.moved_figure``, and ``report.unadjusted_difference``.

    ``rules``: thresholds other than those of ``materiality.yaml``.
    """
    rules = rules or load_materiality()
    listed = []
    for metric in metrics.values():
        threshold = rules.of(metric)
        adds_up = "quarter" not in metric.additivity.not_over
        listed.append(row((metric.id, threshold.absolute, threshold.relative_pct, adds_up)))
    with_rule = (
        "WITH rule AS (SELECT metric_id, CAST(absolute AS DECIMAL(20, 6)) AS absolute, "
        "CAST(relative_pct AS DECIMAL(9, 4)) AS relative_pct, CAST(adds_up AS BOOLEAN) AS adds_up "
        f"FROM (VALUES {', '.join(listed)}) AS t(metric_id, absolute, relative_pct, adds_up))"
    )
    session.run(f"{with_rule}\n{_JUDGED}")
    session.run(f"{with_rule}\n{_UNADJUSTED}")


def restatements(session: Session) -> list[str]:
    """What calls for a restatement, a line a quarter, and a line a metric whose small differences matter together."""
    quarters = session.rows(
        "SELECT quarter, metric_id, period, scope_code, published, current, "
        "count(*) OVER (PARTITION BY quarter), count(CASE WHEN grain = 'group' THEN 1 END) OVER (PARTITION BY quarter) "
        "FROM report.moved_figure WHERE is_material QUALIFY row_number() OVER (PARTITION BY quarter "
        "ORDER BY grain <> 'group', metric_id, period, scope_code) = 1 ORDER BY quarter"
    )
    together = session.rows(
        "SELECT year, metric_id, period, figures, difference, threshold FROM report.unadjusted_difference "
        "WHERE is_material ORDER BY year, metric_id, period"
    )
    return [
        *(
            f"{quarter}: {count} figures moved materially since they were published, {of_group} of the group, first "
            f"{' '.join(filter(None, named))}: {_said(old)} → {_said(new)}; `jibao bridge {quarter}` says why, "
            f"`jibao reopen {quarter}` restates it"
            for quarter, *named, old, new, count, of_group in quarters
        ),
        *(
            f"{year}: {figures} differences of {metric_id} ({period}), each immaterial, come to {_said(difference)}, "
            f"material from {_said(threshold)} → restate a quarter, or correct the figure before the next closing"
            for year, metric_id, period, figures, difference, threshold in together
        ),
    ]


def _said(value: object) -> str:
    """A number without the zeros of its column; a day, a state or names as they stand."""
    try:
        return f"{Decimal(str(value)).normalize():,f}"
    except InvalidOperation:
        return "nothing" if value is None else str(value)
