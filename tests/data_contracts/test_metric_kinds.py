"""Kinds that no single ledger figure shows by itself: a state in words, and a sum of other metrics.

Belongs here: their figures and refusals on small ground. Keep out: figures of real definitions
(``test_metric_golden``).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from data_contracts.claim import Claim, Figure, evaluate
from data_contracts.metric import METRICS_DIR, Metric, load_metrics
from data_contracts.model import ContractError
from tests.data_contracts.metric_ground import Ground

CUT_OFF = date(2024, 10, 10)
METRICS = load_metrics()
STAGE: dict[str, Any] = {
    **METRICS["tenant_companies"].model_dump(by_alias=True),
    "id": "stage", "kind": "status", "expression": "max(incubation_stage)", "distinct_key": None,
    "filter": "enterprise_id = 'E1'", "grains": ["group"], "gap_policy": "exclude", "max_age_days": None,
    "additivity": {"not_over": ["quarter"], "instead": "a state has no total"},
}  # fmt: skip


def _stages(metric: dict[str, Any], rows: list[dict[str, Any]]) -> Ground:
    ground = Ground({"stage": Metric.model_validate(metric)}, CUT_OFF)
    ground.give("core.fct_tenant_stay", [{"enterprise_id": "E1", **row} for row in rows])
    return ground


def _stage(name: str, since: str, until: str | None) -> dict[str, Any]:
    return {"incubation_stage": name, "in_park_date": since, "exit_date": until}


STAGES = [
    _stage("seedbed", "2024-01-10", "2024-08-01"),
    _stage("incubator", "2024-08-01", "2024-10-05"),
    _stage("accelerator", "2024-10-05", None),
]


def test_a_status_is_the_word_that_held_at_the_as_of_date_and_the_day_it_was_reached() -> None:
    ground = _stages(STAGE, STAGES)
    third, second = (ground.figure("stage", q, "as_of") or {} for q in ("2024Q3", "2024Q2"))
    assert (third["value_text"], third["value_date"]) == ("incubator", date(2024, 8, 1))
    assert (second["value_text"], second["value_date"]) == ("seedbed", date(2024, 1, 10))
    assert third["value"] is None
    assert (ground.figure("stage", "2023Q4", "as_of") or {})["value_text"] is None


def test_a_status_at_the_cut_off_says_that_it_was_reached_after_the_period() -> None:
    figure = _stages({**STAGE, "window": "cut_off"}, STAGES).figure("stage", "2024Q3", "as_of") or {}
    assert (figure["value_text"], figure["flags"]) == ("accelerator", "after_period")


def test_things_in_different_states_have_no_state_together() -> None:
    rows = [_stage("seedbed", "2024-01-10", None), _stage("incubator", "2024-02-01", None)]
    figure = _stages(STAGE, rows).figure("stage", "2024Q3", "as_of") or {}
    assert (figure["value_text"], figure["flags"]) == (None, "several_states")


@pytest.mark.parametrize(("word", "verdict"), [("incubator", "pass"), ("seedbed", "fail"), (None, "fail")])
def test_a_claim_accepts_the_words_it_lists(word: str | None, verdict: str) -> None:
    claim = Claim.model_validate(
        {
            "seq": 1, "id": "stage", "quote": "x", "subject": "park", "class": "status", "printed": "",
            "unit": "status", "comparator": "status", "metric": "stage", "period": "as_of",
            "statuses": ["incubator", "accelerator"],
        }
    )  # fmt: skip
    result = evaluate(claim, Figure(value_text=word), Metric.model_validate(STAGE))
    assert (result.status, result.accepted) == (verdict, "incubator | accelerator")


def _sum(*terms: dict[str, Any], **change: Any) -> Metric:
    drills = METRICS["fire_drills"].model_dump(by_alias=True)
    nothing: dict[str, Any] = {"fact": None, "expression": None, "filter": "", "time": {}, "drill": []}
    return Metric.model_validate({**drills, **nothing, "id": "both", "kind": "sum", "terms": terms, **change})


def test_a_sum_adds_its_terms_at_every_grain() -> None:
    terms = {name: METRICS[name] for name in ("fire_drills", "heat_drills")}
    ground = Ground({**terms, "both": _sum(*({"metric": name} for name in terms))}, CUT_OFF)
    day = {"activity_date": "2024-07-03"}
    ground.give(
        "core.fct_safety_activity",
        [
            {"activity_type": "fire_drill", "org_code": "O1", **day},
            {"activity_type": "fire_drill", "org_code": "O2", **day},
            {"activity_type": "heat_drill", "org_code": "O2", **day},
        ],
    )
    figures = {
        (f["metric_id"], f["grain"], f["scope_code"]): f
        for f in ground.figures()
        if (f["quarter"], f["period"]) == ("2024Q3", "quarter")
    }
    assert figures["both", "group", ""]["value"] == Decimal(3)
    assert figures["both", "org", "O1"]["value"] == Decimal(1)
    assert figures["both", "org", "O2"]["value"] == Decimal(2)
    both, *alone = (figures[name, "group", ""] for name in ("both", "fire_drills", "heat_drills"))
    assert both["fingerprint"] == sum(f["fingerprint"] for f in alone)
    assert both["row_count"] == sum(f["row_count"] for f in alone)


def test_a_sum_may_add_what_was_done_in_the_year_and_what_remains() -> None:
    terms = {name: METRICS[name] for name in ("fire_drills", "tenant_companies")}
    both = _sum({"metric": "fire_drills", "period": "ytd"}, {"metric": "tenant_companies"}, periods=["as_of"])
    ground = Ground({**terms, "both": both}, CUT_OFF)
    ground.give("core.fct_safety_activity", [{"activity_type": "fire_drill", "activity_date": "2024-02-03"}])
    ground.give("core.fct_tenant_stay", [{"company_key": k, "in_park_date": "2024-01-01"} for k in "AB"])
    assert (ground.figure("both", "2024Q3", "as_of") or {})["value"] == Decimal(3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"terms": [{"metric": "fire_drills"}, {"metric": "no_such"}]}, "'no_such' is no number"),
        ({"terms": [{"metric": "fire_drills"}, {"metric": "one_plan_per_project"}]}, "is no number"),
        ({"terms": [{"metric": "fire_drills"}, {"metric": "tenant_companies"}]}, "has other periods"),
        (
            {
                "terms": [{"metric": "fire_drills", "period": "ytd"}, {"metric": "tenant_companies"}],
                "periods": ["as_of"],
                "grains": ["group", "org"],
            },
            "adds no further than its terms",
        ),
    ],
)
def test_a_sum_of_what_does_not_add_is_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    for name in ("fire_drills", "tenant_companies", "one_plan_per_project", "projects_with_plan",
                 "projects_under_construction"):  # fmt: skip
        (tmp_path / f"{name}.yaml").write_bytes((METRICS_DIR / f"{name}.yaml").read_bytes())
    document = yaml.safe_load((METRICS_DIR / "fire_drills.yaml").read_text(encoding="utf-8"))
    for name in ("fact", "expression", "filter", "time"):
        document.pop(name, None)
    document |= {"id": "both", "kind": "sum", "drill": [], **change}
    (tmp_path / "both.yaml").write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    with pytest.raises(ContractError, match=message):
        load_metrics(tmp_path)
