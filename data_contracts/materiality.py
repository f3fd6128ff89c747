"""Materiality: from which difference on a reported figure that moved calls for a restatement.

Belongs here: reading ``materiality.yaml`` and choosing a metric's threshold. Keep out: judging figures
(``assets.report.materiality``).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path

import pydantic
import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from data_contracts.metric import Metric, load_metrics
from data_contracts.model import ContractError
from data_contracts.yaml_file import read_yaml

FILE = Path(__file__).parent / "materiality.yaml"
OTHER = "other"
"""Stands for every unit that has no threshold of its own."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Threshold(_Part):
    """A move is material that reaches ``absolute`` (in the metric's unit) or ``relative_pct`` percent of the group's
    figure as published, whichever is less."""

    absolute: Decimal | None = Field(default=None, gt=0)
    relative_pct: Decimal | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _says_something(self) -> Threshold:
        if self.absolute is None and self.relative_pct is None:
            raise ValueError("neither absolute nor relative_pct is given")
        return self


class Materiality(_Part):
    """The group's thresholds by unit, and those of metrics that have their own."""

    group: Mapping[str, Threshold]
    metrics: Mapping[str, Threshold] = {}

    def of(self, metric: Metric) -> Threshold:
        """The threshold of one metric."""
        return self.metrics.get(metric.id) or self.group.get(metric.unit) or self.group[OTHER]


@cache
def load_materiality(path: Path = FILE) -> Materiality:
    """Read the file. Raises :class:`ContractError` naming place, cause and cure."""
    try:
        found = Materiality.model_validate(read_yaml(path))
    except yaml.YAMLError as error:
        raise ContractError(path, "document", str(error), "write one YAML mapping") from error
    except pydantic.ValidationError as error:
        place = ".".join(str(p) for p in error.errors()[0]["loc"]) or "document"
        raise ContractError(
            path, place, error.errors()[0]["msg"], "give absolute, relative_pct or both, above 0"
        ) from error
    metrics = load_metrics()
    units = {m.unit for m in metrics.values()}
    if OTHER not in found.group:
        raise ContractError(path, "group", f"{OTHER!r} is missing", "say what holds for every other unit")
    for place, named, known in (("group", found.group, {*units, OTHER}), ("metrics", found.metrics, metrics)):
        if unknown := sorted(set(named) - set(known)):
            raise ContractError(path, place, f"{unknown[0]!r} is of no metric", "see docs/metrics.md")
    return found
