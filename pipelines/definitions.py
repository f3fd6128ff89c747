"""What Dagster loads: ``dagster dev -m pipelines.definitions``."""

from pipelines.build import build_defs

defs = build_defs()
