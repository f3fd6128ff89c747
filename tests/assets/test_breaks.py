"""A break keeps its age, and a signature is worth what was signed: the amount, the quarter, until the day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from assets.mart.breaks import (
    RefusedSignature,
    Signature,
    first_seen,
    record_breaks,
    sign,
    signatures,
    state_of,
)
from data_contracts.reconciliation import load_reconciliations
from resources.decisions import DecisionsLog

NIGHT = datetime(2024, 10, 10, 12, tzinfo=UTC)
RULE = load_reconciliations()["R05"]
KEY = "2024Q3|CT-2022-001|202409|ytd"
FOUND = [{"rule_id": "R05", "key_text": KEY, "unexplained": Decimal("120.500000")}]


def signature(**changes: Any) -> Signature:
    words: dict[str, Any] = {
        "amount": Decimal("120.50"), "reason_code": "timing", "by": "王会计", "preparer": "李会计",
        "expires": date(2024, 12, 31), "reason": "十月更正", "at": NIGHT,
    }  # fmt: skip
    return Signature(**{**words, **changes})


@pytest.fixture
def log(tmp_path: Path) -> DecisionsLog:
    return DecisionsLog(tmp_path / "decisions.jsonl")


def test_a_break_is_as_old_as_the_first_run_that_found_it(log: DecisionsLog) -> None:
    record_breaks(log, NIGHT, {"R05 a", "R08 b"}, {"R05", "R08"})
    later = NIGHT + timedelta(days=3)
    assert record_breaks(log, later, {"R05 a", "R05 c"}, {"R05", "R08"}) == {"R05 a": NIGHT, "R05 c": later}


def test_a_night_without_news_writes_nothing(log: DecisionsLog) -> None:
    record_breaks(log, NIGHT, {"R05 a"}, {"R05"})
    record_breaks(log, NIGHT + timedelta(days=1), {"R05 a"}, {"R05"})
    assert len(list(log.entries("breaks"))) == 1


def test_a_rule_that_could_not_run_closes_nothing(log: DecisionsLog) -> None:
    record_breaks(log, NIGHT, {"R05 a"}, {"R05"})
    record_breaks(log, NIGHT + timedelta(days=1), set(), {"R08"})
    assert first_seen(log) == {"R05 a": NIGHT}


def test_a_break_that_returns_is_a_new_one(log: DecisionsLog) -> None:
    again = NIGHT + timedelta(days=2)
    record_breaks(log, NIGHT, {"R05 a"}, {"R05"})
    record_breaks(log, NIGHT + timedelta(days=1), set(), {"R05"})
    assert record_breaks(log, again, {"R05 a"}, {"R05"}) == {"R05 a": again}


def test_a_signature_stands_in_the_log(log: DecisionsLog) -> None:
    entry = sign(log, NIGHT, RULE, FOUND, KEY, signature())
    assert (entry["rule"], entry["key"], entry["amount"], entry["by"]) == ("R05", KEY, "120.50", "王会计")
    assert signatures(log) == {f"R05 {KEY}": signature()}
    assert log.verify() == 1


@pytest.mark.parametrize(
    ("changes", "key", "cause"),
    [
        ({"amount": Decimal("120.49")}, KEY, "120.5 is unexplained"),
        ({"preparer": "王会计"}, KEY, "somebody else"),
        ({"preparer": " 王 会计"}, KEY, "somebody else"),
        ({"expires": date(2024, 10, 10)}, KEY, "has passed"),
        ({}, "2024Q2|CT-2022-001|202406|ytd", "no break"),
    ],
)
def test_a_signature_that_does_not_fit_is_refused(
    log: DecisionsLog, changes: dict[str, Any], key: str, cause: str
) -> None:
    with pytest.raises(RefusedSignature, match=cause):
        sign(log, NIGHT, RULE, FOUND, key, signature(**changes))
    assert not list(log.entries())


def test_nobody_signs_for_a_release_gate(log: DecisionsLog) -> None:
    found = [{"rule_id": "R28", "key_text": "2024Q3|x", "unexplained": Decimal(1)}]
    with pytest.raises(RefusedSignature, match="nobody can sign"):
        sign(log, NIGHT, load_reconciliations()["R28"], found, "2024Q3|x", signature(amount=Decimal(1)))


@pytest.mark.parametrize(
    ("given", "amount", "day", "state"),
    [
        (None, "120.50", date(2024, 10, 11), "open"),
        (signature(), "120.500000", date(2024, 12, 31), "signed"),
        (signature(), "120.50", date(2025, 1, 1), "expired"),
        (signature(), "121.00", date(2024, 10, 11), "changed"),
    ],
)
def test_what_a_signature_is_worth(given: Signature | None, amount: str, day: date, state: str) -> None:
    assert state_of(given, Decimal(amount), day) == state
