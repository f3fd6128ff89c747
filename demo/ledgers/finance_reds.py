"""Invoices taken back in the month after: sales that came to nothing, as red letters in the books (R41).

Belongs here: the red letters of everyday sales of materials, water and services. Keep out: those of
concrete (``finance_concrete``, ``finance_planted``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from demo.ledgers.finance_calendar import Period, months, workdays
from demo.ledgers.finance_chart import chart
from demo.ledgers.finance_vouchers import Voucher, posted_at, red_letter
from demo.world import World

_BOOKS = ("YWCT-07", "YWCT-08", "YWCT-10")
_ONE_IN = 61
_ALWAYS = ("YWCT-10", Period(2024, 9))
"""One sale of this month is taken back in October, whatever the stride hits."""


def _is_sale(voucher: Voucher) -> bool:
    accounts = chart(voucher.org_code)
    return (
        voucher.org_code in _BOOKS
        and voucher.source == "AR"
        and len(voucher.states) == 1
        and voucher.period != months()[-1]
        and any(line.credit and accounts[line.account].tag == "output_vat" for line in voucher.lines)
        and not any(line.product == "steel" for line in voucher.lines)
    )


def taken_back(world: World, everyday: Iterable[Voucher]) -> Iterator[Voucher]:
    """Red letters of a few everyday sales, made in the first days of the month after."""
    rng, always = world.rng("fin_gl:reds"), _ALWAYS
    for number, voucher in enumerate(v for v in everyday if _is_sale(v)):
        if number % _ONE_IN != 17 and (voucher.org_code, voucher.period) != always:
            continue
        if (voucher.org_code, voucher.period) == always:
            always = ("", always[1])
        period = voucher.period.next()
        day = workdays(period)[rng.randint(7, 11)]
        created = voucher.created.replace(year=day.year, month=day.month, day=day.day)
        yield posted_at(red_letter(voucher, period, created), created + timedelta(minutes=34))
