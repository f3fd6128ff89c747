"""The park ledgers: parks, companies in them, hazards, letters, activities, works, the register and stalls.

Belongs here: the family's list. Keep out: rows; each table has a module of its own.
"""

from __future__ import annotations

from demo.ledgers import activities, charge_stalls, companies, hazards, loi, park_works, parks, register
from demo.timeline import Timeline
from demo.world import World


def build(world: World) -> list[Timeline]:
    """The timelines, the parks first."""
    return [
        parks.build(world),
        companies.build(world),
        hazards.build(world),
        loi.build(world),
        activities.build(world),
        park_works.build(world),
        register.build(world),
        charge_stalls.build(world),
    ]
