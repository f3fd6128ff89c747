"""A pretend park platform and project system: a real HTTP server that misbehaves on demand.

Belongs here: the server, its faults, and contracts for it. Keep out: what is asserted.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from data_contracts.model import Update
from resources.sources.base import RetryPolicy, Source
from tests.resources.tables import FAST, column, contract

TOKEN = "t0ken-of-park"
HAZARDS = contract(
    {
        "kind": "rest", "method": "POST", "path": "/api/hazard.get_list",
        "page": "page_no", "size": "page_size",
        "page_size": 3, "since": "updated_from", "since_format": "epoch_ms",
        "records": "list",
        "ok": {"field": "code", "value": 1000}, "message": "msg",
        "count": {"path": "/api/hazard.get_stats", "field": "data.count"},
        "auth": {"header": "X-Token", "template": "{token}"},
    },
    column("hazard_no", key=1),
    column("area_m2", kind="decimal"),
    column("is_deleted", "deleted", kind="boolean"),
    column("updated_at", kind="timestamp"),
    update=Update("upsert", watermark="updated_at", overlap_days=3),
    name="park_hazard",
)  # fmt: skip
LEASES = contract(
    {
        **HAZARDS.transport,
        "explode": {"fields": ["rooms", "room_areas"], "split": ","},
        "units": {"price": "price_unit"},
    },
    column("lease_no", key=1),
    column("unit_code", "rooms", key=2),
    column("area_m2", "room_areas", kind="decimal"),
    replace(column("price", kind="decimal"), unit="CNY/m2/month"),
    update=Update("upsert", watermark="lease_no", overlap_days=3),
    name="park_lease",
)
PROJECTS = contract(
    {
        "kind": "rest", "method": "GET", "path": "/api/v1/projects", "page": "page", "size": "size",
        "page_size": 2, "since": "updated_since", "records": "data.items",
        "ok": {"field": "code", "value": 0}, "message": "message",
        "count": {"path": "/api/v1/projects/count", "field": "data.count"},
        "auth": {"header": "Authorization", "template": "Bearer {token}"},
    },
    column("project_code", "projectCode", key=1),
    update=Update("upsert", watermark="project_code"),
    name="con_project",
)  # fmt: skip


@dataclass
class Park:
    """What the pretend park platform holds, how it misbehaves, and what it was asked."""

    records: list[dict[str, Any]] = field(default_factory=list)
    faults: list[Callable[[dict[str, Any]], tuple[int, dict[str, str], bytes] | None]] = field(
        default_factory=list
    )
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    count: Callable[[], int] | None = None
    url: str = ""

    def answer(self, path: str, token: str, body: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        self.asked.append((path, body))
        if self.faults and (fault := self.faults.pop(0)(body)):
            return fault
        if token != TOKEN:
            return ok({"code": 4001, "msg": f"token {token} is wrong"})
        if path.endswith("get_stats"):
            return ok({"code": 1000, "data": {"count": self.count() if self.count else len(self.records)}})
        start = (body["page_no"] - 1) * body["page_size"]
        return ok({"code": 1000, "msg": "ok", "list": self.records[start : start + body["page_size"]]})


def ok(body: object) -> tuple[int, dict[str, str], bytes]:
    return 200, {"Content-Type": "application/json"}, json.dumps(body).encode()


def status(code: int, **headers: str) -> Callable[[dict[str, Any]], tuple[int, dict[str, str], bytes]]:
    return lambda _: (code, {name.replace("_", "-"): value for name, value in headers.items()}, b"trouble")


def body(value: object) -> Callable[[dict[str, Any]], tuple[int, dict[str, str], bytes]]:
    return lambda _: (
        ok(value) if not isinstance(value, bytes) else (200, {"Content-Type": "text/html"}, value)
    )


def fine(_: dict[str, Any]) -> None:
    """No fault at this call."""


@contextmanager
def serving() -> Iterator[Park]:
    state = Park([hazard(i) for i in range(1, 8)])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            code, headers, content = state.answer(self.path, self.headers.get("X-Token", ""), request)
            self.send_response(code)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:
            state.asked.append((self.path, dict(self.headers)))
            page1 = "page=1" in self.path and "count" not in self.path
            data = (
                {"count": 1}
                if "count" in self.path
                else {"items": [{"projectCode": "CT-1"}] if page1 else []}
            )
            content = json.dumps({"code": 0, "data": data}).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Tests show what failed, not every request."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    state.url = f"http://127.0.0.1:{server.server_port}/park"
    yield state
    server.shutdown()
    server.server_close()


def hazard(number: int) -> dict[str, Any]:
    return {"hazard_no": f"H{number}", "area_m2": number * 1.5, "deleted": False, "updated_at": 1727740800000}


def lease(number: int, rooms: object, areas: object, **more: object) -> dict[str, Any]:
    fields = {"lease_no": f"ZL-{number}", "rooms": rooms, "room_areas": areas}
    return {**fields, "price": 18.5, "price_unit": "元/㎡·月", **more}


def source(park: Park, token: str | None = TOKEN, retry: RetryPolicy = FAST, timeout: float = 5) -> Source:
    return Source("park_platform", park.url, token, timeout, retry)
