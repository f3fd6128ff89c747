"""What people decided about rejected rows, as staging needs it: read from the decisions log.

Belongs here: which waivers hold and which rows a later replay admits, at a place in the log. Keep out: acting
on a decision (``movements``), asking for one (``pipelines.cli.quarantine``).

The log's kinds: ``waive`` (a row is admitted despite a rule), ``revoke`` (that no longer holds), ``replay``
(rows that passed when they were judged again). Each names its table; order in the log is the order in time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

DECIDED = ("waive", "revoke", "replay")


@dataclass(frozen=True)
class Waiver:
    """One row, by key and content, that a rule may not reject. ``rule``: id without the table's name."""

    key_text: str
    row_hash: str
    rule: str


@dataclass(frozen=True)
class Deferred:
    """A row that its batch rejected and a later replay admits: until then it stays rejected.

    ``rules``: ids of the rules it broke, without the table's name.
    """

    row_id: int
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Verdicts:
    """What holds while one batch is staged."""

    waivers: frozenset[Waiver] = frozenset()
    deferred: tuple[Deferred, ...] = ()


NOTHING_DECIDED = Verdicts()


def decisions_on(entries: Iterable[Mapping[str, Any]], table: str) -> list[Mapping[str, Any]]:
    """Decisions on rows of one table, in order."""
    return [e for e in entries if e["kind"] in DECIDED and e["table"] == table]


def verdicts(decisions: Iterable[Mapping[str, Any]], batch_id: str, at: int) -> Verdicts:
    """What the decisions before place ``at`` of the log say, and what those after it will admit of a batch."""
    waivers: set[Waiver] = set()
    deferred: list[Deferred] = []
    for entry in decisions:
        if entry["kind"] == "replay":
            if entry["seq"] > at:
                deferred += [
                    Deferred(row["row_id"], tuple(short(r, entry["table"]) for r in row["rules"].split(",")))
                    for row in entry["rows"]
                    if row["batch_id"] == batch_id
                ]
        elif entry["seq"] <= at:
            waiver = Waiver(entry["key"], entry["row_hash"], short(entry["rule"], entry["table"]))
            waivers = waivers | {waiver} if entry["kind"] == "waive" else waivers - {waiver}
    return Verdicts(frozenset(waivers), tuple(deferred))


def short(rule_id: str, table: str) -> str:
    """A rule's id without the table's name."""
    return rule_id.removeprefix(f"{table}.")
