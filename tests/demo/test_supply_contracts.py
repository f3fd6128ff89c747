"""Supply contracts as the plant system shows them: what tickets and books rest on, and their dirt."""

from datetime import datetime
from functools import cache

from data_contracts.codes import usci_is_valid
from demo.ledgers import concrete_supply
from demo.ledgers.concrete_contracts import contracts
from demo.timeline import Row, Timeline, state_at
from demo.world import World

CUT_OFF = datetime(2024, 10, 10, 20)
LATER = datetime(2024, 11, 15, 20)


@cache
def timeline() -> Timeline:
    return concrete_supply.build(World())


def rows(instant: datetime) -> dict[str, Row]:
    return {str(row["contract_no"]): row for row in state_at(timeline(), ["contract_no"], instant)}


def test_every_contract_of_a_ticket_is_there_and_every_value_is_text_or_missing() -> None:
    shown = rows(datetime(2024, 12, 31, 23))
    assert set(shown) == {contract.contract_no for contract in contracts(World())}
    assert {type(value) for _, _, row in timeline().rows for value in row.values()} == {str, type(None)}
    assert all(tuple(row) == timeline().columns for _, _, row in timeline().rows)
    assert all(row["updated_at"] == at.isoformat(" ") for at, _, row in timeline().rows)


def test_nobody_delivers_before_the_contract_is_signed_and_entered() -> None:
    first = {str(row["contract_no"]): at for at, _, row in reversed(timeline().rows)}
    for contract in contracts(World()):
        assert first[contract.contract_no].date() <= contract.first_day
        assert first[contract.contract_no].date() >= contract.sign_date


def test_companies_of_the_group_buy_under_their_own_code_and_contractors_do_not() -> None:
    group = {org.usci for org in World().orgs}
    for contract in contracts(World()):
        assert (contract.customer_usci in group) == (contract.group_org is not None)
        assert usci_is_valid(contract.customer_usci)


def test_prices_of_c30_lie_in_the_bounds_and_follow_the_official_price() -> None:
    prices = [float(str(row["base_price_c30"])) for _, _, row in timeline().rows]
    assert 250 <= min(prices) <= max(prices) <= 600
    before, after = rows(datetime(2023, 12, 31)), rows(CUT_OFF)
    moved = [n for n in before if before[n]["base_price_c30"] != after[n]["base_price_c30"]]
    assert moved
    assert all(before[n]["price_rule"] != "fixed" for n in moved)


def test_a_buyer_is_renamed_contracts_close_and_one_changes_after_the_bulletin() -> None:
    before, after = rows(datetime(2023, 6, 30)), rows(CUT_OFF)
    assert {
        str(before[n]["customer_name"])
        for n in before
        if before[n]["customer_name"] != after[n]["customer_name"]
    } == {"海天建设有限公司"}
    assert "closed" in {row["status"] for row in after.values()}
    later = rows(LATER)
    assert [n for n in after if after[n]["est_m3"] != later[n]["est_m3"]] == ["JK-HT-2024-003"]


def test_one_site_is_written_in_half_width_brackets_and_one_project_by_its_short_name() -> None:
    shown = rows(CUT_OFF)
    assert shown["JK-HT-2024-002"]["site_name"] == "北苑街道机场路与常青路交叉口东北侧地块(二标段)"
    assert shown["JK-HT-2023-012"]["project_code"] == "芯片园二期"
