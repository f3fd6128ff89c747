"""What people read in the Dagster UI: words, owners and schemas on every asset, runs beside their job, a failed
source that shows red where it failed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from assets.publish.publication import loaded_since
from assets.staged.tables import create_all, create_staged
from data_contracts.contract_file import load_contracts
from data_contracts.outputs import load_outputs
from pipelines.build import build_defs
from pipelines.runs import LOCATION, WORKSPACE, prepare_instance, run_job
from resources.dagster_workspace import JibaoWorkspace
from resources.engine import Session
from resources.settings import load_settings
from resources.states import SOURCE_STATES, SourceStates
from resources.workspace import hold
from tests.pipelines.conftest import DAY

GROUPS = {"finance", "construction", "park", "organisation", "calendar", "quality", "reporting"}
NO_TABLE = {"staged/relationship", "publish/warehouse", "publish/verdict"}
NOON = datetime(DAY.year, DAY.month, DAY.day, 12, tzinfo=UTC)

DEFINITIONS = build_defs()
GRAPH = DEFINITIONS.resolve_asset_graph()
SPECS = {
    spec.key.to_user_string(): spec
    for asset in DEFINITIONS.assets or []
    if isinstance(asset, dg.AssetsDefinition)
    for spec in asset.specs
}


def asset(name: str) -> dg.AssetKey:
    return dg.AssetKey(name.split("/"))


def upstream(name: str) -> set[str]:
    """Everything ``name`` rests on."""
    found: set[str] = set()
    todo = [asset(name)]
    while todo:
        for parent in GRAPH.get(todo.pop()).parent_keys:
            if parent.to_user_string() not in found:
                found.add(parent.to_user_string())
                todo.append(parent)
    return found


@pytest.mark.parametrize("name", sorted(SPECS))
def test_an_asset_says_what_it_is_and_whose(name: str) -> None:
    spec = SPECS[name]
    assert spec.description
    assert len(spec.description) > 20, spec.description
    assert spec.group_name in GROUPS
    assert spec.owners
    assert all(owner.startswith("team:") for owner in spec.owners)
    assert spec.kinds


@pytest.mark.parametrize("name", sorted(set(SPECS) - NO_TABLE))
def test_a_table_says_its_grain_its_key_and_every_column(name: str) -> None:
    said = SPECS[name].metadata
    assert said["business_name"]
    assert said["grain"]
    assert said["natural_key"]
    assert said.get("dagster/table_name", name.replace("/", ".")) == name.replace("/", ".")
    schema = said["dagster/column_schema"]
    assert isinstance(schema, dg.TableSchema)
    assert schema.columns
    assert all(column.type and column.description for column in schema.columns)
    keys = [c.name for c in schema.columns if "key" in c.constraints.other]
    if not name.startswith("raw/") and said["natural_key"] != "none":
        assert set(keys) == set(str(said["natural_key"]).split(", "))


def test_a_raw_table_is_text_and_a_staged_one_is_typed_and_shows_no_restricted_column() -> None:
    raw, staged = (
        SPECS[f"{layer}/park_hazard"].metadata["dagster/column_schema"] for layer in ("raw", "staged")
    )
    assert {c.name: c.type for c in raw.columns}["found_date"] == "VARCHAR"
    assert {c.name: c.type for c in staged.columns}["found_date"] == "DATE"
    restricted = {c.name for c in load_contracts()["park_hazard"].restricted}
    assert restricted
    assert restricted.isdisjoint(c.name for c in staged.columns)


def test_every_check_job_and_schedule_says_what_it_does() -> None:
    assert all(GRAPH.get_check_spec(key).description for key in GRAPH.asset_check_keys)
    for job in DEFINITIONS.resolve_all_job_defs():
        assert job.name.startswith("__") or job.description, job.name
    assert all(s.description for s in DEFINITIONS.schedules or [] if isinstance(s, dg.ScheduleDefinition))


def test_core_rests_on_the_ledgers_it_reads_and_the_parents_of_held_rows_and_on_nothing_else() -> None:
    outputs = {f"core/{n.split('.')[1]}" for n in load_outputs() if n.startswith("core.")}
    assert not [name for name in outputs if "staged/relationship" in upstream(name)]
    assert {"staged/fin_voucher", "staged/fin_voucher_line"} <= {
        key.to_user_string() for key in GRAPH.get(asset("core/dim_park_history")).parent_keys
    }, "lines are held until their voucher comes"


def test_the_published_file_waits_for_every_table_of_a_night_and_for_no_partition() -> None:
    night = {name for name in SPECS if name.split("/")[0] in ("raw", "staged", "core", "mart")}
    # A partitioned table upstream of the night makes the UI warn before each run started by hand.
    assert upstream("publish/warehouse") == night | {"report/publication"}


def test_the_command_line_names_the_location_that_the_ui_loads() -> None:
    (entry,) = yaml.safe_load(WORKSPACE.read_text(encoding="utf-8"))["load_from"]
    assert entry["python_module"] == {"module_name": "pipelines.definitions", "location_name": LOCATION}


def test_a_run_of_the_command_line_stands_with_its_job_and_a_refused_one_says_who_holds(
    tmp_path: Path,
) -> None:
    ended = run_job(DEFINITIONS, "nightly", home=tmp_path, assets=[asset("core/dim_date")])
    assert ended.success, ended.cause
    with hold(load_settings(tmp_path), run_id="the-other-run"):
        refused = run_job(DEFINITIONS, "nightly", home=tmp_path, assets=[asset("core/dim_date")])
    assert refused.cause
    assert "held by run the-other-run" in refused.cause
    assert (ended.refused, refused.refused) == (False, True)
    prepare_instance(tmp_path)
    with dg.DagsterInstance.get() as instance:
        run = instance.get_run_by_id(ended.run_id)
    assert run
    assert run.tags[".dagster/repository"] == f"__repository__@{LOCATION}"
    assert run.remote_job_origin
    assert (run.remote_job_origin.location_name, run.remote_job_origin.job_name) == (LOCATION, "nightly")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A workspace with every staged table, all empty."""
    with hold(load_settings(tmp_path), run_id="set up", now=NOON) as ws, ws.engine.begin() as session:
        create_all(session)
        for contract in load_contracts().values():
            create_staged(session, contract)
    return tmp_path


def materialized(home: Path, *names: str, partition: str | None = None) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        list(DEFINITIONS.assets or []),  # type: ignore[arg-type]
        selection=dg.AssetSelection.assets(*(asset(name) for name in names)),
        resources={"workspace": JibaoWorkspace(home=str(home))},
        partition_key=partition,
        raise_on_error=False,
    )


def metadata(result: dg.ExecuteInProcessResult, name: str) -> Mapping[str, Any]:
    (event,) = result.asset_materializations_for_node(name.replace("/", "__"))
    return event.metadata


def test_a_core_table_shows_its_rows_its_sql_and_where_each_column_comes_from(home: Path) -> None:
    said = metadata(materialized(home, "core/fct_hazard"), "core/fct_hazard")
    assert said["dagster/row_count"].value == 0
    assert "FROM known.park_hazard" in said["sql"].value
    lineage = said["dagster/column_lineage"].value.deps_by_column
    source = dg.TableColumnDep(asset_key=asset("staged/park_hazard"), column_name="found_date")
    assert lineage["found_date"] == [source]
    assert "| found_date | staged/park_hazard.found_date |" in said["columns_from"].value


def test_a_staged_column_comes_from_the_landed_one(home: Path) -> None:
    result = materialized(home, "staged/park_hazard")
    said = metadata(result, "staged/park_hazard")
    assert said["source_state"].value == "answered"
    assert said["conservation"].value == "nothing landed"
    (dep,) = said["dagster/column_lineage"].value.deps_by_column["found_date"]
    assert (dep.asset_key, dep.column_name) == (asset("raw/park_hazard"), "found_date")
    checks = {e.check_name: e for e in result.get_asset_check_evaluations()}
    assert checks["warning"].passed
    assert checks["warning"].target_materialization_data, "filed with the materialization it judged"


def test_a_source_that_fails_shows_red_on_its_raw_table_and_the_run_goes_on(home: Path) -> None:
    result = materialized(home, "raw/con_safety_activity")
    assert result.success, "an optional table does not stop the run"
    (check,) = result.get_asset_check_evaluations()
    assert not check.passed
    assert check.severity is dg.AssetCheckSeverity.ERROR
    assert str(check.description).startswith("workbooks / con_safety_activity / ")
    assert metadata(result, "raw/con_safety_activity")["state"].value == "failed, last good version kept"


def test_a_report_refuses_a_quarter_without_figures(home: Path) -> None:
    with hold(load_settings(home), run_id="figures", now=NOON) as ws, ws.engine.begin() as session:
        for name in ("mart.quarterly_metric", "mart.reported_metric", "mart.claim_result"):
            _create_empty(session, name)
    result = materialized(home, "report/quarterly_bulletin", partition="2024-07-01")
    (failure,) = [e for e in result.all_events if e.is_step_failure]
    said = failure.step_failure_data.user_failure_data
    assert said
    assert said.description == (
        "mart.quarterly_metric / 2024Q3: no figure, none is computed yet → choose one of those, or run nightly"
    )


def _create_empty(session: Session, name: str) -> None:
    columns = ", ".join(f"{c.name} {c.type}" for c in load_outputs()[name].columns)
    session.run(f"CREATE TABLE {name} ({columns})")


def test_tables_loaded_after_the_last_publication_are_known(tmp_path: Path) -> None:
    with hold(load_settings(tmp_path), run_id="first", now=NOON) as ws:
        ws.decisions.append("load", ws.known_at, table="park_hazard")
        assert loaded_since(ws) == ["park_hazard"]
        ws.decisions.append("run", ws.known_at)
        assert loaded_since(ws) == []
        ws.decisions.append("load", ws.known_at, table="fin_voucher")
        assert loaded_since(ws) == ["fin_voucher"]


def test_a_table_that_is_left_out_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    states = SourceStates(tmp_path / SOURCE_STATES)
    raw = [asset("raw/park_hazard")]
    monkeypatch.setenv("JIBAO_LEAVE_OUT", "park_loi, park_hazard")
    assert run_job(DEFINITIONS, "nightly", home=tmp_path, assets=raw).success
    assert states.all() == {}
    monkeypatch.setenv("JIBAO_LEAVE_OUT", "park_loi")
    assert run_job(DEFINITIONS, "nightly", home=tmp_path, assets=raw).success
    assert "no address is set" in str(states.all()["park_hazard"].cause)
