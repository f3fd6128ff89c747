"""Each kind of rule becomes the expectation that says the same, and its result reads as a count."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts.agreement import disagreements
from data_contracts.contract_file import load_contracts
from data_contracts.model import TableContract
from data_contracts.rules import rules_of
from data_contracts.to_expectations import (
    UNEXPECTED_ROWS,
    ExpectationSpec,
    Outcome,
    _template,
    batch_query,
    outcome_of,
    suite_of,
)
from tests.data_contracts.every_rule import contract_with_every_rule

DIALECT = sa.create_engine("duckdb://").dialect


def _rows(where: str) -> tuple[str, dict[str, Any], str]:
    query = f"SELECT _source_ref, _row_no FROM {{batch}} WHERE ({where})"
    return UNEXPECTED_ROWS, {"unexpected_rows_query": query}, "observed_value"


def _query(sql: str) -> tuple[str, dict[str, Any], str]:
    return UNEXPECTED_ROWS, {"unexpected_rows_query": sql}, "observed_value"


def _native(name: str, **kwargs: Any) -> tuple[str, dict[str, Any], str]:
    return name, kwargs, "unexpected_count"


EXPECTED = {
    "t.code.not_null": _native("expect_column_values_to_not_be_null", column="code"),
    "t.code.length": _native("expect_column_value_lengths_to_be_between", column="code", max_value=8),
    "t.code.matches": _rows("NOT regexp_matches(\"code\", '^(?\\:C|D)\\d{{1,7}}$')"),
    "t.line_no.not_null": _rows('"line_no" IS NULL AND "line_no__raw" IS NULL'),
    "t.line_no.parse": _rows('"line_no__raw" IS NOT NULL AND "line_no" IS NULL'),
    "t.amount.parse": _rows('"amount__raw" IS NOT NULL AND "amount" IS NULL'),
    "t.amount.between": _native(
        "expect_column_values_to_be_between", column="amount", min_value=0, max_value=5000
    ),
    "t.rate.parse": _rows('"rate__raw" IS NOT NULL AND "rate" IS NULL'),
    "t.rate.between": _rows('"rate" > 0.1'),
    "t.day.parse": _rows('"day__raw" IS NOT NULL AND "day" IS NULL'),
    "t.kind.in_set": _native("expect_column_values_to_be_in_set", column="kind", value_set=["甲", "it's"]),
    "t.leader.not_null": _rows('"leader" IS NULL'),
    "t.leader.length": _rows('length("leader") > 4'),
    "t.leader_once": _query(
        'SELECT _source_ref, _row_no FROM {batch} WHERE ("leader", "kind") IN '
        '(SELECT "leader", "kind" FROM {batch} GROUP BY "leader", "kind" HAVING (count(*) > 1))'
    ),
    "t.region.length": _native("expect_column_value_lengths_to_be_between", column="region", max_value=6),
    "t.key.unique": _native(
        "expect_compound_columns_to_be_unique",
        column_list=["code", "line_no"],
        ignore_row_if="any_value_is_missing",
    ),
    "t.rate_below_amount": _rows("NOT (rate <= amount)"),
    "t.sums_to_hundred": _query(
        'SELECT "code" FROM {batch} GROUP BY "code" HAVING (NOT (sum(amount) % 100 = 0))'
    ),
    "t.some_kind": _query("SELECT 1 AS violated FROM {batch} HAVING (NOT (count(kind) > 0))"),
    "t.enough": ("expect_table_row_count_to_be_between", {"min_value": 2, "max_value": 9}, "success"),
    "t.day_once": _native("expect_column_values_to_be_unique", column="day"),
}


@pytest.fixture(scope="module")
def contract(tmp_path_factory: pytest.TempPathFactory) -> TableContract:
    return contract_with_every_rule(tmp_path_factory.mktemp("contract"))


def test_every_rule_becomes_the_expectation_that_says_the_same(contract: TableContract) -> None:
    suite = {spec.rule_id: (spec.type, dict(spec.kwargs), spec.reading) for spec in suite_of(contract)}
    validator = suite.pop("t.region_code")
    assert validator[1]["unexpected_rows_query"].startswith(
        "SELECT _source_ref, _row_no FROM {batch} WHERE (NOT"
    )
    assert suite == EXPECTED


def test_a_rule_on_a_restricted_column_takes_the_form_without_values(contract: TableContract) -> None:
    restricted = {s.rule_id: s.type for s in suite_of(contract) if s.restricted}
    assert restricted == dict.fromkeys(
        ("t.leader.not_null", "t.leader.length", "t.leader_once"), UNEXPECTED_ROWS
    )


def test_severity_words_and_order_come_from_the_rule(contract: TableContract) -> None:
    assert [(s.rule_id, s.severity, s.message, s.cure) for s in suite_of(contract)] == [
        (r.id, r.severity, r.message, r.cure) for r in rules_of(contract)
    ]


@pytest.mark.parametrize("name", sorted(load_contracts()))
def test_every_rule_of_every_contract_has_one_expectation(name: str) -> None:
    contract = load_contracts()[name]
    assert [s.rule_id for s in suite_of(contract)] == [r.id for r in rules_of(contract)]


@settings(deadline=None)
@given(st.text(alphabet=":\\{}a中 $%(?1_'"))
def test_a_predicate_survives_the_query_template_and_sqlalchemy(predicate: str) -> None:
    formatted = _template(predicate).format(batch="never used")
    assert str(sa.text(formatted).compile(dialect=DIALECT)) == predicate


def test_expectations_speak_of_ledger_rows_only() -> None:
    assert batch_query("private.candidate.t") == "SELECT * FROM private.candidate.t WHERE _row_kind = 'data'"


def _spec(reading: Any, *, restricted: bool = False) -> ExpectationSpec:
    return ExpectationSpec("t.r", "some_expectation", {}, reading, "error", "is wrong", "mend it", restricted)


RAN = {"raised_exception": False, "exception_message": None}
FAILED = {
    "a metric": {
        "raised_exception": True,
        "exception_message": "Conversion Error: '张三' is no INT\nat line 1",
    }
}


@pytest.mark.parametrize(
    ("spec", "result", "outcome"),
    [
        (_spec("unexpected_count"), {"result": {"unexpected_count": 3, "element_count": 9}}, Outcome(3)),
        (_spec("unexpected_count"), {"result": {"unexpected_count": None, "element_count": 0}}, Outcome(0)),
        (_spec("observed_value"), {"result": {"observed_value": 0}}, Outcome(0)),
        (_spec("success"), {"success": True, "result": {"observed_value": 7}}, Outcome(0)),
        (_spec("success"), {"success": False, "result": {"observed_value": 7}}, Outcome(1)),
        (
            _spec("unexpected_count"),
            {"result": {"element_count": 9}},
            Outcome(None, "some_expectation gave no unexpected_count"),
        ),
        (
            _spec("observed_value"),
            {"result": {}, "exception_info": FAILED},
            Outcome(None, "Conversion Error: '张三' is no INT"),
        ),
        (
            _spec("observed_value", restricted=True),
            {"result": {}, "exception_info": FAILED},
            Outcome(None, "Conversion Error"),
        ),
        (
            _spec("success"),
            {"success": False, "exception_info": {"raised_exception": True, "exception_message": None}},
            Outcome(None, "it raised an exception without a message"),
        ),
    ],
)
def test_a_result_reads_as_a_count_or_as_could_not_run(
    spec: ExpectationSpec, result: dict[str, Any], outcome: Outcome
) -> None:
    assert outcome_of(spec, {"exception_info": RAN, **result}) == outcome


def test_back_ends_agree_only_where_both_counted_the_same() -> None:
    sql = {"same": 3, "differs": 3, "sql alone": 0, "failed": 0}
    expectations = {
        "same": Outcome(3),
        "differs": Outcome(2),
        "failed": Outcome(None, "no such column"),
        "alone": Outcome(0),
    }
    assert [d.message.split(" → ")[0] for d in disagreements(sql, expectations)] == [
        "differs: SQL counts 3 violations, Great Expectations 2",
        "sql alone: SQL counted it, but it has no expectation",
        "failed: its expectation could not run (no such column)",
        "alone: it has an expectation, but SQL did not count it",
    ]
    assert disagreements({"same": 3}, {"same": Outcome(3)}) == ()


def test_the_contracts_do_not_load_the_library() -> None:
    code = "import sys, data_contracts.to_expectations as t; sys.exit('great_expectations' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False).returncode
        == 0
    )
