"""Quarter partitions of the report layer; keys are first days (``2024-07-01``), people see ``2024Q3``."""

from __future__ import annotations

import dagster as dg

QUARTERS = dg.TimeWindowPartitionsDefinition(
    start="2023-01-01",
    fmt="%Y-%m-%d",
    cron_schedule="0 0 1 */3 *",
    timezone="Asia/Shanghai",
    end_offset=1,
)
"""From 2023Q1 to the quarter that is running (``end_offset`` 1: it can be reported before it ends)."""
