"""Views for BI: Chinese names of every table, all figures wide, and the page that lists them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from decimal import Decimal

import duckdb
import pytest

from data_contracts.bi import BASES, BASES_ZH, COMMAND, PAGE, WIDE, WIDE_ZH, BiView, bi_page, bi_views
from data_contracts.metric import load_metrics
from data_contracts.outputs import load_outputs

VIEWS = {view.name: view for view in bi_views()}
TABLES = {name: o for name, o in load_outputs().items() if o.layer in ("core", "mart", "report")}
MADE = (WIDE, WIDE_ZH, BASES, BASES_ZH)


@pytest.fixture(scope="module")
def warehouse() -> duckdb.DuckDBPyConnection:
    """Empty tables as promised, all views over them."""
    db = duckdb.connect()
    for schema in ("core", "mart", "report", "bi"):
        db.execute(f"CREATE SCHEMA {schema}")
    for name, output in TABLES.items():
        db.execute(f"CREATE TABLE {name} ({', '.join(f'{c.name} {c.type}' for c in output.columns)})")
    for view in VIEWS.values():
        db.execute(f"CREATE VIEW {view.full_name} AS {view.sql}")
    return db


def test_every_table_has_a_view_with_its_chinese_names(warehouse: duckdb.DuckDBPyConnection) -> None:
    tables = [v for v in VIEWS.values() if v.name not in MADE]
    assert [v.reads for v in tables] == [(name,) for name in TABLES]
    for view in tables:
        described = [row[0] for row in warehouse.execute(f"DESCRIBE {view.full_name}").fetchall()]
        assert described == [c.business_name for c in TABLES[view.reads[0]].columns], view.name
        assert view.comment
        assert all(c.comment for c in view.columns)


def test_names_that_meet_carry_the_english_one() -> None:
    one, other = list(TABLES.values())[:2]
    same = {
        "core.a": replace(one, name="a"),
        "core.b": replace(other, name="b", business_name=one.business_name),
    }
    names = [v.name for v in bi_views(same, {})][:2]
    assert names == [f"{one.business_name}（a）", f"{one.business_name}（b）"]


def test_figures_stand_wide_in_both_languages(warehouse: duckdb.DuckDBPyConnection) -> None:
    columns = (
        "metric_id, quarter, period, grain, scope_code, reported_value, value_date, value_date_to, value_text"
    )
    scope = "'2024Q3', 'quarter', 'org', 'YWCT-03'"
    warehouse.execute(
        f"""INSERT INTO mart.reported_metric ({columns}) VALUES
        ('concrete_volume', {scope}, 1.5, NULL, NULL, NULL), ('fire_drills', {scope}, 2, NULL, NULL, NULL),
        ('concrete_volume', '2024Q3', 'ytd', 'group', '', 9, NULL, NULL, NULL),
        ('xiaozici_hefu_delivery_forecast', {scope}, NULL, DATE '2024-12-01', DATE '2024-12-31', NULL),
        ('new_named_tenants', {scope}, 1, NULL, NULL, '芯卓'),
        ('dachen_shirt_festival', {scope}, NULL, DATE '2024-09-20', NULL, '筹备')"""
    )
    warehouse.execute("INSERT INTO core.dim_org (org_code, org_name) VALUES ('YWCT-03', '建科公司')")
    ids = (
        "concrete_volume, fire_drills, xiaozici_hefu_delivery_forecast, xiaozici_hefu_delivery_forecast_until"
    )
    state = "dachen_shirt_festival, dachen_shirt_festival_since"
    rows = warehouse.execute(
        f"SELECT grain, scope_name, {ids}, new_named_tenants_names, {state} FROM bi.{WIDE} ORDER BY scope_code DESC"
    ).fetchall()
    assert rows == [
        (
            "org",
            "建科公司",
            Decimal("1.5"),
            2,
            date(2024, 12, 1),
            date(2024, 12, 31),
            "芯卓",
            "筹备",
            date(2024, 9, 20),
        ),
        ("group", None, 9, None, None, None, None, None, None),
    ]
    name = load_metrics()["concrete_volume"].name.zh
    chinese = warehouse.execute(
        f'SELECT 季度, 期间, 粒度, 范围名称, "{name}" FROM bi.{WIDE_ZH} ORDER BY 期间'
    )
    assert chinese.fetchall() == [
        ("2024Q3", "本季", "单位", "建科公司", Decimal("1.5")),
        ("2024Q3", "本年累计", "集团", None, 9),
    ]


def test_a_figure_stands_by_basis_in_both_languages(warehouse: duckdb.DuckDBPyConnection) -> None:
    key = "quarter, metric_id, period, grain, scope_code"
    drills = "'2024Q3', 'fire_drills', 'quarter', 'group', ''"
    warehouse.execute("INSERT INTO report.publication (quarter, version) VALUES ('2024Q3', 1), ('2024Q3', 2)")
    warehouse.execute(
        f"""INSERT INTO report.figure ({key}, version, reported_value, value_date) VALUES
        ({drills}, 1, 10, NULL), ({drills}, 2, 11, NULL),
        ('2024Q3', 'xiaozici_hefu_acceptance', 'as_of', 'group', '', 1, NULL, DATE '2024-09-01'),
        ('2024Q3', 'xiaozici_hefu_acceptance', 'as_of', 'group', '', 2, NULL, DATE '2024-09-02')"""
    )
    warehouse.execute(f"INSERT INTO mart.reported_metric ({key}, reported_value) VALUES ({drills}, 12)")
    warehouse.execute(f"INSERT INTO mart.comparable_metric ({key}, comparable_value) VALUES ({drills}, 9)")
    bases = "first_reported, last_reported, latest, last_year_comparable"
    found = warehouse.execute(
        f"SELECT metric_name, {bases} FROM bi.{BASES} WHERE metric_id = 'fire_drills' AND grain = 'group'"
    )
    assert found.fetchall() == [("Fire drills", 10, 11, 12, 9)]
    days = warehouse.execute(
        f'SELECT 指标名称, 首次列报内容, 最近列报内容, 最新内容 FROM bi."{BASES_ZH}" WHERE 首次列报内容 IS NOT NULL'
    )
    name = load_metrics()["xiaozici_hefu_acceptance"].name.zh
    assert days.fetchall() == [(name, "2024-09-01", "2024-09-02", None)]


def test_no_column_stands_twice() -> None:
    def twice(view: BiView) -> list[str]:
        return [name for name, n in Counter(c.name for c in view.columns).items() if n > 1]

    assert {view.name: twice(view) for view in VIEWS.values() if twice(view)} == {}


def test_the_page_lists_every_view() -> None:
    written = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    assert written == bi_page(bi_views()), f"docs/bi.md is out of date: run `{COMMAND}`"
