"""The workspace as a Dagster resource: opened once a run, locked until the run ends.

Belongs here: only the bridge from run config to :func:`resources.workspace.hold`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from pydantic import Field, PrivateAttr

from resources.settings import load_settings, parse_instant
from resources.workspace import Workspace, hold


class JibaoWorkspace(dg.ConfigurableResource):  # type: ignore[type-arg]
    """``JIBAO_HOME``, held by the run. With the in-process executor it opens once and closes at the end."""

    home: str = Field(default="", description="JIBAO_HOME of this run; empty: the environment's, else .jibao")
    now: str = Field(
        default="",
        description="The run's known_at, ISO 8601, later than every earlier run's; empty: the clock. "
        "A plain date is the end of that day in Asia/Shanghai.",
    )
    _open: Workspace | None = PrivateAttr(default=None)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["JibaoWorkspace"]:
        """Open and lock the workspace for the run of ``context``."""
        settings = load_settings(Path(self.home) if self.home else None)
        now = parse_instant(self.now) if self.now else None
        with hold(settings, run_id=context.run.run_id if context.run else "ad hoc", now=now) as workspace:
            self._open = workspace
            yield self
            self._open = None

    @property
    def workspace(self) -> Workspace:
        """The open workspace; only inside a run."""
        if self._open is None:
            raise RuntimeError("the workspace is open only while a run executes")
        return self._open
