"""Master data of the books: fin_org, fin_account, fin_account_map and fin_period.

Belongs here: what NC and the group's mapping workbook say about companies, accounts and periods, and the
few changes of these in 2023 and 2024. Keep out: the accounts themselves (``seeds/fin_accounts.csv``) and
the closing days (``finance_calendar``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from demo.ledgers.concrete_contracts import SELLER
from demo.ledgers.finance_calendar import ADJUSTMENT, REOPENINGS, YEARS, Period, closed_at, opened_at
from demo.ledgers.finance_chart import Account, chart
from demo.timeline import Event, Row, Timeline
from demo.world import HISTORY_END, HISTORY_START, Org, World

ORG_COLUMNS = (
    "org_code",
    "org_name",
    "short_name",
    "usci",
    "parent_org_code",
    "consolidation_pct",
    "industry_code",
    "valid_from",
    "valid_to",
    "ts",
)
ACCOUNT_COLUMNS = (
    "org_code",
    "account_code",
    "account_name",
    "level_no",
    "account_class",
    "balance_dir",
    "is_leaf",
    "aux_types",
    "ts",
)
MAP_COLUMNS = ("org_code", "account_code", "valid_from", "valid_to", "group_account_code", "metric_tag")
PERIOD_COLUMNS = (
    "org_code",
    "fiscal_year",
    "period_no",
    "state_seq",
    "start_date",
    "end_date",
    "close_status",
    "changed_at",
    "changed_by",
    "first_closed_at",
    "ts",
)
_START = datetime.combine(HISTORY_START, time(0, 1))
_RENAMED = ("YWCT-11", "义乌市科创园区投资有限公司", datetime(2023, 6, 19, 10, 32, 6))
"""Book, name before, and when its present name was registered."""

MORTAR = "60010104"
"""Mortar counted as concrete until the end of 2023; since then the map gives it no metric tag."""
_MAP_CHANGE = date(2024, 1, 1)
_MAP_FILE_2024 = datetime(2024, 1, 5, 9, 30)

SPLIT_ACCOUNT = ("YWCT-02", "660243")
"""A leaf nobody had posted to, closed to postings when two accounts were opened below it."""
_SPLIT_AT = datetime(2024, 1, 2, 11, 5, 44)
_SPLIT_INTO = (("01", "招商中介费"), ("02", "评估中介费"))
_FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


def _stamp(moment: datetime) -> str:
    return moment.isoformat(" ", "seconds")


def _org_row(org: Org, name: str, valid_from: date, moment: datetime) -> Row:
    """A company as NC shows it; the share is a percentage there, two of the names carry blanks (D02)."""
    dirty = org.org_code in ("YWCT-06", "YWCT-09")
    return {
        "org_code": org.org_code,
        "org_name": f"{name}  " if dirty else name,
        "short_name": org.short_name,
        "usci": org.usci,
        "parent_org_code": org.parent_org_code,
        "consolidation_pct": (org.consolidation_pct * 100).quantize(Decimal("0.01")),
        "industry_code": org.industry_code,
        "valid_from": valid_from,
        "valid_to": None,
        "ts": _stamp(moment),
    }


def _orgs(world: World) -> Iterator[Event]:
    for number, org in enumerate(world.orgs):
        code, former, renamed_at = _RENAMED
        founded = date(2016 + number % 6, 3 + number % 9, 8 + number)
        name = former if org.org_code == code else org.org_name
        yield _START, False, _org_row(org, name, founded, _START)
        if org.org_code == code:
            yield renamed_at, False, _org_row(org, org.org_name, renamed_at.date(), renamed_at)


def _account_row(org_code: str, account: Account, moment: datetime) -> Row:
    return {
        "org_code": org_code,
        "account_code": account.code,
        "account_name": account.name,
        "level_no": account.level,
        "account_class": account.account_class,
        "balance_dir": account.direction,
        "is_leaf": "Y" if account.is_leaf else "N",
        "aux_types": ",".join(account.aux) or None,
        "ts": _stamp(moment),
    }


def _accounts(world: World) -> Iterator[Event]:
    for org in world.orgs:
        for number, account in enumerate(chart(org.org_code).values()):
            row = _account_row(org.org_code, account, _START)
            if number % 160 == 77:
                row["account_name"] = f"{account.name}\u3000"
            if not account.aux and number % 60 == 11:
                row["aux_types"] = " "
            yield _START, False, row
    org_code, parent = SPLIT_ACCOUNT[0], chart(SPLIT_ACCOUNT[0])[SPLIT_ACCOUNT[1]]
    yield _SPLIT_AT, False, _account_row(org_code, parent, _SPLIT_AT) | {"is_leaf": "N"}
    for child in _split_accounts():
        yield _SPLIT_AT, False, _account_row(org_code, child, _SPLIT_AT)


def _split_accounts() -> list[Account]:
    """The two accounts opened below :data:`SPLIT_ACCOUNT`."""
    parent = chart(SPLIT_ACCOUNT[0])[SPLIT_ACCOUNT[1]]
    return [replace(parent, code=parent.code + tail, name=name) for tail, name in _SPLIT_INTO]


def _map_row(org_code: str, account: Account, tag: str | None, first: date, end: date | None) -> Row:
    return {
        "org_code": org_code,
        "account_code": account.code,
        "valid_from": first,
        "valid_to": end,
        "group_account_code": account.group_code,
        "metric_tag": tag,
    }


def _account_map(world: World) -> Iterator[Event]:
    """All leaves, mapped once; some group codes are typed in full-width digits (D01)."""
    for org in world.orgs:
        for number, account in enumerate(chart(org.org_code).values()):
            if not account.is_leaf:
                continue
            mortar = (org.org_code, account.code) == (SELLER, MORTAR)
            tag = "concrete_revenue" if mortar else account.tag or None
            row = _map_row(org.org_code, account, tag, HISTORY_START, None)
            if tag is None and number % 97 == 60:
                row["group_account_code"] = account.group_code.translate(_FULL_WIDTH)
            yield _START, False, row
    yield from _map_of_2024()


def _map_of_2024() -> Iterator[Event]:
    """The workbook of January 2024: mortar leaves concrete revenue, and the split account its leaves."""
    mortar, split = chart(SELLER)[MORTAR], chart(SPLIT_ACCOUNT[0])[SPLIT_ACCOUNT[1]]
    rows = [
        _map_row(SELLER, mortar, "concrete_revenue", HISTORY_START, _MAP_CHANGE),
        _map_row(SELLER, mortar, None, _MAP_CHANGE, None),
        _map_row(SPLIT_ACCOUNT[0], split, None, HISTORY_START, _MAP_CHANGE),
    ]
    rows += [_map_row(SPLIT_ACCOUNT[0], child, None, _MAP_CHANGE, None) for child in _split_accounts()]
    yield from ((_MAP_FILE_2024, False, row) for row in rows)


def _period_states(org_code: str, period: Period) -> list[tuple[str, datetime]]:
    states = [("open", opened_at(org_code, period)), ("closed", closed_at(org_code, period))]
    for again in REOPENINGS:
        if (again.org_code, again.period) == (org_code, period):
            states += [("reopened", again.reopened_at), ("closed", again.closed_at)]
    return states


def _periods(world: World) -> Iterator[Event]:
    """Every state of every period as a row of its own; the first close is carried along."""
    for org in world.orgs:
        for year in YEARS:
            for number in range(1, ADJUSTMENT + 1):
                period, first_closed = Period(year, number), closed_at(org.org_code, Period(year, number))
                for seq, (status, moment) in enumerate(_period_states(org.org_code, period), 1):
                    yield (
                        moment,
                        False,
                        {
                            "org_code": org.org_code,
                            "fiscal_year": str(year),
                            "period_no": period.text,
                            "state_seq": seq,
                            "start_date": period.first_day if number < ADJUSTMENT else period.last_day,
                            "end_date": period.last_day,
                            "close_status": status,
                            "changed_at": moment,
                            "changed_by": f"总账{org.org_code[-2:]}",
                            "first_closed_at": None if status == "open" else first_closed,
                            "ts": _stamp(moment),
                        },
                    )


def build(world: World) -> list[Timeline]:
    """Give the timelines of the four master tables; at scale N they stay the same."""
    end = datetime.combine(HISTORY_END, time()) + timedelta(days=1)
    tables = (
        ("fin_org", ORG_COLUMNS, _orgs(world)),
        ("fin_account", ACCOUNT_COLUMNS, _accounts(world)),
        ("fin_account_map", MAP_COLUMNS, _account_map(world)),
        ("fin_period", PERIOD_COLUMNS, _periods(world)),
    )
    return [
        Timeline(table, columns, [event for event in events if event[0] < end])
        for table, columns, events in tables
    ]
