"""REST connector against a real HTTP server: pages, filters, values, and the proof of completeness."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from data_contracts.model import TableContract
from resources.failures import PermanentFailure, TransientFailure
from resources.sources.base import probe
from tests.resources.park_server import (
    HAZARDS,
    LEASES,
    PROJECTS,
    TOKEN,
    Park,
    body,
    fine,
    hazard,
    lease,
    serving,
    source,
    status,
)
from tests.resources.tables import column, contract, read


@pytest.fixture
def park() -> Iterator[Park]:
    with serving() as state:
        yield state


def test_pages_are_read_until_an_empty_one_and_proved_by_the_count(park: Park) -> None:
    rows, proof = read(source(park), HAZARDS)
    assert [r["hazard_no"] for r in rows] == ["H1", "H2", "H3", "H4", "H5", "H6", "H7"]
    assert rows[3] == {
        "hazard_no": "H4", "area_m2": "6.0", "is_deleted": "false", "updated_at": "1727740800000",
        "_row_no": 4, "_source_ref": "/api/hazard.get_list page 2", "_row_kind": "data",
    }  # fmt: skip
    assert [b["page_no"] for p, b in park.asked if p.endswith("get_list")] == [1, 2, 3, 4]
    assert proof == {
        "method": "count", "complete": True, "full": True, "expected": 7, "rows": 7, "pages": 3,
        "readings": 1, "overlap_rows": 0, "absent_values": {}, "unread_fields": [],
    }  # fmt: skip


def test_since_filters_list_and_count_alike_as_epoch_milliseconds_of_shanghai(park: Park) -> None:
    _, proof = read(source(park), HAZARDS, datetime(2024, 10, 1))
    assert {b.get("updated_from") for _, b in park.asked} == {1727712000000}
    assert proof["full"] is False


def test_since_is_an_instant_with_offset_and_the_token_a_header_in_get(park: Park) -> None:
    rows, _ = read(source(park), PROJECTS, datetime(2024, 10, 1, 8))
    assert [r["project_code"] for r in rows] == ["CT-1"]
    path, headers = park.asked[1]
    assert path == "/park/api/v1/projects?page=1&size=2&updated_since=2024-10-01T08%3A00%3A00%2B08%3A00"
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert not any(TOKEN in asked for asked, _ in park.asked)


def test_values_land_as_sent(park: Park) -> None:
    raw = (
        b'{"code": 1000, "list": [{"hazard_no": "\xef\xbc\x91", "area_m2": 4567.890, "deleted": true, '
        b'"updated_at": null, "more": 1}, {"hazard_no": 12345678901234567890, "area_m2": 1e3, "deleted": "", '
        b'"updated_at": {"b": 1, "a": [true]}}]}'
    )
    park.records = []
    park.count = lambda: 2
    park.faults = [fine, body(raw)]
    rows, proof = read(source(park), HAZARDS)
    assert [[r[c.name] for c in HAZARDS.columns] for r in rows] == [
        ["１", "4567.890", "true", None],
        ["12345678901234567890", "1000", "", '{"a": [true], "b": 1}'],
    ]
    assert proof["unread_fields"] == ["more"]


def test_an_empty_list_is_a_complete_answer(park: Park) -> None:
    park.records = []
    rows, proof = read(source(park), HAZARDS)
    assert (rows, proof["complete"], proof["expected"], proof["pages"]) == ([], True, 0, 0)


def test_a_row_that_comes_twice_lands_twice_and_is_recorded_as_overlap(park: Park) -> None:
    park.faults = [fine, fine, body({"code": 1000, "list": [hazard(3), hazard(4), hazard(5), hazard(6)]})]
    rows, proof = read(source(park), HAZARDS)
    assert [r["hazard_no"] for r in rows] == ["H1", "H2", "H3", "H3", "H4", "H5", "H6", "H7"]
    assert (proof["rows"], proof["overlap_rows"], proof["expected"], proof["complete"]) == (8, 1, 7, True)


def test_a_row_missed_between_pages_makes_it_read_again(park: Park) -> None:
    park.faults = [fine, fine, body({"code": 1000, "list": [hazard(3), hazard(5), hazard(6)]})]
    rows, proof = read(source(park), HAZARDS)
    assert sorted(r["hazard_no"] for r in rows) == [f"H{i}" for i in range(1, 8)]
    assert (proof["readings"], proof["overlap_rows"], proof["complete"]) == (2, 0, True)


def test_rows_added_while_reading_make_it_read_again(park: Park) -> None:
    counts = iter([6, 7, 7, 7])
    park.count = lambda: next(counts)
    assert read(source(park), HAZARDS)[1]["readings"] == 2


def test_pages_that_never_fit_the_count_are_transient(park: Park) -> None:
    park.count = lambda: 9
    with pytest.raises(TransientFailure) as caught:
        read(source(park), HAZARDS)
    assert str(caught.value) == (
        "park_platform / park_hazard / /api/hazard.get_list: the pages hold 7 records, the source counts 9 "
        "before and 9 after; read 3 times → run again at a quieter hour; if it stays, the source's list and "
        "count do not filter alike"
    )


def test_an_empty_pull_against_a_count_is_not_taken_for_an_answer(park: Park) -> None:
    park.faults = [fine, *[body({"code": 1000, "list": []}), fine, fine] * 3]
    with pytest.raises(TransientFailure, match="the pages hold 0 records, the source counts 7"):
        read(source(park), HAZARDS)


def test_without_a_count_the_empty_page_and_no_overlap_are_the_proof(park: Park) -> None:
    transport = {k: v for k, v in HAZARDS.transport.items() if k != "count"}
    table = contract(transport, *HAZARDS.columns, name="park_hazard")
    _, proof = read(source(park), table)
    assert (proof["method"], proof["complete"], proof["expected"]) == ("pages", True, None)
    park.faults = [fine, body({"code": 1000, "list": [hazard(3), hazard(4)]})]
    _, proof = read(source(park), table)
    assert (proof["overlap_rows"], proof["complete"]) == (1, False)


def test_a_server_that_ignores_the_page_number_does_not_hold_us_for_ever(park: Park) -> None:
    park.faults = [fine, *[body({"code": 1000, "list": [hazard(1)]})] * 9]
    with pytest.raises(
        PermanentFailure, match="page 4: the same records come on page after page, 3 times now"
    ):
        read(source(park), HAZARDS)


def uncounted(**clauses: object) -> TableContract:
    transport = {k: v for k, v in HAZARDS.transport.items() if k != "count"} | clauses
    return contract(transport, *HAZARDS.columns, name="park_hazard")


@pytest.mark.parametrize(
    ("answer", "clauses"),
    [
        (body({"code": 1000, "list": None}), {}),
        (body({"code": 1000}), {}),
        (body({"code": 1000, "data": None}), {}),
        (status(404), {"end": {"status": [404]}}),
        (body({"code": 2001, "msg": "页码超出范围"}), {"end": {"codes": [2001]}}),
    ],
)
def test_a_list_may_end_in_other_ways_than_an_empty_page(
    park: Park, answer: Any, clauses: dict[str, object]
) -> None:
    park.faults = [fine, fine, fine, answer]
    rows, proof = read(source(park), uncounted(**clauses))
    assert (len(rows), proof["pages"], proof["complete"]) == (7, 3, True)


def test_a_first_page_of_null_is_an_empty_list_and_one_not_found_is_a_wrong_path(park: Park) -> None:
    park.faults = [body({"code": 1000, "list": None})]
    assert read(source(park), uncounted())[0] == []
    park.faults = [status(404)]
    with pytest.raises(PermanentFailure, match=r"page 1: HTTP 404 .* name the status in transport\.end"):
        read(source(park), uncounted(end={"status": [404]}))


def test_a_last_page_that_is_given_for_any_later_number_ends_the_list(park: Park) -> None:
    last = body({"code": 1000, "list": [hazard(7)]})
    park.faults = [fine, fine, fine, last, last]
    rows, proof = read(source(park), uncounted())
    assert [r["hazard_no"] for r in rows] == [f"H{i}" for i in range(1, 8)]
    assert (proof["pages"], proof["overlap_rows"], proof["complete"]) == (3, 0, True)
    # The count says it at once, also of a list of one page.
    park.records, park.faults = [hazard(7)], [fine, fine, last]
    rows, proof = read(source(park), HAZARDS)
    assert (len(rows), proof["expected"], proof["complete"]) == (1, 1, True)


def test_a_full_page_that_stays_may_be_as_far_as_the_source_goes(park: Park) -> None:
    second = body({"code": 1000, "list": [hazard(4), hazard(5), hazard(6)]})
    park.faults = [fine, fine, second, second]
    rows, proof = read(source(park), uncounted())
    assert (len(rows), proof["complete"]) == (6, False)


def test_a_field_that_the_records_of_one_page_lack_is_null_there(park: Park) -> None:
    for record in park.records[6:]:
        del record["area_m2"]
    rows, proof = read(source(park), HAZARDS)
    assert (rows[6]["area_m2"], proof["absent_values"], proof["complete"]) == (None, {"area_m2": 1}, True)


def test_what_is_null_as_a_whole_is_null_in_its_parts(park: Park) -> None:
    columns = (*HAZARDS.columns, replace(column("org_code", "org.code"), required=True))
    park.records = [hazard(1) | {"org": None}, hazard(2) | {"org": None}]
    rows, proof = read(source(park), contract(HAZARDS.transport, *columns, name="park_hazard"))
    assert ([r["org_code"] for r in rows], proof["absent_values"]) == ([None, None], {})


def test_a_field_that_some_records_lack_is_null_there_and_recorded(park: Park) -> None:
    del park.records[0]["area_m2"]
    rows, proof = read(source(park), HAZARDS)
    assert rows[0]["area_m2"] is None
    assert proof["absent_values"] == {"area_m2": 1}


def test_a_probe_asks_for_one_page_and_the_count(park: Park) -> None:
    probe(source(park), HAZARDS)
    assert [path for path, _ in park.asked] == ["/park/api/hazard.get_list", "/park/api/hazard.get_stats"]


# --- one record, several rows ------------------------------------------------------------------------


def _things(rows: list[dict[str, Any]]) -> list[tuple[object, ...]]:
    return [(r["lease_no"], r["unit_code"], r["area_m2"], r["_row_no"]) for r in rows]


def test_a_record_lands_as_one_row_for_each_thing_it_lists(park: Park) -> None:
    park.records = [lease(1, "A-1,A-2", "80.5,20"), lease(2, ["B-1"], [31.20]), lease(3, "C-1", "9")]
    rows, proof = read(source(park), LEASES)
    assert _things(rows) == [
        ("ZL-1", "A-1", "80.5", 1), ("ZL-1", "A-2", "20", 2), ("ZL-2", "B-1", "31.2", 3), ("ZL-3", "C-1", "9", 4),
    ]  # fmt: skip
    # The source counts records, the landing rows: both are told, and the reading is whole.
    assert (proof["expected"], proof["records"], proof["rows"]) == (3, 3, 4)
    assert (proof["overlap_rows"], proof["complete"]) == (0, True)


@pytest.mark.parametrize(
    ("rooms", "areas", "expected"),
    [
        ("A-1,A-2", "80.5", [("A-1", "80.5"), ("A-2", None)]),
        ("A-1", "80.5,20", [("A-1", "80.5"), (None, "20")]),
        ("", None, [(None, None)]),
        ("A-1,", "80.5,", [("A-1", "80.5"), ("", "")]),
    ],
)
def test_lists_that_do_not_pair_lose_no_record_and_no_thing(
    park: Park, rooms: str, areas: str | None, expected: list[tuple[str | None, str | None]]
) -> None:
    park.records = [lease(1, rooms, areas)]
    rows, _ = read(source(park), LEASES)
    assert [(r["unit_code"], r["area_m2"]) for r in rows] == expected


def test_a_record_that_comes_twice_is_one_overlap_however_many_things_it_lists(park: Park) -> None:
    park.records = [lease(n, f"A-{n},B-{n}", "1,2") for n in range(1, 5)]
    park.faults = [fine, fine, body({"code": 1000, "list": [park.records[2], park.records[3]]})]
    rows, proof = read(source(park), LEASES)
    assert (len(rows), proof["overlap_rows"], proof["readings"], proof["complete"]) == (10, 1, 1, True)
    # Without the last one, what is missing is a record: the count says so and it is read again.
    park.faults = [fine, fine, body({"code": 1000, "list": [park.records[2]]})]
    rows, proof = read(source(park), LEASES)
    assert (len(rows), proof["overlap_rows"], proof["readings"]) == (8, 0, 2)


def test_the_unit_in_a_field_of_its_own_lands_beside_its_value(park: Park) -> None:
    park.records = [
        lease(1, "A-1,A-2", "1,2", price=0.61, price_unit="元/㎡·天"),
        lease(2, "B-1", "3", price_unit=""),
    ]
    rows, proof = read(source(park), LEASES)
    assert [(r["price"], r["price__unit"]) for r in rows] == [
        ("0.61", "元/㎡·天"), ("0.61", "元/㎡·天"), ("18.5", ""),
    ]  # fmt: skip
    assert proof["unread_fields"] == []
    for record in park.records:
        del record["price_unit"]
    with pytest.raises(PermanentFailure, match="field price_unit is in none of the 2 records"):
        read(source(park), LEASES)
