"""The published file, for commands that read it.

Belongs here: opening it, alone or with room for what is made from it, and reading rows. Keep out: work files, which a
running job holds; what is asked.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from resources.engine import PublishedEngine, read_only
from resources.failures import Refused
from resources.publisher import FilePublisher
from resources.settings import load_settings


class NotPublished(Refused):
    """Nothing is published yet."""


def published_file(home: Path | None) -> Path:
    """The published file. Raises :class:`NotPublished` before the first one."""
    place = load_settings(home).home
    current = FilePublisher(place / "published").current
    if current is None:
        raise NotPublished(f"nothing is published in {place} yet → run `jibao nightly` first")
    return current


@contextmanager
def published(home: Path | None) -> Iterator[sa.Connection]:
    """A read-only connection to the published file. Raises :class:`NotPublished` before the first one."""
    engine = read_only(published_file(home))
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


@contextmanager
def beside_published(home: Path | None) -> Iterator[PublishedEngine]:
    """An engine that reads the published file and makes tables beside it. Raises :class:`NotPublished`."""
    limit = load_settings(home).memory_limit
    with tempfile.TemporaryDirectory(prefix="jibao-beside-") as spill:
        engine = PublishedEngine(published_file(home), Path(spill), memory_limit=limit)
        try:
            yield engine
        finally:
            engine.close()


def rows_of(connection: sa.Connection, sql: str, **parameters: object) -> list[dict[str, Any]]:
    """The answer of a query with ``:name`` parameters, a dict a row."""
    """The answer of a query with ``:name`` parameters, a dict a row."""
    return [dict(row._mapping) for row in connection.execute(sa.text(sql), parameters)]
