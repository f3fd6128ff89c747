"""Writing to a database at the moment between an extraction's count and its rows.

Belongs here: the two hooks, one per path. Keep out: what is asserted.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa


@contextmanager
def after_count(driver: str, action: Callable[[], None]) -> Iterator[None]:
    """Run ``action`` once, as soon as SQLAlchemy or the ADBC ``driver`` has run a statement that counts."""
    cursor = importlib.import_module(f"{driver}.dbapi").Cursor
    execute, waiting = cursor.execute, [action]

    def notice(statement: str) -> None:
        if "count(" in statement and waiting:
            waiting.pop()()

    def columns(self: Any, operation: str, *rest: Any) -> Any:
        result = execute(self, operation, *rest)
        notice(operation)
        return result

    def rows(_: Any, __: Any, statement: str, *___: Any) -> None:
        notice(statement)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cursor, "execute", columns)
        sa.event.listen(sa.Engine, "after_cursor_execute", rows)
        try:
            yield
        finally:
            sa.event.remove(sa.Engine, "after_cursor_execute", rows)
