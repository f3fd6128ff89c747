"""Views for BI, made from output contracts and metrics; their page: ``python -m data_contracts.bi``.

Belongs here: every ``core`` and ``mart`` table under Chinese names, and the figures with one column a metric in
English and in Chinese: names, SQL, comments and ``docs/bi.md``. Keep out: running the SQL
(``assets.publish.bi``), any word that no contract and no metric says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from data_contracts.metric import Metric, load_metrics
from data_contracts.outputs import OutputContract, load_outputs

SCHEMA = "bi"
PAGE = Path(__file__).parent.parent / "docs" / "bi.md"
COMMAND = "python -m data_contracts.bi"
WIDE, WIDE_ZH = "quarterly_figures", "季度指标宽表"
_LAYERS = ("core", "mart")
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
    """One view of schema ``bi``; ``reads``: the warehouse table it shows."""

    name: str
    reads: str
    comment: str
    columns: tuple[BiColumn, ...]

    @property
    def full_name(self) -> str:
        """Quoted, with its schema."""
        return f"{SCHEMA}.{_q(self.name)}"

    @property
    def sql(self) -> str:
        """Its SELECT."""
        listed = ",\n  ".join(f"{c.expression} AS {_q(c.name)}" for c in self.columns)
        if self.name not in (WIDE, WIDE_ZH):
            return f"SELECT\n  {listed}\nFROM {self.reads}"
        return (
            f"SELECT\n  {listed}\nFROM {self.reads} AS f\nLEFT JOIN (\n  {_SCOPES}\n) AS s "
            "ON s.grain = f.grain AND s.scope_code = f.scope_code\n"
            "GROUP BY f.quarter, f.period, f.grain, f.scope_code"
        )


def bi_views(
    outputs: Mapping[str, OutputContract] | None = None, metrics: Mapping[str, Metric] | None = None
) -> list[BiView]:
    """All views: Chinese ones by table, then the two wide ones. Two names alike carry the English one too."""
    tables = {n: o for n, o in (load_outputs() if outputs is None else outputs).items() if o.layer in _LAYERS}
    known = load_metrics() if metrics is None else metrics
    names = _apart([(o.business_name, o.name) for o in tables.values()], taken={WIDE_ZH})
    views = [_chinese(name, output) for name, output in zip(names, tables.values(), strict=True)]
    return [*views, _wide(known, chinese=False), _wide(known, chinese=True)]


def _chinese(name: str, output: OutputContract) -> BiView:
    names = _apart([(c.business_name, c.name) for c in output.columns])
    columns = tuple(
        BiColumn(zh, _q(c.name), f"{c.name}: {c.description}")
        for zh, c in zip(names, output.columns, strict=True)
    )
    table = f"{output.layer}.{output.name}"
    return BiView(name, table, f"{table}: {output.description}", columns)


def _wide(metrics: Mapping[str, Metric], *, chinese: bool) -> BiView:
    columns = [
        BiColumn(zh if chinese else en, _word(expression) if chinese else expression, said)
        for en, zh, expression, said in _SCOPE
    ]
    ordered = [metrics[m] for m in sorted(metrics)]
    names = _apart([(m.name.zh, m.id) for m in ordered], taken={c.name for c in columns})
    for name, metric in zip(names if chinese else [m.id for m in ordered], ordered, strict=True):
        columns += _of_metric(name, metric, chinese=chinese)
    said = "Every figure, one row a quarter, period, grain and scope, one column a metric"
    return BiView(WIDE_ZH if chinese else WIDE, "mart.quarterly_metric", f"{said}.", tuple(columns))


def _of_metric(name: str, metric: Metric, *, chinese: bool) -> Iterable[BiColumn]:
    """A number, or a day; beside it the end of a forecast's range, the names behind a count of members."""
    label = metric.id if chinese else metric.name.zh
    unit = "" if metric.kind in ("event_date", "forecast") else f" ({metric.unit})"
    said = f"{label}{unit}: {metric.definition}"
    value = "value_date" if metric.kind in ("event_date", "forecast") else "value"
    yield BiColumn(name, _pick(metric, value), said)
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
        "Schema `bi` of the published file shows every table of `core` and `mart` under Chinese names, and all",
        "figures with one column a metric, in English and in Chinese. Tables and columns carry comments; in a",
        "Chinese view they begin with the English name. Chinese names need double quotes in most tools.",
        "",
        "| 视图 View | 表 Table | 列 Columns |",
        "|---|---|---|",
    ]
    for view in found:
        shown = f"{len(view.columns)} columns" if view.name in (WIDE, WIDE_ZH) else ", ".join(_names(view))
        lines.append(f"| `bi.{view.name}` | `{view.reads}` | {shown} |")
    wide, chinese = found[-2:]
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
