"""The reconciliations as a page: ``python -m pipelines.reference`` writes it.

Belongs here: turning rules into the page where a controller looks up what is held against what, and the
results of one run into a table. Keep out: any word about a rule that its file does not say; a test holds
``docs/reconciliations.md`` equal to what is rendered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from data_contracts.reconciliation import (
    REASON_CODES,
    RECONCILIATIONS_DIR,
    Reconciliation,
    Side,
    Tolerance,
)

PAGE = RECONCILIATIONS_DIR.parents[1] / "docs" / "reconciliations.md"
RESULTS = PAGE.with_name("reconciliation_results.md")
COMMAND = "make docs"
_OF = {"left": "the left side", "right": "the right side", "base": "the base"}
_JUDGED = {"ended": "quarters that have ended", "known": "every quarter, the running one included"}


def reference(rules: Mapping[str, Reconciliation]) -> str:
    """Markdown of all ``rules`` in order. Ends with one newline."""
    codes = "; ".join(f"`{code}` {text}" for code, text in REASON_CODES.items())
    lines = [
        "# 对账目录 Reconciliations",
        "",
        f"Rendered from `data_contracts/reconciliations/` by `{COMMAND}`; do not edit.",
        "",
        "Every rule compares two sides key by key. What legitimate differences do not explain, beyond the",
        "tolerance, is a break: a row of `mart.recon_break` with its age, owner and state. `mart.reconciliation`",
        "holds one row a rule and quarter (within, out, or not run and why), `mart.recon_item` the schedule of",
        "legitimate differences. `jibao reconcile` lists them; `jibao reconcile sign` signs for one break: for the",
        "whole amount, by somebody other than the preparer, until a day. A key holds its quarter, so a signature",
        f"never rolls forward. Reason codes: {codes}.",
        "",
        "| 规则 Rule | 名称 Name | 左方 Left | 右方 Right | 粒度 Grain | 容差 Tolerance |",
        "|---|---|---|---|---|---|",
    ]
    lines += [_row(rule) for rule in rules.values()]
    for rule in rules.values():
        lines += ["", *_entry(rule)]
    return "\n".join(lines) + "\n"


def results(rows: Iterable[Mapping[str, Any]], planned: Mapping[str, str], known_at: str) -> str:
    """Markdown of one run: ``rows`` of ``mart.reconciliation`` of one quarter; ``planned``: rule → why it breaks.

    Ends with one newline.
    """
    lines = [
        "# Reconciliations of the demo",
        "",
        f"Rendered from a run of the demo known at {known_at} UTC by `python -m pipelines.reconciliation_page`; do",
        "not edit. What each rule says: [reconciliations.md](reconciliations.md).",
        "",
        "| Rule | Quarter | Status | Keys | Left | Right | Explained | Breaks | Broken on purpose, or why not run |",
        "|---|---|---|---:|---:|---:|---:|---:|---|",
    ]
    for row in rows:
        why = row["reason"] or (planned.get(row["rule_id"], "") if row["breaks"] else "")
        cells = (
            f"[{row['rule_id']}](reconciliations.md#{row['rule_id']}) {row['name_zh']}", row["quarter"],
            row["status"].replace("_", " "), f"{row['compared']:,}", _number(row["left_value"]),
            _number(row["right_value"]), _number(row["explained"]), str(row["breaks"] or ""), why,
        )  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def tolerance_text(rule: Reconciliation) -> str:
    """The tolerance in words."""
    word = "at most: " if rule.compare == "at_most" else ""
    total = f"; in total {_tolerance(rule.total, rule.unit)}" if rule.total else ""
    return f"{word}{_tolerance(rule.tolerance, rule.unit)}{total}"


def _tolerance(tolerance: Tolerance, unit: str) -> str:
    value = f"{tolerance.value.normalize():f}"
    if tolerance.kind == "exact":
        return "exact"
    if tolerance.kind == "relative":
        return f"{value} % of {_OF[tolerance.of]}"
    if tolerance.kind == "points":
        return f"{value} percentage points"
    return f"{value} {unit}" + (" times the base" if tolerance.per_base else "")


def _row(rule: Reconciliation) -> str:
    left, right = (side.what.rstrip(".") for side in (rule.left, rule.right))
    cells = (
        f"[{rule.id}](#{rule.id})", rule.name.zh, left, right, ", ".join(rule.grain) or "quarter",
        tolerance_text(rule),
    )  # fmt: skip
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _entry(rule: Reconciliation) -> Iterator[str]:
    yield f'### <a id="{rule.id}"></a>{rule.id} {rule.name.zh}'
    yield ""
    yield f"**{rule.name.en}.** {rule.definition}"
    yield ""
    yield f"Legitimate differences: {rule.legitimate}"
    yield ""
    yield "| | |"
    yield "|---|---|"
    for label, text in _facts(rule):
        yield f"| {label} | {text.replace('|', chr(92) + '|')} |"


def _facts(rule: Reconciliation) -> Iterator[tuple[str, str]]:
    for label, side in (("左方 Left", rule.left), ("右方 Right", rule.right)):
        yield label, _side(side)
    for item in rule.items:
        yield "调节项 Item", f"{item.sign} `{item.id}` {item.name.zh} {item.name.en}"
    for row_class in rule.explained:
        yield "已说明 Class", f"`{row_class.id}` {row_class.name.zh} {row_class.name.en}"
    yield "粒度 Grain", ", ".join(f"`{name}`" for name in ("quarter", *rule.grain))
    yield "容差 Tolerance", tolerance_text(rule)
    yield "范围 Judged", _JUDGED[rule.judged]
    yield "来源 Reads", ", ".join(f"`{t}`" for t in rule.tables)
    if rule.materiality is not None:
        yield "重要性 Materiality", f"{rule.materiality.normalize():f} {rule.unit}"
    signing = "" if rule.signable else ", nobody can sign for it"
    yield "级别 Severity", f"{rule.severity}{signing}; overdue after {rule.max_age_days} days"
    yield "责任 Owner", f"{rule.owner.department}, {rule.owner.role}"


def _side(side: Side) -> str:
    if side.metric is None:
        return side.what
    return f"{side.what} (metric `{side.metric.id}`, {side.metric.period} by {side.metric.grain})"


def _number(value: Any) -> str:
    if value is None:
        return ""
    plain = value.normalize()
    return f"{int(plain):,}" if plain == plain.to_integral_value() else f"{plain:,.2f}"
