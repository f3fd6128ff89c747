"""The group's ledgers for moving in time, without writing all of them anew.

Belongs here: building the ledgers, and keeping what lies ahead of the day the systems show. Keep out: what
is done with them (``loading``). The kept part is used only as long as the demo's code, seeds, seed and
scale are the ones it came from.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path

import demo
from demo.systems.tables import source_tables
from demo.systems.workbooks import replace_file
from demo.timeline import Timeline

Timelines = Mapping[str, Timeline]


def _origin(seed: int, scale: int) -> str:
    """Digest of everything the ledgers come from."""
    digest = hashlib.sha256(f"{seed} {scale}".encode())
    folder = Path(demo.__file__).parent
    for path in sorted([*folder.rglob("*.py"), *folder.rglob("seeds/*.*")]):
        digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def build(seed: int, scale: int, day: date) -> Timelines:
    """All ledgers of the group, which takes a while."""
    from demo.ledgers import build_all
    from demo.world import World

    return build_all(World(seed, scale, day))


def keep_ahead(path: Path, ledgers: Timelines, seed: int, scale: int, after: datetime) -> None:
    """Keep what becomes visible after ``after`` (local time); of workbooks everything, since a file is
    drawn from all its rows."""
    whole = {table.table for table in source_tables().values() if table.system == "workbooks"}
    ahead = {
        name: Timeline(
            name, timeline.columns, [event for event in timeline.rows if name in whole or event[0] > after]
        )
        for name, timeline in ledgers.items()
    }
    replace_file(path, pickle.dumps((_origin(seed, scale), after, ahead), protocol=5))


def kept_ahead(path: Path, seed: int, scale: int, after: datetime) -> Timelines | None:
    """What was kept, where it reaches back to ``after`` and still has the same origin; else None."""
    if not path.exists():
        return None
    origin, kept_after, ahead = pickle.loads(path.read_bytes())
    if origin != _origin(seed, scale) or kept_after > after:
        return None
    kept: Timelines = ahead
    return kept
