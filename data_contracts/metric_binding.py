"""Metrics held against the tables they read: what a night would otherwise find out from the engine.

Belongs here: whether the fact, columns, types and words that a metric names are those that output contracts and
declared facts promise. Keep out: whether a metric's fields fit together (``metric``), the SQL words it may use
(``metric_terms``), running anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.annotate_types import annotate_types

from data_contracts.metric import METRICS_DIR, Metric, load_metrics
from data_contracts.metric_sql import GRAIN_COLUMNS
from data_contracts.metric_terms import (
    DIMENSION_KEYS,
    PERIOD,
    Term,
    parse_expression,
    parse_filter,
    parse_key,
)
from data_contracts.model import ContractError
from data_contracts.outputs import OutputColumn, OutputContract, load_outputs
from data_contracts.sql_text import DIALECT

Refuse = Callable[[str, str, str], ContractError]
"""Place, cause and cure of one metric's fault."""

_FACT = "f"
_FAMILIES: Mapping[str, Iterable[Any]] = {
    "text": exp.DataType.TEXT_TYPES,
    "number": exp.DataType.NUMERIC_TYPES,
    "date": exp.DataType.TEMPORAL_TYPES,
    "boolean": {exp.DataType.Type.BOOLEAN},
}
_REPORT_END = {
    "report_end": OutputColumn(
        "report_end", "DATE", "报告截止日", "Last day its report may speak of.", False, False
    )
}
"""The one column of a metric's period that ``core.dim_quarter`` does not hold: the query works it out."""
_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.In, exp.Between)


def check_bound(metrics: Mapping[str, Metric] | None = None) -> None:
    """Raises :class:`ContractError` for the first of ``metrics`` (default: all) that its tables do not bear out."""
    for fault in faults(metrics):
        raise fault


def faults(
    metrics: Mapping[str, Metric] | None = None,
    outputs: Mapping[str, OutputContract] | None = None,
    root: Path = METRICS_DIR,
) -> Iterator[ContractError]:
    """Whatever ``metrics`` name that ``outputs`` (each by default: all) do not promise, metric by metric."""
    promised = load_outputs() if outputs is None else outputs
    for metric in (load_metrics() if metrics is None else metrics).values():
        if metric.fact:
            yield from _faults(root / f"{metric.id}.yaml", metric, promised)


def _faults(path: Path, metric: Metric, outputs: Mapping[str, OutputContract]) -> Iterator[ContractError]:
    def refuse(place: str, cause: str, cure: str) -> ContractError:
        return ContractError(path, place, cause, cure)

    fact = outputs.get(f"core.{metric.fact}")
    if fact is None:
        facts = [t.removeprefix("core.") for t in outputs if t.startswith("core.fct_")]
        cure = f"{_closest(metric.fact or '', facts)}, declare it in a source contract or write data_contracts/core/"
        yield refuse("fact", f"there is no {metric.fact}", f"{cure}{metric.fact}.yaml")
        return
    tables = {_FACT: _columns(fact), PERIOD: {**_columns(outputs[f"core.{PERIOD}"]), **_REPORT_END}}
    tables |= {name: _columns(outputs[f"core.{name}_history"]) for name in DIMENSION_KEYS}
    yield from _named(refuse, metric, tables[_FACT])
    for place, term, family in _terms(metric):
        missing = list(_missing(refuse, place, term, tables))
        yield from missing or _misread(refuse, place, term, family, tables)
    yield from _members(refuse, metric, tables[_FACT])


_Columns = Mapping[str, OutputColumn]
_Tables = Mapping[str, _Columns]


def _columns(contract: OutputContract) -> _Columns:
    return {column.name: column for column in contract.columns}


def _named(refuse: Refuse, metric: Metric, fact: _Columns) -> Iterator[ContractError]:
    """Columns named outright: those that date a row, the codes of the grains, what a drill shows."""
    times = metric.time.model_dump(by_alias=True, exclude_none=True)
    dates = {f"time.{word}": column for word, column in times.items()}
    if metric.dimensions_on:
        dates["dimensions_on"] = metric.dimensions_on
    for place, name in dates.items():
        wanted = "VARCHAR" if place == "time.fiscal_quarter" else "DATE"
        if name not in fact:
            yield _no_column(refuse, place, metric.fact or "", name, fact)
        elif fact[name].type != wanted:
            having = [c for c in fact if fact[c].type == wanted and not c.startswith("_")]
            yield refuse(
                place, f"{name} is {fact[name].type}, not {wanted}", f"use one of {', '.join(having) or '-'}"
            )
    for grain in metric.grains:
        code = GRAIN_COLUMNS.get(grain)
        if code and code not in fact:
            yield refuse(
                "grains",
                f"{metric.fact} has no {code}, so no figure by {grain}",
                f"remove {grain}, or add {code}",
            )
    for name in metric.drill:
        if name not in fact:
            yield _no_column(refuse, "drill", metric.fact or "", name, fact)


def _terms(metric: Metric) -> Iterator[tuple[str, Term, str | None]]:
    """The metric's fragments of SQL: the field each stands in, and what it must give where that matters."""
    added = parse_expression(metric.expression)[1] if metric.expression else None
    if added:
        yield "expression", added, "number" if metric.kind in ("flow", "stock") else None
    if metric.distinct_key:
        yield "distinct_key", parse_key(metric.distinct_key), None
    for term in parse_filter(metric.filter):
        yield "filter", term, "boolean"


def _missing(refuse: Refuse, place: str, term: Term, tables: _Tables) -> Iterator[ContractError]:
    """Columns of the fragment that no table has, those that join its dimensions to the fact among them."""
    named = dict.fromkeys((c.table or _FACT, c.name) for c in term.tree.find_all(exp.Column))
    for table, name in named:
        if name not in tables[table]:
            yield _no_column(refuse, place, "the fact" if table == _FACT else table, name, tables[table])
    for dimension in term.dimensions:
        for key in DIMENSION_KEYS[dimension]:
            if key not in tables[_FACT]:
                yield refuse(
                    place, f"the fact has no {key} to join {dimension} on", f"add it, or leave {dimension}"
                )


def _misread(
    refuse: Refuse, place: str, term: Term, family: str | None, tables: _Tables
) -> Iterator[ContractError]:
    """Functions, types and words of a fragment whose columns exist."""
    tree = _typed(term, tables)
    for unknown in tree.find_all(exp.Anonymous):
        yield refuse(place, f"{unknown.name} is no function here", "use those of other metrics")
    if family and _family(tree) not in (family, None):
        yield refuse(
            place, f"{term.sql()} is a {_family(tree)}, not a {family}", f"write what gives a {family}"
        )
    for node in tree.find_all(*_COMPARISONS):
        yield from _compared(refuse, place, node, tables)


def _typed(term: Term, tables: _Tables) -> exp.Expr:
    """The fragment with the type of every node, by those that the contracts promise."""
    read = (_FACT, *term.dimensions, *((PERIOD,) if term.reads_period else ()))
    schema: dict[str, object] = {table: {c.name: c.type for c in tables[table].values()} for table in read}
    query = sqlglot.parse_one(f"SELECT {term.sql(_FACT, PERIOD)} FROM {', '.join(read)}", dialect=DIALECT)
    typed: exp.Expr = annotate_types(query, schema=schema, dialect=DIALECT).expressions[0]
    return typed.unnest()


def _compared(refuse: Refuse, place: str, node: exp.Expr, tables: _Tables) -> Iterator[ContractError]:
    """One comparison: both sides of one type, and every word one that the column may hold."""
    left, *others = [part for part in node.iter_expressions() if isinstance(part, exp.Condition)]
    for right in others:
        pair = {_family(left), _family(right)} - {None}
        if len(pair) > 1 and not (pair == {"text", "date"} and (_is_day(left) or _is_day(right))):
            text = node.sql(dialect=DIALECT).replace(f"{_FACT}.", "")
            yield refuse(
                place, f"{text} compares a {_family(left)} with a {_family(right)}", "compare like with like"
            )
    if not isinstance(node, exp.EQ | exp.NEQ | exp.In):
        return
    sides = [left, *others]
    column = next((c for c in map(_column, sides) if c is not None), None)
    words = tables[column.table][column.name].enum if column is not None else ()
    for literal in (side for side in sides if words and isinstance(side, exp.Literal)):
        if literal.name not in words:
            assert column is not None
            yield refuse(
                place, f"{literal.name!r} is no word of {column.name}: nothing would equal it",
                f"use one of {', '.join(words)}",
            )  # fmt: skip


def _column(node: exp.Expr) -> exp.Column | None:
    """The column itself, also where a COALESCE says what stands for none."""
    inner = node.this if isinstance(node, exp.Coalesce) else node
    return inner if isinstance(inner, exp.Column) else None


def _family(node: exp.Expr) -> str | None:
    kind = node.type.this if node.type else None
    return next((name for name, kinds in _FAMILIES.items() if kind in kinds), None)


def _is_day(node: exp.Expr) -> bool:
    """True for a text literal that is a date, which every engine takes for one beside a date."""
    try:
        return isinstance(node, exp.Literal) and node.is_string and bool(date.fromisoformat(node.name))
    except ValueError:
        return False


def _members(refuse: Refuse, metric: Metric, fact: _Columns) -> Iterator[ContractError]:
    """Keys that a listing prints, where the key counted is a column with words of its own."""
    words = fact[metric.distinct_key or ""].enum if metric.distinct_key in fact else ()
    for key in metric.members:
        if words and key not in words:
            yield refuse("members", f"{key!r} is no word of {metric.distinct_key}", f"use {', '.join(words)}")


def _no_column(refuse: Refuse, place: str, table: str, name: str, columns: _Columns) -> ContractError:
    return refuse(place, f"{table} has no column {name}", _closest(name, columns))


def _closest(name: str, known: Iterable[str]) -> str:
    names = list(known)
    return f"use {' or '.join(get_close_matches(name, names, 2, 0.6) or ['one of docs/data_dictionary.md'])}"
