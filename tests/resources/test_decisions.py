"""The decisions log: append-only, chained, whole or absent."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from resources.decisions import BrokenChain, DecisionsLog, same_person

AT = datetime(2024, 10, 10, tzinfo=UTC)


@pytest.fixture
def log(tmp_path: Path) -> DecisionsLog:
    log = DecisionsLog(tmp_path / "decisions.jsonl")
    for name in ("a", "b", "c"):
        log.append("batch", AT, table=name)
    return log


def test_entries_come_back_in_order_and_by_kind(log: DecisionsLog) -> None:
    log.append("run", AT, published="x")
    assert [e["table"] for e in log.entries("batch")] == ["a", "b", "c"]
    assert log.verify() == 4


@pytest.mark.parametrize("line", [0, 1, 2])
def test_an_edited_line_breaks_the_chain(log: DecisionsLog, line: int) -> None:
    lines = log.path.read_text().splitlines()
    lines[line] = json.dumps(json.loads(lines[line]) | {"table": "z"}, sort_keys=True)
    log.path.write_text("\n".join(lines) + "\n")
    with pytest.raises(BrokenChain, match=f"line {line + 1}"):
        log.verify()


def test_a_removed_line_breaks_the_chain(log: DecisionsLog) -> None:
    lines = log.path.read_text().splitlines()
    log.path.write_text("\n".join([lines[0], lines[2]]) + "\n")
    with pytest.raises(BrokenChain):
        log.verify()


def test_a_line_in_the_middle_that_is_no_entry_hides_nothing_after_it(log: DecisionsLog) -> None:
    lines = log.path.read_text().splitlines()
    log.path.write_text("\n".join([lines[0], lines[1][:20], lines[2]]) + "\n")
    with pytest.raises(BrokenChain, match=r"line 2 .* → restore .* from its backup"):
        list(log.entries())


def test_a_torn_last_line_is_no_entry_and_is_replaced_by_the_next(log: DecisionsLog) -> None:
    with log.path.open("a") as file:
        file.write('{"kind": "batch", "ta')
    assert len(list(log.entries())) == 3
    log.append("batch", AT, table="d")
    assert [e["table"] for e in log.entries()] == ["a", "b", "c", "d"]
    assert log.verify() == 4


def test_a_tail_that_was_cut_off_is_noticed(log: DecisionsLog) -> None:
    lines = log.path.read_text().splitlines()
    log.path.write_text("\n".join(lines[:2]) + "\n")
    with pytest.raises(BrokenChain, match=r"ends after line 2, 3 were written → restore"):
        log.verify()


def test_a_tail_that_was_written_anew_is_noticed(log: DecisionsLog, tmp_path: Path) -> None:
    other = DecisionsLog(tmp_path / "other.jsonl")
    for name in ("a", "b", "z"):
        other.append("batch", AT, table=name)
    log.path.write_text(other.path.read_text())
    with pytest.raises(BrokenChain, match="line 3 is not the one that was written there"):
        log.verify()


def test_a_log_whose_head_is_one_behind_or_not_on_record_holds(log: DecisionsLog) -> None:
    head = log.path.with_suffix(".head")
    before = head.read_text()
    log.append("run", AT, published="x")
    head.write_text(before)
    assert log.verify() == 4
    head.unlink()
    assert log.verify() == 4


@pytest.mark.parametrize(
    "other", ["wang wei", "ＷＡＮＧ　ＷＥＩ", "Wang\u200b Wei\u200b", " Wang\u00a0Wei ", "WangWei"]
)
def test_a_name_written_otherwise_is_the_same_person(other: str) -> None:
    assert same_person("Wang Wei", other)
    assert not same_person("Wang Wei", "Wang Wen")
