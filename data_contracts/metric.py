"""A metric: what one figure of the bulletin means, read from ``metrics/<id>.yaml``.

Belongs here: the fields of a metric, the checks that they fit together, the hash of the part that changes
a value, and which totals are refused. Keep out: the SQL (``metric_sql``), printing (``metric_text``), what
the bulletin claims (``claim``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pydantic
import yaml
from pydantic import BaseModel, ConfigDict, Field

from data_contracts.metric_terms import TermError, parse_expression, parse_filter, parse_key
from data_contracts.model import ContractError
from data_contracts.yaml_file import read_yaml

METRICS_DIR = Path(__file__).parent / "metrics"

Kind = Literal["flow", "stock", "distinct", "ratio", "sum", "event_date", "forecast", "status"]
Grain = Literal["group", "org", "project", "park"]
Period = Literal["quarter", "ytd", "as_of"]
Dimension = Literal["quarter", "org", "project", "park"]
GapPolicy = Literal["exclude", "carry_forward", "block"]

TEXT = Field(min_length=1)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, populate_by_name=True)


class Name(_Part):
    """Chinese and English name."""

    zh: str = TEXT
    en: str = TEXT


class Display(_Part):
    """How a value is printed: ``value / divisor`` with ``decimals`` places, half up, then ``unit``."""

    unit: str
    divisor: Decimal = Decimal(1)
    decimals: int = Field(default=0, ge=0, le=6)


class Time(_Part):
    """Business-time columns of the fact.

    ``date``: the day a row belongs to. ``fiscal_quarter``: ``2024Q3`` text, where the ledger's own period
    dates the row. ``from``/``to``: the half-open span in which a row counts (a forecast: its due range, and
    ``met``, the day it was kept). Nothing: the row counts as long as it is known.
    """

    date: str | None = None
    fiscal_quarter: str | None = None
    from_: str | None = Field(default=None, alias="from")
    to: str | None = None
    met: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns named."""
        named = (self.date, self.fiscal_quarter, self.from_, self.to, self.met)
        return tuple(c for c in named if c)

    @property
    def is_window(self) -> bool:
        """True when rows belong to a day or fiscal period, False when they hold over a span."""
        return bool(self.date or self.fiscal_quarter)


class Additivity(_Part):
    """Dimensions over which values may not be added, and what to read instead."""

    not_over: tuple[Dimension, ...] = ()
    instead: str = ""


class Ratio(_Part):
    """Two metrics by id; computed at every grain from their values there, never summed."""

    numerator: str = TEXT
    denominator: str = TEXT


class Addend(_Part):
    """A metric to add, by id; ``period`` where its figure speaks of another period than the sum's."""

    metric: str = TEXT
    period: Period | None = None


class Metric(_Part):
    """One figure's definition. ``unit`` is the unit of the stored value, ``display`` that of the print.

    ``dimensions_on``: the date column of the fact on whose day the filter reads dimensions; left out, it reads
    them at the as-of date.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    name: Name
    definition: str = TEXT
    exclusions: str = TEXT
    ambiguity: str = TEXT
    owner: str = TEXT
    certifying_unit: str = TEXT
    unit: str = TEXT
    display: Display
    kind: Kind
    fact: str | None = Field(default=None, pattern=r"^fct_[a-z_]+$")
    expression: str | None = None
    distinct_key: str | None = None
    members: Mapping[str, str] = {}
    ratio: Ratio | None = None
    terms: tuple[Addend, ...] = ()
    filter: str = ""
    dimensions_on: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9_]*$")
    time: Time = Time()
    window: Literal["as_of", "cut_off"] = "as_of"
    grains: tuple[Grain, ...] = Field(min_length=1)
    additivity: Additivity
    gap_policy: GapPolicy
    max_age_days: int | None = Field(default=None, gt=0)
    periods: tuple[Period, ...] = Field(min_length=1)
    drill: tuple[str, ...]
    version: int = Field(ge=1)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Ids of the metrics a ratio or a sum is computed from; ``()`` for a metric on a fact."""
        if self.ratio:
            return (self.ratio.numerator, self.ratio.denominator)
        return tuple(term.metric for term in self.terms)


_SHAPE: Mapping[Kind, tuple[set[str], set[str]]] = {
    "flow": ({"fact", "expression"}, set()),
    "stock": ({"fact", "expression"}, set()),
    "distinct": ({"fact", "distinct_key"}, {"members"}),
    "ratio": ({"ratio"}, set()),
    "sum": ({"terms"}, set()),
    "event_date": ({"fact", "expression"}, set()),
    "forecast": ({"fact"}, set()),
    "status": ({"fact", "expression"}, set()),
}
"""Per kind: the fields it needs, and those it may have besides."""

_NEVER_ADDED: Mapping[Kind, set[Dimension]] = {
    "flow": set(),
    "stock": {"quarter"},
    "distinct": {"quarter"},
    "ratio": {"quarter", "org", "project", "park"},
    "sum": set(),
    "event_date": {"quarter", "org", "project", "park"},
    "forecast": {"quarter", "org", "project", "park"},
    "status": {"quarter", "org", "project", "park"},
}
"""What no definition can make addable: each metric must say so itself, with what to read instead."""

_WORDS: Mapping[Kind, set[str]] = {"event_date": {"min", "max"}, "status": {"max"}}
"""Aggregates of the kinds that do not add up."""

_NUMBERS = ("flow", "stock", "distinct")
"""Kinds whose values can be divided or added up."""


def load_metric(path: Path) -> Metric:
    """Read one metric file. Raises :class:`ContractError` naming file, field, cause and cure."""
    try:
        document = read_yaml(path)
        metric = Metric.model_validate(document)
    except yaml.YAMLError as error:
        raise ContractError(path, "document", str(error), "write one YAML mapping") from error
    except pydantic.ValidationError as error:
        raise _refused(path, error) from error
    if metric.id != path.stem:
        raise ContractError(path, "id", f"{metric.id!r} in {path.name}", "use one word for both")
    _check(path, metric)
    return metric


@cache
def load_metrics(root: Path = METRICS_DIR) -> Mapping[str, Metric]:
    """All metrics below ``root`` by id. Raises :class:`ContractError` for the first that cannot be used."""
    metrics = {m.id: m for m in (load_metric(path) for path in sorted(root.glob("*.yaml")))}
    for metric in metrics.values():
        _check_inputs(root / f"{metric.id}.yaml", metric, metrics)
    return metrics


def definition_hash(metric: Metric, metrics: Mapping[str, Metric]) -> str:
    """sha256 (hex) of what changes a value; names, prose, display, grains, drill and version do not."""
    parts: dict[str, Any] = {
        "kind": metric.kind,
        "fact": metric.fact,
        "expression": _squeezed(metric.expression),
        "distinct_key": _squeezed(metric.distinct_key),
        "members": dict(sorted(metric.members.items())),
        "filter": _squeezed(metric.filter),
        "time": metric.time.model_dump(by_alias=True),
        "window": metric.window,
        "gap": [metric.gap_policy, metric.max_age_days],
        "unit": metric.unit,
        "ratio": [definition_hash(metrics[name], metrics) for name in metric.inputs],
    }
    if metric.terms:
        parts["terms"] = [term.period for term in metric.terms]
    if metric.dimensions_on:
        parts["dimensions_on"] = metric.dimensions_on
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def refusal(metric: Metric, dimension: Dimension) -> str | None:
    """Why values of the metric may not be added over a dimension; ``None`` when they may."""
    if dimension != "quarter" and dimension not in metric.grains:
        offered = ", ".join(metric.grains)
        return f"{metric.id} has no figure by {dimension}: its grains are {offered}"
    if dimension in metric.additivity.not_over:
        return f"{metric.id} may not be added over {dimension}: {metric.additivity.instead}"
    return None


def by_fact(metrics: Iterable[Metric]) -> dict[str, list[Metric]]:
    """Metrics that read a fact, grouped by it; facts and metrics in order of name."""
    groups: dict[str, list[Metric]] = {}
    for metric in sorted(metrics, key=lambda m: m.id):
        if metric.fact:
            groups.setdefault(metric.fact, []).append(metric)
    return dict(sorted(groups.items()))


def _check_inputs(path: Path, metric: Metric, metrics: Mapping[str, Metric]) -> None:
    """A ratio or sum needs numbers that exist at its grains and periods, and adds no further than they do."""
    for name in metric.inputs:
        if name not in metrics or metrics[name].kind not in _NUMBERS:
            raise ContractError(
                path, metric.kind, f"{name!r} is no number to divide or add",
                "name a flow, stock or distinct metric by its id",
            )  # fmt: skip
    periods = {t.metric: {t.period} if t.period else set(metric.periods) for t in metric.terms}
    for given in (metrics[name] for name in metric.inputs):
        wanted = periods.get(given.id, set(metric.periods))
        same = wanted <= set(given.periods) if metric.terms else metric.periods == given.periods
        if not same or not set(metric.grains) <= set(given.grains):
            raise ContractError(
                path, metric.kind, f"{given.id} has other periods or lacks a grain",
                "use the periods of the inputs and only grains that all have",
            )  # fmt: skip
        bound = set(given.additivity.not_over) & {*metric.grains, "quarter"}
        if metric.terms and not bound <= set(metric.additivity.not_over):
            raise ContractError(
                path, "additivity.not_over", f"{given.id} may not be added over {', '.join(sorted(bound))}",
                "a sum adds no further than its terms: say so, and what to read instead",
            )  # fmt: skip


def _check(path: Path, metric: Metric) -> None:
    def refuse(place: str, cause: str, cure: str) -> ContractError:
        return ContractError(path, place, f"{metric.kind} {metric.id}: {cause}", cure)

    needed, allowed = _SHAPE[metric.kind]
    for name in ("fact", "expression", "distinct_key", "members", "ratio", "terms"):
        given = bool(getattr(metric, name))
        if given and name not in needed | allowed:
            raise refuse(name, "does not belong to this kind", f"remove it, or change kind {metric.kind}")
        if name in needed and not given:
            raise refuse(name, "is missing", f"a metric of kind {metric.kind} says it")
    _check_time(refuse, metric)
    missing = _NEVER_ADDED[metric.kind] & ({*metric.grains, "quarter"}) - set(metric.additivity.not_over)
    if missing:
        raise refuse(
            "additivity.not_over", f"{', '.join(sorted(missing))} missing", "say so, and what to read instead"
        )
    if metric.additivity.not_over and not metric.additivity.instead:
        raise refuse("additivity.instead", "is missing", "say what to read where adding is refused")
    if (metric.gap_policy == "carry_forward") != (metric.max_age_days is not None):
        raise refuse("max_age_days", "goes with carry_forward, and only with it", "give both or neither")
    _check_terms(refuse, metric)


def _check_time(refuse: Any, metric: Metric) -> None:
    time, kind = metric.time, metric.kind
    named = {name for name, value in time.model_dump(by_alias=True).items() if value}
    forms: Mapping[Kind, tuple[set[str], ...]] = {
        "flow": ({"date"}, {"fiscal_quarter"}),
        "stock": ({"from"}, {"from", "to"}, set()),
        "distinct": ({"date"}, {"fiscal_quarter"}, {"from"}, {"from", "to"}, set()),
        "ratio": (set(),),
        "sum": (set(),),
        "event_date": ({"date"},),
        "forecast": ({"from", "to", "met"},),
        "status": ({"from"}, {"from", "to"}),
    }
    if named not in forms[kind]:
        raise refuse(
            "time", f"{sorted(named)} do not date it", f"use one of {[sorted(f) for f in forms[kind]]}"
        )
    windows = {"as_of"} if not time.is_window or kind == "event_date" else {"quarter", "ytd"}
    if not metric.inputs and not set(metric.periods) <= windows:
        raise refuse("periods", f"{list(metric.periods)}", f"use {sorted(windows)}")
    if metric.window == "cut_off" and ((time.is_window and kind != "event_date") or not named):
        raise refuse("window", "only events, forecasts and states look to the cut-off", "remove window")


def _check_terms(refuse: Any, metric: Metric) -> None:
    place = "filter"
    try:
        reads_dimensions = any(term.dimensions for term in parse_filter(metric.filter))
        if metric.dimensions_on and not reads_dimensions:
            place = "dimensions_on"
            raise TermError("the filter reads no dimension", "remove it, or read dim_park, dim_project …")
        if metric.expression:
            place = "expression"
            word, term = parse_expression(metric.expression)
            wanted = _WORDS.get(metric.kind, {"sum", "count"})
            if word not in wanted:
                raise TermError(f"{word} in a {metric.kind}", f"use {' or '.join(sorted(wanted))}")
            if term and metric.kind == "event_date" and term.columns != (metric.time.date,):
                raise TermError("another date than time.date", "use the one column in both")
        if metric.distinct_key:
            place = "distinct_key"
            parse_key(metric.distinct_key)
    except TermError as error:
        raise refuse(place, error.cause, error.cure) from error


def _squeezed(text: str | None) -> str | None:
    return " ".join(text.split()) if text is not None else None


def _refused(path: Path, error: pydantic.ValidationError) -> ContractError:
    first = error.errors()[0]
    place = ".".join(str(p) for p in first["loc"]) or "document"
    cures = {
        "missing": "every metric says it",
        "extra_forbidden": f"use one of {', '.join(_field_names())}",
    }
    causes = {"missing": "is missing", "extra_forbidden": "is not a field of a metric"}
    kind = first["type"]
    return ContractError(path, place, causes.get(kind, first["msg"]), cures.get(kind, "correct the value"))


def _field_names() -> list[str]:
    return list(Metric.model_fields)
