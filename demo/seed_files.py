"""The demo's fixed facts as files: how ``seeds/*.csv`` and ``seeds/*.yaml`` are read.

Belongs here: the readers. Keep out: what the facts mean (``demo.world``, ``demo.ledgers``).
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import Any

import yaml

SEEDS = Path(__file__).parent / "seeds"
"""Folder of the name lists and fixed facts (CSV and YAML) the ledgers are built from."""


def seed_text(name: str) -> str:
    """Content of ``seeds/<name>``, a file named with its ending."""
    return (SEEDS / name).read_text(encoding="utf-8")


def seed_rows(name: str) -> list[dict[str, str]]:
    """Rows of ``seeds/<name>.csv`` as text."""
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def seed_tree(name: str) -> dict[str, Any]:
    """Content of ``seeds/<name>.yaml``, a mapping at its top; read once, so readers leave it as it is."""
    tree = yaml.safe_load((SEEDS / f"{name}.yaml").read_text(encoding="utf-8"))
    if not isinstance(tree, dict):
        raise TypeError(f"seeds/{name}.yaml must hold a mapping, not {type(tree).__name__}")
    return tree
