"""Templates of everyday business, read from ``seeds/fin_templates.yaml``.

Belongs here: the template's parts and how its short text is read. Keep out: drawing vouchers from them
(``finance_books``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from demo.ledgers.finance_chart import chart, leaves
from demo.seed_files import seed_tree


@dataclass(frozen=True, slots=True)
class Leg:
    """Part of one side of a template: where it posts, on how many lines, and its VAT rate if it is tax."""

    accounts: str
    by_unit: bool
    low: int
    high: int
    vat: int


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """One kind of everyday business; amounts in fen per unit, tax included."""

    name: str
    voucher_type: str
    source: str
    text: str
    kind: str
    at_close: bool
    party: str
    purpose: str | dict[str, str]
    units: tuple[int, int]
    amount: tuple[int, int]
    debit: tuple[Leg, ...]
    credit: tuple[Leg, ...]
    books: dict[str, int]

    def times(self, org_code: str) -> int:
        """Vouchers a month in that book."""
        return self.books.get(org_code[-2:], self.books.get("*", 0))

    def purpose_in(self, org_code: str) -> str | None:
        """What a bank line of that book says the money is for; None for no particular purpose."""
        told = self.purpose
        return (told.get(org_code[-2:]) if isinstance(told, dict) else told) or None


def _leg(text: str, pool_lists: dict[str, list[int]]) -> Leg:
    accounts, lines, *rest = text.split(":")
    if accounts.startswith("@"):
        accounts = ",".join(str(code) for code in pool_lists[accounts[1:]])
    low, _, high = lines.partition("-")
    vat = int(rest[0].removeprefix("vat")) if rest else 0
    return Leg(
        accounts, lines == "n", int(low) if low != "n" else 0, int(high or low) if low != "n" else 0, vat
    )


def _template(name: str, spec: dict[str, Any], pool_lists: dict[str, list[int]]) -> Template:
    low, high = spec["amount"]
    few, _, many = spec["units"].partition("-")
    return Template(
        name=name,
        voucher_type=spec["type"],
        source=spec["source"],
        text=spec["text"],
        kind=spec.get("kind", "normal"),
        at_close=spec.get("stage") == "close",
        party=spec.get("party", ""),
        purpose=spec.get("purpose", ""),
        units=(int(few), int(many)),
        amount=(low * 100, high * 100),
        debit=tuple(_leg(leg, pool_lists) for leg in spec["debit"]),
        credit=tuple(_leg(leg, pool_lists) for leg in spec["credit"]),
        books=spec["books"],
    )


@lru_cache(maxsize=1)
def templates() -> tuple[Template, ...]:
    """All templates of ``seeds/fin_templates.yaml``."""
    tree: dict[str, Any] = seed_tree("fin_templates")
    return tuple(_template(name, spec, tree["pools"]) for name, spec in tree["templates"].items())


@lru_cache(maxsize=2048)
def needs_project(template: Template, org_code: str) -> bool:
    """Whether any account of the template wants a project in that book."""
    accounts = chart(org_code)
    return any(
        "project" in accounts[code].aux
        for leg in (*template.debit, *template.credit)
        for code in leaves(org_code, leg.accounts)
    )
