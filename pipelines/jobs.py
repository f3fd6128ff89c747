"""Jobs and the schedule.

Belongs here: which assets run together and when. Keep out: assets and resources themselves.
"""

from __future__ import annotations

import dagster as dg

NIGHTLY = "nightly"
REPORT = "report_quarter"

_BULLETIN = dg.AssetSelection.assets(["report", "quarterly_bulletin"])

nightly = dg.define_asset_job(
    NIGHTLY,
    # One partitioned asset would make the whole job partitioned, so the bulletin stays out of it.
    selection=dg.AssetSelection.all() - _BULLETIN,
    description="Pull what changed, hold it to its contracts, rebuild what it touches, audit, publish. "
    "On the command line: `jibao nightly`.",
    executor_def=dg.in_process_executor,
)

report_quarter = dg.define_asset_job(
    REPORT,
    selection=_BULLETIN,
    description="Write one quarter's bulletin from the figures there are, and publish it.",
    executor_def=dg.in_process_executor,
)

nightly_schedule = dg.ScheduleDefinition(
    name="nightly_at_two",
    job=nightly,
    cron_schedule="0 2 * * *",
    description="Every night at 02:00 in Shanghai: what changed since the night before.",
    execution_timezone="Asia/Shanghai",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
