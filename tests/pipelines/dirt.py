"""The dirt of the demo's ledgers after a night: found, treated, quarantined.

Belongs here: counting it by ``tests/golden/dirt.yaml`` and rendering ``docs/dirt.md`` from the counts
(``python -m tests.pipelines.dirt HOME``). Keep out: what is expected of them.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.pipelines.homes import Place

KINDS = Path(__file__).parents[1] / "golden" / "dirt.yaml"
PAGE = Path(__file__).parents[2] / "docs" / "dirt.md"
COMMAND = "python -m tests.pipelines.dirt .jibao"
_HEAD = f"""\
# Dirt

What is wrong with the demo's ledgers as known on 2024-10-10, and what becomes of it: counted after the first night
by `tests/golden/dirt.yaml` and rendered by `{COMMAND}`; a test counts again and compares this page. Treated is
what was found and not rejected; rejected rows stand in quarantine with their reason.

| | Dirt | Found | Treated | Quarantined | Treatment of the others |
|---|---|---|---|---|---|
"""


@dataclass(frozen=True)
class Count:
    """One kind: how often it was found, and how many of them were rejected."""

    kind: str
    dirt: str
    treatment: str
    found: int
    quarantined: int


def counts(place: Place) -> list[Count]:
    """All kinds, counted in a home's landed batches and published file."""
    told = yaml.safe_load(KINDS.read_text(encoding="utf-8"))
    return [
        Count(
            kind, said["dirt"], said["treatment"], _number(place, said["found"]),
            _number(place, said["quarantined"]) if "quarantined" in said else 0,
        )
        for kind, said in told.items()
    ]  # fmt: skip


def rendered(found: list[Count]) -> str:
    """The page. Ends with one newline."""
    lines = [
        f"| {c.kind} | {c.dirt} | {c.found:,} | {c.found - c.quarantined:,} | {c.quarantined:,} | {c.treatment} |"
        for c in found
    ]
    return _HEAD + "\n".join(lines) + "\n"


def _number(place: Place, query: str) -> int:
    def landed(table: str) -> str:
        return (
            f"(SELECT * FROM read_parquet('{place.home}/raw/{table}/*/part-*.parquet', union_by_name = true))"
        )

    def cells(tables: str) -> str:
        parts = (
            f"SELECT name, value FROM (UNPIVOT (SELECT * EXCLUDE (_row_no) FROM {landed(t)}) "
            "ON COLUMNS(c -> c NOT LIKE '\\_%' ESCAPE '\\') INTO NAME name VALUE value)"
            for t in tables.split(",")
        )
        return f"({' UNION ALL '.join(parts)})"

    sql = re.sub(r"\{raw:(\w+)\}", lambda m: landed(m.group(1)), query)
    sql = re.sub(r"\{cells:([\w,]+)\}", lambda m: cells(m.group(1)), sql)
    ((number,),) = place.rows(sql.replace(":", "\\:"))
    return int(number or 0)


if __name__ == "__main__":
    PAGE.write_text(rendered(counts(Place(Path(sys.argv[1])))), encoding="utf-8")
    print(PAGE)
