"""Who builds, advises and designs for the group: companies behind the sections' contracts.

Belongs here: names, uscis and the books' party codes (SG…) of contractors. A builder that also buys
concrete for a project of the group is the company of that supply contract: one usci, two codes (D16).
Keep out: which section they hold (``sections``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from demo.ledgers.concrete_contracts import contracts
from demo.seed_files import seed_tree
from demo.world import World, random_usci


@dataclass(frozen=True, slots=True)
class Contractor:
    """A company that holds contracts of sections; ``party`` is its code in the books."""

    party: str
    usci: str
    name: str
    kind: str
    project_code: str | None = None


@lru_cache(maxsize=2)
def contractors(world: World) -> tuple[Contractor, ...]:
    """All contractors: builders (``kind`` construction), consultants (supervision), designers (design)."""
    told: dict[str, Any] = seed_tree("sections")
    rng = world.rng("con_section.contractors")
    companies: list[tuple[str, str, str, str | None]] = [
        (c.customer_usci, c.customer_name, "construction", c.project_code)
        for c in contracts(world)
        if c.project_code is not None and c.group_org is None
    ]
    companies += [(random_usci(rng), name, "construction", None) for name in told["builders"]]
    appointed = dict.fromkeys(p.consultant_usci for p in world.projects if p.consultant_usci)
    companies += [
        (usci, name, "supervision", None) for usci, name in zip(appointed, told["consultants"], strict=False)
    ]
    companies += [(random_usci(rng), name, "design", None) for name in told["designers"]]
    return tuple(Contractor(f"SG{number:04d}", *company) for number, company in enumerate(companies, start=1))


@lru_cache(maxsize=2)
def by_name(world: World) -> dict[str, Contractor]:
    """Contractors by name."""
    return {contractor.name: contractor for contractor in contractors(world)}
