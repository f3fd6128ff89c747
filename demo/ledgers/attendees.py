"""Ledger ``park_activity_attendee``: which companies came to an activity, as the platform's API shows them.

Belongs here: one row per company and activity; their number is the activity's 家次 (C21, R36), their people
add up to its 人次. A changed activity sends its whole list: every row carries the activity's ``updated_at``.
Tenants come under the name and code of their stay, some under the name before the last (D15) or a shorter one
(D16), one with a mistyped code (D17); others are no tenants. Keep out: the activities themselves.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from demo.ledgers import activities
from demo.ledgers.forms import padded, spread
from demo.ledgers.names import CompanyNames, parts
from demo.ledgers.stays import Stay, stays
from demo.timeline import Event, Row, Timeline
from demo.world import World, random_usci

COLUMNS = ("activity_no", "seq", "enterprise_id", "usci", "company_name", "persons", "updated_at")


def build(world: World) -> Timeline:
    """The ledger's timeline: about 2,600 rows a year at scale 1."""
    rng, guests = world.rng("park_activity_attendee"), _Guests(world)
    rows: list[Event] = []
    lists: dict[object, list[Row]] = {}
    for at, _, activity in activities.build(world).rows:
        number = activity["activity_no"]
        if number not in lists:
            lists[number] = list(guests.come(activity, rng))
        came = lists[number]
        persons, companies = int(str(activity["person_visits"])), len(came)
        # The same weights for every state of an activity, so that a corrected sum changes few rows.
        shares = spread(
            persons, companies, random.Random(f"{world.seed}:{number}"), int(persons >= companies)
        )
        for row, share in zip(came, shares, strict=True):
            rows.append((at, False, row | {"persons": share, "updated_at": activity["updated_at"]}))
    return Timeline("park_activity_attendee", COLUMNS, rows)


class _Guests:
    """Who may come to a park on a day."""

    def __init__(self, world: World) -> None:
        self.names = CompanyNames(world.rng("park_activity_attendee.names"))
        self.stays = [
            s for s in stays(world) if s.in_date and s.in_recorded is None and s.tenant_kind != "shop"
        ]

    def come(self, activity: Row, rng: random.Random) -> Iterator[Row]:
        """The list of an activity: first companies of its park, then of others, then outsiders."""
        day = (datetime.fromisoformat(str(activity["activity_date"])) + timedelta(hours=8)).date()
        count = int(str(activity["company_visits"]))
        present = [s for s in self.stays if _is_in(s, day)]
        here = [s for s in present if activity["park_code"] in (None, s.park_code)]
        tenants = 0 if activity["activity_type"] == "inbound_visit" else round(count * rng.uniform(0.8, 1.0))
        chosen = rng.sample(here, min(tenants, len(here)))
        inside = {s.enterprise_id for s in chosen}
        others = [s for s in present if s.enterprise_id not in inside]
        chosen += rng.sample(others, min(max(tenants - len(chosen), 0), len(others)))
        for seq in range(1, count + 1):
            row = _tenant(chosen[seq - 1], day, rng) if seq <= len(chosen) else self._outsider(activity, rng)
            yield {"activity_no": activity["activity_no"], "seq": seq, **row}

    def _outsider(self, activity: Row, rng: random.Random) -> Row:
        name = activity["company_name"] or self.names.draw(rng.choice(list(parts()["trades"])))
        usci = random_usci(rng, rng.choice(("330782", "330106"))) if rng.random() < 0.3 else None
        return {"enterprise_id": rng.choice((None, "")), "usci": usci, "company_name": name}


def _is_in(stay: Stay, day: date) -> bool:
    return (
        stay.in_date is not None and stay.in_date <= day and (stay.exit_date is None or day < stay.exit_date)
    )


def _tenant(stay: Stay, day: date, rng: random.Random) -> Row:
    """A tenant as it signed in; after a change of name some people still write the one before."""
    name = stay.renamed[1] if stay.renamed and stay.renamed[0].date() <= day else stay.name
    if stay.renamed and rng.random() < 0.3:
        name = stay.name
    elif rng.random() < 0.012:
        name = name.replace("有限公司", "公司")
    usci: str | None = stay.usci if stay.usci_found is None and rng.random() < 0.85 else None
    if usci and (stay.bad_usci or rng.random() < 0.002):
        usci = usci[:16] + usci[17] + usci[16]
    shown = padded(name, rng) if rng.random() < 0.006 else name
    return {"enterprise_id": stay.enterprise_id, "usci": usci, "company_name": shown}
