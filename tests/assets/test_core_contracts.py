"""Each core table gives what its output contract promises: columns, order, types, words for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path

import duckdb
import pytest
import yaml
from open_data_contract_standard.model import OpenDataContractStandard, SchemaObject, SchemaProperty

from assets.sql_files import sql_files
from data_contracts.contract_file import API_VERSION, CONTRACTS_DIR, SOURCE_DOMAINS
from data_contracts.outputs import load_outputs
from tests.assets.core_warehouse import build_warehouse, core_sql

CONTRACTS = {path.stem: path for path in sorted((CONTRACTS_DIR / "core").glob("*.yaml"))}
MADE_BY_THE_RUN = {"cut_off", "dim_report_version"}
WRITTEN = sorted(name for name, file in sql_files("core").items() if not file.is_declared)
DECLARED = sorted(name for name, file in sql_files("core").items() if file.is_declared)
"""Facts that a source contract declares: no file and no output contract of their own."""


@cache
def document(name: str) -> OpenDataContractStandard:
    return OpenDataContractStandard(**yaml.safe_load(CONTRACTS[name].read_text(encoding="utf-8")))


def table(name: str) -> SchemaObject:
    schema = document(name).schema_ or []
    assert len(schema) == 1, f"{name}: one contract describes one table"
    return schema[0]


def columns(name: str) -> list[SchemaProperty]:
    return list(table(name).properties or [])


def is_chinese(text: str | None) -> bool:
    return bool(text) and any("一" <= letter <= "鿿" for letter in str(text))


@pytest.fixture(scope="module")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = build_warehouse({}, date(2024, 10, 10))
    yield connection
    connection.close()


def test_every_file_has_a_contract_and_every_contract_a_file() -> None:
    assert set(CONTRACTS) == set(WRITTEN) | MADE_BY_THE_RUN


@pytest.mark.parametrize("name", sorted(set(CONTRACTS) - {"dim_report_version"}))
def test_columns_and_types_are_those_promised(warehouse: duckdb.DuckDBPyConnection, name: str) -> None:
    made = [(row[0], row[1]) for row in warehouse.execute(f"DESCRIBE core.{name}").fetchall()]
    assert made == [(c.name, (c.physicalType or "").upper()) for c in columns(name)]


@pytest.mark.parametrize("name", sorted(CONTRACTS))
def test_a_contract_says_what_readers_need(name: str) -> None:
    contract, schema = document(name), table(name)
    assert contract.apiVersion == API_VERSION
    assert (contract.name, contract.id, schema.name) == (name, f"core.{name}", name)
    assert contract.domain in (*SOURCE_DOMAINS, "organisation", "calendar")
    assert is_chinese(schema.businessName)
    for said in (schema.description, schema.dataGranularityDescription, getattr(contract.team, "name", None)):
        assert said
    for column in columns(name):
        assert is_chinese(column.businessName), column.name
        assert len(column.businessName or "") <= 12, column.businessName
        assert column.description, column.name
        assert column.logicalType, column.name
    names = Counter(c.businessName for c in columns(name))
    assert [n for n, count in names.items() if count > 1] == [], "a Chinese view needs one name a column"


@pytest.mark.parametrize("name", WRITTEN)
def test_a_contract_declares_how_its_table_is_kept(name: str) -> None:
    assert core_sql()[name].splitlines()[1] == f"-- materialized: {table(name).physicalType}"


@pytest.mark.parametrize("name", WRITTEN)
def test_keys_are_declared_and_never_empty(name: str) -> None:
    keyed = [c for c in columns(name) if c.primaryKey]
    assert sorted(c.primaryKeyPosition or 0 for c in keyed) == list(range(1, len(keyed) + 1))
    assert keyed
    assert all(c.required for c in keyed)


@pytest.mark.parametrize("name", WRITTEN)
def test_references_name_keys_of_core_tables(name: str) -> None:
    for column in columns(name):
        for relationship in column.relationships or []:
            parent, _, key = str(relationship.to).partition(".")
            assert list(load_outputs()[f"core.{parent}"].key) == [key], (
                f"{name}.{column.name} → {relationship.to}"
            )
    for relationship in table(name).relationships or []:
        assert isinstance(relationship.from_, list)
        assert isinstance(relationship.to, list)
        assert {part.partition(".")[0] for part in relationship.from_} == {name}
        (parent,) = {part.partition(".")[0] for part in relationship.to}
        assert [part.partition(".")[2] for part in relationship.to] == [*load_outputs()[f"core.{parent}"].key]


def test_facts_carry_company_and_origin() -> None:
    for table_name, promise in load_outputs().items():
        if table_name.startswith("core.fct_"):
            named = [c.name for c in promise.columns]
            assert "org_code" in named
            assert named[-3:] == ["_source_table", "_source_key", "_row_hash"]


def test_tables_differ_in_their_chinese_names() -> None:
    names = Counter(promise.business_name for promise in load_outputs().values())
    assert [n for n, count in names.items() if count > 1] == []


@pytest.mark.parametrize("name", DECLARED)
def test_a_declared_fact_gives_what_its_contract_promises(
    warehouse: duckdb.DuckDBPyConnection, name: str
) -> None:
    promise = load_outputs()[f"core.{name}"]
    made = [(row[0], row[1]) for row in warehouse.execute(f"DESCRIBE core.{name}").fetchall()]
    assert made == [(c.name, c.type) for c in promise.columns]
    assert promise.key
    assert all(c.business_name and c.description for c in promise.columns)


def test_contract_files_stand_where_they_are_looked_for() -> None:
    assert {path.parent for path in CONTRACTS.values()} == {Path(CONTRACTS_DIR) / "core"}
