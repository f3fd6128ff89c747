"""The ledgers of the parks' rooms: units, leases and bills.

Belongs here: the family's list. Keep out: rows; each table has a module of its own (``*_rows``), and what
stands behind it another (``units``, ``leases``, ``bills``).
"""

from __future__ import annotations

from demo.ledgers import bill_rows, lease_rows, unit_rows
from demo.timeline import Timeline
from demo.world import World


def build(world: World) -> list[Timeline]:
    """The three timelines, the units first."""
    return [unit_rows.build(world), lease_rows.build(world), bill_rows.build(world)]
