"""How a reader of the books adds up vouchers, lines and the account map."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from demo.timeline import Timeline, state_at

KEYS = {
    "fin_org": ["org_code"],
    "fin_account": ["org_code", "account_code"],
    "fin_account_map": ["org_code", "account_code", "valid_from"],
    "fin_period": ["org_code", "fiscal_year", "period_no", "state_seq"],
    "fin_voucher": ["pk_voucher"],
    "fin_voucher_line": ["pk_detail"],
}
AnyRow = dict[str, Any]


def text(value: object) -> str:
    """A text column, where the source shows one blank for NULL."""
    return str(value or "").strip()


@dataclass
class Books:
    """All six tables as one instant shows them."""

    tables: dict[str, list[AnyRow]]

    @cached_property
    def headers(self) -> dict[str, AnyRow]:
        return {row["pk_voucher"]: row for row in self.tables["fin_voucher"]}

    @cached_property
    def by_voucher(self) -> dict[str, list[AnyRow]]:
        found = defaultdict(list)
        for line in self.tables["fin_voucher_line"]:
            found[line["pk_voucher"]].append(line)
        return found

    @cached_property
    def mapping(self) -> dict[tuple[str, str], list[AnyRow]]:
        found = defaultdict(list)
        for row in self.tables["fin_account_map"]:
            found[row["org_code"], row["account_code"]].append(row)
        return found

    def tag(self, header: AnyRow, line: AnyRow) -> str | None:
        day = date(int(header["fiscal_year"]), min(int(header["period_no"]), 12), 1)
        for row in self.mapping.get((header["org_code"], line["account_code"]), ()):
            if row["valid_from"] <= day and (row["valid_to"] is None or day < row["valid_to"]):
                return str(row["metric_tag"]) if row["metric_tag"] else None
        return None

    @cached_property
    def tagged(self) -> list[tuple[AnyRow, AnyRow, str]]:
        """Header, line and metric tag of 2024, where the line has a tag."""
        return [
            (header, line, tag)
            for pk, header in self.headers.items()
            if header["fiscal_year"] == "2024"
            for line in self.by_voucher[pk]
            if (tag := self.tag(header, line))
        ]

    def total(
        self, tag: str, only: Callable[[AnyRow], bool], org: str = "YWCT-03", column: str = ""
    ) -> Decimal:
        """Credit less debit (or the sum of a column) of 2024 periods 01-09 over headers that pass."""
        found = Decimal(0)
        for header, line, line_tag in self.tagged:
            in_scope = header["period_no"] <= "09" and org in ("", header["org_code"])
            if line_tag == tag and in_scope and only(header):
                found += (line[column] or 0) if column else line["credit"] - line["debit"]
        return found

    def amounts(self, tag: str, org: str = "YWCT-03") -> dict[str, Decimal]:
        """Credit less debit of 2024 by voucher, over the vouchers of a book with lines of the tag."""
        found: dict[str, Decimal] = defaultdict(Decimal)
        for header, line, line_tag in self.tagged:
            if line_tag == tag and header["org_code"] == org:
                found[header["pk_voucher"]] += line["credit"] - line["debit"]
        return found


def counts(header: AnyRow) -> bool:
    return bool(
        header["posted_flag"] == "Y"
        and header["dr"] == 0
        and header["void_flag"] == "N"
        and header["voucher_kind"] != "pl_transfer"
    )


def books_at(timelines: dict[str, Timeline], instant: datetime) -> Books:
    return Books({table: state_at(timelines[table], key, instant) for table, key in KEYS.items()})
