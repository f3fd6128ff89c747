"""The transport clause: what cannot be used is refused, by key."""

from __future__ import annotations

import pytest

from data_contracts.model import ContractError, TableContract
from resources.sources.base import connector_for
from tests.resources.tables import column, contract


@pytest.mark.parametrize(
    ("transport", "said"),
    [
        ({"kind": "ftp"}, "kind 'ftp' is not known → use one of sql, workbook, rest, file"),
        ({"kind": "sql"}, "table: Field required"),
        ({"kind": "sql", "table": "t", "watermark": "ts"}, "watermark: Extra inputs are not permitted"),
        ({"kind": "workbook", "files": "(", "sheet": "s"}, "files: Value error, not a regular expression"),
        (
            {"kind": "file", "files": "a", "format": "csv", "encoding": "utf-16"},
            "encoding 'utf-16' is not read",
        ),
    ],
)
def test_a_transport_that_cannot_be_used_is_a_contract_error(transport: dict[str, str], said: str) -> None:
    with pytest.raises(ContractError) as caught:
        connector_for(contract(transport, column("a", key=1)))
    assert said in str(caught.value)


def test_a_technical_column_of_another_transport_is_a_contract_error() -> None:
    table: TableContract = contract({"kind": "sql", "table": "t"}, column("n", "_file_name", key=1))
    with pytest.raises(ContractError, match="column n: no _file_name in a sql"):
        connector_for(table)


@pytest.mark.parametrize(
    ("clause", "said"),
    [
        ({"explode": {"fields": []}}, "explode.fields"),
        ({"explode": {"fields": ["rooms"], "split": ""}}, "explode.split"),
        ({"explode": {"fields": ["room"]}}, "explode: room is the physicalName of no column"),
        ({"explode": {"fields": ["areas"]}}, "explode: none of the fields is in the key"),
        ({"units": {"area_m2": "unit"}}, "units: no column area_m2 with a unit"),
    ],
)
def test_a_clause_about_records_names_columns_that_are_there(clause: dict[str, object], said: str) -> None:
    transport = {"kind": "rest", "path": "/a", "page": "p", "size": "s", "page_size": 9, "records": "list"}
    columns = (column("unit_code", "rooms", key=1), column("area_m2", "areas", kind="decimal"))
    with pytest.raises(ContractError) as caught:
        connector_for(contract({**transport, **clause}, *columns))
    assert said in str(caught.value)
