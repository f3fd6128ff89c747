"""What a database error means: retry or not, the cause in plain words, the cure.

Belongs here: SQLSTATEs and driver messages by kind of failure. Keep out: reading (``sql``). Codes come first,
because servers translate their messages; messages decide only where a driver gives no code (a refused login).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import sqlalchemy as sa

from resources.failures import PermanentFailure, SourceFailure, TransientFailure
from resources.sources.base import Source, scrub


@dataclass(frozen=True)
class _Kind:
    failure: type[PermanentFailure | TransientFailure]
    cause: str
    cure: str


_KINDS = {
    "login": _Kind(
        PermanentFailure, "the database refuses the user or password", "correct user and password in its URL"
    ),
    "database": _Kind(PermanentFailure, "there is no such database", "correct the database name in its URL"),
    "driver": _Kind(
        PermanentFailure, "the driver for this database is not installed", "install it, or correct its URL"
    ),
    "table": _Kind(
        PermanentFailure, "there is no such table", "correct transport.table, or have the table restored"
    ),
    "column": _Kind(PermanentFailure, "there is no such column", "correct physicalName in the contract"),
    "permission": _Kind(PermanentFailure, "the user may not read it", "have SELECT granted to the user"),
    "damaged": _Kind(PermanentFailure, "this is not a database or it is damaged", "have the file restored"),
    "encoding": _Kind(PermanentFailure, "a text is not in the database's encoding", "have the row corrected"),
    "busy": _Kind(TransientFailure, "the database is busy, locked or starting", "run again later"),
    "refused": _Kind(
        TransientFailure, "nobody answers there", "check host and port, and that the database runs"
    ),
    "host": _Kind(
        TransientFailure, "the host name is not known", "check the host in its URL and the name server"
    ),
    "timeout": _Kind(
        TransientFailure, "no answer within the time-out", "run again later, or raise the time-out"
    ),
    "broken": _Kind(
        TransientFailure, "the connection broke", "run again; if it stays, see the database's log"
    ),
}

_SQLSTATES = (
    ("28", "login"), ("3D", "database"), ("42P01", "table"), ("42S02", "table"), ("3F", "table"),
    ("42703", "column"), ("42S22", "column"), ("42501", "permission"), ("22021", "encoding"),
    ("57014", "timeout"), ("53", "busy"), ("55P03", "busy"), ("57P", "busy"), ("40", "busy"),
    ("08", "broken"),
)  # fmt: skip

_MESSAGES = (
    ("login", r"password authentication failed|认证失败|no password supplied|pg_hba"),
    ("login", r"role .* does not exist|角色.*不存在"),
    ("login", r"access denied for user|ORA-01017|login failed for user"),
    ("database", r"database .* does not exist|数据库.*不存在|unknown database|ORA-12514"),
    ("database", r"cannot open database|unable to open database file|failed to open 'file:"),
    ("table", r"no such table|relation .* does not exist|table .* doesn't exist"),
    ("table", r"ORA-00942|invalid object name"),
    ("column", r"no such column|unknown column|ORA-00904|invalid column name"),
    ("permission", r"permission denied|ORA-01031|SELECT command denied"),
    ("damaged", r"file is not a database|disk image is malformed"),
    ("encoding", r"could not decode to utf-8|invalid byte sequence"),
    ("busy", r"database is locked|database table is locked|starting up|too many (clients|connections)"),
    ("refused", r"connection refused|ORA-12541|can't connect to|no such file or directory"),
    ("host", r"could not translate host name|failed to resolve host|name or service not known|getaddrinfo"),
    ("timeout", r"time-?out|timed out"),
    ("broken", r"closed the connection|connection (was )?(closed|reset|lost)|broken pipe|gone away|network"),
)  # fmt: skip


def failure_of(error: BaseException, source: Source, table: str, where: str) -> SourceFailure:
    """The failure an exception of a driver stands for. Of no known kind: transient."""
    original = getattr(error, "orig", None) or error
    kind = _KINDS.get(_kind_name(original), _Kind(TransientFailure, "the database failed", "see the message"))
    said = scrub(str(original), source.token, *_secrets(source.url))
    return kind.failure(
        system=source.name, table=table, where=where, cause=f"{kind.cause} ({said})", cure=kind.cure
    )


def _kind_name(error: BaseException) -> str:
    if isinstance(error, ImportError | sa.exc.NoSuchModuleError):
        return "driver"
    text = str(error)
    state = getattr(error, "sqlstate", None) or next(iter(re.findall(r"SQLSTATE: (\w{5})", text)), "")
    for prefix, name in _SQLSTATES:
        if state and str(state).startswith(prefix):
            return name
    for name, pattern in _MESSAGES:
        if re.search(pattern, text, re.IGNORECASE):
            return name
    return ""


def _secrets(url: str) -> tuple[str, ...]:
    password = sa.make_url(url).password
    return (str(password),) if password else ()
