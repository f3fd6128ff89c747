"""The finance office's adjustments: beside the figures of the night, in a publication, and in its certificates."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from assets.mart.adjustments import counted
from assets.report.certificates import covered, current_figures, stale_because
from assets.report.publication import read, recomputed
from assets.report.state import QuarterState, state_of
from assets.sql_files import create_statement, sql_files
from data_contracts.metric import load_metrics
from resources.engine import DuckDBEngine
from tests.pipelines.conftest import First
from tests.pipelines.homes import Place, copy_product, sign_for_breaks

pytestmark = [pytest.mark.integration, pytest.mark.slow]

AMOUNT = Decimal("-286400")
METRICS = load_metrics()
UNIT = METRICS["concrete_revenue"].certifying_unit
NUMBER = "TZ-2024-001"


def test_one_is_in_force_one_is_void_and_one_waits_for_another_approver(first: First) -> None:
    register = dict(first.published.rows("SELECT adjustment_no, void_flag FROM known.fin_adjustment"))
    assert register == {"TZ-2023-001": "Y", NUMBER: None}
    in_force = first.published.rows(
        "SELECT DISTINCT adjustment_no, adjusted_quarter FROM mart.adjustment_line"
    )
    assert in_force == [(NUMBER, "2023Q4")]
    ((key, rules),) = first.published.rows(
        "SELECT key_text, rules FROM meta.quarantine WHERE table_name = 'fin_adjustment' AND state = 'open'"
    )
    assert (key, rules) == ("TZ-2024-002", "fin_adjustment.approver_not_preparer")


def test_the_figure_it_names_and_the_sum_of_it_are_reported_with_it(first: First) -> None:
    rows = first.published.rows(
        "SELECT metric_id, period, grain, scope_code, adjustment, reported_value - value FROM mart.reported_metric "
        "WHERE adjustment IS NOT NULL ORDER BY ALL"
    )
    own = [
        ("concrete_revenue", p, g, s)
        for p in ("quarter", "ytd")
        for g, s in (("group", ""), ("org", "YWCT-03"))
    ]
    through = [("concrete_revenue_consolidated", p, "group", "") for p in ("quarter", "ytd")]
    assert [row[:4] for row in rows] == [*own, *through]
    assert {row[4:] for row in rows} == {(AMOUNT, AMOUNT)}


def test_the_computed_value_is_left_alone(first: First) -> None:
    differ = (
        "SELECT count(*) FROM mart.reported_metric AS r FULL JOIN mart.quarterly_metric AS m "
        "USING (metric_id, quarter, period, grain, scope_code) WHERE r.value IS DISTINCT FROM m.value"
    )
    assert first.published.value(differ) == 0


def test_rollup_shows_it_where_there_is_one(first: First) -> None:
    adjusted = json.loads(first.published.jibao("rollup", "2023Q4", "--format", "json").out)
    told = {(r["metric"], r["period"]): r["adjustment"] for r in adjusted if r["adjustment"] is not None}
    assert Decimal(told["concrete_revenue", "ytd"]) == AMOUNT
    assert "-286,400 CNY" in first.published.jibao("rollup", "2023Q4").out
    plain = json.loads(first.published.jibao("rollup", "2024Q3", "--format", "json").out)
    assert not {"adjustment", "reported_value"} & set(plain[0])


@pytest.fixture(scope="module")
def published(first: First, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A home where 2023Q4 was held, certified by one unit and closed."""
    place = copy_product(first.product, tmp_path_factory.mktemp("adjusted") / "home")
    sign_for_breaks(place, "2023Q4")
    for step in (
        ("hold", "--by", "李编制"),
        ("certify", "--unit", UNIT, "--by", "王确认"),
        ("close", "--by", "赵签发", "--override", "the office certifies on paper this quarter"),
    ):
        said = place.jibao(step[0], "2023Q4", *step[1:])
        assert said.code == 0, said.err
    return place


@pytest.fixture
def state(published: Place) -> QuarterState:
    return state_of("2023Q4", published.decisions.entries())


@pytest.fixture
def engine(published: Place, tmp_path: Path) -> Iterator[DuckDBEngine]:
    """The engine of a copy that may be spoilt."""
    with copy_product(published.home, tmp_path / "home").engine() as engine:
        yield engine


def test_a_publication_names_the_adjustments_and_who_answers_for_them(published: Place) -> None:
    (line,) = published.rows(
        "SELECT adjustment_no, adjusted_quarter, amount, accounting_reason, prepared_by, approved_by "
        "FROM report.adjustment WHERE quarter = '2023Q4' AND version = 1"
    )
    assert line == (NUMBER, "2023Q4", AMOUNT, "prior_period_error", "沈亚萍", "郑国良")
    (figure,) = published.rows(
        "SELECT adjustment, reported_value - value FROM report.figure WHERE metric_id = 'concrete_revenue' "
        "AND period = 'ytd' AND grain = 'group'"
    )
    assert figure == (AMOUNT, AMOUNT)
    assert published.rows("SELECT * FROM report.moved_figure") == []


def test_it_reproduces_and_an_adjustment_changed_behind_it_is_an_alarm(
    published: Place, state: QuarterState, engine: DuckDBEngine
) -> None:
    document = read(published.home, "2023Q4", state.closings[0])
    assert recomputed(engine, document) == []
    with engine.begin() as session:
        session.run("UPDATE staged.fin_adjustment SET amount = amount - 1 WHERE adjustment_no = :n", n=NUMBER)
    found = {(d.metric_id, d.period, d.grain) for d in recomputed(engine, document)}
    assert ("concrete_revenue", "ytd", "group") in found
    assert ("concrete_revenue", "adjustment", NUMBER) in found


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("void_flag = 'Y'", "no longer in force"),
        ("_row_hash = md5('other words')", "changed"),
    ],
)
def test_a_certificate_goes_stale_with_an_adjustment_in_its_figures(
    state: QuarterState, engine: DuckDBEngine, change: str, reason: str
) -> None:
    certificate = state.certificates[UNIT]
    with engine.begin() as session:
        figures = current_figures(session, "2023Q4")
        covers = covered(METRICS, UNIT, figures, counted(session, "2023Q4"))
        assert stale_because(certificate, covers) == []
        session.run(f"UPDATE staged.fin_adjustment SET {change} WHERE adjustment_no = :n", n=NUMBER)
        session.run(create_statement(sql_files("mart")["adjustment_line"]))
        covers = covered(METRICS, UNIT, figures, counted(session, "2023Q4"))
    assert stale_because(certificate, covers) == [f"adjustment {NUMBER}: {reason}"]
