"""Four small ledgers, one a verb of update (and both replacements), and the metrics over them.

Belongs here: their contracts, core tables and metrics. Keep out: what they send (``history_sources``).

The ledgers: ``site`` (a register sent whole; companies, classes and states of projects), ``entry`` (append; vouchers
with red letters, held back until their site is known), ``stay`` (upsert; companies in parks), ``sheet`` (a workbook
that replaces its month; what was built).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from assets.sql_files import SqlFile, sql_files
from data_contracts.fact import declared_facts
from data_contracts.metric import Metric, load_metrics
from data_contracts.model import TableContract
from data_contracts.outputs import load_outputs
from data_contracts.sql_text import tables_read
from tests.assets.staging import contract

MOST = 1000
"""An amount above it is rejected, until it is waived or the contract of ``entry`` is mended."""


@dataclass(frozen=True)
class Ledgers:
    """Contracts and metrics of the small warehouse. ``mended``: the same with a wider bound in ``entry``."""

    contracts: Mapping[str, TableContract]
    mended: Mapping[str, TableContract]
    metrics: Mapping[str, Metric]

    def files(self, layer: str) -> Mapping[str, SqlFile]:
        """What ``sql_files`` says of these ledgers: the facts they declare and the dimensions metrics read."""
        if layer == "mart":
            # What else the group's mart tells is of other ledgers: there, and empty.
            others = {name: _file("mart", name, _nothing(f.table)) for name, f in sql_files("mart").items()}
            return {**others, "coverage": _file("mart", "coverage", _COVERAGE)}
        return {
            "dim_quarter": sql_files("core")["dim_quarter"],
            "dim_project_history": _file("core", "dim_project_history", _PROJECTS),
            **{name: _file("core", name, f.sql) for name, f in declared_facts(self.contracts).items()},
            "fct_month": _file("core", "fct_month", _MONTHS),
        }


_PROJECTS = (
    "SELECT project_code, in_statistics, CAST('0001-01-01' AS DATE) AS valid_from, CAST(NULL AS DATE) AS valid_to "
    "FROM known.site"
)
_MONTHS = (
    "SELECT org_code, project_code, file_period, month_end, sum(amount_cny) AS amount_cny, 'sheet' AS _source_table, "
    "project_code || '|' || file_period AS _source_key, md5(string_agg(_row_hash, '' ORDER BY component)) AS _row_hash "
    "FROM core.fct_sheet GROUP BY org_code, project_code, file_period, month_end"
)
_COVERAGE = """WITH owed AS (
  SELECT p.project_code, p.org_code, m.stat_month, CAST(m.month_end AS DATE) AS month_end
  FROM known.site AS p
  CROSS JOIN (VALUES ('202408', '2024-08-31'), ('202409', '2024-09-30')) AS m(stat_month, month_end)
)
SELECT 'fct_sheet' AS fact, 'project' AS unit_kind, o.project_code AS unit_code, o.stat_month, o.month_end, o.org_code,
  o.project_code, CAST(NULL AS VARCHAR) AS park_code, count(s.file_period) > 0 AS reported,
  max(CASE WHEN s.file_period IS NOT NULL THEN o.month_end END) AS last_report
FROM owed AS o
LEFT JOIN known.sheet AS s ON s.project_code = o.project_code AND s.file_period = o.stat_month
GROUP BY o.project_code, o.stat_month, o.month_end, o.org_code"""


@cache
def ledgers(folder: Path) -> Ledgers:
    """Contracts and metrics, written below ``folder`` and read back as the product reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    site = contract(
        folder, "site",
        [_key("project_code"), _text("org_code"), _text("in_statistics"), _text("status"), _date("status_date")],
        {"verb": "replace", "scope": "table", "max_delete_pct": 50}, fact=_fact("fct_site"), cause="mapping",
        **_OPEN,
    )  # fmt: skip
    stay = contract(
        folder, "stay",
        [_key("no"), _text("company", role="classification"), _text("org_code"),
         _text("park_code", role="classification"),
         _date("in_date"), _date("out_date"), _number("area_m2"), _text("is_valid", inForce=["Y"]),
         _lineage("ts", "timestamp")],
        {"verb": "upsert", "watermark": "ts"}, fact=_fact("fct_stay"), **_OPEN,
    )  # fmt: skip
    sheet = contract(
        folder, "sheet",
        [_key("project_code"), _key("file_period", 2), _key("component", 3), _money(MOST),
         _lineage("file_version", "int")],
        {"verb": "replace", "scope": ["file_period"], "version": "file_version", "max_delete_pct": 50},
        orgPath="project_code > site > org_code", fact=_fact("fct_sheet", month_end=_MONTH_END),
        report={"unit": ["project_code"], "period": ["file_period"]}, **_OPEN,
    )  # fmt: skip
    mended = _entry(folder / "mended", MOST * 100)
    contracts = {"site": site, "entry": _entry(folder, MOST), "stay": stay, "sheet": sheet}
    return Ledgers(contracts, {**contracts, "entry": mended}, _metrics(folder / "metrics"))


_OPEN: dict[str, Any] = {"quarantine": {"max_pct": 100}}
_MONTH_END = "last_day(CAST(substr(file_period, 1, 4) || '-' || substr(file_period, 5, 2) || '-01' AS DATE))"


def _entry(folder: Path, most: int) -> TableContract:
    folder.mkdir(parents=True, exist_ok=True)
    to_site = {
        "type": "foreignKey", "from": ["project_code"], "to": ["site.project_code"],
        "customProperties": [{"property": "orphan", "value": "hold"}],
    }  # fmt: skip
    return contract(
        folder, "entry",
        [_key("no"), _text("project_code", role="classification"), _date("entry_date"), _money(most),
         _text("reversal_of", role="reversal"),
         {"name": "made_at", "physicalType": "timestamp"}],
        {"verb": "append"}, recordedAt="made_at", orgPath="project_code > site > org_code", relationships=[to_site],
        fact=_fact("fct_entry"), **_OPEN,
    )  # fmt: skip


def _key(name: str, position: int = 1) -> dict[str, Any]:
    return {"name": name, "physicalType": "varchar(20)", "primaryKey": True, "primaryKeyPosition": position}


def _text(name: str, **said: Any) -> dict[str, Any]:
    custom = [{"property": k, "value": v} for k, v in said.items()]
    return {"name": name, "physicalType": "varchar(20)", **({"customProperties": custom} if custom else {})}


def _date(name: str) -> dict[str, Any]:
    return {"name": name, "physicalType": "date"}


def _number(name: str) -> dict[str, Any]:
    return {"name": name, "physicalType": "decimal(14,2)"}


def _money(most: int) -> dict[str, Any]:
    return {
        "name": "amount_cny", "physicalType": "decimal(18,2)", "required": True,
        "logicalTypeOptions": {"maximum": most},
    }  # fmt: skip


def _lineage(name: str, kind: str) -> dict[str, Any]:
    mark = [{"property": "lineage", "value": True}]
    return {"name": name, "physicalType": kind, "customProperties": mark}


def _fact(name: str, **derived: str) -> dict[str, Any]:
    columns = [
        {"name": n, "businessName": n, "description": n, "physicalType": "date", "expression": sql}
        for n, sql in derived.items()
    ]
    return {"name": name, **({"derived": columns} if columns else {})}


def _nothing(table: str) -> str:
    """No row, in the columns that the output contract of ``table`` promises."""
    columns = ", ".join(f"CAST(NULL AS {c.type}) AS {c.name}" for c in load_outputs()[table].columns)
    return f"SELECT {columns} WHERE FALSE"


def _file(layer: str, name: str, sql: str) -> SqlFile:
    return SqlFile(layer, name, name, "view", sql, tables_read(sql), Path(f"{name}.sql"))


_BY_PROJECT = {"grains": ["group", "org", "project"], "periods": ["quarter", "ytd"], "additivity": {}}
_BY_PARK = {"grains": ["group", "org", "park"], "periods": ["as_of"], "fact": "fct_stay"}
_METRICS: dict[str, dict[str, Any]] = {
    "paid": {
        **_BY_PROJECT, "kind": "flow", "fact": "fct_entry", "expression": "sum(amount_cny)",
        "filter": "dim_project.in_statistics = 'Y'", "time": {"date": "entry_date"}, "drill": ["no", "reversal_of"],
    },
    "built": {
        **_BY_PROJECT, "kind": "flow", "fact": "fct_sheet", "expression": "sum(amount_cny)",
        "time": {"date": "month_end"}, "drill": ["component", "file_period"],
    },
    "built_by_month": {
        **_BY_PROJECT, "kind": "flow", "fact": "fct_month", "expression": "sum(amount_cny)",
        "time": {"date": "month_end"}, "drill": ["file_period"],
    },
    "paid_share": {
        **_BY_PROJECT, "kind": "ratio", "ratio": {"numerator": "paid", "denominator": "built"}, "drill": [],
        "additivity": {"not_over": ["quarter", "org", "project"], "instead": "read each"},
    },
    "spent": {**_BY_PROJECT, "kind": "sum", "terms": [{"metric": "paid"}, {"metric": "built"}], "drill": []},
    "let_area": {
        **_BY_PARK, "kind": "stock", "expression": "sum(area_m2)", "filter": "is_valid = 'Y'",
        "time": {"from": "in_date", "to": "out_date"}, "drill": ["no"],
        "additivity": {"not_over": ["quarter"], "instead": "read the last"},
    },
    "companies": {
        **_BY_PARK, "kind": "distinct", "distinct_key": "company", "filter": "is_valid = 'Y'",
        "time": {"from": "in_date", "to": "out_date"}, "drill": ["no"],
        "additivity": {"not_over": ["quarter", "org", "park"], "instead": "read each"},
    },
    "first_stay": {
        **_BY_PARK, "kind": "event_date", "expression": "min(in_date)", "time": {"date": "in_date"}, "drill": ["no"],
        "additivity": {"not_over": ["quarter", "org", "park"], "instead": "read each"},
    },
    "site_status": {
        "kind": "status", "fact": "fct_site", "expression": "max(status)", "time": {"from": "status_date"},
        "grains": ["group", "project"], "periods": ["as_of"], "drill": ["status_date"],
        "additivity": {"not_over": ["quarter", "project"], "instead": "read each"},
    },
}  # fmt: skip


def _metrics(folder: Path) -> Mapping[str, Metric]:
    folder.mkdir(exist_ok=True)
    for name, said in _METRICS.items():
        words = dict.fromkeys(
            ("definition", "exclusions", "ambiguity", "owner", "certifying_unit", "unit"), "-"
        )
        document = {
            "id": name, "name": {"zh": name, "en": name}, **words, "display": {"unit": ""}, "gap_policy": "exclude",
            "version": 1, **said,
        }  # fmt: skip
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    return load_metrics(folder)
