"""Views for BI, made from output contracts and metrics; their page: ``python -m data_contracts.bi``.

Belongs here: every ``core``, ``mart`` and ``report`` table under Chinese names, the figures with one column a metric,
and each figure with one column a basis, both in English and in Chinese: names, SQL, comments and ``docs/bi.md``. Keep
out: running the SQL (``assets.publish.bi``), any word that no contract and no metric says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from data_contracts.metric import Metric, load_metrics
from data_contracts.outputs import OutputContract, load_outputs
from data_contracts.sql_text import row

SCHEMA = "bi"
PAGE = Path(__file__).parent.parent / "docs" / "bi.md"
COMMAND = "python -m data_contracts.bi"
WIDE, WIDE_ZH = "quarterly_figures", "季度指标宽表"
BASES, BASES_ZH = "figures_by_basis", "指标口径对照"
_LAYERS = ("core", "mart", "report")
_SCOPE = (
    ("quarter", "季度", "f.quarter", "Quarter, such as 2024Q3."),
    ("period", "期间", "f.period", "quarter, ytd (year to date) or as_of (at the quarter's end)."),
    ("grain", "粒度", "f.grain", "group, org, project or park."),
    ("scope_code", "范围编码", "f.scope_code", "Code of the company, project or park; empty for the group."),
    ("scope_name", "范围名称", "max(s.scope_name)", "Its name."),
)
_WORDS = {
    "f.period": {"quarter": "本季", "ytd": "本年累计", "as_of": "季末"},
    "f.grain": {"group": "集团", "org": "单位", "project": "项目", "park": "园区"},
}
_BASES = (
    ("quarter", "季度", "f.quarter", "Quarter, such as 2024Q3."),
    ("metric_id", "指标", "f.metric_id", "Id of the metric (docs/metrics.md)."),
    ("metric_name", "指标名称", "n.{name}", "Its name."),
    ("period", "期间", "f.period", "quarter, ytd (year to date) or as_of (at the quarter's end)."),
    ("grain", "粒度", "f.grain", "group, org, project or park."),
    ("scope_code", "范围编码", "f.scope_code", "Code of the company, project or park; empty for the group."),
    ("unit", "单位", "f.unit", "Unit of the values."),
    ("first_reported", "首次列报值", "f.first_value", "As first reported: version 1 of the quarter's publication."),
    ("last_reported", "最近列报值", "f.last_value", "As last reported: the newest version."),
    ("latest", "最新值", "f.latest_value", "As it would be reported now."),
    ("last_year_comparable", "上年同口径值", "f.comparable_value",
     "The same quarter of last year under this year's definition and scope, before manual adjustments."),
    ("first_reported_text", "首次列报内容", "f.first_text", "The same for a day, a state or names."),
    ("last_reported_text", "最近列报内容", "f.last_text", "The same for a day, a state or names."),
    ("latest_text", "最新内容", "f.latest_text", "The same for a day, a state or names."),
)  # fmt: skip
_TOLD = "reported_value AS value, COALESCE(CAST(value_date AS VARCHAR), value_text) AS said"
_BY_BASIS = f"""\
(
  SELECT quarter, metric_id, period, grain, scope_code, max(unit) AS unit,
    max(CASE WHEN basis = 'first' THEN value END) AS first_value,
    max(CASE WHEN basis = 'last' THEN value END) AS last_value,
    max(CASE WHEN basis = 'latest' THEN value END) AS latest_value,
    max(CASE WHEN basis = 'comparable' THEN value END) AS comparable_value,
    max(CASE WHEN basis = 'first' THEN said END) AS first_text,
    max(CASE WHEN basis = 'last' THEN said END) AS last_text,
    max(CASE WHEN basis = 'latest' THEN said END) AS latest_text
  FROM (
    SELECT 'first' AS basis, quarter, metric_id, period, grain, scope_code, unit, {_TOLD}
    FROM report.figure WHERE version = 1
    UNION ALL
    SELECT 'last', quarter, metric_id, period, grain, scope_code, unit, {_TOLD}
    FROM report.figure AS g
    WHERE version = (SELECT max(p.version) FROM report.publication AS p WHERE p.quarter = g.quarter)
    UNION ALL
    SELECT 'latest', quarter, metric_id, period, grain, scope_code, unit, {_TOLD}
    FROM mart.reported_metric
    UNION ALL
    SELECT 'comparable', quarter, metric_id, period, grain, scope_code, unit, comparable_value, NULL
    FROM mart.comparable_metric
  ) AS told
  GROUP BY quarter, metric_id, period, grain, scope_code
)"""
_SCOPES = """\
SELECT 'org' AS grain, org_code AS scope_code, org_name AS scope_name FROM core.dim_org
  UNION ALL SELECT 'project', project_code, project_name FROM core.dim_project
  UNION ALL SELECT 'park', park_code, park_name FROM core.dim_park"""


@dataclass(frozen=True)
class BiColumn:
    """One column of a view: its name, the expression behind it and what it means."""

    name: str
    expression: str
    comment: str


@dataclass(frozen=True)
class BiView:
    """One view of schema ``bi``; ``reads``: the warehouse tables it shows, ``source``: what stands after FROM."""

    name: str
    reads: tuple[str, ...]
    comment: str
    columns: tuple[BiColumn, ...]
    source: str

    @property
    def full_name(self) -> str:
        """Quoted, with its schema."""
        return f"{SCHEMA}.{_q(self.name)}"

    @property
    def sql(self) -> str:
        """Its SELECT."""
        listed = ",\n  ".join(f"{c.expression} AS {_q(c.name)}" for c in self.columns)
        return f"SELECT\n  {listed}\nFROM {self.source}"


def bi_views(
    outputs: Mapping[str, OutputContract] | None = None, metrics: Mapping[str, Metric] | None = None
) -> list[BiView]:
    """All views: Chinese ones by table, then by metric and by basis. Two names alike carry the English one too."""
    tables = {n: o for n, o in (load_outputs() if outputs is None else outputs).items() if o.layer in _LAYERS}
    known = load_metrics() if metrics is None else metrics
    names = _apart([(o.business_name, o.name) for o in tables.values()], taken={WIDE_ZH, BASES_ZH})
    views = [_chinese(name, output) for name, output in zip(names, tables.values(), strict=True)]
    both = (False, True)
    return [*views, *(_wide(known, chinese=c) for c in both), *(_by_basis(known, chinese=c) for c in both)]


def _chinese(name: str, output: OutputContract) -> BiView:
    names = _apart([(c.business_name, c.name) for c in output.columns])
    columns = tuple(
        BiColumn(zh, _q(c.name), f"{c.name}: {c.description}")
        for zh, c in zip(names, output.columns, strict=True)
    )
    table = f"{output.layer}.{output.name}"
    return BiView(name, (table,), f"{table}: {output.description}", columns, table)


def _wide(metrics: Mapping[str, Metric], *, chinese: bool) -> BiView:
    columns = [
        BiColumn(zh if chinese else en, _word(expression) if chinese else expression, said)
        for en, zh, expression, said in _SCOPE
    ]
    ordered = [metrics[m] for m in sorted(metrics)]
    names = _apart([(m.name.zh, m.id) for m in ordered], taken={c.name for c in columns})
    for name, metric in zip(names if chinese else [m.id for m in ordered], ordered, strict=True):
        columns += _of_metric(name, metric, chinese=chinese)
    said = (
        "Every figure as it would be reported now, manual adjustments included: one row a quarter, period, grain and "
        "scope, one column a metric."
    )
    figures = "mart.reported_metric"
    source = (
        f"{figures} AS f\nLEFT JOIN (\n  {_SCOPES}\n) AS s ON s.grain = f.grain AND s.scope_code = f.scope_code\n"
        "GROUP BY f.quarter, f.period, f.grain, f.scope_code"
    )
    return BiView(WIDE_ZH if chinese else WIDE, (figures,), said, tuple(columns), source)


def _by_basis(metrics: Mapping[str, Metric], *, chinese: bool) -> BiView:
    columns = []
    for en, zh, expression, said in _BASES:
        shown = expression.format(name="zh" if chinese else "en")
        columns.append(BiColumn(zh, _word(shown), f"{en}: {said}") if chinese else BiColumn(en, shown, said))
    names = ", ".join(row((m.id, m.name.zh, m.name.en)) for m in metrics.values()) or "('', '', '')"
    source = (
        f"{_BY_BASIS} AS f\nLEFT JOIN (VALUES {names}) AS n(metric_id, zh, en) ON n.metric_id = f.metric_id"
    )
    said = "Every figure as first reported, as last reported, as it stands now, and last year's beside it."
    reads = ("mart.reported_metric", "mart.comparable_metric", "report.figure", "report.publication")
    return BiView(BASES_ZH if chinese else BASES, reads, said, tuple(columns), source)


def _of_metric(name: str, metric: Metric, *, chinese: bool) -> Iterable[BiColumn]:
    """A number, a day or a state; beside it the end of a forecast's range, the day a state holds from, the names behind
    a count of members."""
    label = metric.id if chinese else metric.name.zh
    value = {"event_date": "value_date", "forecast": "value_date", "status": "value_text"}.get(
        metric.kind, "reported_value"
    )
    unit = f" ({metric.unit})" if value == "reported_value" else ""
    said = f"{label}{unit}: {metric.definition}"
    yield BiColumn(name, _pick(metric, value), said)
    if metric.kind == "status":
        yield BiColumn(name + ("_自" if chinese else "_since"), _pick(metric, "value_date"), f"Since. {said}")
    if metric.kind == "forecast":
        yield BiColumn(
            name + ("_止" if chinese else "_until"), _pick(metric, "value_date_to"), f"Until. {said}"
        )
    if metric.members:
        yield BiColumn(
            name + ("_名单" if chinese else "_names"), _pick(metric, "value_text"), f"Names. {said}"
        )


def _pick(metric: Metric, column: str) -> str:
    return f"max(CASE WHEN f.metric_id = '{metric.id}' THEN f.{column} END)"


def _word(expression: str) -> str:
    words = _WORDS.get(expression)
    if words is None:
        return expression
    cases = " ".join(f"WHEN '{code}' THEN '{word}'" for code, word in words.items())
    return f"CASE {expression} {cases} END"


def _apart(names: Iterable[tuple[str, str]], taken: Iterable[str] = ()) -> list[str]:
    """Business names that differ: one that stands twice carries its English name in brackets."""
    pairs = list(names)
    count = Counter([*(name for name, _ in pairs), *taken])
    return [name if count[name] == 1 else f"{name}（{english}）" for name, english in pairs]


def bi_page(views: Iterable[BiView]) -> str:
    """``docs/bi.md``: which view shows which table, and the columns of the wide views. Ends with one newline."""
    found = list(views)
    lines = [
        "# BI 视图 Views for BI",
        "",
        f"Rendered from the contracts and metrics by `{COMMAND}`; do not edit.",
        "",
        "Schema `bi` of the published file shows every table of `core`, `mart` and `report` under Chinese names, and",
        "all figures twice more, in English and in Chinese: with one column a metric, and with one column a basis (as",
        "first reported, as last reported, latest, last year comparable). Tables and columns carry comments; in a",
        "Chinese view they begin with the English name. Chinese names need double quotes in most tools.",
        "",
        "| 视图 View | 表 Table | 列 Columns |",
        "|---|---|---|",
    ]
    for view in found:
        shown = f"{len(view.columns)} columns" if view.name in (WIDE, WIDE_ZH) else ", ".join(_names(view))
        tables = ", ".join(f"`{table}`" for table in view.reads)
        lines.append(f"| `bi.{view.name}` | {tables} | {shown} |")
    wide, chinese = (next(v for v in found if v.name == name) for name in (WIDE, WIDE_ZH))
    lines += ["", "## 宽表的列 Columns of the wide views", "", f"| `{WIDE}` | `{WIDE_ZH}` |", "|---|---|"]
    lines += [f"| `{en}` | {zh} |" for en, zh in zip(_names(wide), _names(chinese), strict=True)]
    return "\n".join(lines) + "\n"


def _names(view: BiView) -> list[str]:
    return [c.name for c in view.columns]


def _q(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def write() -> Path:
    """Render the page of this repository's contracts and metrics; returns its path."""
    PAGE.write_text(bi_page(bi_views()), encoding="utf-8")
    return PAGE


if __name__ == "__main__":
    print(write())
