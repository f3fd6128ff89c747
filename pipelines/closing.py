"""Jobs that hold, certify, close and reopen a quarter: in the Dagster UI on the quarter's partition, with run config.

Belongs here: the four jobs and their run config. Keep out: what they do (``assets.report.closing``).
"""

from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg

from assets.publish.publication import publish
from assets.report import closing
from assets.report.partitions import QUARTERS
from assets.report.state import ACCOUNTING_REASONS
from assets.report.tables import prove_files, write_tables
from data_contracts.calendar import Quarter
from data_contracts.model import TableContract
from resources.failures import Refused
from resources.settings import parse_instant
from resources.workspace import Workspace

_NAME = dg.Field(str, description="Name of the person who answers for it.")
_REASON = dg.Field(str, default_value="", description="Why.")
_CUT_OFF = dg.Field(
    str, default_value="", description="As known then, ISO 8601 or a day; empty: the last complete run."
)

Step = Callable[[Workspace, Mapping[str, TableContract], Quarter, Mapping[str, Any]], str]


def _hold(ws: Workspace, _: Mapping[str, TableContract], quarter: Quarter, said: Mapping[str, Any]) -> str:
    closing.hold(ws, quarter, said["by"])
    return f"{quarter} is on hold, prepared by {said['by']}"


def _certify(ws: Workspace, _: Mapping[str, TableContract], quarter: Quarter, said: Mapping[str, Any]) -> str:
    count = closing.certify(ws, quarter, said["unit"], said["by"])
    return f"{said['by']} certified {count} figures of {quarter} for {said['unit']}"


def _close(
    ws: Workspace, contracts: Mapping[str, TableContract], quarter: Quarter, said: Mapping[str, Any]
) -> str:
    version = closing.close(
        ws, contracts, quarter, said["by"],
        cut_off=parse_instant(said["cut_off"]) if said["cut_off"] else None,
        reason=said["reason"], accounting_reason=said["accounting_reason"], override=said["override"],
    )  # fmt: skip
    return f"{quarter} is closed as version {version}, signed by {said['by']}"


def _reopen(ws: Workspace, _: Mapping[str, TableContract], quarter: Quarter, said: Mapping[str, Any]) -> str:
    closing.reopen(ws, quarter, said["by"], said["reason"])
    return f"{quarter} is reopened by {said['by']}: {said['reason']}"


_STEPS: dict[str, tuple[Step, dict[str, dg.Field], str]] = {
    "hold_quarter": (_hold, {"by": _NAME}, "Say that a quarter is prepared: units certify it from here on."),
    "certify_quarter": (
        _certify,
        {"by": _NAME, "unit": dg.Field(str, description="Certifying unit, as the metrics name it.")},
        "Certify the figures of one unit as they stand.",
    ),
    "close_quarter": (
        _close,
        {
            "by": _NAME,
            "cut_off": _CUT_OFF,
            "reason": _REASON,
            "accounting_reason": dg.Field(
                str, default_value="", description=f"Of a restatement: {', '.join(ACCOUNTING_REASONS)}."
            ),
            "override": dg.Field(
                str, default_value="", description="Why to close without certificates that are valid."
            ),
        },
        "Publish the next version of a quarter; refused with the list of reasons while something bars it.",
    ),
    "reopen_quarter": (
        _reopen,
        {"by": _NAME, "reason": _REASON},
        "Reopen a closed quarter for a restatement.",
    ),
}
"""Job name to what it does, its run config and its description."""


def op_of(job: str) -> str:
    """Name of a job's one op, under which its run config stands: ``close`` in ``close_quarter``."""
    return job.removesuffix("_quarter")


def closing_jobs(contracts: Mapping[str, TableContract]) -> list[dg.JobDefinition]:
    """The four jobs, one partition a quarter."""
    return [_job(name, contracts) for name in _STEPS]


def _job(name: str, contracts: Mapping[str, TableContract]) -> dg.JobDefinition:
    step, config, description = _STEPS[name]

    @dg.op(
        name=op_of(name), config_schema=config, required_resource_keys={"workspace"}, description=description
    )
    def take(context: dg.OpExecutionContext) -> None:
        ws: Workspace = context.resources.workspace.workspace
        try:
            # What cannot be shown afterwards is not done.
            prove_files(ws)
            said = step(ws, contracts, Quarter.parse(context.partition_key), context.op_config)
        except Refused as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        context.log.info(said)
        write_tables(ws)
        publish(ws, contracts, rebuilt=False)

    @dg.job(name=name, description=description, partitions_def=QUARTERS, executor_def=dg.in_process_executor)
    def quarter_job() -> None:
        take()

    return quarter_job
