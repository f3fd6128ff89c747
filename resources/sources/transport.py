"""The ``transport`` clause of a contract, typed and checked.

Belongs here: which keys each transport kind has, their defaults, and refusing what is misspelt. Keep out:
speaking to a system (the connectors).
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import pydantic

from data_contracts.model import ContractError, TableContract
from resources.sources.base import TECHNICAL_COLUMNS

# Encodings in which a line feed is the byte 0x0A and nothing else is, so that a file is read line by line.
_ENCODINGS = ("utf-8", "utf-8-sig", "gb18030", "gbk", "gb2312", "ascii")
_FILE_KINDS = ("workbook", "file")


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    return text


Pattern = Annotated[str, pydantic.AfterValidator(_pattern)]
Texts = dict[str, Annotated[str, pydantic.BeforeValidator(str)]]


class _Clause(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class SqlTransport(_Clause):
    """A table or view of a database. ``watermark_format`` (strftime) only where the watermark is text."""

    kind: Literal["sql"]
    table: str
    watermark_format: str | None = None


class WorkbookTransport(_Clause):
    """A sheet of the Excel files whose relative path matches ``files`` whole.

    ``defaults``: column → text where a named group of the pattern is not in the name.
    """

    kind: Literal["workbook"]
    files: Pattern
    sheet: str
    control_labels: tuple[str, ...] = ("小计", "合计", "总计")
    footer_labels: tuple[str, ...] = ()
    defaults: Texts = {}


class FileTransport(_Clause):
    """CSV or Parquet files whose relative path matches ``files`` whole."""

    kind: Literal["file"]
    files: Pattern
    format: Literal["csv", "parquet"]
    encoding: str = "utf-8"
    delimiter: Annotated[str, pydantic.StringConstraints(min_length=1, max_length=1)] = ","
    defaults: Texts = {}

    @pydantic.field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        if value.lower() not in _ENCODINGS:
            raise ValueError(f"encoding {value!r} is not read here, use one of {', '.join(_ENCODINGS)}")
        return value.lower()


class OkCode(_Clause):
    """The field of the body that tells success from failure, and its value on success."""

    field: str
    value: bool | int | float | str


class End(_Clause):
    """How a source says that a page lies past its last one: HTTP statuses, codes of the body."""

    status: tuple[int, ...] = ()
    codes: tuple[Annotated[str, pydantic.BeforeValidator(str)], ...] = ()


class CountEndpoint(_Clause):
    """Where the source says how many records the same filter has."""

    path: str
    field: str


class Auth(_Clause):
    """The header that carries the token; ``template`` holds ``{token}``."""

    header: str
    template: str = "{token}"


class Explode(_Clause):
    """Fields that list several things: a record lands as one row for each, the other fields repeated.

    A list is a JSON array or text cut at ``split``. Several fields are parallel lists, paired by place.
    """

    fields: Annotated[tuple[str, ...], pydantic.Field(min_length=1)]
    split: Annotated[str, pydantic.Field(min_length=1)] = ","


class RestTransport(_Clause):
    """A paged list of JSON records. GET sends parameters in the query, POST in a JSON body.

    Paths of fields (``data.items``) go down by dots. ``codes`` says what a failure code of the body means;
    codes not named there go by their digits (see ``rest``). ``units``: column → field of the record that
    holds its unit. ``omits``: fields that a record leaves out where they are empty.
    """

    kind: Literal["rest"]
    method: Literal["GET", "POST"] = "GET"
    path: str
    page: str
    size: str
    page_size: Annotated[int, pydantic.Field(ge=1)]
    first_page: int = 1
    since: str | None = None
    since_format: Literal["iso", "epoch_ms"] = "iso"
    records: str
    ok: OkCode | None = None
    end: End = End()
    omits: tuple[str, ...] = ()
    message: str | None = None
    count: CountEndpoint | None = None
    auth: Auth | None = None
    explode: Explode | None = None
    units: dict[str, str] = {}
    codes: dict[str, Literal["token", "transient", "permanent"]] = {}

    @pydantic.field_validator("codes", mode="before")
    @classmethod
    def _codes_as_text(cls, value: Any) -> Any:
        return {str(k): v for k, v in value.items()} if isinstance(value, dict) else value


Transport = SqlTransport | WorkbookTransport | FileTransport | RestTransport

_MODELS: dict[str, type[Transport]] = {
    "sql": SqlTransport,
    "workbook": WorkbookTransport,
    "file": FileTransport,
    "rest": RestTransport,
}


def transport_of(contract: TableContract) -> Transport:
    """The contract's transport; :class:`ContractError` names the key that is missing, misspelt or wrong."""
    model = _MODELS.get(str(contract.transport.get("kind")))
    if model is None:
        raise _refused(contract, f"kind {contract.transport.get('kind')!r} is not known")
    try:
        transport = model.model_validate(dict(contract.transport))
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise _refused(contract, f"{place}: {first['msg']}") from error
    _check_columns(contract)
    if isinstance(transport, RestTransport):
        _check_record_clauses(contract, transport)
    return transport


def _check_columns(contract: TableContract) -> None:
    allowed = TECHNICAL_COLUMNS if contract.transport["kind"] in _FILE_KINDS else ()
    for column in contract.columns:
        if column.is_technical and column.source not in allowed:
            raise _refused(
                contract, f"column {column.name}: no {column.source} in a {contract.transport['kind']}"
            )


def _check_record_clauses(contract: TableContract, transport: RestTransport) -> None:
    by_source = {column.source: column for column in contract.columns}
    exploded = transport.explode.fields if transport.explode else ()
    for field in exploded:
        if field not in by_source:
            raise _refused(contract, f"explode: {field} is the physicalName of no column")
    if exploded and not any(by_source[field].key_position for field in exploded):
        raise _refused(contract, "explode: none of the fields is in the key, so its rows would be one key's")
    with_unit = {column.name for column in contract.columns if column.unit}
    for name in transport.units:
        if name not in with_unit:
            raise _refused(contract, f"units: no column {name} with a unit")
    for field in transport.omits:
        if field not in by_source.keys() | set(transport.units.values()):
            raise _refused(contract, f"omits: {field} is the physicalName of no column")


def _refused(contract: TableContract, cause: str) -> ContractError:
    return ContractError(contract.path, "transport", cause, "write it as docs/contracts.md says")
