"""``mart.reconciliation``, ``mart.recon_break`` and ``mart.recon_item``: every rule on every quarter.

Belongs here: running the compiled rules and what their tables hold. Keep out: a rule's SQL
(``data_contracts.reconciliation_sql``), ages and signatures (``breaks``), Dagster.

A rule whose tables are not there, or that has nothing to compare in a quarter, is ``not_run``: a third state,
never a pass.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from assets.mart.breaks import break_id, record_breaks, signatures, state_of
from assets.sql_files import sql_files, upstream_tables
from data_contracts.reconciliation import Reconciliation
from data_contracts.reconciliation_sql import COLUMNS, comparison_sql, difference_column, total_sql
from data_contracts.sql_text import row
from resources.decisions import DecisionsLog
from resources.engine import Session, insert_rows

MONEY = "DECIMAL(38,6)"
_SUMMARY = (
    f"rule_id VARCHAR, quarter VARCHAR, name_zh VARCHAR, name_en VARCHAR, domain VARCHAR, status VARCHAR, "
    f"reason VARCHAR, compared BIGINT, left_value {MONEY}, right_value {MONEY}, difference {MONEY}, "
    f"explained {MONEY}, unexplained {MONEY}, breaks BIGINT, signed BIGINT, overdue BIGINT, oldest_days INTEGER, "
    "unit VARCHAR, severity VARCHAR, owner VARCHAR, owner_role VARCHAR, flags VARCHAR, definition_hash VARCHAR"
)
_BREAK = (
    f"rule_id VARCHAR, quarter VARCHAR, key_text VARCHAR, org_code VARCHAR, left_value {MONEY}, "
    f"right_value {MONEY}, difference {MONEY}, explained {MONEY}, explained_by VARCHAR, unexplained {MONEY}, "
    f"allowed {MONEY}, unit VARCHAR, first_seen_at TIMESTAMP, age_days INTEGER, overdue BOOLEAN, "
    f"severity VARCHAR, owner VARCHAR, owner_role VARCHAR, state VARCHAR, signed_amount {MONEY}, "
    "signed_by VARCHAR, prepared_by VARCHAR, reason_code VARCHAR, sign_expires DATE, sign_reason VARCHAR"
)
_ITEM = (
    "rule_id VARCHAR, quarter VARCHAR, key_text VARCHAR, item_id VARCHAR, name_zh VARCHAR, name_en VARCHAR, "
    f"amount {MONEY}, unit VARCHAR"
)
_FOUND = (
    f"rule_id VARCHAR, quarter VARCHAR, key_text VARCHAR, org_code VARCHAR, left_value {MONEY}, "
    f"right_value {MONEY}, explained {MONEY}, explained_by VARCHAR, unexplained {MONEY}, allowed {MONEY}"
)
"""Rule, then the columns a comparison gives, ``is_break`` left out."""


UNPUBLISHED = "no publication of this quarter to judge"
"""Why a rule on publications has nothing to compare: that is no shortfall."""


@dataclass(frozen=True)
class Outcome:
    """How the rules ended over all quarters: ids that held and that did not, why others did not run, and by id
    the breaks nobody signed for."""

    within: tuple[str, ...]
    out: tuple[str, ...]
    not_run: Mapping[str, str]
    open_breaks: Mapping[str, int]


def create_reconciliation(
    session: Session, rules: Mapping[str, Reconciliation], log: DecisionsLog, known_at: datetime
) -> Outcome:
    """Run every rule and fill the three tables; logs what began and ceased to break. ``known_at``: aware."""
    session.run(f"CREATE OR REPLACE TABLE mart.reconciliation ({_SUMMARY})")
    session.run(f"CREATE OR REPLACE TABLE mart.recon_item ({_ITEM})")
    session.run(f"CREATE OR REPLACE TEMP TABLE found_break ({_FOUND})")
    present, failed = _present(session), _failed(session)
    reasons: dict[str, str] = {}
    for rule in rules.values():
        reason = _missing(rule, present)
        if reason:
            reasons[rule.id] = reason
        else:
            _compare(session, rule)
        _summarise(session, rule, reason, _flags(rule, failed))
    _create_breaks(session, rules, log, known_at, [r for r in rules if r not in reasons])
    _count_breaks(session)
    return _outcome(session)


def tables_of(rules: Iterable[Reconciliation]) -> list[str]:
    """Every ``schema.table`` that some rule reads, and the quarters they are judged by."""
    return list(dict.fromkeys(["core.dim_quarter", *(t for rule in rules for t in rule.tables)]))


def _missing(rule: Reconciliation, present: Collection[str]) -> str:
    missing = [t for t in rule.tables if t not in present]
    return f"not in the warehouse yet: {', '.join(missing)}" if missing else ""


def _present(session: Session) -> set[str]:
    rows = session.rows(
        "SELECT table_schema, table_name FROM information_schema.tables "
        "WHERE table_catalog = current_database()"
    )
    return {f"{schema}.{name}" for schema, name in rows}


def _failed(session: Session) -> set[str]:
    rows = session.rows("SELECT table_name FROM meta.source_state WHERE state = 'failed'")
    return {f"known.{name}" for (name,) in rows}


def _flags(rule: Reconciliation, failed: Collection[str]) -> str | None:
    """``stale:<table>`` for each source table behind the rule that could not be used."""
    files = {f.table: f for layer in ("core", "mart") for f in sql_files(layer).values()}
    behind = {t.removesuffix("__versions") for name in rule.tables for t in upstream_tables(files, name)}
    return " ".join(f"stale:{t.removeprefix('known.')}" for t in sorted(behind & set(failed))) or None


def _compare(session: Session, rule: Reconciliation) -> None:
    """``compared``: every key of the rule; its breaks and legitimate differences put aside."""
    session.run(f"CREATE OR REPLACE TEMP TABLE compared AS {comparison_sql(rule)}")
    kept = ", ".join(COLUMNS[:-1])
    session.run(f"INSERT INTO found_break SELECT '{rule.id}', {kept} FROM compared WHERE is_break")
    if rule.total:
        session.run(
            f"INSERT INTO found_break SELECT '{rule.id}', {kept} FROM ({total_sql(rule, 'compared')}) AS t"
        )
    for part in rule.legitimate_parts:
        amount = difference_column(part.id)
        session.run(
            f"INSERT INTO mart.recon_item SELECT :r, quarter, key_text, :i, :zh, :en, {amount}, :u "
            f"FROM compared WHERE {amount} <> 0",
            r=rule.id, i=part.id, zh=part.name.zh, en=part.name.en, u=rule.unit,
        )  # fmt: skip


def _summarise(session: Session, rule: Reconciliation, reason: str, flags: str | None) -> None:
    """One row a quarter: what was compared, or why nothing was."""
    sums = "CAST(NULL AS BIGINT) AS compared, " + ", ".join(
        f"CAST(NULL AS {MONEY}) AS {c}" for c in ("l", "r", "e", "u")
    )
    compared = f"SELECT CAST(NULL AS VARCHAR) AS quarter, {sums} WHERE FALSE"
    if not reason:
        compared = (
            "SELECT quarter, count(*) AS compared, sum(left_value) AS l, sum(right_value) AS r, "
            "sum(explained) AS e, sum(unexplained) AS u FROM compared GROUP BY quarter"
        )
    nothing = UNPUBLISHED if rule.judges_publications else "nothing to compare in this quarter"
    running = "" if rule.judged == "known" else " AND NOT is_current"
    session.run(
        "INSERT INTO mart.reconciliation SELECT :id, q.quarter, :zh, :en, :domain, "
        "CASE WHEN c.quarter IS NULL THEN 'not_run' ELSE 'within' END, "
        "CASE WHEN c.quarter IS NULL THEN CAST(:reason AS VARCHAR) END, COALESCE(c.compared, 0), c.l, c.r, "
        "c.l - c.r, c.e, c.u, 0, 0, 0, NULL, :unit, :severity, :owner, :role, :flags, :hash "
        f"FROM (SELECT quarter FROM core.dim_quarter WHERE period = 'quarter'{running}) AS q "
        f"LEFT JOIN ({compared}) AS c ON c.quarter = q.quarter",
        id=rule.id, zh=rule.name.zh, en=rule.name.en, domain=rule.domain,
        reason=reason or nothing, unit=rule.unit, severity=rule.severity,
        owner=rule.owner.department, role=rule.owner.role, flags=flags, hash=definition_hash(rule),
    )  # fmt: skip


def definition_hash(rule: Reconciliation) -> str:
    """sha256 (hex) of what decides on a break: the compiled SQL."""
    text = comparison_sql(rule) + (total_sql(rule, "compared") if rule.total else "")
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()


def _create_breaks(
    session: Session,
    rules: Mapping[str, Reconciliation],
    log: DecisionsLog,
    known_at: datetime,
    ran: Collection[str],
) -> None:
    """``mart.recon_break``: the breaks found, with their age and what was decided on them."""
    found = session.rows("SELECT rule_id, key_text, unexplained FROM found_break")
    (today,) = session.row("SELECT cut_off_date FROM core.cut_off")
    seen = record_breaks(log, known_at, [break_id(r, k) for r, k, _ in found], ran)
    signed = signatures(log)
    session.run(
        "CREATE OR REPLACE TEMP TABLE break_history (rule_id VARCHAR, key_text VARCHAR, first_seen_at TIMESTAMP, "
        f"state VARCHAR, signed_amount {MONEY}, signed_by VARCHAR, prepared_by VARCHAR, reason_code VARCHAR, "
        "sign_expires DATE, sign_reason VARCHAR)"
    )
    rows = []
    for rule_id, key, unexplained in found:
        name = break_id(rule_id, key)
        s = signed.get(name)
        decided = (s.amount, s.by, s.preparer, s.reason_code, s.expires, s.reason) if s else (None,) * 6
        first = seen[name].replace(tzinfo=None).isoformat(sep=" ")
        rows.append((rule_id, key, first, state_of(s, unexplained, today), *decided))
    insert_rows(session, "break_history", rows)
    limits = ", ".join(
        row((r.id, r.max_age_days, r.unit, r.severity, r.owner.department, r.owner.role))
        for r in rules.values()
    )
    session.run(f"CREATE OR REPLACE TABLE mart.recon_break ({_BREAK})")
    session.run(
        "INSERT INTO mart.recon_break SELECT f.rule_id, f.quarter, f.key_text, f.org_code, f.left_value, "
        "f.right_value, f.left_value - f.right_value, f.explained, nullif(f.explained_by, ''), f.unexplained, "
        "f.allowed, w.unit, h.first_seen_at, h.age, h.age > CAST(w.max_age AS INTEGER), w.severity, w.owner, "
        "w.role, h.state, h.signed_amount, h.signed_by, h.prepared_by, h.reason_code, h.sign_expires, h.sign_reason "
        "FROM found_break AS f JOIN (SELECT *, CAST(date_diff('day', CAST(first_seen_at + INTERVAL 8 HOUR AS DATE), "
        "(SELECT cut_off_date FROM core.cut_off)) AS INTEGER) AS age FROM break_history) AS h "
        "ON f.rule_id = h.rule_id AND f.key_text = h.key_text "
        f"JOIN (VALUES {limits}) AS w(rule_id, max_age, unit, severity, owner, role) ON f.rule_id = w.rule_id"
    )


def _count_breaks(session: Session) -> None:
    session.run(
        "UPDATE mart.reconciliation AS s SET status = 'out', breaks = b.breaks, signed = b.signed, "
        "overdue = b.overdue, oldest_days = b.oldest FROM (SELECT rule_id, quarter, count(*) AS breaks, "
        "count(*) FILTER (WHERE state = 'signed') AS signed, count(*) FILTER (WHERE overdue) AS overdue, "
        "max(age_days) AS oldest FROM mart.recon_break GROUP BY rule_id, quarter) AS b "
        "WHERE s.rule_id = b.rule_id AND s.quarter = b.quarter"
    )


def _outcome(session: Session) -> Outcome:
    rows = session.rows(
        "SELECT rule_id, max(status = 'out'), max(status = 'within'), "
        "max(reason) FILTER (WHERE status = 'not_run'), sum(breaks - signed) "
        "FROM mart.reconciliation GROUP BY rule_id ORDER BY rule_id"
    )
    return Outcome(
        within=tuple(r for r, out, within, _, _ in rows if within and not out),
        out=tuple(r for r, out, _, _, _ in rows if out),
        not_run={r: reason for r, out, within, reason, _ in rows if not out and not within},
        open_breaks={r: int(waiting) for r, _, _, _, waiting in rows if waiting},
    )
