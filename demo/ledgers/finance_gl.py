"""The general ledger: fin_voucher and fin_voucher_line (用友NC gl_voucher and gl_detail), and its bank lines.

Belongs here: putting the parts of the books together. The parts: everyday business (``finance_books``),
construction (``finance_works``), concrete and steel (``finance_concrete``, ``finance_steel``), rent and fees
of the parks (``finance_rent``), payments to villages (``finance_coop``), renovations of parks
(``finance_park_works``), sales taken back (``finance_reds``), the owners' capital (``finance_capital``),
planted events (``finance_planted``), the close (``finance_closing``), and how rows look (``finance_rows``,
``finance_cash``).
Keep out: master data (``finance_master``).
"""

from __future__ import annotations

from datetime import datetime, time
from functools import lru_cache

from demo.ledgers.finance_books import everyday, group_loans
from demo.ledgers.finance_capital import contributions
from demo.ledgers.finance_cash import CASH_COLUMNS, cash_events
from demo.ledgers.finance_closing import number, profit_transfers
from demo.ledgers.finance_concrete import concrete_sales
from demo.ledgers.finance_coop import coop_payments
from demo.ledgers.finance_park_works import park_work_vouchers
from demo.ledgers.finance_planted import planted
from demo.ledgers.finance_reds import taken_back
from demo.ledgers.finance_rent import rent_and_fees
from demo.ledgers.finance_rows import LINE_COLUMNS, VOUCHER_COLUMNS, shown
from demo.ledgers.finance_steel import steel_sales
from demo.ledgers.finance_vouchers import Voucher
from demo.ledgers.finance_works import works
from demo.timeline import Timeline, collector_paused
from demo.world import HISTORY_END, World


@lru_cache(maxsize=1)
def vouchers(world: World) -> list[Voucher]:
    """All vouchers of all books, numbered; about 26,000 a year at scale 1.

    Several ledgers follow from them, so they are made once and shared: do not change them.
    """
    daily = list(everyday(world))
    concrete, september = concrete_sales(world)
    made = [*daily, *group_loans(world), *concrete, *steel_sales(world), *planted(daily, september)]
    made.extend(works(world))
    made.extend(rent_and_fees(world))
    made.extend(coop_payments(world))
    made.extend(taken_back(world, daily))
    made.extend(park_work_vouchers(world))
    made.extend(contributions(made))
    made.extend(profit_transfers(made))
    number(made)
    return made


def build(world: World) -> list[Timeline]:
    """Timelines of headers, lines and bank movements; a changed voucher shows all its lines again."""
    end = datetime.combine(HISTORY_END, time.max)
    with collector_paused():
        made = vouchers(world)
        headers, details = shown(made)
        cash = cash_events(made)
    return [
        Timeline("fin_voucher", VOUCHER_COLUMNS, [event for event in headers if event[0] <= end]),
        Timeline("fin_voucher_line", LINE_COLUMNS, [event for event in details if event[0] <= end]),
        Timeline("fin_cash_txn", CASH_COLUMNS, [event for event in cash if event[0] <= end]),
    ]
