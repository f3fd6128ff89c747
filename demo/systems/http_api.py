"""The HTTP interfaces as functions: a request in, a status and a JSON text out.

Belongs here: the ways the systems page, filter, refuse and fail. Keep out: sockets (``http_server``) and
where rows lie (``rest_store``). The project system answers GET with ``code 0``; the park platform POST
with ``code 1000``; the charging system POST with ``Ret 0``, after T/CEC 102. All say what went wrong in the
body of an HTTP 200, and no list gives a total.
"""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from demo.systems import rest_store
from demo.systems.faults import Fault, FaultBook, fault_from
from demo.systems.tables import tables_of
from demo.systems.watermarks import epoch_ms

_STORE_NAME = {"pms": "project_system", "park": "park_platform", "charging": "charging"}


@dataclass(frozen=True)
class Dialect:
    """How one system words its answers."""

    success: tuple[str, int, str, str]
    bad_token: int
    bad_parameter: int
    unknown: int
    trouble: int
    max_size: int


_DIALECTS = {
    "pms": Dialect(("code", 0, "message", "success"), 40101, 40001, 40401, 50001, 200),
    "park": Dialect(("code", 1000, "msg", "ok"), 4001, 4002, 4004, 5000, 999),
    "charging": Dialect(("Ret", 0, "Msg", ""), 4002, 4004, 4003, 500, 100),
}


@dataclass(frozen=True)
class Answer:
    """Status, JSON text and further headers of one response."""

    body: str
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """One request for rows or their count, checked; ``since_ms`` is inclusive."""

    system: str
    resource: str
    endpoint: str
    page: int
    size: int
    since_ms: int | None


class BadParameterError(Exception):
    """A page, size or instant the interface does not take."""


def _refusal(system: str, code: int, message: str) -> Answer:
    dialect = _DIALECTS[system]
    return Answer(json.dumps({dialect.success[0]: code, dialect.success[2]: message}, ensure_ascii=False))


def _whole(values: Mapping[str, object], name: str, default: int, top: int) -> int:
    given = values.get(name, default)
    try:
        number = int(str(given))
    except ValueError:
        raise BadParameterError(f"{name} must be a whole number, not {given!r}") from None
    if not 1 <= number <= top:
        raise BadParameterError(f"{name} must lie in 1 to {top}, not {number}")
    return number


def _instant_ms(text: object) -> int | None:
    if text in (None, ""):
        return None
    try:
        # A plus sign that was not percent-encoded arrives as a blank.
        instant = datetime.fromisoformat(str(text).replace(" ", "+"))
    except ValueError:
        raise BadParameterError(f"updated_since must be an ISO 8601 instant, not {text!r}") from None
    if instant.tzinfo is None:
        raise BadParameterError(f"updated_since needs an offset such as +08:00: {text!r}")
    return epoch_ms(instant)


def _epoch(value: object) -> int | None:
    if value in (None, ""):
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadParameterError(f"updated_from must be epoch milliseconds, not {value!r}")
    return value


def pms_call(path: str, query: Mapping[str, str]) -> Call | None:
    """The call behind ``GET /pms/api/v1/<resource>[/count]``; None for another path."""
    resource, _, tail = path.removeprefix("/pms/api/v1/").partition("/")
    if not path.startswith("/pms/api/v1/") or tail not in ("", "count"):
        return None
    page, size = _whole(query, "page", 1, 10**9), _whole(query, "size", 20, _DIALECTS["pms"].max_size)
    since = _instant_ms(query.get("updated_since"))
    return Call("pms", resource, "count" if tail else "list", page, size, since)


def park_call(path: str, body: Mapping[str, object]) -> Call | None:
    """The call behind ``POST /park/api/<resource>.get_list`` or ``.get_stats``; None for another path."""
    resource, _, verb = path.removeprefix("/park/api/").partition(".")
    if not path.startswith("/park/api/") or verb not in ("get_list", "get_stats"):
        return None
    page, size = _whole(body, "page_no", 1, 10**9), _whole(body, "page_size", 20, _DIALECTS["park"].max_size)
    endpoint = "count" if verb == "get_stats" else "list"
    return Call("park", resource, endpoint, page, size, _epoch(body.get("updated_from")))


def charging_call(path: str, body: Mapping[str, object]) -> Call | None:
    """The call behind ``POST /charging/query_<resource>`` or ``…_stats``; None for another path."""
    if not path.startswith("/charging/query_"):
        return None
    name = path.removeprefix("/charging/query_")
    page, size = (
        _whole(body, "PageNo", 1, 10**9),
        _whole(body, "PageSize", 20, _DIALECTS["charging"].max_size),
    )
    endpoint = "count" if name.endswith("_stats") else "list"
    return Call("charging", name.removesuffix("_stats").removesuffix("_info"), endpoint, page, size, None)


class Api:
    """The systems over one store, with the faults ordered for them."""

    def __init__(self, store: Path) -> None:
        self.store = store
        self.faults = FaultBook()
        self._resources = {(t.system, t.source) for t in tables_of(*_STORE_NAME.values())}

    def serve(self, system: str, path: str, values: Mapping[str, object], token: str) -> Answer:
        """Answer one request to ``pms``, ``park`` or ``charging``; ``values`` are its query or its JSON body."""
        dialect = _DIALECTS[system]
        expected = rest_store.tokens_of(self.store).get(_STORE_NAME[system], "")
        if not expected or not hmac.compare_digest(token.encode(), expected.encode()):
            return _refusal(system, dialect.bad_token, "token invalid or expired")
        try:
            if system == "pms":
                call = pms_call(path, {name: str(value) for name, value in values.items()})
            else:
                call = (park_call if system == "park" else charging_call)(path, values)
        except BadParameterError as error:
            return _refusal(system, dialect.bad_parameter, str(error))
        if call is None or (_STORE_NAME[system], call.resource) not in self._resources:
            return _refusal(system, dialect.unknown, f"no such resource: {path}")
        return self._faulty(call, self.faults.take(system, call.resource, call.endpoint, call.page))

    def control(self, order: dict[str, object]) -> Answer:
        """Order a fault, or ``{"clear": true}``. HTTP 400 names what is wrong with the order."""
        if order.get("clear"):
            self.faults.clear()
            return Answer('{"ok": true}')
        try:
            self.faults.order(fault_from(order))
        except ValueError as error:
            return Answer(json.dumps({"ok": False, "error": str(error)}), status=400)
        return Answer('{"ok": true}')

    def _faulty(self, call: Call, fault: Fault | None) -> Answer:
        kind = fault.kind if fault else ""
        if kind == "http_500":
            return Answer('{"error": "internal server error"}', status=500)
        if kind == "http_429":
            return Answer('{"error": "too many requests"}', status=429, headers={"Retry-After": "1"})
        if kind == "code_error":
            return _refusal(call.system, _DIALECTS[call.system].trouble, "internal error, try again later")
        if fault and kind == "slow":
            time.sleep(fault.seconds)
        answer = self._answer(call, kind, fault.field if fault else "")
        return Answer(answer.body[: len(answer.body) * 2 // 3]) if kind == "bad_json" else answer

    def _answer(self, call: Call, kind: str, dropped: str) -> Answer:
        name = _STORE_NAME[call.system]
        if call.endpoint == "count":
            number = rest_store.count(self.store, name, call.resource, call.since_ms)
            if call.system == "charging":
                return _wrapped("charging", "Data", f'{{"ItemSize": {number}}}')
            return _wrapped(call.system, "data", f'{{"count": {number}}}')
        offset = (call.page - 1) * call.size - (kind == "page_overlap")
        bodies = rest_store.page(self.store, name, call.resource, call.since_ms, offset, call.size)
        if kind == "empty":
            bodies = []
        if kind == "drop_field":
            bodies = [_without(body, dropped) for body in bodies]
        rows = "[" + ", ".join(bodies) + "]"
        if call.system == "pms":
            return _wrapped("pms", "data", f'{{"items": {rows}}}')
        if call.system == "charging":
            return _wrapped("charging", "Data", f'{{"PageNo": {call.page}, "StallInfos": {rows}}}')
        return _wrapped("park", "list", rows)


def _wrapped(system: str, name: str, content: str) -> Answer:
    code_name, code, word_name, word = _DIALECTS[system].success
    return Answer(f'{{"{code_name}": {code}, "{word_name}": "{word}", "{name}": {content}}}')


def _without(body: str, dropped: str) -> str:
    row: dict[str, object] = json.loads(body)
    return json.dumps({k: v for k, v in row.items() if k != dropped}, ensure_ascii=False)
