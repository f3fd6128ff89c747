"""Ledger ``park_lead``: leads of investment promotion, as sheet 线索 of the promotion company's workbook shows.

Belongs here: the list of leads and its changes; the weekly workbook holds it beside the letters of intent.
Stages move on (已对接, 已考察, 洽谈中, 已签约, 已落地, 已投产, 已流失), the dates stay, so that a lead signed in May
that landed in August still counts as signed (C16). Investment is in 亿元. Dirt: one investment typed in 万元 (D05),
a day nobody can read and dates as text (D06), older words (D21), full-width digits and blanks (D01, D02), a
mistyped credit code (D17). After 2024-10-10 a signing of September is entered late.
Keep out: which leads there are (``lead_plan``), letters, visits.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from demo.ledgers.forms import full_width, padded, sheet_date
from demo.ledgers.lead_plan import Lead, leads, office
from demo.seed_files import seed_tree
from demo.timeline import Event, Row, Timeline
from demo.world import World

COLUMNS = (
    "lead_no", "org_code", "project_name", "company_name", "usci", "industry_code", "level", "tier",
    "total_invest_cny", "stage", "contacted_date", "signed_date", "landed_date", "production_date",
    "lost_date", "park_code",
)  # fmt: skip

WORDS = {
    "contacted": ("已对接", "对接"),
    "visited": ("已考察", "考察"),
    "negotiating": ("洽谈中", "洽谈"),
    "signed": ("已签约", "签约"),
    "landed": ("已落地", "落地"),
    "production": ("已投产", "投产"),
    "lost": ("已流失", "终止"),
}
"""Word of each stage, and the one an older hand writes (D21)."""

_TIERS = {"leading": "领军", "normal": "普通", None: None}


def build(world: World) -> Timeline:
    """The ledger's timeline: 900 leads at scale 1, one state per stage."""
    rng = world.rng("park_lead.sheet")
    told: dict[str, Any] = seed_tree("leads")
    rows: list[Event] = []
    for lead in leads(world):
        rows += _states(lead, rng, told)
    return Timeline("park_lead", COLUMNS, rows)


def _states(lead: Lead, rng: random.Random, told: dict[str, Any]) -> Iterator[Event]:
    row, unreadable = _row(lead, rng), told["unreadable_day"]
    right, wrong = row["total_invest_cny"], told["wrong_unit"]
    if lead.project == wrong["project"]:
        row["total_invest_cny"] = wrong["typed"]
    for at, stage, dates in sorted(_stages(lead, rng), key=lambda entry: entry[0]):
        row = row | {"stage": WORDS[stage][rng.random() < 0.012]}
        row |= {name: sheet_date(day, rng, day, 0.02) for name, day in dates.items()}
        if lead.project == unreadable["project"]:
            row["contacted_date"] = unreadable["typed"]
        yield at, False, row
    if lead.project == wrong["project"]:
        yield wrong["righted"], False, row | {"total_invest_cny": right}


def _stages(lead: Lead, rng: random.Random) -> Iterator[tuple[datetime, str, dict[str, date]]]:
    """When each stage is written down, and the dates that come with it."""
    end = min((day for day in (lead.signed, lead.lost) if day), default=date(2099, 1, 1))
    last = max(day for day in (lead.contacted, lead.signed, lead.landed, lead.production, lead.lost) if day)

    def seen(day: date) -> datetime:
        return lead.seen if lead.seen and day == last else office(day, rng)

    yield seen(lead.contacted), "contacted", {"contacted_date": lead.contacted}
    for stage, days in (("visited", rng.randint(9, 40)), ("negotiating", rng.randint(41, 90))):
        if lead.contacted + timedelta(days=days) < end and rng.random() < 0.7:
            yield office(lead.contacted + timedelta(days=days), rng), stage, {}
    for stage, day in (("signed", lead.signed), ("landed", lead.landed), ("production", lead.production)):
        if day:
            yield seen(day), stage, {f"{stage}_date": day}
    if lead.lost:
        yield seen(lead.lost), "lost", {"lost_date": lead.lost}


def _row(lead: Lead, rng: random.Random) -> Row:
    usci = lead.usci
    if usci and rng.random() < 0.012:
        usci = full_width(usci)
    elif usci and lead.signed is None and lead.tier != "leading" and rng.random() < 0.004:
        usci = usci[:16] + usci[17] + usci[16]
    level = "市重大" if lead.level == "市重大产业项目" and lead.lost else lead.level
    return {
        "lead_no": lead.lead_no,
        "org_code": "YWCT-07",
        "project_name": padded(lead.project, rng) if rng.random() < 0.008 else lead.project,
        "company_name": padded(lead.company, rng) if rng.random() < 0.012 else lead.company,
        "usci": usci,
        "industry_code": lead.industry,
        "level": level,
        "tier": "领军企业" if lead.tier == "leading" and rng.random() < 0.2 else _TIERS[lead.tier],
        "total_invest_cny": lead.invest,
        "stage": None,
        "contacted_date": None,
        "signed_date": None,
        "landed_date": None,
        "production_date": None,
        "lost_date": None,
        "park_code": lead.park_code,
    }
