"""How the text of a cell becomes a value: the golden cases, through the SQL that types a landed batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from data_contracts.model import TableContract
from data_contracts.rules import rules_of
from data_contracts.to_sql import candidate_select
from tests.assets.staging import contract

GOLDEN = Path(__file__).parents[1] / "golden" / "values.yaml"
CASES: list[dict[str, Any]] = yaml.safe_load(GOLDEN.read_text(encoding="utf-8"))
KEY = {"name": "no", "physicalType": "varchar(10)", "primaryKey": True, "primaryKeyPosition": 1}


def _contract(folder: Path, physical_type: str, **words: Any) -> TableContract:
    said = [{"property": name, "value": value} for name, value in words.items() if value]
    value = {"name": "value", "physicalType": physical_type, "customProperties": said}
    return contract(folder, "t", [KEY, value], {"verb": "upsert"})


def _read(table: TableContract, texts: list[str], header: str | None) -> dict[str, Any]:
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'Asia/Shanghai'")
        db.execute(
            'CREATE TABLE landed (_row_id INT, _row_no INT, _source_ref TEXT, _row_kind TEXT, "no" TEXT, "value" TEXT, '
            '"value__unit" TEXT)'
        )
        rows = [(n, n, "case", "data", str(n), text, header) for n, text in enumerate(texts)]
        db.executemany("INSERT INTO landed VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        typed = candidate_select(table, ["no", "value", "value__unit"], "landed")
        read = db.execute(f"SELECT CAST(value AS VARCHAR) FROM ({typed}) ORDER BY _row_id").fetchall()
    return dict(zip(texts, (value for (value,) in read), strict=True))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_a_cell_is_read_as_written_or_not_at_all(case: dict[str, Any], tmp_path: Path) -> None:
    table = _contract(tmp_path, case["type"], unit=case.get("unit"), sourceUnit=case.get("sent"))
    assert _read(table, list(case["cells"]), case.get("header")) == case["cells"]


@pytest.mark.parametrize(
    ("physical_type", "words", "wrong", "cure"),
    [
        ("decimal(14,2)", {"unit": "CNY"}, "is not a number, or too large for decimal(14,2)",
         "write it as 1234.50, without a unit or in CNY, in the source"),
        ("int", {}, "is not a whole number", "write it as 1234 in the source"),
        ("date", {}, "is not a date", "write it as 2024-09-30 in the source"),
        ("timestamp", {}, "is not a timestamp", "write it as 2024-09-30 08:00:00 in the source"),
        ("date", {"parse": ["instant", "day"]}, "is not a date",
         "write it in one of the forms instant, day, or add its form to parse in t.yaml"),
        ("boolean", {}, "is not a boolean", "write true or false in the source"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_has_a_cure_that_can_be_followed(
    tmp_path: Path, physical_type: str, words: dict[str, Any], wrong: str, cure: str
) -> None:
    (rule,) = (r for r in rules_of(_contract(tmp_path, physical_type, **words)) if r.id == "t.value.parse")
    assert (rule.message, rule.cure) == (f"value (value) {wrong}", cure)
