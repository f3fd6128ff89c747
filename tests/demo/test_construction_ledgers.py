"""The construction ledgers give the bulletin's figures from their rows, and nothing else does."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal

import pytest

from demo.ledgers import construction
from demo.ledgers.safety import OLDER_WORDS
from demo.ledgers.safety import WORDS as SAFETY_WORDS
from demo.world import World
from tests.demo.construction_readings import (
    ADVANCED,
    AFTER_ALL,
    UP,
    WORLD,
    activities,
    in_construction,
    latest,
    ledgers,
    met,
    milestones,
    projects,
    ytd,
    ytd_kinds,
)
from tests.demo.source_forms import sheet_day

# --- projects and milestones -----------------------------------------------------------------------


def test_nineteen_projects_are_under_construction() -> None:
    counted = in_construction(UP)
    assert len(counted) == 19
    named = {
        "CT-2022-001", "CT-2022-002", "CT-2022-003", "CT-2022-004", "CT-2023-001", "CT-2022-005",
    }  # fmt: skip
    assert named <= counted
    rows = projects(UP)
    assert all(rows[code]["planDocNo"] and rows[code]["consultantUsci"] for code in counted)
    assert rows["CT-2022-005"]["projectName"] == "武德净水厂二期"


def test_c06_each_reason_not_to_count_is_in_the_ledger() -> None:
    rows = projects(UP)
    begun = {c for c in rows if met(c, "commencement", UP) <= "2024-09-30"}
    unfinished = {c for c in begun if met(c, "completion_acceptance", UP) > "2024-09-30"}
    out = unfinished - in_construction(UP)
    reasons = Counter(
        "deleted" if rows[c]["deleted"]
        else "suspended" if rows[c]["constructionStatus"] == "suspended"
        else "agency" if rows[c]["ownerOrgCode"] is None
        else "below" if Decimal(str(rows[c]["plannedTotalWan"])) < 500
        else "other"
        for c in out
    )  # fmt: skip
    assert reasons == {"deleted": 1, "suspended": 1, "agency": 2, "below": 1}
    finished = {c for c in begun if "2024-01-01" <= met(c, "completion_acceptance", UP) <= "2024-09-10"}
    assert {"CT-2021-001", "CT-2021-002", "CT-2022-006"} <= finished
    for start in ("CT-2024-001", "CT-2024-002", "CT-2024-003"):
        assert met(start, "commencement", UP) == "9999"
        assert str(latest(start, "commencement", UP)["dueTo"]) > "2024-10-31"
    # Begun on 9 October, accepted on 8 October: both know what 30 September was.
    assert met("CT-2024-006", "commencement", UP) == "2024-10-09"
    assert met("CT-2022-009", "completion_acceptance", UP) == "2024-10-08"
    assert "CT-2022-009" in in_construction(UP)


def test_c07_a_finished_section_does_not_end_its_project() -> None:
    accepted = latest("CT-2022-004", "completion_acceptance", UP, "CT-2022-004-S01")
    assert accepted["dateMet"] == "2024-09-27"
    assert latest("CT-2022-004", "completion", UP, "CT-2022-004-S02")["dateMet"] is None
    assert "CT-2022-004" in in_construction(UP)


@pytest.mark.parametrize(
    ("project", "milestone", "day", "recorded"),
    [
        ("CT-2021-001", "handover", "2024-08-15", "2024-08-16"),
        ("CT-2022-006", "park_opening", "2024-09-10", "2024-09-11"),
        ("CT-2021-002", "completion_acceptance", "2024-09-05", "2024-09-06"),
        ("CT-2022-002", "basement_structure_done", "2024-10-05", "2024-10-06"),
    ],
)
def test_named_events(project: str, milestone: str, day: str, recorded: str) -> None:
    row = latest(project, milestone, UP)
    assert row["dateMet"] == day
    assert str(row["recordedAt"]).startswith(recorded)
    assert row["sectionCode"] == ""


@pytest.mark.parametrize(
    ("project", "milestone", "first", "last"),
    [
        ("CT-2021-002", "handover", "2024-10-11", "2024-10-20"),
        ("CT-2022-001", "park_opening", "2024-11-01", "2024-11-20"),
        ("CT-2022-003", "completion", "2024-11-21", "2024-11-28"),
        ("CT-2023-001", "completion", "2024-10-11", "2024-10-25"),
        ("CT-2022-005", "completion", "2024-10-21", "2024-10-28"),
    ],
)
def test_named_forecasts_have_a_past_and_a_future(
    project: str, milestone: str, first: str, last: str
) -> None:
    row = latest(project, milestone, UP)
    assert (row["dueFrom"], row["dueTo"], row["dateMet"]) == (first, last, None)
    earlier = milestones(UP, WORLD)[project, "", milestone][:-1]
    assert earlier
    assert all((r["dueFrom"], r["dueTo"]) != (first, last) for r in earlier)
    later = latest(project, milestone, AFTER_ALL)
    assert int(str(later["revision"])) > int(str(row["revision"]))
    assert later["dateMet"]


def test_milestone_revisions_are_in_order() -> None:
    for revisions in milestones(AFTER_ALL, WORLD).values():
        assert [row["revision"] for row in revisions] == list(range(1, len(revisions) + 1))
        recorded = [str(row["recordedAt"]) for row in revisions]
        assert recorded == sorted(set(recorded))
        for row in revisions:
            assert not row["dateMet"] or str(row["dateMet"]) <= str(row["recordedAt"])[:10]
            assert not row["dueFrom"] or str(row["dueFrom"]) <= str(row["dueTo"])


def test_acceptance_never_comes_before_completion() -> None:
    for (project, section, milestone), revisions in milestones(AFTER_ALL, WORLD).items():
        if milestone == "completion_acceptance" and revisions[-1]["dateMet"]:
            completed = latest(project, "completion", AFTER_ALL, section)
            assert str(completed["dateMet"]) <= str(revisions[-1]["dateMet"]), (project, section)


def test_a_project_says_what_its_milestones_say() -> None:
    for code, row in projects(UP).items():
        accepted = met(code, "completion_acceptance", UP)
        done = row["constructionStatus"] in ("completed", "done", "已完成")
        assert done == (accepted != "9999"), code
        if done:
            assert row["constructionStatusDate"] == accepted


def test_what_becomes_known_after_the_bulletin() -> None:
    before, after = projects(UP), projects(ADVANCED)
    changed = {
        code: {name for name in row if row[name] != before[code][name]} - {"updatedAt"}
        for code, row in after.items()
    }
    assert changed["CT-2023-005"] == {"investmentCategory"}
    assert changed["CT-2024-004"] == {"orgCode"}
    assert changed["CT-2023-009"] == {"constructionStatus", "constructionStatusDate"}
    # Accepted on 27 September and recorded on 22 October; the stop of 18 October changes nothing.
    assert in_construction(UP) - in_construction(ADVANCED) == {"CT-2023-004"}


def test_c20_safety_activities() -> None:
    found = ytd_kinds(UP)
    assert found == {
        "flood_typhoon_inspection": 47, "safety_inspection": 164, "fire_drill": 45, "heat_drill": 14,
    }  # fmt: skip
    assert found.total() == 270
    october = Counter(kind for kind, day, _ in activities(UP) if day and day > date(2024, 9, 30))
    assert set(october) == set(SAFETY_WORDS)
    drills = [row for kind, day, row in activities(UP) if kind == "fire_drill"]
    assert all(row["project_code"] for row in drills)
    numbers = [row["activity_no"] for _, _, row in activities(UP)]
    assert len(numbers) == len(set(numbers))


def test_a_file_sent_again_lacks_a_row_and_another_gains_one() -> None:
    files: dict[tuple[object, object], set[object]] = defaultdict(set)
    for _, _, row in ledgers()["con_safety_activity"].rows:
        files[row["file_period"], row["file_version"]].add(row["activity_no"])
    assert len(files["202406", 1] - files["202406", 2]) == 1
    assert files["202406", 2] < files["202406", 1]
    assert len(files["202409", 2] - files["202409", 1]) == 1
    assert files["202409", 1] - files["202409", 2] == {"AQ-202409-012"}
    assert ytd_kinds(ADVANCED)["safety_inspection"] == 164


def test_safety_dirt_is_there_and_rare() -> None:
    rows = [row for _, _, row in ledgers()["con_safety_activity"].rows]
    unreadable = [row for row in rows if sheet_day(row["activity_date"]) is None]
    assert [row["activity_date"] for row in unreadable] == ["7月初"]
    drifted = [row for row in rows if row["activity_type"] in OLDER_WORDS.values()]
    assert 0 < len(drifted) <= 0.02 * len(rows) + 3
    forms = Counter(type(row["activity_date"]) for row in rows)
    assert forms[int]
    assert forms[date]


# --- all of them -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("table", "column"), [("con_project", "updatedAt"), ("con_milestone", "recordedAt")])
def test_a_row_says_when_it_was_seen(table: str, column: str) -> None:
    for visible, gone, row in ledgers()[table].rows:
        assert not gone
        assert row[column] == f"{visible.isoformat(timespec='seconds')}+08:00"


def test_every_mapping_ends_after_it_begins() -> None:
    for _, _, row in ledgers()["con_project_code_map"].rows:
        begins, ends = sheet_day(row["valid_from"]), sheet_day(row["valid_to"])
        assert begins
        assert ends is None or begins < ends


def test_the_same_seed_gives_the_same_rows() -> None:
    again = {t.table: t for t in construction.build(World())}
    assert again == ledgers()
    other = {t.table: t for t in construction.build(World(seed=4))}
    assert other["con_invest_month"] != again["con_invest_month"]


@pytest.mark.parametrize("world", [World(seed=4), World(scale=3)], ids=["seed", "scale"])
def test_another_seed_or_scale_gives_the_same_figures(world: World) -> None:
    assert sum(ytd(UP, world).values()) == Decimal("5396238400.00")
    assert len(in_construction(UP, world=world)) == 19
    assert ytd_kinds(UP, world) == ytd_kinds(UP)
    assert len(projects(UP, world)) == 45 * world.scale
    ratio = len(ledgers(world)["con_invest_month"].rows) / len(ledgers()["con_invest_month"].rows)
    assert ratio > 1.3 if world.scale > 1 else 0.9 < ratio < 1.1
