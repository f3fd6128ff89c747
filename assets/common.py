"""What assets of every layer share: the pool, owners, and metadata as the Dagster UI shows it.

Belongs here: small helpers that would otherwise stand in each layer. Keep out: anything of one layer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypedDict

import dagster as dg

from data_contracts.model import Column, TableContract
from data_contracts.outputs import OutputColumn, OutputContract

POOL = "warehouse"
"""All assets write one warehouse: the pool queues runs, the workspace lock decides."""

OFFICE = "集团数据管理部"
"""Owns what belongs to no ledger: the checks between them and the published file."""

Lineage = Mapping[str, Sequence[tuple[dg.AssetKey, str]]]
"""Column → the columns (asset, name) it comes from."""


def owners(department: str) -> list[str]:
    """The owning department as Dagster names a team."""
    return [f"team:{department}"]


def ledger_metadata(contract: TableContract) -> dict[str, Any]:
    """What the raw and staged table of a ledger share: grain, source, update, key, contract."""
    update = contract.update
    scope = "table" if update.verb == "replace" and not update.scope else ", ".join(update.scope)
    return {
        "business_name": contract.business_name,
        "grain": contract.grain,
        "source": f"{contract.server}: {contract.physical_name} ({contract.transport['kind']})",
        "update": update.verb + (f" ({scope})" if scope else ""),
        "natural_key": ", ".join(contract.key),
        "contract": f"{contract.name} {contract.version}",
    }


def output_metadata(promise: OutputContract) -> dict[str, Any]:
    """What the output contract of a ``core``, ``mart`` or ``report`` table says: grain, key, columns."""
    return {
        "dagster/table_name": f"{promise.layer}.{promise.name}",
        "dagster/column_schema": column_schema(promise.columns),
        "business_name": promise.business_name,
        "grain": promise.grain,
        "natural_key": ", ".join(promise.key) or "none",
    }


class Promised(TypedDict):
    """Arguments of ``dg.asset`` that an output contract gives."""

    group_name: str
    description: str
    owners: list[str]
    metadata: dict[str, Any]
    pool: str


def promised(promise: OutputContract, said: str = "") -> Promised:
    """Arguments of ``dg.asset`` that the output contract gives; ``said`` instead of its description."""
    return {
        "group_name": promise.domain,
        "description": f"{promise.business_name}: {said or promise.description}",
        "owners": owners(promise.owner),
        "metadata": output_metadata(promise),
        "pool": POOL,
    }


def column_schema(columns: Sequence[Column] | Sequence[OutputColumn]) -> dg.TableSchema:
    """Column schema as the Dagster UI shows it: type, Chinese name and description, key and nullability."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=c.name,
                type=c.type if isinstance(c, OutputColumn) else c.warehouse_type,
                description=f"{c.business_name}: {c.description}".removesuffix(": "),
                constraints=dg.TableColumnConstraints(
                    nullable=not c.required, other=["key"] if _is_key(c) else None
                ),
            )
            for c in columns
        ]
    )


def lineage_entry(lineage: Lineage) -> dict[str, Any]:
    """Column lineage as Dagster's own metadata entry; nothing where no column comes from another."""
    deps = {
        column: [dg.TableColumnDep(asset_key=key, column_name=name) for key, name in sources]
        for column, sources in lineage.items()
        if sources
    }
    return {"dagster/column_lineage": dg.TableColumnLineage(deps_by_column=deps)} if deps else {}


def lineage_table(lineage: Lineage) -> dict[str, Any]:
    """The same as a table to read: the open-source UI stores the entry and shows it nowhere."""
    rows = [
        (column, ", ".join(f"{key.to_user_string()}.{name}" for key, name in sources))
        for column, sources in lineage.items()
        if sources
    ]
    return {"columns_from": markdown_table(("column", "computed from"), rows)} if rows else {}


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> dg.MarkdownMetadataValue:
    """A table as Markdown metadata."""
    lines = [head, ["---"] * len(head), *rows]
    cells = [[str(value).replace("|", "\\|") for value in line] for line in lines]
    return dg.MetadataValue.md("\n".join(f"| {' | '.join(line)} |" for line in cells))


def _is_key(column: Column | OutputColumn) -> bool:
    return column.is_key if isinstance(column, OutputColumn) else column.key_position is not None
