"""The decisions log: what was loaded and what people decided, append-only and hash-chained.

Belongs here: writing and proving the log. Keep out: what an entry means (its writer knows). Together with
the raw batches it is all the state there is; the work databases are a cache of it.

One JSON object a line: ``seq, kind, at`` (known_at, UTC ISO), the entry's own fields, ``prev`` (hash of the
line before) and ``hash`` (sha256 over the line without it). Kinds so far: ``batch`` (a landed batch counts
from here on), ``load`` (it was staged, or blocked, with its conservation counts), ``restage`` (a
table was staged anew under a changed contract), ``waive``, ``revoke`` and ``replay`` (decisions on rejected
rows) and ``run`` (a run published; its cut-off is known from here on).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from resources.failures import Refused

GENESIS = "0" * 64


class BrokenChain(Refused):
    """The log was edited or cut: names the first line that does not follow from the one before, and the cure."""

    def __init__(self, path: Path, line: int) -> None:
        super().__init__(
            f"{path}: line {line} does not follow from the line before it → restore {path.name} from its backup"
        )


def same_person(one: str, other: str) -> bool:
    """Whether two names are one: blanks and case aside. Separation of duties rests on it."""
    return "".join(one.split()).casefold() == "".join(other.split()).casefold()


class DecisionsLog:
    """Append-only log in one file. One writer at a time: the holder of the workspace lock."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, kind: str, at: datetime, **fields: Any) -> dict[str, Any]:
        """Append one entry and fsync it; returns the entry as written."""
        last = self._last()
        entry: dict[str, Any] = {
            "seq": (last["seq"] + 1) if last else 1,
            "kind": kind,
            "at": at.isoformat(),
            **fields,
            "prev": last["hash"] if last else GENESIS,
        }
        entry["hash"] = _digest(entry)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=False, sort_keys=True) + "\n")
            file.flush()
            os.fsync(file.fileno())
        return entry

    def entries(self, kind: str | None = None) -> Iterator[dict[str, Any]]:
        """Entries in order, of one kind if given. A torn last line (power cut) is not an entry yet.

        Raises :class:`BrokenChain` for any other line that is no entry.
        """
        if not self.path.exists():
            return
        lines = self.path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines, start=1):
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:
                if number == len(lines):
                    return
                raise BrokenChain(self.path, number) from None
            if kind is None or entry["kind"] == kind:
                yield entry

    def verify(self) -> int:
        """Number of entries, after proving the chain. Raises :class:`BrokenChain`."""
        previous, count = GENESIS, 0
        for count, entry in enumerate(self.entries(), start=1):
            body = {k: v for k, v in entry.items() if k != "hash"}
            if entry["prev"] != previous or entry["hash"] != _digest(body) or entry["seq"] != count:
                raise BrokenChain(self.path, count)
            previous = entry["hash"]
        return count

    def _last(self) -> dict[str, Any] | None:
        self._drop_torn_line()
        entries = list(self.entries())
        return entries[-1] if entries else None

    def _drop_torn_line(self) -> None:
        if not self.path.exists():
            return
        data = self.path.read_bytes()
        if data and not data.endswith(b"\n"):
            with self.path.open("r+b") as file:
                file.truncate(data.rfind(b"\n") + 1)


def _digest(entry: dict[str, Any]) -> str:
    text = json.dumps(entry, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
