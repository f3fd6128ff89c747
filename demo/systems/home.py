"""What the demo remembers below its home: the state file, the lock, and the settings of the product.

Belongs here: paths, ``demo/state.json`` and ``settings.env`` (both mode 600: they hold passwords).
Keep out: what the state means for the systems (``group``).
"""

from __future__ import annotations

import fcntl
import json
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, time
from pathlib import Path

from demo.systems.errors import DemoError
from demo.systems.finance_server import DATABASE, READER
from demo.systems.tables import REST_SYSTEMS
from demo.systems.workbooks import replace_file

SHOWN_AT = time(20, 0)
"""Local time of the day at which the systems are shown."""


@dataclass
class State:
    """The demo as it is set up. ``day`` is what the systems are to show, ``loaded`` what each does show."""

    seed: int
    scale: int
    day: str
    clock: str
    ports: dict[str, int]
    secrets: dict[str, str]
    pids: dict[str, int] = field(default_factory=dict)
    loaded: dict[str, str] = field(default_factory=dict)
    finance_data: str = ""

    @property
    def now(self) -> datetime:
        """The demo's clock, local time without a zone."""
        return datetime.fromisoformat(self.clock)

    def move_clock(self, to: datetime) -> None:
        """Set the clock, never back."""
        self.clock = max(self.now, to).isoformat(timespec="seconds")


def shown_at(day: date | str) -> datetime:
    """The instant a day's state is taken at."""
    return datetime.combine(date.fromisoformat(day) if isinstance(day, str) else day, SHOWN_AT)


def new_secrets() -> dict[str, str]:
    """Random passwords and tokens, safe inside URLs."""
    return {name: secrets.token_urlsafe(18) for name in ("owner", "reader", *REST_SYSTEMS)}


class Home:
    """The demo's files below ``JIBAO_HOME``."""

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().resolve()
        self.demo = self.root / "demo"
        self.state_file = self.demo / "state.json"
        self.settings_file = self.root / "settings.env"
        self.edits = self.demo / "edits.jsonl"
        self.logs = self.demo / "logs"
        self.finance = self.demo / "finance"
        self.concrete = self.demo / "concrete.db"
        self.store = self.demo / "rest.db"
        self.workbooks = self.demo / "workbooks"
        self.ahead = self.demo / "ahead.pickle"
        self.manifests = self.demo / "manifests"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the demo for one command; another one waits. The lock ends with its process."""
        self.demo.mkdir(parents=True, exist_ok=True)
        with (self.demo / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def read_state(self) -> State | None:
        """The state, None where no demo was set up; :class:`DemoError` where the file is damaged."""
        if not self.state_file.exists():
            return None
        try:
            state = State(**json.loads(self.state_file.read_text(encoding="utf-8")))
            # A demo set up before a system joined the group gets that system's token now.
            state.secrets = new_secrets() | state.secrets
            return state
        except (ValueError, TypeError) as error:
            raise DemoError(
                f"{self.state_file} is damaged: {error}", f"remove {self.demo} and bring the demo up again"
            ) from error

    def require_state(self) -> State:
        """The state; :class:`DemoError` where no demo was set up."""
        state = self.read_state()
        if state is None:
            raise DemoError(f"no demo is set up in {self.root}", "bring it up first: jibao demo up")
        return state

    def write_state(self, state: State) -> None:
        """Keep the state, and the settings by which the product reaches the systems."""
        text = json.dumps(asdict(state), ensure_ascii=False, indent=2, sort_keys=True)
        replace_file(self.state_file, text.encode(), mode=0o600)
        self._write_settings(self.settings(state))

    def settings(self, state: State) -> dict[str, str]:
        """Setting name to value: where each system is and how to enter it."""
        finance, http = state.ports["finance"], state.ports["http"]
        reader = f"{READER}:{state.secrets['reader']}"
        return {
            "JIBAO_SOURCES__FINANCE__URL": f"postgresql+psycopg://{reader}@127.0.0.1:{finance}/{DATABASE}",
            "JIBAO_SOURCES__CONCRETE__URL": f"sqlite:///{self.concrete}",
            "JIBAO_SOURCES__WORKBOOKS__URL": f"file://{self.workbooks}",
            "JIBAO_SOURCES__PROJECT_SYSTEM__URL": f"http://127.0.0.1:{http}/pms",
            "JIBAO_SOURCES__PROJECT_SYSTEM__TOKEN": state.secrets["project_system"],
            "JIBAO_SOURCES__PARK_PLATFORM__URL": f"http://127.0.0.1:{http}/park",
            "JIBAO_SOURCES__PARK_PLATFORM__TOKEN": state.secrets["park_platform"],
            "JIBAO_SOURCES__CHARGING__URL": f"http://127.0.0.1:{http}/charging",
            "JIBAO_SOURCES__CHARGING__TOKEN": state.secrets["charging"],
            "JIBAO_CLOCK": f"{state.clock}+08:00",
        }

    def _write_settings(self, settings: dict[str, str]) -> None:
        """Replace our lines where they stand, add missing ones, keep every other line."""
        rest, lines = dict(settings), []
        text = self.settings_file.read_text(encoding="utf-8") if self.settings_file.exists() else ""
        for line in text.splitlines():
            name = line.partition("=")[0].strip()
            if name not in settings:
                lines.append(line)
            elif name in rest:
                lines.append(f"{name}={_quoted(rest.pop(name))}")
        lines += [f"{name}={_quoted(value)}" for name, value in rest.items()]
        replace_file(self.settings_file, ("\n".join(lines) + "\n").encode(), mode=0o600)


def _quoted(value: str) -> str:
    return value if re.fullmatch(r"[^\s'\"#$\\]+", value) else "'" + value.replace("'", "\\'") + "'"
