"""Ledger ``park_lease``: the contracts with tenants, as the park platform's API shows them.

Belongs here: one record per version of a contract, with its rooms and their areas as two parallel comma
lists; drafts, terminations and expiries in time. Dates are instants in Z of the local midnight and
``updated_at`` ISO Z, equal to the row's ``visible_from`` (D29). Prices carry their unit in a field beside
them: two sites quote by the day. Dirt: words for codes (D21), blanks in lists (D02), an empty unit where it
is the usual one, and drafts quoted in 万元/年, which no price per m2 can be told from (the unit trap); the
drafts are no lease yet. Keep out: who rents what (``leases``).
"""

from __future__ import annotations

import random
from datetime import datetime, time, timedelta
from decimal import Decimal

from demo.ledgers.forms import iso_z, json_number, midnight_z, office_time
from demo.ledgers.leases import BY_MONTH, PLATFORM_START, Lease, leases
from demo.seed_files import seed_tree
from demo.timeline import Event, Row, Timeline
from demo.workdays import previous_workday
from demo.world import UP_DAY, World

COLUMNS = (
    "lease_no", "rooms", "room_areas", "version", "enterprise_id", "start_date", "end_date", "free_start",
    "free_end", "price", "price_unit", "deposit_cny", "pay_cycle", "status", "terminated_date", "updated_at",
)  # fmt: skip

BY_YEAR = "万元/年"
_QUOTED_BY_YEAR = 3
_WORD, _BLANK_UNIT, _SPACED, _DRAFT = 0.006, 0.04, 0.02, 0.35

Change = tuple[datetime, Row]


def build(world: World) -> Timeline:
    """The ledger's timeline: about 540 versions with some 1,700 rooms, two states each."""
    rng = world.rng("park_lease.sheet")
    words: dict[str, dict[str, str]] = seed_tree("estate_words")
    by_year = _drafts_by_year(world)
    rows: list[Event] = []
    for lease in leases(world):
        wrong = (lease.lease_no, lease.version) in by_year
        rows += _events(lease, _changes(lease, wrong, rng), words, rng)
    return Timeline("park_lease", COLUMNS, rows)


def _drafts_by_year(world: World) -> set[tuple[str, int]]:
    """Later versions that start after the quarter and were entered before the bulletin, as yearly sums."""
    found = [
        (lease.lease_no, lease.version)
        for lease in leases(world)
        if lease.version > 1 and lease.start > UP_DAY and lease.recorded.date() <= UP_DAY
    ]
    return set(found[:_QUOTED_BY_YEAR])


def _changes(lease: Lease, by_year: bool, rng: random.Random) -> list[Change]:
    signed = office_time(previous_workday(lease.start - timedelta(days=rng.randint(1, 5))), rng)
    ahead = rng.random() < _DRAFT and lease.recorded > PLATFORM_START and signed > lease.recorded
    price: Row = {"price": _number(lease.quoted), "price_unit": lease.price_unit}
    changes: list[Change] = [(lease.recorded, {"status": "active", **price})]
    if ahead or by_year:
        drafted = _by_year(lease) if by_year else price
        active = max(signed, lease.recorded + timedelta(hours=2))
        changes = [(lease.recorded, {"status": "draft", **drafted}), (active, {"status": "active", **price})]
    if lease.terminated and lease.terminated_at:
        ended: Row = {"status": "terminated", "terminated_date": midnight_z(lease.terminated)}
        changes.append((max(lease.terminated_at, changes[-1][0] + timedelta(minutes=1)), ended))
    else:
        over = datetime.combine(lease.held_to, time(0, 30))
        changes.append((max(over, changes[-1][0] + timedelta(minutes=1)), {"status": "expired"}))
    return changes


def _by_year(lease: Lease) -> Row:
    """The price as 万元 for all rooms and a year."""
    cny = Decimal(lease.area * lease.price * 12).scaleb(-6)
    return {"price": json_number((cny / 10_000).quantize(Decimal("0.01"))), "price_unit": BY_YEAR}


def _number(ten_thousandths: int) -> int | float:
    return json_number(Decimal(ten_thousandths) / 10_000)


def _events(
    lease: Lease, changes: list[Change], words: dict[str, dict[str, str]], rng: random.Random
) -> list[Event]:
    comma = ", " if rng.random() < _SPACED else ","
    blank_unit = lease.price_unit == BY_MONTH and rng.random() < _BLANK_UNIT
    cycle = words["pay_cycle"][lease.pay_cycle] if rng.random() < _WORD else lease.pay_cycle
    row: Row = {
        "lease_no": lease.lease_no,
        "rooms": comma.join(code for code, _ in lease.rooms),
        "room_areas": comma.join(f"{area / 100:.2f}" for _, area in lease.rooms),
        "version": lease.version,
        "enterprise_id": lease.enterprise_id,
        "start_date": midnight_z(lease.start),
        "end_date": midnight_z(lease.end),
        "free_start": midnight_z(lease.free_start) if lease.free_start else None,
        "free_end": midnight_z(lease.free_end) if lease.free_end else None,
        "deposit_cny": json_number(Decimal(lease.deposit) / 100) if lease.version == 1 else None,
        "pay_cycle": cycle,
        "terminated_date": None,
    }
    events: list[Event] = []
    for at, change in sorted(changes, key=lambda each: each[0]):
        row = row | change
        shown = dict(row)
        if rng.random() < _WORD:
            shown["status"] = words["lease_status"][str(row["status"])]
        if blank_unit and row["price_unit"] == BY_MONTH:
            shown["price_unit"] = rng.choice((None, ""))
        events.append((at, False, {name: shown.get(name) for name in COLUMNS} | {"updated_at": iso_z(at)}))
    return events
