"""What Dagster loads, by ``deploy/workspace.yaml``: ``jibao dev``."""

from pipelines.build import build_defs

defs = build_defs()
