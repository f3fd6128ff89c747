"""The staged layer as a specification: what becomes of a row, night after night."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assets.staged.quarantine import rejected
from data_contracts.model import TableContract
from tests.assets.staging import START, Bench, contract

KEY = {"name": "no", "physicalType": "varchar(10)", "primaryKey": True, "primaryKeyPosition": 1}
AMOUNT = {"name": "amount_cny", "physicalType": "decimal(18,2)", "required": True}
STAMP = {
    "name": "ts",
    "physicalType": "timestamp",
    "customProperties": [{"property": "lineage", "value": True}],
}
PERIOD = {"name": "file_period", "physicalType": "char(6)", "required": True}
VERSION = {
    "name": "file_version",
    "physicalType": "int",
    "customProperties": [{"property": "lineage", "value": True}],
}
WIDE = {"quarantine": {"max_pct": 100}}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.engine.close()


def upsert(folder: Path, **more: Any) -> TableContract:
    return contract(
        folder, "t", [KEY, AMOUNT, STAMP], {"verb": "upsert", "watermark": "ts"}, **{**WIDE, **more}
    )


def monthly(folder: Path, **more: Any) -> TableContract:
    update = {"verb": "replace", "scope": ["file_period"], "version": "file_version", "max_delete_pct": 60}
    return contract(folder, "t", [KEY, AMOUNT, PERIOD, VERSION], update, **{**WIDE, **more})


def row(no: str, amount: str, **more: str) -> dict[str, str]:
    return {"no": no, "amount_cny": amount, **more}


def sheet_row(no: str, amount: str, period: str = "202409", version: str = "1") -> dict[str, str]:
    return row(no, amount, file_period=period, file_version=version)


def current(bench: Bench) -> dict[str, Decimal]:
    return dict(bench.rows("SELECT no, amount_cny FROM staged.t WHERE _known_to IS NULL ORDER BY no"))


def test_a_changed_row_makes_a_new_version_and_closes_the_old_one(bench: Bench, tmp_path: Path) -> None:
    table = upsert(tmp_path)
    bench.night(table, [row("A", "1"), row("B", "2")])
    second = bench.night(table, [row("A", "1"), row("B", "3")])
    assert (second.report.dispositions["unchanged"], second.report.dispositions["new_version"]) == (1, 1)
    night = (START + timedelta(days=2)).replace(tzinfo=None)
    assert bench.rows("SELECT amount_cny, _known_to FROM staged.t WHERE no = 'B' ORDER BY _known_from") == [
        (Decimal("2.00"), night),
        (Decimal("3.00"), None),
    ]


def test_a_second_night_with_the_same_rows_makes_no_version(bench: Bench, tmp_path: Path) -> None:
    table = upsert(tmp_path)
    bench.night(table, [row("A", "1", ts="2024-10-01 08:00:00")])
    again = bench.night(table, [row("A", "1.00", ts="2024-10-02 09:00:00")])
    assert again.report.dispositions["unchanged"] == 1, "another watermark or spelling is no other content"
    assert len(bench.rows("SELECT * FROM staged.t")) == 1


def test_absence_in_an_upsert_deletes_nothing(bench: Bench, tmp_path: Path) -> None:
    table = upsert(tmp_path)
    bench.night(table, [row("A", "1"), row("B", "2")])
    bench.night(table, [row("A", "1")])
    assert set(current(bench)) == {"A", "B"}


def test_a_resent_month_replaces_its_month_only(bench: Bench, tmp_path: Path) -> None:
    table = monthly(tmp_path)
    bench.night(table, [sheet_row("A", "1", "202408"), sheet_row("B", "2"), sheet_row("C", "3")])
    resent = bench.night(table, [row("B", "5", file_period="202409", file_version="2")])
    assert resent.report.deleted == 1
    assert current(bench) == {"A": Decimal(1), "B": Decimal(5)}


def test_two_versions_of_a_month_in_one_batch_leave_the_higher(bench: Bench, tmp_path: Path) -> None:
    table = monthly(tmp_path)
    first = bench.night(
        table,
        [
            row("A", "1", file_period="202409", file_version="1"),
            row("B", "2", file_period="202409", file_version="1"),
            row("A", "9", file_period="202409", file_version="2"),
        ],
    )
    assert first.report.dispositions["duplicate"] == 2
    assert current(bench) == {"A": Decimal(9)}


def test_an_older_version_arriving_late_changes_nothing(bench: Bench, tmp_path: Path) -> None:
    table = monthly(tmp_path)
    bench.night(table, [row("A", "2", file_period="202409", file_version="2")])
    late = bench.night(table, [row("A", "1", file_period="202409", file_version="1")])
    assert late.report.dispositions["duplicate"] == 1
    assert current(bench) == {"A": Decimal(2)}


def test_an_older_file_arriving_late_does_not_turn_an_upserted_row_back(bench: Bench, tmp_path: Path) -> None:
    period = {**PERIOD, "customProperties": [{"property": "lineage", "value": True}]}
    update = {"verb": "upsert", "watermark": "file_period", "version": "file_version"}
    table = contract(tmp_path, "t", [KEY, AMOUNT, period, VERSION], update, **WIDE)
    bench.night(table, [sheet_row("A", "1"), sheet_row("B", "1")])
    bench.night(table, [sheet_row("A", "2", period="202410"), sheet_row("C", "1", period="202410")])
    late = bench.night(table, [sheet_row("A", "3", version="2"), sheet_row("B", "3", version="2")])
    assert late.report.dispositions["duplicate"] == 1
    assert current(bench) == {"A": Decimal(2), "B": Decimal(3), "C": Decimal(1)}


def test_absence_deletes_only_after_a_proved_extraction(bench: Bench, tmp_path: Path) -> None:
    table = contract(
        tmp_path, "t", [KEY, AMOUNT], {"verb": "replace", "scope": "table", "max_delete_pct": 60}, **WIDE
    )
    bench.night(table, [row("A", "1"), row("B", "2")])
    bench.night(table, [row("A", "1")], deletes=False)
    assert set(current(bench)) == {"A", "B"}
    bench.night(table, [row("A", "1")])
    assert set(current(bench)) == {"A"}


def test_too_many_deletions_block_the_batch_and_keep_the_last_good_version(
    bench: Bench, tmp_path: Path
) -> None:
    table = contract(
        tmp_path, "t", [KEY, AMOUNT], {"verb": "replace", "scope": "table", "max_delete_pct": 5}, **WIDE
    )
    bench.night(table, [row("A", "1"), row("B", "2")])
    outcome = bench.night(table, [row("A", "7")])
    assert "1 of 2 rows are gone" in outcome.report.blocked[0]
    assert current(bench) == {"A": Decimal(1), "B": Decimal(2)}


def test_a_row_that_breaks_a_rule_waits_in_quarantine_with_every_reason(bench: Bench, tmp_path: Path) -> None:
    table = contract(
        tmp_path,
        "t",
        [KEY, {**AMOUNT, "logicalTypeOptions": {"maximum": 100}}, {"name": "day", "physicalType": "date"}],
        {"verb": "upsert"},
        **WIDE,
    )
    bench.night(table, [{"no": "A", "amount_cny": "1", "day": "2024-09-10"}])
    outcome = bench.night(table, [{"no": "A", "amount_cny": "101", "day": "9月初"}])
    assert outcome.report.dispositions["quarantined"] == 1
    ((rules, key, replaces, raw),) = bench.rows(
        "SELECT rules, key_text, replaces_current, raw_row FROM private.quarantine.quarantined_row"
    )
    assert rules.split(",") == ["t.amount_cny.between", "t.day.parse"]
    assert (key, replaces) == ("A", True)
    assert "9月初" in raw
    assert bench.rows("SELECT amount_cny FROM staged.t WHERE _known_to IS NULL") == [(Decimal(1),)]


def test_a_rejection_is_settled_when_its_row_comes_back_as_it_was_known(bench: Bench, tmp_path: Path) -> None:
    table = upsert(tmp_path)
    states = f"SELECT key_text, state FROM ({rejected(table)}) ORDER BY key_text"
    bench.night(table, [row("A", "1"), row("B", "2"), row("C", "x")])
    bench.night(table, [row("A", "x"), row("B", "y")])
    assert bench.rows(states) == [("A", "open"), ("B", "open"), ("C", "open")]
    bench.night(table, [row("A", "1"), row("C", "3")])
    assert bench.rows(states) == [("A", "resolved"), ("B", "open"), ("C", "resolved")]
    bench.night(table, [row("A", "x")])
    assert bench.rows(states)[0] == ("A", "open"), "wrong again"


def test_a_quarantined_key_is_not_absent(bench: Bench, tmp_path: Path) -> None:
    table = contract(
        tmp_path, "t", [KEY, AMOUNT], {"verb": "replace", "scope": "table", "max_delete_pct": 100}, **WIDE
    )
    bench.night(table, [row("A", "1"), row("B", "2")])
    bench.night(table, [row("A", "broken"), row("B", "2")])
    assert current(bench) == {"A": Decimal(1), "B": Decimal(2)}


def test_a_quarantined_share_above_the_contract_blocks(bench: Bench, tmp_path: Path) -> None:
    table = upsert(tmp_path, quarantine={"max_pct": 10, "min_rows": 1})
    outcome = bench.night(table, [row("A", "x"), row("B", "2")])
    assert "1 of 2 rows are rejected" in outcome.report.blocked[0]
    assert bench.rows("SELECT count(*) FROM staged.t") == [(0,)]
    assert bench.rows("SELECT status FROM meta.batch_load") == [("blocked",)]


def test_the_newest_of_two_states_in_a_batch_is_kept(bench: Bench, tmp_path: Path) -> None:
    table = upsert(tmp_path)
    newer, older = row("A", "2", ts="2024-10-02 00:00:00"), row("A", "1", ts="2024-10-01 00:00:00")
    outcome = bench.night(table, [newer, older, newer])
    assert outcome.report.dispositions["duplicate"] == 2
    assert current(bench) == {"A": Decimal(2)}


def test_two_different_rows_of_one_key_without_order_are_both_rejected(bench: Bench, tmp_path: Path) -> None:
    table = contract(tmp_path, "t", [KEY, AMOUNT], {"verb": "append"}, **WIDE)
    outcome = bench.night(table, [row("A", "1"), row("A", "2"), row("B", "3"), row("B", "3")])
    assert outcome.report.dispositions["quarantined"] == 2
    assert outcome.report.dispositions["duplicate"] == 1
    assert current(bench) == {"B": Decimal(3)}


BUSINESS_KEY = [
    {
        "id": "voucher_no_unique", "type": "library", "metric": "duplicateValues", "mustBe": 0, "severity": "error",
        "name": "two rows of one number", "arguments": {"properties": ["voucher_no"], "keepFirstBy": "ts"},
    }
]  # fmt: skip


def vouchers(folder: Path) -> TableContract:
    number = {"name": "voucher_no", "physicalType": "varchar(10)"}
    return contract(
        folder, "t", [KEY, AMOUNT, number, STAMP], {"verb": "upsert", "watermark": "ts"}, quality=BUSINESS_KEY, **WIDE
    )  # fmt: skip


def test_of_two_rows_of_one_business_key_the_first_is_kept(bench: Bench, tmp_path: Path) -> None:
    outcome = bench.night(
        vouchers(tmp_path),
        [
            row("A", "1", voucher_no="7", ts="2024-10-02 00:00:00"),
            row("B", "1", voucher_no="7", ts="2024-10-01 00:00:00"),
        ],
    )
    assert outcome.report.violations["t.voucher_no_unique"] == 2, "every copy counts"
    assert set(current(bench)) == {"B"}


def test_a_business_key_taken_on_an_earlier_night_is_found(bench: Bench, tmp_path: Path) -> None:
    table = vouchers(tmp_path)
    bench.night(table, [row("A", "1", voucher_no="7", ts="2024-10-01 00:00:00")])
    outcome = bench.night(table, [row("B", "1", voucher_no="7", ts="2024-10-02 00:00:00")])
    assert outcome.report.dispositions["quarantined"] == 1
    assert set(current(bench)) == {"A"}


def test_control_rows_are_counted_and_never_staged(bench: Bench, tmp_path: Path) -> None:
    total = {"amount_cny": "1", "_row_kind": "control"}
    outcome = bench.night(monthly(tmp_path), [sheet_row("A", "1"), total])
    assert outcome.report.dispositions["control"] == 1
    assert outcome.report.conserved


def test_on_first_load_a_row_is_known_since_the_ledger_recorded_it(bench: Bench, tmp_path: Path) -> None:
    recorded = {"name": "recorded_at", "physicalType": "timestamp", "required": True}
    table = contract(tmp_path, "t", [KEY, recorded], {"verb": "append"}, recordedAt="recorded_at", **WIDE)
    bench.night(table, [{"no": "A", "recorded_at": "2024-03-05T10:00:00+08:00"}])
    bench.night(table, [{"no": "B", "recorded_at": "2024-03-06T10:00:00+08:00"}])
    assert bench.rows("SELECT no, _known_from, _reconstructed FROM staged.t ORDER BY no") == [
        ("A", datetime(2024, 3, 5, 2), True),
        ("B", (START + timedelta(days=2)).replace(tzinfo=None), False),
    ]


def test_a_ledger_that_was_empty_knows_its_first_rows_since_they_came(bench: Bench, tmp_path: Path) -> None:
    """What was published in between said that it was empty, and must go on saying so."""
    recorded = {"name": "recorded_at", "physicalType": "timestamp", "required": True}
    table = contract(tmp_path, "t", [KEY, recorded], {"verb": "append"}, recordedAt="recorded_at", **WIDE)
    bench.night(table, [])
    bench.night(table, [{"no": "A", "recorded_at": "2024-03-05T10:00:00+08:00"}])
    assert bench.rows("SELECT _known_from, _reconstructed FROM staged.t") == [
        ((START + timedelta(days=2)).replace(tzinfo=None), False)
    ]


def test_restricted_values_stay_in_the_private_file(bench: Bench, tmp_path: Path) -> None:
    leader = {"name": "leader", "physicalType": "varchar(20)", "classification": "restricted"}
    bench.night(
        contract(tmp_path, "t", [KEY, leader], {"verb": "upsert"}, **WIDE), [{"no": "A", "leader": "张三"}]
    )
    assert "leader" not in [c[0] for c in bench.rows("DESCRIBE staged.t")]
    assert bench.rows("SELECT leader FROM private.restricted.t") == [("张三",)]


def test_a_held_row_enters_by_itself_when_its_parent_comes(bench: Bench, tmp_path: Path) -> None:
    parent = contract(tmp_path, "p", [KEY], {"verb": "upsert"}, **WIDE)
    hold = [{"property": "orphan", "value": "hold"}]
    reference = {"type": "foreignKey", "from": ["parent_no"], "to": ["p.no"], "customProperties": hold}
    child = contract(
        tmp_path, "t", [KEY, {"name": "parent_no", "physicalType": "varchar(10)"}], {"verb": "upsert"},
        relationships=[reference], **WIDE,
    )  # fmt: skip
    bench.night(parent, [{"no": "P1"}])
    bench.night(child, [{"no": "A", "parent_no": "P1"}, {"no": "B", "parent_no": "P2"}, {"no": "C"}])
    bench.known(parent, child)
    assert bench.rows("SELECT no FROM known.t ORDER BY no") == [("A",), ("C",)]
    bench.night(parent, [{"no": "P2"}])
    assert bench.rows("SELECT no FROM known.t ORDER BY no") == [("A",), ("B",), ("C",)]
    bench.known(parent, child, cut_off=START + timedelta(days=2))
    assert bench.rows("SELECT no FROM known.t ORDER BY no") == [("A",), ("C",)], (
        "as known before the parent came"
    )


def test_rows_are_held_together_while_a_parent_may_not_be_pointed_at(bench: Bench, tmp_path: Path) -> None:
    """A voucher with a line on an account that is no leaf, the account found over the voucher's company."""
    text = {"physicalType": "varchar(10)"}
    book = {"name": "book", **text, "primaryKey": True, "primaryKeyPosition": 2}
    account = contract(tmp_path, "a", [KEY, book, {"name": "leaf", **text}], {"verb": "upsert"}, **WIDE)
    voucher = contract(tmp_path, "v", [KEY, {"name": "book", **text}], {"verb": "upsert"}, **WIDE)
    infer = {"property": "orphan", "value": "infer"}
    to_voucher = {"type": "foreignKey", "to": "v.no", "customProperties": [infer]}
    on_leaf = {
        "type": "foreignKey", "from": ["v.book", "t.account"], "to": ["a.book", "a.no"],
        "customProperties": [
            infer, {"property": "requires", "value": "leaf = 'Y'"}, {"property": "heldWith", "value": ["voucher"]},
        ],
    }  # fmt: skip
    columns = [KEY, {"name": "voucher", **text, "relationships": [to_voucher]}, {"name": "account", **text}]
    line = contract(tmp_path, "t", columns, {"verb": "upsert"}, relationships=[on_leaf], **WIDE)
    leaf = {"no": "66", "book": "B1", "leaf": "Y"}
    bench.night(
        account, [leaf, {"no": "60", "book": "B1", "leaf": "N"}, {"no": "60", "book": "B2", "leaf": "Y"}]
    )
    bench.night(voucher, [{"no": "V1", "book": "B1"}, {"no": "V2", "book": "B2"}, {"no": "V3", "book": "B1"}])
    lines = [("1", "V1", "66"), ("2", "V1", "60"), ("3", "V2", "60"), ("4", "V3", "66"), ("5", "V3", "99")]
    bench.night(line, [{"no": no, "voucher": v, "account": a} for no, v, a in lines])
    bench.known(account, voucher, line)
    rows = "SELECT no FROM known.t ORDER BY no"
    assert bench.rows(rows) == [("3",), ("4",), ("5",)], "all of V1, and not the unknown account's"
    # Split later: what was posted before stays, what comes after is held.
    bench.night(account, [{**leaf, "leaf": "N"}])
    bench.night(voucher, [{"no": "V4", "book": "B1"}])
    bench.night(line, [{"no": "6", "voucher": "V4", "account": "66"}])
    assert bench.rows(rows) == [("3",), ("4",), ("5",)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-09-10", date(2024, 9, 10)), ("2024.9.10", date(2024, 9, 10)), ("2024/9/10", date(2024, 9, 10)),
        ("２０２４－０９－１０", date(2024, 9, 10)), ("20240910", date(2024, 9, 10)), ("45545", date(2024, 9, 10)),
        ("2024年9月10日", date(2024, 9, 10)), ("2024-09-09T16:00:00.000Z", date(2024, 9, 10)),
        ("1725897600000", date(2024, 9, 10)), (" 2024-09-10\u3000", date(2024, 9, 10)),
        ("9月初", None), ("2024-13-01", None), ("2024-02-30", None), (" ", None),
    ],
)  # fmt: skip
def test_dates_in_every_declared_form(bench: Bench, tmp_path: Path, text: str, expected: date | None) -> None:
    table = contract(
        tmp_path, "t", [KEY, {"name": "day", "physicalType": "date"}], {"verb": "upsert"}, **WIDE
    )
    outcome = bench.night(table, [{"no": "A", "day": text}])
    if expected is None and text.strip():
        assert outcome.report.violations["t.day.parse"] == 1
    else:
        assert bench.rows("SELECT day FROM staged.t") == [(expected,)]


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("1,234.5", None, "12345000.00"), ("１２", None, "120000.00"), ("（1,000）", None, "-10000000.00"),
        ("12", "元", "12.00"), ("12", "万元", "120000.00"), ("0.5", "亿元", "50000000.00"),
        ("1200.00元", "元", "1200.00"), ("12", "担", None), ("十二", None, None),
    ],
)  # fmt: skip
def test_amounts_follow_the_unit_of_the_header(
    bench: Bench, tmp_path: Path, text: str, unit: str | None, expected: str | None
) -> None:
    amount = AMOUNT | {
        "customProperties": [
            {"property": "unit", "value": "CNY"},
            {"property": "sourceUnit", "value": "万元"},
        ]
    }
    table = contract(tmp_path, "t", [KEY, amount], {"verb": "upsert"}, **WIDE)
    outcome = bench.night(
        table, [{"no": "A", "amount_cny": text} | ({"amount_cny__unit": unit} if unit else {})]
    )
    if expected is None:
        assert outcome.report.violations["t.amount_cny.parse"] == 1
    else:
        assert bench.rows("SELECT amount_cny FROM staged.t") == [(Decimal(expected),)]


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("18.50", "元/㎡·月", "18.5000"), ("18.50", "", "18.5000"), ("18.50", None, "18.5000"),
        # A price by the day is charged for 365 days in twelve months: 0.61 x 365 / 12 = 18.55416...
        ("0.61", "元/㎡·天", "18.5542"), ("0.72", "元/㎡/天", "21.9000"), ("1,200.00", "元/㎡·天", "36500.0000"),
        # A sum for all rooms and a year says nothing of a square metre.
        ("18.50", "万元/年", None),
    ],
)  # fmt: skip
def test_a_price_follows_the_unit_that_came_beside_it(
    bench: Bench, tmp_path: Path, text: str, unit: str | None, expected: str | None
) -> None:
    price = {
        "name": "price",
        "physicalType": "decimal(10,4)",
        "customProperties": [{"property": "unit", "value": "CNY/m2/month"}],
    }
    table = contract(tmp_path, "t", [KEY, price], {"verb": "upsert"}, **WIDE)
    outcome = bench.night(table, [{"no": "A", "price": text, "price__unit": unit}])
    if expected is None:
        assert outcome.report.violations["t.price.parse"] == 1
    else:
        assert bench.rows("SELECT price FROM staged.t") == [(Decimal(expected),)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("4500㎡", "4500"), ("0.45万", "4500"), ("４，５００", "4500"), ("4500平方米", "4500")],
)
def test_areas_written_with_their_unit(bench: Bench, tmp_path: Path, text: str, expected: str) -> None:
    area = {
        "name": "area_m2",
        "physicalType": "decimal(14,2)",
        "customProperties": [{"property": "unit", "value": "m2"}],
    }
    table = contract(tmp_path, "t", [KEY, area], {"verb": "upsert"}, **WIDE)
    bench.night(table, [{"no": "A", "area_m2": text}])
    assert bench.rows("SELECT area_m2 FROM staged.t") == [(Decimal(expected),)]


rows_of_a_night = st.lists(
    st.tuples(
        st.sampled_from("ABCD"), st.sampled_from(["1", "2", "x", None]), st.sampled_from(["data", "control"])
    ),
    max_size=8,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(nights=st.lists(rows_of_a_night, min_size=1, max_size=3))
def test_no_row_disappears(
    tmp_path_factory: pytest.TempPathFactory, nights: list[list[tuple[str, str | None, str]]]
) -> None:
    folder = tmp_path_factory.mktemp("conservation")
    bench = Bench(folder)
    table = contract(folder, "t", [KEY, AMOUNT], {"verb": "append"}, **WIDE)
    for rows in nights:
        outcome = bench.night(table, [{"no": k, "amount_cny": v, "_row_kind": kind} for k, v, kind in rows])
        assert outcome.report.conserved
        assert not outcome.report.blocked
    overlapping = (
        "SELECT count(*) FROM staged.t AS a JOIN staged.t AS b ON a.no = b.no AND a._known_from < b._known_from "
        "AND coalesce(a._known_to, TIMESTAMP '9999-01-01') > b._known_from"
    )
    assert bench.rows(overlapping) == [(0,)], "a key has one version at a time"
    bench.engine.close()


def test_a_few_rejected_rows_of_a_small_night_do_not_hold_up_the_rest(bench: Bench, tmp_path: Path) -> None:
    table = upsert(tmp_path, quarantine={"max_pct": 10, "min_rows": 2})
    bench.night(table, [row("A", "1")])
    few = bench.night(table, [row("A", "x"), row("B", "2")])
    assert not few.report.blocked
    assert current(bench) == {"A": Decimal(1), "B": Decimal(2)}
    many = bench.night(table, [row("A", "x"), row("C", "y"), row("B", "3")])
    assert "2 of 3 rows are rejected" in many.report.blocked[0]
    assert current(bench) == {"A": Decimal(1), "B": Decimal(2)}


def test_a_few_rejected_rows_of_a_small_first_load_do_not_hold_up_the_rest(
    bench: Bench, tmp_path: Path
) -> None:
    table = upsert(tmp_path, quarantine={"max_pct": 5})
    first = bench.night(table, [*(row(f"A{n}", "1") for n in range(9)), row("B", "1,5")])
    assert not first.report.blocked
    assert first.report.dispositions["quarantined"] == 1
    assert len(current(bench)) == 9


def test_a_first_load_of_which_no_row_can_be_read_blocks_however_small_it_is(
    bench: Bench, tmp_path: Path
) -> None:
    table = upsert(tmp_path, quarantine={"max_pct": 5})
    first = bench.night(table, [row("A", "5担"), row("B", "6担")])
    assert "2 of 2 rows are rejected" in first.report.blocked[0]
    assert current(bench) == {}
