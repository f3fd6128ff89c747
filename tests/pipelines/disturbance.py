"""Accidents in a home: a night killed half-way and run again, then the work files lost and a night over that.

Runs beside the other tests: each night is a process of its own, over systems that nobody changes meanwhile.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from datetime import datetime

from tests.pipelines.homes import Place

_NIGHTLY = [sys.executable, "-c", "from pipelines.cli.main import main; main()", "nightly"]
_LOADED = 3
_PATIENCE = 300.0


class Disturbance(threading.Thread):
    """Kills a nightly run when it has staged some tables, runs another, deletes ``work/``, runs a third.

    ``failure`` says afterwards what did not go as meant, ``loaded`` which tables the killed run had staged.
    """

    def __init__(self, place: Place, at: datetime) -> None:
        super().__init__(name="disturbance", daemon=True)
        self.place, self.at = place, at.isoformat()
        self.failure = "not run yet"
        self.loaded: list[str] = []
        self.published_by_the_killed = False
        # Other homes put their settings into the environment for a while; these nights are not theirs.
        self._environment = dict(os.environ)
        self._log = place.home / "runs.log"

    def run(self) -> None:
        """See the class."""
        before = self.place.current
        killed = self._nightly("--now", self.at)
        self._wait_for_the_middle(killed)
        ended = killed.poll()
        killed.kill()
        killed.wait()
        self.loaded = self._staged()
        self.published_by_the_killed = self.place.current != before
        if ended is not None:
            self._fail("the run to be killed had ended")
            return
        if self._nightly().wait() != 0:
            self._fail("the run after the kill failed")
            return
        shutil.rmtree(self.place.home / "work")
        if self._nightly().wait() != 0:
            self._fail("the run without work files failed")
            return
        self.failure = ""

    def _nightly(self, *more: str) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [*_NIGHTLY, "--home", str(self.place.home), *more],
                stdout=log,
                stderr=log,
                env=self._environment,
            )

    def _wait_for_the_middle(self, run: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _PATIENCE
        while len(self._staged()) < _LOADED and run.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)

    def _staged(self) -> list[str]:
        """Tables whose batch of the killed run is staged."""
        return [e["table"] for e in self.place.decisions.entries("load") if e["at"] == self.at]

    def _fail(self, what: str) -> None:
        self.failure = f"{what}: {self._log.read_text(encoding='utf-8')[-2000:]}"
