"""Assemble ``Definitions``: every asset, job and resource, fresh on each call.

Belongs here: the one list of what the product consists of. Keep out: network, files, clocks at import.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg

from assets.core.assets import core_assets
from assets.mart.assets import mart_assets
from assets.publish.assets import publish_assets
from assets.raw.assets import raw_assets
from assets.report.assets import report_assets
from assets.staged.assets import staged_assets
from data_contracts.contract_file import load_contracts
from data_contracts.metric_binding import check_bound
from data_contracts.model import TableContract
from pipelines.closing import closing_jobs
from pipelines.jobs import nightly, nightly_schedule, report_quarter
from resources.dagster_workspace import JibaoWorkspace


def build_defs(
    *, contracts: Mapping[str, TableContract] | None = None, resources: Mapping[str, Any] | None = None
) -> dg.Definitions:
    """Definitions over ``contracts`` (default: all in ``data_contracts``); ``resources`` override the real ones.

    Raises :class:`~data_contracts.model.ContractError` for what no night could run, before one begins.
    """
    check_bound()
    tables = load_contracts() if contracts is None else contracts
    return dg.Definitions(
        assets=[
            *raw_assets(list(tables.values())),
            *staged_assets(tables),
            *core_assets(tables),
            *mart_assets(tables),
            *report_assets(tables),
            *publish_assets(tables),
        ],
        jobs=[nightly, report_quarter, *closing_jobs(tables)],
        schedules=[nightly_schedule],
        resources={"workspace": JibaoWorkspace(), **(resources or {})},
        executor=dg.in_process_executor,
    )
