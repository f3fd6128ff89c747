"""Great Expectations on real DuckDB files: every expectation can fail, and counts what SQL counts."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_contracts.agreement import disagreements
from data_contracts.contract_file import load_contracts
from data_contracts.model import TableContract
from data_contracts.rules import rules_of
from resources.expectations import SuiteRun, write_data_docs
from tests.data_contracts.every_rule import contract_with_every_rule
from tests.data_contracts.test_rule_cases import CASES, _block
from tests.resources.back_ends import BackEnds, Row

# The import of the library alone takes seconds.
pytestmark = pytest.mark.slow

KNOWN_AT = datetime(2024, 10, 10, 12, tzinfo=UTC)

C1_1: Row = {
    "code": "C1", "line_no": "1", "amount": "40", "rate": "0.05", "day": "2024-09-01", "kind": "甲",
    "leader": "张三丰", "region": "330782",
}  # fmt: skip
C1_2: Row = {**C1_1, "line_no": "2", "amount": "60", "day": "2024-09-02", "kind": "it's", "leader": "李四光"}
C2_1: Row = {**C1_1, "code": "C2", "amount": "100", "day": "2024-09-03", "leader": "王五"}
GOOD = [C1_1, C1_2, C2_1]

BROKEN: dict[str, tuple[list[Row], dict[str, int]]] = {
    "text missing": ([C1_1, C1_2, {**C2_1, "code": None}], {"code.not_null": 1}),
    "text too long": ([C1_1, C1_2, {**C2_1, "code": "C12345678"}], {"code.length": 1, "code.matches": 1}),
    "pattern": ([C1_1, C1_2, {**C2_1, "code": "X1"}], {"code.matches": 1}),
    "number missing": ([C1_1, C1_2, {**C2_1, "line_no": None}], {"line_no.not_null": 1}),
    "no integer": ([C1_1, C1_2, {**C2_1, "line_no": "一"}], {"line_no.parse": 1}),
    "no decimal": ([C1_1, C1_2, {**C2_1, "amount": "约一百"}], {"amount.parse": 1}),
    "below minimum": ([C1_1, C1_2, {**C2_1, "amount": "-100", "rate": None}], {"amount.between": 1}),
    "above maximum": ([C1_1, C1_2, {**C2_1, "amount": "5000.01", "code": None}], {
        "amount.between": 1, "code.not_null": 1, "sums_to_hundred": 1,
    }),
    "above a fraction": ([C1_1, C1_2, {**C2_1, "rate": "0.100001"}], {"rate.between": 1}),
    "no rate": ([C1_1, C1_2, {**C2_1, "rate": "一成"}], {"rate.parse": 1}),
    "no date": ([C1_1, C1_2, {**C2_1, "day": "9月初"}], {"day.parse": 1}),
    "unknown word": ([C1_1, C1_2, {**C2_1, "kind": "乙"}], {"kind.in_set": 1}),
    "restricted missing": ([C1_1, C1_2, {**C2_1, "leader": None}], {"leader.not_null": 1}),
    "restricted too long": ([C1_1, C1_2, {**C2_1, "leader": "欧阳司马五"}], {"leader.length": 1}),
    "restricted twice": ([C1_1, C1_2, {**C2_1, "leader": "张三丰"}], {"leader_once": 2}),
    "no code of the field": ([C1_1, C1_2, {**C2_1, "region": "990101"}], {"region_code": 1}),
    "code too long": ([C1_1, C1_2, {**C2_1, "region": "3307821"}], {"region_code": 1, "region.length": 1}),
    "key twice": ([C1_1, {**C1_2, "line_no": "1"}, C2_1], {"key.unique": 2}),
    "row predicate": ([C1_1, C1_2, {**C2_1, "amount": "0"}], {"rate_below_amount": 1}),
    "group": ([C1_1, {**C1_2, "amount": "61"}, C2_1], {"sums_to_hundred": 1}),
    "table": ([{**r, "kind": None} for r in GOOD], {"some_kind": 1}),
    "too few rows": ([C2_1], {"enough": 1}),
    "too many rows": ([{**C2_1, "code": f"C9{i}", "day": None, "kind": None} for i in range(9)] + [C2_1], {
        "enough": 1,
    }),
    "column twice": ([C1_1, {**C1_2, "day": "2024-09-01"}, C2_1], {"day_once": 2}),
}  # fmt: skip


@pytest.fixture(scope="module")
def back_ends(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackEnds]:
    found = BackEnds(tmp_path_factory.mktemp("work"))
    yield found
    found.close()


@pytest.fixture(scope="module")
def contract(tmp_path_factory: pytest.TempPathFactory) -> TableContract:
    return contract_with_every_rule(tmp_path_factory.mktemp("contract"))


def _violations(run: SuiteRun) -> dict[str, int]:
    """Rules that are broken, short ids; fails for a rule that could not run."""
    assert {k: o for k, o in run.outcomes.items() if o.could_not_run is not None} == {}
    return {k.split(".", 1)[1]: o.violations for k, o in run.outcomes.items() if o.violations}


def _both(back_ends: BackEnds, contract: TableContract, rows: list[Row]) -> dict[str, int]:
    """What both back ends count, after they have been found equal."""
    back_ends.land(contract, rows)
    run = back_ends.run(contract)
    assert disagreements(back_ends.sql(contract), run.outcomes) == ()
    return _violations(run)


def test_good_rows_pass_every_expectation(back_ends: BackEnds, contract: TableContract) -> None:
    assert _both(back_ends, contract, GOOD) == {}


@pytest.mark.parametrize("case", BROKEN)
def test_each_expectation_fails_on_its_bad_row(
    back_ends: BackEnds, contract: TableContract, case: str
) -> None:
    rows, broken = BROKEN[case]
    assert _both(back_ends, contract, rows) == broken


def test_the_bad_rows_reach_every_rule(contract: TableContract) -> None:
    reached = {f"t.{short}" for _, broken in BROKEN.values() for short in broken}
    assert reached == {rule.id for rule in rules_of(contract)}


def test_null_passes_unless_the_rule_asks_for_it(back_ends: BackEnds, contract: TableContract) -> None:
    missing = {"code.not_null": 2, "line_no.not_null": 2, "leader.not_null": 2}
    assert _both(back_ends, contract, [*GOOD, {}, {}]) == missing


def test_every_copy_of_a_duplicate_counts(back_ends: BackEnds, contract: TableContract) -> None:
    copies: list[Row] = [{**C2_1, "day": None, "kind": None}] * 3
    assert _both(back_ends, contract, [*GOOD, *copies]) == {"key.unique": 4}


def test_a_group_counts_once_however_many_rows_it_has(back_ends: BackEnds, contract: TableContract) -> None:
    rows = [{**r, "amount": "7", "day": None} for r in GOOD] + [{**C1_1, "line_no": "3", "kind": None}]
    assert _both(back_ends, contract, rows) == {"sums_to_hundred": 2}


def test_subtotal_rows_are_not_judged(back_ends: BackEnds, contract: TableContract) -> None:
    assert _both(back_ends, contract, [*GOOD, {"_row_kind": "control", "code": "小计", "amount": "x"}]) == {}


def test_an_empty_batch_breaks_only_what_asks_for_rows(back_ends: BackEnds, contract: TableContract) -> None:
    assert _both(back_ends, contract, []) == {"enough": 1, "some_kind": 1}


def test_a_rule_that_could_not_run_is_neither_passed_nor_failed(back_ends: BackEnds, tmp_path: Path) -> None:
    contract = contract_with_every_rule(
        tmp_path, of_kind="CAST(kind AS INTEGER) > 0", of_leader="CAST(leader AS INTEGER) > 0"
    )
    back_ends.land(contract, GOOD)
    run = back_ends.run(contract)
    failed = {k: o for k, o in run.outcomes.items() if o.violations is None}
    assert set(failed) == {"t.of_kind", "t.of_leader"}
    assert "Could not convert string" in str(failed["t.of_kind"].could_not_run)
    assert {o.violations for k, o in run.outcomes.items() if k not in failed} == {0}
    assert not any(name in json.dumps(run.evidence, ensure_ascii=False) for name in ("张三丰", "Traceback"))


def test_a_missing_candidate_table_lets_no_rule_pass(
    back_ends: BackEnds, contract: TableContract, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = back_ends.expectations.run(contract, "private.candidate.nothing")
    assert [o.violations for o in run.outcomes.values()] == [None] * len(rules_of(contract))
    assert all(
        "nothing does not exist" in str(o.could_not_run) for s, o in run.outcomes.items() if "leader" not in s
    )
    write_data_docs([run.evidence], tmp_path, run="r", known_at=KNOWN_AT)
    validation = next(p.read_text("utf-8") for p in (tmp_path / "validations").rglob("*.html"))
    assert validation.count("nothing does not exist") >= 1
    assert "unexpected Exception" not in capsys.readouterr().err


def test_a_rebuilt_candidate_is_read_anew(
    back_ends: BackEnds, contract: TableContract, tmp_path: Path
) -> None:
    back_ends.land(contract, GOOD)
    assert _violations(back_ends.run(contract)) == {}
    back_ends.land(contract, [C1_1, C1_2, {**C2_1, "kind": "乙"}])
    assert _violations(back_ends.run(contract)) == {"kind.in_set": 1}


def _everything_wrong(back_ends: BackEnds, contract: TableContract) -> SuiteRun:
    wrong: Row = {**C1_1, "kind": "看得见", "leader": "司马相如之", "code": "看得见"}
    back_ends.land(contract, [wrong, wrong])
    return back_ends.run(contract)


def test_evidence_shows_examples_but_no_restricted_value(
    back_ends: BackEnds, contract: TableContract
) -> None:
    evidence = json.dumps(_everything_wrong(back_ends, contract).evidence, ensure_ascii=False)
    assert "看得见" in evidence
    assert "司马相如之" not in evidence


def test_evidence_is_the_same_for_the_same_rows(back_ends: BackEnds, contract: TableContract) -> None:
    first, second = (_everything_wrong(back_ends, contract).evidence for _ in range(2))
    assert json.dumps(first) == json.dumps(second)
    rules = [r["expectation_config"]["meta"]["rule_id"] for r in first["results"]]
    assert rules == [r.id for r in rules_of(contract)]


def test_data_docs_are_written_from_the_evidence_alone(
    back_ends: BackEnds, contract: TableContract, tmp_path: Path
) -> None:
    evidence = json.loads(json.dumps(_everything_wrong(back_ends, contract).evidence))
    index = write_data_docs([evidence], tmp_path / "docs", run="20241010T120000Z", known_at=KNOWN_AT)
    pages = {p.relative_to(tmp_path / "docs"): p.read_text("utf-8") for p in index.parent.rglob("*.html")}
    assert "validations/t/20241010T120000Z/" in pages[Path("index.html")]
    validation = next(text for path, text in pages.items() if path.parts[0] == "validations")
    assert all(rule.id in validation for rule in rules_of(contract))
    assert "看得见" in validation
    assert not any("司马相如之" in text for text in pages.values())


def test_closed_connections_let_go_of_the_file(tmp_path: Path, contract: TableContract) -> None:
    ends = BackEnds(tmp_path)
    ends.land(contract, GOOD)
    ends.run(contract)
    ends.engine.close()
    elsewhere: dict[str, Any] = {"threads": 1}
    with pytest.raises(duckdb.ConnectionException, match="different configuration"):
        duckdb.connect(ends.engine.warehouse, config=elsewhere)
    ends.expectations.close()
    duckdb.connect(ends.engine.warehouse, config=elsewhere).close()


def test_nothing_is_sent_anywhere(
    back_ends: BackEnds, contract: TableContract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: called.append(address))
    run = _everything_wrong(back_ends, contract)
    write_data_docs([run.evidence], tmp_path / "docs", run="r", known_at=KNOWN_AT)
    assert called == []


_ANY_ROW = st.fixed_dictionaries(
    {
        "code": st.sampled_from([None, "C1", "C2", "C3", "x", "C123456789"]),
        "line_no": st.sampled_from([None, "1", "2", "二"]),
        "amount": st.sampled_from([None, "0", "50", "100", "-1", "5,000.00", "5000.01", "少"]),
        "rate": st.sampled_from([None, "0.1", "0.100001", "０．０５", "9"]),
        "day": st.sampled_from([None, "2024-09-01", "2024/9/1", "20240902", "?"]),
        "kind": st.sampled_from([None, "甲", "it's", "乙", " 甲"]),
        "leader": st.sampled_from([None, "张三丰", "李四光", "司马相如之"]),
        "region": st.sampled_from([None, "330782", "990101", "33"]),
        "_row_kind": st.sampled_from(["data", "data", "data", "control"]),
    }
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(_ANY_ROW, max_size=12))
def test_both_back_ends_count_the_same_on_any_rows(
    back_ends: BackEnds, contract: TableContract, rows: list[Row]
) -> None:
    _both(back_ends, contract, rows)


@pytest.mark.parametrize("name", sorted(CASES))
def test_every_expectation_of_every_contract_can_fail(back_ends: BackEnds, name: str) -> None:
    contract, good = load_contracts()[name], CASES[name]["good"]
    assert _both(back_ends, contract, good) == {}
    judged = [rule for rule in rules_of(contract) if rule.scope != "table"]
    bad = [row for rule in judged for row in _block(rule, contract, good)]
    broken = _both(back_ends, contract, [*good, *bad])
    assert {f"{name}.{short}" for short in broken} >= {rule.id for rule in judged}
    for rule in (r for r in rules_of(contract) if r.scope == "table"):
        broken = _both(back_ends, contract, _block(rule, contract, good))
        assert rule.id.removeprefix(f"{name}.") in broken
