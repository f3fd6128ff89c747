"""The command line: every command says how it is used, ends with the right code, and prints what is published."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import typer

from data_contracts import metric_binding
from data_contracts.contract_file import load_contracts
from data_contracts.metric import load_metrics
from data_contracts.reconciliation import load_reconciliations
from pipelines.cli.main import app
from tests.data_contracts.catalogue import catalogue
from tests.pipelines.conftest import First
from tests.pipelines.homes import Place, jibao


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, sub in getattr(command, "commands", {}).items():
        yield from commands(sub, (*path, name))


COMMANDS = list(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_says_what_it_does(command: tuple[str, ...]) -> None:
    said = jibao(*command, "--help")
    assert said.code == 0
    assert said.out.startswith("Usage: ")
    assert " ".join(command) in said.out.splitlines()[0]
    assert "--help" in said.out
    assert said.err == ""


def test_the_commands_are_those_the_product_promises() -> None:
    names = {" ".join(c) for c in COMMANDS}
    assert names >= {
        "nightly", "extract", "claims", "rollup", "status", "dev", "demo up", "demo advance", "demo down",
        "contracts check", "quarantine list",
    }  # fmt: skip


def test_the_installed_program_is_the_same() -> None:
    program = Path(sys.executable).parent / "jibao"
    done = subprocess.run([program, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "nightly" in done.stdout


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["nightly", "--now", "tomorrow"], "--now 'tomorrow' is no instant: write 2024-10-10T20:00:00+08:00"),
        (["extract", "park_hazards"], "no contract 'park_hazards'; there are "),
        (["extract", "park_hazard", "--full", "--from", "2024-09-01"], "exclude each other"),
        (["extract", "park_hazard", "--from", "September"], "--from 'September' is no day: write 2024-12-31"),
        (["extract", "park_hazard", "--now", "soon"], "--now 'soon' is no instant"),
        (["claims", "2024"], "2024"),
        (["rollup", "2024Q5"], "2024Q5"),
        (["rollup", "2024Q3", "--grain", "city"], "no grain 'city': choose group, org, project, park"),
        (["rollup", "2024Q3", "--format", "xml"], "xml"),
        (
            ["rollup", "2024Q3", "--basis", "last"],
            "no basis 'last': write latest, first, comparable, or known-at=",
        ),
        (["rollup", "2024Q3", "--basis", "known-at"], "no basis 'known-at'"),
        (["rollup", "2024Q3", "--basis", "first=2024-10-10"], "no basis 'first=2024-10-10'"),
        (["rollup", "2024Q3", "--basis", "known-at=soon"], "--basis known-at 'soon' is no instant"),
        (["bridge", "2024Q3", "--period", "year"], "no period 'year': choose quarter, ytd, as_of"),
        (["bridge", "2024Q3", "--export", "rows.csv"], "--export lists the rows of one metric"),
        (["demo", "up", "--day", "today"], "'today' is no day: write 2024-10-10"),
        (["demo", "edit", "park_hazard", "--where", "hazard_no"], "--where wants column=value"),
        (["extract"], "Missing argument"),
        (["no-such-command"], "No such command"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_wrong_call_ends_with_2_and_says_what_to_write(
    tmp_path: Path, command: list[str], words: str
) -> None:
    said = Place(tmp_path).jibao(*command) if command != ["no-such-command"] else jibao(*command)
    assert said.code == 2
    assert words in " ".join(said.err.replace("│", " ").split())
    assert list(tmp_path.iterdir()) == [], "nothing was begun"


@pytest.mark.parametrize(
    "command", [["claims", "2024Q3"], ["rollup", "2024Q3"], ["status"], ["quarantine", "list"]], ids=" ".join
)
def test_before_anything_is_published_a_reader_is_told_what_to_run(
    tmp_path: Path, command: list[str]
) -> None:
    said = Place(tmp_path).jibao(*command)
    assert (said.code, said.out) == (1, "")
    assert said.err == f"✗ nothing is published in {tmp_path} yet → run `jibao nightly` first\n"


def test_a_demo_that_is_not_set_up_is_told_from_a_defect(tmp_path: Path) -> None:
    said = Place(tmp_path).jibao("demo", "advance")
    assert said.code == 1
    assert said.err == f"✗ no demo is set up in {tmp_path} → bring it up first: jibao demo up\n"


def test_a_system_nobody_named_is_said_with_the_setting_to_make(tmp_path: Path) -> None:
    said = Place(tmp_path).jibao("contracts", "check", "--sources")
    assert said.code == 1
    assert "finance / fin_org / settings: no address is set for source system 'finance'" in said.out
    assert "JIBAO_SOURCES__FINANCE__URL" in said.out


def test_contracts_check_counts_what_it_compiled(tmp_path: Path) -> None:
    said = Place(tmp_path).jibao("contracts", "check")
    assert said.code == 0
    assert f"{len(load_contracts())} source contracts" in said.out
    assert f"{len(load_reconciliations())} reconciliations" in said.out


def test_contracts_check_tells_every_fault_of_a_metric_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drills = load_metrics()["fire_drills"].model_copy(update={"fact": "fct_drill", "drill": ()})
    hazards = load_metrics()["hazards_rectified"].model_copy(update={"filter": "state = 'valid'"})
    monkeypatch.setattr(metric_binding, "load_metrics", lambda: {m.id: m for m in (drills, hazards)})
    said = Place(tmp_path).jibao("contracts", "check")
    assert said.code == 1
    first, second = said.out.splitlines()
    assert "metrics/fire_drills.yaml: fact: there is no fct_drill → " in first
    assert "metrics/hazards_rectified.yaml: filter: the fact has no column state → " in second


published = [pytest.mark.integration, pytest.mark.slow]


class TestPublished:
    """Commands on the published file of the first night."""

    pytestmark = published

    def test_claims_in_three_formats_say_the_same(self, first: First) -> None:
        table = first.published.jibao("claims", "2024Q3")
        rows = json.loads(first.published.jibao("claims", "2024Q3", "--format", "json").out)
        lines = list(csv.DictReader(io.StringIO(first.published.jibao("claims", "2024Q3", "-f", "csv").out)))
        assert table.code == 0
        assert [(r["id"], r["status"]) for r in rows] == [(r["id"], r["status"]) for r in lines]
        passed = [r["id"] for r in rows if r["status"] == "pass"]
        assert len(passed) >= 41
        assert f"{len(passed)} pass, 0 fail, {len(rows) - len(passed)} not computed" in table.out
        (invested,) = [r for r in rows if r["id"] == "effective_investment_ytd"]
        assert (invested["printed"], invested["computed"]) == ("53.96 亿元", "53.96亿元")
        assert Decimal(invested["value"]) == Decimal("5396238400.00")
        assert invested["accepted"]

    def test_claims_that_are_not_computed_have_a_reason(self, first: First) -> None:
        rows = json.loads(first.published.jibao("claims", "2024Q3", "--format", "json").out)
        assert {r["status"] for r in rows} == {"pass", "not_computed"}
        assert all(r["reason"] for r in rows if r["status"] == "not_computed")
        shown = " ".join(first.published.jibao("claims", "2024Q3").out.split())
        assert "fund_investment_guidance" in shown
        assert "no ledger holds fund commitments" in shown

    @pytest.mark.parametrize("grain", ["group", "org", "project", "park"])
    def test_rollup_in_every_grain_and_format(self, first: First, grain: str) -> None:
        call = ("rollup", "2024Q3", "--grain", grain)
        rows = json.loads(first.published.jibao(*call, "--format", "json").out)
        lines = list(csv.DictReader(io.StringIO(first.published.jibao(*call, "--format", "csv").out)))
        table = first.published.jibao(*call)
        assert table.code == 0
        assert len(rows) == len(lines) > 0
        assert {r["grain"] for r in rows} == {grain}
        assert (grain == "group") == all(r["scope"] == "" for r in rows)
        for metric in {r["metric"] for r in rows}:
            assert metric in table.out

    def test_the_parts_of_a_rollup_add_up_to_its_whole(self, first: First) -> None:
        def invested(grain: str) -> Decimal:
            said = first.published.jibao("rollup", "2024Q3", "--grain", grain, "--format", "json")
            return sum(
                (
                    Decimal(r["value"])
                    for r in json.loads(said.out)
                    if (r["metric"], r["period"]) == ("effective_investment", "ytd")
                ),
                Decimal(0),
            )

        assert invested("group") == invested("org") == invested("project") == Decimal("5396238400.00")

    def test_rollup_beside_last_year_says_both_and_the_change(self, first: First) -> None:
        call = ("rollup", "2024Q3", "--basis", "comparable")
        rows = json.loads(first.published.jibao(*call, "--format", "json").out)
        found = {(r["metric"], r["period"]): r for r in rows}
        hazards = found["hazards_rectified", "ytd"]
        latest = json.loads(first.published.jibao("rollup", "2024Q3", "--format", "json").out)
        assert hazards["value"] in [r["value"] for r in latest if r["metric"] == "hazards_rectified"]
        # A park left management since: its hazards of last year are in one of the two.
        assert Decimal(hazards["comparable_value"]) < Decimal(hazards["last_year_value"])
        change = Decimal(hazards["value"]) - Decimal(hazards["comparable_value"])
        assert Decimal(hazards["change"]) == change
        table = first.published.jibao(*call)
        assert "2024Q3 by group, beside last year under this year's scope" in table.out
        assert "effective_investment_completion" in table.out

    def test_rollup_as_known_on_a_day_is_recomputed(self, first: First) -> None:
        at = first.night.entry["at"]
        latest = json.loads(first.published.jibao("rollup", "2024Q3", "--format", "json").out)
        known = first.published.jibao("rollup", "2024Q3", "--basis", f"known-at={at}", "--format", "json")
        assert known.code == 0, known.err
        assert json.loads(known.out) == latest

    @pytest.mark.parametrize(
        ("basis", "words"),
        [
            ("first", "2024Q3 was never published, so nothing of it was first reported; no quarter is published yet"),
            ("known-at=2024-12-31", "2024-12-31T23:59:59+08:00 lies after the last complete run"),
            ("known-at=2024-09-30", "nothing was known yet at 2024-09-30T23:59:59+08:00: the first complete run"),
        ],
    )  # fmt: skip
    def test_a_basis_without_an_answer_is_refused(self, first: First, basis: str, words: str) -> None:
        said = first.published.jibao("rollup", "2024Q3", "--basis", basis)
        assert (said.code, said.out) == (1, "")
        assert said.err.startswith(f"✗ {words}")
        assert " → " in said.err

    @pytest.mark.parametrize(
        "call", [("claims", "2023Q1"), ("rollup", "2031Q1"), ("rollup", "2023Q3", "--basis", "comparable")],
        ids=" ".join,
    )  # fmt: skip
    def test_a_quarter_without_answer_is_a_wrong_call(self, first: First, call: tuple[str, ...]) -> None:
        said = first.published.jibao(*call)
        assert said.code == 2
        assert call[1] in said.err

    def test_status_names_the_published_file_and_every_table(self, first: First) -> None:
        said = first.published.jibao("status")
        rows = json.loads(first.published.jibao("status", "--format", "json").out)
        assert said.code == 0
        assert first.night.file.name in said.out
        assert len(rows) == len(set(load_contracts()) & set(catalogue()))
        assert all(row["state"] == "fresh" and row["table"] in said.out for row in rows)
        assert "stale figures" not in said.out
        assert "restate" not in said.out

    def test_quarantine_list_filters_and_explains(self, first: First) -> None:
        said = first.published.jibao("quarantine", "list", "park_hazard", "--format", "json")
        rows = json.loads(said.out)
        assert {r["table_name"] for r in rows} == {"park_hazard"}
        assert all(r["rules"].startswith("park_hazard.") and r["source_ref"] for r in rows)
        two = json.loads(first.published.jibao("quarantine", "list", "--limit", "2", "--format", "json").out)
        assert len(two) == 2
        held = json.loads(first.published.jibao("quarantine", "list", "--state", "held", "-f", "json").out)
        assert held
        assert {r["state"] for r in held} == {"held"}

    def test_extract_from_a_day_asks_for_that_window_and_publishes_nothing(self, copied: Place) -> None:
        before = copied.current
        said = copied.jibao("extract", "park_hazard", "--from", "2024-10-01", "--now", "2024-10-11T09:00:00")
        assert said.code == 0, said.err
        assert "extract park_hazard in " in said.out
        newest = max((copied.home / "raw" / "park_hazard").iterdir(), key=lambda path: path.name)
        manifest = json.loads((newest / "manifest.json").read_text(encoding="utf-8"))
        assert manifest["window"]["since"] == "2024-10-01T00:00:00"
        assert manifest["known_at"] == "2024-10-11T01:00:00Z"
        assert manifest["proof"]["full"] is False
        assert 0 < manifest["rows"] < 1000
        assert copied.current == before
