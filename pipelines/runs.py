"""Run a job from the command line so that it shows in the Dagster UI like any other run.

Belongs here: the Dagster instance below ``JIBAO_HOME``, executing a job in this process, progress, and the one
line that says why a run failed. Keep out: what the jobs are (``jobs``).
"""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.definitions.repository_definition import SINGLETON_REPOSITORY_NAME
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.storage.tags import REPOSITORY_LABEL_TAG

from resources.settings import load_settings

DEPLOY = Path(__file__).parent.parent / "deploy"
INSTANCE_CONFIG = DEPLOY / "dagster.yaml"
WORKSPACE = DEPLOY / "workspace.yaml"
LOCATION = "jibao"
"""Name of the code location in ``WORKSPACE``."""
Progress = Callable[[str, int, int], None]
"""Told on each step's end: step name, steps ended, steps in all."""


@dataclass(frozen=True)
class RunOutcome:
    """How a run ended: its id, and the cause in one line when it failed. ``refused``: before its first step."""

    run_id: str
    success: bool
    cause: str | None
    refused: bool = False


def prepare_instance(home: Path) -> Path:
    """Dagster's home below ``JIBAO_HOME``, configured; exported as ``DAGSTER_HOME``."""
    dagster_home = home / "dagster"
    dagster_home.mkdir(parents=True, exist_ok=True)
    config = dagster_home / "dagster.yaml"
    if not config.exists():
        config.write_text(INSTANCE_CONFIG.read_text(encoding="utf-8"), encoding="utf-8")
    os.environ["DAGSTER_HOME"] = str(dagster_home)
    os.environ["JIBAO_HOME"] = str(home)
    return dagster_home


def run_job(
    definitions: dg.Definitions,
    job: str,
    *,
    home: Path | None = None,
    now: str | None = None,
    partition: str | None = None,
    assets: Sequence[dg.AssetKey] | None = None,
    step_config: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> RunOutcome:
    """Execute ``job`` in this process and return how it ended; never raises for a failed run.

    ``now``: ISO text of the run's known_at. ``assets``: only these of the job. ``step_config``: op config.
    """
    place = load_settings(home).home
    prepare_instance(place)
    run_config: dict[str, Any] = {
        "resources": {"workspace": {"config": {"home": str(place), "now": now or ""}}},
        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
    }
    if step_config:
        run_config["ops"] = dict(step_config)
    definition = definitions.resolve_job_def(job)
    with dg.DagsterInstance.get() as instance:
        run_id = str(uuid.uuid4())
        _say_where_the_job_lives(instance, job)
        if progress:
            total = len(assets) if assets else len(definition.graph.node_defs)
            instance.add_event_listener(run_id, _listener(progress, total))
        result = definition.execute_in_process(
            run_config=run_config,
            instance=instance,
            partition_key=partition,
            asset_selection=list(assets) if assets else None,
            run_id=run_id,
            tags={REPOSITORY_LABEL_TAG: f"{SINGLETON_REPOSITORY_NAME}@{LOCATION}"},
            raise_on_error=False,
        )
        cause = None if result.success else _cause(result.all_events)
        refused = not result.success and not any(event.is_step_start for event in result.all_events)
        return RunOutcome(run_id, result.success, cause, refused)


def _say_where_the_job_lives(instance: dg.DagsterInstance, job: str) -> None:
    """Let runs of this process carry the origin that runs of the UI carry.

    Without it (and the repository's tag) the timeline and the job's own page leave them out, and ``Re-execute``
    does not know which job to start. ``execute_in_process`` has no argument for it.
    """
    repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin(LOCATION), SINGLETON_REPOSITORY_NAME)
    create = partial(instance.create_run_for_job, remote_job_origin=RemoteJobOrigin(repository, job))
    setattr(instance, "create_run_for_job", create)  # noqa: B010


def _listener(progress: Progress, total: int) -> Callable[[Any], None]:
    ended: set[str] = set()

    def listen(entry: Any) -> None:
        event = entry.dagster_event
        if event is not None and event.is_step_event and (event.is_step_success or event.is_step_failure):
            ended.add(event.step_key)
            progress(event.step_key, len(ended), total)

    return listen


def _cause(events: Sequence[dg.DagsterEvent]) -> str:
    """The message of the first failure without what Dagster wraps around it, which helps nobody, and the
    names of the other steps that failed."""
    failed = [event for event in events if event.is_step_failure]
    if failed:
        others = ", ".join((event.step_key or "").replace("__", "/") for event in failed[1:])
        return _said(failed[0]) + (f" (and {len(failed) - 1} more: {others})" if others else "")
    for event in events:
        if event.event_type_value in ("PIPELINE_FAILURE", "RESOURCE_INIT_FAILURE"):
            error = getattr(event.event_specific_data, "error", None)
            if error is not None:
                return _unwrapped(error)
    return "the run failed without saying why: look at it in the Dagster UI"


def _said(event: dg.DagsterEvent) -> str:
    data = event.step_failure_data
    if data.user_failure_data and data.user_failure_data.description:
        return str(data.user_failure_data.description)
    return _unwrapped(data.error)


def _unwrapped(error: Any) -> str:
    # What our own error was raised from (a refused lock's EAGAIN) is for the log, not for the reader.
    while error.cause is not None and str(error.cls_name).startswith("Dagster"):
        error = error.cause
    return re.sub(r"^[\w.]+: ", "", str(error.message).strip())
