"""One writer at a time, and a writer that dies: nothing is lost, and nobody reads half of anything."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from data_contracts.contract_file import load_contracts
from resources.settings import load_settings
from resources.workspace import hold, stamp
from tests.pipelines.conftest import First, Night
from tests.pipelines.homes import Place

pytestmark = [pytest.mark.integration, pytest.mark.slow]

HISTORY = "SELECT * FROM mart.quarterly_metric_history ORDER BY ALL"

_HOLD = """
import sys
from pathlib import Path
from resources.settings import load_settings
from resources.workspace import hold
with hold(load_settings(Path(sys.argv[1])), run_id="the-other-run"):
    print("held", flush=True)
    sys.stdin.read()
"""


@dataclass(frozen=True)
class Held:
    """A home that another process holds."""

    place: Place
    holder: subprocess.Popen[str]


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Held]:
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    yield Held(Place(tmp_path), holder)
    holder.communicate()


def test_a_second_run_is_refused_and_names_the_holder(held: Held) -> None:
    said = held.place.jibao("nightly")
    assert said.code == 1
    assert f"{held.place.home} is held by" in said.err
    assert f"by run the-other-run (process {held.holder.pid})" in said.err
    assert "wait for it to end, or stop it" in said.err
    assert "jibao status" not in said.err, "a run that did nothing made nothing stale"
    assert not (held.place.home / "raw").exists(), "nothing was extracted"


def test_the_lock_ends_with_a_holder_that_is_killed(held: Held) -> None:
    held.holder.kill()
    held.holder.wait()
    with hold(load_settings(held.place.home), run_id="the-next-run"):
        now = json.loads((held.place.home / "lock").read_text(encoding="utf-8"))
    assert now["run_id"] == "the-next-run"


@pytest.mark.extended
def test_the_run_was_killed_in_the_middle_of_staging(first: First, killed: Night) -> None:
    assert first.disturbance is not None
    assert 0 < len(first.disturbance.loaded) < len(load_contracts())
    assert not first.disturbance.published_by_the_killed, "readers kept the night before"


@pytest.mark.extended
def test_the_run_after_it_gives_the_fingerprints_of_an_undisturbed_night(
    second: Night, killed: Night
) -> None:
    assert killed.fingerprints == second.fingerprints
    assert killed.figures == second.figures


@pytest.mark.extended
def test_the_run_after_it_publishes_and_adds_nothing_to_the_history(second: Night, killed: Night) -> None:
    assert killed.file.name == f"warehouse-{stamp(datetime.fromisoformat(killed.entry['at']))}.duckdb"
    assert killed.place.rows(HISTORY, killed.file) == second.place.rows(HISTORY, second.file)


@pytest.mark.extended
def test_work_files_that_were_lost_come_back_with_the_same_fingerprints(
    second: Night, rebuilt: Night
) -> None:
    assert rebuilt.fingerprints == second.fingerprints
    assert rebuilt.figures == second.figures


@pytest.mark.extended
def test_the_history_is_rebuilt_as_it_was_written(second: Night, rebuilt: Night) -> None:
    assert rebuilt.place.rows(HISTORY, rebuilt.file) == second.place.rows(HISTORY, second.file)


@pytest.mark.extended
def test_the_log_is_whole_and_nothing_half_written_is_left(rebuilt: Night) -> None:
    assert rebuilt.place.decisions.verify() == rebuilt.entry["seq"]
    assert not list((rebuilt.place.home / "raw" / ".partial").glob("*"))


@pytest.mark.extended
def test_every_batch_is_accounted_for_once(rebuilt: Night) -> None:
    doubled = rebuilt.place.rows(
        "SELECT table_name, batch_id FROM mart.conservation GROUP BY ALL HAVING count(*) > 1 OR NOT bool_and(holds)",
        rebuilt.file,
    )
    assert doubled == []
    batches = {(e["table"], e["batch_id"]) for e in rebuilt.place.decisions.entries("batch")}
    loaded = set(rebuilt.place.rows("SELECT table_name, batch_id FROM mart.conservation", rebuilt.file))
    assert loaded == batches
