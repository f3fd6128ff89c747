"""Header texts of sheets and text files: which column stands where, and in what unit.

Belongs here: matching header cells to contract columns and splitting the unit off. Keep out: finding the
header row (``workbook``), the rows below it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

_UNIT = re.compile(r"(?P<name>.+?)[（(](?P<unit>[^（）()]*)[)）]")
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


def _split(cell: str) -> tuple[str | None, str | None]:
    """(name, unit) of ``本月完成投资（万元）``; (None, None) where there are no parentheses at the end."""
    match = _UNIT.fullmatch(_compact(cell))
    return (_comparable(match["name"]), match["unit"] or None) if match else (None, None)


def _compact(text: str) -> str:
    return re.sub(r"\s+", "", text.translate(_INVISIBLE))


def _comparable(text: str) -> str:
    return unicodedata.normalize("NFKC", _compact(text))
