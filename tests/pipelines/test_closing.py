"""A quarter is held, certified and closed by three people, stands as reported, and is proved from raw."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from assets.report.certificates import units
from assets.report.verify import verify_publications
from data_contracts.metric import load_metrics
from resources.decisions import DecisionsLog
from resources.settings import load_settings
from tests.pipelines.conftest import First
from tests.pipelines.homes import Place, copy_product, sign_for_breaks

pytestmark = [pytest.mark.integration, pytest.mark.slow]

OVERRIDE = ("--override", "the office certifies on paper this quarter")


@pytest.fixture(scope="module")
def closed(first: First, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A home where 2024Q3 was prepared, one unit certified, breaks were signed for, and closed with an override."""
    place = copy_product(first.product, tmp_path_factory.mktemp("closed") / "home")
    refused = place.jibao("close", "2024Q3", "--by", "赵签发")
    assert (refused.code, "is open" in refused.err) == (1, True)
    for step in (("hold", "--by", "李编制"), ("certify", "--unit", "招商公司", "--by", "王确认")):
        said = place.jibao(step[0], "2024Q3", *step[1:])
        assert said.code == 0, said.err
    missing = place.jibao("close", "2024Q3", "--by", "赵签发")
    assert missing.code == 1
    assert "建科公司 has not certified" in missing.err
    # A name on paper stands for certificates; what the ledgers do not agree on is signed for break by break.
    unsigned = place.jibao("close", "2024Q3", "--by", "赵签发", *OVERRIDE)
    assert unsigned.code == 1
    assert "that nobody signed for" in unsigned.err
    assert "has not certified" not in unsigned.err
    assert not (place.home / "publications").exists()
    sign_for_breaks(place, "2024Q3")
    said = place.jibao("close", "2024Q3", "--by", "赵签发", *OVERRIDE)
    assert said.code == 0, said.err
    return place


def test_the_published_file_holds_the_figures_as_reported(first: First, closed: Place) -> None:
    (row,) = closed.rows(
        "SELECT version, preparer, closer, override_reason, is_current, figures FROM report.publication"
    )
    assert row[:5] == (1, "李编制", "赵签发", OVERRIDE[1], True)
    figures = closed.rows(
        "SELECT metric_id, quarter, period, grain, scope_code, value, value_date, value_date_to, value_text "
        "FROM report.figure WHERE version = 1"
    )
    assert len(figures) == row[5]
    assert {f[:5]: f[5:] for f in figures} == {
        k: v for k, v in first.night.figures.items() if k[1] == "2024Q3"
    }
    assert closed.rows("SELECT * FROM report.moved_figure") == []


def test_what_was_first_reported_is_shown_by_command_and_view(closed: Place) -> None:
    first, latest = (
        json.loads(closed.jibao("rollup", "2024Q3", "--basis", basis, "--format", "json").out)
        for basis in ("first", "latest")
    )
    assert first == latest
    told = closed.rows(
        "SELECT count(*) FROM bi.figures_by_basis WHERE quarter = '2024Q3' AND first_reported = last_reported "
        "AND last_reported = latest"
    )
    assert told == closed.rows("SELECT count(reported_value) FROM report.figure")
    refused = closed.jibao("rollup", "2024Q2", "--basis", "first")
    assert (refused.code, "published are 2024Q3" in refused.err) == (1, True)


def test_what_was_overridden_stands_in_the_log(closed: Place) -> None:
    (entry,) = closed.decisions.entries("close")
    missing = {t.split(" has not certified")[0] for t in entry["overridden"]}
    assert missing | {"招商公司"} == set(units(load_metrics().values()))


def test_a_signature_is_no_run_and_no_cut_off(first: First, closed: Place) -> None:
    """The last complete run stays the night, whatever was signed since, and its file is kept."""
    (night,) = closed.decisions.entries("run")
    (publication,) = closed.decisions.entries("close")
    assert publication["cut_off"] == night["at"]
    assert [e["kind"] for e in closed.decisions.entries("republish")] == ["republish"] * 3
    assert (closed.home / "published" / night["published"]).exists()


def test_a_cut_off_after_the_night_is_refused_whatever_was_signed_since(reopened: Place) -> None:
    said = reopened.jibao("close", "2024Q3", "--by", "赵签发", "--cut-off", "2024-10-12", *RESTATED)
    assert said.code == 1
    assert "after the last complete run, 2024-10-10T12:00:00" in said.err


def test_a_step_that_could_not_be_shown_is_not_taken(closed: Place, tmp_path: Path) -> None:
    spoiled = copy_product(closed.home, tmp_path / "home")
    (file,) = (spoiled.home / "publications").glob("*.json")
    file.unlink()
    before = list(spoiled.decisions.entries())
    said = spoiled.jibao("reopen", "2024Q3", "--by", "李编制", "--reason", "补记")
    assert said.code == 1
    assert "is missing → restore it" in said.err
    assert list(spoiled.decisions.entries()) == before


def test_a_log_without_its_end_is_refused(closed: Place, tmp_path: Path) -> None:
    cut = copy_product(closed.home, tmp_path / "home")
    log = cut.home / "decisions.jsonl"
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True)
    log.write_text("".join(lines[:-2]), encoding="utf-8")
    for words in (("publication", "verify"), ("hold", "2024Q3", "--by", "李编制")):
        said = cut.jibao(*words)
        assert said.code == 1
        assert f"ends after line {len(lines) - 2}, {len(lines)} were written" in " ".join(said.err.split())


@pytest.mark.extended
def test_a_publication_is_proved_under_the_contracts_of_its_day(closed: Place) -> None:
    """Those of today may be others; here there is none left."""
    found = list(verify_publications(load_settings(closed.home), {}))
    assert found == [("2024Q3", 1, "")]


def test_a_publication_comes_out_again_from_the_raw_batches(closed: Place) -> None:
    said = closed.jibao("publication", "verify")
    assert said.code == 0, said.out
    assert "2024Q3 v1 ✓" in said.out
    none = closed.jibao("publication", "verify", "2024Q2")
    assert (none.code, "2024Q2 was never published" in none.err) == (1, True)


@pytest.mark.parametrize(
    ("step", "cure"),
    [
        (("close", "--by", "赵签发"), "is closed"),
        (("hold", "--by", "李编制"), "`jibao reopen` it first"),
        (("reopen", "--by", "赵签发", "--reason", " "), "--reason TEXT"),
        (("certify", "--unit", "no such unit", "--by", "王确认"), "one of "),
        (("close", "--by", "赵签发", *OVERRIDE), "is closed"),
    ],
)
def test_a_step_out_of_turn_is_refused_and_changes_nothing(
    closed: Place, step: tuple[str, ...], cure: str
) -> None:
    before = list(closed.decisions.entries())
    said = closed.jibao(step[0], "2024Q3", *step[1:])
    assert said.code == 1
    assert cure in said.err
    assert list(closed.decisions.entries()) == before


def test_an_edited_publication_is_an_alarm(closed: Place, tmp_path: Path) -> None:
    spoiled = copy_product(closed.home, tmp_path / "home")
    (file,) = (spoiled.home / "publications").glob("*.json")
    document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    document["figures"][0]["value"] = "1"
    file.write_text(json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True), encoding="utf-8")
    said = spoiled.jibao("publication", "verify")
    assert said.code == 1
    assert "is not what was signed" in " ".join(said.out.split())
    for words in (
        ("explain", "effective_investment", "2024Q3", "--basis", "first"),
        ("bridge", "2024Q3"),
    ):
        said = spoiled.jibao(*words)
        assert (said.code, "is not what was signed" in said.err) == (1, True)


def test_what_was_certified_is_kept_with_the_publication(closed: Place) -> None:
    (entry,) = closed.decisions.entries("certify")
    told = closed.rows(
        "SELECT c.unit, c.metric_id, c.period, c.fingerprint = f.fingerprint FROM report.certified_figure AS c "
        "JOIN report.figure AS f USING (quarter, version, metric_id, period) WHERE f.grain = 'group'"
    )
    assert {f"{metric}/{period}" for _, metric, period, _ in told} == set(entry["covers"])
    assert {(unit, same) for unit, _, _, same in told} == {("招商公司", True)}


@pytest.mark.parametrize("basis", ["first", "known-at=2024-10-10T20:00:00+08:00"])
def test_a_figure_is_explained_as_it_was_reported(closed: Place, basis: str) -> None:
    asked = ("effective_investment", "2024Q3", "--rows", 1)
    then, now = closed.jibao("explain", *asked, "--basis", basis), closed.jibao("explain", *asked)
    assert then.code == 0, then.err
    assert "equal to the figure" in then.out
    assert then.out == now.out
    missing = closed.jibao("explain", "effective_investment", "2024Q2", "--basis", "first")
    assert (missing.code, "was never published" in missing.err) == (1, True)


def test_a_figure_reported_by_another_definition_is_not_explained_by_this_one(closed: Place) -> None:
    with patch("assets.report.basis.definition_hash", return_value="0" * 64):
        said = closed.jibao("explain", "effective_investment", "2024Q3", "--basis", "first")
    assert said.code == 1
    assert "`jibao publication verify 2024Q3` proves what was reported" in " ".join(said.err.split())


@pytest.fixture
def reopened(closed: Place, tmp_path: Path) -> Place:
    """A copy of that home where the quarter waits for version 2."""
    place = copy_product(closed.home, tmp_path / "home")
    assert place.jibao("reopen", "2024Q3", "--by", "李编制", "--reason", "补记").code == 0
    assert place.jibao("hold", "2024Q3", "--by", "李编制").code == 0
    return place


RESTATED = ("--reason", "补记", "--accounting-reason", "prior_period_error", *OVERRIDE)


def test_a_restatement_says_what_it_is_in_the_books(reopened: Place) -> None:
    close = ("close", "2024Q3", "--by", "赵签发", *OVERRIDE)
    for more, cure in (
        ((), "say why it is restated: --reason"),
        (
            ("--reason", "补记"),
            "--accounting-reason policy_change, prior_period_error, estimate_change or other",
        ),
        (("--reason", "补记", "--accounting-reason", "mistake"), "'mistake' is no accounting reason"),
    ):
        said = reopened.jibao(*close, *more)
        assert said.code == 1
        assert cure in said.err
    # What a broken-off closing left, or a log that lost its end had named, is kept aside and not written over.
    stray = reopened.home / "publications" / "2024Q3-v2.json"
    stray.write_text("{}", encoding="utf-8")
    said = reopened.jibao("close", "2024Q3", "--by", "赵签发", *RESTATED)
    assert said.code == 0, said.err
    told = reopened.rows("SELECT version, accounting_reason FROM report.publication ORDER BY version")
    assert told == [(1, None), (2, "prior_period_error")]
    (kept,) = stray.parent.glob("2024Q3-v2.*.unnamed")
    assert kept.read_text(encoding="utf-8") == "{}"
    assert json.loads(stray.read_text(encoding="utf-8"))["version"] == 2


_CLOSING = [
    sys.executable,
    "-c",
    "from pipelines.cli.main import main; main()",
    "close",
    "2024Q3",
    "--by",
    "赵签发",
]


@pytest.mark.extended
@pytest.mark.parametrize(
    "seen",
    [
        "work/warehouse.duckdb.wal", "publications/.2024Q3-v2.json.partial", "publications/2024Q3-v2.json",
        '"kind": "close", "override', "published/",
    ],
)  # fmt: skip
def test_a_process_killed_while_restating_leaves_no_version_or_a_whole_one(
    reopened: Place, seen: str
) -> None:
    """It is killed, by a signal it cannot catch, as soon as it has left this trace; it may have got further."""

    def traces() -> set[str]:
        files = {str(p.relative_to(reopened.home)) for p in reopened.home.glob("*/*")}
        published = {"published/"} if reopened.current != before else set()
        log = reopened.decisions.path.read_text(encoding="utf-8")[size:]
        return files | published | ({seen} if seen in log else set())

    before, size = reopened.current, len(reopened.decisions.path.read_text(encoding="utf-8"))
    run = subprocess.Popen([*_CLOSING, *RESTATED, "--home", str(reopened.home)], stdout=subprocess.DEVNULL)
    while seen not in traces() and run.poll() is None:
        time.sleep(0.002)
    run.kill()
    run.wait()
    closings = list(reopened.decisions.entries("close"))
    assert len(closings) in (1, 2)
    if len(closings) == 1:
        again = reopened.jibao("close", "2024Q3", "--by", "赵签发", *RESTATED)
        assert again.code == 0, again.err
    else:
        refused = reopened.jibao("close", "2024Q3", "--by", "赵签发", *RESTATED)
        assert (refused.code, "is closed" in refused.err) == (1, True)
    proved = reopened.jibao("publication", "verify")
    assert (proved.code, proved.out.count("✓")) == (0, 2), proved.out
    assert reopened.night().success
    assert reopened.rows("SELECT version FROM report.publication ORDER BY version") == [(1,), (2,)]


@pytest.mark.extended
@pytest.mark.parametrize("logged", [0, 1])
def test_a_process_that_dies_while_closing_leaves_no_publication_or_a_whole_one(
    first: First, tmp_path: Path, logged: int
) -> None:
    """It dies just before, or just after, the log names the publication's file."""
    place = copy_product(first.product, tmp_path / "home")
    assert place.jibao("hold", "2024Q3", "--by", "李编制").code == 0
    append = DecisionsLog.append

    def dying(log: DecisionsLog, kind: str, *rest: Any, **fields: Any) -> dict[str, Any]:
        if kind == "close" and not logged:
            raise RuntimeError("the process is gone")
        entry = append(log, kind, *rest, **fields)
        if kind == "close":
            raise RuntimeError("the process is gone")
        return entry

    with patch.object(DecisionsLog, "append", dying):
        assert place.jibao("close", "2024Q3", "--by", "赵签发", *OVERRIDE).code == 1
    assert len(list(place.decisions.entries("close"))) == logged
    assert len(list((place.home / "publications").glob("*.json"))) == 1
    if logged:
        assert place.jibao("publication", "verify").code == 0
    else:
        assert place.jibao("close", "2024Q3", "--by", "赵签发", *OVERRIDE).code == 0
        assert place.value("SELECT count(*) FROM report.publication") == 1
