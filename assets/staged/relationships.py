"""References between ledgers, checked when all tables of a run are staged.

Belongs here: counting orphans and recording them as rule results. Keep out: holding rows back, which the
``known`` views do by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from assets.staged.known import admitted, checked
from data_contracts.model import Relationship, TableContract
from resources.engine import Session

_TREATMENT = {
    "infer": "row kept, parent inferred",
    "hold": "row held back until its parent comes",
}


@dataclass(frozen=True)
class RelationshipResult:
    """One reference: how many current rows name a parent that is not known."""

    reference: str
    orphans: int
    treatment: str


def check_relationships(
    session: Session, contracts: Mapping[str, TableContract], known_at: datetime
) -> list[RelationshipResult]:
    """Check every reference between tables under contract and record it in ``meta.rule_result``.

    ``known_at``: naive UTC. Rows already held back for another reference are counted too.
    """
    session.run(
        "DELETE FROM meta.rule_result WHERE batch_id = 'relationship' AND known_at = CAST(:k AS TIMESTAMP)",
        k=known_at,
    )
    found = []
    for contract in contracts.values():
        for relationship in checked(contract, contracts):
            found.append(_check(session, contract, relationship, contracts, known_at))
    return found


def rule_id(contract: TableContract, relationship: Relationship) -> str:
    """Stable id of a reference as a rule: ``table.column+column.orphan``, or ``.requires``."""
    demand = "requires" if relationship.requires else "orphan"
    return f"{contract.name}.{'+'.join(relationship.columns)}.{demand}"


def _check(
    session: Session,
    contract: TableContract,
    relationship: Relationship,
    contracts: Mapping[str, TableContract],
    known_at: datetime,
) -> RelationshipResult:
    total, orphans = session.row(
        f"SELECT count(*), count(*) FILTER (WHERE NOT ({admitted(relationship, contracts)})) "
        f"FROM staged.{contract.name} AS s WHERE s._known_to IS NULL"
    )
    target = f"{relationship.parent}({', '.join(relationship.parent_columns)})"
    reference = f"{contract.name}({', '.join(relationship.columns)}) → {target}"
    treatment = _TREATMENT[relationship.orphan]
    if relationship.requires:
        together = "+".join(relationship.held_with)
        treatment = (
            f"rows of one {together} held back while {relationship.parent} is not {relationship.requires}"
        )
    session.run(
        "INSERT INTO meta.rule_result VALUES (:t, 'relationship', CAST(:k AS TIMESTAMP), :id, 'warning', 'row', "
        ":total, :orphans, NULL, :status, :message)",
        t=contract.name, k=known_at, id=rule_id(contract, relationship), total=total, orphans=orphans,
        status="fail" if orphans else "pass", message=f"{reference}: {treatment}",
    )  # fmt: skip
    return RelationshipResult(reference, int(orphans), treatment)
