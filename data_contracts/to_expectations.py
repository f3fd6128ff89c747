"""The Great Expectations back end: every rule of a contract as one expectation, in a neutral form.

Belongs here: which expectation says the same as a rule, and how its result reads as a violation count. Keep
out: Great Expectations itself, whose import takes seconds (``resources.expectations``), and the comparison
with the SQL back end (``agreement``).

A native expectation stands where its meaning is the rule's to the last row; anything else is an
``unexpected_rows_expectation`` over the rule's own predicate (Great Expectations knows no regular expressions
on DuckDB). Its result holds a count and no rows, so rules on restricted columns take that form too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from data_contracts.model import Column, TableContract
from data_contracts.rules import Rule, Severity, rules_of

Reading = Literal["unexpected_count", "observed_value", "success"]

UNEXPECTED_ROWS = "unexpected_rows_expectation"

_EXACT_IN_DOUBLE = 2**53
_DECIMAL_SCALE = re.compile(r"decimal\(\d+,(\d+)\)")
# What sqlalchemy.text(), through which every custom query goes, would bind or unescape.
_COLON_WORD = re.compile(r"(?:\\:\w*|(?<![:\w\\]):\w+)(?![:\w])")


@dataclass(frozen=True)
class Outcome:
    """What one expectation found: a number of violations, or why it could not run; never both.

    ``violations`` counts in the unit of the rule (rows, keys, or 0 and 1 for a table).
    """

    violations: int | None
    could_not_run: str | None = None


@dataclass(frozen=True)
class ExpectationSpec:
    """One expectation, without the library.

    ``type`` and ``kwargs``: name and arguments of the expectation. ``reading``: where its result says how
    often the rule is broken. ``restricted``: it reads a restricted column, so no value may leave with it.
    """

    rule_id: str
    type: str
    kwargs: Mapping[str, Any]
    reading: Reading
    severity: Severity
    message: str
    cure: str
    restricted: bool


def suite_of(contract: TableContract) -> tuple[ExpectationSpec, ...]:
    """One expectation per rule of the contract, in the order of :func:`data_contracts.rules.rules_of`."""
    return tuple(_spec(contract, rule) for rule in rules_of(contract))


def batch_query(candidate: str) -> str:
    """The rows that expectations speak of: the ledger rows of a candidate table, not its subtotals."""
    return f"SELECT * FROM {candidate} WHERE _row_kind = 'data'"


def outcome_of(spec: ExpectationSpec, result: Mapping[str, Any]) -> Outcome:
    """Read one validation result (its JSON form, ``result_format`` SUMMARY) as an outcome."""
    if reason := _failure(result.get("exception_info") or {}):
        # Engines quote the value they stumbled over behind the colon.
        return Outcome(None, reason.split(":", 1)[0] if spec.restricted else reason)
    if spec.reading == "success":
        return Outcome(0 if result["success"] else 1)
    found = result["result"].get(spec.reading)
    if found is None and result["result"].get("element_count") == 0:
        return Outcome(0)
    if not isinstance(found, int):
        return Outcome(None, f"{spec.type} gave no {spec.reading}")
    return Outcome(found)


def _failure(info: Mapping[str, Any]) -> str | None:
    """First line of the exception of a result; the library nests it one level deep per failed metric."""
    nested = [info] if "raised_exception" in info else list(info.values())
    raised = [i for i in nested if i.get("raised_exception")]
    if not raised:
        return None
    text = str(raised[0].get("exception_message") or "").strip()
    return text.splitlines()[0] if text else "it raised an exception without a message"


def _spec(contract: TableContract, rule: Rule) -> ExpectationSpec:
    restricted = not {c.name for c in contract.restricted}.isdisjoint((*rule.columns, *rule.keys))
    native = None if restricted else _native(contract, rule)
    name, kwargs, reading = native or _custom(rule)
    return ExpectationSpec(
        rule.id, name, kwargs, reading, rule.severity, rule.message, rule.cure, restricted
    )  # fmt: skip


_Form = tuple[str, dict[str, Any], Reading]


def _native(contract: TableContract, rule: Rule) -> _Form | None:
    """The library's own expectation, or None where it would count otherwise than the rule."""
    if rule.kind == "row_count":
        bounds = {"min_value": rule.params["min"], "max_value": rule.params["max"]}
        return "expect_table_row_count_to_be_between", _given(bounds), "success"
    if rule.kind == "unique":
        if len(rule.keys) == 1:
            return "expect_column_values_to_be_unique", {"column": rule.keys[0]}, "unexpected_count"
        # A row with an incomplete key is the finding of not_null, not a duplicate.
        compound = {"column_list": list(rule.keys), "ignore_row_if": "any_value_is_missing"}
        return "expect_compound_columns_to_be_unique", compound, "unexpected_count"
    found = _column_values(contract.column(rule.columns[0]), rule) if len(rule.columns) == 1 else None
    if found is None:
        return None
    name, arguments = found
    return name, {"column": rule.columns[0], **arguments}, "unexpected_count"


def _column_values(column: Column, rule: Rule) -> tuple[str, dict[str, Any]] | None:
    # A typed column counts as missing only where its raw text is too, which no native expectation asks.
    if rule.kind == "not_null" and not rule.params["raw"]:
        return "expect_column_values_to_not_be_null", {}
    if rule.kind == "in_set" and column.kind == "string":
        return "expect_column_values_to_be_in_set", {"value_set": list(rule.params["values"])}
    if rule.kind == "length":
        return "expect_column_value_lengths_to_be_between", {"max_value": rule.params["max"]}
    if rule.kind == "between" and all(_compares_exactly(column, rule.params[b]) for b in ("min", "max")):
        bounds = {"min_value": rule.params["min"], "max_value": rule.params["max"]}
        return "expect_column_values_to_be_between", _given(bounds)
    return None


def _compares_exactly(column: Column, bound: object) -> bool:
    """True where comparing the column with the bound as a double orders every value as decimals do."""
    if bound is None:
        return True
    scale = _DECIMAL_SCALE.fullmatch(column.physical_type)
    step = int(scale.group(1)) if scale else 0
    if (
        column.kind not in ("integer", "decimal")
        or isinstance(bound, bool)
        or not isinstance(bound, int | float)
    ):
        return False
    return float(bound).is_integer() and abs(Decimal(bound)) * 10**step < _EXACT_IN_DOUBLE


def _custom(rule: Rule) -> _Form:
    """The rule's predicate as a query whose rows are the violations, in the unit of the rule."""
    keys = ", ".join(f'"{k}"' for k in rule.keys)
    violates = _template(rule.violates)
    place = "_source_ref, _row_no"
    if rule.scope == "table":
        query = f"SELECT 1 AS violated FROM {{batch}} HAVING ({violates})"
    elif rule.scope == "row":
        query = f"SELECT {place} FROM {{batch}} WHERE ({violates})"
    else:
        groups = f"SELECT {keys} FROM {{batch}} GROUP BY {keys} HAVING ({violates})"
        # A key with a NULL in it is in no list of keys, so incomplete keys are no duplicates.
        query = (
            groups if rule.unit == "key" else f"SELECT {place} FROM {{batch}} WHERE ({keys}) IN ({groups})"
        )
    return UNEXPECTED_ROWS, {"unexpected_rows_query": query}, "observed_value"


def _template(sql: str) -> str:
    """SQL as the library's query template: literal braces doubled, colons kept from becoming parameters."""
    escaped = _COLON_WORD.sub(lambda found: "\\" + found.group(), sql)
    return escaped.replace("{", "{{").replace("}", "}}")


def _given(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value is not None}
