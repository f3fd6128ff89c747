"""Publish the warehouse: a whole copy beside the others, then one atomic switch of the pointer.

Belongs here: versioned files, the pointer ``current.duckdb``, keeping N, rolling back. Keep out: what is
audited before (``assets``). Readers hold the file they opened until they reopen; a switch never disturbs them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from resources.engine import Engine

POINTER = "current.duckdb"
_AGAIN = "-again"
_KEEP_AGAIN = 2


class Publisher(Protocol):
    """Where BI reads the warehouse."""

    def publish(self, engine: Engine, version: str) -> Path:
        """Make the engine's warehouse the published one; returns where it lies."""


def file_name(version: str) -> str:
    """Name of the published file of a version."""
    return f"warehouse-{version}.duckdb"


def again(version: str) -> str:
    """Version of a file that shows the figures of the run before it with something beside them, e.g. a signature."""
    return f"{version}{_AGAIN}"


class FilePublisher:
    """Publishes ``warehouse-<version>.duckdb`` in one folder and points ``current.duckdb`` at it.

    Keeps the newest ``keep`` files that hold figures of their own, and of the others (:func:`again`) the newest two:
    fourteen certificates must not push out the nights of two weeks.
    """

    def __init__(self, folder: Path, keep: int = 7) -> None:
        self.folder, self.keep = folder, max(keep, 1)

    @property
    def current(self) -> Path | None:
        """The published file the pointer names; None before the first publication."""
        pointer = self.folder / POINTER
        return pointer.resolve() if pointer.exists() else None

    def versions(self) -> list[Path]:
        """Published files, newest first."""
        return sorted(self.folder.glob("warehouse-*.duckdb"), reverse=True)

    def publish(self, engine: Engine, version: str) -> Path:
        """See :class:`Publisher`. A crash before the switch leaves a file nobody is pointed at."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for leftover in self.folder.glob(".*.partial"):
            leftover.unlink()
        target = self.folder / file_name(version)
        partial = self.folder / f".{target.name}.partial"
        engine.copy_warehouse(partial)
        partial.replace(target)
        self._point_at(target)
        self._prune()
        return target

    def roll_back(self, version: str) -> Path:
        """Point at an earlier version. Raises ``FileNotFoundError`` naming the versions there are."""
        target = self.folder / file_name(version)
        if not target.exists():
            known = ", ".join(v.stem.removeprefix("warehouse-") for v in self.versions()) or "none"
            raise FileNotFoundError(f"no published version {version} → choose one of: {known}")
        self._point_at(target)
        return target

    def _point_at(self, target: Path) -> None:
        link = self.folder / f".{POINTER}.partial"
        link.unlink(missing_ok=True)
        link.symlink_to(target.name)
        link.replace(self.folder / POINTER)
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _prune(self) -> None:
        current = self.current
        versions = self.versions()
        repeated = [v for v in versions if v.stem.endswith(_AGAIN)]
        of_a_run = [v for v in versions if v not in repeated]
        for old in [*of_a_run[self.keep :], *repeated[_KEEP_AGAIN:]]:
            if old != current:
                old.unlink()
