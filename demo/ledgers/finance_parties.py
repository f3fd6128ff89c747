"""Counterparties of the books: pools of codes that postings draw from.

Belongs here: which pools there are, and who belongs to them. Codes say the pool: GS- a company of the
group, KH customer, GY supplier, SG contractor, GC steel buyer, ZH a stay in a park, YS water user,
LK travel agency, YZ home owner, YG staff. Keep out: names and master records of the counterparties
(``finance_counterparty``).
"""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache

from demo.ledgers.concrete_contracts import SELLER, contracts
from demo.ledgers.contractors import contractors
from demo.ledgers.finance_calendar import Period
from demo.ledgers.stays import Stay, stays
from demo.world import World

_SHARED = {
    "supplier": ("GY", 1, 320),
    "steel_buyer": ("GC", 1, 30),
    "water_user": ("YS", 1, 180),
    "visitor": ("LK", 1, 24),
    "owner": ("YZ", 1, 360),
}


def _codes(prefix: str, first: int, last: int) -> tuple[str, ...]:
    return tuple(f"{prefix}{n:04d}" for n in range(first, last + 1))


def group_code(org_code: str) -> str:
    """Counterparty code of a company of the group."""
    return f"GS-{org_code}"


@lru_cache(maxsize=2)
def tenant_codes(world: World) -> dict[str, str]:
    """Counterparty code of every stay by its enterprise_id; prospects have none.

    A company that stays in two parks has two codes: the books open one for each contract (D16).
    """
    found, last = dict[str, str](), defaultdict[str, int](int)
    for stay in stays(world):
        if stay.in_date is not None:
            last[stay.park_code] += 1
            found[stay.enterprise_id] = f"ZH{stay.park_code[-2:]}{last[stay.park_code]:04d}"
    return found


@lru_cache(maxsize=512)
def tenants(world: World, park_code: str, period: Period) -> tuple[str, ...]:
    """Counterparty codes of the companies in a park in that period; of all it ever had, where it is empty."""
    codes = tenant_codes(world)
    own = [s for s in stays(world) if s.park_code == park_code and s.enterprise_id in codes]
    present = [s for s in own if _present(s, period)]
    return tuple(codes[s.enterprise_id] for s in present or own)


def _present(stay: Stay, period: Period) -> bool:
    begun = stay.in_date is not None and stay.in_date <= period.last_day
    return begun and (stay.exit_date is None or stay.exit_date > period.first_day)


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
    found["contractor"] = tuple(c.party for c in contractors(world) if c.kind == "construction")
    found["customer"] = customers(world, org_code)
    found["staff"] = tuple(f"YG{org_code[-2:]}{n:02d}" for n in range(1, 41))
    return found
