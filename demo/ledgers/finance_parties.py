"""Counterparties of the books: pools of codes that postings draw from.

Belongs here: which pools there are, and who belongs to them. Codes say the pool: GS- a company of the
group, KH customer, GY supplier, SG contractor, GC steel buyer, ZH tenant of a park, YS water user,
LK visitor, YZ home owner, YG staff. Keep out: names and master records of the counterparties.
"""

from __future__ import annotations

from functools import lru_cache

from demo.ledgers.concrete_contracts import SELLER, contracts
from demo.world import World

_SHARED = {
    "supplier": ("GY", 1, 320),
    "contractor": ("SG", 1, 80),
    "steel_buyer": ("GC", 1, 30),
    "water_user": ("YS", 1, 180),
    "visitor": ("LK", 1, 24),
    "owner": ("YZ", 1, 360),
}
_TENANTS_PER_PARK = 36


def _codes(prefix: str, first: int, last: int) -> tuple[str, ...]:
    return tuple(f"{prefix}{n:04d}" for n in range(first, last + 1))


def group_code(org_code: str) -> str:
    """Counterparty code of a company of the group."""
    return f"GS-{org_code}"


@lru_cache(maxsize=64)
def tenants(park_code: str) -> tuple[str, ...]:
    """Counterparty codes of the tenants of a park."""
    return tuple(f"ZH{park_code[-2:]}{n:03d}" for n in range(1, _TENANTS_PER_PARK + 1))


def customers(world: World, org_code: str) -> tuple[str, ...]:
    """Outside customers of a book: those of the supply contracts for the concrete seller."""
    if org_code == SELLER:
        return tuple(sorted({c.customer_code for c in contracts(world) if c.group_org is None}))
    number = int(org_code[-2:])
    return _codes("KH", 2001 + 40 * number, 2040 + 40 * number)


@lru_cache(maxsize=64)
def pools(world: World, org_code: str) -> dict[str, tuple[str, ...]]:
    """Counterparty codes of one book by pool; tenants depend on the park, see :func:`tenants`."""
    found = {pool: _codes(*spec) for pool, spec in _SHARED.items()}
    found["group"] = tuple(group_code(o.org_code) for o in world.orgs if o.org_code != org_code)
    found["customer"] = customers(world, org_code)
    found["staff"] = tuple(f"YG{org_code[-2:]}{n:02d}" for n in range(1, 41))
    return found
