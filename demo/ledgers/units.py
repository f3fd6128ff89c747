"""The rooms of the parks: which there are, how large, and since when they may be let.

Belongs here: the units behind ``park_unit``. The rentable ones of a park add up to its leasable area to
the cent, at any time (R39): halls rebuilt later become rentable on the day the park's own area grows.
Counts and sizes are in ``seeds/estate.yaml``. Keep out: who holds a unit (``leases``), rows and dirt.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from demo.ledgers.forms import split_units
from demo.seed_files import seed_tree
from demo.world import Park, World


@dataclass(frozen=True, slots=True)
class Unit:
    """A room or hall; ``area`` in 1/100 m2. ``rentable_from`` None = as long as the ledger goes back."""

    unit_code: str
    park_code: str
    building: str
    floor: str
    usage: str
    area: int
    rentable: bool = True
    rentable_from: date | None = None

    def rentable_on(self, day: date) -> bool:
        """Whether the unit may be let on ``day``."""
        return self.rentable and (self.rentable_from is None or self.rentable_from <= day)


@lru_cache(maxsize=2)
def units(world: World) -> tuple[Unit, ...]:
    """All units of all parks, about 6,000; none depends on scale."""
    told: dict[str, Any] = seed_tree("estate")
    rng = world.rng("park_unit")
    return tuple(unit for park in world.parks for unit in _of_park(park, told, rng))


def _of_park(park: Park, told: dict[str, Any], rng: random.Random) -> Iterator[Unit]:
    rebuilt = told["rebuilt"].get(park.park_code)
    later = _cents(rebuilt["area_m2"]) if rebuilt else 0
    whole = _cents(park.leasable_m2)
    kinds: dict[str, Any] = told["units"][park.park_kind]
    shares = split_units(whole - later, [kind["share"] for kind in kinds.values()])
    for (usage, kind), area in zip(kinds.items(), shares, strict=True):
        yield from _of_usage(park, usage, kind, area, rng)
    yield from _not_rentable(park, whole, told["not_rentable_share"], rng)
    if rebuilt:
        for number, area in enumerate(split_units(later, [1.0] * rebuilt["units"]), 1):
            code = f"{park.park_code}-A9-01-01{number:02d}"
            yield Unit(code, park.park_code, "A9", "01", "workshop", area, rentable_from=rebuilt["from"])


def _of_usage(park: Park, usage: str, kind: dict[str, Any], area: int, rng: random.Random) -> Iterator[Unit]:
    count = max(1, round(area / 100 / kind["mean_m2"]))
    for number, part in enumerate(split_units(area, [rng.uniform(0.6, 1.5) for _ in range(count)])):
        floors, room = divmod(number, kind["on_floor"])
        building, floor = divmod(floors, kind["floors"])
        name = f"{kind['letter']}{building + 1}"
        code = f"{park.park_code}-{name}-{floor + 1:02d}-{floor + 1:02d}{room + 1:02d}"
        yield Unit(code, park.park_code, name, f"{floor + 1:02d}", usage, part)


def _not_rentable(park: Park, whole: int, share: float, rng: random.Random) -> Iterator[Unit]:
    """Plant rooms and the operator's own halls: in the ledger, never in the leasable area."""
    count = max(2, round(whole / 100 * share / 260))
    parts = split_units(int(whole * share), [rng.uniform(0.5, 1.5) for _ in range(count)])
    for number, area in enumerate(parts, 1):
        code = f"{park.park_code}-G1-01-01{number:02d}"
        yield Unit(code, park.park_code, "G1", "01", "office", area, rentable=False)


def _cents(value: Decimal | str) -> int:
    return int(Decimal(value) * 100)
