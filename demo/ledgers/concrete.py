"""The plant system's ledgers: delivery tickets (con_cc_delivery), every column text, and the contracts.

Belongs here: which versions of a ticket the system shows from when, and how people spell numbers there
(D01 full-width digits, D07 numbers with commas and blanks). Keep out: what was delivered
(``concrete_tickets``), for whom (``concrete_contracts``), and the rows of contracts (``concrete_supply``).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from functools import lru_cache

from demo.ledgers import concrete_supply
from demo.ledgers.concrete_contracts import SELLER, Contract, contracts
from demo.ledgers.concrete_tickets import Ticket, tickets
from demo.timeline import Event, Row, Timeline, collector_paused
from demo.world import HISTORY_END, STATE_TIME, UP_DAY, World

TABLE = "con_cc_delivery"
COLUMNS = (
    "ticket_no",
    "plant_code",
    "org_code",
    "task_no",
    "contract_no",
    "strength_grade",
    "pour_part",
    "truck_no",
    "plan_m3",
    "batched_m3",
    "signed_m3",
    "returned_m3",
    "gross_kg",
    "tare_kg",
    "out_time",
    "arrive_time",
    "sign_time",
    "delivered_at",
    "unit_price",
    "status",
    "updated_at",
)
_CUT_OFF = datetime.combine(UP_DAY, STATE_TIME)
_FULL_WIDTH = str.maketrans("0123456789.", "０１２３４５６７８９．")
_DIRTY_EVERY = 83
_NUMBERS = ("plan_m3", "batched_m3", "signed_m3", "returned_m3", "gross_kg", "unit_price")


@lru_cache(maxsize=1 << 16)
def _hundredths(value: int) -> str:
    """-850 -> "-8.50"."""
    whole, rest = divmod(abs(value), 100)
    return f"{'-' if value < 0 else ''}{whole}.{rest:02d}"


def _tenths(value: int) -> str:
    return f"{value // 10}.{value % 10}"


def _row(ticket: Ticket, status: str, updated: datetime) -> Row:
    """The ticket as the system shows it in `status`; a load not yet signed lacks all that comes later."""
    serial, done = ticket.serial, status != "loaded" and ticket.fate != "void_loaded"
    arrived = done and serial % 131 != 77
    signed_at = ticket.sign.isoformat(" ") if done else None
    mass = abs(ticket.batched) * ticket.density // 10
    return {
        "ticket_no": ticket.ticket_no,
        "plant_code": ticket.plant,
        "org_code": SELLER,
        "task_no": f"RW{ticket.ticket_no[4:12]}{ticket.contract.contract_no[-3:]}",
        "contract_no": ticket.contract.contract_no,
        "strength_grade": ticket.grade,
        "pour_part": ticket.part,
        "truck_no": ticket.truck,
        "plan_m3": _hundredths(ticket.plan),
        "batched_m3": _hundredths(ticket.batched),
        "signed_m3": _hundredths(ticket.signed) if done else None,
        "returned_m3": _hundredths(ticket.returned) if done and ticket.returned else None,
        "gross_kg": _tenths(ticket.tare + mass),
        "tare_kg": _tenths(ticket.tare),
        "out_time": ticket.out.isoformat(" "),
        "arrive_time": ticket.arrive.isoformat(" ") if arrived else None,
        "sign_time": signed_at if serial % 700 != 99 else None,
        "delivered_at": signed_at,
        "unit_price": _hundredths(ticket.price) if serial % 100 != 63 else None,
        "status": status,
        "updated_at": updated.isoformat(" "),
    }


def _written(ticket: Ticket) -> datetime:
    """When the signed slip is in the system: minutes after it was signed."""
    return ticket.sign + timedelta(seconds=60 + ticket.serial * 37 % 1100)


def _loaded(ticket: Ticket) -> Event:
    at = ticket.out + timedelta(seconds=180)
    return at, False, _row(ticket, "loaded", at)


def _signed(ticket: Ticket, at: datetime) -> Event:
    return at, False, _row(ticket, "signed", at)


def _changed(ticket: Ticket, at: datetime, **values: str) -> Event:
    return at, False, _row(ticket, "signed", at) | values


def _plain(ticket: Ticket, _: Contract) -> list[Event]:
    """Signed the same day; of some loads the system has shown the loaded state before."""
    at = _written(ticket)
    seen_loaded = ticket.serial % 53 == 7 or ticket.out < _CUT_OFF < at
    return [_loaded(ticket), _signed(ticket, at)] if seen_loaded else [_signed(ticket, at)]


def _void(ticket: Ticket, _: Contract) -> list[Event]:
    """Void after signing, soon or the next morning; the quantities stay filled in (D23)."""
    at = _written(ticket)
    if ticket.serial % 4:
        return [(at, False, _row(ticket, "void", at))]
    later = at + timedelta(hours=12)
    return [_signed(ticket, at), (later, False, _row(ticket, "void", later))]


def _void_loaded(ticket: Ticket, _: Contract) -> list[Event]:
    at = ticket.out + timedelta(minutes=35)
    return [_loaded(ticket), (at, False, _row(ticket, "void", at))]


def _after(days: int, ticket: Ticket) -> datetime:
    """A working hour `days` after the bulletin's cut-off, spread by ticket."""
    return _CUT_OFF + timedelta(days=days, hours=13, seconds=ticket.serial % 7200)


def _late(ticket: Ticket, _: Contract) -> list[Event]:
    """The slip of September that reaches the plant between 12 and 20 October (late status)."""
    return [_loaded(ticket), _signed(ticket, _after(1 + ticket.serial % 8, ticket))]


def _voided_later(ticket: Ticket, _: Contract) -> list[Event]:
    at = _after(12, ticket)
    return [_signed(ticket, _written(ticket)), (at, False, _row(ticket, "void", at))]


def _corrected_later(ticket: Ticket, _: Contract) -> list[Event]:
    shorter = _hundredths(ticket.signed - 15 - ticket.serial % 9)
    changed = _changed(ticket, _after(15, ticket), signed_m3=shorter)
    return [_signed(ticket, _written(ticket)), changed]


def _moved_later(ticket: Ticket, other: Contract) -> list[Event]:
    changed = _changed(ticket, _after(18, ticket), contract_no=other.contract_no)
    return [_signed(ticket, _written(ticket)), changed]


def _moved_corrected_later(ticket: Ticket, other: Contract) -> list[Event]:
    """Two causes on one row: booked on another contract, and its volume corrected with that."""
    shorter = _hundredths(ticket.signed - 15 - ticket.serial % 9)
    at = _after(19, ticket)
    changed = _changed(ticket, at, contract_no=other.contract_no, signed_m3=shorter)
    return [_signed(ticket, _written(ticket)), changed]


def _keyed_later(ticket: Ticket, _: Contract) -> list[Event]:
    return [_signed(ticket, _after(4, ticket))]


def _late_moved(ticket: Ticket, other: Contract) -> list[Event]:
    """Two causes on one row: signed late and, with that, moved to another contract."""
    return [_loaded(ticket), _changed(ticket, _after(4, ticket), contract_no=other.contract_no)]


_HISTORY: dict[str, Callable[[Ticket, Contract], list[Event]]] = {
    "void_signed": _void,
    "void_oversize": _void,
    "void_negative": _void,
    "void_loaded": _void_loaded,
    "late": _late,
    "voided_later": _voided_later,
    "corrected_later": _corrected_later,
    "moved_later": _moved_later,
    "moved_corrected_later": _moved_corrected_later,
    "keyed_later": _keyed_later,
    "late_moved": _late_moved,
}
"""What a fate does to the ticket's rows; the others (signed, and slips of the pen) are plainly signed."""


def _misspelt(row: Row, serial: int) -> None:
    """Spell one number of the row as people do: full-width (D01), thousands comma or blanks (D07)."""
    kind, at = divmod(serial // _DIRTY_EVERY, len(_NUMBERS))
    column = _NUMBERS[at]
    text = row[column]
    if isinstance(text, str):
        if column == "gross_kg":
            row[column] = f"{text[:-5]},{text[-5:]}"
        else:
            forms = (text.translate(_FULL_WIDTH), f" {text}", f"{text} ", f"\u3000{text}")
            row[column] = forms[kind % len(forms)]
    elif text is None:
        row[column] = ("", " ")[kind % 2]


def _events(world: World) -> list[Event]:
    known = contracts(world)
    events: list[Event] = []
    for ticket in tickets(world):
        versions = _HISTORY.get(ticket.fate, _plain)(ticket, known[ticket.serial % 7])
        if ticket.serial % _DIRTY_EVERY == 17:
            _misspelt(versions[-1][2], ticket.serial)
        events += versions
    return events


def build(world: World) -> list[Timeline]:
    """Give the timelines of contracts and tickets; at scale N the tickets of 2023 multiply."""
    end = datetime.combine(HISTORY_END, time.max)
    with collector_paused():
        events = [event for event in _events(world) if event[0] <= end]
    # The books have read the loads too by now, or will make them again: nobody else holds them.
    tickets.cache_clear()
    return [concrete_supply.build(world), Timeline(TABLE, COLUMNS, events)]
