"""Failures the HTTP systems can be told to have, so that readers can be tried on them.

Belongs here: the kinds of fault, which request each one hits, and how often. Keep out: sockets and rows.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

KINDS = (
    "http_500",
    "http_429",
    "code_error",
    "slow",
    "page_overlap",
    "empty",
    "drop_field",
    "bad_json",
)
"""``page_overlap``: a later page starts with the last row of the one before it, so that one row is sent
twice and one not at all; ``empty``: a list without rows while the count stays; ``drop_field``: rows
without one field; ``bad_json``: an answer cut off in its middle."""


@dataclass
class Fault:
    """One ordered failure. ``times`` counts down; a negative one stays until cleared."""

    system: str
    resource: str
    kind: str
    times: int = 1
    field: str = ""
    seconds: float = 5.0
    endpoint: str = "list"

    def hits(self, system: str, resource: str, endpoint: str, page: int) -> bool:
        """True where a request is one of those this fault was ordered for."""
        if self.kind == "page_overlap" and page < 2:
            return False
        return (
            self.system in (system, "*")
            and self.resource in (resource, "*")
            and self.endpoint in (endpoint, "*")
        )


class FaultBook:
    """The faults of a running server; safe for its threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def order(self, fault: Fault) -> None:
        """Add a fault; the earliest one that fits a request hits it."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._faults.clear()

    def take(self, system: str, resource: str, endpoint: str, page: int) -> Fault | None:
        """The fault this request meets, its count lowered; None for an ordinary answer."""
        with self._lock:
            for fault in self._faults:
                if fault.times and fault.hits(system, resource, endpoint, page):
                    fault.times -= 1 if fault.times > 0 else 0
                    return fault
            return None


def fault_from(order: dict[str, object]) -> Fault:
    """The fault a control request describes. Raises ValueError naming what is wrong with it."""
    kind = str(order.get("fault", ""))
    if kind not in KINDS:
        raise ValueError(f"fault must be one of {', '.join(KINDS)}, not {kind!r}")
    field = str(order.get("field") or "")
    if kind == "drop_field" and not field:
        raise ValueError("drop_field needs the name of a field")
    system, endpoint = str(order.get("system", "*")), str(order.get("endpoint", "list"))
    if system not in ("pms", "park", "charging", "*") or endpoint not in ("list", "count", "*"):
        raise ValueError("system must be pms, park, charging or *, endpoint list, count or *")
    return Fault(
        system=system,
        resource=str(order.get("resource", "*")),
        kind=kind,
        times=int(str(order.get("times", 1))),
        field=field,
        seconds=float(str(order.get("seconds", 5))),
        endpoint=endpoint,
    )
