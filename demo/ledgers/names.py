"""Invented names of companies and people, from the parts in ``seeds/names.yaml``.

Belongs here: drawing names. Keep out: who is who; a ledger keeps the names it draws.
"""

from __future__ import annotations

import random
from functools import lru_cache
from typing import Any

from demo.seed_files import seed_tree


@lru_cache(maxsize=1)
def parts() -> dict[str, Any]:
    """``seeds/names.yaml``."""
    return seed_tree("names")


def person(rng: random.Random) -> str:
    """A person's name."""
    return str(rng.choice(parts()["surnames"])) + str(rng.choice(parts()["given"]))


class CompanyNames:
    """Draws company names, each once."""

    def __init__(self, rng: random.Random) -> None:
        self._rng, self._taken = rng, set[str]()

    def draw(self, industry_code: str) -> str:
        """A new name for a company of this GB/T 4754 class."""
        p, rng = parts(), self._rng
        while True:
            brand = rng.choice(p["first"]) + rng.choice(p["second"])
            trade = rng.choice(p["trades"][industry_code])
            name = f"{rng.choice(p['places'])}{brand}{trade}{rng.choice(p['forms'])}"
            # 浙江…（义乌）有限公司 reads well, 义乌…（义乌）… does not.
            if name not in self._taken and not (name.startswith("义乌") and "（义乌）" in name):
                self._taken.add(name)
                return name

    def shop(self) -> str:
        """A new name for a shop in the public park."""
        p, rng = parts(), self._rng
        while True:
            name = f"义乌市{rng.choice(p['first'])}{rng.choice(p['second'])}{rng.choice(p['shops'])}"
            if name not in self._taken:
                self._taken.add(name)
                return name
