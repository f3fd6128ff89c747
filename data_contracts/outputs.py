"""Output contracts: what BI may rely on in ``core`` and ``mart``.

Belongs here: reading ``data_contracts/{core,mart}/*.yaml`` (ODCS v3.2.0, one table a file), and adding those of
facts that source contracts declare. Keep out: source contracts (``model``), making a declared fact (``fact``),
and the SQL that fills the tables (``assets``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pydantic
import yaml
from open_data_contract_standard.model import OpenDataContractStandard

from data_contracts.contract_file import API_VERSION, CONTRACTS_DIR, load_contracts
from data_contracts.model import ContractError
from data_contracts.yaml_file import read_yaml

OUTPUT_LAYERS = ("core", "mart", "report")


@dataclass(frozen=True)
class OutputColumn:
    """One promised column: name, type in the warehouse, Chinese name and English description.

    ``enum``: the words it may hold; ``()`` where the contract lists none.
    """

    name: str
    type: str
    business_name: str
    description: str
    required: bool
    is_key: bool
    enum: tuple[str, ...] = ()


@dataclass(frozen=True)
class OutputContract:
    """One promised table of ``layer``, its columns in order."""

    layer: str
    name: str
    domain: str
    owner: str
    business_name: str
    description: str
    grain: str
    columns: tuple[OutputColumn, ...]

    @property
    def key(self) -> tuple[str, ...]:
        """Columns of the natural key."""
        return tuple(c.name for c in self.columns if c.is_key)


@cache
def load_outputs(root: Path = CONTRACTS_DIR) -> Mapping[str, OutputContract]:
    """All output contracts by ``layer.table``, those of declared facts among them.

    Raises :class:`ContractError` for an incomplete one.
    """
    found = dict(written_outputs(root))
    for fact in _declared(root):
        name = f"core.{fact.name}"
        if name in found:
            raise ContractError(
                root / "core" / f"{fact.name}.yaml",
                "name",
                "a source contract declares this fact too",
                "keep one",
            )
        found[name] = fact
    return found


@cache
def written_outputs(root: Path = CONTRACTS_DIR) -> Mapping[str, OutputContract]:
    """Output contracts that stand in files of their own, by ``layer.table``."""
    found = {}
    for layer in OUTPUT_LAYERS:
        for path in sorted((root / layer).glob("*.yaml")):
            contract = _load(layer, path)
            found[f"{layer}.{contract.name}"] = contract
    return found


def _declared(root: Path) -> list[OutputContract]:
    # ``fact`` makes output contracts and so reads this module.
    from data_contracts.fact import declared_facts

    return [fact.output for fact in declared_facts(load_contracts(root)).values()]


def _load(layer: str, path: Path) -> OutputContract:
    try:
        document = OpenDataContractStandard(**read_yaml(path))
    except (yaml.YAMLError, pydantic.ValidationError, TypeError) as error:
        raise ContractError(path, "document", str(error), "write it as ODCS v3.2.0 YAML") from error
    if document.apiVersion != API_VERSION or not document.schema_ or len(document.schema_) != 1:
        raise ContractError(path, "schema", "not one table of ODCS " + API_VERSION, "one table a file")
    schema = document.schema_[0]
    if schema.name != path.stem:
        raise ContractError(path, "name", f"{schema.name!r} in {path.name}", "use one word for both")
    columns = []
    for p in schema.properties or []:
        if not (p.name and p.physicalType and p.businessName and p.description):
            raise ContractError(
                path,
                p.name or "properties",
                "incomplete column",
                "give physicalType, businessName and description",
            )
        key = bool(p.primaryKey)
        required = bool(p.required) or key
        words = tuple(str(item.value) for item in p.enum or [])
        columns.append(
            OutputColumn(p.name, p.physicalType.upper(), p.businessName, p.description, required, key, words)
        )
    if not (schema.businessName and schema.description and schema.dataGranularityDescription and columns):
        raise ContractError(
            path, "schema", "incomplete table", "give businessName, description, grain and columns"
        )
    owner = getattr(document.team, "name", None)
    if not (document.domain and owner):
        raise ContractError(path, "document", "no domain or no owner", "give domain and team.name")
    return OutputContract(
        layer,
        path.stem,
        document.domain,
        owner,
        schema.businessName,
        schema.description,
        schema.dataGranularityDescription,
        tuple(columns),
    )
