"""Metric files: what is refused, what changes the hash, which totals are refused.

Belongs here: reading and checking definitions. Keep out: figures (``test_metric_golden``).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from data_contracts.claim import load_bulletin
from data_contracts.metric import METRICS_DIR, Metric, definition_hash, load_metric, load_metrics, refusal
from data_contracts.metric_docs import CATALOGUE, COMMAND, metric_catalogue
from data_contracts.metric_parts import Part
from data_contracts.metric_sql import GRAIN_COLUMNS
from data_contracts.metric_terms import parse_expression, parse_key
from data_contracts.model import ContractError
from data_contracts.outputs import load_outputs


def _document(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((METRICS_DIR / f"{name}.yaml").read_text(encoding="utf-8"))
    return document


def _load(tmp_path: Path, document: dict[str, Any], name: str = "") -> Metric:
    path = tmp_path / f"{name or document.get('id', 'x')}.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    return load_metric(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"definition": None}, "definition"),
        ({"owner": ""}, "owner"),
        ({"colour": "red"}, "colour: is not a field of a metric"),
        ({"kind": "mood"}, "kind"),
        ({"kind": "status"}, "do not date it"),
        ({"kind": "sum"}, "does not belong to this kind"),
        ({"expression": "avg(amount_cny)"}, "divides decimals"),
        ({"expression": "sum(amount_cny) / count(*)"}, "divides decimals"),
        ({"expression": "sum(amount_cny * ytd_cny)"}, "multiplies without a cast"),
        ({"expression": "count(DISTINCT project_code)"}, "kind distinct"),
        ({"expression": "max(month_end)"}, "max in a flow"),
        ({"expression": "sum(dim_project.planned_total_cny)"}, "over columns of the fact"),
        ({"filter": "amount_cny > (SELECT 1)"}, "query of its own"),
        ({"filter": "sum(amount_cny) > 1"}, "aggregates"),
        ({"filter": "dim_moon.phase = 'full'"}, "dim_moon.phase is not known"),
        ({"filter": "dim_quarter.is_current"}, "is not known"),
        ({"filter": "amount_cny >"}, "does not parse"),
        ({"filter": "TRUE; DROP TABLE core.fct_investment"}, "."),
        ({"time": {"from": "month_end"}}, "do not date it"),
        ({"time": {}}, "do not date it"),
        ({"periods": ["as_of"]}, "periods"),
        ({"window": "cut_off"}, "only events, forecasts and states"),
        ({"max_age_days": 3}, "carry_forward"),
        ({"gap_policy": "carry_forward"}, "carry_forward"),
        ({"filter": "project_code = named_project(org_code)"}, "has no names"),
        ({"distinct_key": "project_code"}, "does not belong to this kind"),
        ({"kind": "stock", "time": {"from": "month_end"}, "periods": ["as_of"]}, "quarter missing"),
        ({"additivity": {"not_over": ["org"]}}, "additivity.instead"),
        ({"grains": []}, "grains"),
    ],
)
def test_a_definition_that_would_be_guessed_is_refused(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    document = {**_document("effective_investment"), **change}
    with pytest.raises(ContractError) as refused:
        _load(tmp_path, document)
    assert message in str(refused.value)
    assert "effective_investment.yaml" in str(refused.value)
    assert "→" in str(refused.value)


@pytest.mark.parametrize("field", sorted(f for f, i in Metric.model_fields.items() if i.is_required()))
def test_every_field_must_be_said(tmp_path: Path, field: str) -> None:
    document = _document("effective_investment")
    del document[field]
    with pytest.raises(ContractError, match=f"{field}: is missing → every metric says it"):
        _load(tmp_path, document, "effective_investment")


def test_file_and_id_are_one_word(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="use one word for both"):
        _load(tmp_path, _document("fire_drills"), "fire_drill")


def test_a_ratio_divides_two_metrics_of_its_periods(tmp_path: Path) -> None:
    for name in ("delivery_tracking_full_process", "concrete_tickets_signed", "concrete_tickets_tracked"):
        document = _document(name)
        if document.get("ratio"):
            document["ratio"]["denominator"] = "concrete_tickets"
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    with pytest.raises(ContractError, match="'concrete_tickets' is no number to divide"):
        load_metrics(tmp_path)


def test_the_hash_follows_what_changes_a_value() -> None:
    metrics = load_metrics()
    metric = metrics["effective_investment"]
    same = metric.model_copy(
        update={
            "definition": "other words",
            "version": 9,
            "drill": (),
            "grains": ("group",),
            "filter": metric.filter + "\n",
        }
    )
    assert definition_hash(same, metrics) == definition_hash(metric, metrics)
    for change in (
        {"filter": metric.filter + " AND revision = 1"},
        {"expression": "sum(ytd_cny)"},
        {"unit": "yuan"},
    ):
        assert definition_hash(metric.model_copy(update=change), metrics) != definition_hash(metric, metrics)


def test_the_hash_of_a_ratio_follows_its_inputs() -> None:
    metrics = dict(load_metrics())
    ratio = metrics["one_plan_per_project"]
    before = definition_hash(ratio, metrics)
    plan = metrics["projects_with_plan"]
    metrics["projects_with_plan"] = plan.model_copy(update={"filter": "dim_project.plan_doc_no <> ''"})
    assert definition_hash(ratio, metrics) != before


def test_a_total_that_would_mean_nothing_is_refused_with_the_reason() -> None:
    metrics = load_metrics()
    assert "may stay in two parks" in str(refusal(metrics["tenant_companies"], "park"))
    assert "divide the sums" in str(refusal(metrics["delivery_tracking_full_process"], "org"))
    assert "its grains are group, org" in str(refusal(metrics["concrete_revenue"], "park"))
    assert "a date has no total" in str(refusal(metrics["shangjiang_garden_delivery"], "quarter"))
    assert refusal(metrics["effective_investment"], "project") is None
    assert refusal(metrics["effective_investment"], "quarter") is None


@pytest.mark.parametrize("metric", load_metrics().values(), ids=lambda m: m.id)
def test_a_metric_reads_columns_that_its_fact_promises(metric: Metric) -> None:
    if metric.fact is None:
        return
    outputs = load_outputs()
    promised = {c.name for c in outputs[f"core.{metric.fact}"].columns}
    part = Part.of(0, metric)
    read = {*part.key_columns, *metric.drill, *(GRAIN_COLUMNS[g] for g in metric.grains if g != "group")}
    read |= {c for t in part.static for c in t.columns} | {"_source_table", "_source_key", "_row_hash"}
    if metric.expression:
        term = parse_expression(metric.expression)[1]
        read |= set(term.columns if term else ())
    if metric.distinct_key:
        read |= set(parse_key(metric.distinct_key).columns)
    assert read <= promised, f"core.{metric.fact} promises no {read - promised}"
    for term in part.dynamic:
        for column in term.tree.find_all(*_columns()):
            if column.table.startswith("dim_") and column.table != "dim_quarter":
                history = {c.name for c in outputs[f"core.{column.table}_history"].columns}
                assert column.name in history, f"core.{column.table}_history promises no {column.name}"


def _columns() -> tuple[Any, ...]:
    from sqlglot import exp

    return (exp.Column,)


def test_every_claim_id_of_a_metric_is_the_metric_or_begins_it_without_its_period() -> None:
    """Two claims speak of less than the metric of their name: one company's revenue, a share."""
    for claim in load_bulletin("2024Q3").claims:
        if claim.metric:
            assert claim.metric.startswith(claim.id.removesuffix("_ytd"))


def test_no_claim_holds_a_code() -> None:
    assert {claim.scope for claim in load_bulletin("2024Q3").claims} == {"group"}


def test_the_catalogue_says_what_the_definitions_say() -> None:
    assert CATALOGUE.read_text(encoding="utf-8") == metric_catalogue(load_metrics()), (
        f"docs/metrics.md is out of date: run {COMMAND}"
    )


def test_projects_and_parks_are_named_and_not_coded() -> None:
    """Codes are those of one group's ledgers: a metric that holds one counts nothing of another's."""
    coded = re.compile(r"(project|park|section)_code (=|IN|<>) \(?'[^']|(CT|PK)-\d")
    for metric in load_metrics().values():
        text = f"{metric.filter} {metric.expression} {metric.distinct_key} {dict(metric.members)}"
        assert not coded.search(text), metric.id
