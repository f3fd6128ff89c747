"""What a reconciliation may say, and that every rule of the repository says it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from assets.sql_lint import lint_sql
from data_contracts.metric import load_metrics
from data_contracts.model import ContractError
from data_contracts.reconciliation import (
    RECONCILIATIONS_DIR,
    Reconciliation,
    load_reconciliation,
    load_reconciliations,
)
from data_contracts.reconciliation_sql import comparison_sql, total_sql

RULES = load_reconciliations()
WORDS: dict[str, Any] = {
    "id": "R99",
    "name": {"zh": "两表核对", "en": "Two tables"},
    "definition": "Both say the same.",
    "legitimate": "None.",
    "domain": "finance",
    "unit": "CNY",
    "grain": ["org_code"],
    "left": {"what": "One.", "sql": "SELECT quarter, org_code, amount AS value FROM core.a"},
    "right": {"what": "The other.", "sql": "SELECT quarter, org_code, amount AS value FROM core.b"},
    "max_age_days": 5,
    "owner": {"department": "集团财务部", "role": "总账会计"},
}


def write(folder: Path, **changes: Any) -> Path:
    path = folder / "R99.yaml"
    words = {k: v for k, v in {**WORDS, **changes}.items() if v is not None}
    path.write_text(yaml.safe_dump(words, allow_unicode=True), encoding="utf-8")
    return path


def load(folder: Path, **changes: Any) -> Reconciliation:
    return load_reconciliation(write(folder, **changes), load_metrics())


@pytest.mark.parametrize(
    ("changes", "place", "cause"),
    [
        ({"id": "R98"}, "id", "R98"),
        ({"surprise": 1}, "surprise", "Extra inputs"),
        ({"owner": None}, "owner", "required"),
        ({"right": None}, "right", "required"),
        ({"left": {"what": "One."}}, "left", "sql or metric"),
        ({"left": {"what": "One.", "sql": "SELECT quarter, amount AS value FROM core.a"}}, "left", "gives"),
        ({"left": {"what": "One.", "sql": "SELECT * FROM core.a"}}, "left", "gives"),
        ({"left": {"what": "One.", "sql": "DELETE FROM core.a"}}, "left", "not one SELECT"),
        ({"left": {"what": "One.", "sql": "SELECT 1; SELECT 2"}}, "left", "not one SELECT"),
        ({"left": {"what": "One.", "sql": "SELECT FROM WHERE"}}, "left", ""),
        ({"left": {"what": "One.", "metric": {"id": "nothing", "period": "ytd"}}}, "left", "no metric"),
        (
            {"left": {"what": "One.", "metric": {"id": "effective_investment", "period": "as_of"}}},
            "left",
            "has no as_of",
        ),
        ({"grain": ["value"]}, "grain", "word of the comparison"),
        ({"tolerance": {"kind": "absolute"}}, "tolerance", "absolute 0"),
        ({"tolerance": {"kind": "exact", "value": "1"}}, "tolerance", "exact 1"),
        ({"tolerance": {"kind": "absolute", "value": 0.5}}, "tolerance.value", "binary fraction"),
        ({"tolerance": {"kind": "relative", "value": "1", "per_base": True}}, "tolerance", "per_base"),
        ({"tolerance": {"kind": "relative", "value": "1", "of": "base"}}, "left", "base"),
        ({"total": {"kind": "points", "value": "1"}}, "total", "no points"),
        (
            {
                "items": [{"id": "x", "name": {"zh": "甲", "en": "x"}, "sql": WORDS["left"]["sql"]}],
                "explained": [
                    {
                        "id": "x",
                        "name": {"zh": "甲", "en": "x"},
                        "sql": "SELECT quarter, org_code FROM core.a",
                    }
                ],
            },
            "items, explained",
            "twice",
        ),
        (
            {"explained": [{"id": "x", "name": {"zh": "甲", "en": "x"}, "sql": WORDS["left"]["sql"]}]},
            "explained.x",
            "gives",
        ),
    ],
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, changes: dict[str, Any], place: str, cause: str
) -> None:
    with pytest.raises(ContractError) as refused:
        load(tmp_path, **changes)
    assert f"R99.yaml: {place}: " in str(refused.value)
    assert cause in str(refused.value)


def test_a_whole_rule_is_read(tmp_path: Path) -> None:
    rule = load(tmp_path, tolerance={"kind": "relative", "value": "0.5"})
    assert rule.tables == ("core.a", "core.b")
    assert "core.a" in comparison_sql(rule)


def test_every_number_of_the_domain_has_its_file() -> None:
    assert set(RULES) == {f"R{n:02}" for n in range(1, 46)} - {"R26"}


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda r: r.id)
def test_a_rule_is_portable_sql(rule: Reconciliation) -> None:
    assert [v for s in rule.statements for v in lint_sql(s, rule.id)] == []
    assert lint_sql(comparison_sql(rule), rule.id) == []
    if rule.total:
        assert lint_sql(total_sql(rule, "mart.compared"), rule.id) == []


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda r: r.id)
def test_a_rule_has_a_chinese_name_and_names_no_placeholder(rule: Reconciliation) -> None:
    assert any("一" <= c <= "鿿" for c in rule.name.zh)
    text = (RECONCILIATIONS_DIR / f"{rule.id}.yaml").read_text(encoding="utf-8")
    assert not any(word in text.lower() for word in ("todo", "fixme", "xxx"))
