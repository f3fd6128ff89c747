"""What must hold over any history of batches and decisions: the past is what a warehouse of that day knew, and every
figure rests on rows that prove it.

A few histories, always the same ones, in the fast suite; many, drawn anew each time, under ``extended``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.mart.explain import Scope, comes_to, explain, rows
from data_contracts.claim import Figure
from data_contracts.metric import Metric, load_metrics
from data_contracts.metric_sql import FIGURE_KEY
from resources.engine import Session, quoted
from tests.assets.histories import History, few, many, played
from tests.assets.history_sources import Step, scripts

Script = Sequence[Sequence[Step]]


# --- the past is what a warehouse of that day knew --------------------------------------------------------


@few
@given(script=scripts(), chosen=st.integers(0, 20))
def test_known_at_a_cut_off_is_what_a_warehouse_knew_that_learnt_no_more(
    tmp_path_factory: pytest.TempPathFactory, script: Script, chosen: int
) -> None:
    with played(tmp_path_factory.mktemp("history") / "home", script) as history:
        _assert_past_is_fresh(history, history.cut_offs[chosen % len(history.cut_offs)])


@pytest.mark.extended
@many
@given(script=scripts(5))
def test_every_cut_off_is_what_a_warehouse_knew_that_learnt_no_more(
    tmp_path_factory: pytest.TempPathFactory, script: Script
) -> None:
    with played(tmp_path_factory.mktemp("history") / "home", script) as history:
        for cut_off in history.cut_offs:
            _assert_past_is_fresh(history, cut_off)


def _assert_past_is_fresh(history: History, cut_off: datetime) -> None:
    """Rows of every ledger and every figure; where no contract changed, since when each version is known too."""
    versions = history.mended_at is None
    with history.as_known(cut_off) as session:
        past = _ledger_rows(session, history, versions), _figures(session)
    folder = history.ws.home.parent / f"fresh-{cut_off:%m%dT%H}"
    with history.afresh(cut_off, folder) as session:
        fresh = _ledger_rows(session, history, versions), _figures(session)
    assert past[0] == fresh[0], f"rows as known at {cut_off}"
    assert past[1] == fresh[1], f"figures as known at {cut_off}"


def _ledger_rows(session: Session, history: History, versions: bool) -> dict[str, list[tuple[Any, ...]]]:
    """Public columns and fingerprint of the rows shown; with ``versions`` all that is told of each version."""
    found = {}
    for contract in history.contracts.values():
        # What only says which delivery a row came with is no content: the row first known of two alike stays.
        columns = quoted([c.name for c in contract.public if not c.lineage])
        found[contract.name] = session.rows(
            f"SELECT {columns}, _row_hash FROM known.{contract.name} ORDER BY {quoted(contract.key)}"
        )
        if versions:
            found[f"{contract.name}__versions"] = session.rows(
                f"SELECT * FROM known.{contract.name}__versions ORDER BY {quoted(contract.key)}, _known_from"
            )
    return found


def _figures(session: Session) -> list[tuple[Any, ...]]:
    return session.rows(f"SELECT * FROM mart.quarterly_metric ORDER BY {', '.join(FIGURE_KEY)}")


# --- every figure rests on rows that prove it -------------------------------------------------------------


@few
@given(script=scripts(3), chosen=st.integers(0, 20))
def test_every_figure_is_proved_by_its_rows(
    tmp_path_factory: pytest.TempPathFactory, script: Script, chosen: int
) -> None:
    with played(tmp_path_factory.mktemp("history") / "home", script) as history:
        _assert_proved(history, history.cut_offs[chosen % len(history.cut_offs)])


@pytest.mark.extended
@many
@given(script=scripts(4))
def test_every_figure_of_every_cut_off_is_proved_by_its_rows(
    tmp_path_factory: pytest.TempPathFactory, script: Script
) -> None:
    with played(tmp_path_factory.mktemp("history") / "home", script) as history:
        for cut_off in history.cut_offs:
            _assert_proved(history, cut_off)


def _assert_proved(history: History, cut_off: datetime) -> None:
    """No ledger has a row before 2024Q2, so figures of earlier quarters are all alike empty."""
    batches = {
        (e["table"], e["batch_id"])
        for e in history.ws.decisions.entries("batch")
        if datetime.fromisoformat(e["at"]) <= cut_off
    }
    with history.as_known(cut_off) as session:
        figures = session.rows(
            f"SELECT {', '.join(FIGURE_KEY)} FROM mart.quarterly_metric WHERE quarter >= '2024Q2' ORDER BY ALL"
        )
        assert {f[0] for f in figures} == set(history.metrics)
        for metric_id, quarter, period, grain, code in figures:
            scope = Scope(quarter, period, grain, code)
            told = explain(session, history.metrics[metric_id], scope, history.metrics, history.contracts)
            assert told.proof.holds, f"{metric_id} {scope}: {told.figure} and {told.proof}"
            if told.query:
                found = [dict(zip(told.columns, row, strict=True)) for row in rows(session, told)]
                _assert_rows_make_it(history.metrics[metric_id], told.figure, found)
                assert {(r["source_table"], r["batch_id"]) for r in found} <= batches, f"{metric_id} {scope}"
                assert all(r["source_ref"] for r in found), f"{metric_id} {scope}: a row without a place"


def _assert_rows_make_it(metric: Metric, figure: Any, found: Sequence[Mapping[str, Any]]) -> None:
    """The rows that are listed, added up here: as many as the figure counts, and they come to its value."""
    assert len(found) == len({(r["source_table"], r["source_key"]) for r in found}) == figure.row_count
    if metric.kind in ("flow", "stock"):
        assert sum((r["amount"] for r in found), Decimal(0)) == figure.value
    elif metric.kind == "distinct":
        assert len({r["counted_as"] for r in found}) == figure.value
    elif metric.kind == "status":
        states = {r["counted_as"] for r in found}
        assert figure.value_text == (states.pop() if len(states) == 1 else None)


# --- the histories are worth looking at -------------------------------------------------------------------


SCRIPT: Script = [
    [("entry: new", 0, 105), ("entry: new", 1, 103), ("entry: new", 2, 109), ("entry: too much", 0, 3),
     ("stay: new", 0, 41), ("stay: new", 1, 42), ("stay: new", 2, 44), ("sheet: month", 1, 302),
     ("sheet: too much", 0, 6)],
    [("entry: red letter", 0, 2), ("entry: moved and corrected", 1, 9), ("stay: unreadable", 1, 1),
     ("stay: void", 0, 1), ("waive", 0, 1), ("waive", 0, 1), ("site: another class", 0, 1)],
    [("sheet: row gone", 0, 4), ("stay: corrected", 0, 77), ("entry: twice", 1, 8), ("revoke", 0, 1),
     ("site: new", 2, 1), ("resent", 0, 1)],
    [("mend", 0, 1), ("stay: readable", 1, 5), ("site: another company", 1, 1), ("entry: too much", 1, 1)],
]  # fmt: skip
"""One history by hand that has a bit of all, so that no property holds for want of anything to hold."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    with played(tmp_path_factory.mktemp("whole") / "home", SCRIPT) as history:
        yield history


def test_a_history_holds_what_the_properties_are_about(whole: History) -> None:
    kinds = {e["kind"] for e in whole.ws.decisions.entries()}
    assert {"waive", "revoke", "restage", "batch"} <= kinds
    with whole.ws.engine.begin() as session:
        ended = {
            name: session.row(f"SELECT count(*) FROM staged.{name} WHERE _known_to IS NOT NULL")[0]
            for name in whole.contracts
        }
        (deleted,) = session.row("SELECT sum(deleted) FROM meta.batch_load")
    assert all(ended.values()), ended
    assert deleted
    with whole.as_known(whole.cut_offs[-1]) as session:
        empty = session.rows(
            "SELECT metric_id, period FROM mart.quarterly_metric "
            "WHERE grain = 'group' AND quarter = '2024Q3' AND row_count = 0"
        )
        left_out = session.row(
            "SELECT (SELECT count(*) FROM known.stay WHERE is_valid = 'N'), (SELECT count(*) FROM known.entry "
            "SEMI JOIN (SELECT project_code FROM known.site WHERE in_statistics = 'N') USING (project_code))"
        )
    assert empty == []
    assert all(left_out), "rows that no figure counts"


@pytest.mark.parametrize("place", [1, 3, -1])
def test_of_that_history_too_the_past_is_what_was_known(whole: History, place: int) -> None:
    _assert_past_is_fresh(whole, whole.cut_offs[place])


def test_of_that_history_too_every_figure_is_proved(whole: History) -> None:
    _assert_proved(whole, whole.cut_offs[-1])


@pytest.mark.parametrize(
    "wrong", ["row_count = row_count + 1", "fingerprint = fingerprint + 1", "value = value + 1"]
)
def test_a_figure_that_is_not_what_its_rows_say_is_not_proved(whole: History, wrong: str) -> None:
    with whole.as_known(whole.cut_offs[-1]) as session:
        session.run(f"UPDATE mart.quarterly_metric SET {wrong}")
        for metric in whole.metrics.values():
            scope = Scope("2024Q3", metric.periods[0])
            told = explain(session, metric, scope, whole.metrics, whole.contracts)
            # A date or a status is no value.
            assert told.proof.holds == (wrong.startswith("value") and told.figure.value is None), metric.id


@pytest.mark.parametrize(
    "wrong", ["value_text = COALESCE(value_text, '') || 'x'", "value_date = value_date + 1"]
)
def test_a_state_and_its_day_are_proved_too(whole: History, wrong: str) -> None:
    with whole.as_known(whole.cut_offs[-1]) as session:
        scope = Scope("2024Q3", "as_of")
        before = explain(session, whole.metrics["site_status"], scope, whole.metrics, whole.contracts)
        session.run(f"UPDATE mart.quarterly_metric SET {wrong} WHERE metric_id = 'site_status'")
        after = explain(session, whole.metrics["site_status"], scope, whole.metrics, whole.contracts)
    assert before.proof.holds
    assert not after.proof.holds


def test_a_fact_that_stands_in_no_ledger_proves_nothing(whole: History) -> None:
    with whole.as_known(whole.cut_offs[-1]) as session:
        metric, scope = whole.metrics["let_area"], Scope("2024Q3", "as_of")
        session.run("CREATE TABLE core.kept_stay AS SELECT * FROM core.fct_stay")
        session.run("CREATE OR REPLACE TABLE known.lost AS SELECT * FROM known.stay WHERE FALSE")
        session.run("CREATE OR REPLACE VIEW known.stay AS SELECT * FROM known.lost")
        session.run("CREATE OR REPLACE VIEW core.fct_stay AS SELECT * FROM core.kept_stay")
        found = explain(session, metric, scope, whole.metrics, whole.contracts)
    assert not found.proof.holds
    assert "rows, the first stay L" in found.proof.astray


@pytest.mark.parametrize(("until", "proved"), [(31, True), (30, False)])
def test_both_ends_of_a_forecast_are_proved(until: int, proved: bool) -> None:
    metric = next(m for m in load_metrics().values() if m.kind == "forecast")
    first, last = date(2024, 10, 1), date(2024, 10, 31)
    figure = Figure(None, first, date(2024, 10, until), *[None] * (len(Figure.__dataclass_fields__) - 3))
    assert comes_to(metric, figure, None, 0, None, first, last) == ("2024-10-01 … 2024-10-31", proved)
