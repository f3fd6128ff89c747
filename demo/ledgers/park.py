"""The park ledgers: parks, companies in them, hazards, activities, requests, promotion, works, register, stalls.

Belongs here: the family's list. Keep out: rows; each table has a module of its own.
"""

from __future__ import annotations

from demo.ledgers import (
    activities,
    attendees,
    charge_stalls,
    companies,
    hazards,
    leads,
    loi,
    park_works,
    parks,
    promotions,
    register,
    requests,
)
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
        attendees.build(world),
        leads.build(world),
        promotions.build(world),
        requests.build_requests(world),
        requests.build_feedback(world),
    ]
