"""How a figure is printed.

Belongs here: values of a metric as people read them, rounded once, at the very end. Keep out: rounding of
stored values, accepted ranges (``claim``), tables and colours (the command line).
"""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from data_contracts.metric import Metric

EMPTY = "–"
"""What stands where there is no value."""


def display(metric: Metric, value: Decimal | date | None, value_to: date | None = None) -> str:
    """A value in the metric's display unit, half up: 5396238400 CNY is ``53.96亿元``.

    Dates print as they are, a forecast with both ends of its range unless they are one day.
    """
    if isinstance(value, date):
        return (
            value.isoformat() if value_to in (None, value) else f"{value.isoformat()}…{value_to.isoformat()}"
        )
    if value is None:
        return EMPTY if value_to is None else f"…{value_to.isoformat()}"
    return f"{rounded(metric, value):f}{metric.display.unit}"


def rounded(metric: Metric, value: Decimal) -> Decimal:
    """The number that is printed, in display units: divided and rounded half up, as accountants do."""
    scaled = Decimal(value) / metric.display.divisor
    return scaled.quantize(Decimal(1).scaleb(-metric.display.decimals), ROUND_HALF_UP)
