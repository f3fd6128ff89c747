"""The process behind the HTTP systems: ``python -m demo.systems.http_server --store FILE --port N``.

Belongs here: sockets, request bodies, the log. Keep out: what is answered (``http_api``). It listens on
127.0.0.1 only, and ends by itself when its store is removed.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import sys
import threading
import time
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from demo.systems.http_api import Answer, Api

_MAX_BODY = 1_000_000


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, api: Api) -> None:
        self.api = api
        super().__init__(("127.0.0.1", port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = 60
    # One packet per answer: a header packet that waits for the body's costs 40 ms with a keep-alive client.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Rows of the project system, and ``/_health``."""
        url = urlsplit(self.path)
        if url.path == "/_health":
            self._send(Answer(json.dumps({"status": "ok", "pid": os.getpid()})))
        elif url.path.startswith("/pms/"):
            self._serve("pms", url.path, dict(parse_qsl(url.query)), self._bearer())
        else:
            self._send(Answer('{"error": "not found"}', status=404))

    def do_POST(self) -> None:
        """Rows of the park platform and the charging system, and ``/_control``."""
        path = urlsplit(self.path).path
        body = self._body()
        if body is None:
            self.close_connection = True
            self._send(Answer('{"code": 4002, "msg": "the body must be a JSON object"}'))
        elif path == "/_control":
            self._send(self.server.api.control(body))
        elif path.startswith("/park/"):
            self._serve("park", path, body, self.headers.get("X-Token", ""))
        elif path.startswith("/charging/"):
            self._serve("charging", path, body, self._bearer())
        else:
            self._send(Answer('{"error": "not found"}', status=404))

    def _serve(self, system: str, path: str, values: dict[str, object] | dict[str, str], token: str) -> None:
        try:
            answer = self.server.api.serve(system, path, dict(values), token)
        except sqlite3.Error as error:
            print(f"{_now()} store: {error}", file=sys.stderr, flush=True)
            answer = Answer('{"error": "store unavailable"}', status=503)
        self._send(answer)

    def _bearer(self) -> str:
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    def _body(self) -> dict[str, object] | None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > _MAX_BODY:
            return None
        try:
            body = json.loads(self.rfile.read(int(length)) or b"{}")
        except ValueError:
            return None
        return body if isinstance(body, dict) else None

    def _send(self, answer: Answer) -> None:
        content = answer.body.encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """One line per request in the daemon's log, without headers, since those hold tokens."""
        print(f"{_now()} {format % args}", flush=True)


def _now() -> str:
    return datetime.now().isoformat(timespec="seconds")


def _end_without(store: Path, server: _Server) -> None:
    while store.exists():
        time.sleep(2)
    server.shutdown()


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description="the HTTP systems of the demo")
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    server = _Server(options.port, Api(options.store))
    threading.Thread(target=_end_without, args=(options.store, server), daemon=True).start()
    print(f"{_now()} listening on 127.0.0.1:{options.port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
