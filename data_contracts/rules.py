"""The neutral rule form: what a contract demands, said once for every back end.

Belongs here: the :class:`Rule` and how contract clauses become rules. Keep out: running them
(``to_sql``, ``to_expectations``). A clause that cannot become a rule is a :class:`ContractError`.

Rule semantics: ``violates`` is a SQL expression over the candidate table; a row or key breaks the rule when
it is TRUE, so NULL passes unless the rule itself asks for NULL. Every copy of a duplicate counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import sqlglot
from open_data_contract_standard.model import DataQuality
from sqlglot import exp

from data_contracts.codes import VALIDATORS
from data_contracts.model import UNREAD, Column, ContractError, TableContract
from data_contracts.sql_text import DIALECT, literal

Scope = Literal["row", "key", "table"]
Severity = Literal["error", "warning"]
RuleKind = Literal[
    "not_null", "parse", "in_set", "between", "length", "matches", "validator", "row", "unique", "group",
    "row_count", "table",
]  # fmt: skip


@dataclass(frozen=True)
class Rule:
    """One demand on a table.

    ``id``: ``table.column.kind`` or ``table.name``; stable, it is what quarantine and reports show.
    ``scope``: ``row`` marks rows, ``key`` marks every row of a group of ``keys``, ``table`` marks nothing.
    ``unit``: what a violation count counts: ``row``, ``key`` (groups) or ``table`` (0 or 1).
    ``severity``: an error in row or key scope sends the row to quarantine, in table scope it blocks.
    """

    id: str
    table: str
    kind: RuleKind
    scope: Scope
    severity: Severity
    violates: str
    message: str
    cure: str
    columns: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    unit: Literal["row", "key", "table"] = "row"
    params: Mapping[str, Any] = field(default_factory=dict)


def raw_name(column: str) -> str:
    """Name of the column that holds a value's text as landed, beside the typed column."""
    return f"{column}__raw"


def usual_name(column: str) -> str:
    """Name of the column that holds what ``column`` usually is, where the contract says ``usual``."""
    return f"{column}__usual"


def rules_of(contract: TableContract) -> tuple[Rule, ...]:
    """Every rule a contract demands, in contract order; ids are unique."""
    rules = [_line_rule(contract)] if contract.has_lines else []
    rules += [rule for column in contract.columns for rule in _column_rules(contract, column)]
    rules.append(_key_rule(contract))
    rules += [_quality_rule(contract, None, q) for q in contract.quality]
    seen: set[str] = set()
    for rule in rules:
        if rule.id in seen:
            raise ContractError(
                contract.path, rule.id, "two rules of one id", "give the quality clause an id"
            )
        seen.add(rule.id)
    return tuple(rules)


def _line_rule(contract: TableContract) -> Rule:
    return Rule(
        id=f"{contract.name}.line",
        table=contract.name,
        kind="row",
        scope="row",
        severity="error",
        violates=f"{UNREAD} IS NOT NULL",
        message="the line has more or fewer values than the file has headers",
        cure="have the line corrected: a delimiter or a line break inside a value needs quotes",
    )


def _column_rules(contract: TableContract, column: Column) -> Iterator[Rule]:
    def rule(kind: RuleKind, violates: str, message: str, cure: str, **params: Any) -> Rule:
        return Rule(
            id=f"{contract.name}.{column.name}.{kind}",
            table=contract.name,
            kind=kind,
            scope="row",
            severity="error",
            violates=violates,
            message=f"{column.business_name} ({column.name}) {message}",
            cure=cure,
            columns=(column.name,),
            params=params,
        )

    name, raw = f'"{column.name}"', f'"{raw_name(column.name)}"'
    if column.required and column.name not in _blank_keys(contract, column):
        # A value that is there but unreadable is the parse rule's finding, not a missing one.
        missing = f"{name} IS NULL AND {raw} IS NULL" if column.kind != "string" else f"{name} IS NULL"
        yield rule("not_null", missing, "is empty", "fill it in the source", raw=column.kind != "string")
    if column.kind != "string":
        yield rule(
            "parse",
            f"{raw} IS NOT NULL AND {name} IS NULL",
            _unreadable(column),
            _readable(contract, column),
        )
    if column.enum:
        values = ", ".join(literal(v) for v in column.enum)
        yield rule(
            "in_set", f"{name} NOT IN ({values})", f"is none of {', '.join(column.enum)}",
            "correct the word in the source, or add it to valueMap", values=column.enum,
        )  # fmt: skip
    if column.length is not None and not column.enum:
        yield rule(
            "length", f"length({name}) > {column.length}", f"is longer than {column.length} characters",
            "shorten it in the source", max=column.length,
        )  # fmt: skip
    low, high = column.options.get("minimum"), column.options.get("maximum")
    if low is not None or high is not None:
        tests = [f"{name} < {low}"] if low is not None else []
        tests += [f"{name} > {high}"] if high is not None else []
        bounds = f"{'' if low is None else low} … {'' if high is None else high}".strip()
        yield rule(
            "between", " OR ".join(tests), f"is outside {bounds}",
            "check value and unit in the source", min=low, max=high,
        )  # fmt: skip
    if pattern := column.options.get("pattern"):
        yield rule(
            "matches", f"NOT regexp_matches({name}, {literal(pattern)})", f"does not match {pattern}",
            "correct it in the source", pattern=pattern,
        )  # fmt: skip
    for clause in column.quality:
        yield _quality_rule(contract, column, clause)


def _unreadable(column: Column) -> str:
    if column.kind == "decimal":
        return f"is not a number, or too large for {column.physical_type}"
    return f"is not a {'whole number' if column.kind == 'integer' else column.kind}"


def _readable(contract: TableContract, column: Column) -> str:
    """How to write what could not be read."""
    if column.kind in ("date", "timestamp"):
        if column.parse:
            forms = ", ".join(column.parse)
            return f"write it in one of the forms {forms}, or add its form to parse in {contract.path.name}"
        return f"write it as {'2024-09-30' if column.kind == 'date' else '2024-09-30 08:00:00'} in the source"
    if column.kind == "boolean":
        return "write true or false in the source"
    unit = f", without a unit or in {column.unit}," if column.unit else ""
    return f"write it as {'1234.50' if column.kind == 'decimal' else '1234'}{unit} in the source"


def _blank_keys(contract: TableContract, column: Column) -> tuple[str, ...]:
    """A text key column may be '' (none); the normaliser keeps '' there instead of making it NULL."""
    blank = column.key_position is not None and column.options.get("minLength") == 0
    return (column.name,) if blank else ()


def _key_rule(contract: TableContract) -> Rule:
    return Rule(
        id=f"{contract.name}.key.unique",
        table=contract.name,
        kind="unique",
        scope="key",
        severity="warning",
        violates="count(*) > 1",
        message=f"key {'+'.join(contract.key)} stands more than once in the batch",
        cure="the newest copy is kept; two different rows without an order between them are quarantined",
        columns=contract.key,
        keys=contract.key,
        unit="row",
    )


def _quality_rule(contract: TableContract, column: Column | None, clause: DataQuality) -> Rule:
    place = clause.id or (f"{column.name}.{clause.metric or clause.type}" if column else "")
    if not place:
        raise ContractError(contract.path, "quality", "a table clause without an id", "give it an id")
    base: dict[str, Any] = {
        "id": f"{contract.name}.{place}",
        "table": contract.name,
        "severity": _severity(contract, place, clause),
        "message": clause.name or clause.description or place,
        "cure": clause.description or "correct the row in the source",
    }
    if clause.type == "library":
        return _library_rule(contract, column, clause, base)
    if clause.type == "custom" and clause.engine == "jibao" and isinstance(clause.implementation, dict):
        return _custom_rule(contract, column, clause.implementation, base)
    raise ContractError(
        contract.path, place, f"quality type {clause.type!r} (engine {clause.engine!r}) has no translation",
        "use type library, or type custom with engine jibao",
    )  # fmt: skip


def _library_rule(
    contract: TableContract, column: Column | None, clause: DataQuality, base: dict[str, Any]
) -> Rule:
    arguments = clause.arguments or {}
    if clause.metric == "duplicateValues" and clause.mustBe == 0:
        columns = tuple(arguments.get("properties") or ((column.name,) if column else ()))
        _known_columns(contract, base["id"], columns)
        return Rule(
            **base, kind="unique", scope="key", violates="count(*) > 1", columns=columns, keys=columns,
            params={"keep_first": arguments.get("keepFirstBy")},
        )  # fmt: skip
    if clause.metric == "rowCount":
        low = clause.mustBeGreaterOrEqualTo
        if clause.mustBeGreaterThan is not None:
            low = clause.mustBeGreaterThan + 1
        high = clause.mustBeLessOrEqualTo
        tests = [f"count(*) < {low}"] if low is not None else []
        tests += [f"count(*) > {high}"] if high is not None else []
        if tests:
            return Rule(
                **base, kind="row_count", scope="table", violates=" OR ".join(tests), unit="table",
                params={"min": low, "max": high},
            )  # fmt: skip
    raise ContractError(
        contract.path, base["id"], f"library metric {clause.metric!r} with these operators has no translation",
        "use duplicateValues mustBe 0, rowCount with bounds, required/enum/pattern/minimum on the column, "
        "or type custom with engine jibao",
    )  # fmt: skip


def _custom_rule(
    contract: TableContract, column: Column | None, form: dict[str, Any], base: dict[str, Any]
) -> Rule:
    place = base["id"]
    if set(form) not in ({"validator"}, {"row"}, {"group", "check"}, {"table"}):
        raise ContractError(
            contract.path, place, f"implementation {form!r} has no translation",
            "write {row: predicate}, {group: [columns], check: predicate}, {table: predicate} or "
            "{validator: name}",
        )  # fmt: skip
    if "validator" in form:
        return _validator_rule(contract, column, form["validator"], base)
    predicate = form.get("row") or form.get("check") or form.get("table")
    columns = _checked(contract, place, predicate)
    violates = f"NOT ({predicate})"
    if "row" in form:
        if sqlglot.parse_one(form["row"], dialect=DIALECT).find(exp.AggFunc, exp.Window):
            raise ContractError(
                contract.path, place, "a row predicate looks at other rows", "use group and check, or table"
            )
        return Rule(**base, kind="row", scope="row", violates=violates, columns=columns)
    if "table" in form:
        return Rule(**base, kind="table", scope="table", violates=violates, columns=columns, unit="table")
    keys = form["group"]
    _known_columns(contract, place, keys)
    return Rule(
        **base, kind="group", scope="key", violates=violates, columns=columns, keys=tuple(keys), unit="key"
    )


def _validator_rule(
    contract: TableContract, column: Column | None, validator: object, base: dict[str, Any]
) -> Rule:
    if validator not in VALIDATORS or column is None:
        raise ContractError(
            contract.path, base["id"], f"validator {validator!r}",
            f"use one of {sorted(VALIDATORS)} on a column",
        )  # fmt: skip
    return Rule(
        **base, kind="validator", scope="row", columns=(column.name,),
        violates=f"NOT {VALIDATORS[str(validator)].sql(column.name)}", params={"validator": validator},
    )  # fmt: skip


def _checked(contract: TableContract, place: str, predicate: object) -> tuple[str, ...]:
    """Columns a predicate reads. It must be one read-only boolean expression over this table."""
    if not isinstance(predicate, str) or not predicate.strip():
        raise ContractError(contract.path, place, "a rule without a predicate", "write it as SQL text")
    try:
        tree = sqlglot.parse_one(f"SELECT 1 WHERE {predicate}", dialect=DIALECT)
    except sqlglot.errors.ParseError as error:
        raise ContractError(
            contract.path, place, f"predicate does not parse: {error}", "write SQL"
        ) from error
    nested = list(tree.find_all(exp.Subquery, exp.Table, exp.Command, exp.DML, exp.DDL))
    if not isinstance(tree, exp.Select) or nested or tree.args.get("group") or tree.args.get("order"):
        raise ContractError(
            contract.path, place, "predicate is not one boolean expression over the table", "no subqueries"
        )
    columns = tuple(dict.fromkeys(c.name for c in tree.find_all(exp.Column)))
    known = {c.name for c in contract.columns} | {raw_name(c.name) for c in contract.columns}
    known |= {usual_name(c.name) for c in contract.columns if c.usual}
    for name in columns:
        if name not in known:
            raise ContractError(contract.path, place, f"no column {name}", "name columns of this contract")
    return tuple(dict.fromkeys(name.removesuffix("__raw").removesuffix("__usual") for name in columns))


def _known_columns(contract: TableContract, place: str, columns: object) -> None:
    names = {c.name for c in contract.columns}
    if not isinstance(columns, list | tuple) or not columns or not set(columns) <= names:
        raise ContractError(contract.path, place, f"columns {columns!r}", "list columns of this contract")


def _severity(contract: TableContract, place: str, clause: DataQuality) -> Severity:
    if clause.severity == "warning":
        return "warning"
    if clause.severity == "error":
        return "error"
    raise ContractError(contract.path, place, f"severity {clause.severity!r}", "say error or warning")
