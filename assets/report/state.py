"""The state of a quarter, read from the decisions log.

Belongs here: open → hold → closed → reopened, who prepared, certified and closed, and which step may follow
which. Keep out: figures (``publication``), what else bars closing (``readiness``). Pure over log entries.

Kinds of entries: ``hold`` (quarter, by), ``certify`` (quarter, unit, by, covers), ``close`` (quarter, version,
by, file, sha256, cut_off …) and ``reopen`` (quarter, by, reason). Three people: of all who had a hand in a version,
whoever prepares neither certifies nor closes, whoever certifies neither prepares nor closes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from resources.decisions import same_person
from resources.failures import Refused

Word = Literal["open", "hold", "closed", "reopened"]
KINDS = ("hold", "certify", "close", "reopen")
ACCOUNTING_REASONS = ("policy_change", "prior_period_error", "estimate_change", "other")
"""What a restatement is in the books: change of policy or error of an earlier period (both retrospective), change of
estimate (prospective), or other. Source: 企业会计准则第28号 (CAS 28), which keeps the three apart."""


@dataclass(frozen=True)
class Certificate:
    """What a unit certified: ``covers`` maps ``metric/period`` to definition hash, row count and fingerprint."""

    unit: str
    by: str
    at: datetime
    covers: Mapping[str, str]


@dataclass(frozen=True)
class Closing:
    """One publication of the quarter as the log names it, with the certificates it was closed with."""

    version: int
    by: str
    at: datetime
    cut_off: datetime
    file: str
    sha256: str
    reason: str
    certificates: Mapping[str, Certificate]


@dataclass(frozen=True)
class QuarterState:
    """Where a quarter stands. ``certificates``: the newest of each unit, which may hold for a later version.

    ``preparers`` and ``certifiers`` (unit, name): everybody who held or certified since the last publication, those
    whom somebody else replaced included.
    """

    quarter: str
    word: Word = "open"
    preparer: str = ""
    preparers: tuple[str, ...] = ()
    certifiers: tuple[tuple[str, str], ...] = ()
    certificates: Mapping[str, Certificate] = field(default_factory=dict)
    closings: tuple[Closing, ...] = ()
    reopened_because: str = ""

    @property
    def version(self) -> int:
        """Version of the newest publication; 0 before the first."""
        return self.closings[-1].version if self.closings else 0

    def prepared_by(self, name: str) -> bool:
        """Whether ``name`` prepared the version to come."""
        return any(same_person(name, preparer) for preparer in self.preparers)

    def certified_by(self, name: str) -> list[str]:
        """Units that ``name`` certified for the version to come, or whose certificate in force is ``name``'s."""
        standing = ((c.unit, c.by) for c in self.certificates.values())
        return sorted({unit for unit, by in (*self.certifiers, *standing) if same_person(name, by)})


class NotAllowed(Refused):
    """A step that the quarter's state or the separation of duties does not allow; says what to do instead."""


def state_of(quarter: str, entries: Iterable[Mapping[str, Any]]) -> QuarterState:
    """The state of ``quarter`` (``2024Q3``) after ``entries`` of the log, in order."""
    word: Word = "open"
    preparer = reason = ""
    certificates: dict[str, Certificate] = {}
    closings: list[Closing] = []
    preparers: list[str] = []
    certifiers: list[tuple[str, str]] = []
    for entry in entries:
        if entry["kind"] not in KINDS or entry["quarter"] != quarter:
            continue
        at = datetime.fromisoformat(entry["at"])
        if entry["kind"] == "hold":
            word, preparer = "hold", entry["by"]
            preparers.append(entry["by"])
        elif entry["kind"] == "certify":
            certifiers.append((entry["unit"], entry["by"]))
            certificates[entry["unit"]] = Certificate(entry["unit"], entry["by"], at, entry["covers"])
        elif entry["kind"] == "close":
            word, preparers, certifiers = "closed", [], []
            closings.append(_closing(entry, at, certificates))
        else:
            word, reason = "reopened", entry["reason"]
    return QuarterState(
        quarter, word, preparer, tuple(preparers), tuple(certifiers), certificates, tuple(closings), reason
    )


def quarters_touched(entries: Iterable[Mapping[str, Any]]) -> list[str]:
    """Quarters that the log speaks of, oldest first."""
    return sorted({entry["quarter"] for entry in entries if entry["kind"] in KINDS})


def may_hold(state: QuarterState, by: str) -> None:
    """Raise :class:`NotAllowed` unless ``by`` may put the quarter on hold."""
    if state.word == "closed":
        raise NotAllowed(f"{state.quarter} is closed (version {state.version}) → `jibao reopen` it first")
    if units := state.certified_by(by):
        raise NotAllowed(f"{by} certified {', '.join(units)} → somebody else prepares {state.quarter}")


def may_certify(state: QuarterState, unit: str, by: str) -> None:
    """Raise :class:`NotAllowed` unless ``by`` may certify for ``unit``."""
    if state.word != "hold":
        raise NotAllowed(
            f"{state.quarter} is {state.word} → put it on hold first: `jibao hold {state.quarter}`"
        )
    if state.prepared_by(by):
        raise NotAllowed(f"{by} prepared {state.quarter} → somebody else certifies {unit}")


def may_close(state: QuarterState, by: str) -> None:
    """Raise :class:`NotAllowed` unless ``by`` may close the quarter."""
    if state.word != "hold":
        raise NotAllowed(
            f"{state.quarter} is {state.word} → put it on hold first: `jibao hold {state.quarter}`"
        )
    if state.prepared_by(by):
        raise NotAllowed(f"{by} prepared {state.quarter} → somebody else closes it")
    if units := state.certified_by(by):
        raise NotAllowed(f"{by} certified {', '.join(units)} → somebody else closes {state.quarter}")


def may_restate(state: QuarterState, reason: str, accounting_reason: str) -> None:
    """Raise :class:`NotAllowed` unless the next version says why it restates the one before, in words and in the books;
    the first version restates nothing.
    """
    if not state.version:
        if accounting_reason:
            raise NotAllowed(
                f"the first version of {state.quarter} restates nothing → no --accounting-reason"
            )
        return
    before = f"{state.quarter} was reported before (version {state.version})"
    if not reason.strip():
        raise NotAllowed(f"{before} → say why it is restated: --reason")
    if accounting_reason not in ACCOUNTING_REASONS:
        said = f"{accounting_reason!r} is no accounting reason" if accounting_reason else before
        raise NotAllowed(
            f"{said} → say what the restatement is in the books: --accounting-reason "
            f"{', '.join(ACCOUNTING_REASONS[:-1])} or {ACCOUNTING_REASONS[-1]}"
        )


def may_reopen(state: QuarterState) -> None:
    """Raise :class:`NotAllowed` unless the quarter is closed."""
    if state.word != "closed":
        raise NotAllowed(f"{state.quarter} is {state.word} → only a closed quarter is reopened")


def _closing(entry: Mapping[str, Any], at: datetime, certificates: Mapping[str, Certificate]) -> Closing:
    return Closing(
        version=entry["version"],
        by=entry["by"],
        at=at,
        cut_off=datetime.fromisoformat(entry["cut_off"]),
        file=entry["file"],
        sha256=entry["sha256"],
        reason=entry["reason"],
        certificates=dict(certificates),
    )
