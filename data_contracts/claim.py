"""What a bulletin says, and whether a figure bears it out.

Belongs here: the claims of ``claims/<quarter>.yaml`` and the pure judgement of one claim. Keep out: where the
figure comes from (``metric_sql``); a claim's accepted range never enters a figure's computation.

Comparators, as the bulletin's words are usually read: ``exact`` rounds to the printed decimals;
``slightly_more`` (N余) lies above N and below the next unit of its last digit that is not 0;
``more_than`` (超); ``about`` (约) rounds to N; ``at_least`` (等, 在内) is a lower bound whose named members
must be present, ``exists`` (captions) one without names; ``within`` a day, dekad or month; ``open_ended`` a
plan after a day; ``rule`` a bound that the text implies; ``target`` a goal: its figure is shown and not
judged. ``derived`` follows from other figures, ``enumerated`` counts what is listed, ``before`` ends before a
day, ``status`` names a state; ``label`` states nothing to compute.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pydantic
import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator

from data_contracts.calendar import Quarter
from data_contracts.metric import Grain, Metric, Period, load_metrics
from data_contracts.metric_text import display as display
from data_contracts.model import ContractError
from data_contracts.yaml_file import read_yaml

CLAIMS_DIR = Path(__file__).parent / "claims"

Comparator = Literal[
    "exact", "slightly_more", "more_than", "about", "at_least", "within", "before", "open_ended", "exists",
    "rule", "target", "derived", "enumerated", "status", "label",
]  # fmt: skip
Status = Literal["pass", "fail", "not_computed"]
Bound = Decimal | date | None


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Claim(_Part):
    """One statement of a bulletin. ``low``/``high``: accepted range in the metric's unit, both included.

    ``scope``: ``group``, or grain and code as ``org/YWCT-03``. ``names``: members that must be present.
    ``statuses``: the words accepted of a status, all that stand at the claimed one or later in its ladder.
    ``reason``: why nothing is judged; exactly the claims without a metric, and targets, have one.
    """

    seq: int = Field(gt=0)
    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    quote: str = Field(min_length=1)
    subject: str = Field(min_length=1)
    class_: Literal["measure", "derived", "event", "forecast", "status", "label"] = Field(alias="class")
    printed: str
    unit: str
    comparator: Comparator
    low: Bound = None
    high: Bound = None
    metric: str | None = None
    period: Period
    scope: str = Field(default="group", pattern=r"^(group|(org|project|park)/.+)$")
    names: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    reason: str = ""

    @field_validator("low", "high", mode="before")
    @classmethod
    def _no_float(cls, value: object) -> object:
        if isinstance(value, float):
            raise ValueError(f"{value} is a binary fraction: quote it")
        return Decimal(value) if isinstance(value, int | str) else value

    @property
    def grain(self) -> Grain:
        """Grain of the figure it speaks of."""
        grain: Grain = self.scope.partition("/")[0]  # type: ignore[assignment]  # the pattern allows no other
        return grain

    @property
    def scope_code(self) -> str:
        """Code at that grain; ``''`` for the group."""
        return self.scope.partition("/")[2]


class Bulletin(_Part):
    """All claims of one quarter's bulletin. ``cut_off``: the day up to which its authors knew."""

    quarter: str
    as_of: date
    cut_off: date
    claims: tuple[Claim, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Figure:
    """One row of ``mart.quarterly_metric``, as far as a claim needs it."""

    value: Decimal | None = None
    value_date: date | None = None
    value_date_to: date | None = None
    value_text: str | None = None
    row_count: int = 0
    flags: str | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Figure:
        """From a row with the columns of ``mart.quarterly_metric``; further columns are left aside."""
        return cls(**{name: row[name] for name in cls.__dataclass_fields__})

    @property
    def is_empty(self) -> bool:
        """True when no ledger row answers: neither a number nor a date nor a text."""
        return all(v is None for v in (self.value, self.value_date, self.value_date_to, self.value_text))


@dataclass(frozen=True)
class ClaimResult:
    """The verdict on a claim: ``value`` and ``accepted`` are texts to print, ``reason`` says why."""

    claim: Claim
    status: Status
    value: str
    accepted: str
    reason: str


@cache
def load_bulletin(quarter: str, root: Path = CLAIMS_DIR) -> Bulletin:
    """The bulletin of a quarter (``2024Q3``). Raises :class:`ContractError` for a missing or faulty file."""
    path = root / f"{Quarter.parse(quarter)}.yaml"
    try:
        bulletin = Bulletin.model_validate(read_yaml(path))
    except FileNotFoundError as error:
        raise ContractError(path, "file", "no bulletin of that quarter", f"write {path.name}") from error
    except yaml.YAMLError as error:
        raise ContractError(path, "document", str(error), "write one YAML mapping") from error
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(p) for p in first["loc"])
        raise ContractError(path, place, first["msg"], "correct the claim") from error
    _check(path, bulletin, load_metrics())
    return bulletin


def bulletins(root: Path = CLAIMS_DIR) -> tuple[str, ...]:
    """Quarters that have a bulletin, oldest first."""
    return tuple(sorted(path.stem for path in root.glob("*.yaml")))


def evaluate(claim: Claim, figure: Figure | None = None, metric: Metric | None = None) -> ClaimResult:
    """Judge a claim by its figure; pure.

    ``figure``: the row of the claim's metric at its quarter, period and scope, None where there is none.
    ``metric``: for the print of the value. A claim without a metric is ``not_computed``; one whose figure is
    missing or empty fails, since the ledgers do not bear it out. A target keeps its value and is not judged.
    """
    accepted = accepted_text(claim)
    if claim.metric is None:
        return ClaimResult(claim, "not_computed", "", accepted, claim.reason)
    if claim.comparator == "target":
        shown = _value_text(figure, metric) if figure else ""
        return ClaimResult(claim, "not_computed", shown, accepted, _with_flags(claim.reason, figure))
    if figure is None or figure.is_empty:
        cause = f"no figure of {claim.metric} at {claim.scope}" if figure is None else "no ledger row answers"
        return ClaimResult(claim, "fail", "", accepted, _with_flags(cause, figure))
    cause = _missing_names(claim, figure) or _outside(claim, figure)
    return ClaimResult(
        claim, "fail" if cause else "pass", _value_text(figure, metric), accepted, _with_flags(cause, figure)
    )


def accepted_text(claim: Claim) -> str:
    """The accepted range as text, ``330``, ``901 … 999`` or ``>= 2: 芯卓、豪晨``; ``''`` for none."""
    if claim.statuses:
        return " | ".join(claim.statuses)
    low, high = (_bound(b) for b in (claim.low, claim.high))
    if low and high:
        text = low if low == high else f"{low} … {high}"
    elif low or high:
        text = f">= {low}" if low else f"<= {high}"
    else:
        return ""
    return f"{text}: {'、'.join(claim.names)}" if claim.names else text


def _outside(claim: Claim, figure: Figure) -> str:
    if claim.statuses:
        return "" if figure.value_text in claim.statuses else "not a state the claim accepts"
    if figure.value is not None:
        return _beyond(claim, figure.value, figure.value)
    last = figure.value_date_to or figure.value_date
    # An open-ended plan may have begun; only its end must lie ahead.
    first = last if claim.comparator == "open_ended" else figure.value_date
    if first is None or last is None:
        return "the plan names no first day"
    return _beyond(claim, first, last)


def _beyond(claim: Claim, first: Decimal | date, last: Decimal | date) -> str:
    for bound in (claim.low, claim.high):
        if bound is not None and isinstance(bound, date) != isinstance(first, date):
            return f"a {type(first).__name__} cannot be held against {_bound(bound)}"
    if claim.low is not None and first < claim.low:  # type: ignore[operator]  # both of one type, see above
        return f"below the accepted {_bound(claim.low)}"
    if claim.high is not None and last > claim.high:  # type: ignore[operator]
        return f"above the accepted {_bound(claim.high)}"
    return ""


def _missing_names(claim: Claim, figure: Figure) -> str:
    present = (figure.value_text or "").split("、")
    missing = [name for name in claim.names if name not in present]
    return f"not among the members: {'、'.join(missing)}" if missing else ""


def _value_text(figure: Figure, metric: Metric | None) -> str:
    if metric is not None:
        if metric.kind == "status":
            return figure.value_text or ""
        if figure.value is not None:
            return display(metric, figure.value)
        return display(metric, figure.value_date, figure.value_date_to)
    shown = figure.value if figure.value is not None else figure.value_date or figure.value_date_to
    return _bound(shown)


def _bound(value: Bound) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, date) else f"{value:,f}"


def _with_flags(cause: str, figure: Figure | None) -> str:
    flags = f"flags: {figure.flags}" if figure and figure.flags else ""
    return "; ".join(part for part in (cause, flags) if part)


def _check(path: Path, bulletin: Bulletin, metrics: Mapping[str, Metric]) -> None:
    quarter = Quarter.parse(bulletin.quarter)
    if str(quarter) != path.stem or bulletin.as_of != quarter.as_of or bulletin.cut_off <= quarter.as_of:
        raise ContractError(
            path, "quarter", f"{quarter}, as of {bulletin.as_of}, cut-off {bulletin.cut_off} do not fit",
            "name the file by the quarter, end it on its last day and cut off later",
        )  # fmt: skip
    if [c.seq for c in bulletin.claims] != list(range(1, len(bulletin.claims) + 1)):
        raise ContractError(
            path, "claims.seq", "numbers with gaps or doubles", "count from 1 in reading order"
        )
    if len({c.id for c in bulletin.claims}) != len(bulletin.claims):
        raise ContractError(path, "claims.id", "an id stands twice", "give each claim its own")
    for claim in bulletin.claims:
        _check_claim(path, claim, metrics)


def _check_claim(path: Path, claim: Claim, metrics: Mapping[str, Metric]) -> None:
    def refuse(cause: str, cure: str) -> ContractError:
        return ContractError(path, f"claim {claim.seq} {claim.id}", cause, cure)

    is_target = claim.comparator == "target"
    if bool(claim.reason) != (claim.metric is None or is_target):
        raise refuse("needs a metric or a reason, not both", "say how it is computed or why it is not")
    if claim.metric is None:
        return
    metric = metrics.get(claim.metric)
    if metric is None:
        raise refuse(f"no metric {claim.metric}", f"write metrics/{claim.metric}.yaml")
    if claim.period not in metric.periods or claim.grain not in metric.grains:
        raise refuse(f"{claim.metric} has no {claim.period} at {claim.grain}", "use its periods and grains")
    if (metric.kind == "status") != bool(claim.statuses):
        raise refuse("words of states go with a metric of kind status", "give statuses, or another metric")
    if claim.low is None and claim.high is None and not claim.statuses and not is_target:
        raise refuse("a check that cannot fail: no accepted range", "give low, high or both")
    if not set(claim.names) <= set(metric.members.values()):
        raise refuse("names that the metric does not list", f"add them to members of {claim.metric}")
