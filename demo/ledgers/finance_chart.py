"""The charts of accounts of the group's books, by the accounts of 企业会计准则 that matter.

Belongs here: reading ``seeds/fin_accounts.csv`` and ``seeds/fin_account_items.csv`` into one chart per
book. Add an account there. Keep out: postings (``finance_books``) and how the ledger shows an account.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from demo.seed_files import seed_rows

_CLASSES = {"1": "资产", "2": "负债", "4": "权益", "5": "成本", "6": "损益"}


@dataclass(frozen=True, slots=True)
class Account:
    """One account of one book. Codes are 4-2-2 digits without separators.

    ``aux`` names the columns a line on it must fill (project, counterparty, park, product); ``party`` is
    the pool its counterparties come from; ``tag`` is its metric tag of 2024, empty for none.
    """

    code: str
    name: str
    direction: str
    aux: tuple[str, ...]
    product: str
    party: str
    tag: str
    is_leaf: bool

    @property
    def level(self) -> int:
        """1 for 4 digits, 2 for 6, 3 for 8."""
        return len(self.code) // 2 - 1

    @property
    def account_class(self) -> str:
        """会计要素: 资产, 负债, 权益, 成本 or 损益."""
        return _CLASSES[self.code[0]]

    @property
    def group_code(self) -> str:
        """Account of the group chart (first two levels); 开发成本 goes to the group's inventory."""
        return f"1409{self.code[4:6]}" if self.tag == "dev_cost" else self.code[:6]


@lru_cache(maxsize=1)
def _items() -> dict[str, list[dict[str, str]]]:
    lists: dict[str, list[dict[str, str]]] = {}
    for row in seed_rows("fin_account_items"):
        lists.setdefault(row["list"], []).append(row)
    return lists


def _expanded(row: dict[str, str]) -> list[dict[str, str]]:
    """The row and, below it, the accounts of its item list (which may nest once)."""
    rows = [row]
    for item in _items().get(row["items"], []):
        child = dict.fromkeys(row, "") | {"code": row["code"] + item["code"], "name": item["name"]}
        rows += _expanded(child | {"items": item["items"]})
    return rows


def _book_rows(book: str) -> dict[str, dict[str, str]]:
    """Rows of one book by code; a row written out replaces the one an item list gave."""
    rows: dict[str, dict[str, str]] = {}
    for row in seed_rows("fin_accounts"):
        if not row["books"] or book in row["books"].split():
            for found in _expanded(row):
                rows[found["code"]] = found
    return rows


def _inherited(rows: dict[str, dict[str, str]], code: str, column: str) -> str:
    """Value of the account or of the nearest account above it."""
    for length in range(len(code), 3, -2):
        value = rows[code[:length]][column]
        if value:
            return value
    return ""


@lru_cache(maxsize=32)
def chart(org_code: str) -> dict[str, Account]:
    """Accounts of the book of ``org_code`` (YWCT-03) by code, in code order; about 450 of them."""
    rows = _book_rows(org_code[-2:])
    parents = {code[:-2] for code in rows}
    accounts: dict[str, Account] = {}
    for code in sorted(rows):
        product = _inherited(rows, code, "product")
        aux = tuple(_inherited(rows, code, "aux").split())
        accounts[code] = Account(
            code=code,
            name=rows[code]["name"],
            direction=_inherited(rows, code, "dir"),
            aux=(*aux, "product") if product else aux,
            product=product,
            party=_inherited(rows, code, "party"),
            tag=_inherited(rows, code, "tag"),
            is_leaf=code not in parents,
        )
    return _without_tag(accounts, "60010104")


def _without_tag(accounts: dict[str, Account], code: str) -> dict[str, Account]:
    """Take the metric tag off one account: mortar is no concrete since 2024 (``finance_master``)."""
    if code in accounts:
        accounts[code] = replace(accounts[code], tag="")
    return accounts


@lru_cache(maxsize=4096)
def leaves(org_code: str, prefixes: str) -> tuple[str, ...]:
    """Leaf accounts of the book below any of the comma-separated ``prefixes``.

    Raises ``ValueError`` when there is none, so that a template never posts to an account the book lacks.
    """
    wanted = tuple(prefixes.split(","))
    found = tuple(c for c, a in chart(org_code).items() if a.is_leaf and c.startswith(wanted))
    if not found:
        raise ValueError(f"book {org_code} has no leaf account below {prefixes}")
    return found
