"""Dagster assets ``core/<table>``: one a transformation, ``core/cut_off`` and ``core/dim_report_version``.

Belongs here: dependencies read from the SQL, schema and lineage as metadata. Keep out: running the SQL
(``assets.materialize``).
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from assets.common import Lineage, lineage_entry, lineage_table, promised
from assets.core.report_version import create_report_version
from assets.materialize import column_lineage, comment, create_cut_off, hold_to, materialize
from assets.sql_files import SqlFile, sql_files
from assets.staged.known import create_known, known_behind
from assets.staged.tables import create_all
from data_contracts.model import TableContract
from data_contracts.outputs import OutputContract, load_outputs
from resources.dagster_workspace import JibaoWorkspace

RECORDS = dg.AssetKey(["staged", "relationship"])
"""The step after all tables are staged: the run's own records (``meta``) are complete from there on."""


def core_assets(contracts: Mapping[str, TableContract]) -> list[dg.AssetsDefinition]:
    """``core/cut_off`` and one asset a file, wired by what each file reads."""
    outputs = load_outputs()
    files = sql_files("core").values()
    made = [_cut_off(outputs["core.cut_off"]), _report_version(outputs["core.dim_report_version"])]
    return [*made, *(sql_asset(f, outputs[f.table], contracts) for f in files)]


def sql_asset(
    file: SqlFile, promise: OutputContract, contracts: Mapping[str, TableContract]
) -> dg.AssetsDefinition:
    """The asset of one ``.sql`` file."""
    ledgers = [t.removeprefix("known.") for t in file.base_tables if t.startswith("known.")]
    behind = known_behind(ledgers, contracts)

    @dg.asset(
        key=[file.layer, file.name],
        deps=_dependencies(file, behind),
        kinds={"sql", file.materialized},
        **promised(promise, file.description),
    )
    def transformed(workspace: JibaoWorkspace) -> dg.MaterializeResult[Any]:
        with workspace.workspace.engine.begin() as session:
            create_known(session, behind)
            rows = materialize(session, file, promise)
            schemas = {t: dict(session.columns(f"SELECT * FROM {t}")) for t in file.reads}
        lineage = _by_asset(column_lineage(file, schemas))
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": rows,
                **lineage_entry(lineage),
                **lineage_table(lineage),
                "sql": dg.MetadataValue.md(f"```sql\n{file.sql.strip()}\n```"),
            }
        )

    return transformed


def _cut_off(promise: OutputContract) -> dg.AssetsDefinition:
    @dg.asset(
        key=["core", "cut_off"],
        kinds={"sql", "view"},
        **promised(promise),
    )
    def cut_off(workspace: JibaoWorkspace) -> dg.MaterializeResult[Any]:
        ws = workspace.workspace
        with ws.engine.begin() as session:
            create_all(session)
            create_cut_off(session, ws.known_at)
            comment(session, promise, "view")
        return dg.MaterializeResult(metadata={"dagster/row_count": 1, "known_at": ws.known_at.isoformat()})

    return cut_off


def _report_version(promise: OutputContract) -> dg.AssetsDefinition:
    @dg.asset(
        key=["core", "dim_report_version"],
        deps=[["core", "cut_off"]],
        kinds={"table"},
        **promised(promise),
    )
    def dim_report_version(workspace: JibaoWorkspace) -> dg.MaterializeResult[Any]:
        with workspace.workspace.engine.begin() as session:
            rows = create_report_version(session, workspace.workspace)
            hold_to(session, promise)
            comment(session, promise, "table")
        return dg.MaterializeResult(metadata={"dagster/row_count": rows})

    return dim_report_version


def _dependencies(file: SqlFile, behind: Mapping[str, TableContract]) -> list[dg.AssetKey]:
    """What the SQL reads. ``known.t`` is ``staged/t``, and the parents that its held rows wait for."""
    read = [_asset_of(t) for t in file.base_tables]
    return list(dict.fromkeys([*read, *(dg.AssetKey(["staged", name]) for name in behind)]))


def _asset_of(table: str) -> dg.AssetKey:
    schema, name = table.split(".", 1)
    if schema == "meta":
        return RECORDS
    return dg.AssetKey(["staged" if schema == "known" else schema, name])


def _by_asset(found: Mapping[str, list[tuple[str, str]]]) -> Lineage:
    """Sources by asset: current rows and all versions of a table are one; the run's records are none."""
    return {
        column: list(
            dict.fromkeys(
                (_asset_of(table.removesuffix("__versions")), name)
                for table, name in sources
                if not table.startswith("meta.")
            )
        )
        for column, sources in found.items()
    }
