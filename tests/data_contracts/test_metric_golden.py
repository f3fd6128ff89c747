"""Golden figures: fact rows in, figures out, written so that a controller can review them.

Belongs here: running ``tests/golden/metrics/*.yaml``. A case gives the rows of the tables its metrics read
(``same``: columns equal in all rows of a table) and the figures expected of them; an expected figure lists
only what matters. ``absent: true`` expects that no such row exists.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.data_contracts.metric_ground import Ground, chosen

GOLDEN = Path(__file__).parents[1] / "golden" / "metrics"
SAYS = ("value", "value_date", "value_date_to", "value_text", "row_count", "flags", "unit")


def _cases() -> list[Any]:
    found = []
    for path in sorted(GOLDEN.glob("*.yaml")):
        for case in yaml.safe_load(path.read_text(encoding="utf-8"))["cases"]:
            found.append(pytest.param(case, id=f"{path.stem}: {case['case']}"))
    return found


@pytest.mark.parametrize("case", _cases())
def test_figures_are_the_golden_ones(case: dict[str, Any]) -> None:
    ground = Ground(chosen(case["metrics"]), case["cut_off"])
    for table, given in case["given"].items():
        same = given.get("same", {})
        ground.give(table, [{**same, **row} for row in given["rows"]])
    figures = {tuple(f[n] for n in _KEY): f for f in ground.figures()}
    for expected in case["expect"]:
        key = tuple(str(expected.get(n, d)) for n, d in zip(_KEY_WORDS, _DEFAULTS, strict=True))
        found = figures.get(key)
        if expected.get("absent"):
            assert found is None, f"{key} should not exist: {found}"
            continue
        assert found is not None, f"{key} is missing"
        for name in SAYS:
            if name in expected:
                assert found[name] == _typed(name, expected[name]), f"{key}: {name}"


_KEY = ("metric_id", "quarter", "period", "grain", "scope_code")
_KEY_WORDS = ("metric", "quarter", "period", "grain", "scope")
_DEFAULTS = ("", "2024Q3", "", "group", "")


def _typed(name: str, value: Any) -> Any:
    return Decimal(str(value)) if name == "value" and value is not None else value
