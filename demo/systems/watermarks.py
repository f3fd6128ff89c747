"""The moment of a row's last change, in the four ways the source systems write it.

Belongs here: writing an instant in a system's form, and comparing what stands in rows. Keep out: which
column holds it (``seeds/source_tables.yaml``). Instants without a zone are local time, +08:00.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone

LOCAL = timezone(timedelta(hours=8))
"""Asia/Shanghai, which has had no daylight saving time since 1991."""


def epoch_ms(instant: datetime) -> int:
    """Milliseconds since 1970-01-01 UTC; an instant without a zone is local time."""
    aware = instant if instant.tzinfo else instant.replace(tzinfo=LOCAL)
    return round(aware.timestamp() * 1000)


def iso_z(instant: datetime) -> str:
    """The instant in UTC as ``2024-09-09T16:00:00.000Z``."""
    aware = instant if instant.tzinfo else instant.replace(tzinfo=LOCAL)
    return aware.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{aware.microsecond // 1000:03d}Z"


def midnight_z(day: date) -> str:
    """A business day as the park platform sends it: its local midnight in UTC."""
    return iso_z(datetime(day.year, day.month, day.day))


def _iso_offset(instant: datetime) -> str:
    return instant.replace(tzinfo=LOCAL).isoformat(timespec="seconds")


_WRITERS: dict[str, Callable[[datetime], object]] = {
    "text": lambda instant: instant.strftime("%Y-%m-%d %H:%M:%S"),
    "iso_offset": _iso_offset,
    "iso_z": iso_z,
    "epoch_ms": epoch_ms,
}


def write(form: str, instant: datetime) -> object:
    """``instant`` (local, no zone) in one of the forms text, iso_offset, iso_z, epoch_ms."""
    return _WRITERS[form](instant)


def read_ms(value: object) -> int | None:
    """Any of the four forms as epoch milliseconds; None for what is empty or no instant."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return value
    try:
        return epoch_ms(datetime.fromisoformat(str(value).strip()))
    except ValueError:
        return None
