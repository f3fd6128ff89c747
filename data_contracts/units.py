"""Units that ledgers write, and what one of each is in the unit of the warehouse.

Belongs here: factors between units. Keep out: which column holds which unit (a contract's word), the SQL (``to_sql``).
"""

from __future__ import annotations

from decimal import Decimal

_DAYS_OF_A_MONTH = Decimal("30.4166667")
"""365 / 12: a rent by the day is charged for the days of a year in twelve equal months."""

UNIT_FACTORS: dict[str, dict[str, int | Decimal]] = {
    "CNY": {"元": 1, "千元": 1_000, "万元": 10_000, "亿元": 100_000_000, "CNY": 1},
    "m2": {"㎡": 1, "m2": 1, "m²": 1, "平方米": 1, "万平方米": 10_000, "万㎡": 10_000},
    "m3": {"m3": 1, "m³": 1, "立方米": 1, "万立方米": 10_000, "万m3": 10_000},
    "CNY/m2/month": {
        "元/㎡·月": 1, "元/㎡/月": 1, "元/m2/月": 1,
        "元/㎡·天": _DAYS_OF_A_MONTH, "元/㎡/天": _DAYS_OF_A_MONTH, "元/m2/天": _DAYS_OF_A_MONTH,
    },
}  # fmt: skip
"""Factor from a unit that came with the data (in a sheet's header, beside a field) or is declared as
sourceUnit to the column's unit. A unit that is not here cannot be read: its value is rejected."""
