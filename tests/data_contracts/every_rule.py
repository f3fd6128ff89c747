"""A small contract that holds every kind of rule, for the tests of both back ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from data_contracts.model import TableContract
from tests.assets.staging import contract

COLUMNS: list[dict[str, Any]] = [
    {
        "name": "code",
        "physicalType": "varchar(8)",
        "primaryKey": True,
        "primaryKeyPosition": 1,
        "logicalTypeOptions": {"pattern": r"^(?:C|D)\d{1,7}$"},
    },
    {"name": "line_no", "physicalType": "int", "primaryKey": True, "primaryKeyPosition": 2},
    {
        "name": "amount",
        "physicalType": "decimal(18,2)",
        "logicalTypeOptions": {"minimum": 0, "maximum": 5000},
    },
    {"name": "rate", "physicalType": "decimal(18,6)", "logicalTypeOptions": {"maximum": 0.1}},
    {"name": "day", "physicalType": "date"},
    {"name": "kind", "physicalType": "varchar(10)", "enum": [{"value": "甲"}, {"value": "it's"}]},
    {"name": "leader", "physicalType": "varchar(4)", "required": True, "classification": "restricted"},
    {
        "name": "region",
        "physicalType": "varchar(6)",
        "quality": [
            {
                "id": "region_code",
                "name": "the region code is none of GB/T 2260",
                "type": "custom",
                "engine": "jibao",
                "implementation": {"validator": "region_code"},
                "severity": "error",
            }
        ],
    },
]


def _custom(rule_id: str, name: str, implementation: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": rule_id,
        "name": name,
        "type": "custom",
        "engine": "jibao",
        "implementation": implementation,
        "severity": "error",
    }


QUALITY: list[dict[str, Any]] = [
    _custom("rate_below_amount", "the rate exceeds the amount", {"row": "rate <= amount"}),
    _custom(
        "sums_to_hundred",
        "amounts of a code are no multiple of 100",
        {"group": ["code"], "check": "sum(amount) % 100 = 0"},
    ),
    _custom("some_kind", "no row has a kind", {"table": "count(kind) > 0"}),
    {
        "id": "enough",
        "name": "too few or too many rows",
        "metric": "rowCount",
        "mustBeGreaterOrEqualTo": 2,
        "mustBeLessOrEqualTo": 9,
        "type": "library",
        "severity": "warning",
    },
    {
        "id": "day_once",
        "name": "a day stands twice",
        "metric": "duplicateValues",
        "mustBe": 0,
        "arguments": {"properties": ["day"]},
        "type": "library",
        "severity": "error",
    },
    {
        "id": "leader_once",
        "name": "a leader stands twice for a kind",
        "metric": "duplicateValues",
        "mustBe": 0,
        "arguments": {"properties": ["leader", "kind"]},
        "type": "library",
        "severity": "error",
    },
]


def contract_with_every_rule(folder: Path, **rows: str) -> TableContract:
    """Contract ``t``, written below ``folder`` and read back; ``rows``: further row rules by id."""
    more = [_custom(rule_id, "is wrong", {"row": predicate}) for rule_id, predicate in rows.items()]
    return contract(folder, "t", COLUMNS, {"verb": "upsert"}, quality=[*QUALITY, *more])
