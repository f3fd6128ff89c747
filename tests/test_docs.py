"""What the documentation says is so: rendered pages, named paths, commands, settings and examples."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from data_contracts.contract_file import load_contract, load_contracts
from data_contracts.fact import declared_fact
from data_contracts.metric import load_metric
from data_contracts.model import TableContract
from data_contracts.outputs import load_outputs
from data_contracts.render import data_dictionary
from data_contracts.rules import rules_of
from data_contracts.to_expectations import suite_of
from demo.systems.home import Home, State, new_secrets
from pipelines.cli.main import app
from pipelines.reference import CLI, COMMAND, command_reference
from resources.settings import Settings, SourceSettings
from resources.sources.base import connector_for
from tests.pipelines.walkthrough import PAGE, shown, steps

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
DECISIONS = ROOT / "docs" / "decisions"
WRITTEN = sorted(
    [README, ROOT / "CHANGELOG.md", *DECISIONS.glob("*.md")]
    + [ROOT / "docs" / f"{name}.md" for name in ("architecture", "contracts", "glossary", "settings")]
)
"""Pages written by hand; the others are rendered."""
MADE_BY_THE_READER = {
    "data_contracts/park/park_meter.yaml",
    "data_contracts/metrics/electricity_used.yaml",
}
TOP = {path.name for path in ROOT.iterdir()} - {".venv", ".jibao"}


def _text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def _blocks(text: str, language: str = "") -> list[str]:
    """Contents of the fenced blocks of one language; fences stand at the start of a line."""
    fences = re.findall(r"^```(\w*)\n(.*?)^```$", text, flags=re.M | re.S)
    return [content for said, content in fences if said == language]


def _words(command: str) -> list[str]:
    return command.split("#")[0].split()


def _targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*## ", MAKEFILE, flags=re.M))


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


# --- rendered ----------------------------------------------------------------------------------------


def test_the_command_reference_is_rendered_from_the_program() -> None:
    assert _text(CLI) == command_reference(), f"docs/cli.md is out of date: run `{COMMAND}`"


def test_the_walk_through_shows_the_steps_that_are_run() -> None:
    page = [line for line in _text(PAGE).splitlines() if line.startswith("$ jibao ")]
    told = [shown(step) for step in steps()]
    assert page == told, (
        "docs/walkthrough.md is out of date: run `python -m tests.pipelines.walkthrough HOME`"
    )


# --- paths and names ---------------------------------------------------------------------------------


@pytest.mark.parametrize("page", WRITTEN, ids=_name)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", re.sub(r"```.*?```", "", _text(page), flags=re.S))
    broken = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not broken


@pytest.mark.parametrize("page", WRITTEN, ids=_name)
def test_every_path_named_exists(page: Path) -> None:
    named = re.findall(r"(?<![\w/.])(\.?\w[\w.-]*/[\w./-]*\w|\w[\w-]*\.(?:toml|lock|md))", _text(page))
    ours = {path for path in named if path.split("/")[0] in TOP} - MADE_BY_THE_READER
    # `pipelines/cli` and asset keys such as `core/fct_loi` differ by their first word, which is a folder here.
    assert not [path for path in ours if not (ROOT / path).exists()]


@pytest.mark.parametrize("page", WRITTEN, ids=_name)
def test_every_table_named_is_there(page: Path) -> None:
    named = re.findall(r"\b(?:core|mart|report)\.[a-z][a-z_]*[a-z]\b(?![_*.]*\*)", _text(page))
    assert set(named) <= set(load_outputs())


# --- commands ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", WRITTEN, ids=_name)
def test_every_make_target_named_exists(page: Path) -> None:
    text = _text(page)
    inline = re.findall(r"`make ([a-z-]+)", text)
    lines = [m for block in _blocks(text) for m in re.findall(r"^make ([a-z-]+)", block, flags=re.M)]
    assert {*inline, *lines} <= _targets()


@pytest.mark.parametrize("page", WRITTEN, ids=_name)
def test_every_jibao_command_named_exists_with_its_options(page: Path) -> None:
    text = _text(page).replace("\\\n", " ")
    called = re.findall(r"`jibao ([^`\n]+)`", text)
    for block in _blocks(text):
        called += [m for line in block.splitlines() for m in re.findall(r"(?:^|&& )jibao ([^&]+)", line)]
    for call in called:
        assert not (missing := _unknown(_words(call))), f"jibao {call}: {missing}"


def _unknown(words: list[str]) -> str:
    """The first word of a call that the program does not know; '' when it knows them all."""
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        if words[0] not in command.commands:
            return words[0]
        command, words = command.commands[words[0]], words[1:]
    options = {name for parameter in command.params for name in parameter.opts}
    return next((w for w in words if w.startswith("--") and w.split("=")[0] not in options), "")


def test_the_quick_start_is_two_targets_that_run_what_the_readme_says() -> None:
    first = _blocks(_text(README))[0].splitlines()
    assert [_words(line) for line in first] == [["make", "demo"], ["make", "dev"]]
    recipes = {name: _recipe(name) for name in ("demo", "dev")}
    assert recipes["demo"] == ["jibao demo up", "jibao nightly", "jibao claims 2024Q3"]
    assert recipes["dev"] == ["jibao demo up", "jibao dev"]


def _recipe(target: str) -> list[str]:
    found = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, flags=re.M)
    assert found, f"no target {target}"
    return [line.strip().replace("$(BIN)/", "") for line in found.group(1).splitlines()]


def test_ci_runs_what_the_readme_tells_a_reader_to_run_for_tests() -> None:
    section = _text(README).split("## Tests")[1]
    told = [_words(line) for line in _blocks(section)[0].splitlines()]
    run = [_words(line) for line in _text(ROOT / ".ci" / "run").splitlines() if line.startswith("make ")]
    assert sorted(run) == sorted(told) == [["make", "lint"], ["make", "test"]]
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111, "chmod +x .ci/run"


# --- examples ----------------------------------------------------------------------------------------


def _example(page: Path, folder: Path) -> TableContract:
    path = folder / "park_meter.yaml"
    path.write_text(_blocks(_text(page), "yaml")[0], encoding="utf-8")
    return load_contract(path)


@pytest.mark.parametrize("page", [README, ROOT / "docs" / "contracts.md"], ids=_name)
def test_a_ledger_shown_whole_compiles_and_renders(page: Path, tmp_path: Path) -> None:
    contract = _example(page, tmp_path)
    connector_for(contract)
    assert len(suite_of(contract)) == len(rules_of(contract))
    assert "park_meter" in data_dictionary({contract.name: contract})


def test_the_ledger_of_the_readme_has_as_many_rules_as_it_says(tmp_path: Path) -> None:
    rules = rules_of(_example(README, tmp_path))
    assert f"compiles it to {len(rules)} rules" in _text(README)


def test_the_metric_of_the_readme_reads_the_fact_of_its_ledger(tmp_path: Path) -> None:
    ledger = _example(README, tmp_path)
    promised = declared_fact(ledger, {**load_contracts(), ledger.name: ledger}).output
    path = tmp_path / "electricity_used.yaml"
    path.write_text(_blocks(_text(README), "yaml")[1], encoding="utf-8")
    metric = load_metric(path)
    assert metric.fact == promised.name
    assert {*metric.drill, metric.time.date, "used_kwh", "park_code", "org_code"} <= {
        c.name for c in promised.columns
    }


def test_the_fact_of_the_contracts_page_compiles(tmp_path: Path) -> None:
    page = _text(ROOT / "docs" / "contracts.md")
    block = page.split("## Facts")[1].split("```yaml\n")[1].split("```")[0]
    (said,) = yaml.safe_load(block)
    ledger = replace(_example(README, tmp_path), fact=said["value"])
    fact = declared_fact(ledger, {**load_contracts(), ledger.name: ledger})
    assert [c.name for c in fact.output.columns][:7] == said["value"]["columns"]


# --- settings ----------------------------------------------------------------------------------------


def test_the_settings_page_lists_every_setting_and_no_other() -> None:
    listed = re.findall(r"^\| `(JIBAO_[A-Z_<>]+)` \|", _section("All settings"), flags=re.M)
    own = {f"JIBAO_{name.upper()}" for name in Settings.model_fields if name != "sources"}
    nested = {f"JIBAO_SOURCES__<SERVER>__{name.upper()}" for name in SourceSettings.model_fields}
    assert sorted(listed) == sorted(own | nested)


def test_the_settings_page_gives_the_defaults() -> None:
    page = _section("All settings")
    for name, default in (
        ("MEMORY_LIMIT", Settings.model_fields["memory_limit"].default),
        ("KEEP_PUBLISHED", Settings.model_fields["keep_published"].default),
        ("HOME", Settings.model_fields["home"].default),
        ("SOURCES__<SERVER>__TIMEOUT_SECONDS", int(SourceSettings.model_fields["timeout_seconds"].default)),
    ):
        assert f"| `JIBAO_{name}` | `{default}`" in page


def test_the_settings_page_lists_what_the_demo_sets(tmp_path: Path) -> None:
    secrets = dict.fromkeys(new_secrets(), "x")
    state = State(1, 1, "2024-10-10", "2024-10-10T20:00:00", {"finance": 1, "http": 2}, secrets)
    listed = re.findall(r"`(JIBAO_[A-Z_]+)`", _section("What the demo sets"))
    assert set(listed) == set(Home(tmp_path).settings(state))


def _section(title: str) -> str:
    return _text(ROOT / "docs" / "settings.md").split(f"## {title}")[1].split("\n## ")[0]


# --- decisions ---------------------------------------------------------------------------------------


def test_decisions_are_numbered_listed_and_whole() -> None:
    records = sorted(path for path in DECISIONS.glob("*.md") if path.name != "README.md")
    assert [path.name[:4] for path in records] == [f"{n:04}" for n in range(1, len(records) + 1)]
    assert re.findall(r"\]\((\d{4}-[a-z-]+\.md)\)", _text(DECISIONS / "README.md")) == [
        p.name for p in records
    ]
    for path in records:
        said = re.findall(r"^\*\*(\w+)\.\*\*", _text(path), flags=re.M)
        assert said == ["Context", "Decision", "Consequence", "Measured"], path.name
