"""Golden reconciliations: rows of both sides in, what is compared and what breaks out.

Belongs here: running ``tests/golden/reconciliations/*.yaml``. A case gives rows of the tables a rule reads
(``same``: columns equal in all rows of a table) and the breaks and explained differences expected; every rule
has a case that holds and one that breaks. The rule's own SQL runs over empty tables
with the types their contracts promise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from assets.mart.breaks import Signature, sign
from assets.mart.figures import record_definitions
from assets.mart.reconciliation import create_reconciliation
from assets.materialize import create_cut_off, hold_to
from assets.sql_files import create_statement, sql_files
from assets.staged.tables import create_all
from data_contracts.contract_file import load_contracts
from data_contracts.metric import load_metrics
from data_contracts.outputs import load_outputs
from data_contracts.reconciliation import Reconciliation, load_reconciliations
from resources.decisions import DecisionsLog
from resources.engine import DuckDBEngine, Session

GOLDEN = Path(__file__).parents[1] / "golden" / "reconciliations"
RULES = load_reconciliations()
CUT_OFF = datetime(2024, 10, 10, 15, 59, 59, tzinfo=UTC)
_TECHNICAL = {"_known_from": "TIMESTAMP", "_reconstructed": "BOOLEAN", "_row_hash": "VARCHAR"}


@cache
def cases() -> Mapping[str, Sequence[dict[str, Any]]]:
    return {
        path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))["cases"]
        for path in sorted(GOLDEN.glob("R*.yaml"))
    }


def _params() -> list[Any]:
    return [
        pytest.param(rule, case, id=f"{rule}: {case['case']}")
        for rule, listed in cases().items()
        for case in listed
    ]


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDBEngine]:
    """Every table a rule may read, empty: known and core by contract, the calendar by its own SQL."""
    folder = tmp_path_factory.mktemp("ground")
    engine = DuckDBEngine(folder / "warehouse.duckdb", folder / "private.duckdb")
    with engine.begin() as session:
        create_all(session)
        create_cut_off(session, CUT_OFF)
        for contract in load_contracts().values():
            columns = ", ".join(f'"{c.name}" {c.warehouse_type}' for c in contract.public)
            more = ", ".join(f"{n} {t}" for n, t in _TECHNICAL.items())
            session.run(f"CREATE TABLE known.{contract.name} ({columns}, {more})")
            session.run(
                f"CREATE TABLE known.{contract.name}__versions ({columns}, {more}, _known_to TIMESTAMP)"
            )
        for name, promise in load_outputs().items():
            if name in ("core.cut_off", "core.dim_quarter", "core.dim_date"):
                continue
            columns = ", ".join(f'"{c.name}" {c.type}' for c in promise.columns)
            session.run(f"CREATE TABLE {name} ({columns})")
        for calendar in ("dim_date", "dim_quarter"):
            session.run(create_statement(sql_files("core")[calendar]))
        record_definitions(session, load_metrics())
    yield engine
    engine.close()


def give(session: Session, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put rows into a table; columns not given are NULL."""
    types = dict(session.columns(f"SELECT * FROM {table}"))
    for row in rows:
        assert set(row) <= set(types), f"{table} has no column {set(row) - set(types)}"
        names = ", ".join(f'"{n}"' for n in row)
        values = ", ".join(f"CAST(:{n} AS {types[n]})" for n in row)
        texts = {n: None if v is None else str(v) for n, v in row.items()}
        session.run(f"INSERT INTO {table} ({names}) SELECT {values}", **texts)


def reconcile(
    engine: DuckDBEngine, rule: Reconciliation, given: Mapping[str, Any], log: DecisionsLog
) -> Mapping[str, list[tuple[Any, ...]]]:
    """Run one rule over the given rows; the tables are empty again afterwards."""
    with engine.begin() as session:
        for table, listed in given.items():
            assert table in rule.tables, f"{rule.id} does not read {table}"
            same = listed.get("same", {})
            give(session, table, [{**same, **row} for row in listed["rows"]])
        create_reconciliation(session, {rule.id: rule}, log, CUT_OFF)
        for name in ("reconciliation", "recon_break", "recon_item"):
            hold_to(session, load_outputs()[f"mart.{name}"])
        found = {
            "statuses": session.rows("SELECT quarter, status, compared, reason FROM mart.reconciliation"),
            "breaks": session.rows("SELECT key_text, unexplained FROM mart.recon_break ORDER BY key_text"),
            "explained": session.rows("SELECT key_text, item_id, amount FROM mart.recon_item ORDER BY 1, 2"),
        }
        for table in given:
            session.run(f"DELETE FROM {table}")
    return found


@pytest.mark.parametrize(("rule_id", "case"), _params())
def test_a_golden_case_comes_out_as_written(
    ground: DuckDBEngine, tmp_path: Path, rule_id: str, case: dict[str, Any]
) -> None:
    log = DecisionsLog(tmp_path / "decisions.jsonl")
    found = reconcile(ground, RULES[rule_id], case["given"], log)
    assert dict(found["breaks"]) == {k: Decimal(str(v)) for k, v in (case.get("breaks") or {}).items()}
    explained = {f"{key} {item}": amount for key, item, amount in found["explained"]}
    assert explained == {k: Decimal(str(v)) for k, v in (case.get("explained") or {}).items()}
    compared = sum(row[2] for row in found["statuses"])
    assert compared == case["compared"]


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda r: r.id)
def test_every_rule_runs_over_empty_ledgers_and_says_so(
    ground: DuckDBEngine, tmp_path: Path, rule: Reconciliation
) -> None:
    found = reconcile(ground, rule, {}, DecisionsLog(tmp_path / "decisions.jsonl"))
    assert {status for _, status, _, _ in found["statuses"]} <= {"not_run", "out"}
    reasons = {reason for _, status, _, reason in found["statuses"] if status == "not_run"}
    assert all(
        r.startswith(("nothing to compare", "not in the warehouse yet", "no publication")) for r in reasons
    )


def test_every_rule_has_a_case_that_holds_and_one_that_breaks() -> None:
    assert set(cases()) == set(RULES)
    for rule_id, listed in cases().items():
        assert any(not case.get("breaks") for case in listed), rule_id
        assert any(case.get("breaks") for case in listed), rule_id


def test_a_signature_shows_in_the_next_run_and_an_unchanged_break_keeps_its_age(
    ground: DuckDBEngine, tmp_path: Path
) -> None:
    rule, log = RULES["R34"], DecisionsLog(tmp_path / "decisions.jsonl")
    row = {"table_name": "t", "sheet": "x!y", "row_no": 3, "column_name": "a", "quarter": "2024Q3"}
    given = {"meta.control_total": {"rows": [{**row, "printed": 9, "read": 7}]}}
    ((key, unexplained),) = reconcile(ground, rule, given, log)["breaks"]
    signature = Signature(
        Decimal(2), "source_error", "王主管", "李会计", date(2099, 1, 1), "表内合计未更新", CUT_OFF
    )
    sign(
        log, CUT_OFF, rule, [{"rule_id": "R34", "key_text": key, "unexplained": unexplained}], key, signature
    )
    reconcile(ground, rule, given, log)
    with ground.begin() as session:
        assert session.rows(
            "SELECT state, signed_by, prepared_by, signed_amount, age_days FROM mart.recon_break"
        ) == [("signed", "王主管", "李会计", Decimal(2), 0)]
        assert session.rows("SELECT status, breaks, signed FROM mart.reconciliation WHERE breaks > 0") == [
            ("out", 1, 1)
        ]
    assert len(list(log.entries("breaks"))) == 1
