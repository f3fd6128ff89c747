"""The SQL back end: a landed batch typed into a candidate table, and every rule marked in one statement.

Belongs here: SQL text built from a contract; DuckDB dialect, inside the portable subset. Keep out: running
it, and what happens to a marked row (``assets.staged``).

Candidate table (one row per landed row): ``_row_id, _row_no, _source_ref, _row_kind, _row_hash``, each
contract column typed, and beside it ``<column>__raw``: its text as landed, trimmed, blank as NULL; of CSV files
also ``_unread``; last ``<column>__usual`` for each column with a ``usual``.
``_row_kind`` is ``data``, ``control`` (小计, 合计) or ``superseded`` (a delivery of the same batch outranks it).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from data_contracts.model import UNREAD, Column, TableContract
from data_contracts.rules import Rule, raw_name, usual_name
from data_contracts.sql_text import literal
from data_contracts.units import UNIT_FACTORS, factors_in_cell, words_for_none

_FULL = "".join(chr(c) for c in range(0xFF01, 0xFF5F)) + "\u3000\u00a0\ufeff\u200b"
_HALF = "".join(chr(c) for c in range(0x21, 0x7F)) + "  "
"""Full-width forms to half-width (the part of NFKC that ledgers need); BOM and zero-width space vanish."""

_WIDE = "[\uff01-\uff5e\u3000\u00a0\ufeff\u200b]"

_PLAIN = "^[-+]?[0-9]{1,12}([.][0-9]{1,6}0*)?$"
_GROUPED = "[1-9][0-9]{0,2}((,[0-9]{3})+|( [0-9]{3})+)"
_NUMBER = f"^[-+]? ?(({_GROUPED}|[0-9]+)([.][0-9]*)?|[.][0-9]+)([eE][-+]?[0-9]{{1,2}})?"
"""A number at the start of a cell. Separators stand between groups of three, or 1,5 would be read as 15."""

_YMD = "^([0-9]{4})[-./年]([0-9]{1,2})[-./月]([0-9]{1,2})日?"
_TIME = "[ T][0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?"
_ZONE = "(Z|[+-][0-9]{2}(:?[0-9]{2}){0,2})"
DATE_FORMS = ("day", "compact", "instant", "wall", "excel", "epoch_ms")
"""Forms a date or timestamp may take (D06, D29): 2024-09-10 . / 年月日, 20240910, time with zone, wall time,
Excel serial day, milliseconds since 1970. A contract's ``parse`` narrows the list."""


def candidate_select(contract: TableContract, landed: Collection[str], scan: str, known: str = "") -> str:
    """SELECT that types one landed batch.

    ``landed``: column names of the landed Parquet (a contract column that did not land is NULL).
    ``scan``: a relation with those columns plus ``_row_id`` (BIGINT, unique, landing order).
    ``known``: the table's staged versions, from which what is usual is told too; '' where there is none.
    """
    cleaned = ",\n    ".join(f"{_cleaned(c, landed)} AS {_q(raw_name(c.name))}" for c in contract.columns)
    units = "".join(
        f", nullif(trim({_q(u)}), '') AS {_q(u)}" for u in sorted(n for n in landed if n.endswith("__unit"))
    )
    typed = ",\n    ".join(
        f"{_typed(c, f'{c.name}__unit' in landed)} AS {_q(c.name)},\n    {_q(raw_name(c.name))}"
        for c in contract.columns
    )
    unread = f", {UNREAD}" if contract.has_lines else ""
    landed_unread = unread if UNREAD in landed or not unread else f", CAST(NULL AS VARCHAR) AS {UNREAD}"
    select = (
        f"WITH cleaned AS (\n  SELECT _row_id, _row_no, _source_ref, _row_kind{landed_unread}{units},\n    {cleaned}\n"
        f"  FROM {scan}\n),\n"
        f"typed AS (\n  SELECT _row_id, _row_no, _source_ref, _row_kind{unread},\n    {typed}\n  FROM cleaned\n)\n"
        f"SELECT _row_id, _row_no, _source_ref, {_kind_of_row(contract)} AS _row_kind{unread},\n"
        f"  {row_hash(contract.content)} AS _row_hash,\n  {_column_list(contract)}\nFROM typed"
    )
    return _with_usual(contract, select, known) if any(c.usual for c in contract.columns) else select


def _with_usual(contract: TableContract, select: str, known: str) -> str:
    """The candidate and, for each column with a ``usual``, the median it is compared with.

    ``percentile_disc`` takes one of the amounts: exact, and the same on every engine.
    """
    ctes, names, joins = [f"candidate AS (\n{select}\n)"], ["c.*"], []
    for column in contract.columns:
        if (usual := column.usual) is None:
            continue
        peers, name, apart = f"peers_{column.name}", _q(column.name), _q(usual.apart)
        read = f"SELECT {', '.join(map(_q, usual.alike))}, {apart}, abs({name}) AS amount FROM"
        rows = [f"{read} candidate WHERE _row_kind = 'data' AND {name} <> 0"]
        rows += [f"{read} {known} WHERE _known_to IS NULL AND {name} <> 0"] if known else []
        ctes.append(f"{peers} AS (\n  {' UNION '.join(rows)}\n)")
        on = " AND ".join(f"p.{_q(k)} = c.{_q(k)}" for k in usual.alike)
        joins.append(
            "LEFT JOIN (\n  SELECT c._row_id, percentile_disc(0.5) WITHIN GROUP (ORDER BY p.amount) AS usual\n"
            f"  FROM candidate AS c JOIN {peers} AS p ON {on} AND p.{apart} <> c.{apart}\n"
            f"  GROUP BY c._row_id HAVING count(DISTINCT p.{apart}) >= {usual.least}\n"
            f") AS u_{column.name} ON u_{column.name}._row_id = c._row_id"
        )
        names.append(f"u_{column.name}.usual AS {_q(usual_name(column.name))}")
    joined = "\n".join(joins)
    return f"WITH {', '.join(ctes)}\nSELECT {', '.join(names)}\nFROM candidate AS c\n{joined}"


def row_hash(columns: Sequence[Column]) -> str:
    r"""md5 over the canonical text of ``columns``: escaped ``|`` between, ``\N`` for NULL.

    Equal on every engine: text, DECIMAL, DATE, TIMESTAMP and BOOLEAN only, never floating point.
    """
    parts = (
        f"coalesce(replace(replace(CAST({_q(c.name)} AS VARCHAR), '\\', '\\\\'), '|', '\\|'), '\\N')"
        for c in columns
    )
    return "md5(" + " || '|' || ".join(parts) + ")"


def marks_select(rules: Sequence[Rule], candidate: str) -> str:
    """SELECT of ``_row_id, r0, r1 …`` (BOOLEAN per row and key rule) for the rows that break at least one."""
    marking = [r for r in rules if r.scope != "table"]
    if not marking:
        return f"SELECT _row_id FROM {candidate} WHERE FALSE"
    keys = sorted({k for r in marking if r.scope == "key" for k in r.keys})
    # Row predicates name bare columns, so they are computed before the groups are joined.
    inner = ["_row_id", *(_q(k) for k in keys)]
    outer, joins = ["c._row_id"], []
    for i, rule in enumerate(marking):
        if rule.scope == "row":
            inner.append(f"coalesce({rule.violates}, FALSE) AS r{i}")
            outer.append(f"c.r{i}")
        else:
            # A group without a key is a group and its rows are marked; two rows without a key are no copies.
            equal = "IS NOT DISTINCT FROM" if rule.kind == "group" else "="
            on = " AND ".join(f"c.{_q(k)} {equal} g{i}.{_q(k)}" for k in rule.keys)
            joins.append(f"LEFT JOIN ({_group(rule, candidate)}) AS g{i} ON {on}")
            outer.append(f"g{i}._hit IS NOT NULL AS r{i}")
    rows = f"SELECT {', '.join(inner)} FROM {candidate} WHERE _row_kind = 'data'"
    broken = " OR ".join(f"r{i}" for i in range(len(marking)))
    return (
        f"SELECT * FROM (SELECT {', '.join(outer)} FROM ({rows}) AS c {' '.join(joins)}) AS marked "
        f"WHERE {broken}"
    )


def counts_select(rules: Sequence[Rule], candidate: str, marks: str) -> str:
    """SELECT of one row: exact violations ``c0, c1 …`` of every rule, in its own unit, NULL-free."""
    parts, marked = [], -1
    for i, rule in enumerate(rules):
        if rule.scope != "table":
            marked += 1
        if rule.unit == "row":
            value = f"(SELECT count(*) FROM {marks} WHERE r{marked})"
        elif rule.unit == "key":
            value = f"(SELECT count(*) FROM ({_group(rule, candidate)}) AS violating)"
        else:
            value = f"(SELECT CASE WHEN {rule.violates} THEN 1 ELSE 0 END FROM {candidate} WHERE _row_kind = 'data')"
        parts.append(f"{value} AS c{i}")
    return "SELECT " + ",\n  ".join(parts)


def _group(rule: Rule, candidate: str) -> str:
    keys = ", ".join(_q(k) for k in rule.keys)
    return (
        f"SELECT {keys}, 1 AS _hit FROM {candidate} WHERE _row_kind = 'data' "
        f"GROUP BY {keys} HAVING {rule.violates}"
    )


def _column_list(contract: TableContract) -> str:
    return ", ".join(f"{_q(c.name)}, {_q(raw_name(c.name))}" for c in contract.columns)


def _kind_of_row(contract: TableContract) -> str:
    update = contract.update
    if update.verb != "replace" or update.version is None:
        return "_row_kind"
    scope = ", ".join(_q(c) for c in update.scope)
    version = _q(update.version)
    over = f"PARTITION BY {scope}" if scope else ""
    return (
        f"CASE WHEN _row_kind <> 'data' THEN _row_kind WHEN {version} < max({version}) "
        f"OVER ({over}) THEN 'superseded' ELSE 'data' END"
    )


def _cleaned(column: Column, landed: Collection[str]) -> str:
    if column.name not in landed:
        return "CAST(NULL AS VARCHAR)"
    name = _q(column.name)
    if column.normalise == "trim":
        spaced = f"replace(replace({name}, '\u3000', ' '), '\u00a0', ' ')"
        return f"nullif(trim({spaced}), '')"
    full, half = _FULL.replace("'", "''"), _HALF.replace("'", "''")
    # translate() of a hundred characters costs 20 µs a value: 69 s for 131 k delivery tickets, 1 s with the test.
    narrow = f"CASE WHEN regexp_matches({name}, '{_WIDE}') THEN translate({name}, '{full}', '{half}') ELSE {name} END"
    return f"nullif(trim({narrow}), '')"


def _typed(column: Column, has_unit: bool) -> str:
    raw = _q(raw_name(column.name))
    if column.kind == "string":
        return _string(column, raw)
    if column.kind == "decimal":
        return _decimal(column, raw, has_unit)
    if column.kind == "integer":
        return _integer(column, raw, has_unit)
    if column.kind == "boolean":
        return (
            f"CASE WHEN lower({raw}) IN ('true', 't', 'y', 'yes', '1', '是') THEN TRUE "
            f"WHEN lower({raw}) IN ('false', 'f', 'n', 'no', '0', '否') THEN FALSE END"
        )
    return _instant(column, raw)


def _string(column: Column, raw: str) -> str:
    value = raw
    if column.value_map:
        cases = " ".join(f"WHEN {literal(k)} THEN {literal(v)}" for k, v in column.value_map.items())
        value = f"CASE {raw} {cases} ELSE {raw} END"
    if column.key_position is not None and column.options.get("minLength") == 0:
        value = f"coalesce({value}, '')"
    return value


def _integer(column: Column, raw: str, has_unit: bool) -> str:
    whole = f"regexp_extract(CAST({_measured(column, raw, has_unit)} AS VARCHAR), '^(-?[0-9]+)([.]0*)?$', 1)"
    return (
        f"CASE WHEN regexp_matches({raw}, '^[-+]?[0-9]{{1,15}}$') THEN TRY_CAST({raw} AS BIGINT) "
        f"ELSE TRY_CAST({whole} AS BIGINT) END"
    )


def _decimal(column: Column, raw: str, has_unit: bool) -> str:
    factor, typed = _factor_beside(column, has_unit), _factor_type(column)
    short = f"CAST({raw} AS DECIMAL(18,6))"
    if factor != "1":
        # The product of two decimals keeps 18 digits unless one side has more, and then it overflows.
        short = f"CAST({short} AS DECIMAL(27,6)) * CAST({factor} AS {typed})"
    # Text to a decimal of more than 18 digits costs 20 µs a value, so plain numbers go by the short way:
    # 130 k tickets with six such columns took 11 s the long way and take under 1 s.
    return (
        f"CASE WHEN {raw} IS NULL THEN NULL WHEN regexp_matches({raw}, '{_PLAIN}') "
        f"THEN TRY_CAST({short} AS {column.warehouse_type}) "
        f"ELSE TRY_CAST({_measured(column, raw, has_unit)} AS {column.warehouse_type}) END"
    )


def _measured(column: Column, raw: str, has_unit: bool) -> str:
    """A number and the unit that may follow it, which outranks header and contract: 5,000元 is 5,000 in a column
    of 万元. NULL where either cannot be read."""
    signed = f"regexp_replace({raw}, '^[(](.*)[)]', '-\\1')"
    digits = f"replace(replace(regexp_extract({signed}, '{_NUMBER}'), ',', ''), ' ', '')"
    beside = _factor_beside(column, has_unit)
    factors = {word: str(factor) for word, factor in factors_in_cell(column.unit).items()}
    factors |= dict.fromkeys(words_for_none(column.unit), beside)
    words = " ".join(f"WHEN {literal(word)} THEN {factor}" for word, factor in factors.items())
    factor = f"CASE regexp_replace({signed}, '{_NUMBER} *', '') {words} END"
    return f"TRY_CAST({digits} AS DECIMAL(27,8)) * CAST({factor} AS {_factor_type(column)})"


def _factor_beside(column: Column, has_unit: bool) -> str:
    """Factor of the unit in the header or beside the field, else of the contract's sourceUnit."""
    factors = UNIT_FACTORS.get(column.unit or "", {})
    declared = str(factors.get(column.source_unit or "", 1))
    if not has_unit or not factors:
        return declared
    unit = _q(f"{column.name}__unit")
    known = " ".join(f"WHEN {literal(u)} THEN {f}" for u, f in factors.items())
    return f"CASE WHEN {unit} IS NULL THEN {declared} ELSE CASE {unit} {known} END END"


def _factor_type(column: Column) -> str:
    factors = UNIT_FACTORS.get(column.unit or "", {})
    return "DECIMAL(9,0)" if all(isinstance(f, int) for f in factors.values()) else "DECIMAL(9,7)"


def _instant(column: Column, raw: str) -> str:
    forms = column.parse or DATE_FORMS
    iso = f"regexp_replace({raw}, '{_YMD}', '\\1-\\2-\\3')"
    compact = f"substr({raw}, 1, 4) || '-' || substr({raw}, 5, 2) || '-' || substr({raw}, 7, 2)"
    # The cast wants seconds before a zone and no blank.
    joined = f"regexp_replace({iso}, ' ?{_ZONE}$', '\\1')"
    zoned = f"regexp_replace({joined}, '([ T][0-9]{{1,2}}:[0-9]{{2}})([Z+-])', '\\1:00\\2')"
    whens = {
        "day": (f"regexp_matches({raw}, '{_YMD}$')", f"TRY_CAST({iso} AS TIMESTAMP)"),
        "compact": (f"regexp_matches({raw}, '^[0-9]{{8}}$')", f"TRY_CAST({compact} AS TIMESTAMP)"),
        "instant": (
            f"regexp_matches({raw}, '{_YMD}{_TIME} ?{_ZONE}$')",
            f"CAST(TRY_CAST({zoned} AS TIMESTAMPTZ) AT TIME ZONE 'Asia/Shanghai' AS TIMESTAMP)",
        ),
        "wall": (f"regexp_matches({raw}, '{_YMD}{_TIME}$')", f"TRY_CAST({iso} AS TIMESTAMP)"),
        "excel": (
            f"regexp_matches({raw}, '^[0-9]{{5}}$')",
            f"TIMESTAMP '1899-12-30 00:00:00' + INTERVAL 1 DAY * TRY_CAST({raw} AS INTEGER)",
        ),
        "epoch_ms": (
            f"regexp_matches({raw}, '^[0-9]{{13}}$')",
            f"epoch_ms(TRY_CAST({raw} AS BIGINT)) + INTERVAL 8 HOUR",
        ),
    }
    cases = " ".join(f"WHEN {test} THEN {value}" for form, (test, value) in whens.items() if form in forms)
    return f"CAST(CASE {cases} END AS {column.warehouse_type})"


def _q(name: str) -> str:
    return f'"{name}"'
