"""What happens at the sources of the small ledgers, as Hypothesis draws it.

Belongs here: what the four systems hold and send, the steps that change it, and scripts of such steps, night after
night. Keep out: playing a script through the product (``histories``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from tests.assets.history_ledgers import MOST

DAYS = ("2024-05-20", "2024-07-05", "2024-08-31", "2024-09-30", "2024-10-09", "2024-11-03")
MONTHS = ("202408", "202409", "202410")
ORGS, PARKS, SITES = ("O1", "O2"), ("K1", "K2"), ("S1", "S2", "S3")

Row = dict[str, str | None]
Step = tuple[str, int, int]
"""What happens at a source or is decided: its name, which row it befalls, and how much."""
Night = Sequence[Step]


@dataclass
class Sources:
    """What the four systems hold, and what of it tonight's extraction will see: by table, the rows sent."""

    entry: dict[str, Row] = field(default_factory=dict)
    stay: dict[str, Row] = field(default_factory=dict)
    sheet: dict[str, dict[tuple[str, str], Row]] = field(default_factory=dict)
    site: dict[str, Row] = field(default_factory=dict)
    sent: dict[str, list[Row]] = field(default_factory=dict)
    before: dict[str, list[Row]] = field(default_factory=dict)
    changes: int = 0

    def __post_init__(self) -> None:
        for code, org in zip(SITES[:2], ORGS, strict=True):
            self._register(code, org)
        self.send("site", *self.site.values())

    def send(self, table: str, *rows: Row) -> None:
        """Rows that tonight's batch of ``table`` holds."""
        self.sent.setdefault(table, []).extend({**row} for row in rows)

    def taken(self) -> dict[str, list[Row]]:
        """What was sent since it was last taken: one batch a table. Whole months and registers are sent once."""
        batches, self.sent = self.sent, {}
        for table, key in (("sheet", "file_period"), ("site", "")):
            if table in batches:
                batches[table] = self._newest(batches[table], key)
        self.before |= {table: rows for table, rows in batches.items() if rows}
        return batches

    def _newest(self, rows: list[Row], key: str) -> list[Row]:
        if not key:
            return [{**row} for row in self.site.values()]
        newest = {r[key]: max(int(o["file_version"] or 0) for o in rows if o[key] == r[key]) for r in rows}
        return [r for r in rows if int(r["file_version"] or 0) == newest[r[key]]]

    def _register(self, code: str, org: str) -> None:
        self.site[code] = {
            "project_code": code, "org_code": org, "in_statistics": "Y", "status": "1", "status_date": "2024-06-01"
        }  # fmt: skip


def _nth(rows: Mapping[Any, Row], pick: int) -> Row | None:
    return rows[list(rows)[pick % len(rows)]] if rows else None


def _amount(much: int) -> str:
    return f"{much % MOST}.{much % 7}0"


def _entry_new(s: Sources, pick: int, much: int) -> None:
    s.changes += 1
    row: Row = {
        "no": f"E{s.changes}", "project_code": SITES[pick % 3], "entry_date": DAYS[much % len(DAYS)],
        "amount_cny": _amount(much), "reversal_of": None, "made_at": "2024-10-09 10:00:00",
    }  # fmt: skip
    s.entry[f"E{s.changes}"] = row
    s.send("entry", row)


def _entry_red(s: Sources, pick: int, much: int) -> None:
    if row := _nth(s.entry, pick):
        s.changes += 1
        red = {**row, "no": f"E{s.changes}", "reversal_of": row["no"], "amount_cny": f"-{row['amount_cny']}"}
        red["entry_date"] = DAYS[much % len(DAYS)] if much % 2 else row["entry_date"]
        if not str(row["amount_cny"]).startswith("-"):
            s.entry[f"E{s.changes}"] = red
            s.send("entry", red)


def _entry_change(s: Sources, pick: int, much: int, *columns: str) -> None:
    if row := _nth(s.entry, pick):
        values = {"amount_cny": _amount(much), "project_code": SITES[much % 3], "entry_date": DAYS[much % 6]}
        row |= {name: values[name] for name in columns}
        s.send("entry", row)


def _entry_too_much(s: Sources, pick: int, much: int) -> None:
    """A new row above the bound, or a known one that now is."""
    if much % 2 or not s.entry:
        _entry_new(s, pick, much)
        s.sent["entry"].pop()
        pick = len(s.entry) - 1
    if row := _nth(s.entry, pick):
        row["amount_cny"] = f"{MOST + much + 1}"
        s.send("entry", row)


def _entry_twice(s: Sources, pick: int, much: int) -> None:
    """Two different rows of one key in one batch: nobody can say which is right."""
    if row := _nth(s.entry, pick):
        s.send("entry", row, {**row, "amount_cny": _amount(much)})


def _stay_new(s: Sources, pick: int, much: int) -> None:
    s.changes += 1
    row: Row = {
        "no": f"L{s.changes}", "company": f"C{pick % 3}", "org_code": ORGS[pick % 2], "park_code": PARKS[much % 2],
        "in_date": DAYS[much % 4], "out_date": None, "area_m2": _amount(much), "is_valid": "Y",
    }  # fmt: skip
    s.stay[f"L{s.changes}"] = row
    _stamped(s, row)


def _stamped(s: Sources, row: Row) -> None:
    s.changes += 1
    row["ts"] = f"2024-10-01 {s.changes // 60:02d}:{s.changes % 60:02d}:00"
    s.send("stay", row)


def _stay_change(s: Sources, pick: int, much: int, *columns: str) -> None:
    if row := _nth(s.stay, pick):
        values = {
            "area_m2": _amount(much), "park_code": PARKS[much % 2], "company": f"C{much % 3}",
            "out_date": DAYS[much % 6] if much % 3 else None, "is_valid": "YN"[much % 2], "in_date": DAYS[much % 4],
        }  # fmt: skip
        row |= {name: values[name] for name in columns}
        _stamped(s, row)


def _stay_unreadable(s: Sources, pick: int, much: int) -> None:
    if row := _nth(s.stay, pick):
        row["in_date"] = "9月初"
        _stamped(s, row)


def _sheet_month(s: Sources, pick: int, much: int) -> None:
    month = MONTHS[pick % 3]
    if month not in s.sheet:
        s.sheet[month] = {}
        for number in range(1 + much % 3):
            _sheet_put(s, month, (SITES[number], "work"), much + number)
    _sheet_send(s, month)


def _sheet_put(s: Sources, month: str, key: tuple[str, str], much: int) -> None:
    row: Row = {
        "project_code": key[0], "file_period": month, "component": key[1], "amount_cny": _amount(much),
        "file_version": "0",
    }  # fmt: skip
    s.sheet[month][key] = row


def _sheet_send(s: Sources, month: str) -> None:
    s.changes += 1
    for row in s.sheet[month].values():
        row["file_version"] = str(s.changes)
    s.send("sheet", *s.sheet[month].values())


def _sheet_change(s: Sources, pick: int, much: int, change: str) -> None:
    if not s.sheet:
        return
    month = list(s.sheet)[pick % len(s.sheet)]
    rows = s.sheet[month]
    key = list(rows)[much % len(rows)]
    if change == "add":
        _sheet_put(s, month, (SITES[much % 3], f"part{much % 2}"), much)
    elif change == "drop" and len(rows) > 1:
        del rows[key]
    elif change == "move":
        rows[key]["component"] = f"part{much % 2}"
        s.sheet[month] = {(str(r["project_code"]), str(r["component"])): r for r in rows.values()}
    else:
        rows[key]["amount_cny"] = f"{MOST + much + 1}" if change == "too_much" else _amount(much)
    _sheet_send(s, month)


def _site_change(s: Sources, pick: int, much: int, change: str) -> None:
    code = SITES[pick % 3]
    if change == "add" and code not in s.site:
        s._register(code, ORGS[much % 2])
    elif change == "drop" and len(s.site) > 1:
        s.site.pop(code, None)
    elif row := s.site.get(code):
        values: dict[str, Row] = {
            "org": {"org_code": ORGS[much % 2]}, "class": {"in_statistics": "YN"[much % 2]},
            "state": {"status": str(1 + much % 3), "status_date": DAYS[much % 4]},
        }  # fmt: skip
        row |= values.get(change, {})
    s.send("site", *s.site.values())


def _resend(s: Sources, pick: int, much: int) -> None:
    """The batch before once more, as it was: of a month an older delivery perhaps."""
    if s.before:
        table = sorted(s.before)[pick % len(s.before)]
        if table not in s.sent:
            s.send(table, *s.before[table])


def _just(act: Callable[..., None], *words: str) -> Callable[[Sources, int, int], None]:
    return lambda s, pick, much: act(s, pick, much, *words)


HAPPENS: Mapping[str, Callable[[Sources, int, int], None]] = {
    "entry: new": _entry_new,
    "entry: red letter": _entry_red,
    "entry: corrected": _just(_entry_change, "amount_cny"),
    "entry: moved to another project": _just(_entry_change, "project_code"),
    "entry: moved and corrected": _just(_entry_change, "project_code", "amount_cny"),
    "entry: another period": _just(_entry_change, "entry_date"),
    "entry: too much": _entry_too_much,
    "entry: twice": _entry_twice,
    "stay: new": _stay_new,
    "stay: corrected": _just(_stay_change, "area_m2"),
    "stay: moved": _just(_stay_change, "park_code", "company"),
    "stay: left": _just(_stay_change, "out_date"),
    "stay: void": _just(_stay_change, "is_valid"),
    "stay: unreadable": _stay_unreadable,
    "stay: readable": _just(_stay_change, "in_date", "area_m2"),
    "sheet: month": _sheet_month,
    "sheet: late row": _just(_sheet_change, "add"),
    "sheet: row gone": _just(_sheet_change, "drop"),
    "sheet: row moved": _just(_sheet_change, "move"),
    "sheet: corrected": _just(_sheet_change, "correct"),
    "sheet: too much": _just(_sheet_change, "too_much"),
    "site: new": _just(_site_change, "add"),
    "site: gone": _just(_site_change, "drop"),
    "site: another company": _just(_site_change, "org"),
    "site: another class": _just(_site_change, "class"),
    "site: another state": _just(_site_change, "state"),
    "resent": _resend,
}
DECISIONS = ("waive", "revoke", "replay")
MEND = "mend"
"""From this night on the contract of ``entry`` allows what it rejected."""


def scripts(nights: int = 4, *, mending: bool = True) -> st.SearchStrategy[list[list[Step]]]:
    """Scripts of ``nights`` nights; every kind of step has the same chance, decisions a better one."""
    names = [*HAPPENS, *DECISIONS, *DECISIONS, *([MEND] if mending else [])]
    step = st.tuples(st.sampled_from(names), st.integers(0, 5), st.integers(1, MOST - 1))
    first = st.lists(
        st.tuples(st.sampled_from(_BEGINNING), st.integers(0, 5), st.integers(1, MOST - 1)), max_size=5
    )
    later = st.lists(st.lists(step, max_size=5), min_size=nights - 1, max_size=nights - 1)
    return st.builds(lambda one, rest: [one, *rest], first, later)


_BEGINNING = (
    "entry: new",
    "entry: too much",
    "stay: new",
    "sheet: month",
    "sheet: late row",
    "sheet: too much",
)
