"""Dagster assets ``core/<table>``: one a ``.sql`` file, and ``core/cut_off``.

Belongs here: dependencies read from the SQL, schema and lineage as metadata. Keep out: running the SQL
(``assets.materialize``).
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from assets.common import POOL
from assets.materialize import column_lineage, comment, create_cut_off, materialize
from assets.sql_files import SqlFile, sql_files
from assets.staged.tables import create_all
from data_contracts.model import TableContract
from data_contracts.outputs import OutputContract, load_outputs
from resources.dagster_workspace import JibaoWorkspace

_GROUP_WORDS = {
    "finance": ("gl", "account", "invoice", "cash", "coop", "elimination", "plan"),
    "construction": (
        "project",
        "section",
        "milestone",
        "investment",
        "safety",
        "municipal",
        "concrete",
        "payment",
    ),
    "park": (
        "park",
        "tenant",
        "hazard",
        "loi",
        "activity",
        "lease",
        "unit",
        "bill",
        "lead",
        "work",
        "company",
    ),
}


def core_assets(contracts: Mapping[str, TableContract]) -> list[dg.AssetsDefinition]:
    """``core/cut_off`` and one asset a file, wired by what each file reads."""
    outputs = load_outputs()
    files = sql_files("core")
    return [_cut_off(), *(sql_asset(f, outputs.get(f.table), group_of(f.name)) for f in files.values())]


def group_of(name: str) -> str:
    """Domain group of a table by the words of its name; ``group`` for the conformed ones."""
    words = name.split("_")
    for group, known in _GROUP_WORDS.items():
        if any(word in known for word in words[1:]):
            return group
    return "group"


def sql_asset(file: SqlFile, promise: OutputContract | None, group: str) -> dg.AssetsDefinition:
    """The asset of one ``.sql`` file."""
    schema = {"dagster/column_schema": _schema(promise)} if promise else {}

    @dg.asset(
        key=[file.layer, file.name],
        deps=_dependencies(file),
        group_name=group,
        description=file.description,
        kinds={"sql", file.materialized},
        metadata={"business_name": promise.business_name, "grain": promise.grain, **schema}
        if promise
        else {},
        pool=POOL,
    )
    def transformed(workspace: JibaoWorkspace) -> dg.MaterializeResult[Any]:
        with workspace.workspace.engine.begin() as session:
            rows = materialize(session, file, promise)
            lineage = column_lineage(
                file, {t: dict(session.columns(f"SELECT * FROM {t}")) for t in file.reads}
            )
        return dg.MaterializeResult(
            metadata={"dagster/row_count": rows, "dagster/column_lineage": _lineage(lineage)}
        )

    return transformed


def _cut_off() -> dg.AssetsDefinition:
    @dg.asset(
        key=["core", "cut_off"],
        deps=[["staged", "relationship"]],
        group_name="group",
        description="What this run knows: its known_at (UTC) and the day that is in Asia/Shanghai.",
        kinds={"sql", "view"},
        pool=POOL,
    )
    def cut_off(workspace: JibaoWorkspace) -> dg.MaterializeResult[Any]:
        ws = workspace.workspace
        with ws.engine.begin() as session:
            create_all(session)
            create_cut_off(session, ws.known_at)
            comment(session, load_outputs()["core.cut_off"], "view")
        return dg.MaterializeResult(metadata={"dagster/row_count": 1, "known_at": ws.known_at.isoformat()})

    return cut_off


def _dependencies(file: SqlFile) -> list[dg.AssetKey]:
    """What the SQL reads; a file over ``known`` views also waits for the step that makes them."""
    keys = [_dependency(t) for t in file.base_tables]
    if any(t.startswith("known.") for t in file.base_tables):
        keys.append(dg.AssetKey(["staged", "relationship"]))
    return list(dict.fromkeys(keys))


def _dependency(table: str) -> dg.AssetKey:
    """``known.t`` is ``staged/t`` seen through the views that ``staged/relationship`` makes; the run's own
    records (``meta``) are complete when that step is reached."""
    schema, name = table.split(".", 1)
    if schema == "meta":
        return dg.AssetKey(["staged", "relationship"])
    return dg.AssetKey(["staged" if schema == "known" else schema, name])


def _schema(promise: OutputContract) -> dg.TableSchema:
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=c.name,
                type=c.type,
                description=f"{c.business_name}. {c.description}",
                constraints=dg.TableColumnConstraints(nullable=not c.required),
            )
            for c in promise.columns
        ]
    )


def _lineage(found: Mapping[str, list[tuple[str, str]]]) -> dg.TableColumnLineage:
    deps = {}
    for column, sources in found.items():
        # Current rows and all versions of a table are one asset: each source column is named once.
        unique = dict.fromkeys(
            (_dependency(table.removesuffix("__versions")), name) for table, name in sources
        )
        if unique:
            deps[column] = [dg.TableColumnDep(asset_key=key, column_name=name) for key, name in unique]
    return dg.TableColumnLineage(deps_by_column=deps)
