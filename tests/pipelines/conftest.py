"""One pretend group for all tests of this folder, and its nights: each a fixture that builds on the one before
it, so that few runs carry many assertions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from data_contracts.contract_file import load_contracts
from demo.systems import group
from pipelines.runs import RunOutcome
from resources.sources.base import RetryPolicy, Source
from tests.data_contracts.catalogue import catalogue
from tests.pipelines.disturbance import Disturbance
from tests.pipelines.homes import Figures, Fork, Place, copy_product

HERE = Path(__file__).parent


_EXTENDED = {"advanced", "healed"}
"""Nights of which each takes minutes more than half an hour of tests has left: `make test-all` has them."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """These tests take longest, so they begin first, whichever worker has them."""
    for item in items:
        if _EXTENDED & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.extended)
    items.sort(key=lambda item: HERE not in item.path.parents)


DAY = date(2024, 10, 10)
LATER = date(2024, 11, 15)
SEED = 20240930


@dataclass(frozen=True)
class Night:
    """A run that published: how it ended, its entry in the decisions log, its published file and figures."""

    place: Place
    outcome: RunOutcome
    entry: dict[str, Any]
    file: Path
    figures: Figures

    @property
    def fingerprints(self) -> dict[str, str]:
        """Fingerprints of every staged table and of the figures."""
        found: dict[str, str] = self.entry["fingerprints"]
        return found


def spent(place: Place, outcome: RunOutcome) -> Night:
    """What stands after a run that published."""
    assert outcome.success, outcome.cause
    return Night(place, outcome, place.last_run(), place.current, place.figures())


@pytest.fixture(scope="package", autouse=True)
def surroundings() -> Iterator[None]:
    """Short waits between tries, and the environment as it was when the last test ends."""
    with pytest.MonkeyPatch.context() as patched:
        for name in ("JIBAO_HOME", "DAGSTER_HOME"):
            patched.setenv(name, os.environ.get(name, ""))
        # A ledger that somebody added has no source here: the nights of these tests are those of the demo.
        added = sorted(set(load_contracts()) - set(catalogue()))
        patched.setenv("JIBAO_LEAVE_OUT", ",".join(added))
        quick = RetryPolicy(attempts=3, first_seconds=0.01, longest_seconds=0.05)
        patched.setattr("assets.raw.assets.RETRY_SECONDS", 0.05)
        patched.setattr("resources.settings.Source", partial(Source, retry=quick))
        yield


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The pretend group's systems as of 10 October 2024, and the home of the nights."""
    place = Place(tmp_path_factory.mktemp("group"))
    group.up(place.home, DAY, SEED, 1)
    yield place
    group.down(place.home)


@dataclass(frozen=True)
class First:
    """The first night, with copies of what stood right after it."""

    night: Night
    published: Place
    """A home that holds only the published file: for commands and queries that read."""
    product: Path
    """The product's own state, to be copied and run further over the same systems."""
    fork: Fork
    """The same with systems of its own."""
    disturbance: Disturbance | None
    """The second night in another home, with accidents; only where a test asks for it."""


@pytest.fixture(scope="package")
def first(
    demo: Place, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[First]:
    """The first night."""
    night = spent(demo, demo.night())
    folder = tmp_path_factory.mktemp("first")
    product = copy_product(demo.home, folder / "product")
    published = Place(folder / "published")
    (published.home / "published").mkdir(parents=True)
    file = published.home / "published" / night.file.name
    os.link(night.file, file)
    (published.home / "published" / "current.duckdb").symlink_to(file.name)
    fork = Fork(demo.home, folder / "fork")
    disturbance = None
    if any("killed" in getattr(item, "fixturenames", ()) for item in request.session.items):
        # A process of its own, long and mostly alone: it starts now and is awaited by whoever needs it.
        place = copy_product(demo.home, folder / "disturbed")
        disturbance = Disturbance(place, datetime.fromisoformat(night.entry["at"]) + timedelta(seconds=1))
        disturbance.start()
    yield First(night, published, product.home, fork, disturbance)
    if disturbance:
        disturbance.join()
    fork.close()


@pytest.fixture
def copied(first: First, tmp_path: Path) -> Place:
    """A home as the first night left it, over the same systems."""
    return copy_product(first.product, tmp_path / "home")


@pytest.fixture(scope="package")
def second(first: First) -> Night:
    """A second night over sources in which nothing has changed."""
    place = first.night.place
    return spent(place, place.night())


@pytest.fixture(scope="package")
def killed(first: First) -> Night:
    """The second night in a home where the run was killed in the middle, and then run again."""
    return after_the_accident(first, -2)


@pytest.fixture(scope="package")
def rebuilt(first: First, killed: Night) -> Night:
    """The night after that one, which found no work files."""
    return after_the_accident(first, -1)


def after_the_accident(first: First, which: int) -> Night:
    """A run of the disturbed home, by its place in the log."""
    assert first.disturbance is not None
    first.disturbance.join()
    assert first.disturbance.failure == ""
    place = first.disturbance.place
    entry = list(place.decisions.entries("run"))[which]
    file = place.home / "published" / entry["published"]
    outcome = RunOutcome(entry["run_id"], success=True, cause=None)
    return Night(place, outcome, entry, file, place.figures(file))
