"""The source ledgers of the pretend group, one builder per family of tables.

Belongs here: the registry. Each family module exposes ``build(world) -> list[Timeline]``; a new ledger
is a module and one line below. Keep out: how systems show the rows (``demo.systems``).
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from demo.timeline import Timeline
from demo.world import World

Builder = Callable[[World], list[Timeline]]

FAMILIES = (
    "finance_master", "finance_counterparty", "finance_gl", "papers", "concrete", "construction", "park",
    "estate",
)  # fmt: skip
"""Modules of this package that build ledgers, in the order they are built."""


def _builder(family: str) -> Builder:
    def build(world: World) -> list[Timeline]:
        built: list[Timeline] = import_module(f"demo.ledgers.{family}").build(world)
        return built

    return build


BUILDERS: dict[str, Builder] = {family: _builder(family) for family in FAMILIES}
"""Family name to its builder; the modules are imported when they build, since seeds are large."""


def build_all(world: World) -> dict[str, Timeline]:
    """Every ledger of the group, keyed by table name. Raises ``ValueError`` when two build one table."""
    ledgers: dict[str, Timeline] = {}
    for build in BUILDERS.values():
        for timeline in build(world):
            if timeline.table in ledgers:
                raise ValueError(f"two builders give table {timeline.table}")
            ledgers[timeline.table] = timeline
    return ledgers
