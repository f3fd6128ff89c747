"""The source contracts say what the catalogue says, are valid ODCS, and refuse what cannot be translated."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import open_data_contract_standard
import pytest
import yaml

from data_contracts.contract_file import load_contract, load_contracts
from data_contracts.model import Column, ContractError, TableContract
from data_contracts.render import COMMAND, DICTIONARY, data_dictionary
from data_contracts.rules import rules_of
from tests.data_contracts.catalogue import catalogue

CONTRACTS = load_contracts()
TABLES = sorted(CONTRACTS)
ODCS_SCHEMA = yaml.safe_load(
    Path(open_data_contract_standard.__file__).with_name("schema.json").read_text(encoding="utf-8")
)
TYPED_HERE = {"park_loi.area_m2": "decimal(14,2)", "park_unit.updated_at": "timestamp"}
"""What the source sends as text or milliseconds: read by the contract, not by every query."""


CATALOGUE = catalogue()
CATALOGUED = sorted(set(TABLES) & set(CATALOGUE))
"""Ledgers of the group's catalogue; a ledger that someone adds is held to the other tests alone."""


def _document(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(CONTRACTS[name].path.read_text(encoding="utf-8"))
    return document


# --- the catalogue -----------------------------------------------------------------------------------


def test_contracts_stand_in_the_catalogues_domain() -> None:
    assert {n: CONTRACTS[n].domain for n in CATALOGUED} == {n: CATALOGUE[n][0]["domain"] for n in CATALOGUED}


@pytest.mark.parametrize("name", CATALOGUED)
def test_columns_stand_in_the_catalogues_order_with_its_types(name: str) -> None:
    told = [
        (r["column"], TYPED_HERE.get(f"{name}.{r['column']}", r["type"]), r["nullable"] == "N")
        for r in CATALOGUE[name]
    ]
    assert [(c.name, c.physical_type, c.required) for c in CONTRACTS[name].columns] == told


@pytest.mark.parametrize("name", CATALOGUED)
def test_keys_references_and_change_marks_are_the_catalogues(name: str) -> None:
    contract, rows = CONTRACTS[name], CATALOGUE[name]
    assert list(contract.key) == rows[0]["natural_key"].split(";")[0].split("+")
    referring = {column for r in contract.relationships for column in r.columns}
    foreign = {r["column"] for r in rows if "FK" in r["key"]}
    assert foreign <= referring
    marks = {r["column"]: re.findall(r"change: (event|correction)", r["note"]) for r in rows}
    assert {c.name: [c.change] if c.change else [] for c in contract.columns} == marks


@pytest.mark.parametrize("name", CATALOGUED)
def test_update_semantics_are_the_catalogues(name: str) -> None:
    told, update = CATALOGUE[name][0]["update_semantics"], CONTRACTS[name].update
    verb, scope = re.fullmatch(r"(\w+)(?:\((\w+)\))?", told.split(";")[0]).groups()  # type: ignore[union-attr]
    assert (update.verb, update.scope) == (verb, () if scope in (None, "table") else (scope,))
    watermark = re.search(r"watermark (\w+)", told)
    overlap = re.search(r"overlap (\d+) days", told)
    assert update.watermark == (watermark.group(1) if watermark else None)
    assert update.overlap_days == (int(overlap.group(1)) if overlap else 0)


def _base_unit(told: str) -> str | None:
    """Unit of the value held: a sheet in 万元 or 亿元 holds CNY; remarks on tax or transport are no unit."""
    if "万元" in told or "亿元" in told or told.startswith("CNY ("):
        return "CNY"
    return told.removesuffix(" incl. tax") or None


@pytest.mark.parametrize("name", CATALOGUED)
def test_units_are_the_catalogues_and_money_sent_in_wan_or_yi_is_declared(name: str) -> None:
    columns = {c.name: c for c in CONTRACTS[name].columns}
    for row in CATALOGUE[name]:
        column = columns[row["column"]]
        assert column.unit == _base_unit(row["unit"]), column.name
        # A sheet that only may be in 万元 says its unit in the header.
        sent = None if "may be" in row["unit"] else re.search("[万亿]元", row["unit"])
        assert column.source_unit == (sent[0] if sent else None), column.name


# --- what readers rely on ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", TABLES)
def test_every_contract_is_valid_odcs(name: str) -> None:
    validator = jsonschema.validators.validator_for(ODCS_SCHEMA)(ODCS_SCHEMA)
    assert [f"{list(e.absolute_path)}: {e.message}" for e in validator.iter_errors(_document(name))] == []


@pytest.mark.parametrize("name", CATALOGUED)
def test_every_column_has_a_short_chinese_name_of_its_own_and_a_description(name: str) -> None:
    names = [c.business_name for c in CONTRACTS[name].columns]
    assert len(set(names)) == len(names)
    assert all(re.search(r"[\u4e00-\u9fff]", n) and len(n) <= 12 for n in names)
    assert all(c.description for c in CONTRACTS[name].columns)


@pytest.mark.parametrize("name", TABLES)
def test_every_rule_says_what_is_wrong_and_what_cures_it(name: str) -> None:
    for rule in rules_of(CONTRACTS[name]):
        assert rule.message, rule.id
        assert rule.cure, rule.id
        assert rule.id.startswith(f"{name}."), rule.id


def test_names_of_people_are_restricted() -> None:
    restricted = {f"{n}.{c.name}" for n in CATALOGUED for c in CONTRACTS[n].restricted}
    assert restricted == {
        "fin_counterparty.bank_account",
        "fin_period.changed_by", "fin_voucher.prepared_by", "fin_voucher.checked_by", "fin_voucher.posted_by",
        "con_safety_activity.leader", "park_hazard.responsible", "park_hazard.verifier",
    }  # fmt: skip


def test_watermarks_are_no_content() -> None:
    for name in CATALOGUED:
        contract = CONTRACTS[name]
        if contract.update.watermark:
            assert contract.column(contract.update.watermark).lineage, name


def test_an_empty_master_blocks() -> None:
    contracts = {n: CONTRACTS[n] for n in CATALOGUED}
    whole = {n for n, c in contracts.items() if c.update.verb == "replace" and not c.update.scope}
    guarded = {
        n
        for n, c in contracts.items()
        for r in rules_of(c)
        if (r.kind, r.severity, r.scope) == ("row_count", "error", "table")
    }
    # A register without an adjustment is an answer, as long as it never had one.
    assert whole - {"fin_adjustment"} == guarded


def test_the_data_dictionary_is_rendered_from_the_contracts() -> None:
    rendered = data_dictionary(CONTRACTS)
    written = DICTIONARY.read_text(encoding="utf-8") if DICTIONARY.exists() else ""
    assert written == rendered, f"docs/data_dictionary.md is stale: run `{COMMAND}`"


DOCS = DICTIONARY.with_name("contracts.md").read_text(encoding="utf-8")


def test_the_documented_example_compiles(tmp_path: Path) -> None:
    example = re.search(r"```yaml\n(apiVersion.*?)```", DOCS, re.DOTALL)
    assert example
    path = tmp_path / "park_meter.yaml"
    path.write_text(example.group(1), encoding="utf-8")
    assert "park_meter.use_not_negative" in {r.id for r in rules_of(load_contract(path))}


def test_every_custom_property_is_documented(tmp_path: Path) -> None:
    with pytest.raises(ContractError) as of_contract:
        load_contract(_changed(tmp_path, lambda d: _custom(d, "x", 1)))
    unknown = [{"property": "x", "value": 1}]
    with pytest.raises(ContractError) as of_column:
        load_contract(_changed(tmp_path, lambda d: _column(d, 1).update(customProperties=unknown)))
    known = re.findall(r"'(\w+)'", f"{of_contract.value}{of_column.value}".replace("'x'", ""))
    assert len(known) >= 12
    assert [name for name in known if f"| `{name}` |" not in DOCS] == []


# --- what cannot be translated is refused ------------------------------------------------------------

MINIMAL = """
apiVersion: v3.2.0
kind: DataContract
id: thing
version: 1.0.0
status: active
domain: park
team: {name: 园区运营部}
servers: [{server: park_platform, type: custom}]
customProperties:
  - {property: transport, value: {kind: sql, table: thing}}
  - {property: update, value: {verb: upsert, watermark: seen_at, overlap_days: 3}}
  - {property: orgPath, value: org_code}
schema:
  - name: thing
    physicalName: thing
    businessName: 事物
    description: Things.
    dataGranularityDescription: One row per thing.
    properties:
      - {name: thing_no, businessName: 编号, physicalType: varchar(10),
         primaryKey: true, primaryKeyPosition: 1}
      - {name: amount_cny, businessName: 金额, physicalType: 'decimal(18,2)'}
      - {name: seen_at, businessName: 更新时间, physicalType: timestamp}
    quality: []
"""
Change = Callable[[dict[str, Any]], object]


def _changed(tmp_path: Path, change: Change) -> Path:
    document = yaml.safe_load(MINIMAL)
    change(document)
    path = tmp_path / "thing.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    return path


def _table(document: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = document["schema"][0]
    return schema


def _column(document: dict[str, Any], position: int) -> dict[str, Any]:
    column: dict[str, Any] = _table(document)["properties"][position]
    return column


def _custom(document: dict[str, Any], name: str, value: object) -> None:
    document["customProperties"] = [p for p in document["customProperties"] if p["property"] != name]
    document["customProperties"].append({"property": name, "value": value})


def test_the_minimal_contract_is_read(tmp_path: Path) -> None:
    contract = load_contract(_changed(tmp_path, lambda d: None))
    assert (contract.key, contract.update.overlap_days) == (("thing_no",), 3)
    assert {r.id for r in rules_of(contract)} == {
        "thing.thing_no.not_null", "thing.thing_no.length", "thing.amount_cny.parse", "thing.seen_at.parse",
        "thing.key.unique",
    }  # fmt: skip


def _units(unit: str, source_unit: str) -> list[dict[str, str]]:
    return [{"property": "unit", "value": unit}, {"property": "sourceUnit", "value": source_unit}]


REFUSED: dict[str, tuple[Change, str]] = {
    "another version of ODCS": (lambda d: d.update(apiVersion="v3.0.2"), "declare v3.2.0"),
    "an unknown top-level field": (lambda d: d.update(colour="red"), "colour"),
    "two tables": (lambda d: d["schema"].append(d["schema"][0]), "one contract describes one table"),
    "no server": (lambda d: d.update(servers=[]), "name the one source system"),
    "no owner": (lambda d: d.pop("team"), "team.name"),
    "no transport": (lambda d: _custom(d, "transport", None), "transport"),
    "an unknown custom property": (lambda d: _custom(d, "transprot", {}), "'transprot' is not known"),
    "an unknown property of a column": (
        lambda d: _column(d, 1).update(customProperties=[{"property": "uint", "value": "CNY"}]),
        "column amount_cny: custom property 'uint' is not known",
    ),
    "an unknown verb": (lambda d: _custom(d, "update", {"verb": "merge"}), "use append, upsert or replace"),
    "replace without a scope": (lambda d: _custom(d, "update", {"verb": "replace"}), "without a scope"),
    "a watermark that is no column": (
        lambda d: _custom(d, "update", {"verb": "upsert", "watermark": "ts"}),
        "no column ts",
    ),
    "an unknown type": (lambda d: _column(d, 1).update(physicalType="money"), "type 'money' is not known"),
    "no Chinese name": (lambda d: _column(d, 1).pop("businessName"), "column amount_cny.businessName"),
    "a key without a position": (lambda d: _column(d, 0).pop("primaryKeyPosition"), "primaryKeyPosition"),
    "no key": (lambda d: _column(d, 0).pop("primaryKey"), "no natural key"),
    "a column twice": (lambda d: _column(d, 1).update(name="seen_at"), "stands twice"),
    "a reference without a word on orphans": (
        lambda d: _column(d, 0).update(relationships=[{"type": "foreignKey", "to": "other.thing_no"}]),
        "set orphan to infer or hold",
    ),
    "a word that is translated to none of the enum": (
        lambda d: _column(d, 0).update(
            enum=[{"value": "big"}],
            customProperties=[{"property": "valueMap", "value": {"大": "big", "小": "small"}}],
        ),
        "column thing_no.valueMap: 'small' is not in its enum → use one of big, or add it to the enum",
    ),
    "a word in force that is none of the enum": (
        lambda d: _column(d, 0).update(
            enum=[{"value": "big"}], customProperties=[{"property": "inForce", "value": ["tall"]}]
        ),
        "column thing_no.inForce: 'tall' is not in its enum",
    ),
    "a unit that cannot be read": (
        lambda d: _column(d, 1).update(customProperties=_units("CNY", "万圆")),
        "column amount_cny.sourceUnit: '万圆' is no unit that becomes CNY → use one of 元, CNY, 千, 千元",
    ),
    "a unit that becomes no other": (
        lambda d: _column(d, 1).update(customProperties=_units("kWh", "万元")),
        "'万元' is no unit that becomes kWh → use one of those of a unit in CNY, m2, m3",
    ),
    "a composite reference that does not pair": (
        lambda d: _table(d).update(
            relationships=[{"from": ["thing.thing_no"], "to": ["other.a", "other.b"]}]
        ),
        "do not pair",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_contract_that_would_be_guessed_is_refused(tmp_path: Path, case: str) -> None:
    change, said = REFUSED[case]
    path = _changed(tmp_path, change)
    with pytest.raises(ContractError) as refusal:
        load_contract(path)
    assert said in str(refusal.value)
    assert str(path) in str(refusal.value)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("thing.code", "thing has no column code → use one of thing_no, amount_cny, seen_at"),
        ("thong.thing_no", "there is no contract of thong → name a source table"),
    ],
)
def test_a_reference_to_what_no_contract_has_is_refused(tmp_path: Path, target: str, said: str) -> None:
    orphan = [{"property": "orphan", "value": "infer"}]
    reference = {"type": "foreignKey", "to": target, "customProperties": orphan}
    (tmp_path / "park").mkdir()
    path = _changed(tmp_path / "park", lambda d: _column(d, 0).update(relationships=[reference]))
    with pytest.raises(ContractError) as refusal:
        load_contracts(tmp_path)
    assert str(refusal.value) == f"{path}: relationship of thing_no: {said}"


def _rule(implementation: object, **other: object) -> dict[str, object]:
    clause = {"id": "r1", "name": "wrong", "type": "custom", "engine": "jibao", "severity": "error"}
    return {**clause, "implementation": implementation, **other}


def _library(metric: str, **other: object) -> dict[str, object]:
    return {"id": "r1", "type": "library", "metric": metric, "severity": "error", **other}


UNTRANSLATED: dict[str, tuple[dict[str, object], str]] = {
    "a quality type without a translation": (
        {"id": "r1", "type": "sql", "query": "SELECT 1", "mustBe": 0, "severity": "error"},
        "quality type 'sql' (engine None) has no translation",
    ),
    "another engine": (_rule({"row": "amount_cny > 0"}, engine="soda"), "engine 'soda'"),
    "a library metric without a translation": (
        _library("nullValues", mustBeLessThan=5),
        "'nullValues' with these operators has no translation",
    ),
    "duplicates that are allowed": (_library("duplicateValues", mustBeLessThan=5), "has no translation"),
    "a row count without bounds": (_library("rowCount", mustNotBe=0), "has no translation"),
    "duplicates of an unknown column": (
        _library("duplicateValues", mustBe=0, arguments={"properties": ["colour"]}),
        "columns ('colour',)",
    ),
    "an unknown column": (_rule({"row": "amount > 0"}), "no column amount"),
    "a subquery": (_rule({"row": "amount_cny > (SELECT max(x) FROM other)"}), "no subqueries"),
    "EXISTS": (_rule({"row": "EXISTS (SELECT 1 FROM other)"}), "no subqueries"),
    "IN (SELECT)": (_rule({"row": "thing_no IN (SELECT x FROM other)"}), "no subqueries"),
    "a second statement": (_rule({"row": "1 = 1; DROP TABLE thing"}), "r1"),
    "a clause behind the predicate": (_rule({"row": "1 = 1 ORDER BY amount_cny"}), "one boolean expression"),
    "a set operation": (_rule({"row": "1 = 1 UNION SELECT 1"}), "one boolean expression"),
    "what is not SQL": (_rule({"row": "amount_cny >"}), "does not parse"),
    "an unknown form": (_rule({"sql": "amount_cny > 0"}), "has no translation"),
    "two forms at once": (_rule({"row": "amount_cny > 0", "table": "count(*) > 0"}), "has no translation"),
    "a group without a predicate": (_rule({"group": ["thing_no"]}), "has no translation"),
    "an empty predicate": (_rule({"row": " "}), "a rule without a predicate"),
    "an aggregate over rows in a row": (_rule({"row": "sum(amount_cny) > 0"}), "looks at other rows"),
    "a window in a row": (_rule({"row": "lag(amount_cny) OVER () > 0"}), "looks at other rows"),
    "a group without columns": (_rule({"group": [], "check": "count(*) = 1"}), "list columns"),
    "a group by an unknown column": (_rule({"group": ["x"], "check": "count(*) = 1"}), "list columns"),
    "a validator on a table": (_rule({"validator": "usci"}), "validator 'usci'"),
    "no severity": (_rule({"row": "amount_cny > 0"}, severity=None), "say error or warning"),
    "another severity": (_rule({"row": "amount_cny > 0"}, severity="info"), "say error or warning"),
    "no id": (_rule({"row": "amount_cny > 0"}, id=None), "without an id"),
}


@pytest.mark.parametrize("case", UNTRANSLATED)
def test_a_clause_that_cannot_become_a_rule_is_refused(tmp_path: Path, case: str) -> None:
    clause, said = UNTRANSLATED[case]
    path = _changed(tmp_path, lambda d: _table(d).update(quality=[clause]))
    with pytest.raises(ContractError) as refusal:
        rules_of(load_contract(path))
    assert said in str(refusal.value)
    assert str(path) in str(refusal.value)


def test_an_unknown_validator_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    path = _changed(tmp_path, lambda d: _column(d, 0).update(quality=[_rule({"validator": "iban"})]))
    with pytest.raises(ContractError, match=r"project_code.*usci"):
        rules_of(load_contract(path))


def test_two_rules_of_one_id_are_refused(tmp_path: Path) -> None:
    twice = [_rule({"row": "amount_cny > 0"}), _rule({"row": "amount_cny < 9"})]
    path = _changed(tmp_path, lambda d: _table(d).update(quality=twice))
    with pytest.raises(ContractError, match="two rules of one id"):
        rules_of(load_contract(path))


def test_a_composite_reference_may_name_its_own_table(tmp_path: Path) -> None:
    reference = {
        "from": ["thing.thing_no", "seen_at"],
        "to": ["other.no", "other.at"],
        "customProperties": [{"property": "orphan", "value": "infer"}],
    }
    contract: TableContract = load_contract(
        _changed(tmp_path, lambda d: _table(d).update(relationships=[reference]))
    )
    (relationship,) = contract.relationships
    assert (relationship.columns, relationship.parent_columns) == (("thing_no", "seen_at"), ("no", "at"))
    key: Column = contract.column("thing_no")
    assert key.length == 10
