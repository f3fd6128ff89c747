"""The metric catalogue: ``python -m data_contracts.metric_docs``.

Belongs here: turning metric definitions into the page where a reader looks up what a figure means. Keep out:
any word about a figure that its definition does not say; a test holds ``docs/metrics.md`` equal to what is
rendered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from data_contracts.metric import METRICS_DIR, Metric, by_fact, load_metrics

CATALOGUE = METRICS_DIR.parents[1] / "docs" / "metrics.md"
COMMAND = "python -m data_contracts.metric_docs"

_KINDS = {
    "flow": "流量 flow",
    "stock": "存量 stock",
    "distinct": "去重计数 distinct count",
    "ratio": "比率 ratio",
    "sum": "合计 sum",
    "event_date": "事件日期 event date",
    "forecast": "预计日期 forecast",
    "status": "状态 status",
}
_PERIODS = {
    "quarter": "本季 quarter",
    "ytd": "本年累计 year to date",
    "as_of": "季末 as of the quarter's end",
}
_GRAINS = {"group": "集团 group", "org": "单位 company", "project": "项目 project", "park": "园区 park"}
_DERIVED = {"ratio": "比率 Ratios", "sum": "合计 Sums"}
_GAPS = {
    "exclude": "late reporters are left out and counted (`excluded:n`)",
    "carry_forward": "the last report stands for {days} days (`carried:<day>`), then it is a gap (`gap:n`)",
    "block": "a missing report is a gap (`gap:n`) that bars closing",
}
_WINDOWS = {"as_of": "the as-of date", "cut_off": "the cut-off, at most the next quarter's end"}


def metric_catalogue(metrics: Mapping[str, Metric]) -> str:
    """Markdown of all ``metrics`` in Chinese and English, by fact and then by id. Ends with one newline."""
    lines = [
        "# 指标目录 Metric catalogue",
        "",
        f"Rendered from `data_contracts/metrics/` by `{COMMAND}`; do not edit.",
        "",
        "A bare column is one of the fact (`core.<fact>`); `dim_project.x`, `dim_org.x`, `dim_park.x` and",
        "`dim_account.x` are the state of that dimension valid at the as-of date; `dim_quarter.x` is the",
        "period, `report_end` the last day its report may speak of. `named_project('x', 'y')`, `named_park('x')` and",
        "`named_company('x')` are the code of the one project, park or company that bears or bore the first of the",
        "names that `core.project_alias`, `core.park_alias` or `core.company_alias` knows.",
        "",
        "Flags of a figure: `open_period` the period had not ended at the cut-off; `after_period` the event",
        "lies after the as-of date; `several_states` its items stand in different states; `not_current`",
        "another report quotes the forecast by now; `gap:n` and `excluded:n` unit-months without a report;",
        "`carried:<day>` the day of the report that still stands.",
        "",
        "| 指标 Metric | 名称 Name | 类型 Kind | 单位 Unit | 事实 Fact |",
        "|---|---|---|---|---|",
    ]
    for metric in (metrics[name] for name in sorted(metrics)):
        lines.append(
            f"| [{metric.id}](#{metric.id}) | {metric.name.zh} {metric.name.en} | {_KINDS[metric.kind]} "
            f"| {metric.unit} | {metric.fact or '–'} |"
        )
    derived = {title: [m for m in metrics.values() if m.kind == kind] for kind, title in _DERIVED.items()}
    for name, group in {**by_fact(metrics.values()), **derived}.items():
        lines += ["", f"## {name}"] if group else []
        for metric in sorted(group, key=lambda m: m.id):
            lines += ["", *_entry(metric)]
    return "\n".join(lines) + "\n"


def _entry(metric: Metric) -> Iterator[str]:
    yield f'### <a id="{metric.id}"></a>{metric.id} {metric.name.zh}'
    yield ""
    yield f"**{metric.name.en}.** {metric.definition}"
    yield ""
    yield f"Not counted: {metric.exclusions}"
    yield ""
    yield f"Reading: {metric.ambiguity}"
    yield ""
    yield "| | |"
    yield "|---|---|"
    for label, text in _facts(metric):
        yield f"| {label} | {text.replace('|', chr(92) + '|')} |"


def _facts(metric: Metric) -> Iterator[tuple[str, str]]:
    yield "类型 Kind", _KINDS[metric.kind]
    if metric.ratio:
        yield "计算 Formula", f"`{metric.ratio.numerator}` / `{metric.ratio.denominator}`"
    elif metric.terms:
        yield (
            "计算 Formula",
            " + ".join(
                f"`{t.metric}`" + (f" ({_PERIODS[t.period]})" if t.period else "") for t in metric.terms
            ),
        )
    else:
        yield "计算 Formula", _formula(metric)
        yield "条件 Filter", f"`{metric.filter}`" if metric.filter else "–"
        if metric.dimensions_on:
            yield "维度日 Dimensions", f"as valid on the row's `{metric.dimensions_on}`"
        yield "日期 Time", _time(metric)
    yield "期间 Periods", ", ".join(_PERIODS[p] for p in metric.periods)
    yield "粒度 Grains", ", ".join(_GRAINS[g] for g in metric.grains)
    yield "可加性 Additivity", _additivity(metric)
    yield "缺报 Gaps", _GAPS[metric.gap_policy].format(days=metric.max_age_days)
    yield "单位 Unit", _unit(metric)
    yield "归口 Owner", f"{metric.owner}; certified by {metric.certifying_unit}"
    yield "明细 Drill", ", ".join(f"`{c}`" for c in metric.drill) or "the rows of the inputs"
    yield "版本 Version", str(metric.version)


def _unit(metric: Metric) -> str:
    if metric.kind in ("event_date", "forecast", "status"):
        return metric.unit
    shown = metric.display
    divisor = f"divided by {shown.divisor:,f}, " if shown.divisor != 1 else ""
    return f"{metric.unit}; printed {divisor}with {shown.decimals} decimals, {shown.unit}"


def _formula(metric: Metric) -> str:
    if metric.kind == "forecast":
        return f"`{metric.fact}`: range from `{metric.time.from_}` to `{metric.time.to}` while not met"
    if metric.distinct_key:
        return f"`{metric.fact}`: distinct `{' '.join(metric.distinct_key.split())}`"
    return f"`{metric.fact}`: `{metric.expression}`"


def _time(metric: Metric) -> str:
    time = metric.time
    if metric.kind == "forecast":
        return f"not met (`{time.met}`) up to {_WINDOWS[metric.window]}"
    if metric.kind == "event_date":
        return f"`{time.date}` up to {_WINDOWS[metric.window]}"
    if time.date:
        return f"`{time.date}` in the period, both ends included"
    if time.fiscal_quarter:
        return f"`{time.fiscal_quarter}`, the ledger's own period"
    if time.from_:
        until = f", until before `{time.to}`" if time.to else ""
        return f"from `{time.from_}`{until}, at {_WINDOWS[metric.window]}"
    return "as long as the row is known"


def _additivity(metric: Metric) -> str:
    if not metric.additivity.not_over:
        return "adds over every grain and over quarters of one year"
    refused = ", ".join(metric.additivity.not_over)
    return f"never added over {refused}: {metric.additivity.instead}"


if __name__ == "__main__":
    CATALOGUE.write_text(metric_catalogue(load_metrics()), encoding="utf-8")
