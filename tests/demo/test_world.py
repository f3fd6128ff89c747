"""The pretend group: its companies, parks, projects and calendar."""

from __future__ import annotations

from datetime import date

import pytest

from data_contracts.codes import VALIDATORS, usci_is_valid
from demo.world import (
    AS_OF,
    HISTORY_END,
    HISTORY_START,
    World,
    is_workday,
    months_between,
    next_workday,
    previous_workday,
    random_usci,
    workbook_day,
    workdays_between,
)

WORLD = World()


def test_twelve_companies_with_valid_codes() -> None:
    assert len(WORLD.orgs) == 12
    assert all(usci_is_valid(org.usci) for org in WORLD.orgs)
    assert all(VALIDATORS["industry_code"].is_valid(org.industry_code) for org in WORLD.orgs)
    assert len({org.usci for org in WORLD.orgs}) == 12
    parents = {org.parent_org_code for org in WORLD.orgs}
    assert parents <= {None, *(org.org_code for org in WORLD.orgs)}
    assert [org.org_code for org in WORLD.orgs if org.parent_org_code is None] == ["YWCT-00"]


def test_c23_thirteen_parks() -> None:
    assert len(WORLD.parks) == 13
    open_self_managed = [
        park for park in WORLD.parks if park.self_managed and park.open_date and park.open_date <= AS_OF
    ]
    assert len(open_self_managed) == 11
    assert all(park.managed_on(AS_OF) for park in open_self_managed)
    community, garden = WORLD.park("PK-12"), WORLD.park("PK-13")
    assert (community.park_name, community.open_date) == ("数字与智能化产业社区", None)
    assert garden.park_kind == "public_park"
    assert garden.managed_on(date(2024, 6, 30))
    assert not garden.managed_on(date(2024, 7, 1))
    assert all(park.leasable_m2 <= park.gfa_m2 for park in WORLD.parks)


def test_projects_refer_to_what_exists() -> None:
    orgs, parks = {o.org_code for o in WORLD.orgs}, {p.park_code for p in WORLD.parks}
    assert len(WORLD.projects) == len({p.project_code for p in WORLD.projects}) == 45
    for project in WORLD.projects:
        assert project.org_code in orgs
        assert project.owner_org_code in orgs or project.role == "agency"
        assert project.park_code is None or project.park_code in parks
        assert usci_is_valid(project.owner_usci)
        assert project.national_code is None or VALIDATORS["project_code"].is_valid(project.national_code)
    for park in WORLD.parks:
        assert park.project_code is None or WORLD.project(park.project_code).park_code == park.park_code


def test_c02_planned_totals_are_large_enough() -> None:
    active = [p for p in WORLD.projects if p.role in ("construction", "finished")]
    assert sum(p.planned_total_cny for p in active) >= 15_000_000_000
    assert sum(p.planned_total_cny >= 2_000_000_000 for p in active) >= 4


def test_a_usci_drawn_at_random_is_valid() -> None:
    rng = WORLD.rng("test")
    assert all(usci_is_valid(random_usci(rng)) for _ in range(200))


def test_streams_are_independent_and_fixed_by_seed() -> None:
    assert WORLD.rng("a").random() == World().rng("a").random()
    assert WORLD.rng("a").random() != WORLD.rng("b").random()
    assert WORLD.rng("a").random() != World(seed=7).rng("a").random()


@pytest.mark.parametrize(("scale", "end"), [(0, AS_OF), (1, date(2022, 12, 31)), (1, date(2025, 1, 1))])
def test_a_world_outside_its_bounds_is_refused(scale: int, end: date) -> None:
    with pytest.raises(ValueError, match="must"):
        World(scale=scale, end=end)


def test_scale_adds_projects_of_earlier_years_only() -> None:
    larger = World(scale=3)
    assert larger.projects[:45] == WORLD.projects
    assert len(larger.projects) == 135
    assert all(p.accepted and p.accepted.year == 2023 for p in larger.projects[45:])


def test_october_2024_has_three_working_days_before_the_cut_off() -> None:
    assert workdays_between(date(2024, 10, 1), date(2024, 10, 10)) == [
        date(2024, 10, 8),
        date(2024, 10, 9),
        date(2024, 10, 10),
    ]
    assert is_workday(date(2024, 9, 29))
    assert not is_workday(date(2024, 9, 28))
    assert next_workday(date(2024, 10, 1)) == date(2024, 10, 8)
    assert previous_workday(date(2024, 10, 7)) == date(2024, 9, 30)


def test_workbooks_come_by_the_fifth_or_right_after_the_holidays() -> None:
    days = {month: workbook_day(month) for month in months_between(HISTORY_START, HISTORY_END)}
    assert days[date(2024, 9, 1)] == date(2024, 10, 8)
    assert all(is_workday(day) for day in days.values())
    late = [month for month, day in days.items() if day.day > 5]
    assert late == [date(2023, 9, 1), date(2024, 4, 1), date(2024, 9, 1)]
