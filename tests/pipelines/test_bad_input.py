"""What gets bad input: every case ends in a message that says where, what and what to do; the rest goes on.

Three nights over systems of their own: one in which optional sources fail and rows are rejected, one in which
required sources fail, and one after everything was put right again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import dagster as dg
import pytest
import yaml

from assets.mart.figures import tables_behind
from data_contracts.metric import load_metrics
from demo.systems.home import Home
from demo.systems.processes import free_port
from tests.pipelines.conftest import First, Night, spent
from tests.pipelines.homes import Figures, Fork, Place, Said, copy_product, moved
from tests.pipelines.spoil import rename_header, rename_sheet, repeat_key, write_in_yuan

pytestmark = [pytest.mark.integration, pytest.mark.slow]

VOUCHER = "1001A111241000000009"
COMPANY = "0110cd88-3f12-44e3-affa-6d70a9e189b2"
LETTER = "YX-2023-036"
GROWN_LETTER = "YX-2023-042"
GROWN_BY = Decimal(100)
INVESTMENT = "投资统计台账/投资统计台账_202409.xlsx"

Words = Mapping[str, Mapping[str, str]]
_SAYS: Mapping[str, Words] = yaml.safe_load(
    (Path(__file__).parent / "bad_input.yaml").read_text(encoding="utf-8")
)
FAILED, REJECTED = _SAYS["failed"], _SAYS["rejected"]
REFUSED, BLOCKED = _SAYS["refused"], _SAYS["blocked"]


@dataclass(frozen=True)
class Partly:
    """The night in which optional sources failed and rows were rejected."""

    place: Place
    cause: str
    status: str
    status_json: str
    states: Mapping[str, tuple[str, str | None]]
    checks: Mapping[tuple[str, str], dg.AssetCheckEvaluation]
    figures: Figures
    file: Path


@dataclass(frozen=True)
class Refused:
    """The night in which required sources failed, and the extraction tried before it."""

    extract: Said
    said: Said
    failures: Mapping[str, str]
    causes: Mapping[str, str]
    published_before: Path
    published_after: Path
    status: Mapping[str, Mapping[str, str]]
    runs_before: int
    runs_after: int


@pytest.fixture(scope="package")
def partly(first: First) -> Partly:
    fork, place = first.fork, first.fork.place
    fail_optional_sources(fork)
    reject_rows(fork)
    outcome = place.night()
    assert not outcome.success
    return Partly(
        place=place,
        cause=outcome.cause or "",
        status=place.jibao("status").out,
        status_json=place.jibao("status", "--format", "json").out,
        states={t: (s, c) for t, s, c in place.rows("SELECT table_name, state, cause FROM mart.freshness")},
        checks=place.checks(outcome.run_id),
        figures=place.figures(),
        file=place.current,
    )


def fail_optional_sources(fork: Fork) -> None:
    rename_sheet(fork.workbook("安全管理台账"), "活动")
    rename_header(fork.workbook("项目编码对照"), "原编码", "旧编码")
    fork.concrete("ALTER TABLE delivery_ticket RENAME COLUMN signed_m3 TO qty")
    fork.fault(system="park", resource="hazard", fault="http_500", times=-1)
    fork.fault(system="park", resource="activity", fault="drop_field", field="person_visits", times=-1)
    fork.fault(system="pms", resource="milestones", fault="code_error", times=-1)


def reject_rows(fork: Fork) -> None:
    """Also one that is none: a month whose header and amounts are both in 元, and a letter that grew."""
    unbalance(fork, "+ 1", "2024-10-10 20:01:00")
    (usci,) = fork.place.rows("SELECT usci FROM core.fct_tenant_stay WHERE enterprise_id = :e", e=COMPANY)[0]
    fork.place.edit(
        "park_company", {"enterprise_id": COMPANY}, usci=usci[:-1] + ("0" if usci[-1] != "0" else "1")
    )
    fork.place.edit("park_loi", {"loi_no": LETTER}, signed_date="11月中旬")
    ((area,),) = fork.place.rows("SELECT area_m2 FROM core.fct_loi WHERE loi_no = :n", n=GROWN_LETTER)
    fork.place.edit("park_loi", {"loi_no": GROWN_LETTER}, area_m2=str(area + GROWN_BY))
    repeat_key(fork.root.workbooks / INVESTMENT, "投资构成")
    write_in_yuan(fork.root.workbooks / "投资统计台账/投资统计台账_202408.xlsx", say_so=True)


def unbalance(fork: Fork, by: str, at: str) -> None:
    """Change the debit of one line, as somebody with access to the tables could; the voucher is sent again."""
    fork.finance(f"UPDATE gl_detail SET ts = '{at}' WHERE pk_voucher = '{VOUCHER}'")
    fork.finance(
        f"UPDATE gl_detail SET debit = debit {by} WHERE pk_detail = (SELECT min(pk_detail) FROM gl_detail "
        f"WHERE pk_voucher = '{VOUCHER}' AND debit <> 0)"
    )


@pytest.fixture(scope="package")
def refused(first: First, partly: Partly) -> Refused:
    fork, place = first.fork, first.fork.place
    published, runs = place.current, len(list(place.decisions.entries("run")))
    again = fork.root.workbooks / INVESTMENT.replace(".xlsx", "_v2.xlsx")
    shutil.copy(Home(first.night.place.home).workbooks / INVESTMENT, again)
    write_in_yuan(again, say_so=False)
    extract = place.jibao("extract", "con_invest_month")
    fork.heal()
    fork.fault(system="park", resource="hazard", fault="bad_json", times=-1)
    fork.fault(system="park", resource="park", fault="empty", times=-1)
    finance = place.settings["JIBAO_SOURCES__FINANCE__URL"]
    secret = fork.state.secrets["owner"]
    place.settings |= {
        "JIBAO_SOURCES__FINANCE__URL": finance.replace(secret, "not-the-password"),
        "JIBAO_SOURCES__PROJECT_SYSTEM__URL": f"http://127.0.0.1:{free_port()}/pms",
    }
    said = place.jibao("nightly")
    causes = place.work("SELECT table_name, cause FROM meta.source_state WHERE state = 'failed'")
    return Refused(
        extract=extract,
        said=said,
        failures=place.failures(place.newest_run()),
        causes=dict(causes),
        status={row["table"]: row for row in json.loads(place.jibao("status", "--format", "json").out)},
        published_before=published,
        published_after=place.current,
        runs_before=runs,
        runs_after=len(list(place.decisions.entries("run"))),
    )


@pytest.fixture(scope="package")
def healed(first: First, refused: Refused) -> Night:
    """The night after everything was put right at the sources."""
    fork, place = first.fork, first.fork.place
    fork.heal()
    shutil.rmtree(fork.root.workbooks)
    shutil.copytree(Home(first.night.place.home).workbooks, fork.root.workbooks)
    fork.concrete("ALTER TABLE delivery_ticket RENAME COLUMN qty TO signed_m3")
    unbalance(fork, "- 1", "2024-10-10 20:09:00")
    (usci,) = first.published.rows(
        "SELECT usci FROM core.fct_tenant_stay WHERE enterprise_id = :e", e=COMPANY
    )[0]
    place.edit("park_company", {"enterprise_id": COMPANY}, usci=usci)
    return spent(place, place.night())


def test_the_run_ends_failed_with_one_cause_that_counts_the_others(partly: Partly) -> None:
    table, *others = sorted(FAILED)
    system, place = FAILED[table]["system"], FAILED[table]["place"]
    assert partly.cause.startswith(f"{system} / {table} / {place}: {FAILED[table]['wrong']}")
    assert FAILED[table]["cure"] in partly.cause
    assert partly.cause.endswith(f"(and {len(others)} more: {', '.join(others)})")


@pytest.mark.parametrize("table", FAILED)
def test_a_failing_optional_source_is_stale_with_place_cause_and_cure(partly: Partly, table: str) -> None:
    said = FAILED[table]
    state, cause = partly.states[table]
    assert state == "stale"
    assert cause is not None
    assert cause.startswith(f"{said['system']} / {table} / {said['place']}: ")
    assert said["wrong"] in cause
    assert said["cure"] in cause.partition(" → ")[2]
    assert partly.checks[f"staged/{table}", "warning"].description == cause


def test_all_other_tables_are_fresh(partly: Partly) -> None:
    assert {table for table, (state, _) in partly.states.items() if state != "fresh"} == set(FAILED)


def test_status_shows_what_is_stale_and_why(partly: Partly) -> None:
    shown = {row["table"]: row for row in json.loads(partly.status_json)}
    assert {table for table, row in shown.items() if row["state"] == "stale"} == set(FAILED)
    assert all(FAILED[table]["wrong"] in shown[table]["cause"] for table in FAILED)
    stale = partly.place.rows(
        "SELECT DISTINCT metric_id FROM mart.quarterly_metric WHERE flags LIKE '%stale:%'", file=partly.file
    )
    assert f"stale figures ({len(stale)}): " in partly.status
    assert "hazards_rectified" in partly.status.partition("stale figures")[2]


def test_figures_are_stale_exactly_where_they_rest_on_a_failed_source(partly: Partly) -> None:
    rows = partly.place.rows(
        "SELECT DISTINCT metric_id, flags LIKE '%stale:%' FROM mart.quarterly_metric", file=partly.file
    )
    stale = {metric for metric, is_stale in rows if is_stale}
    metrics = load_metrics()
    assert stale == {m.id for m in metrics.values() if tables_behind(m, metrics) & set(FAILED)}
    assert stale >= {"hazards_rectified", "concrete_volume", "projects_under_construction", "inbound_visits"}
    assert not stale & {
        "loi_area_choujiang", "tenant_companies", "new_projects_attracted", "rent_billed", "service_stations",
        "liandu_income_increase", "charging_stalls_added",
    }  # fmt: skip
    ((flags,),) = partly.place.rows(
        "SELECT DISTINCT regexp_extract_all(flags, 'stale:\\w+') FROM mart.quarterly_metric "
        "WHERE metric_id = 'hazards_rectified'",
        file=partly.file,
    )
    assert flags == ["stale:park_hazard"]


def test_figures_say_when_the_newest_state_of_a_row_was_rejected(partly: Partly) -> None:
    rows = partly.place.rows(
        "SELECT metric_id, string_agg(DISTINCT flag, ' ' ORDER BY flag) FROM (SELECT metric_id, "
        "unnest(string_split(flags, ' ')) AS flag FROM mart.quarterly_metric) WHERE flag LIKE 'outdated:%' "
        "GROUP BY metric_id",
        file=partly.file,
    )
    outdated: dict[str, str] = dict(rows)
    assert {flag for flags in outdated.values() for flag in flags.split()} == {
        f"outdated:{t}" for t in REJECTED
    }
    assert outdated["loi_area_choujiang"] == "outdated:park_loi"
    assert outdated["effective_investment"] == "outdated:con_invest_month"
    assert "hazards_rectified" not in outdated


def test_the_rest_is_published_and_nothing_else_moves(first: First, partly: Partly) -> None:
    changes = moved(first.night.figures, partly.figures)
    assert {key[0] for key in changes} == {"loi_area_digital_community"}
    assert all(after[0] - before[0] == GROWN_BY for before, after in changes.values() if before and after)
    assert partly.file != first.fork.place.home / "published" / first.night.file.name


@pytest.mark.parametrize("table", REJECTED)
def test_a_rejected_row_says_where_it_stands_what_is_wrong_and_the_cure(partly: Partly, table: str) -> None:
    check, said = partly.checks[f"staged/{table}", "warning"], REJECTED[table]
    assert not check.passed
    assert (check.description or "").startswith(f"{said['system']} / {table} / {said['place']}")
    for words in said.values():
        assert words in (check.description or "")


def test_rejected_rows_are_in_quarantine_and_the_known_ones_stand(partly: Partly) -> None:
    rows = partly.place.rows(
        "SELECT table_name, rules, count(*) FROM meta.quarantine WHERE replaces_current AND state = 'open' "
        "GROUP BY ALL ORDER BY ALL",
        file=partly.file,
    )
    assert rows == [
        ("con_invest_month", "con_invest_month.key.unique", 2),
        ("fin_voucher_line", "fin_voucher_line.balanced", 5),
        ("park_company", "park_company.usci_check_digit", 1),
        ("park_loi", "park_loi.signed_date.parse", 1),
    ]


def test_quarantine_list_names_row_rule_and_cure(partly: Partly) -> None:
    published = Place(partly.place.home)
    listed = published.jibao("quarantine", "list", "park_loi", "--format", "csv").out
    assert LETTER in listed
    assert "park_loi.signed_date.parse" in listed
    assert "招商台账/招商台账_20241010.xlsx!意向书!" in listed
    assert "11月中旬" not in listed, "the content of a row stays private"


def test_a_month_in_yuan_that_says_so_is_the_same_month(partly: Partly) -> None:
    new, unchanged = partly.place.rows(
        "SELECT new_version, unchanged FROM mart.conservation WHERE table_name = 'con_invest_month' "
        "ORDER BY known_at DESC",
        file=partly.file,
    )[0]
    assert new == 0
    assert unchanged > 100


def test_conservation_holds_on_a_bad_night_too(partly: Partly) -> None:
    assert partly.place.rows("SELECT count(*) FROM mart.conservation WHERE NOT holds", file=partly.file) == [
        (0,)
    ]


def test_yuan_under_a_header_of_wan_is_refused_with_file_row_rule_and_cure(refused: Refused) -> None:
    assert refused.extract.code == 1
    for said in (refused.extract.err, refused.causes["con_invest_month"]):
        for words in BLOCKED["con_invest_month"].values():
            assert words in said


@pytest.mark.parametrize("step", REFUSED)
def test_a_required_source_fails_its_step_with_the_reason(refused: Refused, step: str) -> None:
    assert refused.failures[step].startswith(f"{REFUSED[step]['system']} / {step.partition('__')[2]}")
    for words in REFUSED[step].values():
        assert words in refused.failures[step]


def test_an_answer_cut_off_in_its_middle_says_so(refused: Refused) -> None:
    assert refused.causes["park_hazard"].startswith(
        "park_platform / park_hazard / /api/hazard.get_list page 1: the answer is not JSON"
    )


def test_nothing_is_published_when_a_required_source_fails(refused: Refused) -> None:
    assert refused.said.code == 1
    assert refused.published_after == refused.published_before
    assert refused.runs_after == refused.runs_before


def test_status_tells_of_the_night_that_published_nothing(refused: Refused) -> None:
    for step, said in REFUSED.items():
        row = refused.status[step.partition("__")[2]]
        assert row["state"] == "stale"
        assert said["wrong"] in row["cause"]
    assert refused.status["park_loi"]["state"] == "fresh"


def test_the_command_ends_with_the_cause_and_no_secret(refused: Refused) -> None:
    assert "finance / fin_org / nc_fork/org_orgs" in refused.said.err
    for step in set(REFUSED) - {"raw__fin_org"}:
        assert step.replace("__", "/") in refused.said.err, "the other failed steps are named"
    assert "Traceback" not in refused.said.err
    assert not any("not-the-password" in text for text in (*refused.causes.values(), refused.said.err))


def test_what_was_put_right_is_as_if_it_had_never_been_wrong(first: First, healed: Night) -> None:
    assert healed.figures == first.night.figures
    assert healed.fingerprints["mart.quarterly_metric"] == first.night.fingerprints["mart.quarterly_metric"]
    changed = {k for k, v in healed.fingerprints.items() if first.night.fingerprints[k] != v}
    assert changed == {"staged.park_loi"}, "only the letter that grew had another version in between"


def test_nothing_is_stale_and_the_rejections_are_settled(first: First, healed: Night) -> None:
    place = healed.place
    assert place.rows("SELECT count(*) FROM mart.freshness WHERE state <> 'fresh'") == [(0,)]
    flagged = (
        "SELECT count(*) FROM mart.quarterly_metric WHERE flags LIKE '%stale:%' OR flags LIKE '%outdated:%'"
    )
    assert place.rows(flagged) == [(0,)]
    counted = "SELECT table_name, count(*) FROM meta.quarantine WHERE state = 'open' GROUP BY ALL"
    assert dict(place.rows(counted)) == dict(first.published.rows(counted))


def test_an_unreachable_system_is_told_from_one_that_refuses(first: First, tmp_path: Path) -> None:
    place = copy_product(first.product, tmp_path / "home")
    place.settings = {
        "JIBAO_SOURCES__FINANCE__URL": f"postgresql+psycopg://reader:secret@127.0.0.1:{free_port()}/nc",
        "JIBAO_SOURCES__PARK_PLATFORM__TOKEN": "not-the-token",
        "JIBAO_SOURCES__WORKBOOKS__URL": f"file://{tmp_path}/nowhere",
    }
    said = place.jibao("contracts", "check", "--sources")
    assert said.code == 1
    assert "finance / fin_org / nc/org_orgs: nobody answers there" in said.out
    assert "park_platform / park_park / /api/park.get_list page 1: " in said.out
    assert "set the right token" in said.out
    assert f"workbooks / con_invest_month / {tmp_path}/nowhere: there is no such folder" in said.out
    assert "secret" not in said.out.replace("scram", "")
    assert "not-the-token" not in said.out
