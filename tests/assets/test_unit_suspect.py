"""An amount in another unit than its header says is rejected by what the project usually reports (D05)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from data_contracts.agreement import disagreements
from data_contracts.contract_file import load_contracts
from tests.assets.staging import Bench
from tests.resources.back_ends import BackEnds

GOLDEN = Path(__file__).parents[1] / "golden" / "unit_suspect.yaml"
CASES = yaml.safe_load(GOLDEN.read_text(encoding="utf-8"))["cases"]
INVESTMENT = load_contracts()["con_invest_month"]


def _rows(months: Mapping[str, Any], revision: int) -> list[dict[str, str]]:
    found = []
    for month, told in months.items():
        amount, since_start = told if isinstance(told, list) else (told, "9000000.00")
        found.append(
            {
                "project_code": "CT-2024-009",
                "stat_month": month,
                "component": "建筑工程",
                "revision": str(revision),
                "amount_cny": amount,
                "ytd_cny": since_start,
                "since_start_cny": since_start,
                "basis": "形象进度法",
                "reported_at": "2024-11-08",
                "file_name": f"投资统计台账_{month}.xlsx",
            }
        )
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["case"])
def test_an_amount_in_another_unit_is_rejected(tmp_path: Path, case: Mapping[str, Any]) -> None:
    bench = Bench(tmp_path)
    if case["known"]:
        bench.night(INVESTMENT, _rows(case["known"], 1))
    bench.night(INVESTMENT, _rows(case["sent"], 2))
    with bench.engine.begin() as session:
        rejected = session.rows("SELECT key_text, rules FROM private.quarantine.quarantined_row")
    assert {key.split("|")[1]: rules for key, rules in rejected} == {
        month: f"con_invest_month.{rule}" for month, rule in case["rejected"].items()
    }


@pytest.fixture
def back_ends(tmp_path: Path) -> Iterator[BackEnds]:
    both = BackEnds(tmp_path)
    yield both
    both.close()


@pytest.mark.slow
def test_both_back_ends_count_the_suspect_amounts_alike(back_ends: BackEnds) -> None:
    batch = next(c for c in CASES if c["case"] == "the months of one batch tell of each other")
    back_ends.land(INVESTMENT, _rows(batch["sent"], 1))
    counted = back_ends.sql(INVESTMENT)
    assert counted["con_invest_month.amount_plausible"] == 1
    assert disagreements(counted, back_ends.run(INVESTMENT).outcomes) == ()
