"""Random histories of a small warehouse: what ledgers send night after night, and what people decide.

Belongs here: four small ledgers, one a verb of update (and both replacements), the metrics over them, a script of
what happens at their sources as Hypothesis draws it, and playing a script through the product's own steps: raw,
log, staging, decisions. Keep out: what must hold over a history (``test_histories``).

A test over the same histories writes::

    @given(scripts())
    def test_...(folder, script):
        with played(folder, script) as history:
            for cut_off in history.cut_offs:
                with history.as_known(cut_off) as session:
                    session.rows("SELECT ... FROM mart.quarterly_metric")

Inside ``played`` the product's ``past_statements`` builds the core tables of these ledgers, not the group's.

The ledgers: ``site`` (a register sent whole; companies, classes and states of projects), ``entry`` (append; vouchers
with red letters, held back until their site is known), ``stay`` (upsert; companies in parks), ``sheet`` (a workbook
that replaces its month; what was built).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import yaml
from hypothesis import strategies as st

from assets.mart import past
from assets.mart.past import STAGED, built, past_statements
from assets.sql_files import SqlFile, sql_files
from assets.staged import movements
from assets.staged.catch_up import catch_up
from assets.staged.known import known_statements
from assets.staged.pending import committed_batches
from assets.staged.quarantine import rejected
from assets.staged.restage import definition_changed, record_definition, restage
from assets.staged.tables import create_tables
from data_contracts.fact import declared_facts
from data_contracts.metric import Metric, load_metrics
from data_contracts.model import TableContract
from data_contracts.outputs import load_outputs
from data_contracts.rules import rules_of
from data_contracts.sql_text import tables_read
from resources.decisions import DecisionsLog
from resources.engine import DuckDBEngine, Session
from resources.failures import RefusedDecision
from resources.raw_store import Window
from resources.settings import load_settings
from resources.sources.base import Extraction, landed_schema
from resources.workspace import Workspace, hold
from tests.assets.staging import contract

FIRST_NIGHT = datetime(2024, 10, 10, 12, tzinfo=UTC)
DAYS = ("2024-05-20", "2024-07-05", "2024-08-31", "2024-09-30", "2024-10-09", "2024-11-03")
MONTHS = ("202408", "202409", "202410")
ORGS, PARKS, SITES = ("O1", "O2"), ("K1", "K2"), ("S1", "S2", "S3")
MOST = 1000
"""An amount above it is rejected, until it is waived or the contract of ``entry`` is mended."""

Row = dict[str, str | None]
Step = tuple[str, int, int]
"""What happens at a source or is decided: its name, which row it befalls, and how much."""
Night = Sequence[Step]


# --- the ledgers and what is computed from them -----------------------------------------------------------


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
        }


_PROJECTS = (
    "SELECT project_code, in_statistics, CAST('0001-01-01' AS DATE) AS valid_from, CAST(NULL AS DATE) AS valid_to "
    "FROM known.site"
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
        [_key("no"), _text("company"), _text("org_code"), _text("park_code", role="classification"),
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


# --- what happens at the sources --------------------------------------------------------------------------


@dataclass
class Sources:
    """What the four systems hold, and what of it tonight's extraction will see: by table, the rows sent."""

    entry: dict[str, Row] = field(default_factory=dict)
    stay: dict[str, Row] = field(default_factory=dict)
    sheet: dict[str, dict[tuple[str, str], Row]] = field(default_factory=dict)
    site: dict[str, Row] = field(default_factory=dict)
    sent: dict[str, list[Row]] = field(default_factory=dict)
    before: dict[str, list[Row]] = field(default_factory=dict)
    changes: int = 0

    def __post_init__(self) -> None:
        for code, org in zip(SITES[:2], ORGS, strict=True):
            self._register(code, org)
        self.send("site", *self.site.values())

    def send(self, table: str, *rows: Row) -> None:
        """Rows that tonight's batch of ``table`` holds."""
        self.sent.setdefault(table, []).extend({**row} for row in rows)

    def taken(self) -> dict[str, list[Row]]:
        """What was sent since it was last taken: one batch a table. Whole months and registers are sent once."""
        batches, self.sent = self.sent, {}
        for table, key in (("sheet", "file_period"), ("site", "")):
            if table in batches:
                batches[table] = self._newest(batches[table], key)
        self.before |= {table: rows for table, rows in batches.items() if rows}
        return batches

    def _newest(self, rows: list[Row], key: str) -> list[Row]:
        if not key:
            return [{**row} for row in self.site.values()]
        newest = {r[key]: max(int(o["file_version"] or 0) for o in rows if o[key] == r[key]) for r in rows}
        return [r for r in rows if int(r["file_version"] or 0) == newest[r[key]]]

    def _register(self, code: str, org: str) -> None:
        self.site[code] = {
            "project_code": code, "org_code": org, "in_statistics": "Y", "status": "1", "status_date": "2024-06-01"
        }  # fmt: skip


def _nth(rows: Mapping[Any, Row], pick: int) -> Row | None:
    return rows[list(rows)[pick % len(rows)]] if rows else None


def _amount(much: int) -> str:
    return f"{much % MOST}.{much % 7}0"


def _entry_new(s: Sources, pick: int, much: int) -> None:
    s.changes += 1
    row: Row = {
        "no": f"E{s.changes}", "project_code": SITES[pick % 3], "entry_date": DAYS[much % len(DAYS)],
        "amount_cny": _amount(much), "reversal_of": None, "made_at": "2024-10-09 10:00:00",
    }  # fmt: skip
    s.entry[f"E{s.changes}"] = row
    s.send("entry", row)


def _entry_red(s: Sources, pick: int, much: int) -> None:
    if row := _nth(s.entry, pick):
        s.changes += 1
        red = {**row, "no": f"E{s.changes}", "reversal_of": row["no"], "amount_cny": f"-{row['amount_cny']}"}
        red["entry_date"] = DAYS[much % len(DAYS)] if much % 2 else row["entry_date"]
        if not str(row["amount_cny"]).startswith("-"):
            s.entry[f"E{s.changes}"] = red
            s.send("entry", red)


def _entry_change(s: Sources, pick: int, much: int, *columns: str) -> None:
    if row := _nth(s.entry, pick):
        values = {"amount_cny": _amount(much), "project_code": SITES[much % 3], "entry_date": DAYS[much % 6]}
        row |= {name: values[name] for name in columns}
        s.send("entry", row)


def _entry_too_much(s: Sources, pick: int, much: int) -> None:
    """A new row above the bound, or a known one that now is."""
    if much % 2 or not s.entry:
        _entry_new(s, pick, much)
        s.sent["entry"].pop()
        pick = len(s.entry) - 1
    if row := _nth(s.entry, pick):
        row["amount_cny"] = f"{MOST + much + 1}"
        s.send("entry", row)


def _entry_twice(s: Sources, pick: int, much: int) -> None:
    """Two different rows of one key in one batch: nobody can say which is right."""
    if row := _nth(s.entry, pick):
        s.send("entry", row, {**row, "amount_cny": _amount(much)})


def _stay_new(s: Sources, pick: int, much: int) -> None:
    s.changes += 1
    row: Row = {
        "no": f"L{s.changes}", "company": f"C{pick % 3}", "org_code": ORGS[pick % 2], "park_code": PARKS[much % 2],
        "in_date": DAYS[much % 4], "out_date": None, "area_m2": _amount(much), "is_valid": "Y",
    }  # fmt: skip
    s.stay[f"L{s.changes}"] = row
    _stamped(s, row)


def _stamped(s: Sources, row: Row) -> None:
    s.changes += 1
    row["ts"] = f"2024-10-01 {s.changes // 60:02d}:{s.changes % 60:02d}:00"
    s.send("stay", row)


def _stay_change(s: Sources, pick: int, much: int, *columns: str) -> None:
    if row := _nth(s.stay, pick):
        values = {
            "area_m2": _amount(much), "park_code": PARKS[much % 2], "company": f"C{much % 3}",
            "out_date": DAYS[much % 6] if much % 3 else None, "is_valid": "YN"[much % 2], "in_date": DAYS[much % 4],
        }  # fmt: skip
        row |= {name: values[name] for name in columns}
        _stamped(s, row)


def _stay_unreadable(s: Sources, pick: int, much: int) -> None:
    if row := _nth(s.stay, pick):
        row["in_date"] = "9月初"
        _stamped(s, row)


def _sheet_month(s: Sources, pick: int, much: int) -> None:
    month = MONTHS[pick % 3]
    if month not in s.sheet:
        s.sheet[month] = {}
        for number in range(1 + much % 3):
            _sheet_put(s, month, (SITES[number], "work"), much + number)
    _sheet_send(s, month)


def _sheet_put(s: Sources, month: str, key: tuple[str, str], much: int) -> None:
    row: Row = {
        "project_code": key[0], "file_period": month, "component": key[1], "amount_cny": _amount(much),
        "file_version": "0",
    }  # fmt: skip
    s.sheet[month][key] = row


def _sheet_send(s: Sources, month: str) -> None:
    s.changes += 1
    for row in s.sheet[month].values():
        row["file_version"] = str(s.changes)
    s.send("sheet", *s.sheet[month].values())


def _sheet_change(s: Sources, pick: int, much: int, change: str) -> None:
    if not s.sheet:
        return
    month = list(s.sheet)[pick % len(s.sheet)]
    rows = s.sheet[month]
    key = list(rows)[much % len(rows)]
    if change == "add":
        _sheet_put(s, month, (SITES[much % 3], f"part{much % 2}"), much)
    elif change == "drop" and len(rows) > 1:
        del rows[key]
    elif change == "move":
        rows[key]["component"] = f"part{much % 2}"
        s.sheet[month] = {(str(r["project_code"]), str(r["component"])): r for r in rows.values()}
    else:
        rows[key]["amount_cny"] = f"{MOST + much + 1}" if change == "too_much" else _amount(much)
    _sheet_send(s, month)


def _site_change(s: Sources, pick: int, much: int, change: str) -> None:
    code = SITES[pick % 3]
    if change == "add" and code not in s.site:
        s._register(code, ORGS[much % 2])
    elif change == "drop" and len(s.site) > 1:
        s.site.pop(code, None)
    elif row := s.site.get(code):
        values: dict[str, Row] = {
            "org": {"org_code": ORGS[much % 2]}, "class": {"in_statistics": "YN"[much % 2]},
            "state": {"status": str(1 + much % 3), "status_date": DAYS[much % 4]},
        }  # fmt: skip
        row |= values.get(change, {})
    s.send("site", *s.site.values())


def _resend(s: Sources, pick: int, much: int) -> None:
    """The batch before once more, as it was: of a month an older delivery perhaps."""
    if s.before:
        table = sorted(s.before)[pick % len(s.before)]
        if table not in s.sent:
            s.send(table, *s.before[table])


def _just(act: Callable[..., None], *words: str) -> Callable[[Sources, int, int], None]:
    return lambda s, pick, much: act(s, pick, much, *words)


_HAPPENS: Mapping[str, Callable[[Sources, int, int], None]] = {
    "entry: new": _entry_new,
    "entry: red letter": _entry_red,
    "entry: corrected": _just(_entry_change, "amount_cny"),
    "entry: moved to another project": _just(_entry_change, "project_code"),
    "entry: moved and corrected": _just(_entry_change, "project_code", "amount_cny"),
    "entry: another period": _just(_entry_change, "entry_date"),
    "entry: too much": _entry_too_much,
    "entry: twice": _entry_twice,
    "stay: new": _stay_new,
    "stay: corrected": _just(_stay_change, "area_m2"),
    "stay: moved": _just(_stay_change, "park_code", "company"),
    "stay: left": _just(_stay_change, "out_date"),
    "stay: void": _just(_stay_change, "is_valid"),
    "stay: unreadable": _stay_unreadable,
    "stay: readable": _just(_stay_change, "in_date", "area_m2"),
    "sheet: month": _sheet_month,
    "sheet: late row": _just(_sheet_change, "add"),
    "sheet: row gone": _just(_sheet_change, "drop"),
    "sheet: row moved": _just(_sheet_change, "move"),
    "sheet: corrected": _just(_sheet_change, "correct"),
    "sheet: too much": _just(_sheet_change, "too_much"),
    "site: new": _just(_site_change, "add"),
    "site: gone": _just(_site_change, "drop"),
    "site: another company": _just(_site_change, "org"),
    "site: another class": _just(_site_change, "class"),
    "site: another state": _just(_site_change, "state"),
    "resent": _resend,
}
DECISIONS = ("waive", "revoke", "replay")
MEND = "mend"
"""From this night on the contract of ``entry`` allows what it rejected."""


def scripts(nights: int = 4, *, mending: bool = True) -> st.SearchStrategy[list[list[Step]]]:
    """Scripts of ``nights`` nights; every kind of step has the same chance, decisions a better one."""
    names = [*_HAPPENS, *DECISIONS, *DECISIONS, *([MEND] if mending else [])]
    step = st.tuples(st.sampled_from(names), st.integers(0, 5), st.integers(1, MOST - 1))
    first = st.lists(
        st.tuples(st.sampled_from(_BEGINNING), st.integers(0, 5), st.integers(1, MOST - 1)), max_size=5
    )
    later = st.lists(st.lists(step, max_size=5), min_size=nights - 1, max_size=nights - 1)
    return st.builds(lambda one, rest: [one, *rest], first, later)


_BEGINNING = (
    "entry: new",
    "entry: too much",
    "stay: new",
    "sheet: month",
    "sheet: late row",
    "sheet: too much",
)


# --- playing it through the product -----------------------------------------------------------------------


@dataclass
class History:
    """A script that was played. ``cut_offs``: every instant at which something became known, in order."""

    ws: Workspace
    ledgers: Ledgers
    cut_offs: list[datetime] = field(default_factory=list)
    mended_at: datetime | None = None

    def contracts_at(self, cut_off: datetime) -> Mapping[str, TableContract]:
        """The contracts in force then."""
        mended = self.mended_at is not None and cut_off >= self.mended_at
        return self.ledgers.mended if mended else self.ledgers.contracts

    @property
    def contracts(self) -> Mapping[str, TableContract]:
        """The contracts in force at the end."""
        return self.contracts_at(self.cut_offs[-1])

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """All metrics over the ledgers."""
        return self.ledgers.metrics

    @contextmanager
    def as_known(self, cut_off: datetime) -> Iterator[Session]:
        """A session in which ``known``, ``core`` and ``mart`` are those of ``cut_off``, as the product says."""
        statements = past_statements(self.contracts, cut_off, self.metrics)
        with _standing_in(self.ws.engine, statements) as session:
            yield session

    @contextmanager
    def afresh(self, cut_off: datetime, folder: Path) -> Iterator[Session]:
        """The same of a new warehouse that learnt what the log held at ``cut_off``, and shows its latest state."""
        folder.mkdir(parents=True)
        log = DecisionsLog(folder / "decisions.jsonl")
        lines = self.ws.decisions.path.read_text(encoding="utf-8").splitlines(keepends=True)
        entries = list(self.ws.decisions.entries())
        told = [
            line for line, e in zip(lines, entries, strict=True) if datetime.fromisoformat(e["at"]) <= cut_off
        ]
        log.path.write_text("".join(told), encoding="utf-8")
        engine = DuckDBEngine(folder / "warehouse.duckdb", folder / "private.duckdb")
        _small(engine)
        ws, contracts = replace(self.ws, engine=engine, decisions=log), self.contracts_at(cut_off)
        try:
            create_tables(engine, contracts.values())
            for table in contracts.values():
                catch_up(ws, table, rules_of(table))
            # Its latest state: the product's own statements, with no cut-off on what is known.
            with patch.object(
                past, "known_statements", lambda tables, **_: known_statements(tables, staged=STAGED)
            ):
                statements = past_statements(contracts, cut_off, self.metrics)
            with _standing_in(engine, statements) as session:
                yield session
        finally:
            engine.close()


@contextmanager
def played(folder: Path, script: Sequence[Night]) -> Iterator[History]:
    """Play a script into ``folder`` (empty) and yield its history, its warehouse open."""
    small = ledgers(folder.parent / "ledgers")
    with (
        patch.object(past, "sql_files", small.files),
        hold(load_settings(folder), run_id="history", now=FIRST_NIGHT) as ws,
    ):
        history, sources = History(ws, small), Sources()
        _small(ws.engine)
        create_tables(ws.engine, small.contracts.values())
        for days, steps in enumerate(script):
            _play(history, sources, FIRST_NIGHT + timedelta(days=3 * days), steps)
        yield history


def _play(history: History, sources: Sources, at: datetime, steps: Night) -> None:
    """One night: what happened that day is extracted and staged; what was decided comes an hour later each."""
    for name, pick, much in steps:
        if name in _HAPPENS:
            _HAPPENS[name](sources, pick, much)
    decided = [s for s in steps if s[0] in DECISIONS]
    if any(name == MEND for name, _, _ in steps) and history.mended_at is None:
        # A replay may come before the first night under the mended contract, or after it.
        history.mended_at = at
        if decided and decided[0][0] == "replay":
            _decide(history, at, "replay", 0)
            at += timedelta(hours=1)
    ws = replace(history.ws, known_at=at)
    sent = sources.taken()
    if not history.cut_offs:
        # Every ledger is asked on the first night, and most have nothing yet.
        sent = {name: sent.get(name, []) for name in history.ledgers.contracts}
    for table in history.contracts_at(at).values():
        _stage(ws, table, sent.get(table.name))
    ws.decisions.append("run", at, run_id="history")
    history.cut_offs.append(at)
    for hours, (name, pick, _) in enumerate(decided, start=1):
        _decide(history, at + timedelta(hours=hours), name, pick)


def _stage(ws: Workspace, table: TableContract, rows: Sequence[Row] | None) -> None:
    """Land the batch and stage it, the rows first brought under a contract that has changed."""
    with ws.engine.begin() as session:
        changed = definition_changed(session, table)
        if not changed:
            record_definition(session, table)
    if changed:
        restage(ws, table, committed_batches(ws, table, staged=True))
    if rows is None:
        return
    schema, count = landed_schema(table), len(rows)
    known: dict[str, Sequence[object]] = {
        "_row_no": range(1, count + 1), "_source_ref": [f"{table.name}.xlsx"] * count, "_row_kind": ["data"] * count,
    }  # fmt: skip
    arrays = [pa.array(known.get(f.name) or [r.get(f.name) for r in rows], f.type) for f in schema]
    batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
    proof: dict[str, object] = {"complete": True, "full": table.update.verb == "replace", "rows": count}
    landed = ws.raw.land(table, Extraction(iter([batch]), proof), ws.stamp, ws.known_at, Window())
    ws.decisions.append(
        "batch", ws.known_at, table=table.name, batch_id=landed.batch_id, sha256=landed.sha256
    )
    # The log says that it was loaded before, so that SQL alone judges it: the second opinion takes seconds.
    ws.decisions.append("load", ws.known_at, table=table.name, batch_id=landed.batch_id)
    catch_up(ws, table, rules_of(table))


def _decide(history: History, at: datetime, name: str, pick: int) -> None:
    ws, contracts = replace(history.ws, known_at=at), history.contracts_at(at)
    length = len(list(ws.decisions.entries()))
    if name == "replay":
        movements.replay(ws, contracts["entry"])
    else:
        rows = _to_decide(ws, contracts, "open" if name == "waive" else "waived")
        if rows:
            table, key = rows[pick % len(rows)]
            act = movements.waive if name == "waive" else movements.revoke
            try:
                act(ws, contracts[table], key, f"{table}.amount_cny.between", "张三", "核对无误")
            except RefusedDecision:
                assert len(list(ws.decisions.entries())) == length, "what is refused leaves no trace"
    if len(list(ws.decisions.entries())) > length:
        history.cut_offs.append(at)


def _to_decide(ws: Workspace, contracts: Mapping[str, TableContract], state: str) -> list[tuple[str, str]]:
    """Rejected rows, by table and key, that break a bound and are in that state."""
    with ws.engine.begin() as session:
        return [
            (name, key)
            for name in ("entry", "sheet")
            for key, rules in session.rows(
                f"SELECT DISTINCT key_text, rules FROM ({rejected(contracts[name])}) WHERE state = :s ORDER BY ALL",
                s=state,
            )
            if f"{name}.amount_cny.between" in rules.split(",")
        ]


def _small(engine: DuckDBEngine) -> None:
    """One thread: to hand a dozen rows to several takes longer than to work on them."""
    with engine.begin() as session:
        session.run("SET threads = 1")


@contextmanager
def _standing_in(engine: DuckDBEngine, statements: Sequence[str]) -> Iterator[Session]:
    with built(engine, statements) as catalog, engine.begin() as session:
        (home,) = session.row("SELECT current_database()")
        session.run(f"USE {catalog.rstrip('.')}")
        try:
            yield session
        finally:
            session.run(f"USE {home}")
