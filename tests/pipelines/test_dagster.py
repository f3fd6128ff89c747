"""What Dagster sees: the graph, the jobs, the schedule; and that loading them touches nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from dagster._utils.schedules import schedule_execution_time_iterator

from pipelines.build import build_defs
from pipelines.jobs import nightly_schedule
from tests.pipelines.conftest import First
from tests.pipelines.graph import RENEW, SNAPSHOT, as_text, asset_graph
from tests.pipelines.homes import Place

_LOAD = """
import os, sys
own, touched = tuple(sys.argv[1].split(os.pathsep)), []
def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.bind", "os.mkdir", "os.rename"):
        touched.append(f"{event} {arguments}")
    # A library asks `file` whether this Python is of 64 bits.
    if event == "subprocess.Popen" and arguments[0] != "file":
        touched.append(f"{event} {arguments}")
    if event == "open" and isinstance(arguments[0], str) and not arguments[0].endswith("__path_hook__"):
        path, _, flags = arguments
        writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and path != "/dev/null"
        if writes or not os.path.realpath(path).startswith(own):
            touched.append(f"open {path}")
sys.addaudithook(watch)
import pipelines.definitions
touched += [f"import {name}" for name in ("great_expectations", "duckdb", "pandas", "demo") if name in sys.modules]
print("\\n".join(touched))
"""
_SYSTEM = ("/usr", "/etc", "/proc", "/sys", "/dev", "/lib")


def test_the_asset_graph_is_the_one_on_record() -> None:
    found = as_text(asset_graph(build_defs()))
    assert json.loads(found), "the snapshot is JSON"
    assert found == SNAPSHOT.read_text(encoding="utf-8"), f"the graph changed; if that is meant: {RENEW}"


def test_loading_the_definitions_touches_no_network_no_file_and_no_heavy_library(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    allowed = [str(root), sys.prefix, sys.base_prefix, *_SYSTEM]
    allowed += [str(Path(path).resolve()) for path in allowed]
    done = subprocess.run(
        [sys.executable, "-B", "-c", _LOAD, ":".join(allowed)],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "JIBAO_HOME": str(tmp_path / "home"),
             "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )  # fmt: skip
    assert done.stdout.split() == []
    assert list(tmp_path.iterdir()) == []


def test_two_definitions_share_nothing() -> None:
    one, other = build_defs(), build_defs()
    assert one is not other
    assert as_text(asset_graph(one)) == as_text(asset_graph(other))


@pytest.mark.parametrize(
    ("utc", "local"),
    [("2024-10-10T18:00:00", "2024-10-11T02:00:00"), ("2024-12-31T18:00:00", "2025-01-01T02:00:00")],
)
def test_the_schedule_ticks_at_two_in_shanghai_and_asks_for_one_nightly_run(utc: str, local: str) -> None:
    at = datetime.fromisoformat(utc).replace(tzinfo=ZoneInfo("UTC"))
    assert at.astimezone(ZoneInfo("Asia/Shanghai")).replace(tzinfo=None).isoformat() == local
    ticks = schedule_execution_time_iterator(
        at.timestamp() - 1, str(nightly_schedule.cron_schedule), nightly_schedule.execution_timezone
    )
    assert next(ticks) == at
    definitions = build_defs()
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_schedule_context(
            instance=instance,
            scheduled_execution_time=at,
            repository_def=definitions.get_repository_def(),
        )
        tick = nightly_schedule.evaluate_tick(context)
    (request,) = tick.run_requests or []
    assert tick.skip_message is None
    job = definitions.resolve_job_def(request.job_name or nightly_schedule.job_name)
    assert job.name == "nightly"
    assert dg.validate_run_config(job, request.run_config)


def test_every_materializable_asset_waits_in_the_one_pool() -> None:
    graph = build_defs().resolve_asset_graph()
    assert {frozenset(node.pools or ()) for node in graph.asset_nodes} == {frozenset({"warehouse"})}


@pytest.mark.integration
@pytest.mark.slow
def test_report_quarter_writes_the_bulletin_of_its_partition_and_publishes_it(
    first: First, copied: Place
) -> None:
    before = copied.current
    outcome = copied.job("report_quarter", partition="2024-07-01")
    assert outcome.success, outcome.cause
    assert copied.current != before
    assert copied.rows("SELECT DISTINCT quarter FROM report.quarterly_bulletin") == [("2024Q3",)]
    told = {
        metric: (shown, value, verdict)
        for metric, shown, value, verdict in copied.rows(
            "SELECT metric_id, shown, value, verdict FROM report.quarterly_bulletin"
        )
    }
    assert told["effective_investment"] == ("53.96亿元", Decimal("5396238400"), "pass")
    assert told["tenant_companies"] == ("330家", Decimal(330), "pass")
    assert copied.figures() == first.night.figures
    assert copied.fingerprints() == first.night.fingerprints
    bare = copied.rows(
        "SELECT column_name FROM duckdb_columns() WHERE schema_name = 'report' AND comment IS NULL"
    )
    assert bare == []
