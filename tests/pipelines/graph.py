"""The asset graph as text: what ``python -m tests.pipelines.graph`` writes and a test compares.

A change of keys, dependencies, groups, owners, checks, jobs or the schedule then shows in review as a line.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import dagster as dg

SNAPSHOT = Path(__file__).parent / "snapshots" / "asset_graph.json"
RENEW = "python -m tests.pipelines.graph"


def asset_graph(definitions: dg.Definitions) -> dict[str, Any]:
    """Assets, jobs and schedules as plain values, sorted."""
    return {
        "assets": _assets(definitions),
        "jobs": _jobs(definitions),
        "schedules": [
            _schedule(s) for s in definitions.schedules or [] if isinstance(s, dg.ScheduleDefinition)
        ],
    }


def _assets(definitions: dg.Definitions) -> dict[str, Any]:
    graph = definitions.resolve_asset_graph()
    checks: dict[dg.AssetKey, list[str]] = {}
    for check in graph.asset_check_keys:
        spec = graph.get_check_spec(check)
        checks.setdefault(check.asset_key, []).append(check.name + (" (blocking)" if spec.blocking else ""))
    return {
        node.key.to_user_string(): {
            "deps": sorted(key.to_user_string() for key in node.parent_keys),
            "group": node.group_name,
            "kinds": sorted(node.kinds),
            "owners": sorted(node.owners),
            "checks": sorted(checks.get(node.key, [])),
            "pools": sorted(node.pools or []),
            **({"partitions": _partitions(node.partitions_def)} if node.partitions_def else {}),
        }
        for node in sorted(graph.asset_nodes, key=lambda node: node.key)
    }


def _jobs(definitions: dg.Definitions) -> dict[str, Any]:
    return {
        job.name: {
            "assets": sorted(key.to_user_string() for key in job.asset_layer.executable_asset_keys),
            "executor": job.executor_def.name,
            **({"partitions": _partitions(job.partitions_def)} if job.partitions_def else {}),
        }
        for job in sorted(definitions.resolve_all_job_defs(), key=lambda job: job.name)
        if not job.name.startswith("__")
    }


def _partitions(partitions: dg.PartitionsDefinition[Any]) -> dict[str, Any]:
    assert isinstance(partitions, dg.TimeWindowPartitionsDefinition)
    return {
        "cron": partitions.cron_schedule,
        "timezone": partitions.timezone,
        "first": partitions.get_first_partition_key(),
        "end_offset": partitions.end_offset,
    }


def _schedule(schedule: dg.ScheduleDefinition) -> dict[str, Any]:
    return {
        "name": schedule.name,
        "job": schedule.job_name,
        "cron": schedule.cron_schedule,
        "timezone": schedule.execution_timezone,
        "status": schedule.default_status.value,
    }


def as_text(graph: dict[str, Any]) -> str:
    """The snapshot's text; one asset a line, so that a changed one is one line of a diff."""
    parts = []
    for part, content in graph.items():
        entries = content.items() if isinstance(content, dict) else ((None, entry) for entry in content)
        lines = [
            (f"    {json.dumps(name)}: " if name else "    ") + json.dumps(entry, ensure_ascii=False)
            for name, entry in entries
        ]
        opening, closing = ("{", "}") if isinstance(content, dict) else ("[", "]")
        parts.append(f'  "{part}": {opening}\n' + ",\n".join(lines) + f"\n  {closing}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    from pipelines.build import build_defs

    SNAPSHOT.write_text(as_text(asset_graph(build_defs())), encoding="utf-8")
    print(f"written: {SNAPSHOT}")
