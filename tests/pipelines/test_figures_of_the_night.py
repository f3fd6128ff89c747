"""The first two nights on real systems: figures to the cent, every row accounted for, nothing moves unasked."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.pipelines.conftest import First, Night

pytestmark = [pytest.mark.integration, pytest.mark.slow]

YTD = {
    "effective_investment": "5396238400.00",
    "concrete_revenue": "184936527.80",
    "concrete_volume": "550126.50",
    "hazards_rectified": "1485",
    "flood_inspections": "47",
    "safety_inspections": "164",
    "fire_drills": "45",
    "heat_drills": "14",
    "enterprise_events": "14",
    "enterprise_event_company_visits": "354",
    "enterprise_event_person_visits": "1327",
    "park_safety_trainings": "41",
    "park_emergency_drills": "36",
    "park_safety_publicity": "48",
    "park_safety_people_covered": "7860",
}
AS_OF = {
    "projects_under_construction": "19",
    "tenant_companies": "330",
    "loi_count_digital_community": "46",
    "loi_area_digital_community": "207684.35",
    "loi_area_choujiang": "15042.60",
}


@pytest.mark.parametrize(
    ("metric", "period", "expected"),
    [(m, "ytd", v) for m, v in YTD.items()] + [(m, "as_of", v) for m, v in AS_OF.items()],
)
def test_the_figures_of_2024q3_come_out_of_the_ledgers(
    first: First, metric: str, period: str, expected: str
) -> None:
    assert first.night.figures[metric, "2024Q3", period, "group", ""][0] == Decimal(expected)


def test_every_claim_that_is_computed_holds(first: First) -> None:
    failed = first.published.rows(
        "SELECT claim_id, computed, accepted, reason FROM mart.claim_result WHERE status = 'fail'"
    )
    assert failed == []
    assert first.published.value("SELECT count(*) FROM mart.claim_result WHERE status = 'pass'") >= 41


def test_no_row_disappears(first: First) -> None:
    batches = first.published.rows("SELECT table_name, holds, landed FROM mart.conservation")
    assert len({table for table, _, _ in batches}) == 17
    assert all(holds for _, holds, _ in batches)
    assert sum(landed for _, _, landed in batches) > 400_000


def test_both_back_ends_counted_every_rule_alike(first: First) -> None:
    apart = first.published.rows(
        "SELECT rule_id, violations, expectation_violations FROM mart.data_quality WHERE batch_id <> 'relationship' "
        "AND violations IS DISTINCT FROM expectation_violations"
    )
    assert apart == []


def test_every_published_table_and_column_is_described(first: First) -> None:
    bare = first.published.rows(
        "SELECT schema_name, table_name, column_name FROM duckdb_columns() WHERE NOT internal AND comment IS NULL"
    )
    assert bare == []


def test_names_of_persons_are_not_published(first: First) -> None:
    columns = {r[0] for r in first.published.rows("SELECT DISTINCT column_name FROM duckdb_columns()")}
    restricted = {"prepared_by", "checked_by", "posted_by", "changed_by", "leader", "responsible", "verifier"}
    assert not columns & restricted


def test_a_second_night_with_nothing_new_moves_nothing(first: First, second: Night) -> None:
    assert second.entry["fingerprints"] == first.night.entry["fingerprints"]
    assert second.figures == first.night.figures
    later = "known_at > (SELECT min(known_at) FROM mart.conservation)"
    new = second.place.value(f"SELECT sum(new_version) + sum(deleted) FROM mart.conservation WHERE {later}")
    assert new == 0
