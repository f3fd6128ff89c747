"""The raw layer on disk: immutable batches of landed rows, each whole or absent.

Belongs here: writing an extraction as Parquet with its manifest, finding and verifying batches. Keep out:
pulling rows (``resources.sources``), typing them (``assets.staged``). One directory per batch, written below
``.partial`` and renamed when file and manifest are on disk; nothing below a batch is ever written again.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pydantic

from data_contracts.model import TableContract
from resources.failures import PermanentFailure
from resources.sources.base import Extraction, landed_schema

PART = "part-000.parquet"
MANIFEST = "manifest.json"
_PARTIAL = ".partial"
# Rows of a row group: fixed, so that the bytes of a batch do not depend on how a driver cuts its answer.
_ROW_GROUP = 122_880
_BATCH_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Window(pydantic.BaseModel):
    """What was asked for, naive Asia/Shanghai: from ``since`` (None = all) to ``until`` (None = now)."""

    model_config = pydantic.ConfigDict(frozen=True)
    since: datetime | None = None
    until: datetime | None = None


class Manifest(pydantic.BaseModel):
    """What stands beside the rows of a batch.

    ``known_at`` and ``extracted_at`` are UTC; ``bytes`` and ``sha256`` are of the Parquet file; ``rows``
    counts control rows too.
    """

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")
    table: str
    contract_version: str
    batch_id: str
    known_at: datetime
    extracted_at: datetime
    window: Window
    rows: int
    bytes: int
    sha256: str
    columns: tuple[str, ...]
    proof: dict[str, Any]


class RawStore:
    """Batches below ``root/<table>/<batch_id>``."""

    def __init__(self, root: Path, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._root = root
        self._clock = clock

    def sweep(self) -> list[str]:
        """Remove what killed runs left half written; names of it. Only for the holder of the write lock."""
        partial = self._root / _PARTIAL
        left = sorted(path.name for path in partial.iterdir()) if partial.is_dir() else []
        shutil.rmtree(partial, ignore_errors=True)
        return left

    def land(
        self,
        contract: TableContract,
        extraction: Extraction,
        batch_id: str,
        known_at: datetime,
        window: Window,
    ) -> Manifest:
        """Write all rows of an extraction as one batch; also when there are none.

        The batch appears when everything is on disk. A failure of the source passes and leaves nothing.
        """
        final = self._root / contract.name / _checked(batch_id)
        if final.exists():
            raise FileExistsError(f"batch {batch_id} of {contract.name} is landed already: {final}")
        partial = self._root / _PARTIAL / f"{contract.name}.{batch_id}"
        shutil.rmtree(partial, ignore_errors=True)
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial.mkdir(parents=True)
        try:
            manifest = self._write(partial, contract, extraction, batch_id, known_at, window)
            final.parent.mkdir(exist_ok=True)
            partial.rename(final)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        _sync(final.parent)
        return manifest

    def manifests(self, table: str) -> list[Manifest]:
        """Manifests of a table's batches in the order they became known."""
        found = [self._manifest(path) for path in (self._root / table).glob(f"*/{MANIFEST}")]
        return sorted(found, key=lambda m: (m.known_at, m.batch_id))

    def read_path(self, batch: Manifest) -> Path:
        """The Parquet file of a batch."""
        return self._root / batch.table / batch.batch_id / PART

    def verify(self, batch: Manifest) -> None:
        """Raise unless the file is there and has the bytes the manifest says."""
        path = self.read_path(batch)
        if not path.is_file():
            raise _damaged(batch.table, path, "the file is not there")
        found = _sha256(path)
        if found != batch.sha256:
            raise _damaged(batch.table, path, f"its sha256 is {found}, the manifest says {batch.sha256}")

    def _write(
        self,
        directory: Path,
        contract: TableContract,
        extraction: Extraction,
        batch_id: str,
        known_at: datetime,
        window: Window,
    ) -> Manifest:
        extracted_at = self._clock().astimezone(UTC)
        schema = stored_schema(contract)
        path = directory / PART
        rows = 0
        iterator = extraction.batches
        with (
            closing(iterator) if isinstance(iterator, Generator) else nullcontext(),
            pq.ParquetWriter(path, schema, compression="zstd") as writer,
        ):
            for group in _groups(iterator, _ROW_GROUP):
                writer.write_table(_stored(group, schema, batch_id, extracted_at), row_group_size=_ROW_GROUP)
                rows += group.num_rows
        _sync(path)
        manifest = Manifest(
            table=contract.name,
            contract_version=contract.version,
            batch_id=batch_id,
            known_at=known_at,
            extracted_at=extracted_at,
            window=window,
            rows=rows,
            bytes=path.stat().st_size,
            sha256=_sha256(path),
            columns=tuple(schema.names),
            proof=extraction.proof,
        )
        _write_text(directory / MANIFEST, manifest.model_dump_json(indent=2) + "\n")
        path.chmod(0o400)
        _sync(directory)
        return manifest

    def _manifest(self, path: Path) -> Manifest:
        try:
            return Manifest.model_validate_json(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise _damaged(path.parts[-3], path, f"the manifest cannot be read ({error})") from error


def stored_schema(contract: TableContract) -> pa.Schema:
    """Landed columns plus ``_batch_id`` and ``_extracted_at`` (naive UTC)."""
    schema = landed_schema(contract)
    return schema.append(pa.field("_batch_id", pa.string())).append(
        pa.field("_extracted_at", pa.timestamp("us"))
    )


def _groups(batches: Iterable[pa.RecordBatch], size: int) -> Iterator[pa.Table]:
    """The same rows in tables of whole multiples of ``size`` rows, the last one shorter."""
    waiting: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        waiting.append(batch)
        count += batch.num_rows
        if count >= size:
            table = pa.Table.from_batches(waiting)
            whole = count - count % size
            yield table.slice(0, whole)
            waiting, count = table.slice(whole).to_batches(), count - whole
    if count:
        yield pa.Table.from_batches(waiting)


def _stored(table: pa.Table, schema: pa.Schema, batch_id: str, extracted_at: datetime) -> pa.Table:
    moment = extracted_at.replace(tzinfo=None)
    added = [pa.repeat(pa.scalar(batch_id), table.num_rows)]
    added.append(pa.repeat(pa.scalar(moment, pa.timestamp("us")), table.num_rows))
    return pa.Table.from_arrays([*table.combine_chunks().columns, *added], schema=schema)


def _checked(batch_id: str) -> str:
    if not _BATCH_ID.fullmatch(batch_id):
        raise ValueError(f"batch id {batch_id!r} is no plain file name")
    return batch_id


def _damaged(table: str, path: Path, cause: str) -> PermanentFailure:
    return PermanentFailure(
        system="raw",
        table=table,
        where=str(path),
        cause=cause,
        cure="restore the batch from a backup; raw batches are evidence and are never written twice",
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    _sync(path)


def _sync(path: Path) -> None:
    """Have the disk hold a file or a directory's names before the next step."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
