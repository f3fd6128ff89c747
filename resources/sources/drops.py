"""Folders where files are dropped: which of them to read now, and what to say of the others.

Belongs here: finding files by pattern, their hashes, versions and named groups, and the proof of a file
extraction. Keep out: what is inside a file (``workbook``, ``files``).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pyarrow as pa

from data_contracts.model import Column, TableContract
from resources.failures import PermanentFailure, TransientFailure
from resources.sources.base import ExtractionRequest, Source
from resources.sources.transport import FileTransport, WorkbookTransport, transport_of

# Lock and temporary files of Excel, LibreOffice and copying tools; hidden files.
_PASSING = ("~$", ".")
_SNAPSHOT_GROUP = "snapshot_date"


@dataclass(frozen=True)
class DropFile:
    """A file that matches the contract's pattern.

    ``path`` is relative to the folder, with ``/``; ``state`` is size and time of change when it was found.
    """

    path: str
    absolute: Path
    groups: Mapping[str, str | None]
    state: tuple[int, int] | None

    @property
    def order(self) -> tuple[str, tuple[tuple[int, str], ...]]:
        """Newest last: by snapshot date where the name tells one, else by name, numbers in it as numbers."""
        parts = re.findall(r"\d+|\D+", self.path.rsplit(".", 1)[0])
        natural = tuple((int(p), "") if p.isdecimal() else (-1, p) for p in parts)
        return (self.groups.get(_SNAPSHOT_GROUP) or "", natural)


@dataclass(frozen=True)
class Plan:
    """Files to read (with hash), and names of those passed over: known, outdated, gone from the folder."""

    read: tuple[tuple[DropFile, str], ...]
    unchanged: tuple[str, ...]
    superseded: tuple[str, ...]
    gone: tuple[str, ...]


Reader = Callable[[DropFile, dict[str, object]], Iterator[pa.RecordBatch]]


def drop_transport(contract: TableContract) -> WorkbookTransport | FileTransport:
    """The contract's transport, which is one of files."""
    transport = transport_of(contract)
    assert isinstance(transport, WorkbookTransport | FileTransport)
    return transport


def list_files(source: Source, contract: TableContract) -> list[DropFile]:
    """Files of the folder that match the pattern, oldest first; no folder or no file is a failure."""
    root = folder(source)
    if not root.is_dir():
        raise PermanentFailure(
            system=source.name,
            table=contract.name,
            where=str(root),
            cause="there is no such folder",
            cure="mount the share, or correct the folder of this source in the settings",
        )
    pattern = drop_transport(contract).files
    found, others = [], 0
    for absolute in root.rglob("*"):
        if absolute.name.startswith(_PASSING) or not absolute.is_file():
            continue
        path = absolute.relative_to(root).as_posix()
        match = re.fullmatch(pattern, path)
        others += match is None
        if match:
            found.append(DropFile(path, absolute, match.groupdict(), _state(absolute)))
    if not found:
        raise PermanentFailure(
            system=source.name,
            table=contract.name,
            where=str(root),
            cause=f"no file matches {pattern} ({others} other files are there)",
            cure="have the file delivered, or correct transport.files in the contract",
        )
    return sorted(found, key=lambda file: file.order)


def plan_files(source: Source, request: ExtractionRequest) -> Plan:
    """What to read: new and changed files; of a table replaced whole only the newest file, or the one asked for."""
    contract, landed = request.contract, request.landed_files
    files = list_files(source, contract)
    gone = tuple(sorted(set(landed) - {file.path for file in files}))
    whole = contract.update.verb == "replace" and not contract.update.scope
    if whole and request.file:
        files = files[: [file.path for file in files].index(request.file) + 1]
    superseded = tuple(file.path for file in files[:-1]) if whole else ()
    read, unchanged = [], []
    for file in files[-1:] if whole else files:
        digest = sha256_of(source, contract, file)
        if landed.get(file.path) == digest:
            unchanged.append(file.path)
        else:
            read.append((file, digest))
    return Plan(tuple(read), tuple(unchanged), superseded, gone)


def earlier_files(
    source: Source, contract: TableContract, landed: Mapping[str, str]
) -> list[tuple[str, date]]:
    """Files to land before the newest, oldest first, with the day each tells: all newer than any landed one.

    Empty unless the contract takes them in turn. A file older than one that was landed comes too late to be
    taken in turn and is passed over, as is one whose name tells no day.
    """
    if not contract.update.in_turn:
        return []
    files = list_files(source, contract)
    known = [i for i, file in enumerate(files) if file.path in landed]
    waiting = files[known[-1] + 1 if known else 0 : -1]
    days = ((file.path, file.groups.get(_SNAPSHOT_GROUP)) for file in waiting)
    return [(path, date.fromisoformat(day)) for path, day in days if day]


def read_drops(
    source: Source, request: ExtractionRequest, proof: dict[str, object], reader: Reader
) -> Iterator[pa.RecordBatch]:
    """Read the planned files one after the other and fill the proof; ``reader`` counts ``rows`` and more."""
    plan = plan_files(source, request)
    files: list[dict[str, object]] = []
    proof.update(
        files=files,
        unchanged=list(plan.unchanged),
        superseded=list(plan.superseded),
        gone=list(plan.gone),
        full=bool(plan.read) and not plan.unchanged,
    )
    rows = 0
    for file, digest in plan.read:
        counts: dict[str, object] = {"rows": 0}
        for batch in reader(file, counts):
            rows += batch.num_rows
            yield batch
        if _state(file.absolute) != file.state:
            raise TransientFailure(
                system=source.name,
                table=request.contract.name,
                where=file.path,
                cause="the file changed while it was read",
                cure="run again when it is copied whole",
            )
        files.append({"path": file.path, "sha256": digest, **_named(file), **counts})
    # Nothing but the file itself says how many rows it has: read to its end and unchanged, it is whole; but for
    # lines that are no rows, whose keys nobody knows.
    proof.update(rows=rows, expected=rows, complete=not any(file.get("unread_rows") for file in files))


def named_texts(contract: TableContract, file: DropFile) -> dict[str, str | None]:
    """Texts the same on all rows of a file: named groups of its path, defaults, its name; by column name."""
    transport = drop_transport(contract)
    grouped = re.compile(transport.files).groupindex
    texts: dict[str, str | None] = {}
    for column in contract.columns:
        if column.source == "_file_name":
            texts[column.name] = file.absolute.name
        elif column.source in grouped or column.name in transport.defaults:
            default = transport.defaults.get(column.name, transport.defaults.get(column.source))
            texts[column.name] = file.groups.get(column.source) or default
    return texts


def header_columns(contract: TableContract) -> tuple[Column, ...]:
    """Columns that stand in the file itself under a header; one with a default is told by the contract."""
    transport = drop_transport(contract)
    grouped = re.compile(transport.files).groupindex
    return tuple(
        c
        for c in contract.columns
        if not c.is_technical and c.source not in grouped and c.name not in transport.defaults
    )


def folder(source: Source) -> Path:
    """The folder behind a source's URL: a plain path or ``file://``."""
    parts = urlsplit(source.url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else Path(source.url)


def sha256_of(source: Source, contract: TableContract, file: DropFile) -> str:
    """Hash of a file's bytes; a file that cannot be opened is a failure that names it."""
    try:
        with file.absolute.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except PermissionError as error:
        raise PermanentFailure(
            system=source.name,
            table=contract.name,
            where=file.path,
            cause="the file may not be read",
            cure="have read permission granted on it",
        ) from error
    except OSError as error:
        raise TransientFailure(
            system=source.name,
            table=contract.name,
            where=file.path,
            cause=f"the file cannot be opened ({error.strerror})",
            cure="run again when it is no longer locked",
        ) from error


def _state(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _named(file: DropFile) -> dict[str, object]:
    return {name: value for name, value in file.groups.items() if value is not None}
