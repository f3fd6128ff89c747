"""The papers of the finance departments: ledgers that follow from the books and from plans.

Belongs here: nothing but the list of these ledgers. Keep out: the general ledger itself (``finance_gl``).
"""

from __future__ import annotations

from demo.ledgers import adjustments, ar_invoices, coop_files, eliminations, invoice_files, plans
from demo.timeline import Timeline
from demo.world import World


def build(world: World) -> list[Timeline]:
    """One timeline per ledger, keyed by the catalogue's table name."""
    return [
        coop_files.build(world),
        *eliminations.build(world),
        invoice_files.build(world),
        ar_invoices.build(world),
        plans.build(world),
        adjustments.build(),
    ]
