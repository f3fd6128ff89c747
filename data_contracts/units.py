"""Units a source may write, in a sheet's header, beside a field or in the cell itself, and what they multiply by.

Belongs here: words and factors by unit of the column. Keep out: the SQL that applies them (``to_sql``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

Factors = Mapping[str, int | Decimal]

MAGNITUDES = {"": 1, "千": 1_000, "万": 10_000, "亿": 100_000_000}
"""What stands before a unit in Chinese, and what it multiplies by; the empty word is none."""

_DAYS_OF_A_MONTH = Decimal("30.4166667")
"""365 / 12: a rent by the day is charged for the days of a year in twelve equal months."""

_AREA = ("㎡", "m2", "m²", "平方米", "平米")
_VOLUME = ("m3", "m³", "立方米", "方")


def _with_magnitudes(words: Sequence[str]) -> dict[str, int | Decimal]:
    """元, 万元 and 万 alone, which stands for that many of the column's unit; the empty word is none."""
    return {m + w: factor for m, factor in MAGNITUDES.items() for w in ("", *words) if m + w}


UNIT_FACTORS: dict[str, Factors] = {
    "CNY": {
        **_with_magnitudes(("元", "CNY")),
        "人民币元": 1, "人民币万元": 10_000, "人民币亿元": 100_000_000,
    },
    "m2": _with_magnitudes(_AREA),
    "m3": _with_magnitudes(_VOLUME),
    "CNY/m2/month": {
        "元/㎡·月": 1, "元/㎡/月": 1, "元/m2/月": 1,
        "元/㎡·天": _DAYS_OF_A_MONTH, "元/㎡/天": _DAYS_OF_A_MONTH, "元/m2/天": _DAYS_OF_A_MONTH,
    },
}  # fmt: skip
"""Factor from a unit that came with the data (in a sheet's header, beside a field, in the cell) or is declared
as sourceUnit to the column's unit. A unit that is not here cannot be read: its value is rejected."""

_IN_CELLS: dict[str, Factors] = {
    **UNIT_FACTORS,
    "%": {"%": 1},
    "CNY/m3": _with_magnitudes(tuple(f"元/{word}" for word in _VOLUME)),
    "CNY/unit": _with_magnitudes(()),
    "m3/t": _with_magnitudes((*_VOLUME, "t", "吨")),
    "kg": _with_magnitudes(("kg", "公斤", "千克")),
    "kW": _with_magnitudes(("kW", "千瓦")),
    "人": _with_magnitudes(("人", "名")),
    "人次": _with_magnitudes(("人次", "人", "次")),
    "家次": _with_magnitudes(("家次", "家", "次")),
    "处": _with_magnitudes(("处", "个")),
}
_ANYTHING: Factors = {"%": 1, **_with_magnitudes(("元", *_AREA, *_VOLUME, "人", "处", "个", "次"))}


def factors_in_cell(unit: str | None) -> Factors:
    """Words that may follow a number in a column of this unit. Where the contract names none, or another column
    does (``as unit``), any word may."""
    if unit is None or unit.startswith("as "):
        return _ANYTHING
    return _IN_CELLS.get(unit) or _with_magnitudes((unit,))


def words_for_none(unit: str | None) -> tuple[str, ...]:
    """Words in a cell that leave the unit to header and contract: none, and of a price 元, which does not say
    per what."""
    return ("", "元") if (unit or "").startswith("CNY/") else ("",)
