"""Ledger ``fin_adjustment``: the register of manual adjustments that the group finance office keeps.

Belongs here: its rows over time (``seeds/adjustments.yaml``): a row is added, and later marked void, never taken out.
Keep out: the figures adjusted.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from demo.seed_files import seed_tree
from demo.timeline import Event, Timeline

COLUMNS = (
    "adjustment_no", "metric_id", "quarter", "org_code", "project_code", "park_code", "amount", "accounting_reason",
    "reason", "prepared_by", "approved_by", "approved_date", "void_flag",
)  # fmt: skip


def build() -> Timeline:
    """The ledger's timeline: four adjustments, one of them voided."""
    return Timeline("fin_adjustment", COLUMNS, list(_events()))


def _events() -> Iterator[Event]:
    for number, told in seed_tree("adjustments").items():
        said = {
            "adjustment_no": number,
            **told,
            "amount": Decimal(str(told["amount"])).quantize(Decimal("0.01")),
        }
        row = {column: said.get(column) for column in COLUMNS}
        yield told["since"], False, row
        if "void" in told:
            yield told["void"], False, row | {"void_flag": "是"}
