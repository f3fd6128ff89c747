"""Codes of the field: their check digits and shapes, as pure functions and as SQL predicates.

Belongs here: 统一社会信用代码 (GB 32100-2015), 项目代码 (GB/T 40058-2021), 行政区划代码 (GB/T 2260) and
国民经济行业分类 (GB/T 4754-2017). Keep out: which column holds which code; that is a contract's word.

Every validator has two forms of one rule: a Python predicate, and ``sql(column)``: a boolean SQL
expression in the portable subset that is NULL for NULL. A test holds the two equal.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

USCI_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""31 characters of GB 32100-2015: digits and capitals without I, O, S, V, Z."""

_USCI_WEIGHTS = tuple(pow(3, i, 31) for i in range(17))
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_PROVINCES = (
    "11|12|13|14|15|21|22|23|31|32|33|34|35|36|37|41|42|43|44|45|46|50|51|52|53|54|61|62|63|64|65|71|81|82"
)
_REGION = rf"^({_PROVINCES})[0-9]{{4}}$"
_PROJECT = rf"^[0-9]{{4}}-({_PROVINCES})[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}-[0-9]{{5}}[0-9X]$"
_INDUSTRY = r"^(0[1-9]|[1-8][0-9]|9[0-7])[0-9]{2}$"


def usci_check_digit(first17: str) -> str:
    """Check character of a 统一社会信用代码 (GB 32100-2015, annex A): ``31 - sum(C_i * 3^(i-1)) mod 31``.

    ``first17``: the 17 leading characters of :data:`USCI_ALPHABET`. Raises ``ValueError`` on any other.
    """
    total = sum(USCI_ALPHABET.index(c) * w for c, w in zip(first17, _USCI_WEIGHTS, strict=True))
    return USCI_ALPHABET[(31 - total % 31) % 31]


def usci_is_valid(text: str) -> bool:
    """True for 18 characters of the alphabet whose last one is the check digit (GB 32100-2015)."""
    if len(text) != 18 or any(c not in USCI_ALPHABET for c in text):
        return False
    return usci_check_digit(text[:17]) == text[17]


def organisation_check_digit(first8: str) -> str:
    """Check character of the organisation code inside a usci (GB 11714): modulus 11, 10 is ``X``."""
    rest = 11 - sum(int(c, 36) * w for c, w in zip(first8, _ORGANISATION_WEIGHTS, strict=True)) % 11
    return {10: "X", 11: "0"}.get(rest, str(rest))


def _usci_sql(column: str) -> str:
    terms = " + ".join(
        f"(strpos('{USCI_ALPHABET}', substr({column}, {i + 1}, 1)) - 1) * {w}"
        for i, w in enumerate(_USCI_WEIGHTS)
    )
    check = f"substr('{USCI_ALPHABET}', (31 - ({terms}) % 31) % 31 + 1, 1)"
    return f"(regexp_matches({column}, '^[{USCI_ALPHABET}]{{18}}$') AND {check} = substr({column}, 18, 1))"


@dataclass(frozen=True)
class Validator:
    """One code's rule in both forms; ``standard`` is the source it is taken from."""

    name: str
    standard: str
    is_valid: Callable[[str], bool]
    sql: Callable[[str], str]


def _pattern(name: str, standard: str, pattern: str) -> Validator:
    compiled = re.compile(pattern)
    return Validator(
        name,
        standard,
        lambda text: compiled.fullmatch(text) is not None,
        lambda column: f"regexp_matches({column}, '{pattern}')",
    )


VALIDATORS: dict[str, Validator] = {
    v.name: v
    for v in (
        Validator("usci", "GB 32100-2015", usci_is_valid, _usci_sql),
        _pattern("region_code", "GB/T 2260", _REGION),
        _pattern("project_code", "GB/T 40058-2021 (shape and region; no check digit is published)", _PROJECT),
        _pattern("industry_code", "GB/T 4754-2017 (divisions 01 to 97)", _INDUSTRY),
    )
}
