"""What became of a break: since when it stands, and who signed for it.

Belongs here: reading and writing the entries ``breaks`` and ``sign`` of the decisions log, and judging a
signature; pure but for the log. Keep out: finding breaks (``reconciliation``), the terminal.

``breaks`` (by the run): keys that began to break and keys that ceased to, as ``R05 2024Q3|CT-2022-001``. The
log is state, so a break keeps its age when the work databases are rebuilt. ``sign`` (by a person): the
difference signed for, to the cent, until a day. A key holds its quarter, so nothing rolls forward by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal

from data_contracts.reconciliation import Reconciliation
from resources.decisions import DecisionsLog, same_person
from resources.failures import Refused

State = Literal["open", "signed", "expired", "changed"]


@dataclass(frozen=True)
class Signature:
    """One person's word for one break. ``amount`` is the unexplained difference it covers."""

    amount: Decimal
    reason_code: str
    by: str
    preparer: str
    expires: date
    reason: str
    at: datetime


class RefusedSignature(Refused):
    """The signature does not fit the break: says what is wrong and the cure."""


def break_id(rule_id: str, key_text: str) -> str:
    """How a break stands in the log."""
    return f"{rule_id} {key_text}"


def first_seen(log: DecisionsLog) -> dict[str, datetime]:
    """Break → the run (aware UTC) from which on it stands; those that ceased are left out."""
    seen: dict[str, datetime] = {}
    for entry in log.entries("breaks"):
        for ceased in entry["closed"]:
            seen.pop(ceased, None)
        for opened in entry["opened"]:
            seen.setdefault(opened, datetime.fromisoformat(entry["at"]))
    return seen


def record_breaks(
    log: DecisionsLog, known_at: datetime, found: Collection[str], ran: Collection[str]
) -> Mapping[str, datetime]:
    """Log what began and ceased to break; returns :func:`first_seen` after it.

    ``ran``: ids of the rules that ran. A rule that could not run neither opens nor closes anything.
    """
    seen, standing = first_seen(log), set(found)
    opened = sorted(standing - set(seen))
    ceased = {b for b in set(seen) - standing if b.split(" ", 1)[0] in ran}
    if opened or ceased:
        log.append("breaks", known_at, opened=opened, closed=sorted(ceased))
    return {b: at for b, at in seen.items() if b not in ceased} | dict.fromkeys(opened, known_at)


def signatures(log: DecisionsLog) -> dict[str, Signature]:
    """Break → its newest signature."""
    return {break_id(e["rule"], e["key"]): _signature(e) for e in log.entries("sign")}


def state_of(signature: Signature | None, unexplained: Decimal, day: date) -> State:
    """What a signature is worth on ``day`` for a difference of ``unexplained``."""
    if signature is None:
        return "open"
    if signature.amount != unexplained:
        return "changed"
    return "expired" if signature.expires < day else "signed"


def sign(
    log: DecisionsLog,
    known_at: datetime,
    rule: Reconciliation,
    found: Iterable[Mapping[str, Any]],
    key: str,
    signature: Signature,
) -> dict[str, Any]:
    """Append a signature for one of the breaks ``found`` (rows of ``mart.recon_break``); returns the entry.

    Raises :class:`RefusedSignature` for a rule that is not signable, an unknown key, another amount, a signer
    who prepared the explanation, or a day that has passed.
    """
    if not rule.signable:
        raise RefusedSignature(f"nobody can sign for a break of {rule.id} → mend what breaks it")
    matching = [row for row in found if row["rule_id"] == rule.id and row["key_text"] == key]
    if not matching:
        raise RefusedSignature(
            f"{rule.id} has no break {key!r} → `jibao reconcile {rule.id}` lists its breaks"
        )
    difference = Decimal(matching[0]["unexplained"])
    if signature.amount != difference:
        raise RefusedSignature(
            f"{rule.id} {key}: {signature.amount:f} is signed for, {difference.normalize():f} is unexplained → "
            "sign for the whole difference, or mend a part of it first"
        )
    if same_person(signature.by, signature.preparer):
        raise RefusedSignature(f"{signature.by} prepared the explanation → have somebody else sign for it")
    today = known_at.astimezone(UTC).date()
    if signature.expires <= today:
        raise RefusedSignature(f"{signature.expires} has passed on {today} → give a later --expires")
    return log.append(
        "sign", known_at, rule=rule.id, key=key, amount=f"{signature.amount:f}",
        reason_code=signature.reason_code, by=signature.by, preparer=signature.preparer,
        expires=signature.expires.isoformat(), reason=signature.reason,
    )  # fmt: skip


def _signature(entry: Mapping[str, Any]) -> Signature:
    return Signature(
        Decimal(entry["amount"]), entry["reason_code"], entry["by"], entry["preparer"],
        date.fromisoformat(entry["expires"]), entry["reason"], datetime.fromisoformat(entry["at"]),
    )  # fmt: skip
