"""The SQL words a metric may use: how its expression and filter are read and checked.

Belongs here: parsing those fragments, naming the columns they read, and writing them back against other
aliases. Keep out: the metric's own fields (``metric``) and the query they become (``metric_sql``).

A bare column belongs to the metric's fact. ``dim_project.x`` (and ``dim_org``, ``dim_park``, ``dim_account``)
is the state of that dimension valid at the period's as-of date, or on the metric's ``dimensions_on``; ``dim_quarter.x``
is the period itself, ``report_end`` the last day its report may speak of. ``named_project('x')``, ``named_park('x')``
and ``named_company('x')`` are the code or key of what bears, or bore, that name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import sqlglot
from sqlglot import exp

from data_contracts.sql_text import DIALECT

PERIOD = "dim_quarter"
PERIOD_COLUMNS = ("quarter", "period_start", "period_end", "as_of", "year_start", "report_end")

DIMENSION_KEYS: Mapping[str, tuple[str, ...]] = {
    "dim_project": ("project_code",),
    "dim_org": ("org_code",),
    "dim_park": ("park_code",),
    "dim_account": ("org_code", "account_code"),
}
"""Dimensions with a history by date: ``core.<name>_history`` is joined on these columns of the fact."""

NAMED: Mapping[str, tuple[str, str]] = {
    "named_project": ("core.project_alias", "project_code"),
    "named_park": ("core.park_alias", "park_code"),
    "named_company": ("core.company_alias", "company_key"),
}
"""Words that take names, nearest first, and stand for the code of the first one that this table gives to exactly one
project, park or company; for NULL, so that no row counts, where none is. Codes differ from ledger to ledger and change,
names of the bulletin do not."""

Aggregate = Literal["sum", "count", "min", "max"]


class TermError(Exception):
    """A fragment that cannot be used: ``cause`` says why, ``cure`` what to write instead."""

    def __init__(self, cause: str, cure: str) -> None:
        self.cause = cause
        self.cure = cure
        super().__init__(f"{cause} → {cure}")


@dataclass(frozen=True)
class Term:
    """One checked fragment: the fact ``columns`` it reads, the ``dimensions`` joined at the as-of date."""

    tree: exp.Expr
    columns: tuple[str, ...]
    dimensions: tuple[str, ...]
    reads_period: bool

    @property
    def is_static(self) -> bool:
        """True when a fact row alone decides it, whatever the period."""
        return not self.dimensions and not self.reads_period

    def sql(self, fact: str = "", period: str = "p") -> str:
        """The fragment with its fact columns under alias ``fact`` and the period under ``period``."""
        tree = self.tree.copy()
        for column in tree.find_all(exp.Column):
            if column.table == PERIOD:
                column.set("table", exp.to_identifier(period))
            elif not column.table and fact:
                column.set("table", exp.to_identifier(fact))
        return tree.transform(_code_looked_up).sql(dialect=DIALECT)


def parse_filter(text: str) -> tuple[Term, ...]:
    """Conjuncts of a filter, ``()`` for none. Raises :class:`TermError` for what is no row predicate."""
    if not text.strip():
        return ()
    tree = _parse(text)
    if tree.find(exp.AggFunc, exp.Window):
        raise TermError(f"filter {text!r} aggregates", "a filter decides on one row")
    whole = tree.flatten() if isinstance(tree, exp.And) else iter([tree])
    return tuple(_term(part.unnest()) for part in whole)


def parse_expression(text: str) -> tuple[Aggregate, Term | None]:
    """What an expression adds up: ``sum(x)``, ``count(*)``, ``min(x)`` or ``max(x)`` over fact columns.

    The term is ``None`` for ``count(*)``. Raises :class:`TermError` for any other form.
    """
    tree = _parse(text)
    forms: tuple[tuple[type[exp.AggFunc], Aggregate], ...] = (
        (exp.Sum, "sum"),
        (exp.Min, "min"),
        (exp.Max, "max"),
    )
    if isinstance(tree, exp.Count) and isinstance(tree.this, exp.Star):
        return "count", None
    for node, word in forms:
        if isinstance(tree, node) and not tree.this.find(exp.AggFunc, exp.Distinct):
            term = _term(tree.this)
            if term.is_static and term.columns:
                return word, term
    raise TermError(
        f"expression {text!r} is none of sum(x), count(*), min(x), max(x) over columns of the fact",
        "count things with kind distinct and its distinct_key; divide with kind ratio",
    )


def parse_key(text: str) -> Term:
    """A distinct key: a scalar expression over fact columns. Raises :class:`TermError` for any other."""
    term = _term(_parse(text))
    if not term.is_static or not term.columns or term.tree.find(exp.AggFunc):
        raise TermError(f"distinct_key {text!r} is no scalar over columns of the fact", "name a column")
    return term


def _parse(text: str) -> exp.Expr:
    try:
        select = sqlglot.parse_one(f"SELECT {text}", dialect=DIALECT)
    except sqlglot.errors.SqlglotError as error:
        raise TermError(f"{text!r} does not parse: {error}", "write one SQL expression") from error
    parts = select.args.get("expressions") or []
    extra = [k for k, v in select.args.items() if v and k not in ("expressions", "kind")]
    if not isinstance(select, exp.Select) or len(parts) != 1 or extra or isinstance(parts[0], exp.Alias):
        raise TermError(f"{text!r} is not one expression", "write one SQL expression without FROM or alias")
    tree: exp.Expr = parts[0]
    _check_portable(text, tree)
    return tree


def _check_portable(text: str, tree: exp.Expr) -> None:
    if tree.find(exp.Query, exp.Subquery, exp.Command):
        raise TermError(f"{text!r} holds a query of its own", "bring the column into the fact or a dimension")
    if tree.find(exp.Div, exp.Avg):
        raise TermError(
            f"{text!r} divides decimals", "two metrics and kind ratio: engines divide differently"
        )
    for product in tree.find_all(exp.Mul):
        if not isinstance(product.find_ancestor(exp.Cast), exp.Cast):
            raise TermError(f"{text!r} multiplies without a cast", "CAST(a * b AS DECIMAL(p, s))")
    for word in filter(_is_named, tree.walk()):
        if not word.expressions or not all(
            isinstance(n, exp.Literal) and n.is_string for n in word.expressions
        ):
            raise TermError(
                f"{word.sql(dialect=DIALECT)} has no names", f"write {word.name}('name', 'other name')"
            )


def _is_named(node: exp.Expr) -> bool:
    return isinstance(node, exp.Anonymous) and node.name in NAMED


def _code_looked_up(node: exp.Expr) -> exp.Expr:
    """A word of :data:`NAMED` as SQL, any other node as it is; ``HAVING``: two that bear a name are never one."""
    if not _is_named(node):
        return node
    table, code = NAMED[node.name]
    found = [
        f"(SELECT MIN({code}) FROM {table} WHERE REPLACE(alias, ' ', '') = {name.sql(dialect=DIALECT)} "
        f"HAVING COUNT(DISTINCT {code}) = 1)"
        for name in node.expressions
    ]
    return sqlglot.parse_one(f"COALESCE({', '.join(found)})" if found[1:] else found[0], dialect=DIALECT)


def _term(tree: exp.Expr) -> Term:
    columns: list[str] = []
    dimensions: list[str] = []
    reads_period = False
    for column in tree.find_all(exp.Column):
        if not column.table:
            columns.append(column.name)
        elif column.table == PERIOD and column.name in PERIOD_COLUMNS:
            reads_period = True
        elif column.table in DIMENSION_KEYS:
            dimensions.append(column.table)
        else:
            raise TermError(
                f"{column.sql(dialect=DIALECT)} is not known here",
                f"use a column of the fact, {PERIOD}.({'|'.join(PERIOD_COLUMNS)}) or "
                f"{', '.join(DIMENSION_KEYS)}",
            )
    return Term(tree, tuple(dict.fromkeys(columns)), tuple(dict.fromkeys(dimensions)), reads_period)
