"""A reconciliation: two sides that must agree, read from ``reconciliations/R<nn>.yaml``.

Belongs here: the fields of a reconciliation and the checks that they fit together. Keep out: the SQL a rule
compiles to (``reconciliation_sql``), running it and who signed for what (``assets.mart``), printing
(``reconciliation_docs``).

Each side is a SELECT of ``quarter``, the columns of ``grain`` and ``value`` (several rows of a key add up),
or names a metric. ``items`` are reconciling items: amounts by which left legitimately exceeds right, with
their sign. ``explained`` are classes of keys whose difference is legitimate as a whole. What then is left
beyond the tolerance is a break.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Literal

import pydantic
import sqlglot
import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlglot import exp

from data_contracts.metric import Grain, Metric, Name, Period, load_metrics
from data_contracts.model import ContractError
from data_contracts.sql_text import DIALECT, tables_read
from data_contracts.yaml_file import read_yaml

RECONCILIATIONS_DIR = Path(__file__).parent / "reconciliations"
COMPANY = "org_code"
"""Company that answers for a row: part of the grain, or a column that a side may add."""

TOTAL = "(total)"
"""Key of the break that a quarter's sum makes where single keys are within their tolerance."""

ReasonCode = Literal["timing", "in_transit", "source_error", "definition", "immaterial", "other"]
REASON_CODES: Mapping[ReasonCode, str] = {
    "timing": "booked in the next period",
    "in_transit": "under way between the two systems",
    "source_error": "the source is wrong and is being corrected",
    "definition": "the two sides mean different things here",
    "immaterial": "known and below what matters",
    "other": "see the reason given",
}
"""Why a person signs for a break."""

Refuse = Callable[[str, str, str], ContractError]
"""Place, cause and cure of one file's error."""

_TEXT = Field(min_length=1)
_WORD = r"^[a-z][a-z0-9_]*$"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MetricSide(_Part):
    """Figures of ``mart.quarterly_metric``; their scope code is the first column of the rule's grain."""

    id: str = _TEXT
    period: Period
    grain: Grain = "group"


class Side(_Part):
    """One side: what it is in words, and a SELECT or a metric."""

    what: str = _TEXT
    sql: str | None = None
    metric: MetricSide | None = None


class Item(_Part):
    """A named reconciling item: what it is, whether left exceeds right by it (``+``) or the reverse."""

    id: str = Field(pattern=_WORD)
    name: Name
    sign: Literal["+", "-"] = "+"
    sql: str = _TEXT


class RowClass(_Part):
    """A named class of keys (``quarter`` and the grain) whose difference is legitimate as a whole."""

    id: str = Field(pattern=_WORD)
    name: Name
    sql: str = _TEXT


class Tolerance(_Part):
    """How much of a difference may stay unexplained.

    ``exact``: nothing. ``absolute``: ``value`` in the rule's unit, times the left side's ``base`` where
    ``per_base``. ``relative``: ``value`` percent of the right side, of the left, or of the left side's
    ``base``. ``points``: ``value`` percentage points, both sides being percentages.
    """

    kind: Literal["exact", "absolute", "relative", "points"]
    value: Decimal = Decimal(0)
    of: Literal["left", "right", "base"] = "right"
    per_base: bool = False

    @field_validator("value", mode="before")
    @classmethod
    def _no_float(cls, value: object) -> object:
        if isinstance(value, float):
            raise ValueError(f"{value} is a binary fraction: quote it")
        return value

    @property
    def needs_base(self) -> bool:
        """True when the left side must say ``base``."""
        return self.per_base or (self.kind == "relative" and self.of == "base")


class Owner(_Part):
    """Who answers for a break: the department, and the role there."""

    department: str = _TEXT
    role: str = _TEXT


class Reconciliation(_Part):
    """One rule. ``compare``: both sides equal, or left at most right. ``judged``: ``ended`` quarters, or
    ``known`` ones, the running quarter included. ``total``: a second tolerance on the sum of a quarter's
    unexplained differences. ``max_age_days``: how long a break may stand before it is overdue.
    ``materiality``: from which amount on a difference matters, in the rule's unit. A ``gate`` bars the closing
    of its quarter. Not ``signable``: nobody can sign for a break of it."""

    id: str = Field(pattern=r"^R[0-9]{2}$")
    name: Name
    definition: str = _TEXT
    legitimate: str = _TEXT
    domain: Literal["finance", "construction", "park", "reporting"]
    unit: str = _TEXT
    grain: tuple[str, ...] = ()
    left: Side
    right: Side
    compare: Literal["equal", "at_most"] = "equal"
    items: tuple[Item, ...] = ()
    explained: tuple[RowClass, ...] = ()
    tolerance: Tolerance = Tolerance(kind="exact")
    total: Tolerance | None = None
    judged: Literal["ended", "known"] = "ended"
    severity: Literal["gate", "warning"] = "warning"
    signable: bool = True
    max_age_days: int = Field(gt=0)
    materiality: Decimal | None = None
    owner: Owner

    @property
    def legitimate_parts(self) -> tuple[Item | RowClass, ...]:
        """Items, then classes."""
        return (*self.items, *self.explained)

    @property
    def statements(self) -> tuple[str, ...]:
        """Every SELECT of the rule, a metric's source included."""
        sides = (self.left, self.right)
        texts = [side.sql for side in sides if side.sql]
        texts += [part.sql for part in self.legitimate_parts]
        metrics = ["SELECT value FROM mart.quarterly_metric" for side in sides if side.metric]
        return (*texts, *metrics)

    @property
    def tables(self) -> tuple[str, ...]:
        """``schema.table`` names the rule reads, in order of first mention."""
        return tuple(dict.fromkeys(table for text in self.statements for table in tables_read(text)))

    @property
    def judges_publications(self) -> bool:
        """True where the rule says how a publication stands by now: it cannot bar the one that follows."""
        return any(table.startswith("report.") for table in self.tables)


@cache
def load_reconciliations(root: Path = RECONCILIATIONS_DIR) -> Mapping[str, Reconciliation]:
    """All rules below ``root`` by id. Raises :class:`ContractError` for the first that cannot be used."""
    metrics = load_metrics()
    return {path.stem: load_reconciliation(path, metrics) for path in sorted(root.glob("*.yaml"))}


def load_reconciliation(path: Path, metrics: Mapping[str, Metric]) -> Reconciliation:
    """Read one rule. Raises :class:`ContractError` naming file, field, cause and cure."""
    try:
        rule = Reconciliation.model_validate(read_yaml(path))
    except yaml.YAMLError as error:
        raise ContractError(path, "document", str(error), "write one YAML mapping") from error
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(p) for p in first["loc"]) or "document"
        cure = f"use one of {', '.join(Reconciliation.model_fields)}"
        raise ContractError(
            path, place, first["msg"], cure if first["type"] == "extra_forbidden" else "correct the value"
        ) from error
    if rule.id != path.stem:
        raise ContractError(path, "id", f"{rule.id!r} in {path.name}", "use one word for both")
    _check(path, rule, metrics)
    return rule


def _check(path: Path, rule: Reconciliation, metrics: Mapping[str, Metric]) -> None:
    def refuse(place: str, cause: str, cure: str) -> ContractError:
        return ContractError(path, place, cause, cure)

    for name in rule.grain:
        if name in _RESERVED:
            raise refuse("grain", f"{name} is a word of the comparison itself", "name the key otherwise")
    ids = [part.id for part in rule.legitimate_parts]
    if len(set(ids)) < len(ids):
        raise refuse("items, explained", "an id stands twice", "give each legitimate difference its own")
    _check_tolerances(refuse, rule)
    base = ("base",) if rule.tolerance.needs_base else ()
    for place, side, more in (("left", rule.left, base), ("right", rule.right, ())):
        _check_side(refuse, place, rule, side, more, metrics)
    for item in rule.items:
        _check_sql(refuse, f"items.{item.id}", item.sql, (*rule.grain, "value"))
    for row_class in rule.explained:
        _check_sql(refuse, f"explained.{row_class.id}", row_class.sql, rule.grain)


def _check_tolerances(refuse: Refuse, rule: Reconciliation) -> None:
    for place, tolerance in (("tolerance", rule.tolerance), ("total", rule.total)):
        if tolerance and (tolerance.kind == "exact") != (tolerance.value == 0):
            raise refuse(place, f"{tolerance.kind} {tolerance.value}", "give a value, or say exact")
        if tolerance and tolerance.per_base and tolerance.kind != "absolute":
            raise refuse(place, "per_base belongs to absolute", "say of: base for a share of it")
    if rule.total and (rule.total.needs_base or rule.total.kind == "points"):
        raise refuse("total", "a sum has no base and no points", "use exact, absolute or relative")


_RESERVED = {"quarter", "value", "base"}


def _check_side(
    refuse: Refuse,
    place: str,
    rule: Reconciliation,
    side: Side,
    more: tuple[str, ...],
    metrics: Mapping[str, Metric],
) -> None:
    if bool(side.sql) == bool(side.metric):
        raise refuse(place, "needs sql or metric, not both", "say one")
    if side.sql:
        may = () if COMPANY in rule.grain else (COMPANY,)
        _check_sql(refuse, place, side.sql, (*rule.grain, "value", *more), may)
        return
    assert side.metric is not None
    metric = metrics.get(side.metric.id)
    if metric is None:
        raise refuse(place, f"no metric {side.metric.id}", f"write metrics/{side.metric.id}.yaml")
    if side.metric.grain not in metric.grains or side.metric.period not in metric.periods:
        raise refuse(place, f"{metric.id} has no {side.metric.period} at {side.metric.grain}", "use its own")
    if len(rule.grain) > 1 or more:
        raise refuse(place, "a metric has one scope code and no base", "write the side as sql")


def _check_sql(
    refuse: Refuse, place: str, text: str, wanted: tuple[str, ...], may: tuple[str, ...] = ()
) -> None:
    """One SELECT whose columns are ``quarter``, ``wanted`` and, if it likes, some of ``may``."""
    try:
        statements = sqlglot.parse(text, dialect=DIALECT)
    except sqlglot.errors.SqlglotError as error:
        raise refuse(place, str(error).splitlines()[0], "write one SELECT") from error
    query = statements[0] if len(statements) == 1 else None
    if not isinstance(query, exp.Query):
        raise refuse(place, "is not one SELECT", "a rule reads, and changes nothing")
    names = query.named_selects
    needed = {"quarter", *wanted}
    if len(names) != len(set(names)) or not needed <= set(names) <= needed | set(may):
        raise refuse(place, f"gives {', '.join(names)}", f"give exactly {', '.join(['quarter', *wanted])}")
