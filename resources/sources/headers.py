"""Header texts of sheets and text files: which column stands where, and in what unit.

Belongs here: matching header cells to contract columns and splitting the unit off, and the unit that a line above
the header states for all of them. Keep out: finding the header row (``workbook``), the rows below it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from data_contracts.units import MAGNITUDES, UNIT_FACTORS

# 万 alone names no dimension.
_KNOWN_UNITS = {
    unit: of for of, factors in UNIT_FACTORS.items() for unit in factors if unit not in MAGNITUDES
}
_UNIT = re.compile(r"(?P<name>.+?)[（(](?P<unit>[^（）()]*)[)）]")
# Without parentheses only a unit that is known is one: 本月完成/万元, but not 单价/含税.
_BARE_UNIT = re.compile(
    rf"(?P<name>.+?)[/／,，:：\[［【](?P<unit>{'|'.join(map(re.escape, _KNOWN_UNITS))})[\]］】]?"
)
# Of the whole sheet: not 建设单位, and not 总投资单位, which speaks of one column.
_STATED = re.compile(r"(?:^|[\s（(，,；;])(?:金额|货币|计量)?单位\s*[:：]\s*(?P<units>[^\s()（）]+)")
_MONEY = re.compile(r"(?:人民币|美|港|欧|日|十|百|千|万|亿)*元")
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\ufeff"))


@dataclass(frozen=True)
class Match:
    """Where the columns of a contract stand in one header row.

    ``found``: source name → (index of the cell, unit or None). ``missing``: names no cell carries.
    ``doubled``: names more than one cell carries.
    """

    found: Mapping[str, tuple[int, str | None]]
    missing: tuple[str, ...]
    doubled: tuple[str, ...]


def match_headers(names: Iterable[str], cells: Sequence[str]) -> Match:
    """Find each name among header cells, the whole text first, then the text before a unit in parentheses.

    Width (full or half) and line breaks inside a header do not matter; two cells for one name do.
    """
    whole = [_comparable(cell) for cell in cells]
    split = [_split(cell) for cell in cells]
    wanted = {name: _comparable(name) for name in names}
    taken = set(wanted.values())
    found: dict[str, tuple[int, str | None]] = {}
    missing, doubled = [], []
    for name, text in wanted.items():
        exact = [i for i, cell in enumerate(whole) if cell == text]
        # A cell that is another column's name whole is that column's, whatever its parentheses hold.
        unit = [i for i, (stem, _) in enumerate(split) if stem == text and whole[i] not in taken]
        if not exact and not unit:
            missing.append(name)
        elif len(exact) + len(unit) > 1:
            doubled.append(name)
        else:
            found[name] = (exact[0], None) if exact else (unit[0], split[unit[0]][1])
    return Match(found, tuple(missing), tuple(doubled))


def stated_units(cells: Iterable[str]) -> dict[str, str]:
    """What a line above the header states for the whole sheet (``金额单位：万元``): unit by what it measures.

    Money in a unit that nobody knows counts too, so that it is not read in another; ``单位：工程部`` is no unit.
    """
    found = {}
    for match in (match for cell in cells for match in _STATED.finditer(cell)):
        for unit in re.split(r"[、,，;；和]", match["units"]):
            measures = _KNOWN_UNITS.get(unit) or ("CNY" if _MONEY.fullmatch(unit) else None)
            if measures:
                found[measures] = unit
    return found


def _split(cell: str) -> tuple[str | None, str | None]:
    """(name, unit) of ``本月完成投资（万元）``; (None, None) where there is none at the end."""
    text = _compact(cell)
    match = _UNIT.fullmatch(text) or _BARE_UNIT.fullmatch(text)
    return (_comparable(match["name"]), match["unit"] or None) if match else (None, None)


def _compact(text: str) -> str:
    return re.sub(r"\s+", "", text.translate(_INVISIBLE))


def _comparable(text: str) -> str:
    return unicodedata.normalize("NFKC", _compact(text))
