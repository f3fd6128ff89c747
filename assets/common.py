"""What assets of every layer share: the pool, owners, column schemas.

Belongs here: small helpers that would otherwise stand in each layer. Keep out: anything of one layer.
"""

from __future__ import annotations

from typing import Any

import dagster as dg

from data_contracts.model import Column, TableContract

POOL = "warehouse"
"""All assets write one warehouse: the pool queues runs, the workspace lock decides."""


def owners(department: str) -> list[str]:
    """The owning department as Dagster names a team."""
    return [f"team:{department}"]


def asset_metadata(contract: TableContract) -> dict[str, Any]:
    """Static metadata of a table under contract: grain, source, update, schema."""
    update = contract.update
    scope = "table" if update.verb == "replace" and not update.scope else ",".join(update.scope)
    return {
        "business_name": contract.business_name,
        "owner": contract.owner,
        "grain": contract.grain,
        "source": f"{contract.server}: {contract.physical_name} ({contract.transport['kind']})",
        "update": update.verb + (f"({scope})" if scope else ""),
        "natural_key": ", ".join(contract.key),
        "contract": f"{contract.name} {contract.version}",
        "dagster/column_schema": column_schema(contract.public),
    }


def column_schema(columns: tuple[Column, ...]) -> dg.TableSchema:
    """Column schema as the Dagster UI shows it: type, description, required."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=c.name,
                type=c.warehouse_type,
                description=f"{c.business_name}. {c.description}".strip(),
                constraints=dg.TableColumnConstraints(nullable=not c.required),
            )
            for c in columns
        ]
    )
