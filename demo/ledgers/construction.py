"""The construction ledgers: projects, sections and their certificates, investment, safety, municipal tasks.

Belongs here: the family's list. Keep out: rows; each table has a module of its own.
"""

from __future__ import annotations

from demo.ledgers import (
    certificates,
    code_map,
    investment,
    milestones,
    municipal,
    progress,
    projects,
    safety,
    sections,
)
from demo.timeline import Timeline
from demo.world import World


def build(world: World) -> list[Timeline]:
    """The family's timelines, the project master first."""
    return [
        projects.build(world),
        code_map.build(world),
        sections.build(world),
        milestones.build(world),
        progress.build(world),
        certificates.build(world),
        investment.build(world),
        safety.build(world),
        municipal.build(world),
    ]
