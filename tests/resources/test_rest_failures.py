"""REST connector against a real HTTP server with faults: what is tried again, what is said."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from resources.failures import PermanentFailure, TransientFailure
from resources.sources.base import Source
from tests.resources.park_server import (
    HAZARDS,
    TOKEN,
    Park,
    body,
    fine,
    hazard,
    serving,
    source,
    status,
)
from tests.resources.tables import FAST, contract, read


@pytest.fixture
def park() -> Iterator[Park]:
    with serving() as state:
        yield state


@pytest.mark.parametrize(
    "fault", [status(500), status(503), status(429), body({"code": 5000, "msg": "busy"})]
)
def test_passing_trouble_is_tried_again(park: Park, fault: Callable[..., Any]) -> None:
    park.faults = [fault, fine, fault, fault]
    assert len(read(source(park), HAZARDS)[0]) == 7


def test_trouble_that_stays_is_transient_and_says_how_often_it_was_tried(park: Park) -> None:
    park.faults = [fine, fine, *[status(502)] * 3]
    with pytest.raises(TransientFailure) as caught:
        read(source(park), HAZARDS)
    assert "park_hazard / /api/hazard.get_list page 2: HTTP 502; tried 3 times → run again later" in str(
        caught.value
    )


def test_internal_trouble_in_the_body_is_transient(park: Park) -> None:
    park.faults = [fine, *[body({"code": 5000, "msg": "数据库忙"})] * 3]
    with pytest.raises(TransientFailure, match=r"page 1: code 5000: 数据库忙; tried 3 times"):
        read(source(park), HAZARDS)


def test_retry_after_is_waited_for(park: Park) -> None:
    park.faults = [status(429, Retry_After="1")]
    started = time.monotonic()
    read(source(park), HAZARDS)
    assert time.monotonic() - started >= 1


def test_a_retry_after_beyond_patience_is_not_waited_for(park: Park) -> None:
    park.faults = [status(429, Retry_After="3600")]
    with pytest.raises(TransientFailure, match="HTTP 429, it asks to wait 3600 s"):
        read(source(park), HAZARDS)


def test_a_slow_answer_is_a_time_out(park: Park) -> None:
    def slow(_: dict[str, Any]) -> None:
        time.sleep(0.5)

    park.faults = [fine, slow, slow, slow]
    with pytest.raises(TransientFailure, match=r"page 1: no answer within 0\.2 s; tried 3 times"):
        read(source(park, timeout=0.2), HAZARDS)


def test_nobody_listening_is_transient() -> None:
    nobody = Source("park_platform", "http://127.0.0.1:9/park", TOKEN, 1, FAST)
    with pytest.raises(TransientFailure) as caught:
        read(nobody, HAZARDS)
    assert "park_hazard / /api/hazard.get_stats: nobody answers there (" in str(caught.value)
    assert "check address and port, and that the system runs" in str(caught.value)


def test_a_wrong_token_is_permanent_and_not_shown(park: Park) -> None:
    with pytest.raises(PermanentFailure) as caught:
        read(source(park, token="wr0ng"), HAZARDS)
    assert str(caught.value) == (
        "park_platform / park_hazard / /api/hazard.get_stats: code 4001: token *** is wrong (the token "
        "is not accepted) → set the right token of this source in the settings"
    )
    assert len(park.asked) == 1


def test_a_missing_token_is_told_before_anything_is_asked(park: Park) -> None:
    with pytest.raises(PermanentFailure, match="there is no token for this source"):
        read(source(park, token=None), HAZARDS)
    assert park.asked == []


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (status(401), "HTTP 401: the token is not accepted"),
        (status(404), "HTTP 404 Not Found: trouble"),
        (status(302, Location="http://elsewhere"), "HTTP 302 Found: trouble"),
        (
            body(b"<html>login</html>"),
            "the answer is not JSON (Expecting value: line 1 column 1 (char 0)",
        ),
        (body(b'{"code": 1000, "list": [NaN]}'), "the answer is not JSON (NaN is not JSON; text/html)"),
        (body([1]), "the answer is a JSON list, not an object"),
        (body({"status": "ok"}), "there is no field code in the answer; it has status"),
        (body({"code": 40001, "msg": "bad size"}), "code 40001: bad size"),
        (body({"code": 1000, "rows": []}), "there is no list of records at list; the answer has code, rows"),
        (
            body({"code": 1000, "list": ["H1"]}),
            "there is no list of records at list; the answer has code, list",
        ),
    ],
)
def test_what_no_retry_can_mend_is_permanent_and_names_the_page(
    park: Park, fault: Callable[..., Any], cause: str
) -> None:
    park.faults = [fine, fault]
    with pytest.raises(PermanentFailure) as caught:
        read(source(park), HAZARDS)
    assert f"park_platform / park_hazard / /api/hazard.get_list page 1: {cause}" in str(caught.value)
    assert len(park.asked) == 2


def test_a_needed_field_that_no_record_has_is_a_changed_column(park: Park) -> None:
    park.records = [{"no" if k == "hazard_no" else k: v for k, v in hazard(i).items()} for i in range(7)]
    with pytest.raises(PermanentFailure) as caught:
        read(source(park), HAZARDS)
    assert str(caught.value) == (
        "park_platform / park_hazard / /api/hazard.get_list: field hazard_no is in none of the 7 records; they "
        "have, unread, no → correct physicalName in the contract, or have the source changed back; if the "
        "source leaves the field out where it is empty, name it in transport.omits"
    )
    table = contract({**HAZARDS.transport, "omits": ["hazard_no"]}, *HAZARDS.columns, name="park_hazard")
    assert len(read(source(park), table)[0]) == 7


@pytest.mark.parametrize(
    ("value", "answer", "good"),
    [
        (True, True, True), (True, False, False), (True, 1, False), (1, True, False), (0, False, False),
        (0, 0.0, True), (0, "0", True), ("0", 0, True), ("ok", "ok", True), (0, [], False),
    ],
)  # fmt: skip
def test_a_code_is_good_where_it_is_the_same_in_json(
    park: Park, value: bool | int | str, answer: object, good: bool
) -> None:
    ok = {"field": "success", "value": value}
    table = contract({**HAZARDS.transport, "ok": ok}, *HAZARDS.columns, name="park_hazard")
    park.faults = [
        body({"success": answer, "data": {"count": 0}}),
        body({"success": answer, "list": []}),
        body({"success": answer, "data": {"count": 0}}),
    ]
    if good:
        assert read(source(park), table)[0] == []
        return
    with pytest.raises(PermanentFailure, match=f"code {re.escape(json.dumps(answer))}: no message"):
        read(source(park), table)


def test_a_count_that_is_no_number_is_permanent(park: Park) -> None:
    park.faults = [body({"code": 1000, "data": {"total": 7}})]
    with pytest.raises(
        PermanentFailure, match=r"get_stats: there is no whole number at data\.count but None"
    ):
        read(source(park), HAZARDS)


def test_a_contract_may_say_what_a_code_means(park: Park) -> None:
    table = contract(
        {**HAZARDS.transport, "codes": {1234: "transient"}}, *HAZARDS.columns, name="park_hazard"
    )
    park.faults = [body({"code": 1234, "msg": "维护中"})]
    assert len(read(source(park), table)[0]) == 7
