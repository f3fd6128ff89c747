"""Code lists: the enums of all source contracts as rows, with their labels.

Belongs here: reading labels that the contracts give and the SELECT over them, which becomes ``core.ref_code``.
Keep out: ladders (``assets/core/dim_status_ladder.sql``), codes of standards (``assets/core/*.csv``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from data_contracts.model import TableContract
from data_contracts.sql_text import row
from data_contracts.yaml_file import read_yaml

NAME = "ref_code"


def code_rows(contracts: Mapping[str, TableContract]) -> Iterator[tuple[str, str, str, str]]:
    """``(domain, code, Chinese label, English label)`` of every enum; domain is ``table.column``.

    The Chinese label is the contract's, else the word of ``valueMap`` that stands for the code, else the code.
    """
    for name in sorted(contracts):
        contract = contracts[name]
        if not any(column.enum for column in contract.public):
            continue
        properties = read_yaml(contract.path)["schema"][0]["properties"]
        labels = {
            p["name"]: {str(e["value"]): str(e.get("label") or "") for e in p["enum"]}
            for p in properties
            if p.get("enum")
        }
        for column in contract.public:
            words = {code: word for word, code in reversed(list(column.value_map.items()))}
            for code in column.enum:
                label = labels.get(column.name, {}).get(code) or words.get(code) or code
                yield f"{name}.{column.name}", code, label, code.replace("_", " ")


def code_list_sql(contracts: Mapping[str, TableContract]) -> str:
    """The rows as a SELECT with the head of a core file."""
    rows = ",\n    ".join(map(row, code_rows(contracts)))
    return (
        "-- Codes of the ledgers with their labels, from the enums of the source contracts.\n"
        "-- materialized: table\n"
        "SELECT code_domain, code, label_zh, label_en\n"
        f"FROM (\n  VALUES\n    {rows}\n) AS listed(code_domain, code, label_zh, label_en)\n"
    )
