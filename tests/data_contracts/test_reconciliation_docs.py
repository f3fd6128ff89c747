"""The page of reconciliations says what the rules say."""

from __future__ import annotations

from decimal import Decimal

from data_contracts.reconciliation import load_reconciliations
from data_contracts.reconciliation_docs import COMMAND, PAGE, reference, results


def test_the_page_is_rendered_from_the_rules() -> None:
    rendered = reference(load_reconciliations())
    assert PAGE.read_text(encoding="utf-8") == rendered, (
        f"docs/reconciliations.md is out of date: run `{COMMAND}`"
    )


def test_results_say_what_is_planned_and_what_did_not_run() -> None:
    row = {
        "rule_id": "R05", "name_zh": "投资", "quarter": "2024Q3", "status": "out", "compared": 1200,
        "left_value": Decimal("1234.500000"), "right_value": Decimal("1200.000000"), "explained": Decimal(0),
        "breaks": 1, "reason": None,
    }  # fmt: skip
    quiet = {**row, "rule_id": "R08", "status": "within", "breaks": 0}
    blind = {**row, "rule_id": "R44", "status": "not_run", "breaks": 0, "reason": "no certificates"}
    page = results([row, quiet, blind], {"R05": "planted", "R08": "planted"}, "2024-10-10 12:00:00")
    lines = page.splitlines()[-3:]
    assert lines[0].endswith("| out | 1,200 | 1,234.50 | 1,200 | 0 | 1 | planted |")
    assert lines[1].endswith("|  |  |")
    assert lines[2].endswith("| no certificates |")
