"""The plant system's ledger con_cc_contract: supply contracts, every column text.

Belongs here: which state of a contract the system shows from when (signed, its price moved with the
official price, the buyer renamed, closed), and how people spell it: blanks for NULL (D02), numbers in
full-width digits, with commas or blanks (D01, D07), words for codes (D21), a project's short name for its code
(D14). Keep out: who buys what at which price (``concrete_contracts``).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from demo.ledgers.concrete_contracts import SELLER, Contract, contracts
from demo.ledgers.forms import full_width, office_time
from demo.timeline import Event, Row, Timeline
from demo.world import HISTORY_END, World, next_workday

TABLE = "con_cc_contract"
COLUMNS = (
    "contract_no", "org_code", "customer_usci", "customer_name", "site_name", "project_code", "sign_date",
    "price_rule", "base_price_c30", "vat_mode", "est_m3", "status", "updated_at",
)  # fmt: skip

_REPRICED = date(2024, 1, 5)
"""Contracts that follow the official price were repriced for 2024."""
_LEVEL_2023 = 105
_CLOSED_AFTER = timedelta(days=35)
_M3_A_WEIGHT = 620

RENAMED = {"KH0017": ("海天建设有限公司", datetime(2023, 8, 22, 10, 14, 5))}
"""Buyer to the name it bore before, and the day the plant learnt of the new one (D15)."""
_RAISED = ("JK-HT-2024-003", datetime(2024, 10, 24, 9, 48, 16))
"""The estimate of a running contract, corrected after the bulletin."""
_SPELT: dict[str, Row] = {
    "JK-HT-2024-002": {"site_name": "北苑街道机场路与常青路交叉口东北侧地块(二标段)"},
    "JK-HT-2023-012": {"project_code": "芯片园二期"},
    "JK-HT-2023-022": {"vat_mode": "简易3%"},
    "JK-HT-2023-016": {"status": "履行中"},
}


def build(world: World) -> Timeline:
    """The ledger's timeline: about 80 contracts, two or three states each."""
    rows: list[Event] = []
    for serial, contract in enumerate(contracts(world)):
        rows += _states(world, contract, serial)
    end = datetime.combine(HISTORY_END, time.max)
    return Timeline(TABLE, COLUMNS, [event for event in rows if event[0] <= end])


def _states(world: World, contract: Contract, serial: int) -> Iterator[Event]:
    rng = world.rng(f"con_cc_contract.sheet:{contract.contract_no}")
    at = office_time(next_workday(contract.sign_date), rng)
    row = _row(contract, serial)
    yield _event(row, at)
    for changed_at, values in sorted(_changes(world, contract), key=lambda change: change[0]):
        if changed_at > at:
            row = row | values
            yield _event(row, changed_at)


def _event(row: Row, at: datetime) -> Event:
    return at, False, row | {"updated_at": at.isoformat(" ", "seconds")}


def _changes(world: World, contract: Contract) -> Iterator[tuple[datetime, Row]]:
    rng = world.rng(f"con_cc_contract.changes:{contract.contract_no}")
    if _follows_index(contract):
        yield office_time(_REPRICED, rng), {"base_price_c30": _cny(contract.base_price)}
    renamed = RENAMED.get(contract.customer_code)
    if renamed:
        yield renamed[1], {"customer_name": contract.customer_name}
    if contract.contract_no == _RAISED[0]:
        yield _RAISED[1], {"est_m3": _m3(contract, 108)}
    if contract.last_day < HISTORY_END:
        closed = office_time(next_workday(contract.last_day + _CLOSED_AFTER), rng)
        yield closed, {"status": "closed"}


def _follows_index(contract: Contract) -> bool:
    return contract.price_rule != "fixed" and contract.sign_date < _REPRICED


def _row(contract: Contract, serial: int) -> Row:
    price = (
        contract.base_price * _LEVEL_2023 // 10_000 * 100 if _follows_index(contract) else contract.base_price
    )
    row: Row = {
        "contract_no": contract.contract_no,
        "org_code": SELLER,
        "customer_usci": contract.customer_usci,
        "customer_name": RENAMED.get(contract.customer_code, (contract.customer_name,))[0],
        "site_name": contract.site_name,
        "project_code": contract.project_code or (None, "", " ")[serial % 3],
        "sign_date": contract.sign_date.isoformat(),
        "price_rule": contract.price_rule,
        "base_price_c30": _cny(price),
        "vat_mode": "simple3",
        "est_m3": _m3(contract, 100) if serial % 11 else None,
        "status": "active",
        "updated_at": "",
    }
    return row | _misspelt(contract, serial, row) | _SPELT.get(contract.contract_no, {})


def _misspelt(contract: Contract, serial: int, row: Row) -> Row:
    """A usci in full-width letters, a comma in an estimate, a blank about a name: one contract each."""
    if serial == 33:
        return {"customer_usci": full_width(contract.customer_usci)}
    if serial == 41 and row["est_m3"]:
        return {"est_m3": f" {row['est_m3']}"}
    return {"customer_name": f"{contract.customer_name}\u3000"} if serial == 57 else {}


def _m3(contract: Contract, pct: int) -> str:
    months = max((contract.last_day - contract.first_day).days // 30, 1)
    whole = contract.weight * months * _M3_A_WEIGHT // 12 * pct // 100 // 10 * 10
    return f"{whole:,}.00" if contract.weight % 9 == 0 else f"{whole}.00"


def _cny(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"
