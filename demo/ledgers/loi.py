"""Ledger ``park_loi``: letters of intent, as the investment promotion company's sheet shows them.

Belongs here: the list of letters and its changes. The timeline holds changes only; the folder of
workbooks saves the whole list again every week. As of 30 September 2024, as known on 2024-10-10, 46
letters of 207,684.35 m2 are valid for 数字与智能化产业社区 and 15,042.60 m2 for 稠江智能制造产业园 (C15), by
their dates; two of the 46 are withdrawn in October. Dirt: areas as ``4500㎡``, ``0.45万``, full-width and
with commas (D01, D07), parks under other names, dates as text (D06), 撤回 for 已撤回 (D21), blanks (D02).
Keep out: leads and leases.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from demo.ledgers.forms import full_width, padded, sheet_date, some_workday, soon_after, split_units
from demo.ledgers.leases import Lease, leases
from demo.ledgers.names import CompanyNames, parts
from demo.ledgers.stays import Stay, stays
from demo.seed_files import seed_tree
from demo.timeline import Event, Row, Timeline
from demo.world import AS_OF, Park, World, random_usci

COLUMNS = (
    "loi_no", "org_code", "park_name", "company_name", "usci", "lead_no", "signed_date", "converted_date",
    "withdrawn_date", "area_m2", "status", "lease_no",
)  # fmt: skip

VALID, CONVERTED, WITHDRAWN = "有效", "已转租", "已撤回"

_COMMUNITY = "PK-12"
_ALIAS_FROM = {"PK-12": 30, "PK-04": 12, "PK-06": 3}
"""From this place in the park's list on, somebody else keeps it and writes the park's other name."""


@dataclass(frozen=True)
class _Letter:
    park: Park
    place: int
    signed: date
    area: Decimal
    seen: datetime
    converted: date | None = None
    withdrawn: date | None = None
    ended_seen: datetime | None = None
    corrected: tuple[Decimal, datetime] | None = None


def build(world: World) -> Timeline:
    """The ledger's timeline: 180 letters."""
    rng = world.rng("park_loi")
    told: dict[str, Any] = seed_tree("letters")
    letters = sorted(_letters(world, told, rng), key=lambda letter: letter.signed)
    names = CompanyNames(world.rng("park_loi.names"))
    numbers: dict[int, int] = {}
    rows: list[Event] = []
    leads: set[object] = set()
    tenants = _leases_of(letters, world)
    for letter in letters:
        year = letter.signed.year
        numbers[year] = numbers.get(year, 0) + 1
        states = _states(f"YX-{year}-{numbers[year]:03d}", letter, names, rng)
        lead = states[0][2]["lead_no"]
        for _, _, row in states:
            # A lead grows into one letter: a number drawn again is not written down.
            row["lead_no"] = None if lead in leads else lead
            if letter in tenants:
                row |= _as_tenant(row, *tenants[letter])
        leads.add(lead)
        rows += states
    return Timeline("park_loi", COLUMNS, rows)


def _letters(world: World, told: dict[str, Any], rng: random.Random) -> Iterator[_Letter]:
    for park_code, counts in told["parks"].items():
        yield from _of_park(world.park(park_code), counts, told, rng)
    for number, row in enumerate(told["told"]):
        ended = row.get("withdrawn")
        yield _Letter(
            world.park(row["park"]), 100 + number, row["signed"], Decimal(row["area_m2"]), row["seen"],
            withdrawn=ended, ended_seen=soon_after(ended, rng) if ended else None,
        )  # fmt: skip


def _of_park(park: Park, counts: dict[str, Any], told: dict[str, Any], rng: random.Random) -> list[_Letter]:
    going = counts["valid"] + counts["converted"]
    areas = _areas(going, counts.get("area_m2"), rng)
    letters = [_signed(park, place, areas[place], counts["first"], rng) for place in range(going)]
    for place in range(counts["valid"], going):
        letters[place] = _ended(letters[place], "converted", rng)
    for place in range(going, going + counts["withdrawn"]):
        area = Decimal(rng.randint(60, 500) * 10)
        letters.append(_ended(_signed(park, place, area, counts["first"], rng), "withdrawn", rng))
    if park.park_code == _COMMUNITY:
        last_day = told["signed_on_last_day"]
        letters[last_day] = replace(letters[last_day], signed=AS_OF, seen=datetime(2024, 9, 30, 16, 30))
        for place, end in told["withdrawn_later"].items():
            letters[place] = replace(letters[place], withdrawn=end["withdrawn"], ended_seen=end["seen"])
    if park.park_code == "PK-07":
        wrong = told["corrected"]
        place, correction = wrong["place"], (Decimal(wrong["right"]), wrong["seen"])
        letters[place] = replace(letters[place], area=Decimal(wrong["typed"]), corrected=correction)
    return letters


def _leases_of(letters: list[_Letter], world: World) -> dict[_Letter, tuple[Lease, Stay]]:
    """The lease that each converted letter became: the next first lease of its park, within four months."""
    by_id = {stay.enterprise_id: stay for stay in stays(world)}
    first = sorted((x for x in leases(world) if x.version == 1), key=lambda x: (x.start, x.lease_no))
    taken: set[str] = set()
    found: dict[_Letter, tuple[Lease, Stay]] = {}
    for letter in sorted((x for x in letters if x.converted), key=lambda x: x.converted or x.signed):
        assert letter.converted is not None
        begin, until = letter.converted.replace(day=1), letter.converted + timedelta(days=120)
        for lease in first:
            fits = lease.park_code == letter.park.park_code and begin <= lease.start <= until
            # The list names a lease once it stands in the platform.
            if fits and lease.lease_no not in taken and lease.recorded.date() <= until:
                taken.add(lease.lease_no)
                found[letter] = lease, by_id[lease.enterprise_id]
                break
    return found


def _as_tenant(row: Row, lease: Lease, stay: Stay) -> Row:
    """What the letter says of the company that moved in; its lease from the conversion on."""
    said: Row = {"company_name": stay.name, "usci": None if stay.bad_usci or stay.usci_found else stay.usci}
    return said | {"lease_no": lease.lease_no} if row["converted_date"] else said


def _areas(count: int, total: str | None, rng: random.Random) -> list[Decimal]:
    """Areas in m2, multiples of 10 but the last, which makes a told sum exact to the cent."""
    if total is None:
        return [Decimal(rng.randint(60, 700) * 10) for _ in range(count)]
    cents = int(Decimal(total) * 100)
    parts_of = split_units(cents, [rng.uniform(0.4, 1.6) for _ in range(count)])
    rounded = [part // 1000 * 1000 for part in parts_of[:-1]]
    return [Decimal(part) / 100 for part in (*rounded, cents - sum(rounded))]


def _signed(park: Park, place: int, area: Decimal, first: date, rng: random.Random) -> _Letter:
    signed = some_workday(first, date(2024, 9, 20), rng)
    return _Letter(park, place, signed, area, soon_after(signed, rng))


def _ended(letter: _Letter, how: str, rng: random.Random) -> _Letter:
    """The letter turned into a lease or withdrawn, some weeks or months later but before October."""
    signed = min(letter.signed, date(2024, 7, 1))
    opened = letter.park.open_date or signed
    begin = max(signed + timedelta(days=14), opened if how == "converted" else signed)
    ended = some_workday(begin, max(min(begin + timedelta(days=150), date(2024, 9, 26)), begin), rng)
    seen = soon_after(ended, rng)
    moved = replace(letter, signed=signed, seen=soon_after(signed, rng), ended_seen=seen)
    return replace(moved, converted=ended) if how == "converted" else replace(moved, withdrawn=ended)


# --- the sheet ---------------------------------------------------------------------------------------


def _states(number: str, letter: _Letter, names: CompanyNames, rng: random.Random) -> list[Event]:
    row = _row(number, letter, names, rng)
    rows: list[Event] = [(letter.seen, False, row)]
    if letter.ended_seen and letter.converted:
        rng.randint(1, 480)  # keeps the stream of later draws where it was
        shown = sheet_date(letter.converted, rng, letter.converted, 0.02)
        row = row | {"converted_date": shown, "status": CONVERTED}
        rows.append((letter.ended_seen, False, row))
    if letter.ended_seen and letter.withdrawn:
        shown = sheet_date(letter.withdrawn, rng, letter.withdrawn, 0.02)
        word = "撤回" if letter.park.park_code == "PK-05" else WITHDRAWN
        row = row | {"withdrawn_date": shown, "status": word}
        rows.append((letter.ended_seen, False, row))
    if letter.corrected:
        row = row | {"area_m2": letter.corrected[0]}
        rows.append((letter.corrected[1], False, row))
    return rows


def _row(number: str, letter: _Letter, names: CompanyNames, rng: random.Random) -> Row:
    name = names.draw(rng.choice(list(parts()["trades"])))
    usci: str | None = random_usci(rng) if rng.random() > 0.08 else None
    if usci and rng.random() < 0.02:
        usci = full_width(usci)
    year = letter.signed.year
    return {
        "loi_no": number,
        "org_code": "YWCT-07",
        "park_name": _park_name(letter),
        "company_name": padded(name, rng) if rng.random() < 0.015 else name,
        "usci": usci,
        "lead_no": f"XS-{year}-{rng.randint(1, 900):04d}" if rng.random() < 0.7 else None,
        "signed_date": sheet_date(letter.signed, rng, letter.signed, 0.03),
        "converted_date": None,
        "withdrawn_date": None,
        "area_m2": _area(letter, rng),
        "status": VALID,
        "lease_no": None,
    }


def _park_name(letter: _Letter) -> str:
    start = _ALIAS_FROM.get(letter.park.park_code)
    named_otherwise = start is not None and start <= letter.place < 100
    return letter.park.aliases[0] if named_otherwise else letter.park.park_name


def _area(letter: _Letter, rng: random.Random) -> object:
    """The area as somebody typed it; every way of writing occurs among the letters of the community."""
    area, plain = letter.area, f"{letter.area:.2f}".rstrip("0").rstrip(".")
    way = rng.randint(0, 40)
    if letter.park.park_code == _COMMUNITY:
        way = letter.place if letter.place < 12 else 0
    if way in (1, 6):
        return f"{plain}㎡"
    if way in (2, 7) and area % 10 == 0:
        return f"{(area / 10_000).normalize():f}万"
    if way == 3:
        return full_width(plain)
    if way == 4:
        return full_width(plain) + "㎡"
    if way == 5:
        return f"{area:,.2f}"
    return area
