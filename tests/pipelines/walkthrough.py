"""The walk-through of a closed and restated quarter, run on a new demo and written down as it went.

Belongs here: running the steps of ``docs/walkthrough.yaml`` and rendering ``docs/walkthrough.md`` from what they print
(``python -m tests.pipelines.walkthrough HOME``, about ten minutes). Keep out: what the steps must give
(``test_walkthrough``).
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.pipelines.homes import Place

DOCS = Path(__file__).parents[2] / "docs"
STEPS, PAGE = DOCS / "walkthrough.yaml", DOCS / "walkthrough.md"


@dataclass(frozen=True)
class Step:
    """One command of the walk-through with the words before it.

    ``each``: run once for each of these words, put for ``{}``; the first alone is shown. ``code``: the exit code it
    must have. ``lines``: most lines of its output that are shown, all unless said.
    """

    title: str
    words: str
    command: str
    code: int = 0
    each: tuple[str, ...] = ()
    lines: int = 0

    @classmethod
    def of(cls, told: dict[str, Any]) -> Step:
        """A step as the file tells it."""
        return cls(**{**told, "each": tuple(told.get("each", ()))})


def steps() -> list[Step]:
    """The steps in order."""
    return [Step.of({"title": "", "words": "", **told}) for told in yaml.safe_load(STEPS.read_text("utf-8"))]


def walked(place: Place) -> Iterator[tuple[Step, str]]:
    """Run every step on a home whose systems are not up yet; yields each with what it printed."""
    for step in steps():
        printed = ""
        for word in step.each or ("",):
            said = place.jibao(*shlex.split(step.command.replace("{}", word)))
            assert said.code == step.code, f"{step.command}: exit {said.code}\n{said.out}{said.err}"
            printed = printed or said.out + said.err
        yield step, printed


def shown(step: Step) -> str:
    """The command as the page shows it."""
    return f"$ jibao {step.command.replace('{}', step.each[0]) if step.each else step.command}"


def rendered(walk: Iterator[tuple[Step, str]]) -> str:
    """Markdown of the walk. Ends with one newline."""
    parts = []
    for step, printed in walk:
        lines = [line.rstrip() for line in printed.splitlines()]
        if step.lines and len(lines) > step.lines:
            lines = [*lines[: step.lines], "…"]
        title = [f"## {step.title}\n"] if step.title else []
        words = [step.words.strip() + "\n"] if step.words else []
        more = f"\n# … and so for {len(step.each) - 1} more" if step.each[1:] else ""
        block = "\n".join(["```console", f"{shown(step)}{more}", *lines, "```"])
        parts.append("\n".join([*title, *words, block]))
    return _HEAD + "\n\n".join(parts) + "\n"


_HEAD = """\
# 重述一个季度 Restating a quarter, from the first signature to version 2

Every command below was run on the demo and every line of output is what it printed; `python -m \
tests.pipelines.walkthrough HOME` runs them again and renders this page.

"""

if __name__ == "__main__":
    home = Place(Path(sys.argv[1]).resolve())
    PAGE.write_text(rendered(walked(home)), encoding="utf-8")
    print(PAGE)
