"""Ledger ``park_park``: the 13 parks, as the park platform's API shows them.

Belongs here: one row per park and its changes (``seeds/park_changes.yaml``). Field names are the
catalogue's; dates are instants in Z of the local midnight (D29); aliases comma separated, the park's own
name among them; areas JSON numbers. There is no ``updated_at``: the table is read whole. Keep out:
tenants, hazards, activities.
"""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from demo.ledgers.forms import json_number, midnight_z
from demo.seed_files import seed_tree
from demo.timeline import Event, Row, Timeline
from demo.world import Park, World

COLUMNS = (
    "park_code", "park_name", "aliases", "park_kind", "managed", "managed_from", "managed_to",
    "self_managed", "town_code", "gfa_m2", "leasable_m2", "open_date", "org_code", "project_code",
)  # fmt: skip

_START = datetime(2022, 12, 30, 9, 0)
_OPENING_HOUR = time(8, 30)


def build(world: World) -> Timeline:
    """The ledger's timeline: 13 rows, 20 states."""
    changes: dict[str, Any] = seed_tree("park_changes")
    rows: list[Event] = []
    for park in world.parks:
        rows += _states(park, changes.get(park.park_code, []), changes["later"].get(park.park_code, []))
    return Timeline("park_park", COLUMNS, rows)


def _states(park: Park, earlier: list[dict[str, Any]], later: list[dict[str, Any]]) -> list[Event]:
    row = _row(park)
    rows: list[Event] = []
    for change in earlier:
        rows.append((_at(change["until"]), False, row))
        if change.get("absent"):
            break
        row = row | _as_sent(change["said"])
    else:
        rows.append((_START, False, row))
    rows.reverse()
    for change in later:
        rows.append((_at(change["from"]), False, rows[-1][2] | _as_sent(change["says"])))
    return rows


def _at(day: date) -> datetime:
    return datetime.combine(day, _OPENING_HOUR)


def _as_sent(values: Row) -> Row:
    return {name: midnight_z(value) if isinstance(value, date) else value for name, value in values.items()}


def _row(park: Park) -> Row:
    return _as_sent(
        {
            "park_code": park.park_code,
            "park_name": park.park_name,
            "aliases": ",".join((*park.aliases, park.park_name)),
            "park_kind": park.park_kind,
            "managed": park.managed_from is not None and park.managed_to is None,
            "managed_from": park.managed_from,
            "managed_to": park.managed_to,
            "self_managed": park.self_managed,
            "town_code": park.town_code,
            "gfa_m2": json_number(park.gfa_m2),
            "leasable_m2": json_number(park.leasable_m2),
            "open_date": park.open_date,
            "org_code": park.org_code,
            "project_code": park.project_code,
        }
    )
