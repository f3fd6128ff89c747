"""Ledger ``park_company``: companies in the parks, as the park platform's API shows them.

Belongs here: the rows of each stay in time: prospect, moved in, renamed, left. Field names are the
catalogue's; dates are instants in Z of the local midnight and ``updated_at`` ISO Z, equal to the row's
``visible_from`` (D29); missing values are null or ``""``. Dirt: one present tenant with a wrong check digit
(D17; it is not one of the 330) and two that left long ago under one code (D17), one second stay with a full-width
usci (D01), blanks (D02), a shorter name for one usci (D16). Keep out: who stays where (``stays``).
"""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta

from data_contracts.codes import USCI_ALPHABET
from demo.ledgers.forms import full_width, iso_z, midnight_z, office_time, padded, soon_after
from demo.ledgers.stays import Stay, stays
from demo.timeline import Event, Row, Timeline
from demo.world import World, previous_workday

COLUMNS = (
    "enterprise_id", "usci", "name", "park_code", "industry_code", "tenant_kind", "incubation_stage",
    "reg_capital", "in_park_date", "exit_date", "active", "updated_at",
)  # fmt: skip


def build(world: World) -> Timeline:
    """The ledger's timeline: 1,200 stays at scale 1, about 2 states each."""
    rng, rows = world.rng("park_company.sheet"), list[Event]()
    for stay in stays(world):
        rows += _states(stay, rng)
    return Timeline("park_company", COLUMNS, rows)


def _states(stay: Stay, rng: random.Random) -> list[Event]:
    row = _row(stay, rng)
    changes: list[tuple[datetime, Row]] = []
    if stay.in_date is None:
        assert stay.in_recorded is not None
        changes.append((stay.in_recorded, {}))
    else:
        entered = stay.in_recorded or soon_after(stay.in_date - timedelta(days=1), rng, 2)
        if stay.in_date >= date(2023, 6, 1) and stay.in_recorded is None and rng.random() < 0.6:
            asked = previous_workday(stay.in_date - timedelta(days=rng.randint(25, 90)))
            changes.append((office_time(asked, rng), {}))
        changes.append((entered, {"in_park_date": midnight_z(stay.in_date), "active": "Y"}))
    if stay.renamed:
        changes.append((stay.renamed[0], {"name": stay.renamed[1]}))
    if stay.usci_found:
        changes.append((stay.usci_found, {"usci": stay.usci}))
    if stay.exit_date:
        left = stay.exit_recorded or soon_after(stay.exit_date - timedelta(days=1), rng, 2)
        changes.append((left, {"exit_date": midnight_z(stay.exit_date), "active": "N"}))
    rows: list[Event] = []
    for at, change in sorted(changes, key=lambda entry: entry[0]):
        row = row | change | {"updated_at": iso_z(at)}
        rows.append((at, False, row))
    return rows


def _row(stay: Stay, rng: random.Random) -> Row:
    return {
        "enterprise_id": stay.enterprise_id,
        "usci": _usci(stay, rng),
        "name": padded(stay.name, rng) if rng.random() < 0.01 else stay.name,
        "park_code": stay.park_code,
        "industry_code": stay.industry_code,
        "tenant_kind": stay.tenant_kind,
        "incubation_stage": stay.stage,
        "reg_capital": stay.reg_capital,
        "in_park_date": None,
        "exit_date": None,
        "active": "N",
        "updated_at": "",
    }


def _usci(stay: Stay, rng: random.Random) -> str | None:
    if stay.usci is None or stay.usci_found:
        return rng.choice((None, ""))
    if stay.bad_usci:
        # The last character was misread for its neighbour.
        misread = USCI_ALPHABET[(USCI_ALPHABET.index(stay.usci[17]) + 1) % len(USCI_ALPHABET)]
        return stay.usci[:17] + misread
    if stay.full_width_usci:
        return full_width(stay.usci)
    return padded(stay.usci, rng) if rng.random() < 0.004 else stay.usci
