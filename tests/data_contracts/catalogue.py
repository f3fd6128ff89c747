"""The group's catalogue of source tables (``catalogue.csv``): what its contracts are compared with.

Belongs here: reading it. Keep out: comparisons. A ledger that stands in no catalogue is nobody's test.
"""

from __future__ import annotations

import csv
from pathlib import Path


def catalogue() -> dict[str, list[dict[str, str]]]:
    """Table name to its rows, one a column, in order."""
    tables: dict[str, list[dict[str, str]]] = {}
    with Path(__file__).with_name("catalogue.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            tables.setdefault(row["table"], []).append(row)
    return tables
