"""Settings from the environment: where state lives and how each source system is reached.

Belongs here: names, types and defaults of settings. Keep out: secrets in any other place; nothing here is
logged. ``JIBAO_HOME/settings.env`` (mode 600) may hold the same names; the environment wins over it.
"""

from __future__ import annotations

import os
from datetime import datetime, time
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from resources.failures import PermanentFailure
from resources.sources.base import Source

DEFAULT_HOME = ".jibao"
SHANGHAI = ZoneInfo("Asia/Shanghai")


def parse_instant(text: str) -> datetime:
    """An instant from ISO 8601 text. A plain date is the end of that day and a time without zone is wall
    time, both in Asia/Shanghai. Raises ``ValueError`` for anything else."""
    instant = datetime.fromisoformat(text)
    if len(text) == 10:
        instant = datetime.combine(instant.date(), time.max)
    return instant if instant.tzinfo else instant.replace(tzinfo=SHANGHAI)


class SourceSettings(BaseModel):
    """One source system: ``JIBAO_SOURCES__<SERVER>__URL``, ``__TOKEN``, ``__TIMEOUT_SECONDS``."""

    url: SecretStr
    token: SecretStr | None = None
    timeout_seconds: float = 30.0


class Settings(BaseSettings):
    """All settings of the product; ``docs/settings.md`` lists them for operators."""

    model_config = SettingsConfigDict(env_prefix="JIBAO_", env_nested_delimiter="__", extra="ignore")

    home: Path = Path(DEFAULT_HOME)
    """Where all state lives."""
    sources: dict[str, SourceSettings] = {}
    """Source systems by the server name that contracts use."""
    clock: Annotated[
        datetime | None, BeforeValidator(lambda v: parse_instant(v) if isinstance(v, str) else v)
    ] = None
    """A pinned clock (the demo's day); unset, the system clock is used."""
    memory_limit: str = "2GB"
    """DuckDB's memory limit."""
    keep_published: int = 7
    """Published warehouse files to keep for roll-back."""
    leave_out: str = ""
    """Tables, comma between, whose source is not asked."""

    @property
    def left_out(self) -> frozenset[str]:
        """Names of ``leave_out``."""
        return frozenset(name.strip() for name in self.leave_out.split(",") if name.strip())

    def source(self, server: str, table: str) -> Source:
        """How ``server`` is reached. Raises :class:`PermanentFailure` when nobody has said."""
        found = self.sources.get(server.lower())
        if found is None:
            raise PermanentFailure(
                system=server,
                table=table,
                where="settings",
                cause=f"no address is set for source system {server!r}",
                cure=f"set JIBAO_SOURCES__{server.upper()}__URL in the environment or in {self.home}/settings.env",
            )
        token = found.token.get_secret_value() if found.token else None
        return Source(server, found.url.get_secret_value(), token, found.timeout_seconds)


def load_settings(home: Path | None = None) -> Settings:
    """Settings for ``home`` (argument, else ``JIBAO_HOME``, else ``.jibao``); paths made absolute."""
    place = Path(home or os.environ.get("JIBAO_HOME") or DEFAULT_HOME).absolute()
    return Settings(_env_file=place / "settings.env", home=place)
