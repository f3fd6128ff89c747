"""The README's picture of the claims: ``python -m pipelines.picture`` after ``make demo``.

Belongs here: choosing the rows that fit and drawing them as the terminal shows them. Keep out: any figure;
what stands in the picture is read from the published warehouse.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator
from html import escape, unescape
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.terminal_theme import MONOKAI

from pipelines.cli.console import table
from pipelines.cli.published import published

PICTURE = Path(__file__).parent.parent / "docs" / "images" / "claims.svg"
QUARTER = "2024Q3"
ROWS = (2, 3, 9, 14, 15, 19, 20, 25, 35, 51, 58, 59, 81, 82)
_WIDTH = 114
_CELL, _LINE = 12.2, 24.4
"""Width and height of one terminal cell in the picture's units (font size 20, as Rich draws it)."""
_ARMS = {
    "│": "ud", "┃": "UD", "─": "lr", "━": "LR", "┏": "RD", "┳": "LRD", "┓": "LD", "┡": "RUd", "╇": "LRUd",
    "┩": "LUd", "└": "ur", "┴": "lru", "┘": "lu",
}  # fmt: skip
"""Box characters and the arms they reach out with, heavy ones in capitals."""
_FONTS = "'Fira Code', 'DejaVu Sans Mono', Menlo, Consolas, 'Noto Sans CJK SC', 'PingFang SC', monospace"
_FORMAT = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img">
<title>jibao claims</title>
<style>
.{unique_id}-matrix {{ font-family: FONTS; font-size: {char_height}px; white-space: pre; }}
.{unique_id}-title {{ font-family: FONTS; font-size: 16px; }}
.box {{ stroke: #7d8590; stroke-linecap: square; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
""".replace("FONTS", _FONTS)
_TEXT = re.compile(
    r'<text class="([^"]+)" x="([\d.]+)" y="([\d.]+)" textLength="[\d.]+" ([^>]+)>([^<]*)</text>'
)


def claims_picture(home: Path | None = None) -> str:
    """SVG of the chosen claims as the warehouse published in ``home`` answers them."""
    with published(home) as connection:
        rows = connection.exec_driver_sql(
            "SELECT seq, quote, printed, computed, status FROM mart.claim_result "
            f"WHERE quarter = '{QUARTER}' ORDER BY seq"
        ).all()
    found = Counter(row.status for row in rows)
    shown = table(
        f"{QUARTER}: what the bulletin says, and what the ledgers say",
        "#", "claim", "printed", "computed", "verdict", right=("#", "printed", "computed"),
        caption=f"{found['pass']} pass, {found['fail']} fail, {found['not_computed']} not computed; "
        f"{len(ROWS)} of those computed shown here",
    )  # fmt: skip
    for row in rows:
        if row.seq in ROWS:
            verdict = "[green]✓ pass[/]" if row.status == "pass" else f"[bold red]✗ {row.status}[/]"
            shown.add_row(str(row.seq), row.quote, row.printed, row.computed, verdict)
    console = Console(record=True, width=_WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(f"[bold green]$[/] jibao claims {QUARTER}\n")
    console.print(shown)
    drawn = console.export_svg(title="", theme=MONOKAI, code_format=_FORMAT, unique_id="claims")
    return _TEXT.sub(lambda found: "".join(_runs(*found.groups())), drawn)


def _runs(style: str, left: str, top: str, rest: str, content: str) -> Iterator[str]:
    """One text element as one for each run of wide, narrow or box characters, each exactly on its cells.

    Rich counts a Chinese character as one cell when it stretches a text, which squeezes whole lines, and box
    characters leave gaps between the lines in most fonts.
    """
    x, y = float(left), float(top)
    for run in re.findall(
        r"─+|━+|[─-╿]|[\u1100-\u24ff\u2e80-\uffff]+|[^\u1100-\uffff]+|.", unescape(content)
    ):
        width = _CELL * cell_len(run)
        if run[0] in _ARMS:
            yield _box(_ARMS[run[0]], x, y - 18, width)
        elif run.strip("\xa0"):
            size = ' font-size="22"' if cell_len(run[0]) == 2 else ""
            yield (
                f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" textLength="{width:.1f}"{size} {rest}>'
                f"{escape(run)}</text>"
            )
        x += width


def _box(arms: str, left: float, top: float, width: float) -> str:
    """The arms of one box character, or of a line of like ones, from the middle of its cells."""
    x, y = left + width / 2, top + _LINE / 2
    ends = {"u": (x, top), "d": (x, top + _LINE), "l": (left, y), "r": (left + width, y)}
    return "".join(
        f'<path class="box" d="M{x:.1f} {y:.1f}L{ends[arm.lower()][0]:.1f} {ends[arm.lower()][1]:.1f}" '
        f'stroke-width="{2.4 if arm.isupper() else 1.2}"/>'
        for arm in arms
    )


if __name__ == "__main__":
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(claims_picture(), encoding="utf-8")
    print(PICTURE)
