"""The ledger rows behind a bridge: which counted otherwise by a cause, and what changed in them.

Belongs here: rows kept before a cause acts, compared with those after it. Keep out: the states between the causes and
the figures in each (``bridge``), which cause a row has (``causes``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from assets.mart.ledger_rows import LEDGER_ROWS, rows_listed
from assets.staged.known import refers
from assets.staged.tables import key_text
from data_contracts.calendar import Quarter
from data_contracts.metric import Grain, Metric, Period
from data_contracts.metric_sql import GRAIN_COLUMNS, UNASSIGNED, contributing_rows_sql
from data_contracts.model import TableContract
from resources.engine import Session

ADJUSTMENTS = "mart.counted_adjustment"
Place = tuple[Grain, str]
"""Grain and scope code of the figures whose rows are listed."""


@dataclass(frozen=True)
class RowEffect:
    """A ledger row that a cause made count otherwise in a figure of one scope: amounts in the metric's stored unit.

    ``said``: which columns changed, of the row itself or of the row it belongs to.
    """

    metric_id: str
    cause: str
    affects_quarter: str
    source_table: str
    source_key: str
    amount_before: Decimal | None
    amount_after: Decimal | None
    counted_as: str
    said: str


def keep_adjustments(session: Session) -> None:
    """Keep the adjustments that figures count, for :func:`adjustments`."""
    session.run(f"CREATE TABLE change._adjustment AS SELECT * FROM {ADJUSTMENTS}")


def _periods(metric: Metric, quarter: Quarter) -> list[tuple[str, Period]]:
    """(quarter, period) windows in which the rows of a figure are listed."""
    if "quarter" in metric.periods and "ytd" in metric.periods:
        return [(f"{quarter.year}Q{n}", "quarter") for n in range(1, quarter.number + 1)]
    return [(str(quarter), metric.periods[0])]


def rows_sql(metric: Metric, quarter: Quarter, place: Place, contracts: Mapping[str, TableContract]) -> str:
    """Rows of a figure by the quarter they count in and the ledger row they rest on, whatever its revision."""
    parts = [
        f"SELECT '{of}' AS affects_quarter, _source_table AS source_table, {_identity_text(contracts)} AS source_key, "
        f"CAST(_amount AS DECIMAL(38, 6)) AS amount, CAST(_member AS VARCHAR) AS member "
        f"FROM ({contributing_rows_sql(metric, of, period, *place)})"
        for of, period in _periods(metric, quarter)
    ]
    return (
        "SELECT affects_quarter, source_table, source_key, sum(amount) AS amount, "
        "string_agg(DISTINCT member, '、' ORDER BY member) AS member, count(*) AS n "
        f"FROM ({' UNION ALL '.join(parts)}) GROUP BY ALL"
    )


def _identity_text(
    contracts: Mapping[str, TableContract], table: str = "_source_table", key: str = "_source_key"
) -> str:
    """A key in the columns ``table`` and ``key`` without its revision, which stands last."""
    cases = [
        f"WHEN {table} = '{c.name}' AND len(string_split({key}, '|')) = {len(c.key)} "
        f"THEN array_to_string(string_split({key}, '|')[1:{len(c.identity)}], '|')"
        for c in contracts.values()
        if c.identity != c.key
    ]
    return f"CASE {' '.join(cases)} ELSE {key} END" if cases else key


def keep_rows(
    session: Session, metric: Metric, quarter: Quarter, place: Place, contracts: Mapping[str, TableContract]
) -> None:
    """Keep the rows of a figure as they count now, for the next :func:`row_effects`."""
    rows = rows_sql(metric, quarter, place, contracts)
    session.run(f"CREATE TABLE change._rows_of_{metric.id} AS {rows}")


def row_effects(
    session: Session,
    contracts: Mapping[str, TableContract],
    metric: Metric,
    quarter: Quarter,
    place: Place,
    cause: str,
) -> list[RowEffect]:
    """Rows whose share in the figure is another since the rows were kept, with what is said of each; keeps those of
    now."""
    using, kept = "affects_quarter, source_table, source_key", f"change._rows_of_{metric.id}"
    session.run(f"ALTER TABLE {kept} RENAME TO _rows_before")
    keep_rows(session, metric, quarter, place, contracts)
    session.run(
        f"CREATE OR REPLACE TABLE change._moved AS SELECT {using}, o.amount AS was, n.amount AS is_now, "
        f"COALESCE(n.member, o.member, '') AS member FROM change._rows_before AS o "
        f"FULL JOIN {kept} AS n USING ({using}) "
        "WHERE o.amount IS DISTINCT FROM n.amount OR o.member IS DISTINCT FROM n.member OR o.n IS DISTINCT FROM n.n"
    )
    session.run("DROP TABLE change._rows_before")
    told = _told(session, contracts, metric.fact or "")
    rows = session.rows(
        f"SELECT {', '.join(f'm.{c.strip()}' for c in using.split(','))}, m.was, m.is_now, m.member, "
        f"COALESCE(string_agg(DISTINCT t.said, '; ' ORDER BY t.said), '') FROM change._moved AS m "
        f"LEFT JOIN ({told}) AS t USING (source_table, source_key) GROUP BY ALL ORDER BY ALL"
    )
    return [RowEffect(metric.id, cause, *row) for row in rows]


def _told(session: Session, contracts: Mapping[str, TableContract], fact: str) -> str:
    """SELECT of (source_table, source_key, said) over what changed behind the rows of ``change._moved``."""
    if rows_listed(session, fact):
        key = _identity_text(contracts, "r.source_table", "r.source_key")
        listed = session.rows(f"SELECT DISTINCT source_table FROM {LEDGER_ROWS} WHERE fact = :f", f=fact)
        said = " UNION ALL ".join(_of_itself(contracts[table]) for (table,) in listed if table in contracts)
        return (
            "SELECT m.source_table, m.source_key, s.source_table || ' ' || s.source_key || ': ' || s.said AS said "
            f"FROM change._moved AS m JOIN {LEDGER_ROWS} AS r ON r.fact = '{fact}' AND r.fact_key = m.source_key "
            f"JOIN ({said}) AS s ON s.source_table = r.source_table AND s.source_key = {key}"
        )
    # A fact that is made of several rows of one ledger names the leading columns of their key.
    parts = session.rows(
        "SELECT source_table, max(len(string_split(source_key, '|'))) FROM change._moved GROUP BY 1"
    )
    tellers = [
        teller for table, n in parts if table in contracts for teller in _said(contracts[table], n, contracts)
    ]
    return " UNION ALL ".join(tellers or ["SELECT '' AS source_table, '' AS source_key, '' AS said"])


def adjustments(session: Session, quarter: Quarter, place: Place, only: Collection[str]) -> list[RowEffect]:
    """Adjustments of these metrics that count otherwise than before, with their reasons."""
    grain, code = place
    here = f"COALESCE({GRAIN_COLUMNS[grain]}, '{UNASSIGNED}') = :s" if grain != "group" else "TRUE"
    rows = session.rows(
        "SELECT COALESCE(n.metric_id, o.metric_id), COALESCE(n.adjusted_quarter, o.adjusted_quarter), adjustment_no, "
        "o.amount, n.amount, COALESCE(n.accounting_reason || ': ' || n.reason, '') "
        f"FROM (SELECT * FROM change._adjustment WHERE quarter = :q AND {here}) AS o "
        f"FULL JOIN (SELECT * FROM {ADJUSTMENTS} WHERE quarter = :q AND {here}) AS n USING (adjustment_no) "
        "WHERE o.amount IS DISTINCT FROM n.amount ORDER BY ALL",
        q=str(quarter),
        **({} if grain == "group" else {"s": code}),
    )
    return [
        RowEffect(metric_id, "adjustment", of, "fin_adjustment", number, was, is_now, "", said)
        for metric_id, of, number, was, is_now, said in rows
        if metric_id in only
    ]


def _of_itself(contract: TableContract, parts: int | None = None) -> str:
    name = contract.name
    return (
        f"SELECT '{name}' AS source_table, {key_text(contract, 'c', contract.identity[:parts])} AS source_key, said "
        f"FROM change.{name} AS c WHERE said <> ''"
    )


def _said(contract: TableContract, parts: int, contracts: Mapping[str, TableContract]) -> Iterator[str]:
    """What changed of the rows of a ledger, by the first ``parts`` columns of their key: in the row itself, and in the
    rows it refers to."""
    name, named = contract.name, contract.identity[:parts]
    yield _of_itself(contract, parts)
    for reference in contract.relationships:
        parent = contracts.get(reference.parent)
        if parent is None or reference.via or not set(reference.parent_columns) <= set(parent.identity):
            continue
        yield (
            f"SELECT '{name}', {key_text(contract, 'd', named)}, "
            f"'{parent.name} ' || p.key_text || ': ' || p.said "
            f"FROM after.{name} AS d JOIN change.{parent.name} AS p ON {refers(reference, 'd', 'p')} WHERE p.said <> ''"
        )
