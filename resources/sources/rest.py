"""Paged REST JSON: read until an empty page, proved by the source's count before and after.

Belongs here: pages, what is a record, when a reading is whole. Keep out: retries, failure codes (``http``).
Lists say no total and rows change while pages are read, so a row may come twice or never: records seen on an
earlier page are overlap, and a reading that does not fit the count is done again from the first page.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from data_contracts.model import TableContract
from resources.failures import PermanentFailure, SourceFailure, TransientFailure
from resources.sources.base import (
    Extraction,
    ExtractionRequest,
    Source,
    batch_of,
    landed_schema,
    unit_columns,
)
from resources.sources.http import Caller, PastTheEnd, at_path
from resources.sources.transport import RestTransport, transport_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
_READINGS = 3
# A server that does not know the page parameter sends the same page for ever.
_SAME_PAGES = 3
_PLAIN_DIGITS = 40
CHANGED_FIELD = (
    "correct physicalName in the contract, or have the source changed back; if the source leaves the field out "
    "where it is empty, name it in transport.omits"
)


class RestConnector:
    """A list of records behind pages. A whole reading is held before any of it is given on."""

    def extract(self, source: Source, request: ExtractionRequest) -> Extraction:
        """All records, or those changed at or after ``since`` where the endpoint can filter."""
        transport = _transport(request.contract)
        proof: dict[str, object] = {"method": "count" if transport.count else "pages", "complete": False}
        return Extraction(self._read(source, request, proof), proof)

    def probe(self, source: Source, contract: TableContract) -> None:
        """Read one page and the count as the extraction would."""
        transport = _transport(contract)
        with Caller(source, contract, transport) as caller:
            _Pages(caller, contract, transport, {}).probe()
            _count(caller, transport, {})

    def _read(
        self, source: Source, request: ExtractionRequest, proof: dict[str, object]
    ) -> Iterator[pa.RecordBatch]:
        contract, transport = request.contract, _transport(request.contract)
        filters = _filters(transport, request)
        with Caller(source, contract, transport) as caller:
            reading = _whole_reading(caller, contract, transport, filters)
        overlap = reading.records - reading.distinct
        proof.update(
            full=not filters,
            expected=reading.counted,
            rows=reading.rows,
            pages=len(reading.pages),
            readings=reading.number,
            overlap_rows=overlap,
            absent_values=dict(sorted(reading.absent.items())),
            unread_fields=sorted(reading.unread),
            # Without a count only this can be said: a row that moved to a page already read, and so was
            # missed, would have pushed another one over a page's end, where it comes twice.
            complete=reading.counted is not None or (overlap == 0 and not reading.cut),
        )
        if transport.explode:
            # What the source counts is records; what landed is the things they list.
            proof["records"] = reading.records
        schema = landed_schema(contract)
        for rows in reading.pages:
            yield batch_of(schema, rows)


def _whole_reading(
    caller: Caller, contract: TableContract, transport: RestTransport, filters: dict[str, object]
) -> _Reading:
    """Read all pages until they hold as many records as the source counts, before and after."""
    pages = _Pages(caller, contract, transport, filters)
    for number in range(1, _READINGS + 1):
        before = _count(caller, transport, filters)
        reading = pages.all(before)
        after = _count(caller, transport, filters)
        reading.number, reading.counted = number, after
        if after is None or before == after == reading.distinct:
            pages.refuse_changed(reading)
            return reading
    raise caller.failure(
        TransientFailure,
        transport.path,
        f"the pages hold {reading.distinct} records, the source counts {before} before and {after} after; "
        f"read {_READINGS} times",
        "run again at a quieter hour; if it stays, the source's list and count do not filter alike",
    )


@dataclass
class _Reading:
    """One pass over all pages: landed rows by page, and what was noticed.

    A record lands as one row, or as several where it is exploded. ``distinct`` leaves out records that came
    on an earlier page already; ``counted`` is the source's count; ``longest`` is a page's most records; ``cut``:
    the source may have more, but gives the same full page from here on.
    """

    pages: list[list[list[object]]] = field(default_factory=list)
    rows: int = 0
    records: int = 0
    distinct: int = 0
    number: int = 0
    counted: int | None = None
    absent: Counter[str] = field(default_factory=Counter)
    unread: set[str] = field(default_factory=set)
    longest: int = 0
    cut: bool = False

    @property
    def lacking(self) -> list[str]:
        """Fields that are in none of the records."""
        return sorted(name for name, count in self.absent.items() if count == self.records)


class _Pages:
    """Reads the pages of one list with one set of filters."""

    def __init__(
        self, caller: Caller, contract: TableContract, transport: RestTransport, filters: dict[str, object]
    ) -> None:
        self._caller, self._contract, self._transport = caller, contract, transport
        self._filters = filters
        self._units = [transport.units[column.name] for column in unit_columns(contract)]
        self._fields = [*(column.source for column in contract.columns), *self._units]

    def all(self, expected: int | None) -> _Reading:
        """Pages from the first to the last: an empty one or a repetition ends them, a short one proves nothing.

        ``expected``: the source's count, where it has one.
        """
        reading, seen, repeated = _Reading(), set[bytes](), 0
        previous: list[bytes] = []
        number = self._transport.first_page
        while records := self.page(number):
            digests = [_digest(record) for record in records]
            if digests == previous and self._is_last(number, digests, reading, expected):
                # The last page may well be full; so is one beyond which the source does not go.
                reading.cut = len(digests) >= reading.longest
                break
            new = sum(digest not in seen for digest in digests)
            repeated = 0 if new else repeated + 1
            if repeated == _SAME_PAGES:
                raise self._repeats(number)
            seen.update(digests)
            reading.distinct += new
            self._take(reading, records, self._where(number))
            previous = digests
            number += 1
        return reading

    def page(self, number: int) -> list[dict[str, Any]]:
        """The records of one page; none where the source says in one of its ways that the list is over."""
        transport, where = self._transport, self._where(number)
        parameters = {transport.page: number, transport.size: transport.page_size, **self._filters}
        later = number > transport.first_page
        # A first page that is not found is a wrong path.
        end = transport.end if later else transport.end.model_copy(update={"status": ()})
        try:
            body = self._caller.call(transport.path, parameters, where, end)
        except PastTheEnd:
            return []
        records = at_path(body, transport.records)
        if records is None and self._is_nothing(body, later):
            return []
        if not isinstance(records, list) or not all(isinstance(r, dict) for r in records):
            there = ", ".join(sorted(body))
            cause = f"there is no list of records at {transport.records}; the answer has {there}"
            raise self._caller.failure(
                PermanentFailure, where, cause, "correct transport.records in the contract"
            )
        return records

    def probe(self) -> None:
        """Read the first page, in which each field of the contract should be somewhere."""
        reading = _Reading()
        records = self.page(self._transport.first_page)
        self._take(reading, records, self._where(self._transport.first_page))
        self._refuse(reading, self._fields)

    def refuse_changed(self, reading: _Reading) -> None:
        """A field that the contract needs and no record has is a changed one.

        One that may be empty is judged beside earlier batches, where the reading is taken in (``assets.raw``).
        """
        contract = self._contract
        needed = [c.source for c in contract.columns if c.required or c.key_position is not None]
        self._refuse(reading, [*needed, *self._units])

    def _refuse(self, reading: _Reading, needed: Sequence[str]) -> None:
        lacking = [name for name in needed if name in reading.lacking and name not in self._transport.omits]
        if not lacking:
            return
        cause = f"field {', '.join(lacking)} is in none of the {reading.records} records"
        if reading.unread:
            cause += f"; they have, unread, {', '.join(sorted(reading.unread))}"
        raise self._caller.failure(PermanentFailure, self._transport.path, cause, CHANGED_FIELD)

    def _is_nothing(self, body: dict[str, Any], later: bool) -> bool:
        """Whether an answer without records is an empty page: ``null`` is, with a good code; a path that is not
        there only after a page that had it."""
        good = self._transport.ok is not None
        return (later or good) if _has(body, self._transport.records) else (later and good)

    def _is_last(self, number: int, digests: list[bytes], reading: _Reading, expected: int | None) -> bool:
        """Whether a page like the one before it says that the source gives its last page for any later number.

        Where no count says so, pages before must have differed and the next one must be the same again: rows that
        are put in while pages are read push the same ones over a page's end, but not twice.
        """
        if expected is not None and expected == reading.distinct:
            return True
        if reading.distinct <= len(digests):
            return False
        return [_digest(record) for record in self.page(number + 1)] == digests

    def _repeats(self, number: int) -> SourceFailure:
        cause = f"the same records come on page after page, {_SAME_PAGES} times now"
        cure = (
            "correct transport.page in the contract if the source does not know that parameter; if the list has "
            "but one page and the source repeats it, name its count in transport.count"
        )
        return self._caller.failure(PermanentFailure, self._where(number), cause, cure)

    def _take(self, reading: _Reading, records: list[dict[str, Any]], where: str) -> None:
        rows = [row for record in records for row in self._rows(record)]
        reading.pages.append([[*row, reading.rows + i, where, "data"] for i, row in enumerate(rows, 1)])
        reading.rows += len(rows)
        reading.records += len(records)
        reading.longest = max(reading.longest, len(records))
        for record in records:
            reading.absent.update(name for name in self._fields if not _has(record, name))
            reading.unread.update(record.keys() - {name.split(".")[0] for name in self._fields})

    def _rows(self, record: dict[str, Any]) -> list[list[object]]:
        """The record's fields as text: one row, or one for each thing that its exploded fields list.

        No record is lost: an empty list gives a row without a value, a shorter one lacks its last ones.
        """
        texts = [_text(_value(record, name)) for name in self._fields]
        explode = self._transport.explode
        if explode is None:
            return [list[object](texts)]
        lists = {name: _pieces(_value(record, name), explode.split) for name in explode.fields}
        count = max(1, *map(len, lists.values()))
        for pieces in lists.values():
            pieces += [None] * (count - len(pieces))
        return [
            [
                lists[name][i] if name in lists else text
                for name, text in zip(self._fields, texts, strict=True)
            ]
            for i in range(count)
        ]

    def _where(self, number: int) -> str:
        return f"{self._transport.path} page {number}"


def _count(caller: Caller, transport: RestTransport, filters: dict[str, object]) -> int | None:
    """How many records the source counts under the same filters; None where it has no such endpoint."""
    if transport.count is None:
        return None
    where = transport.count.path
    body = caller.call(where, filters, where)
    found = at_path(body, transport.count.field)
    if isinstance(found, bool) or not isinstance(found, int):
        cause = f"there is no whole number at {transport.count.field} but {found!r}"
        raise caller.failure(PermanentFailure, where, cause, "correct transport.count in the contract")
    return found


def _filters(transport: RestTransport, request: ExtractionRequest) -> dict[str, object]:
    since = request.since
    if since is None or transport.since is None or request.contract.update.watermark is None:
        return {}
    return {transport.since: _since_value(since, transport)}


def _since_value(since: datetime, transport: RestTransport) -> object:
    moment = since.replace(tzinfo=SHANGHAI)
    if transport.since_format == "epoch_ms":
        return int(moment.timestamp() * 1000)
    return moment.isoformat(timespec="seconds")


def _has(record: dict[str, Any], name: str) -> bool:
    if name in record:
        return True
    head, _, rest = name.partition(".")
    inner = record.get(head)
    if not rest or head not in record:
        return False
    # What is null as a whole has nothing in it, under the names it always had.
    return inner is None or (isinstance(inner, dict) and _has(inner, rest))


def _value(record: dict[str, Any], name: str) -> Any:
    return record[name] if name in record else at_path(record, name)


def _text(value: Any) -> str | None:
    """A JSON value as text: numbers with the digits that were sent, true and false, null as NULL."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        # 1e3 is 1000 to people; 1e999999 written out would be a megabyte.
        return format(value, "f") if abs(value.adjusted()) < _PLAIN_DIGITS else str(value)
    if isinstance(value, int):
        return str(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def _pieces(value: Any, separator: str) -> list[str | None]:
    """What a field lists: the elements of an array, or the parts of a text between separators."""
    if isinstance(value, list):
        return [_text(element) for element in value]
    text = _text(value)
    return list[str | None](text.split(separator)) if text else []


def _digest(record: dict[str, Any]) -> bytes:
    text = json.dumps(record, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _transport(contract: TableContract) -> RestTransport:
    transport = transport_of(contract)
    assert isinstance(transport, RestTransport)
    return transport
