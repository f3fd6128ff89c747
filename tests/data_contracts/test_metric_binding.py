"""Definitions are held against the tables they read before any night runs them.

Belongs here: what a metric may not name. Keep out: fields that do not fit together (``test_metric_model``).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from data_contracts import metric_binding
from data_contracts.metric import METRICS_DIR, Metric, load_metrics
from data_contracts.metric_binding import faults
from data_contracts.model import ContractError
from pipelines.build import build_defs

GOLDEN = Path(__file__).parents[1] / "golden" / "metric_binding.yaml"
CASES = yaml.safe_load(GOLDEN.read_text(encoding="utf-8"))["cases"]


def _changed(name: str, change: Mapping[str, Any]) -> Metric:
    document = yaml.safe_load((METRICS_DIR / f"{name}.yaml").read_text(encoding="utf-8"))
    return Metric.model_validate({**document, **change})


def _said(metric: Metric) -> list[str]:
    return [str(fault).removeprefix(f"{METRICS_DIR}/") for fault in faults({metric.id: metric})]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["case"])
def test_a_metric_names_what_its_tables_have(case: Mapping[str, Any]) -> None:
    said = _said(_changed(case["metric"], case["change"]))
    if not case["says"]:
        assert said == []
        return
    (fault,) = said
    assert fault.startswith(f"{case['metric']}.yaml: {case['says'].strip()}")
    assert "→" in fault
    assert "\n" not in fault


def test_every_fault_of_a_metric_is_told() -> None:
    change = {"expression": "sum(amount)", "grains": ["group", "park"], "drill": ["day"]}
    assert [fault.split(": ")[1] for fault in _said(_changed("effective_investment", change))] == [
        "grains", "drill", "expression",
    ]  # fmt: skip


def test_the_products_metrics_are_bound() -> None:
    assert [str(fault) for fault in faults()] == []


def test_a_metric_that_no_night_could_run_is_refused_before_one_begins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong = _changed("fire_drills", {"filter": "activity_type = 'drill'"})
    monkeypatch.setattr(metric_binding, "load_metrics", lambda: {**load_metrics(), wrong.id: wrong})
    with pytest.raises(ContractError, match="'drill' is no word of activity_type"):
        build_defs()
