"""A ``JIBAO_HOME`` in the hands of a test: run nights, read what was published, make a copy to spoil.

Everything is real: the demo's systems on loopback, Dagster runs in this process, DuckDB files on disk.
"""

from __future__ import annotations

import io
import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dagster as dg
import httpx
import psycopg
import sqlalchemy as sa
from psycopg import sql

from demo.systems import servers
from demo.systems.edit import edit
from demo.systems.finance_server import OWNER, connect
from demo.systems.home import Home, State
from demo.systems.processes import free_port, stop
from pipelines.cli.console import PIPED_WIDTH, console
from pipelines.cli.main import main
from pipelines.runs import RunOutcome, prepare_instance, run_job
from resources.decisions import DecisionsLog
from resources.engine import DuckDBEngine, read_only
from resources.publisher import FilePublisher
from resources.states import SOURCE_STATES

PRODUCT = (
    "raw", "work", "published", "publications", "evidence", "decisions.jsonl", "decisions.head", SOURCE_STATES,
)  # fmt: skip
Row = tuple[Any, ...]
FigureKey = tuple[str, str, str, str, str]
Figures = dict[FigureKey, Row]

_FIGURES = (
    "SELECT metric_id, quarter, period, grain, scope_code, value, value_date, value_date_to, value_text "
    "FROM {catalog}mart.quarterly_metric"
)


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


@dataclass
class Place:
    """One home. ``settings`` are environment variables of its commands only."""

    home: Path
    settings: dict[str, str] = field(default_factory=dict)

    def night(self, **how: Any) -> RunOutcome:
        """The nightly job in this process."""
        return self.job("nightly", **how)

    def job(self, name: str, **how: Any) -> RunOutcome:
        """A job in this process; see :func:`pipelines.runs.run_job`."""
        from pipelines.definitions import defs

        with self._settings():
            return run_job(defs, name, home=self.home, **how)

    def jibao(self, *arguments: object) -> Said:
        """``jibao … --home HOME`` through its entry point, in this process."""
        with self._settings():
            return jibao(*arguments, "--home", self.home)

    def edit(self, table: str, where: Mapping[str, str], **values: str) -> None:
        """Change exactly one row of a demo that belongs to this home."""
        changed = edit(self.home, table, where, values)
        assert changed == 1, f"{table} {where}: {changed} rows"

    @property
    def current(self) -> Path:
        """The published file."""
        found = FilePublisher(self.home / "published").current
        assert found is not None, "nothing is published"
        return found

    def rows(self, query: str, file: Path | None = None, **parameters: object) -> list[Row]:
        """Rows of a query on the published file, or on another one."""
        engine = read_only(file or self.current)
        try:
            with engine.connect() as connection:
                return [tuple(row) for row in connection.execute(sa.text(query), parameters)]
        finally:
            engine.dispose()

    def value(self, query: str, **parameters: object) -> Any:
        """The one value of a query on the published file."""
        ((found,),) = self.rows(query, None, **parameters)
        return found

    def figures(self, file: Path | None = None) -> Figures:
        """Every published figure by its key."""
        return {row[:5]: row[5:] for row in self.rows(_FIGURES.format(catalog=""), file)}

    def work(self, query: str) -> list[Row]:
        """Rows of a query on the work files, which no run may hold."""
        with self.engine() as engine, engine.begin() as session:
            return session.rows(query)

    @contextmanager
    def engine(self) -> Iterator[DuckDBEngine]:
        """The engine on this home's work files."""
        work = self.home / "work"
        engine = DuckDBEngine(work / "warehouse.duckdb", work / "private.duckdb")
        try:
            yield engine
        finally:
            engine.close()

    @property
    def decisions(self) -> DecisionsLog:
        """The decisions log."""
        return DecisionsLog(self.home / "decisions.jsonl")

    def last_run(self) -> dict[str, Any]:
        """The newest ``run`` entry of the decisions log."""
        return list(self.decisions.entries("run"))[-1]

    def fingerprints(self) -> dict[str, str]:
        """Fingerprints of the last run."""
        found: dict[str, str] = self.last_run()["fingerprints"]
        return found

    def failures(self, run_id: str) -> dict[str, str]:
        """Step → what it said, for the failed steps of a run."""
        return {
            event.step_key or "": event.step_failure_data.user_failure_data.description or ""
            for event in self._events(run_id)
            if event.is_step_failure and event.step_failure_data.user_failure_data
        }

    def checks(self, run_id: str) -> dict[tuple[str, str], dg.AssetCheckEvaluation]:
        """(asset, check) → its evaluation in a run."""
        found = {}
        for event in self._events(run_id):
            if event.event_type_value == "ASSET_CHECK_EVALUATION":
                evaluation = event.asset_check_evaluation_data
                found["/".join(evaluation.asset_key.path), evaluation.check_name] = evaluation
        return found

    def newest_run(self) -> str:
        """Id of the run that was started last."""
        with self._instance() as instance:
            return instance.get_runs(limit=1)[0].run_id

    def _events(self, run_id: str) -> list[dg.DagsterEvent]:
        with self._instance() as instance:
            return [r.dagster_event for r in instance.all_logs(run_id) if r.dagster_event]

    @contextmanager
    def _instance(self) -> Iterator[dg.DagsterInstance]:
        """The Dagster instance of this home."""
        with self._settings():
            prepare_instance(self.home)
            with dg.DagsterInstance.get() as instance:
                yield instance

    @contextmanager
    def _settings(self) -> Iterator[None]:
        """This home's settings, and after it the environment as it was."""
        with patch.dict(os.environ, self.settings):
            yield


def jibao(*arguments: object) -> Said:
    """``jibao`` with these arguments through its entry point, in this process, as piped into a file."""
    console.width = PIPED_WIDTH
    out, err, code = io.StringIO(), io.StringIO(), 0
    words = ["jibao", *map(str, arguments)]
    with patch.object(sys, "argv", words), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    return Said(code, out.getvalue(), err.getvalue())


def sign_for_breaks(place: Place, quarter: str) -> None:
    """Somebody signs for every break of the quarter that nobody signed for yet."""
    out = "SELECT rule_id FROM mart.reconciliation WHERE quarter = :q AND status = 'out' AND breaks > signed"
    waiting = place.rows(out, q=quarter)
    for (rule,) in waiting:
        said = place.jibao(
            "reconcile", "sign", rule, "--every", quarter, "--reason-code", "source_error", "--by", "孙复核",
            "--preparer", "周说明", "--expires", "2025-12-31", "--reason", "已由单位书面说明",
        )  # fmt: skip
        assert said.code == 0, said.err


def copy_product(source: Path, target: Path) -> Place:
    """The product's own state of a home, with the addresses of the same systems, in another home."""
    target.mkdir(parents=True)
    for name in (*PRODUCT, "settings.env"):
        path = source / name
        if path.is_dir():
            shutil.copytree(path, target / name, symlinks=True)
        elif path.exists():
            shutil.copy2(path, target / name)
    return Place(target)


class Fork:
    """A home with systems of its own, as those of another demo stand now: to be spoilt.

    Its PostgreSQL is a database of its own in the other demo's server.
    """

    def __init__(self, demo: Path, target: Path) -> None:
        self.place = copy_product(demo, target)
        source, self.root = Home(demo), Home(target)
        self.state = self._state(source)
        self._copy_systems(source)
        self.root.write_state(self.state)
        servers.ensure_http(self.root, self.state, lambda _: None)
        self.database = f"nc_{target.name}"
        with self._server("postgres") as server:
            server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE nc").format(sql.Identifier(self.database)))
        self.heal()

    def _state(self, source: Home) -> State:
        state = source.require_state()
        state.pids.pop("http", None)
        state.ports["http"] = free_port(state.ports.values())
        return state

    def _copy_systems(self, source: Home) -> None:
        self.root.demo.mkdir()
        shutil.copytree(source.workbooks, self.root.workbooks)
        shutil.copytree(source.manifests, self.root.manifests)
        for old, new in ((source.concrete, self.root.concrete), (source.store, self.root.store)):
            with sqlite3.connect(old) as original, sqlite3.connect(new) as copy:
                original.backup(copy)

    def _server(self, database: str) -> psycopg.Connection:
        connection = connect(self.state.ports["finance"], OWNER, self.state.secrets["owner"], database)
        connection.autocommit = True
        return connection

    def heal(self) -> None:
        """Reach every system as it should be, and without faults."""
        owner = f"{OWNER}:{self.state.secrets['owner']}@127.0.0.1:{self.state.ports['finance']}"
        http = f"http://127.0.0.1:{self.state.ports['http']}"
        self.place.settings = {
            "JIBAO_SOURCES__FINANCE__URL": f"postgresql+psycopg://{owner}/{self.database}",
            "JIBAO_SOURCES__PROJECT_SYSTEM__URL": f"{http}/pms",
            "JIBAO_SOURCES__PARK_PLATFORM__URL": f"{http}/park",
        }
        self.fault(clear=True)

    def fault(self, **order: object) -> None:
        """Order a fault of the HTTP systems."""
        url = f"http://127.0.0.1:{self.state.ports['http']}/_control"
        httpx.post(url, json=order, trust_env=False).raise_for_status()

    def finance(self, statement: str, *values: object) -> list[Row]:
        """One statement on the finance database, as its owner."""
        with self._server(self.database) as connection:
            cursor = connection.execute(sql.SQL(statement), values)
            return list(cursor.fetchall()) if cursor.description else []

    def concrete(self, statement: str) -> None:
        """One statement on the concrete plants' database."""
        with sqlite3.connect(self.root.concrete) as connection:
            connection.execute(statement)

    def workbook(self, folder: str) -> Path:
        """The newest workbook of a folder."""
        return max((self.root.workbooks / folder).glob("*.xlsx"), key=lambda path: path.name)

    def close(self) -> None:
        """Stop the HTTP process; the database goes with its server."""
        stop(self.root.require_state().pids.get("http"), str(self.root.store))


def moved(before: Figures, after: Figures) -> dict[FigureKey, tuple[Row | None, Row | None]]:
    """Figures that differ, came or went."""
    keys = before.keys() | after.keys()
    return {k: (before.get(k), after.get(k)) for k in keys if before.get(k) != after.get(k)}


def shanghai(text: str) -> datetime:
    """Wall time of Asia/Shanghai as an aware instant."""
    return datetime.fromisoformat(f"{text}+08:00")
