"""Reading contract files: ODCS v3.2.0 in, the dataclasses of ``model`` out.

Belongs here: one contract file, checking that it is complete, and all of them together. Keep out: what a contract is
(``model``), rules (``rules``).

What ODCS has no field for stands in ``customProperties`` under the names of ``docs/contracts.md``:
``transport update recordedAt quarantine required orgPath fact cause report`` on the contract and ``unit
sourceUnit change lineage parse valueMap normalise role inForce usual`` on a column.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

import pydantic
import sqlglot
import yaml
from open_data_contract_standard.model import (
    CustomProperty,
    OpenDataContractStandard,
    SchemaObject,
    SchemaProperty,
)
from sqlglot import exp

from data_contracts.model import (
    Column,
    ContractError,
    Kind,
    Relationship,
    Report,
    Role,
    TableContract,
    Update,
    Usual,
)
from data_contracts.sql_text import DIALECT
from data_contracts.units import UNIT_FACTORS
from data_contracts.yaml_file import read_yaml

API_VERSION = "v3.2.0"
CONTRACTS_DIR = Path(__file__).parent
SOURCE_DOMAINS = ("finance", "construction", "park")

_TYPES: dict[str, Kind] = {
    "varchar": "string",
    "char": "string",
    "text": "string",
    "decimal": "decimal",
    "int": "integer",
    "smallint": "integer",
    "bigint": "integer",
    "date": "date",
    "timestamp": "timestamp",
    "datetime": "timestamp",
    "boolean": "boolean",
}
_COLUMN_PROPERTIES = {
    "unit", "sourceUnit", "change", "lineage", "parse", "valueMap", "normalise", "role", "inForce",
    "usual",
}  # fmt: skip
_CONTRACT_PROPERTIES = {
    "transport", "update", "recordedAt", "quarantine", "required", "orgPath", "fact", "cause", "report",
}  # fmt: skip


def load_contract(path: Path) -> TableContract:
    """Read one ODCS file. Raises :class:`ContractError` for anything that would be guessed otherwise."""
    try:
        document = OpenDataContractStandard(**read_yaml(path))
    except (yaml.YAMLError, pydantic.ValidationError, TypeError) as error:
        raise ContractError(path, "document", str(error), "write it as ODCS v3.2.0 YAML") from error
    if document.apiVersion != API_VERSION:
        raise ContractError(
            path, "apiVersion", f"{document.apiVersion!r} is not read here", f"declare {API_VERSION}"
        )
    if not document.schema_ or len(document.schema_) != 1:
        raise ContractError(
            path, "schema", "one contract describes one table", "give exactly one schema object"
        )
    return _table(path, document, document.schema_[0])


@cache
def load_contracts(root: Path = CONTRACTS_DIR) -> Mapping[str, TableContract]:
    """All source contracts below ``root`` by table name; file name and table name are the same word."""
    contracts: dict[str, TableContract] = {}
    for domain in SOURCE_DOMAINS:
        for path in sorted((root / domain).glob("*.yaml")):
            contract = load_contract(path)
            if contract.name != path.stem:
                raise ContractError(
                    path, "name", f"{contract.name!r} in {path.name}", "use one word for both"
                )
            contracts[contract.name] = contract
    _check_references(contracts)
    return contracts


def _table(path: Path, document: OpenDataContractStandard, schema: SchemaObject) -> TableContract:
    custom = _custom(path, "customProperties", document.customProperties, _CONTRACT_PROPERTIES)
    name = _need(path, "name", schema.name)
    servers = document.servers or []
    if len(servers) != 1:
        raise ContractError(
            path, "servers", f"{len(servers)} servers", "name the one source system it comes from"
        )
    columns = tuple(_column(path, p) for p in schema.properties or [])
    table = TableContract(
        path=path,
        name=name,
        domain=_need(path, "domain", document.domain),
        version=_need(path, "version", document.version),
        business_name=_need(path, "businessName", schema.businessName),
        description=_need(path, "description", schema.description),
        grain=_need(path, "dataGranularityDescription", schema.dataGranularityDescription),
        owner=_owner(path, document),
        server=_need(path, "servers[0].server", servers[0].server),
        physical_name=_need(path, "physicalName", schema.physicalName),
        transport=_need(path, "transport", custom.get("transport")),
        update=_update(path, custom.get("update")),
        recorded_at=custom.get("recordedAt"),
        quarantine_max_pct=float((custom.get("quarantine") or {}).get("max_pct", 5.0)),
        quarantine_min_rows=int((custom.get("quarantine") or {}).get("min_rows", 20)),
        required=bool(custom.get("required", False)),
        org_path=_need(path, "orgPath", custom.get("orgPath")),
        columns=columns,
        relationships=tuple(_relationships(path, schema)),
        quality=tuple(schema.quality or []),
        fact=custom.get("fact"),
        cause=_cause(path, custom.get("cause")),
        report=_report(path, custom.get("report")),
    )
    _check_table(table)
    return table


def _column(path: Path, source: SchemaProperty) -> Column:
    name = _need(path, "properties[].name", source.name)
    place = f"column {name}"
    custom = _custom(path, place, source.customProperties, _COLUMN_PROPERTIES)
    physical_type = _need(path, f"{place}.physicalType", source.physicalType).replace(" ", "")
    kind = _TYPES.get(physical_type.split("(")[0])
    if kind is None:
        raise ContractError(
            path, place, f"type {physical_type!r} is not known", f"use one of {', '.join(_TYPES)}"
        )
    if source.primaryKey and source.primaryKeyPosition is None:
        raise ContractError(path, place, "a key column without a position", "give primaryKeyPosition")
    column = Column(
        name=name,
        source=source.physicalName or name,
        kind=kind,
        physical_type=physical_type,
        required=bool(source.required) or bool(source.primaryKey),
        key_position=source.primaryKeyPosition if source.primaryKey else None,
        business_name=_need(path, f"{place}.businessName", source.businessName),
        description=source.description or "",
        unit=custom.get("unit"),
        source_unit=custom.get("sourceUnit"),
        change=custom.get("change"),
        lineage=bool(custom.get("lineage", False)),
        restricted=source.classification == "restricted",
        enum=tuple(str(item.value) for item in source.enum or []),
        value_map={str(k): str(v) for k, v in (custom.get("valueMap") or {}).items()},
        normalise=custom.get("normalise", "width"),
        role=_role(path, place, custom, kind, refers=bool(source.enum or source.relationships)),
        in_force=tuple(str(value) for value in custom.get("inForce", ())),
        parse=tuple(custom.get("parse") or ()),
        options=source.logicalTypeOptions or {},
        quality=tuple(source.quality or []),
        usual=_usual(path, place, kind, custom.get("usual")),
    )
    _check_words(path, place, column)
    return column


def _check_words(path: Path, place: str, column: Column) -> None:
    """Words and units a contract translates to or counts by are those it lists itself, or that can be read."""
    for said, words in (("valueMap", column.value_map.values()), ("inForce", column.in_force)):
        for word in words if column.enum else ():
            if word not in column.enum:
                raise ContractError(
                    path, f"{place}.{said}", f"{word!r} is not in its enum",
                    f"use one of {', '.join(column.enum)}, or add it to the enum",
                )  # fmt: skip
    factors = UNIT_FACTORS.get(column.unit or "", {})
    if column.source_unit is not None and column.source_unit not in factors:
        raise ContractError(
            path, f"{place}.sourceUnit", f"{column.source_unit!r} is no unit that becomes {column.unit}",
            f"use one of {', '.join(factors) or 'those of a unit in ' + ', '.join(UNIT_FACTORS)}",
        )  # fmt: skip


def _usual(path: Path, place: str, kind: Kind, value: Mapping[str, Any] | None) -> Usual | None:
    if value is None:
        return None
    if set(value) != {"alike", "apart", "least"} or kind != "decimal":
        raise ContractError(
            path, f"{place}.usual", f"{dict(value)} on a {kind}",
            "write {alike: [columns], apart: column, least: number} on a decimal",
        )  # fmt: skip
    return Usual(tuple(value["alike"]), str(value["apart"]), int(value["least"]))


def _role(path: Path, place: str, custom: Mapping[str, Any], kind: Kind, *, refers: bool) -> Role:
    """The role said, else by type: a reference or a listed word classifies, a number measures."""
    said: Role | None = custom.get("role") or ("status" if custom.get("inForce") else None)
    if said is not None and said not in get_args(Role):
        raise ContractError(path, place, f"role {said!r}", f"use one of {', '.join(get_args(Role))}")
    by_type: dict[Kind, Role] = {
        "date": "date", "timestamp": "date", "decimal": "measure", "integer": "measure",
        "boolean": "classification", "string": "classification" if refers else "text",
    }  # fmt: skip
    return said or by_type[kind]


def _update(path: Path, value: Mapping[str, Any] | None) -> Update:
    value = _need(path, "update", value)
    verb = value.get("verb")
    if verb not in ("append", "upsert", "replace"):
        raise ContractError(path, "update", f"verb {verb!r}", "use append, upsert or replace")
    scope = value.get("scope", [])
    if verb == "replace" and "scope" not in value:
        raise ContractError(
            path, "update", "replace without a scope", "give scope: table or a list of columns"
        )
    if value.get("in_turn") and (verb, scope, value.get("version")) != ("replace", "table", "snapshot_date"):
        raise ContractError(
            path,
            "update",
            "in_turn without snapshots",
            "use it with replace, scope table, version snapshot_date",
        )
    return Update(
        verb=verb,
        scope=() if scope == "table" else tuple(scope),
        watermark=value.get("watermark"),
        overlap_days=int(value.get("overlap_days", 0)),
        version=value.get("version"),
        max_delete_pct=float(value.get("max_delete_pct", 5.0)),
        in_turn=bool(value.get("in_turn", False)),
    )


def _cause(path: Path, value: object) -> Literal["mapping", "adjustment"] | None:
    if value not in (None, "mapping", "adjustment"):
        raise ContractError(path, "cause", f"{value!r}", "use mapping or adjustment, or leave it out")
    return value


def _report(path: Path, value: Mapping[str, Any] | None) -> Report | None:
    if value is None:
        return None
    if not value.get("period") or set(value) - {"unit", "period"}:
        raise ContractError(path, "report", "no period", "write {unit: [columns], period: [columns]}")
    return Report(tuple(value.get("unit", ())), tuple(value["period"]))


def _relationships(path: Path, schema: SchemaObject) -> list[Relationship]:
    found: list[Relationship] = []
    declared = [(p.name, r) for p in schema.properties or [] for r in p.relationships or []]
    declared += [(None, r) for r in schema.relationships or []]
    for column, relationship in declared:
        place = f"relationship {relationship.id or column}"
        custom = _custom(
            path, place, relationship.customProperties, {"orphan", "alias", "requires", "heldWith"}
        )
        # ODCS writes ``from`` of a schema-level relationship as table.column, too.
        own = tuple(name.removeprefix(f"{schema.name}.") for name in _listed(relationship.from_))
        columns = own or ((column,) if column else ())
        targets = [t.split(".") for t in _listed(relationship.to)]
        if not columns or len(columns) != len(targets) or any(len(t) != 2 for t in targets):
            raise ContractError(path, place, "columns and targets do not pair", "write to: table.column")
        if custom.get("orphan") not in ("infer", "hold"):
            raise ContractError(path, place, "no word on orphans", "set orphan to infer or hold")
        alias = custom.get("alias")
        found.append(
            Relationship(
                columns=tuple(columns),
                parent=targets[0][0],
                parent_columns=tuple(t[1] for t in targets),
                orphan=custom["orphan"],
                alias=(alias["table"], alias["column"], alias.get("split", "")) if alias else None,
                child=str(schema.name),
                requires=_predicate(path, place, custom.get("requires")),
                held_with=tuple(custom.get("heldWith", ())),
                via=_via(path, place, schema, columns),
            )
        )
        if bool(found[-1].requires) != bool(found[-1].held_with) or (
            found[-1].via and not found[-1].requires
        ):
            raise ContractError(
                path, place, "requires, heldWith and columns of another table go together",
                "say what the parent must satisfy and which rows are held together",
            )  # fmt: skip
    return found


def _predicate(path: Path, place: str, text: object) -> str | None:
    """A predicate over one row of the parent, as SQL; None where there is none."""
    if text is None:
        return None
    try:
        tree = sqlglot.parse_one(f"SELECT 1 WHERE {text}", dialect=DIALECT)
    except sqlglot.errors.ParseError as error:
        raise ContractError(path, place, f"predicate does not parse: {error}", "write SQL") from error
    for column in tree.find_all(exp.Column):
        column.set("table", exp.to_identifier("p"))
    where = tree.args.get("where")
    if where is None or tree.find(exp.Subquery, exp.AggFunc, exp.Window):
        raise ContractError(path, place, "requires is not one predicate over a row", "no subqueries")
    return str(where.this.sql(dialect=DIALECT))


def _via(
    path: Path, place: str, schema: SchemaObject, columns: tuple[str, ...]
) -> tuple[str, str, str] | None:
    """How columns written ``table.column`` are reached: by this table's own reference to that table."""
    tables = {name.split(".")[0] for name in columns if "." in name}
    if not tables:
        return None
    for column in schema.properties or []:
        for relationship in column.relationships or []:
            target = _listed(relationship.to)
            if len(target) == 1 and tables == {target[0].split(".")[0]}:
                return str(column.name), *target[0].split(".", 1)  # type: ignore[return-value]
    raise ContractError(
        path, place, f"no column refers to {sorted(tables)}", "declare the reference on a column first"
    )


def _check_table(table: TableContract) -> None:
    names = {c.name for c in table.columns}
    if not table.key:
        raise ContractError(table.path, "properties", "no natural key", "mark its columns primaryKey")
    if len(names) != len(table.columns):
        raise ContractError(table.path, "properties", "a column stands twice", "remove one")
    update = table.update
    used = [*update.scope, update.watermark, update.version, table.recorded_at]
    for name in (n for n in used if n):
        if name not in names:
            raise ContractError(
                table.path, "update/recordedAt", f"no column {name}", "name a column of the schema"
            )
    staged = {c.name for c in table.public}
    for column in (c for c in table.columns if c.usual):
        assert column.usual is not None
        for name in (column.name, *column.usual.alike, column.usual.apart):
            if name not in staged:
                raise ContractError(
                    table.path,
                    f"column {column.name}.usual",
                    f"no public column {name}",
                    "name one of the schema",
                )
    key_lineage = [c.name for c in table.columns if c.key_position is not None and c.lineage]
    if key_lineage:
        raise ContractError(
            table.path, key_lineage[0], "a key column marked lineage", "drop the lineage mark"
        )


def _check_references(contracts: Mapping[str, TableContract]) -> None:
    for table in contracts.values():
        for relationship in table.relationships:
            own = [column.rpartition(".") for column in (*relationship.columns, *relationship.held_with)]
            named = [(other or table.name, column) for other, _, column in own]
            named += [(relationship.parent, column) for column in relationship.parent_columns]
            for other, column in named:
                _check_named(table, "+".join(relationship.columns), contracts.get(other), other, column)


def _check_named(
    table: TableContract, place: str, owner: TableContract | None, other: str, column: str
) -> None:
    place = f"relationship of {place}"
    if owner is None:
        raise ContractError(table.path, place, f"there is no contract of {other}", "name a source table")
    names = [c.name for c in owner.columns]
    if column not in names:
        raise ContractError(
            table.path, place, f"{other} has no column {column}", f"use one of {', '.join(names)}"
        )


def _owner(path: Path, document: OpenDataContractStandard) -> str:
    team = document.team
    name = getattr(team, "name", None)
    return str(_need(path, "team.name", name))


def _custom(
    path: Path, place: str, properties: list[CustomProperty] | None, known: set[str]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in properties or []:
        if item.property not in known:
            raise ContractError(
                path, place, f"custom property {item.property!r} is not known", f"use one of {sorted(known)}"
            )
        found[str(item.property)] = item.value
    return found


def _listed(value: str | list[str] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


def _need(path: Path, place: str, value: Any) -> Any:
    if value in (None, "", []):
        raise ContractError(path, place, "is missing", "every contract says it")
    return value
