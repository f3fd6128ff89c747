"""Ledger ``con_invest_month``: the monthly investment workbooks, row by row as their sheets show them.

Belongs here: files, revisions, and how people write the rows. A row carries the sheet's columns and
``file_name``, ``file_period``, ``file_version``; and ``money_unit``, the unit that the headers of its file
name for the three amounts: 万元, but 元 in the file of March 2024, whose values are in 元 (D05). A file is
sent on the working day by the 5th of the next month (September 2024: 10-08) or, sent again, repeats the
month with the next revision of the rows that changed. January is exempt and inside February. A month
without investment is one row 零报告 that carries the project's sums. ``ytd`` and ``since_start`` run per
component. Dirt: other codes for a project (D14, one of them mapped by nobody), full-width digits and
numbers as text (D01, D07), blanks (D02), dates as text (D06), one short word for a method (D21).
Keep out: how much was invested (``investment_plan``).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from demo.ledgers.code_map import used_codes
from demo.ledgers.forms import full_width, number_text, padded, sheet_date
from demo.ledgers.investment_plan import UNIT_CNY, Months, opening_units, shares_of, true_months
from demo.ledgers.milestones import met
from demo.ledgers.project_lives import Life, lives
from demo.seed_files import seed_tree
from demo.timeline import Event, Row, Timeline
from demo.world import World, month_end, workbook_day

COLUMNS = (
    "project_code", "project_name", "stat_month", "component", "revision", "amount_cny", "ytd_cny",
    "since_start_cny", "physical_pct", "basis", "reported_at", "file_name", "file_period", "file_version",
    "money_unit",
)  # fmt: skip

WORDS = {
    "construction": "建筑工程",
    "installation": "安装工程",
    "equipment": "设备工器具购置",
    "land": "土地购置",
    "other_fee": "其他费用",
    "nil": "零报告",
}
BASIS_WORDS = {"progress": "形象进度法", "financial": "财务支出法"}

_LAST_MONTH = date(2024, 11, 1)
"""December is delivered in January 2025, after the generated history."""

_IN_YUAN = "202403"
_SHORT_BASIS = ("202310", "CT-2023-002")
_UNMAPPED = ("202406", "数字经济产业社区项目", Decimal("12.00"))

Key = tuple[str, date, str]


@dataclass(frozen=True)
class _File:
    month: date
    version: int
    sent: datetime
    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def period(self) -> str:
        return self.month.strftime("%Y%m")

    @property
    def first_reports(self) -> set[str]:
        """Projects of which this file says something of the month for the first time, though it was sent before."""
        return {row["project"] for row in self.rows if "first_report" in row}

    @property
    def name(self) -> str:
        suffix = "" if self.version == 1 else f"_v{self.version}"
        return f"投资统计台账_{self.period}{suffix}.xlsx"


@dataclass(frozen=True)
class _Line:
    """One row in clean form; amounts in units of 100 CNY."""

    component: str
    revision: int
    amount: int
    ytd: int
    since_start: int
    physical_pct: Decimal
    reported_at: date


def build(world: World) -> Timeline:
    """The ledger's timeline: about 1,500 rows a year at scale 1."""
    rng, late = world.rng("con_invest_month.sheet"), world.rng("con_invest_month.late")
    writer = _Writer(world)
    rows: list[Event] = []
    for file in _files():
        writer.take_in(file)
        for life, lines in writer.lines(file):
            is_late = life.project.project_code in file.first_reports
            rows += _shown(file, life, lines, late if is_late else rng)
        if (file.period, file.version) == (_UNMAPPED[0], 1):
            rows.append(_unmapped(file))
    return Timeline("con_invest_month", COLUMNS, rows)


def _files() -> list[_File]:
    """All files in the order they are sent."""
    files: list[_File] = []
    for year, first in ((2023, 2), (2024, 2)):
        for number in range(first, 13):
            month = date(year, number, 1)
            if month <= _LAST_MONTH:
                files.append(_File(month, 1, datetime.combine(workbook_day(month), time(17, 30))))
    told: list[dict[str, Any]] = seed_tree("invest_revisions")["files"]
    for again in told:
        month = datetime.strptime(again["period"], "%Y%m").date()
        files.append(_File(month, again["version"], again["sent"], again["rows"]))
    return sorted(files, key=lambda file: file.sent)


class _Writer:
    """The statistician's book: what is believed of every month, and what was last written about it."""

    def __init__(self, world: World) -> None:
        self.lives = lives(world)
        self.book: dict[str, Months] = true_months(world)
        self.opening = {code: opening_units(self.lives[code]) for code in self.book}
        self.written: dict[Key, _Line] = {}
        done = ((code, met(world, code, "completion")) for code in self.book)
        self.completed = {code: revision.date_met for code, revision in done if revision}
        for file in _files():
            self._misread(file)

    def _misread(self, file: _File) -> None:
        """Put the first files' wrong amounts into the book; taking the later file in rights them."""
        for row in file.rows:
            if "first_report" in row:
                continue
            amounts = self.book[row["project"]][file.month]
            if "now" in row:
                true = _units(row["now"])
                amounts["construction"] += amounts[row["component"]] - true
                amounts[row["component"]] = true
            amounts[row["component"]] += _units(row.get("first_said", 0))

    def take_in(self, file: _File) -> None:
        """Change the book by what a file sent again says otherwise."""
        for row in file.rows:
            if "first_report" in row:
                amounts = dict.fromkeys(self.opening[row["project"]], 0)
                self.book[row["project"]][file.month] = amounts | {
                    row["component"]: _units(row["first_report"])
                }
                continue
            change = _units(row.get("becomes", 0)) - _units(row.get("first_said", 0))
            self.book[row["project"]][file.month][row["component"]] += change

    def lines(self, file: _File) -> Iterator[tuple[Life, list[_Line]]]:
        """The file's rows by project, each with the revision it has come to."""
        for code, months in self.book.items():
            if file.month in months:
                yield self.lives[code], [self._line(code, file, name) for name in _named(months[file.month])]

    def _line(self, code: str, file: _File, component: str) -> _Line:
        amount = self.book[code][file.month].get(component, 0)
        year, total = self._sums(code, file.month, component)
        key, pct = (code, file.month, component), self._physical_pct(code, file.month)
        before = self.written.get(key)
        line = _Line(component, 1, amount, year, total, pct, file.sent.date())
        if before:
            same = (before.amount, before.ytd, before.since_start, before.physical_pct)
            if same == (amount, year, total, pct):
                return before
            line = _Line(component, before.revision + 1, amount, year, total, pct, file.sent.date())
        self.written[key] = line
        return line

    def _sums(self, code: str, month: date, component: str) -> tuple[int, int]:
        """(sum of the year, sum since the start) of one component, or of all of them for a nil row."""
        year = total = 0
        names = list(self.opening[code]) if component == "nil" else [component]
        for name in names:
            total += self.opening[code][name]
            for past, amounts in self.book[code].items():
                if past <= month:
                    total += amounts.get(name, 0)
                    year += amounts.get(name, 0) if past.year == month.year else 0
        return year, total

    def _physical_pct(self, code: str, month: date) -> Decimal:
        """Building and installation done, in percent of their planned part; 100 only when completed."""
        life = self.lives[code]
        done = self.completed.get(code)
        if done and done <= month_end(month):
            return Decimal("100.00")
        parts = ("construction", "installation")
        built = sum(self._sums(code, month, name)[1] for name in parts)
        share = Decimal(str(sum(shares_of(life)[name] for name in parts)))
        pct = Decimal(built) * UNIT_CNY * 100 / (life.project.planned_total_cny * share)
        return min(pct, Decimal("99.50")).quantize(Decimal("0.01"))


def _named(amounts: dict[str, int]) -> list[str]:
    return list(amounts) or ["nil"]


def _units(wan: float) -> int:
    return int(Decimal(str(wan)) * 100)


# --- the sheet ---------------------------------------------------------------------------------------


def _shown(file: _File, life: Life, lines: list[_Line], rng: random.Random) -> Iterator[Event]:
    """The project's rows as somebody typed them; what is merged in the sheet is equal in all of them."""
    code, name = _written_code(life.project.project_code, file.period), life.project.project_name
    if rng.random() < 0.015:
        code = padded(code, rng)
    if rng.random() < 0.02:
        name = padded(name, rng)
    for line in lines:
        yield file.sent, False, _row(file, code, name, life.basis, line, rng)


def _row(file: _File, code: str, name: str, basis: str, line: _Line, rng: random.Random) -> Row:
    method = BASIS_WORDS[basis]
    if (file.period, code) == _SHORT_BASIS:
        method = method.removesuffix("法")
    return {
        "project_code": code,
        "project_name": name,
        "stat_month": file.period,
        "component": WORDS[line.component],
        "revision": line.revision,
        "amount_cny": _amount(file, line.amount, rng),
        "ytd_cny": _amount(file, line.ytd, rng),
        "since_start_cny": _amount(file, line.since_start, rng),
        "physical_pct": line.physical_pct,
        "basis": method,
        "reported_at": sheet_date(line.reported_at, rng, line.reported_at, 0.015),
        "file_name": file.name,
        "file_period": file.period,
        "file_version": file.version,
        "money_unit": "元" if file.period == _IN_YUAN else "万元",
    }


def _written_code(project_code: str, period: str) -> str:
    for used in used_codes():
        if used.project_code == project_code and used.first_month <= period <= used.last_month:
            return used.written
    return project_code


def _amount(file: _File, units: int, rng: random.Random) -> object:
    value = Decimal(units * UNIT_CNY) if file.period == _IN_YUAN else Decimal(units) / 100
    exact = value.quantize(Decimal("0.01"))
    kind = rng.random()
    if kind < 0.008 or exact < 0:
        return number_text(exact)
    if kind < 0.013:
        return full_width(str(exact))
    return exact


def _unmapped(file: _File) -> Event:
    """A row under a name that the code map does not know: held, and no part of any figure."""
    _, name, amount = _UNMAPPED
    row: Row = {
        "project_code": name,
        "project_name": name,
        "stat_month": file.period,
        "component": WORDS["other_fee"],
        "revision": 1,
        "amount_cny": amount,
        "ytd_cny": amount,
        "since_start_cny": amount,
        "physical_pct": Decimal("0.00"),
        "basis": BASIS_WORDS["progress"],
        "reported_at": file.sent.date(),
        "file_name": file.name,
        "file_period": file.period,
        "file_version": file.version,
        "money_unit": "万元",
    }
    return file.sent, False, row
