"""The life of the demo's server processes: started for good, recognised later, stopped.

Belongs here: spawning daemons, telling a live one from a recycled process id, free ports. Keep out: what
the processes serve.
"""

from __future__ import annotations

import random
import signal
import socket
import subprocess
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped, unused-ignore]

_PORTS = range(15000, 30000)
"""Below the range from which Linux and macOS take outgoing connections, so that a kept port stays free."""

_started: list[subprocess.Popen[bytes]] = []
"""Held so that a daemon's handle is not finalised while it runs, which would warn."""


@dataclass(frozen=True)
class Account:
    """The account a process runs under where its caller's own may not be used."""

    uid: int
    gid: int


def port_is_free(port: int) -> bool:
    """True where a server could listen on 127.0.0.1:``port`` now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port(taken: Collection[int] = ()) -> int:
    """A port of 127.0.0.1 nobody listens on. Raises OSError when a thousand tries find none."""
    picker = random.SystemRandom()
    for _ in range(1000):
        port = picker.choice(_PORTS)
        if port not in taken and port_is_free(port):
            return port
    raise OSError("no free port between 15000 and 29999 on 127.0.0.1")


def spawn(
    command: Sequence[str],
    log: Path,
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    account: Account | None = None,
) -> int:
    """Start a daemon of its own session that outlives its parent; output is appended to ``log``."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=dict(env) if env is not None else None,
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=() if account else None,
        )
    _started.append(process)
    return process.pid


def is_alive(pid: int | None, mark: str) -> bool:
    """True where process ``pid`` runs and has ``mark`` among its arguments.

    The mark tells the daemon from a stranger that got its id after a restart of the machine.
    """
    if not pid:
        return False
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and mark in process.cmdline()
    except psutil.Error:
        return False


def stop(pid: int | None, mark: str, *, gently: int = signal.SIGTERM, seconds: float = 20) -> bool:
    """Stop the daemon if it lives; killed when it does not end in time. False where there was none."""
    if not is_alive(pid, mark):
        return False
    process = psutil.Process(pid)
    try:
        process.send_signal(gently)
        if not _ended(pid, mark, seconds):
            process.kill()
            _ended(pid, mark, seconds)
    except psutil.NoSuchProcess:
        return True
    return True


def _ended(pid: int | None, mark: str, seconds: float) -> bool:
    """Wait for the daemon's end. One that its parent has not collected yet has ended too: in a container the
    first process, which inherits daemons, may take its time or never do it."""
    deadline = time.monotonic() + seconds
    while is_alive(pid, mark):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
