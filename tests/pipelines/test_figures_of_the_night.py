"""The first night on real systems: figures to the cent, every row accounted for."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import partial
from pathlib import Path

import dagster as dg
import pyarrow.parquet as pq
import pytest

from data_contracts import claim
from data_contracts.contract_file import load_contracts
from resources.raw_store import RawStore
from tests.data_contracts.catalogue import catalogue
from tests.pipelines.conftest import First
from tests.pipelines.homes import Place

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
    "park_renovation_investment": "12000000.00",
    "park_renovation_works": "12",
    "municipal_prep_done": "15",
    "charging_stalls_added": "89",
}
AS_OF = {
    "projects_under_construction": "19",
    "tenant_companies": "330",
    "loi_count_digital_community": "46",
    "loi_area_digital_community": "207684.35",
    "loi_area_choujiang": "15042.60",
    "service_stations": "3",
    "parks_passed_safety_review": "3",
    "parks_safety_review_in_progress": "8",
    "self_managed_safety_standard": "11",
    "municipal_prep_remaining": "9",
    "municipal_prep_total": "24",
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
    assert {table for table, _, _ in batches} == set(load_contracts()) & set(catalogue())
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
    # Whoever prepares a signature under a break, or an adjustment of a figure, answers for it by name.
    columns = {
        r[0]
        for r in first.published.rows(
            "SELECT DISTINCT column_name FROM duckdb_columns() WHERE table_name <> 'recon_break' "
            "AND table_name NOT LIKE '%adjustment%'"
        )
    }
    restricted = {"prepared_by", "checked_by", "posted_by", "changed_by", "leader", "responsible", "verifier"}
    assert not columns & restricted


def test_no_name_of_a_person_stands_in_any_published_cell(first: First) -> None:
    with Place(first.product).engine() as engine, engine.begin() as session:
        session.run(f"ATTACH '{first.night.file}' AS published (READ_ONLY)")
        restricted = session.rows(
            "SELECT table_name, column_name FROM duckdb_columns() WHERE database_name = 'private' "
            "AND schema_name = 'restricted' AND column_name <> '_row_hash'"
        )
        names = " UNION ".join(f'SELECT "{c}" AS name FROM private.restricted.{t}' for t, c in restricted)
        # A person may be a customer under the same name: that name is a counterparty's, and public.
        session.run(
            f"CREATE TEMP TABLE names AS SELECT name FROM ({names}) WHERE name IS NOT NULL "
            "AND name NOT IN (SELECT name FROM published.staged.fin_counterparty)"
        )
        (known,) = session.row("SELECT count(*) FROM names")
        assert known > 100
        texts = session.rows(
            "SELECT c.schema_name || '.' || c.table_name, c.column_name FROM duckdb_columns() AS c "
            "JOIN duckdb_tables() AS t USING (database_name, schema_name, table_name) "
            "WHERE c.database_name = 'published' AND c.data_type = 'VARCHAR'"
        )
        found = [
            f"{table}.{column}"
            for table, column in texts
            if session.row(f'SELECT count(*) FROM published.{table} WHERE "{column}" IN (FROM names)')[0]
        ]
    assert len(texts) > 300
    assert found == []


def test_what_was_landed_is_what_was_counted(first: First) -> None:
    place = Place(first.product)
    counted = {
        (table, batch): (landed, new)
        for table, batch, landed, new in first.published.rows(
            "SELECT table_name, batch_id, landed, new_version FROM mart.conservation"
        )
    }
    for (table, batch), (landed, new) in counted.items():
        parquet = place.home / "raw" / table / batch / "part-000.parquet"
        assert pq.read_metadata(parquet).num_rows == landed
        rows = first.published.value(f"SELECT count(*) FROM staged.{table} WHERE _batch_id = :b", b=batch)
        assert rows == new


@pytest.mark.parametrize("source", ["raw", "decisions"])
def test_what_cannot_be_rebuilt_is_kept(first: First, source: str) -> None:
    """Raw batches and the log are all the state there is: both prove themselves."""
    place = Place(first.product)
    if source == "decisions":
        assert place.decisions.verify() == place.last_run()["seq"]
        return
    store = RawStore(place.home / "raw")
    for table in sorted(set(load_contracts()) & set(catalogue())):
        manifests = list(store.manifests(table))
        for manifest in manifests:
            store.verify(manifest)
        assert sum(manifest.rows for manifest in manifests) > 0


def test_no_figure_knows_what_the_bulletin_says(
    first: First, copied: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "claims"
    other.mkdir()
    text = (claim.CLAIMS_DIR / "2024Q3.yaml").read_text(encoding="utf-8")
    assert "low: '330'\n    high: '330'" in text
    text = text.replace("low: '330'\n    high: '330'", "low: '331'\n    high: '331'")
    (other / "2024Q3.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setattr("assets.mart.claims.load_bulletin", partial(claim.load_bulletin, root=other))
    steps = [["mart", "quarterly_metric"], ["mart", "claim_result"], ["publish", "warehouse"]]
    outcome = copied.job("nightly", assets=[dg.AssetKey(step) for step in steps])
    assert outcome.success, outcome.cause
    assert copied.figures() == first.night.figures
    assert copied.fingerprints() == first.night.fingerprints
    said = copied.jibao("claims", "2024Q3", "--format", "json")
    assert [c["id"] for c in json.loads(said.out) if c["status"] == "fail"] == ["tenant_companies"]
    assert said.code == 1, "a claim that fails ends the command with 1"
