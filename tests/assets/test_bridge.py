"""A bridge leads from one cut-off to a later one whatever happened between: nothing is left, and rows prove it.

Random histories are those of ``histories``; the cases one by one are below.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.mart.past import past_statements, run
from assets.report.bridge import UNEXPLAINED, Bridge, Cut, Effect, Figures, Value, bridge, figures_of
from assets.report.causes import CAUSES, REST
from assets.report.cuts import between
from assets.report.evidence import Place
from data_contracts.calendar import Quarter
from data_contracts.model import TableContract
from resources.engine import Session
from tests.assets.histories import History, few, many, played
from tests.assets.history_sources import Step, scripts

QUARTER = Quarter(2024, 3)
Script = Sequence[Sequence[Step]]


@few
@given(script=scripts(), chosen=st.tuples(st.integers(0, 20), st.integers(0, 20)))
def test_nothing_is_left_unexplained(
    tmp_path_factory: pytest.TempPathFactory, script: Script, chosen: tuple[int, int]
) -> None:
    with played(tmp_path_factory.mktemp("history") / "home", script) as history:
        first, last = sorted(history.cut_offs[c % len(history.cut_offs)] for c in chosen)
        _assert_whole(history, first, last)


@pytest.mark.extended
@many
@given(script=scripts(5))
def test_nothing_is_left_unexplained_from_any_cut_off_to_the_last(
    tmp_path_factory: pytest.TempPathFactory, script: Script
) -> None:
    with played(tmp_path_factory.mktemp("history") / "home", script) as history:
        for first in history.cut_offs[:-1]:
            _assert_whole(history, first, history.cut_offs[-1])


def _assert_whole(history: History, first: datetime, last: datetime) -> None:
    """Every figure of the end is that of the start and its effects; additive ones are the sum of their rows."""
    found = led(history, first, last)
    assert not found.unexplained
    assert all(e.cause in CAUSES for e in found.effects)
    steps: dict[tuple[str, str, str, str], list[Effect]] = defaultdict(list)
    for effect in found.effects:
        steps[effect.metric_id, effect.period, effect.grain, effect.scope_code].append(effect)
    start, end = _of_quarter(found.start.figures), _of_quarter(found.end.figures)
    for key in start.keys() | end.keys():
        told = steps.get(key, [])
        if start.get(key) != end.get(key):
            assert told, key
        for before, after in pairwise(told):
            assert before.after == after.before, key
        if told:
            assert (told[0].before, told[-1].after) == (start.get(key, Value()), end.get(key, Value()))
    _assert_rows(found, history)


def _assert_rows(found: Bridge, history: History, place: Place = ("group", "")) -> None:
    """What the rows of a cause add up to is its effect on the figure of their scope."""
    for metric in history.metrics.values():
        if metric.kind not in ("flow", "stock"):
            continue
        period = "ytd" if "ytd" in metric.periods else metric.periods[0]
        for cause in CAUSES[1:]:
            effect = sum(
                (e.effect or Decimal(0) for e in found.effects
                 if (e.metric_id, e.period, e.grain, e.scope_code, e.cause) == (metric.id, period, *place, cause)),
                Decimal(0),
            )  # fmt: skip
            rows = sum(
                ((r.amount_after or Decimal(0)) - (r.amount_before or Decimal(0)) for r in found.rows
                 if (r.metric_id, r.cause) == (metric.id, cause)),
                Decimal(0),
            )  # fmt: skip
            assert rows == effect, (metric.id, cause)


def led(
    history: History,
    first: datetime,
    last: datetime,
    place: Place = ("group", ""),
    contracts: Mapping[str, TableContract] | None = None,
) -> Bridge:
    """The bridge of the quarter from one cut-off to another, with the rows of every metric on a fact."""
    return bridge(
        history.ws.engine,
        contracts or history.contracts_at(last),
        history.metrics,
        QUARTER,
        _cut(history, first),
        _cut(history, last),
        between(history.ws.decisions, QUARTER, first, last),
        only=history.metrics,
        place=place,
    )


def _cut(history: History, at: datetime) -> Cut:
    statements = past_statements(history.contracts, at, history.metrics)
    with history.as_known(at) as session:
        figures = figures_of(session, "2024Q1", "2024Q3")
    return Cut(f"{at:%m-%d %H}", at, statements, figures)


def _of_quarter(figures: Figures) -> dict[tuple[str, str, str, str], object]:
    return {(k[0], k[2], k[3], k[4]): v for k, v in figures.items() if k[1] == str(QUARTER)}


# --- one cause at a time ----------------------------------------------------------------------------------

_BEFORE: list[Step] = [
    ("entry: new", 0, 1), ("entry: new", 1, 103), ("stay: new", 0, 51), ("sheet: month", 1, 60),
]  # fmt: skip
"""Entries E1 (S1) and E2 (S2) of 2024-07-05, a stay, August's sheet… as :mod:`histories` makes them."""


@pytest.mark.parametrize(
    ("night", "causes"),
    [
        ([("entry: new", 0, 7)], {"late_entry"}),
        ([("entry: red letter", 0, 2)], {"reversal"}),
        ([("entry: corrected", 0, 8)], {"correction"}),
        ([("entry: moved to another project", 0, 1)], {"reclassification"}),
        ([("entry: moved and corrected", 0, 7)], {"reclassification", "correction"}),
        ([("stay: void", 0, 1)], {"deletion"}),
        ([("stay: left", 0, 1)], {"late_status"}),
        ([("stay: corrected", 0, 9)], {"correction"}),
        ([("sheet: month", 0, 60)], {"gap_fill"}),
        ([("sheet: corrected", 0, 77)], {"correction"}),
        ([("site: another class", 0, 1)], {"mapping"}),
        ([("entry: corrected", 1, 8), ("site: another class", 0, 1)], {"correction", "mapping"}),
        ([("resent", 0, 1)], set()),
    ],
    ids=lambda value: "+".join(sorted(value)) if isinstance(value, set) else value[0][0],
)
def test_a_change_has_the_cause_that_its_columns_say(
    tmp_path: Path, night: list[Step], causes: set[str]
) -> None:
    with played(tmp_path / "home", [_BEFORE, night]) as history:
        found = led(history, history.cut_offs[0], history.cut_offs[-1])
        _assert_whole(history, history.cut_offs[0], history.cut_offs[-1])
    assert {cause for _, cause in found.changed} == causes
    assert {e.cause for e in found.effects} == causes


def test_a_cause_runs_what_it_touches_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def noting(session: Session, statements: Iterable[str], home: str) -> None:
        told = list(statements)
        ran.extend(told)
        run(session, told, home)

    monkeypatch.setattr("assets.report.bridge.run", noting)
    with played(tmp_path / "home", [_BEFORE, [("entry: corrected", 0, 8)]]) as history:
        found = led(history, history.cut_offs[0], history.cut_offs[-1])
    assert {e.cause for e in found.effects} == {"correction"}
    times = Counter(word for s in ran for word in re.findall(r"^CREATE TABLE mart\.(\w+_figure) ", s))
    assert times["fct_entry_figure"] == 2
    assert times["fct_stay_figure"] == 1


def test_the_rows_are_those_of_the_scope_asked_for(tmp_path: Path) -> None:
    night: list[Step] = [("entry: corrected", 0, 8), ("entry: corrected", 1, 9), ("entry: new", 1, 5)]
    with played(tmp_path / "home", [_BEFORE, night]) as history:
        ends = history.cut_offs[0], history.cut_offs[-1]
        whole = {r.source_key for r in led(history, *ends).rows if r.metric_id == "paid"}
        parts = []
        for place in (("project", "S1"), ("project", "S2")):
            found = led(history, *ends, place)
            _assert_rows(found, history, place)
            parts.append({r.source_key for r in found.rows if r.metric_id == "paid"})
    assert parts[0]
    assert parts[1]
    assert not parts[0] & parts[1]
    assert parts[0] | parts[1] <= whole


def test_a_fact_made_of_several_rows_tells_what_changed_in_them(tmp_path: Path) -> None:
    with played(tmp_path / "home", [_BEFORE, [("sheet: corrected", 0, 77)]]) as history:
        found = led(history, history.cut_offs[0], history.cut_offs[-1])
    by_row, by_month = ([r for r in found.rows if r.metric_id == m] for m in ("built", "built_by_month"))
    assert by_month
    assert {r.source_key.count("|") for r in by_month} == {1}
    assert {r.said for r in by_month} == {r.said for r in by_row} != {""}


def test_what_fits_no_cause_moves_no_figure_or_is_an_alarm(tmp_path: Path) -> None:
    """A room's size read as words: its change is no cause, and the area let is another one."""
    with played(tmp_path / "home", [_BEFORE, [("stay: corrected", 0, 9)]]) as history:
        stay = history.contracts["stay"]
        columns = tuple(replace(c, role="text") if c.name == "area_m2" else c for c in stay.columns)
        ends = history.cut_offs[0], history.cut_offs[-1]
        found = led(history, *ends, contracts={**history.contracts, "stay": replace(stay, columns=columns)})
    assert {cause for _, cause in found.changed} == {REST}
    assert {(e.metric_id, e.cause) for e in found.effects} == {("let_area", UNEXPLAINED)}
    assert found.unexplained == found.effects
    assert [(r.source_key, r.cause) for r in found.rows] == [("L3", UNEXPLAINED)]


def test_a_row_that_comes_into_force_late_counts_whole_at_its_last_value(tmp_path: Path) -> None:
    """Not one part as a late status and the rest as a correction of a row that did not count."""
    before = [*_BEFORE, ("stay: void", 0, 1)]
    with played(tmp_path / "home", [before, [("stay: void", 0, 2), ("stay: corrected", 0, 9)]]) as history:
        found = led(history, history.cut_offs[0], history.cut_offs[-1])
    assert {cause for _, cause in found.changed} == {"late_status"}
    assert {e.cause for e in found.effects} == {"late_status"}
