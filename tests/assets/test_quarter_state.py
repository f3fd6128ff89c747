"""Where a quarter stands by the log, which step may follow which, and that three people sign it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from assets.report.certificates import covered, stale_because
from assets.report.publication import Content, differences
from assets.report.state import (
    Certificate,
    NotAllowed,
    may_certify,
    may_close,
    may_hold,
    may_reopen,
    quarters_touched,
    state_of,
)
from data_contracts.metric import load_metrics

AT = "2024-10-10T12:00:00+00:00"
METRICS = load_metrics()


def _entry(kind: str, quarter: str = "2024Q3", **said: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"kind": kind, "quarter": quarter, "at": AT, "by": "李编制"}
    if kind == "close":
        given |= {"version": 1, "file": "x.json", "sha256": "0", "cut_off": AT, "reason": ""}
    return {**given, **said}


HELD = [_entry("hold")]
CERTIFIED = [*HELD, _entry("certify", unit="招商公司", by="王确认", covers={})]
CLOSED = [*CERTIFIED, _entry("close", by="赵签发")]
REOPENED = [*CLOSED, _entry("reopen", by="赵签发", reason="a late voucher in period 09")]


@pytest.mark.parametrize(
    ("entries", "word"),
    [([], "open"), (HELD, "hold"), (CERTIFIED, "hold"), (CLOSED, "closed"), (REOPENED, "reopened")],
)
def test_the_state_is_what_the_log_says(entries: list[dict[str, Any]], word: str) -> None:
    # Another quarter's entries and other kinds change nothing.
    noise = [_entry("close", "2024Q2", by="x"), {"kind": "batch", "at": AT, "table": "fin_org"}]
    assert state_of("2024Q3", [*entries, *noise]).word == word


def test_a_restatement_is_the_next_version_and_the_first_one_stays() -> None:
    again = [
        *REOPENED,
        _entry("hold", by="李编制"),
        _entry("close", by="赵签发", version=2, reason="late entry"),
    ]
    state = state_of("2024Q3", again)
    assert [c.version for c in state.closings] == [1, 2]
    assert (state.version, state.word) == (2, "closed")
    assert quarters_touched(again) == ["2024Q3"]


@pytest.mark.parametrize(
    ("entries", "step", "cure"),
    [
        ([], lambda s: may_certify(s, "招商公司", "王"), "jibao hold 2024Q3"),
        ([], lambda s: may_close(s, "赵"), "jibao hold 2024Q3"),
        ([], may_reopen, "only a closed quarter"),
        (HELD, lambda s: may_certify(s, "招商公司", "李编制"), "somebody else certifies"),
        (HELD, lambda s: may_close(s, "李编制"), "somebody else closes"),
        (CERTIFIED, lambda s: may_close(s, "王确认"), "王确认 certified 招商公司"),
        (CLOSED, lambda s: may_hold(s, "李编制"), "`jibao reopen` it first"),
        (CERTIFIED, lambda s: may_hold(s, "王确认"), "somebody else prepares"),
        # Whoever was replaced had a hand in it all the same.
        ([*CERTIFIED, _entry("hold", by="钱接手")], lambda s: may_close(s, "李编制"), "李编制 prepared"),
        (
            [*CERTIFIED, _entry("certify", unit="招商公司", by="孙", covers={})],
            lambda s: may_close(s, "王确认"),
            "王确认 certified",
        ),
        (
            [*HELD, _entry("hold", by="钱接手")],
            lambda s: may_certify(s, "招商公司", "李编制"),
            "somebody else certifies",
        ),
        (CLOSED, lambda s: may_close(s, "赵签发"), "is closed"),
        (REOPENED, may_reopen, "is reopened"),
    ],
)
def test_a_step_out_of_turn_or_by_the_wrong_person_is_refused(
    entries: list[dict[str, Any]], step: Callable[[Any], None], cure: str
) -> None:
    with pytest.raises(NotAllowed, match=cure):
        step(state_of("2024Q3", entries))


def test_three_people_may_sign() -> None:
    may_certify(state_of("2024Q3", HELD), "招商公司", "王确认")
    may_close(state_of("2024Q3", CERTIFIED), "赵签发")
    # The next version is another one: who closed the last may prepare it, who certified it may not while that stands.
    may_hold(state_of("2024Q3", REOPENED), "赵签发")
    with pytest.raises(NotAllowed, match="王确认 certified 招商公司"):
        may_hold(state_of("2024Q3", REOPENED), "王确认")


def _figure(metric: str, rows: int = 46, definition: str = "d1", grain: str = "group") -> dict[str, Any]:
    return {
        "metric_id": metric, "period": "as_of", "grain": grain, "definition_hash": definition,
        "row_count": rows, "fingerprint": 10 * rows,
    }  # fmt: skip


def test_a_unit_certifies_the_groups_figures_that_name_it() -> None:
    unit = METRICS["loi_count_digital_community"].certifying_unit
    other = next(m.id for m in METRICS.values() if m.certifying_unit != unit)
    figures = [
        _figure("loi_count_digital_community"), _figure("loi_count_digital_community", grain="park"), _figure(other),
    ]  # fmt: skip
    assert covered(METRICS, unit, figures) == {"loi_count_digital_community/as_of": "d1:46:460"}


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        ({"x/as_of": "d1:46:460"}, ""),
        ({"x/as_of": "d1:45:450"}, "x/as_of: its rows changed, 46 certified, 45 now"),
        ({"x/as_of": "d2:46:460"}, "x/as_of: its definition changed"),
        ({}, "x/as_of: no longer computed"),
        ({"x/as_of": "d1:46:460", "y/ytd": "d1:1:1"}, "y/ytd: a new figure"),
        ({"x/as_of": "d1:46:460", "adjustment A1": "h"}, "adjustment A1: new"),
    ],
)
def test_a_certificate_is_stale_when_what_it_covers_is_another(now: dict[str, str], reason: str) -> None:
    state = state_of("2024Q3", [*HELD, _entry("certify", unit="u", by="w", covers={"x/as_of": "d1:46:460"})])
    certificate: Certificate = state.certificates["u"]
    assert stale_because(certificate, now) == ([reason] if reason else [])


@pytest.mark.parametrize(
    ("now", "reason"),
    [({}, "adjustment A1: no longer in force"), ({"adjustment A1": "h2"}, "adjustment A1: changed")],
)
def test_a_certificate_is_stale_when_an_adjustment_in_it_is_another(now: dict[str, str], reason: str) -> None:
    given = Certificate("u", "w", datetime(2024, 10, 10), {"adjustment A1": "h1"})
    assert stale_because(given, now) == [reason]
    assert stale_because(given, given.covers) == []


def _published(**change: str) -> dict[str, str | None]:
    figure: dict[str, str | None] = dict.fromkeys(("value_date", "value_text", "flags", "unit"))
    figure |= {"metric_id": "m", "period": "ytd", "grain": "group", "scope_code": "", "value": "3",
               "row_count": "3", "fingerprint": "9"}  # fmt: skip
    return {**figure, **change}


@pytest.mark.parametrize(
    ("change", "differs"),
    [({}, False), ({"flags": "open_period"}, False), ({"value": "4"}, True), ({"fingerprint": "8"}, True),
     ({"row_count": "4"}, True), ({"scope_code": "PK-01"}, True)],
)  # fmt: skip
def test_what_was_reported_is_compared_to_the_last_row_and_not_by_its_remarks(
    change: dict[str, str], differs: bool
) -> None:
    document = {"figures": [_published()]}
    assert bool(differences(document, Content([_published(**change)], []))) is differs


LINE = {"adjustment_no": "A1", "metric_id": "m", "amount": "5", "reason": "audit", "row_hash": "h1"}


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ([LINE], []),
        ([], ["m adjustment A1: published 5 (audit), recomputed None"]),
        ([LINE | {"row_hash": "h2", "amount": "6"}], ["m adjustment A1: published 5 (audit), recomputed 6 (audit)"]),
    ],
)  # fmt: skip
def test_the_adjustments_of_a_publication_are_compared_too(
    now: list[dict[str, str]], said: list[str]
) -> None:
    document = {"figures": [_published()], "adjustments": [LINE]}
    assert [str(d) for d in differences(document, Content([_published()], list(now)))] == said


def test_an_adjusted_figure_is_not_the_one_that_was_published_without() -> None:
    (found,) = differences({"figures": [_published()]}, Content([_published(adjustment="2")], []))
    assert str(found) == "m ytd group: published 3 of 3 rows, recomputed 3 of 3 rows and 2 adjusted"


def test_a_unit_certifies_the_adjustments_in_its_figures_and_in_their_inputs() -> None:
    of_inputs = METRICS["concrete_revenue_consolidated"]
    lines = [
        {"adjustment_no": "A1", "metric_id": "concrete_revenue", "row_hash": "h1"},
        {"adjustment_no": "A2", "metric_id": "rent_revenue", "row_hash": "h2"},
    ]
    for unit in (of_inputs.certifying_unit, METRICS["concrete_revenue"].certifying_unit):
        assert covered(METRICS, unit, [], lines) == {"adjustment A1": "h1"}
