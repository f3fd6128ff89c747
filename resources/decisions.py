"""The decisions log: what was loaded and what people decided, append-only and hash-chained.

Belongs here: writing and proving the log. Keep out: what an entry means (its writer knows). Together with
the raw batches it is all the state there is; the work databases are a cache of it.

One JSON object a line: ``seq, kind, at`` (known_at, UTC ISO), the entry's own fields, ``prev`` (hash of the
line before) and ``hash`` (sha256 over the line without it). Kinds so far: ``batch`` (a landed batch counts
from here on), ``load`` (it was staged, or blocked, with its conservation counts), ``restage`` (a
table was staged anew under a changed contract), ``waive``, ``revoke`` and ``replay`` (decisions on rejected
rows), ``run`` (a run rebuilt the figures and published them; its cut-off is known from here on) and ``republish``
(signatures or a bulletin were published beside the same figures).

``decisions.head`` beside it names the last line, so that a log whose tail was cut off is no shorter log but a broken
one.
"""

from __future__ import annotations

import hashlib
import json
import os
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from resources.failures import Refused

GENESIS = "0" * 64


class BrokenChain(Refused):
    """The log was edited or cut: names the line from which on it does not hold, and the cure."""

    def __init__(self, path: Path, problem: str, else_do: str = "") -> None:
        super().__init__(f"{path}: {problem} → restore {path.name} from its backup{else_do}")


def same_person(one: str, other: str) -> bool:
    """Whether two names are one: width, case, blanks and what does not show aside. Separation of duties rests on it."""
    return _plain_name(one) == _plain_name(other)


def _plain_name(name: str) -> str:
    wide = unicodedata.normalize("NFKC", name).casefold()
    return "".join(c for c in wide if not c.isspace() and unicodedata.category(c) not in ("Cc", "Cf"))


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
        self._write_head(entry)
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
                raise BrokenChain(self.path, _unfollowed(number)) from None
            if kind is None or entry["kind"] == kind:
                yield entry

    def verify(self) -> int:
        """Number of entries, after proving the chain and that it reaches its head. Raises :class:`BrokenChain`."""
        previous, count = GENESIS, 0
        seq, head = self._head()
        for count, entry in enumerate(self.entries(), start=1):
            body = {k: v for k, v in entry.items() if k != "hash"}
            if entry["prev"] != previous or entry["hash"] != _digest(body) or entry["seq"] != count:
                raise BrokenChain(self.path, _unfollowed(count))
            previous = entry["hash"]
            if count == seq and previous != head:
                raise BrokenChain(self.path, f"line {count} is not the one that was written there")
        if count < seq:
            ended = f"it ends after line {count}, {seq} were written"
            cure = f" (where no newer copy exists, delete {self._head_path.name}: what came after is lost)"
            raise BrokenChain(self.path, ended, cure)
        return count

    @property
    def _head_path(self) -> Path:
        return self.path.with_suffix(".head")

    def _head(self) -> tuple[int, str]:
        """(seq, hash) of the last entry that was written for certain; (0, "") where none is on record."""
        if not self._head_path.exists():
            return 0, ""
        seq, _, digest = self._head_path.read_text(encoding="utf-8").strip().partition(" ")
        return int(seq), digest

    def _write_head(self, entry: dict[str, Any]) -> None:
        # After the line itself: a process killed between the two leaves a head that is one behind, which holds.
        partial = self._head_path.with_suffix(".head.partial")
        partial.write_text(f"{entry['seq']} {entry['hash']}\n", encoding="utf-8")
        partial.replace(self._head_path)

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


def _unfollowed(line: int) -> str:
    return f"line {line} does not follow from the line before it"


def _digest(entry: dict[str, Any]) -> str:
    text = json.dumps(entry, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
