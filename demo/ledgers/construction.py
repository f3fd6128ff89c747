"""The construction ledgers: project master, code map, milestones, investment, safety and municipal tasks.

Belongs here: the family's list. Keep out: rows; each table has a module of its own.
"""

from __future__ import annotations

from demo.ledgers import code_map, investment, milestones, municipal, projects, safety
from demo.timeline import Timeline
from demo.world import World


def build(world: World) -> list[Timeline]:
    """The timelines, the project master first."""
    return [
        projects.build(world),
        code_map.build(world),
        milestones.build(world),
        investment.build(world),
        safety.build(world),
        municipal.build(world),
    ]
