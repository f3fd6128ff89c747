"""A fact that a contract declares: its columns, its company, its origin, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from data_contracts.contract_file import load_contracts
from data_contracts.fact import Fact, declared_fact, declared_facts
from data_contracts.model import ContractError

CONTRACTS = load_contracts()


def _declared(table: str, said: dict[str, Any], **changes: Any) -> Fact:
    contract = replace(CONTRACTS[table], fact=said, **changes)
    return declared_fact(contract, {**CONTRACTS, table: contract})


def _refused(table: str, said: dict[str, Any], **changes: Any) -> str:
    with pytest.raises(ContractError) as error:
        _declared(table, said, **changes)
    return str(error.value)


def test_a_name_is_enough() -> None:
    contract = CONTRACTS["park_hazard"]
    columns = _declared("park_hazard", {"name": "fct_x"}).output.columns
    own = [c.name for c in contract.public if not c.lineage and not c.is_technical]
    assert [c.name for c in columns] == [*own, "org_code", "_source_table", "_source_key", "_row_hash"]
    assert not {c.name for c in contract.restricted} & {c.name for c in columns}
    assert {c.name: c.business_name for c in columns}["found_date"] == "发现日期"
    assert [c.name for c in columns if c.is_key] == ["hazard_no"]


def test_the_company_is_reached_over_as_many_tables_as_it_takes() -> None:
    sql = _declared(
        "park_hazard",
        {"name": "fct_x"},
        org_path="park_code > park_park > project_code > con_project > org_code",
    ).sql
    assert "LEFT JOIN known.park_park AS park_park ON park_hazard.park_code = park_park.park_code\n" in sql
    assert (
        "LEFT JOIN known.con_project AS con_project ON park_park.project_code = con_project.project_code"
        in sql
    )
    assert "    con_project.org_code,\n" in sql


def test_a_company_column_of_another_name_is_called_org_code() -> None:
    assert (
        "con_project.owner_org_code AS org_code"
        in _declared(
            "con_invest_month", {"name": "fct_x"}, org_path="project_code > con_project > owner_org_code"
        ).sql
    )


def test_a_key_of_several_columns_is_joined_by_bars() -> None:
    sql = _declared("con_invest_month", {"name": "fct_x"}).sql
    assert "COALESCE(CAST(con_invest_month.revision AS VARCHAR), '') AS _source_key" in sql


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ({}, "name ''"),
        ({"name": "hazards"}, "name 'hazards'"),
        ({"name": "fct_x", "table": 1}, "['table'] not known"),
        ({"name": "fct_x", "columns": ["level"]}, "leave out the key hazard_no"),
        ({"name": "fct_x", "columns": ["hazard_no", "lvl"]}, "lvl is no public column"),
        ({"name": "fct_x", "derived": [{"name": "a"}]}, "derived column {'name': 'a'}"),
    ],
)
def test_what_does_not_fit_is_refused(said: dict[str, Any], cause: str) -> None:
    assert cause in _refused("park_hazard", said)


@pytest.mark.parametrize(
    ("path", "cause"),
    [
        ("park_code > park_park", "ends with a table"),
        ("park_code > park_none > org_code", "park_none, which has no contract"),
        ("park_code > park_park > company", "park_park has no public column company"),
        ("org_code", "park_hazard has no public column org_code"),
        ("park_code > park_park > park_code > park_park > org_code", "visits park_park twice"),
    ],
)
def test_a_path_that_leads_nowhere_is_refused(path: str, cause: str) -> None:
    assert cause in _refused("park_hazard", {"name": "fct_x"}, org_path=path)


def test_a_derived_column_reads_the_row_and_the_tables_of_the_path_alone() -> None:
    derived = {
        "name": "kind", "expression": "park_park.park_kind || level", "physicalType": "varchar",
        "businessName": "类型", "description": "Kind.",
    }  # fmt: skip
    sql = _declared("park_hazard", {"name": "fct_x", "derived": [derived]}).sql
    assert "CAST(park_park.park_kind || park_hazard.level AS VARCHAR) AS kind" in sql
    said = {"name": "fct_x", "derived": [{**derived, "expression": "con_project.org_code"}]}
    assert "reads con_project" in _refused("park_hazard", said)
    said = {"name": "fct_x", "derived": [{**derived, "expression": "level ||"}]}
    assert "write one SQL expression" in _refused("park_hazard", said)
    said = {"name": "fct_x", "derived": [{**derived, "businessName": "隐患编号"}]}
    assert "two columns are called 隐患编号" in _refused("park_hazard", said)


def test_two_contracts_may_not_declare_one_fact() -> None:
    same = {
        name: replace(CONTRACTS[name], fact={"name": "fct_x"}) for name in ("park_hazard", "park_company")
    }
    with pytest.raises(ContractError, match="declared by another contract too"):
        declared_facts({**CONTRACTS, **same})
