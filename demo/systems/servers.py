"""The demo's two server processes: made when missing, started when dead, stopped.

Belongs here: PostgreSQL and the HTTP process as this home's own. Keep out: their rows (``loading``).
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import demo
from demo.systems import finance_server, rest_store
from demo.systems.errors import DemoError
from demo.systems.home import Home, State
from demo.systems.processes import free_port, is_alive, port_is_free, spawn, stop
from demo.systems.tables import REST_SYSTEMS

Progress = Callable[[str], None]


def finance_pid(state: State) -> int | None:
    """Process id of the PostgreSQL server, None where it does not run."""
    return finance_server.pid_of(Path(state.finance_data)) if state.finance_data else None


def http_pid(root: Home, state: State) -> int | None:
    """Process id of the HTTP server, None where it does not run."""
    pid = state.pids.get("http")
    return pid if is_alive(pid, str(root.store)) else None


def _usable_port(state: State, name: str, progress: Progress) -> bool:
    """Keep the system's port, or take another where a stranger sits on it; True where it changed."""
    if port_is_free(state.ports[name]):
        return False
    taken = state.ports[name]
    state.ports[name] = free_port(state.ports.values())
    progress(f"{name}: port {taken} is in use, now {state.ports[name]}")
    return True


def ensure_finance(root: Home, state: State, progress: Progress) -> None:
    """Have PostgreSQL run with its database; made anew where it cannot be started any more."""
    _run_finance(root, state, progress)
    if "finance" not in state.loaded:
        port, owner, reader = state.ports["finance"], state.secrets["owner"], state.secrets["reader"]
        finance_server.ensure_database(port, owner, reader)


def _run_finance(root: Home, state: State, progress: Progress) -> None:
    if (pid := finance_pid(state)) is not None:
        state.pids["finance"] = pid
        return
    if state.loaded.get("finance") and state.finance_data and Path(state.finance_data).is_dir():
        try:
            _start_finance(root, state, progress)
            return
        except DemoError as error:
            progress(f"finance: {error.cause}; made anew from the ledgers")
    if state.finance_data:
        finance_server.remove_folder(Path(state.finance_data), root.finance)
    progress("finance: making a PostgreSQL server")
    state.loaded.pop("finance", None)
    data = finance_server.data_folder(root.finance)
    state.finance_data = str(data)
    root.write_state(state)
    finance_server.create(data, state.ports["finance"], state.secrets["owner"])
    _start_finance(root, state, progress)


def _start_finance(root: Home, state: State, progress: Progress) -> None:
    data, log = Path(state.finance_data), root.logs / "finance.log"
    if _usable_port(state, "finance", progress):
        finance_server.set_port(data, state.ports["finance"])
    state.pids["finance"] = finance_server.start(data, state.ports["finance"], state.secrets["owner"], log)
    progress(f"finance: PostgreSQL on 127.0.0.1:{state.ports['finance']}")


def ensure_http(root: Home, state: State, progress: Progress) -> None:
    """Have the HTTP process run over its store."""
    rest_store.create(root.store, {name: state.secrets[name] for name in REST_SYSTEMS})
    if http_pid(root, state) is not None:
        return
    _usable_port(state, "http", progress)
    port, log = state.ports["http"], root.logs / "http.log"
    code = Path(demo.__file__).parent.parent
    command = [
        sys.executable,
        "-m",
        "demo.systems.http_server",
        "--store",
        str(root.store),
        "--port",
        str(port),
    ]
    known = os.environ.get("PYTHONPATH")
    env = {**os.environ, "PYTHONPATH": f"{code}{os.pathsep}{known}" if known else str(code)}
    state.pids["http"] = spawn(command, log, cwd=root.demo, env=env)
    root.write_state(state)
    _await_http(state, root, log)
    progress(f"project system, park platform and charging system: HTTP on 127.0.0.1:{port}")


def _await_http(state: State, root: Home, log: Path) -> None:
    url, deadline = f"http://127.0.0.1:{state.ports['http']}/_health", time.monotonic() + 30
    # Loopback is never behind a proxy, whatever the environment says.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < deadline and http_pid(root, state):
        try:
            with opener.open(url, timeout=2) as answer:
                json.load(answer)
                return
        except (OSError, ValueError):
            time.sleep(0.05)
    stop(state.pids.pop("http"), str(root.store))
    raise DemoError(f"the HTTP systems did not start at {url}", f"read the end of {log}")


def stop_all(root: Home, state: State) -> list[str]:
    """Stop both; gives the names of those that ran."""
    stopped = []
    if stop(state.pids.get("http"), str(root.store)):
        stopped.append("http")
    data = Path(state.finance_data) if state.finance_data else None
    if data and finance_server.stop_server(data):
        stopped.append("finance")
    if data and data != root.finance:
        # It lies in the machine's temporary folder, which is no place to keep things in.
        finance_server.remove_folder(data, root.finance)
        state.finance_data = ""
        state.loaded.pop("finance", None)
    state.pids = {}
    return stopped
