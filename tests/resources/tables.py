"""Contracts made by hand for the connector tests, and how their extractions are read.

Belongs here: builders with short signatures. Keep out: the product's own contracts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from data_contracts.model import Column, Kind, TableContract, Update
from resources.sources.base import (
    Connector,
    Extraction,
    ExtractionRequest,
    RetryPolicy,
    Source,
    batch_of,
    connector_for,
    landed_schema,
)

FAST = RetryPolicy(attempts=3, first_seconds=0.01, longest_seconds=0.02, patience_seconds=3)


def column(
    name: str,
    source: str | None = None,
    kind: Kind = "string",
    key: int | None = None,
    source_unit: str | None = None,
) -> Column:
    return Column(
        name=name,
        source=source or name,
        kind=kind,
        physical_type={"decimal": "decimal(18,2)", "string": "varchar(40)"}.get(kind, kind),
        required=key is not None,
        key_position=key,
        business_name=name,
        description="",
        unit=None,
        source_unit=source_unit,
        change=None,
        lineage=False,
        restricted=False,
        enum=(),
        value_map={},
        normalise="width",
        role="measure" if kind in ("decimal", "integer") else "text",
        in_force=(),
        parse=(),
        options={},
        quality=(),
    )


def contract(
    transport: Mapping[str, Any], *columns: Column, update: Update | None = None, name: str = "ledger"
) -> TableContract:
    return TableContract(
        path=Path(f"{name}.yaml"),
        name=name,
        domain="construction",
        version="1.0.0",
        business_name=name,
        description="",
        grain="",
        owner="",
        server="here",
        physical_name=name,
        transport=transport,
        update=update or Update("upsert"),
        recorded_at=None,
        quarantine_max_pct=5.0,
        quarantine_min_rows=20,
        required=False,
        org_path="",
        columns=columns,
        relationships=(),
        quality=(),
    )


def read(
    source: Source,
    table: TableContract,
    since: datetime | None = None,
    landed: Mapping[str, str] | None = None,
    connector: Connector | None = None,
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """All landed rows and the finished proof."""
    request = ExtractionRequest(table, since, landed or {})
    extraction = (connector or connector_for(table)).extract(source, request)
    rows = pa.Table.from_batches(extraction.batches, landed_schema(table)).to_pylist()
    return rows, extraction.proof


def extraction_of(table: TableContract, rows: Sequence[Sequence[object]], chunk: int = 1000) -> Extraction:
    """An extraction of ready rows, cut into batches of ``chunk`` rows."""
    schema = landed_schema(table)
    batches = batch_of(schema, rows)
    cut = (batches.slice(i, chunk) for i in range(0, len(rows), chunk))
    return Extraction(cut, {"method": "count", "complete": True, "full": True, "rows": len(rows)})
