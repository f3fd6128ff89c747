"""Ledger ``promo_activity``: trips, visits and salons, as the promotion company's monthly workbooks show them.

Belongs here: the list and the files it comes in. Since June 2024 the month's workbook is sent again every
Thursday with the whole month, before that once after its end; the highest version of a month is in force.
January to September 2024: 42 trips; 101 visits of which 27 stand on the park platform too, whose 33 others
make 107 together; one salon that stands there too (R42): counting either list alone, or both without the
duplicate rule, is wrong. The file of October names a trip, a visit and a salon of 8 to 10 October. August was
sent again without a row entered twice; September again in November with a visit forgotten (D28).
Dirt: dates as text (D06), older words (D21), cities parted by three kinds of comma, full-width digits and
blanks (D01, D02), companies under a shorter name (D16). Keep out: leads (``leads``), the platform's own list.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from demo.ledgers import activities
from demo.ledgers.forms import dotted, full_width, padded, pick_rows, sheet_date, some_workday
from demo.ledgers.lead_plan import Lead, leads
from demo.ledgers.names import CompanyNames, parts
from demo.seed_files import seed_tree
from demo.timeline import Event, Row, Timeline
from demo.world import AS_OF, World, days_between, is_workday, month_end, months_between, workbook_day

COLUMNS = (
    "promo_no", "org_code", "activity_type", "title", "activity_date", "park_code", "company_name", "lead_no",
    "dest_city", "company_visits", "person_visits", "file_period", "file_version",
)  # fmt: skip

WORDS = {
    "outbound_promotion": ("外出招商", "赴外招商"),
    "inbound_visit": ("来访考察", "来访接待"),
    "investment_salon": ("招商沙龙", "沙龙"),
}
"""Word of each type, and the one an older hand writes (D21)."""

SPANS = (
    (date(2023, 1, 4), date(2023, 12, 28)),
    (date(2024, 1, 3), date(2024, 9, 27)),
    (date(2024, 10, 14), date(2024, 12, 24)),
)
_WEEKLY_SINCE = date(2024, 6, 1)
_SENT, _THURSDAY = time(16, 45), 3


@dataclass(frozen=True)
class Promotion:
    """One activity of the list."""

    kind: str
    day: date
    title: str
    companies: int
    persons: int
    park_code: str | None = None
    company: str | None = None
    lead_no: str | None = None
    city: str | None = None


def build(world: World) -> Timeline:
    """The ledger's timeline: about 200 activities a year at scale 1, each in every file of its month."""
    told: dict[str, Any] = seed_tree("promotions")
    rng = world.rng("promo_activity")
    found = sorted(promotions(world, told, rng), key=lambda p: (p.day, p.kind, p.title, p.company or ""))
    rows: list[Event] = []
    for month in months_between(date(2023, 1, 1), date(2024, 12, 1)):
        lines = []
        for number, promotion in enumerate((p for p in found if p.day.replace(day=1) == month), 1):
            lines.append((promotion.day, _shown(f"TJ-{month:%Y%m}-{number:03d}", promotion, rng)))
        rows += _files(month, lines, told, rng)
    return Timeline("promo_activity", COLUMNS, rows)


def promotions(world: World, told: dict[str, Any], rng: random.Random) -> Iterator[Promotion]:
    """All activities but the doubled and the forgotten one."""
    draw = _Draw(world, told, rng)
    for kind, counts in told["counts"].items():
        for (first, last), count, times in zip(SPANS, counts, (world.scale, 1, 1), strict=True):
            for _ in range(count * times):
                day = some_workday(first, last, rng)
                yield draw.trip(day) if kind == "outbound_promotion" else draw.visit(day)
    for row in told["trips"]:
        yield Promotion(
            "outbound_promotion",
            row["date"],
            row["title"],
            row["companies"],
            row["persons"],
            city=row["city"],
        )
    for row in told["visits"]:
        yield _told(row)
    yield from draw.on_platform()


def _told(row: dict[str, Any]) -> Promotion:
    return Promotion(
        "inbound_visit", row["date"], row["title"], row["companies"], row["persons"], row["park"],
        row["company"],
    )  # fmt: skip


class _Draw:
    def __init__(self, world: World, told: dict[str, Any], rng: random.Random) -> None:
        self.world, self.told, self.rng = world, told, rng
        self.names = CompanyNames(world.rng("promo_activity.names"))
        self.parks = [p for p in world.parks if p.park_kind != "public_park"]
        self.leads = list(leads(world))

    def trip(self, day: date) -> Promotion:
        """A trip to one to three cities."""
        rng = self.rng
        cities = rng.sample(self.told["cities"], rng.choice((1, 1, 1, 2, 2, 3)))
        return Promotion(
            "outbound_promotion", day, f"赴{cities[0]}{rng.choice(self.told['titles']['outbound_promotion'])}",
            rng.randint(1, 5), rng.randint(2, 7), city=rng.choice(self.told["separators"]).join(cities),
        )  # fmt: skip

    def visit(self, day: date) -> Promotion:
        """A visit by the company of a lead talked with at the time, or by one nobody follows up."""
        rng = self.rng
        lead = self._lead(day)
        park = lead.park_code if lead and lead.park_code else rng.choice(self.parks).park_code
        company = lead.company if lead else self.names.draw(rng.choice(list(parts()["trades"])))
        return Promotion(
            "inbound_visit", day, rng.choice(self.told["titles"]["inbound_visit"]), 1, rng.randint(2, 9), park,
            company, lead.lead_no if lead else None,
        )  # fmt: skip

    def _lead(self, day: date) -> Lead | None:
        if self.rng.random() < 0.25:
            return None
        near = [
            lead
            for lead in self.leads
            if lead.contacted <= day <= lead.contacted + timedelta(days=60)
            and (lead.signed is None or lead.signed > day)
            and (lead.lost is None or lead.lost > day)
        ]
        return self.rng.choice(near) if near else None

    def on_platform(self) -> Iterator[Promotion]:
        """Visits and salons the park platform holds too, in this list's words."""
        rows: dict[object, Row] = {row["activity_no"]: row for _, _, row in activities.build(self.world).rows}
        for (first, last), count, place in zip(
            SPANS, self.told["also_on_platform"], self.told["salons_also_on_platform"], strict=True
        ):
            dated = [(_day(row), row) for row in rows.values()]
            of_span = [(day, row) for day, row in dated if first <= day <= last]
            visits = [pair for pair in of_span if pair[1]["activity_type"] == "inbound_visit"]
            salons = [pair for pair in of_span if pair[1]["activity_type"] == "investment_salon"]
            for day, row in pick_rows(visits, min(count, len(visits)), self.rng):
                yield self._same(day, row)
            yield self._same(*salons[place])
        # Of 8 to 10 October both lists hold the same visit and the same salon.
        for row in rows.values():
            if AS_OF < _day(row) < SPANS[2][0] and row["activity_type"] in WORDS:
                yield self._same(_day(row), row)

    def _same(self, day: date, row: Row) -> Promotion:
        """The platform's row as this list says it: now and then under a shorter name or another title."""
        name = str(row["company_name"]) if row["company_name"] else None
        title = str(row["title"]).strip()
        if name and self.rng.random() < 0.5:
            title = self.rng.choice(self.told["titles"]["inbound_visit"])
        elif name and self.rng.random() < 0.15:
            name = name.replace("（义乌）", "").replace("股份有限公司", "公司").replace("有限公司", "公司")
        companies, persons = int(str(row["company_visits"])), int(str(row["person_visits"]))
        return Promotion(
            str(row["activity_type"]), day, title, companies, persons, str(row["park_code"]), name
        )


def _day(row: Row) -> date:
    return (datetime.fromisoformat(str(row["activity_date"])) + timedelta(hours=8)).date()


# --- the files ---------------------------------------------------------------------------------------


def _files(
    month: date, lines: list[tuple[date, Row]], told: dict[str, Any], rng: random.Random
) -> Iterator[Event]:
    doubled, late = told["doubled"], told["late"]
    days = _sending_days(month)
    for version, sent in enumerate(days, 1):
        known = [(day, row) for day, row in lines if day <= sent]
        if month == doubled["file"] and doubled["date"] <= sent < days[-1]:
            known.append((doubled["date"], _shown(f"TJ-{month:%Y%m}-900", _told(doubled), rng)))
        yield from _file(month, version, datetime.combine(sent, _SENT), [row for _, row in known])
    if month == late["date"].replace(day=1):
        forgotten = _shown(f"TJ-{month:%Y%m}-901", _told(late), rng)
        yield from _file(month, len(days) + 1, late["sent"], [*(row for _, row in lines), forgotten])


def _sending_days(month: date) -> list[date]:
    """Thursdays of the month that are worked (since June 2024), and the day after its end."""
    thursdays = [
        d for d in days_between(month, month_end(month)) if d.weekday() == _THURSDAY and is_workday(d)
    ]
    return [*(thursdays if month >= _WEEKLY_SINCE else []), workbook_day(month)]


def _file(month: date, version: int, sent: datetime, lines: list[Row]) -> Iterator[Event]:
    of_file: Row = {"file_period": month.strftime("%Y%m"), "file_version": version}
    for line in lines or [dict.fromkeys(COLUMNS[:-2])]:
        yield sent, False, {**line, **of_file}


def _shown(number: str, promotion: Promotion, rng: random.Random) -> Row:
    persons: object = promotion.persons
    if rng.random() < 0.012:
        persons = full_width(str(promotion.persons))
    company = promotion.company
    return {
        "promo_no": number,
        "org_code": padded("YWCT-07", rng) if rng.random() < 0.01 else "YWCT-07",
        "activity_type": WORDS[promotion.kind][rng.random() < 0.02],
        "title": promotion.title,
        "activity_date": sheet_date(promotion.day, rng, dotted(promotion.day), 0.05),
        "park_code": promotion.park_code,
        "company_name": padded(company, rng) if company and rng.random() < 0.02 else company,
        "lead_no": promotion.lead_no,
        "dest_city": promotion.city,
        "company_visits": promotion.companies,
        "person_visits": persons,
    }
