"""The data dictionary, rendered from the contracts: ``python -m data_contracts.render``.

Belongs here: turning source contracts into the pages a reader looks things up in. Keep out: any word about
a table that its contract does not say; a test holds ``docs/data_dictionary.md`` equal to what is rendered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from data_contracts.contract_file import CONTRACTS_DIR, SOURCE_DOMAINS, load_contracts
from data_contracts.model import Column, Relationship, TableContract
from data_contracts.rules import Rule, rules_of
from data_contracts.yaml_file import read_yaml

DICTIONARY = CONTRACTS_DIR.parent / "docs" / "data_dictionary.md"
COMMAND = "python -m data_contracts.render"

_DOMAIN_NAMES = {"finance": "财务 Finance", "construction": "工程 Construction", "park": "园区 Park"}
_PERIODS = {"d": "天 days", "m": "个月 months", "y": "年 years"}
_SEVERITIES = {"error": "错误 error", "warning": "警告 warning"}
_OF_COLUMN = frozenset({"not_null", "parse", "in_set", "between", "length", "matches"})
"""Rule kinds that the column table tells already; every other rule stands in the list below it."""


def data_dictionary(contracts: Mapping[str, TableContract]) -> str:
    """Markdown of all ``contracts`` in Chinese and English: source, transport, update, key, columns, rules.

    Tables stand by domain, then by name. Ends with one newline.
    """
    lines = [
        "# 数据字典 Data dictionary",
        "",
        f"Rendered from the contracts by `{COMMAND}`; do not edit. How to read a contract: [contracts.md]"
        "(contracts.md).",
        "",
        "| 表 Table | 中文名 Name | 一行是 One row is | 来源 Source | 更新 Update |",
        "|---|---|---|---|---|",
    ]
    ordered = sorted(contracts.values(), key=lambda c: (SOURCE_DOMAINS.index(c.domain), c.name))
    for contract in ordered:
        grain = contract.grain.removeprefix("One row per ").rstrip(".")
        lines.append(
            f"| [{contract.name}](#{contract.name}) | {contract.business_name} | {_cell(grain)} "
            f"| {contract.server} | {_verb(contract)} |"
        )
    for domain, group in groupby(ordered, key=lambda c: c.domain):
        lines += ["", f"## {_DOMAIN_NAMES[domain]}"]
        for contract in group:
            lines += ["", *_table(contract)]
    return "\n".join(lines) + "\n"


def _table(contract: TableContract) -> Iterator[str]:
    document = read_yaml(contract.path)
    about = document["description"]
    yield f'### <a id="{contract.name}"></a>{contract.name} {contract.business_name}'
    yield ""
    yield " ".join(filter(None, [contract.description, about.get("purpose"), about.get("limitations")]))
    yield ""
    yield from _facts(contract, document)
    yield ""
    yield "| 列 Column | 中文名 Name | 类型 Type | 单位 Unit | 规则 Rules | 说明 Description |"
    yield "|---|---|---|---|---|---|"
    labels = _labels(document)
    for column in contract.columns:
        cells = (
            f"`{column.name}`",
            column.business_name,
            column.physical_type,
            _unit(column),
            _demands(column, labels.get(column.name, {})),
            column.description,
        )
        yield "| " + " | ".join(_cell(cell) for cell in cells) + " |"
    yield from _rules(contract)
    yield from _relationships(contract)


def _facts(contract: TableContract, document: Mapping[str, Any]) -> Iterator[str]:
    transport = contract.transport
    where = {
        "sql": lambda t: f"表 table `{t['table']}`",
        "workbook": lambda t: f"文件 files `{t['files']}`, 工作表 sheet `{t['sheet']}`",
        "rest": lambda t: f"`{t['method']} {t['path']}`",
        "file": lambda t: f"文件 files `{t['files']}` ({t['format']})",
    }[transport["kind"]](transport)
    promised = {item["property"]: item for item in document.get("slaProperties", [])}
    source = document["servers"][0].get("description") or contract.server
    yield f"- 来源 Source: {source} (`{contract.server}`)"
    yield f"- 传输 Transport: {transport['kind']}, {where}"
    yield f"- 更新 Update: {_verb(contract)}"
    yield f"- 主键 Key: {_names(contract.key)}"
    yield f"- 归属 Owner: {contract.owner}; 到单位的路径 path to the company: `{contract.org_path}`"
    if contract.recorded_at:
        yield f"- 获知时间 Known from (first load): `{contract.recorded_at}`"
    kept = ", ".join(
        f"{name} {promised[key]['value']} {_PERIODS[promised[key]['unit']]}"
        for key, name in (("freshness", "新鲜度 freshness"), ("retention", "保留 retention"))
        if key in promised
    )
    yield f"- 承诺 Promised: {kept}"
    blocks = "; 缺失时不发布 its failing blocks publishing" if contract.required else ""
    yield f"- 隔离上限 Quarantine: {contract.quarantine_max_pct:g} %{blocks}"


def _verb(contract: TableContract) -> str:
    update = contract.update
    text: str = update.verb
    if update.verb == "replace":
        text += f"({', '.join(update.scope) or 'table'})"
    if update.watermark:
        text += f", watermark `{update.watermark}` − {update.overlap_days} 天 days"
    if update.version:
        text += f", 最高 highest `{update.version}`"
    return text


def _labels(document: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    return {
        column["name"]: {str(item["value"]): str(item.get("label", "")) for item in column["enum"]}
        for column in document["schema"][0]["properties"]
        if "enum" in column
    }


def _unit(column: Column) -> str:
    if column.source_unit:
        return f"{column.unit} (来源 source: {column.source_unit})"
    return column.unit or ""


def _demands(column: Column, labels: Mapping[str, str]) -> str:
    """What the column itself demands and how it is treated."""
    return "; ".join([*_limits(column, labels), *_marks(column, labels)])


def _limits(column: Column, labels: Mapping[str, str]) -> Iterator[str]:
    if column.key_position is not None:
        yield f"主键 key {column.key_position}"
    elif column.required:
        yield "必填 required"
    if column.options.get("minLength") == 0:
        yield "空文本 = 无 empty text = none"
    low, high = column.options.get("minimum"), column.options.get("maximum")
    if low is not None or high is not None:
        yield f"{'' if low is None else low} … {'' if high is None else high}".strip()
    if pattern := column.options.get("pattern"):
        yield f"`{pattern}`"
    if column.enum:
        yield ", ".join(f"{word} {labels.get(word, '')}".strip() for word in column.enum)


def _marks(column: Column, labels: Mapping[str, str]) -> Iterator[str]:
    words = [f"{word}→{code}" for word, code in column.value_map.items() if labels.get(code) != word]
    if words:
        yield "词语 words: " + ", ".join(words)
    if column.restricted:
        yield "受限 restricted"
    if column.change:
        yield f"变更 change: {column.change}"
    if column.lineage:
        yield "血缘 lineage"


def _rules(contract: TableContract) -> Iterator[str]:
    listed = [rule for rule in rules_of(contract) if rule.kind not in _OF_COLUMN]
    yield ""
    yield "| 规则 Rule | 级别 Severity | 含义 Meaning | 处理 Cure |"
    yield "|---|---|---|---|"
    for rule in listed:
        yield f"| `{rule.id}` | {_severity(rule)} | {_cell(rule.message)} | {_cell(rule.cure)} |"


def _severity(rule: Rule) -> str:
    if rule.severity == "error":
        return _SEVERITIES["error"] + (", 阻断 blocks" if rule.scope == "table" else ", 隔离 quarantine")
    return _SEVERITIES[rule.severity]


def _relationships(contract: TableContract) -> Iterator[str]:
    if not contract.relationships:
        return
    yield ""
    yield "| 引用 Reference | 指向 Parent | 找不到时 When missing |"
    yield "|---|---|---|"
    for relationship in contract.relationships:
        parent = ", ".join(f"{relationship.parent}.{name}" for name in relationship.parent_columns)
        target = f"`{parent}`{_alias(relationship)}"
        yield f"| {_names(relationship.columns)} | {target} | {_orphan(relationship)} |"


def _alias(relationship: Relationship) -> str:
    if relationship.alias is None:
        return ""
    table, column, split = relationship.alias
    apart = f" (以 `{split}` 分隔 split)" if split else ""
    return f", 或 or `{table}.{column}`{apart}"


def _orphan(relationship: Relationship) -> str:
    if relationship.requires:
        return f"须满足 requires `{relationship.requires}`, 否则按 {_names(relationship.held_with)} 整组暂扣 held whole"
    return {
        "infer": "推定 infer: 保留该行 the row stays",
        "hold": "暂扣 hold: 等待父行 waits for its parent",
    }[relationship.orphan]


def _names(names: tuple[str, ...]) -> str:
    return " + ".join(f"`{name}`" for name in names)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def write(path: Path = DICTIONARY) -> Path:
    """Render the dictionary of this repository's contracts into ``path``; returns it."""
    path.write_text(data_dictionary(load_contracts()), encoding="utf-8")
    return path


if __name__ == "__main__":
    print(write())
