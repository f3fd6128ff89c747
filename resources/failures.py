"""Failures as types: what a retry can mend and what a person must mend.

Belongs here: the failure types every layer raises and their one message form. Keep out: retry
policies (``pipelines``), and how a particular source maps its errors (``resources.sources``).
"""

from __future__ import annotations


class SourceFailure(Exception):
    """A source system, table or file that could not be used as its contract says.

    The message always names system, table, place (file!sheet!row or page), the rule that was broken,
    what happened and what to do about it, so the first line of a red run is enough to act on.
    """

    def __init__(
        self,
        *,
        system: str,
        table: str,
        where: str,
        cause: str,
        cure: str,
        rule: str = "",
    ) -> None:
        self.system = system
        self.table = table
        self.where = where
        self.rule = rule
        self.cause = cause
        self.cure = cure
        named_rule = f" [{rule}]" if rule else ""
        super().__init__(f"{system} / {table} / {where}{named_rule}: {cause} → {cure}")


class PermanentFailure(SourceFailure):
    """A retry cannot mend it: wrong password, missing sheet, changed column, broken rule."""


class TransientFailure(SourceFailure):
    """A retry may mend it: refused connection, time-out, HTTP 429 or 5xx, locked file."""


class RefusedDecision(SourceFailure):
    """A decision that is not taken: no such row or rule, or one that nobody may take. Nothing was written."""


class Refused(Exception):
    """What a person asked for is not done: the message says why and what to do instead. Nothing was written."""


class RefusedRun(Refused):
    """The run may not start: another writer holds the lock, or ``known_at`` does not move forward."""
