"""Claims: what the bulletin says, and how a figure is held against it.

Belongs here: judging and printing. Keep out: how figures come about.
"""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from data_contracts.calendar import date_range
from data_contracts.claim import (
    CLAIMS_DIR,
    Claim,
    Figure,
    accepted_text,
    bulletins,
    display,
    evaluate,
    load_bulletin,
)
from data_contracts.metric import load_metrics
from data_contracts.model import ContractError

BULLETIN = load_bulletin("2024Q3")
CLAIMS = {claim.id: claim for claim in BULLETIN.claims}
METRICS = load_metrics()


def _judge(claim_id: str, figure: Figure | None) -> tuple[str, str]:
    claim = CLAIMS[claim_id]
    result = evaluate(claim, figure, METRICS[claim.metric] if claim.metric else None)
    return result.status, result.reason


def test_the_bulletin_is_whole() -> None:
    assert bulletins() == ("2024Q3",)
    assert (BULLETIN.as_of, BULLETIN.cut_off) == (date(2024, 9, 30), date(2024, 10, 10))
    assert len(BULLETIN.claims) == 105
    assert sum(claim.metric is not None for claim in BULLETIN.claims) >= 40


def test_what_is_not_computed_says_why() -> None:
    for claim in BULLETIN.claims:
        if claim.metric is None:
            result = evaluate(claim)
            assert result.status == "not_computed"
            assert len(result.reason) > 15
            assert result.value == ""
    assert CLAIMS["effective_investment_rank"].reason.startswith("needs figures of the other state-owned")
    assert "does not hold" in CLAIMS["effective_investment_rank"].reason


@pytest.mark.parametrize(
    ("claim_id", "value", "status"),
    [
        ("projects_under_construction", 19, "pass"),
        ("projects_under_construction", 20, "fail"),
        ("effective_investment_ytd", "5395500000.00", "pass"),
        ("effective_investment_ytd", "5395499999.99", "fail"),
        ("effective_investment_ytd", "5396499999.99", "pass"),
        ("effective_investment_ytd", "5396500000.00", "fail"),
        ("enterprise_event_company_visits_ytd", 350, "fail"),
        ("enterprise_event_company_visits_ytd", 351, "pass"),
        ("enterprise_event_company_visits_ytd", 360, "fail"),
        ("loi_area_choujiang", "15499.99", "pass"),
        ("loi_area_choujiang", "15500", "fail"),
        ("loi_area_digital_community", "207684.35", "pass"),
        ("concrete_revenue_ytd", "180000000.00", "fail"),
        ("concrete_revenue_ytd", "180000000.01", "pass"),
        ("concrete_revenue_ytd", "190000000.00", "fail"),
        ("steel_trade", 0, "fail"),
        ("steel_trade", "62318540.75", "pass"),
        ("delivery_tracking_full_process", "0.979999", "fail"),
        ("delivery_tracking_full_process", "0.983", "pass"),
        ("tax_salon_event", 0, "fail"),
        ("tax_salon_event", 3, "pass"),
        ("one_plan_per_project", "0.947368", "fail"),
    ],
)
def test_a_number_is_held_against_the_accepted_range(claim_id: str, value: int | str, status: str) -> None:
    verdict, reason = _judge(claim_id, Figure(value=Decimal(value), row_count=1))
    assert verdict == status
    assert bool(reason) == (status == "fail")


@pytest.mark.parametrize(
    ("claim_id", "first", "last", "status"),
    [
        ("shangjiang_garden_delivery", date(2024, 8, 11), None, "pass"),
        ("shangjiang_garden_delivery", date(2024, 8, 21), None, "fail"),
        ("hightech_park_p1_opening", date(2024, 9, 10), None, "pass"),
        ("hightech_park_p1_opening", date(2024, 9, 9), None, "fail"),
        ("digital_economy_platform_basement", date(2024, 10, 10), None, "pass"),
        ("xiaozici_hefu_delivery_forecast", date(2024, 10, 11), date(2024, 10, 31), "pass"),
        ("xiaozici_hefu_delivery_forecast", date(2024, 10, 15), date(2024, 10, 20), "pass"),
        ("xiaozici_hefu_delivery_forecast", date(2024, 10, 10), date(2024, 10, 31), "fail"),
        ("xiaozici_hefu_delivery_forecast", date(2024, 10, 11), date(2024, 11, 1), "fail"),
        ("xiaozici_hefu_delivery_forecast", None, date(2024, 10, 31), "fail"),
        ("project_start_push_fashion_smart_park", date(2024, 9, 1), date(2024, 12, 31), "pass"),
        ("project_start_push_fashion_smart_park", date(2024, 8, 1), date(2024, 9, 30), "fail"),
    ],
)
def test_dates_lie_inside_the_range(
    claim_id: str, first: date | None, last: date | None, status: str
) -> None:
    assert _judge(claim_id, Figure(value_date=first, value_date_to=last))[0] == status


def test_an_open_list_must_hold_the_names() -> None:
    names = "芯卓、芯秦微、归谷科技、豪晨"
    assert _judge("new_named_tenants", Figure(value=Decimal(5), value_text=names))[0] == "pass"
    verdict, reason = _judge(
        "new_named_tenants", Figure(value=Decimal(5), value_text="芯卓、芯秦微、归谷科技")
    )
    assert (verdict, reason) == ("fail", "not among the members: 豪晨")
    assert _judge("new_named_tenants", Figure(value=Decimal(3), value_text=names))[0] == "fail"


def test_a_figure_that_is_missing_or_empty_fails() -> None:
    assert _judge("concrete_revenue_ytd", None) == ("fail", "no figure of concrete_revenue_jianke at group")
    assert _judge("shangjiang_garden_delivery", Figure(flags="not_current")) == (
        "fail",
        "no ledger row answers; flags: not_current",
    )
    assert _judge("projects_under_construction", Figure(value_date=date(2024, 9, 30)))[0] == "fail"


def test_a_target_is_shown_and_not_judged() -> None:
    claim = CLAIMS["acceptance_defect_target"]
    result = evaluate(claim, Figure(value=Decimal(7), row_count=7), METRICS["acceptance_defect_target"])
    assert (result.status, result.value, result.accepted) == ("not_computed", "7个", "")
    assert "a goal of the text" in result.reason


def test_flags_of_a_figure_are_told_and_do_not_judge() -> None:
    verdict, reason = _judge("fire_drills_ytd", Figure(value=Decimal(45), flags="gap:1"))
    assert (verdict, reason) == ("pass", "flags: gap:1")


def test_a_figure_is_read_from_a_row_of_the_mart() -> None:
    row = {"metric_id": "fire_drills", "quarter": "2024Q3", "value": Decimal(45), "value_date": None,
           "value_date_to": None, "value_text": None, "row_count": 45, "flags": None}  # fmt: skip
    assert Figure.of(row) == Figure(value=Decimal(45), row_count=45)


@pytest.mark.parametrize(
    ("metric", "value", "printed"),
    [
        ("effective_investment", "5396238400.00", "53.96亿元"),
        ("effective_investment", "5395500000", "53.96亿元"),
        ("effective_investment", "5395499999.99", "53.95亿元"),
        ("effective_investment", "-5395500000", "-53.96亿元"),
        ("concrete_volume", "550126.50", "55万立方米"),
        ("concrete_volume", "545000", "55万立方米"),
        ("loi_area_digital_community", "207684.35", "20.77万平方米"),
        ("tenant_companies", "330.000000", "330家"),
        ("delivery_tracking_full_process", "0.983456", "98.3%"),
        ("hazards_rectified", "1485", "1485处"),
    ],
)
def test_a_value_prints_in_display_units_half_up(metric: str, value: str, printed: str) -> None:
    assert display(METRICS[metric], Decimal(value)) == printed


def test_dates_print_as_days_and_ranges() -> None:
    metric = METRICS["xiaozici_hefu_delivery_forecast"]
    first, last = date(2024, 10, 11), date(2024, 10, 31)
    assert display(metric, first, last) == "2024-10-11…2024-10-31"
    assert display(metric, first, first) == display(metric, first) == "2024-10-11"
    assert display(metric, None, last) == "…2024-10-31"
    assert display(metric, None) == "–"


def _range_of(claim: Claim) -> tuple[Any, Any]:
    """The accepted range as the printed words alone give it: an oracle beside the file."""
    if claim.unit in ("date", "month"):
        return date_range(claim.printed)
    digits = "".join(c for c in claim.printed if c.isdigit() or c == ".")
    metric = METRICS.get(claim.metric or "")
    per_unit = metric.display.divisor if metric else {"亿元": 10**8, "万元": 10**4}.get(claim.unit, 1)
    number, factor = Decimal(digits), Decimal(per_unit)
    cent = Decimal("0.01") if claim.unit[0] in "亿万%" else Decimal(1)
    if claim.comparator == "slightly_more":
        step = Decimal(10) ** (len(digits) - len(digits.rstrip("0")))
        return number + 1, number + step - 1
    if claim.comparator == "more_than":
        step = Decimal(1).scaleb(number.as_tuple().exponent)  # type: ignore[arg-type]
        return number * factor + cent, (number + step) * factor - cent
    if claim.comparator == "at_least":
        return number, None
    if claim.comparator in ("exact", "about", "derived") and cent != 1:
        half = Decimal(1).scaleb(number.as_tuple().exponent) / 2  # type: ignore[arg-type]
        return (number - half) * factor, (number + half) * factor - cent
    return number, number


@pytest.mark.parametrize("claim", [c for c in BULLETIN.claims if c.low is not None], ids=lambda c: c.id)
def test_accepted_ranges_follow_from_the_printed_words(claim: Claim) -> None:
    if claim.comparator in ("rule", "open_ended", "exists", "before") or claim.id in _NOT_ROUNDED:
        pytest.skip("the range is a rule of the text, not of a printed number")
    low, high = _range_of(claim)
    assert claim.low == low
    assert claim.high == high or (claim.high is None and claim.comparator in ("at_least", "enumerated"))


_NOT_ROUNDED = {"wulian_road_section1_progress", "major_projects_total_investment"}
"""100 % is a state, reached or not; the total of two printed amounts has the roundings of both."""


def test_accepted_ranges_print() -> None:
    assert accepted_text(CLAIMS["tenant_companies"]) == "330"
    assert accepted_text(CLAIMS["effective_investment_ytd"]) == "5,395,500,000 … 5,396,499,999.99"
    assert accepted_text(CLAIMS["tax_salon_event"]) == ">= 1"
    assert accepted_text(CLAIMS["new_named_tenants"]) == ">= 4: 芯卓、芯秦微、归谷科技、豪晨"
    assert accepted_text(CLAIMS["four_plus_four_system"]) == ""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"metric": "no_such_metric"}, "no metric no_such_metric"),
        ({"reason": "and a reason"}, "a metric or a reason, not both"),
        ({"low": None, "high": None}, "a check that cannot fail"),
        ({"low": 5395500000.5}, "binary fraction"),
        ({"period": "as_of"}, "has no as_of at group"),
        ({"scope": "park/PK-01"}, "has no ytd at park"),
        ({"scope": "moon"}, "scope"),
        ({"names": ["芯卓"]}, "names that the metric does not list"),
        ({"seq": 7}, "numbers with gaps"),
        ({"comparator": "roughly"}, "comparator"),
    ],
)
def test_a_claim_that_would_be_guessed_is_refused(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    document = yaml.safe_load((CLAIMS_DIR / "2024Q3.yaml").read_text(encoding="utf-8"))
    claim = next(c for c in document["claims"] if c["id"] == "effective_investment_ytd")
    document["claims"] = [{**claim, "seq": 1, **change}]
    (tmp_path / "2024Q3.yaml").write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    with pytest.raises(ContractError, match=message):
        load_bulletin("2024Q3", tmp_path)


def test_a_quarter_without_a_bulletin_is_named() -> None:
    with pytest.raises(ContractError, match=r"2023Q1\.yaml: file: no bulletin of that quarter"):
        load_bulletin("2023Q1")


def test_rounding_is_half_up_not_half_even() -> None:
    metric = METRICS["concrete_volume"]
    assert (
        display(metric, Decimal(525000)) == f"{Decimal('52.5').quantize(Decimal(1), ROUND_HALF_UP)}万立方米"
    )
    assert display(metric, Decimal(525000)) == "53万立方米"
