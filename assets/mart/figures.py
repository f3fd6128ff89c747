"""``mart.quarterly_metric`` and the history of every value a figure has had.

Belongs here: running the compiled metric queries, marking figures that rest on a stale table, keeping history,
and recomputing a past night's figures. Keep out: the query's text (``data_contracts.metric_sql``).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from assets.sql_files import SqlFile, sql_files, upstream_tables
from data_contracts.comparable import comparable_metric_sql, scope_change_sql
from data_contracts.metric import Metric, definition_hash, load_metrics, refusal
from data_contracts.metric_sql import COLUMNS, FIGURE_KEY, quarterly_metric_sql
from data_contracts.metric_terms import NAMED
from resources.engine import Session, insert_rows

_LISTED = ", ".join(COLUMNS)
_VALUE = ("value", "value_date", "value_date_to", "value_text", "definition_hash")


def create_quarterly_metric(session: Session, metrics: Mapping[str, Metric], catalog: str = "") -> None:
    """Compute every figure of every quarter into ``<catalog>mart.quarterly_metric``."""
    session.run(f"CREATE OR REPLACE TABLE {catalog}mart.quarterly_metric AS {quarterly_metric_sql(metrics)}")


def create_comparable_metric(session: Session, metrics: Mapping[str, Metric]) -> None:
    """``mart.comparable_metric``: every number beside last year's under the same definition and scope."""
    session.run(f"CREATE OR REPLACE TABLE mart.comparable_metric AS {comparable_metric_sql(metrics)}")


def create_scope_change(session: Session, metrics: Mapping[str, Metric]) -> None:
    """``mart.scope_change``: what a new state of dimensions changed in earlier quarters of the year."""
    session.run(f"CREATE OR REPLACE TABLE mart.scope_change AS {scope_change_sql(metrics)}")


def record_definitions(session: Session, metrics: Mapping[str, Metric]) -> None:
    """``meta.metric``: what each figure is, for SQL that has to know whether figures add up."""
    session.run(
        "CREATE OR REPLACE TABLE meta.metric (metric_id VARCHAR, name_zh VARCHAR, name_en VARCHAR, kind VARCHAR, "
        "unit VARCHAR, owner VARCHAR, certifying_unit VARCHAR, not_over VARCHAR, definition_hash VARCHAR)"
    )
    rows = [
        (m.id, m.name.zh, m.name.en, m.kind, m.unit, m.owner, m.certifying_unit,
         " ".join(m.additivity.not_over), definition_hash(m, metrics))
        for m in metrics.values()
    ]  # fmt: skip
    insert_rows(session, "meta.metric", rows)


def mark_stale(session: Session, metrics: Mapping[str, Metric]) -> dict[str, list[str]]:
    """Flag figures that rest on rows known to be behind their source; returns metric id → flags.

    ``stale:<table>``: its source could not be used. ``outdated:<table>``: the newest state of some of its rows
    was rejected, so the state before stands for them.
    """
    failed = {r[0] for r in session.rows("SELECT table_name FROM meta.source_state WHERE state = 'failed'")}
    behind = {
        r[0]
        for r in session.rows(
            "SELECT DISTINCT q.table_name FROM private.quarantine.quarantined_row AS q JOIN meta.batch_load AS l "
            "ON l.table_name = q.table_name AND l.batch_id = q.batch_id "
            "WHERE q.replaces_current AND q.settled_at IS NULL AND q.moved IS NULL AND l.status = 'loaded'"
        )
    }
    found: dict[str, list[str]] = {}
    for metric in metrics.values():
        tables = tables_behind(metric, metrics)
        flags = [f"stale:{t}" for t in sorted(failed & tables)] + [
            f"outdated:{t}" for t in sorted(behind & tables)
        ]
        if flags:
            found[metric.id] = flags
            session.run(
                "UPDATE mart.quarterly_metric SET flags = trim(concat_ws(' ', flags, :w)) WHERE metric_id = :m",
                w=" ".join(flags), m=metric.id,
            )  # fmt: skip
    return found


def figure_tables() -> list[str]:
    """Core tables the figures are computed from: facts, dimensions by date, names, quarters and the cut-off."""
    facts = sorted({m.fact for m in load_metrics().values() if m.fact})
    histories = [name for name in sql_files("core") if name.endswith("_history")]
    names = [table.removeprefix("core.") for table, _ in NAMED.values()]
    return [*facts, *histories, *names, "dim_quarter", "cut_off"]


def tables_behind(metric: Metric, metrics: Mapping[str, Metric]) -> set[str]:
    """Source tables a metric rests on, by the SQL of its fact (a ratio or sum: of all inputs)."""
    if metric.inputs:
        return set().union(*(tables_behind(metrics[name], metrics) for name in metric.inputs))
    files: dict[str, SqlFile] = {f.table: f for f in sql_files("core").values()}
    return {t.removeprefix("known.") for t in upstream_tables(files, f"core.{metric.fact}")}


def parts_that_miss_the_whole(session: Session, metrics: Mapping[str, Metric]) -> list[str]:
    """Additive figures whose parts do not add up to the group's figure, each in one line."""
    missed = []
    for metric in metrics.values():
        for grain in metric.grains:
            if grain == "group" or refusal(metric, grain) or metric.kind not in ("flow", "stock", "sum"):
                continue
            rows = session.rows(
                "SELECT w.quarter, w.period, w.value, coalesce(p.value, 0) FROM mart.quarterly_metric AS w "
                "LEFT JOIN (SELECT quarter, period, sum(value) AS value FROM mart.quarterly_metric "
                "WHERE metric_id = :m AND grain = :g GROUP BY quarter, period) AS p "
                "ON p.quarter = w.quarter AND p.period = w.period "
                "WHERE w.metric_id = :m AND w.grain = 'group' AND w.value <> coalesce(p.value, 0)",
                m=metric.id, g=grain,
            )  # fmt: skip
            missed += [f"{metric.id} {q} {p}: by {grain} {v}, the group {w}" for q, p, w, v in rows]
    return missed


def create_history(session: Session) -> None:
    """``mart.quarterly_metric_history``: one row a value, ``_known_from`` to ``_known_to`` (UTC, half-open)."""
    session.run(
        f"CREATE TABLE IF NOT EXISTS mart.quarterly_metric_history AS "
        f"SELECT {_LISTED}, CAST(NULL AS TIMESTAMP) AS _known_from, CAST(NULL AS TIMESTAMP) AS _known_to "
        "FROM mart.quarterly_metric LIMIT 0"
    )


def record_history(session: Session, known_at: datetime, catalog: str = "") -> int:
    """Close values that changed or vanished and add the new ones; returns how many were added.

    ``known_at``: naive UTC, later than every earlier call's.
    """
    source = f"{catalog}mart.quarterly_metric"
    same_key = " AND ".join(f"n.{c} = h.{c}" for c in FIGURE_KEY)
    same_value = " AND ".join(f"n.{c} IS NOT DISTINCT FROM h.{c}" for c in _VALUE)
    session.run(
        "UPDATE mart.quarterly_metric_history AS h SET _known_to = CAST(:k AS TIMESTAMP) "
        f"WHERE h._known_to IS NULL AND NOT EXISTS (SELECT 1 FROM {source} AS n WHERE {same_key} AND {same_value})",
        k=known_at,
    )
    new = (
        f"FROM {source} AS n LEFT JOIN mart.quarterly_metric_history AS h "
        f"ON h._known_to IS NULL AND {same_key} WHERE h.metric_id IS NULL"
    )
    (added,) = session.row(f"SELECT count(*) {new}")
    listed = ", ".join(f"n.{c}" for c in COLUMNS)
    session.run(
        f"INSERT INTO mart.quarterly_metric_history SELECT {listed}, CAST(:k AS TIMESTAMP), NULL {new}",
        k=known_at,
    )
    return int(added)
