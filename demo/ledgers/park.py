"""The park ledgers: parks, companies in them, hazards, letters of intent and activities.

Belongs here: the family's list. Keep out: rows; each table has a module of its own.
"""

from __future__ import annotations

from demo.ledgers import activities, companies, hazards, loi, parks
from demo.timeline import Timeline
from demo.world import World


def build(world: World) -> list[Timeline]:
    """The five timelines, the parks first."""
    return [
        parks.build(world),
        companies.build(world),
        hazards.build(world),
        loi.build(world),
        activities.build(world),
    ]
