"""A reconciliation compiled to one SELECT: every key of either side, what explains it, what is left.

Belongs here: SQL text in the portable subset. Keep out: running it, and what a break means to people.

Columns of the SELECT (:data:`COLUMNS`, then one per legitimate difference): ``quarter``; ``key_text``: quarter
and grain joined by ``|``; ``org_code``; both values; ``explained`` and ``explained_by`` (ids, blank between);
``unexplained``; ``allowed`` (the tolerance in the rule's unit); ``is_break``; then ``d_<id>``, the amount each
item or class explains. A key that one side lacks counts as zero there; a key only an item knows is compared
too, since an item without its difference is a difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from data_contracts.reconciliation import COMPANY, TOTAL, Reconciliation, Side, Tolerance
from data_contracts.sql_text import columns_given

COLUMNS = (
    "quarter", "key_text", "org_code", "left_value", "right_value", "explained", "explained_by", "unexplained",
    "allowed", "is_break",
)  # fmt: skip
MONEY = "DECIMAL(38, 6)"


def difference_column(part_id: str) -> str:
    """Name of the column that holds what one legitimate difference explains."""
    return f"d_{part_id}"


def comparison_sql(rule: Reconciliation) -> str:
    """The SELECT of one rule that has sides; see the module for its columns."""
    parts = [
        _judged(rule),
        _side(rule, "left", rule.left, rule.tolerance.needs_base),
        _side(rule, "right", rule.right, False),
        *_legitimate(rule),
        _keys(rule),
        _together(rule),
        _measured(rule),
    ]
    return f"WITH {', '.join(parts)}\n{_verdict(rule)}"


def total_sql(rule: Reconciliation, compared: str) -> str:
    """SELECT with :data:`COLUMNS` of the quarters whose sum is beyond the rule's ``total`` tolerance.

    ``compared``: the table that holds :func:`comparison_sql`. Only for a rule with ``total``.
    """
    assert rule.total is not None
    allowed = _allowed(rule.total, "left_value", "right_value")
    return (
        f"WITH summed AS (SELECT quarter, CAST(sum(left_value) AS {MONEY}) AS left_value, "
        f"CAST(sum(right_value) AS {MONEY}) AS right_value, CAST(sum(explained) AS {MONEY}) AS explained, "
        f"CAST(sum(unexplained) AS {MONEY}) AS unexplained FROM {compared} GROUP BY quarter)\n"
        f"SELECT quarter, quarter || '|{TOTAL}' AS key_text, CAST(NULL AS VARCHAR) AS org_code, left_value, "
        f"right_value, explained, '' AS explained_by, unexplained, {allowed} AS allowed, TRUE AS is_break "
        f"FROM summed WHERE abs(unexplained) > {allowed}"
    )


def _judged(rule: Reconciliation) -> str:
    running = "" if rule.judged == "known" else " AND NOT is_current"
    return f"judged AS (SELECT quarter FROM core.dim_quarter WHERE period = 'quarter'{running})"


def _rows_of(rule: Reconciliation, side: Side) -> str:
    if side.sql:
        return side.sql
    assert side.metric is not None
    scope = f"scope_code AS {rule.grain[0]}, " if rule.grain else ""
    return (
        f"SELECT quarter, {scope}value FROM mart.quarterly_metric WHERE metric_id = '{side.metric.id}' "
        f"AND period = '{side.metric.period}' AND grain = '{side.metric.grain}'"
    )


def _grouped(rule: Reconciliation) -> str:
    """Grain columns as text, NULL as '': a key without a part is a key, and joins find it."""
    return "".join(f", COALESCE(CAST({name} AS VARCHAR), '') AS {name}" for name in rule.grain)


def _by(rule: Reconciliation) -> str:
    return ", ".join(str(n) for n in range(1, len(rule.grain) + 2))


def _side(rule: Reconciliation, name: str, side: Side | None, base: bool) -> str:
    assert side is not None
    rows = _rows_of(rule, side)
    company = COMPANY in rule.grain or (side.sql is not None and COMPANY in columns_given(side.sql))
    org_code = f"max({COMPANY})" if company else "CAST(NULL AS VARCHAR)"
    more = f", CAST(sum(base) AS {MONEY}) AS base" if base else ""
    return (
        f"{name}_rows AS (\n{rows.strip()}\n),\n{name}_side AS (\n"
        f"SELECT quarter{_grouped(rule)}, CAST(sum(value) AS {MONEY}) AS value, {org_code} AS company{more}\n"
        f"FROM {name}_rows WHERE quarter IN (SELECT quarter FROM judged) GROUP BY {_by(rule)})"
    )


def _legitimate(rule: Reconciliation) -> Iterator[str]:
    for item in rule.items:
        signed = "" if item.sign == "+" else "-"
        yield (
            f"{item.id}_rows AS (\n{item.sql.strip()}\n),\n{item.id}_item AS (\n"
            f"SELECT quarter{_grouped(rule)}, CAST({signed}sum(value) AS {MONEY}) AS value\n"
            f"FROM {item.id}_rows WHERE quarter IN (SELECT quarter FROM judged) GROUP BY {_by(rule)})"
        )
    for row_class in rule.explained:
        yield (
            f"{row_class.id}_rows AS (\n{row_class.sql.strip()}\n),\n{row_class.id}_class AS (\n"
            f"SELECT DISTINCT quarter{_grouped(rule)}\nFROM {row_class.id}_rows)"
        )


def _keys(rule: Reconciliation) -> str:
    sources = ["left_side", "right_side", *(f"{item.id}_item" for item in rule.items)]
    columns = ", ".join(("quarter", *rule.grain))
    return f"compared AS ({' UNION '.join(f'SELECT {columns} FROM {s}' for s in sources)})"


def _on(rule: Reconciliation, alias: str) -> str:
    return " AND ".join(f"k.{name} = {alias}.{name}" for name in ("quarter", *rule.grain))


def _together(rule: Reconciliation) -> str:
    columns = [
        "k.quarter",
        " || '|' || ".join(f"k.{name}" for name in ("quarter", *rule.grain)) + " AS key_text",
        "COALESCE(l.company, r.company) AS org_code",
        f"COALESCE(l.value, CAST(0 AS {MONEY})) AS left_value",
        f"COALESCE(r.value, CAST(0 AS {MONEY})) AS right_value",
    ]
    joins = [
        f"LEFT JOIN left_side AS l ON {_on(rule, 'l')}",
        f"LEFT JOIN right_side AS r ON {_on(rule, 'r')}",
    ]
    if rule.tolerance.needs_base:
        columns.append(f"COALESCE(l.base, CAST(0 AS {MONEY})) AS base")
    for item in rule.items:
        columns.append(f"COALESCE({item.id}_i.value, CAST(0 AS {MONEY})) AS i_{item.id}")
        joins.append(f"LEFT JOIN {item.id}_item AS {item.id}_i ON {_on(rule, f'{item.id}_i')}")
    for row_class in rule.explained:
        name = row_class.id
        columns.append(f"{name}_c.quarter IS NOT NULL AS in_{name}")
        joins.append(f"LEFT JOIN {name}_class AS {name}_c ON {_on(rule, f'{name}_c')}")
    listed = ",\n  ".join(columns)
    return f"together AS (\nSELECT {listed}\nFROM compared AS k\n" + "\n".join(joins) + ")"


def _measured(rule: Reconciliation) -> str:
    """What is left after the items; the first class that holds the key explains all of it."""
    items = "".join(f" - i_{item.id}" for item in rule.items)
    rest = f"CAST(left_value - right_value{items} AS {MONEY})"
    if rule.compare == "at_most":
        rest = f"CASE WHEN {rest} > 0 THEN {rest} ELSE CAST(0 AS {MONEY}) END"
    columns = [f"{rest} AS rest"]
    before = ""
    for row_class in rule.explained:
        columns.append(f"in_{row_class.id}{before} AS only_{row_class.id}")
        before += f" AND NOT in_{row_class.id}"
    return f"measured AS (SELECT *, {', '.join(columns)} FROM together)"


def _verdict(rule: Reconciliation) -> str:
    zero = f"CAST(0 AS {MONEY})"
    shares = [(item.id, f"i_{item.id}") for item in rule.items]
    shares += [(c.id, f"CASE WHEN only_{c.id} THEN rest ELSE {zero} END") for c in rule.explained]
    explained = " + ".join(value for _, value in shares) or zero
    words = " || ".join(f"CASE WHEN {value} <> 0 THEN '{name} ' ELSE '' END" for name, value in shares)
    held = " OR ".join(f"in_{c.id}" for c in rule.explained)
    unexplained = f"CASE WHEN {held} THEN {zero} ELSE rest END" if held else "rest"
    allowed = _allowed(rule.tolerance, "left_value", "right_value")
    columns = [
        "quarter", "key_text", "org_code", "left_value", "right_value",
        f"CAST({explained} AS {MONEY}) AS explained",
        f"trim({words or chr(39) * 2}) AS explained_by",
        f"{unexplained} AS unexplained",
        f"{allowed} AS allowed",
        f"abs({unexplained}) > {allowed} AS is_break",
        *(f"{value} AS {difference_column(name)}" for name, value in shares),
    ]  # fmt: skip
    return "SELECT " + ",\n  ".join(columns) + "\nFROM measured"


def _allowed(tolerance: Tolerance, left: str, right: str) -> str:
    value = tolerance.value
    if tolerance.kind == "exact":
        return f"CAST(0 AS {MONEY})"
    if tolerance.kind == "relative":
        share = value / Decimal(100)
        of = {"left": left, "right": right, "base": "base"}[tolerance.of]
        return f"CAST(abs({of}) * CAST({share:f} AS DECIMAL(12, 8)) AS {MONEY})"
    if tolerance.per_base:
        return f"CAST(abs(base) * CAST({value:f} AS DECIMAL(12, 4)) AS {MONEY})"
    return f"CAST({value:f} AS {MONEY})"
