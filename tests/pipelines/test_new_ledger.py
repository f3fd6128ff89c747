"""Ledgers that nobody has seen go from their source to BI with one YAML file each, and figures with another.

The product is copied and gets the files a reader of the README would write; nothing else in it changes.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from tests.pipelines.homes import Place

pytestmark = [pytest.mark.integration, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LEDGER = Path(__file__).with_name("new_ledger.yaml")
METRIC = Path(__file__).with_name("new_metric.yaml")
JIBAO = ("-c", "from pipelines.cli.main import main; main()")
QUICK = (
    "tests/data_contracts tests/assets/test_core_contracts.py tests/assets/test_core_sql.py "
    "tests/assets/test_sql_subset.py tests/pipelines/test_ui_definitions.py tests/test_docs.py"
)
"""Tests that go over all contracts, metrics, facts or pages."""


def _product(folder: Path) -> Path:
    """A copy of the repository with four files more: a ledger and a metric of the README, and of this folder."""
    ignored = shutil.ignore_patterns(".*", "__pycache__", "benchmarks")
    shutil.copytree(ROOT, folder, ignore=ignored)
    shutil.copytree(ROOT / ".ci", folder / ".ci")
    meter, electricity = re.findall(r"^```yaml\n(.*?)^```$", README, flags=re.M | re.S)[:2]
    contracts = folder / "data_contracts"
    (contracts / "park" / "park_meter.yaml").write_text(meter, encoding="utf-8")
    (contracts / "metrics" / "electricity_used.yaml").write_text(electricity, encoding="utf-8")
    shutil.copy(LEDGER, contracts / "construction" / "con_site_visit.yaml")
    shutil.copy(METRIC, contracts / "metrics" / "site_visits.yaml")
    return folder


def _sources(folder: Path) -> dict[str, str]:
    """A folder with the README's file, and a database; their addresses as settings."""
    meters = folder / "meters"
    meters.mkdir()
    (file,) = re.findall(r"^printf '(.*)' > /tmp/meters/(.*)$", README, flags=re.M)
    (meters / file[1]).write_text(file[0].replace("\\n", "\n"), encoding="utf-8")
    database = folder / "visits.db"
    with sqlite3.connect(database) as db:
        db.execute("CREATE TABLE visit (no INT, project TEXT, day TEXT, persons TEXT, guide TEXT)")
        db.executemany(
            "INSERT INTO visit VALUES (?, ?, ?, ?, ?)",
            [
                (1, "CT-2022-001", "2024-08-01", "12", "甲"),
                (2, "CT-2022-001", "2024.9.30", "１,３00", "乙"),
                (3, "CT-2022-001", "2024-10-01", "7", "丙"),
                (4, "CT-2022-001", "2024-09-02", "-1", "丁"),
            ],
        )
    return {
        "JIBAO_SOURCES__METERS__URL": f"file://{meters}",
        "JIBAO_SOURCES__VISITS__URL": f"sqlite:///{database}",
    }


def _python(product: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **settings, "PYTHONPATH": str(product), "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, "-B", *words],
        cwd=product,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_ledger_and_a_metric_are_a_yaml_file_each(copied: Place, tmp_path: Path) -> None:
    product, settings = _product(tmp_path / "product"), _sources(tmp_path)
    checked = _python(product, *JIBAO, "contracts", "check")
    assert checked.returncode == 0, checked.stderr
    night = _python(product, *JIBAO, "nightly", "--home", str(copied.home), **settings)
    assert night.returncode == 0, night.stdout + night.stderr

    project_org = copied.value("SELECT org_code FROM core.dim_project WHERE project_code = 'CT-2022-001'")
    park_org = copied.value("SELECT org_code FROM core.dim_park WHERE park_code = 'PK-01'")
    figure = (
        "SELECT grain, scope_code, value FROM mart.quarterly_metric WHERE metric_id = :m AND quarter = '2024Q3' "
        "AND period = 'quarter' ORDER BY grain, scope_code"
    )
    people = Decimal(1312)
    assert copied.rows(figure, m="site_visits") == [
        ("group", "", people), ("org", project_org, people), ("project", "CT-2022-001", people)
    ]  # fmt: skip
    energy = Decimal("12300.5")
    assert copied.rows(figure, m="electricity_used") == [
        ("group", "", energy), ("org", park_org, energy), ("park", "PK-01", energy)
    ]  # fmt: skip

    assert copied.rows('SELECT 参观编号, 参观日期, 人数, 单位编码, 来源主键 FROM bi.工地参观 ORDER BY 1') == [
        (n, *row, project_org, str(n))
        for n, row in zip((1, 2, 3), copied.rows(
            "SELECT visited_on, persons FROM core.fct_site_visit ORDER BY visit_no"), strict=True)
    ]  # fmt: skip
    assert copied.value("SELECT used_kwh FROM core.fct_meter_reading") == energy
    assert copied.rows(
        "SELECT 粒度, 工地参观人数, 园区用电量 FROM bi.季度指标宽表 "
        "WHERE 季度 = '2024Q3' AND 期间 = '本季' AND 粒度 = '集团'"
    ) == [("集团", people, energy)]
    words = copied.value(
        "SELECT comment FROM duckdb_columns() WHERE schema_name = 'core' AND table_name = 'fct_site_visit' "
        "AND column_name = 'persons'"
    )
    assert words == "人数: People who came. Unit: 人."
    (rejected,) = copied.rows(
        "SELECT key_text, rules, state FROM meta.quarantine WHERE table_name = 'con_site_visit'"
    )
    assert rejected == ("4", "con_site_visit.persons.between", "open")


@pytest.mark.extended
def test_no_test_fails_because_somebody_added_such_files(tmp_path: Path) -> None:
    product = _product(tmp_path / "product")
    rendered = _python(product, "-m", "pipelines.reference")
    assert rendered.returncode == 0, rendered.stderr
    snapshot = _python(product, "-m", "tests.pipelines.graph")
    assert snapshot.returncode == 0, snapshot.stderr
    tests = _python(product, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow", *QUICK.split())
    failed = re.findall(r"^FAILED .*$", tests.stdout, flags=re.M)
    assert not failed
    assert tests.returncode == 0, tests.stdout[-3000:]
