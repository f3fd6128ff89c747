"""Every rule of every contract can fail: a good row breaks none, and each rule is broken by one bad row.

The cases of declared rules are in ``rule_cases.yaml``; what a column demands is broken here by its kind.
All run through the SQL back end on a real DuckDB: landed text in, marks out.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from data_contracts.contract_file import load_contracts
from data_contracts.model import TableContract
from data_contracts.rules import Rule, rules_of
from data_contracts.to_sql import candidate_select, marks_select
from tests.data_contracts.catalogue import catalogue

CASES: dict[str, Any] = yaml.safe_load(
    Path(__file__).with_name("rule_cases.yaml").read_text(encoding="utf-8")
)
CONTRACTS = {name: c for name, c in load_contracts().items() if name in catalogue() or name in CASES}
DECLARED = ("validator", "row", "group", "row_count", "table")
Row = dict[str, str | None]


def _short(rule: Rule) -> str:
    return rule.id.removeprefix(f"{rule.table}.")


def _is_declared(rule: Rule) -> bool:
    return rule.kind in DECLARED or (rule.kind == "unique" and _short(rule) != "key.unique")


def _broken_by_kind(rule: Rule, contract: TableContract, good: Row) -> list[Row]:
    """The good row, changed so that it breaks a rule that its column or key implies."""
    if rule.kind == "unique":
        return [good, good]
    column = contract.column(rule.columns[0])
    wrong: dict[str, str | None] = {"not_null": None, "parse": "不详", "in_set": "不详", "matches": "?"}
    if rule.kind == "length":
        wrong["length"] = "x" * (rule.params["max"] + 1)
    if rule.kind == "between":
        wrong["between"] = str(rule.params["min"] - 1)
    broken = {**good, column.name: wrong[rule.kind]}
    if column.name == contract.update.version:
        # Else the other blocks would be newer deliveries of the same scope, and outrank this one.
        broken |= dict.fromkeys(contract.update.scope, "202001")
    return [broken]


def _block(rule: Rule, contract: TableContract, good: list[Row]) -> list[Row]:
    if not _is_declared(rule):
        return _broken_by_kind(rule, contract, good[0])
    told = CASES[rule.table]["bad"][_short(rule)]
    changes: list[Row] = [told] if isinstance(told, dict) else told
    if not changes:
        return []
    rows = good + [good[-1]] * (len(changes) - len(good))
    changes = changes + [{}] * (len(rows) - len(changes))
    return [{**row, **change} for row, change in zip(rows, changes, strict=True)]


def _literal(text: str | None) -> str:
    return "NULL" if text is None else "'" + text.replace("'", "''") + "'"


def _candidate(contract: TableContract, blocks: list[list[Row]]) -> duckdb.DuckDBPyConnection:
    """All blocks typed into ``candidate``; block n is the rows with ``_row_id // 100 = n``."""
    names = [c.name for c in contract.columns]
    rows = ", ".join(
        f"({n * 100 + i}, {i}, 'case', 'data', {', '.join(_literal(row.get(name)) for name in names)})"
        for n, block in enumerate(blocks)
        for i, row in enumerate(block)
    )
    columns = ", ".join(f'"{name}" VARCHAR' for name in names)
    db = duckdb.connect()
    db.execute("SET TimeZone = 'Asia/Shanghai'")
    db.execute(
        "CREATE TABLE landed (_row_id BIGINT, _row_no BIGINT, _source_ref VARCHAR, _row_kind VARCHAR, "
        f"{columns})"
    )
    db.execute(f"INSERT INTO landed VALUES {rows}")
    db.execute(f"CREATE TABLE candidate AS {candidate_select(contract, names, 'landed')}")
    return db


def _broken(db: duckdb.DuckDBPyConnection, rules: Sequence[Rule]) -> set[tuple[str, int]]:
    """(rule id, block) of every rule that a block breaks; a block is a batch of its own."""
    of_rows = [r for r in rules if r.scope == "row"]
    marks = db.execute(marks_select(of_rows, "candidate")).fetchall()
    broken = {
        (rule.id, row[0] // 100) for row in marks for rule, hit in zip(of_rows, row[1:], strict=True) if hit
    }
    for rule in (r for r in rules if r.scope != "row"):
        for block in (0, rules.index(rule) + 1):
            rows = f"(SELECT * FROM candidate WHERE _row_id // 100 = {block})"
            query = marks_select([rule], rows)
            if rule.scope == "table":
                query = f"SELECT 1 FROM {rows} HAVING {rule.violates}"
            if db.execute(query).fetchall():
                broken.add((rule.id, block))
    return broken


def test_every_declared_rule_has_a_case_and_every_case_a_rule() -> None:
    declared = {
        name: {_short(r) for r in rules_of(contract) if _is_declared(r)}
        for name, contract in CONTRACTS.items()
    }
    assert {name: set(case["bad"]) for name, case in CASES.items()} == declared


@pytest.mark.parametrize("name", sorted(CONTRACTS))
def test_good_rows_break_nothing_and_every_rule_can_fail(name: str) -> None:
    contract, good = CONTRACTS[name], CASES[name]["good"]
    rules = rules_of(contract)
    broken = _broken(_candidate(contract, [good, *(_block(rule, contract, good) for rule in rules)]), rules)
    assert sorted(rule_id for rule_id, block in broken if block == 0) == []
    assert [r.id for n, r in enumerate(rules, start=1) if (r.id, n) not in broken] == []
