"""Reconciliations of the first night: what the demo breaks on purpose is found, everything else holds."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter

import pytest

from pipelines.reconciliation_page import planned_breaks
from tests.pipelines.conftest import First
from tests.pipelines.homes import Place

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def breaks(first: First) -> Counter[tuple[str, str]]:
    rows = first.published.rows("SELECT rule_id, quarter FROM mart.recon_break")
    return Counter((rule, quarter) for rule, quarter in rows)


def test_the_breaks_found_are_the_planned_ones(first: First) -> None:
    planned = {
        (rule, quarter): count
        for rule, entry in planned_breaks().items()
        for quarter, count in entry["breaks"].items()
    }
    assert dict(breaks(first)) == planned


def test_planned_keys_are_among_the_breaks(first: First) -> None:
    for rule, entry in planned_breaks().items():
        found = {
            k
            for (k,) in first.published.rows(
                f"SELECT key_text FROM mart.recon_break WHERE rule_id = '{rule}'"
            )
        }
        assert set(entry.get("keys", ())) <= found, rule


def test_every_rule_ran_or_says_why_not(first: First) -> None:
    rows = first.published.rows(
        "SELECT rule_id, max(status <> 'not_run'), max(reason) FROM mart.reconciliation GROUP BY rule_id"
    )
    silent = {rule: reason for rule, ran, reason in rows if not ran}
    assert set(silent) == {"R27", "R44", "R45"}
    assert all(silent.values())


def test_the_command_lists_a_rule_and_its_breaks(first: First) -> None:
    summary = json.loads(first.published.jibao("reconcile", "--format", "json").out)
    assert len({row["rule_id"] for row in summary}) == 44
    listed = list(
        csv.DictReader(io.StringIO(first.published.jibao("reconcile", "R29", "--format", "csv").out))
    )
    assert len(listed) == sum(n for (rule, _), n in breaks(first).items() if rule == "R29")
    assert {row["state"] for row in listed} == {"open"}


def test_a_signature_holds_for_its_amount_only(copied: Place) -> None:
    (key, amount), *_ = copied.rows(
        "SELECT key_text, CAST(unexplained AS VARCHAR) FROM mart.recon_break WHERE rule_id = 'R29' ORDER BY key_text"
    )
    words = ["reconcile", "sign", "R29", key, "--reason-code", "other", "--preparer", "李会计", "--expires",
             "2099-12-31", "--reason", "作废凭证已核对"]  # fmt: skip
    assert "somebody else" in copied.jibao(*words, "--amount", amount, "--by", "李会计").err
    assert "is unexplained" in copied.jibao(*words, "--amount", "77", "--by", "王主管").err
    signed = copied.jibao(*words, "--amount", amount, "--by", "王主管")
    assert signed.code == 0, signed.err
    assert [e["key"] for e in copied.decisions.entries("sign")] == [key]
