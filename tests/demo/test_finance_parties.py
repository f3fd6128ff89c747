"""The master of counterparties names everybody the books post to, with the faults such a master has."""

from collections import defaultdict
from datetime import datetime

import pytest

from data_contracts.codes import usci_is_valid
from demo.ledgers import finance_counterparty, finance_gl
from demo.ledgers.concrete_contracts import contracts
from demo.ledgers.finance_parties import tenant_codes
from demo.ledgers.stays import stays
from demo.timeline import Row, Timeline, state_at
from demo.world import World

KEY = ["counterparty_code"]
CUT_OFF, LATER = datetime(2024, 10, 10, 20), datetime(2024, 11, 15, 20)


@pytest.fixture(scope="module")
def timeline() -> Timeline:
    return finance_counterparty.build(World())[0]


@pytest.fixture(scope="module")
def rows(timeline: Timeline) -> dict[str, Row]:
    return {str(row["counterparty_code"]): row for row in state_at(timeline, KEY, CUT_OFF)}


def test_volume_and_columns(timeline: Timeline) -> None:
    assert 2_900 <= len(state_at(timeline, KEY, datetime(2024, 12, 31, 23))) <= 3_700
    assert {tuple(row) for _, _, row in timeline.rows} == {timeline.columns}
    assert all(row["ts"] == at.isoformat(" ", "seconds") for at, _, row in timeline.rows)


def test_everybody_in_the_books_has_a_record_by_then(timeline: Timeline) -> None:
    first: dict[object, datetime] = {}
    for at, _, row in timeline.rows:
        first.setdefault(row["counterparty_code"], at)
    for voucher in finance_gl.vouchers(World()):
        for line in voucher.lines:
            if line.party is not None:
                assert first[line.party] <= voucher.states[0].ts, (line.party, voucher.day)


def test_tenants_customers_and_group_companies_carry_the_codes_of_the_other_ledgers(
    rows: dict[str, Row],
) -> None:
    world = World()
    codes = tenant_codes(world)
    for stay in stays(world):
        if codes.get(stay.enterprise_id) in rows:
            assert rows[codes[stay.enterprise_id]]["usci"] == stay.usci
    for contract in contracts(world):
        assert rows[contract.customer_code]["usci"] == contract.customer_usci
    for org in world.orgs:
        assert rows[f"GS-{org.org_code}"]["usci"] == org.usci


def test_renamed_doubled_and_wrong_records(timeline: Timeline, rows: dict[str, Row]) -> None:
    """D15, D16, D17."""
    later = {row["counterparty_code"]: row for row in state_at(timeline, KEY, LATER)}
    renamed = [code for code, row in rows.items() if str(row["former_name"] or "").strip()]
    assert len(renamed) >= 10
    assert any(later[code]["name"] != row["name"] for code, row in rows.items()), "one after the cut-off"
    by_usci: dict[object, set[object]] = defaultdict(set)
    for row in rows.values():
        if row["usci"]:
            by_usci[row["usci"]].add(row["name"])
    assert sum(len(names) > 1 for names in by_usci.values()) >= 30
    assert rows["GY0118"]["usci"] == rows["GY0261"]["usci"]
    assert rows["GY0118"]["name"] != rows["GY0261"]["name"]
    wrong = [code for code, row in rows.items() if row["usci"] and not usci_is_valid(str(row["usci"]))]
    assert wrong == ["GY0207"]
    assert {row["status"] for row in rows.values()} == {"active", "frozen"}
