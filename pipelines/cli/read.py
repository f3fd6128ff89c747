"""Commands that read the published warehouse: ``claims``, ``status``.

Belongs here: queries on the published file and how their answer is printed. Keep out: work files, which a
running job holds; nothing here may read them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import sqlalchemy as sa
import typer
from rich.markup import escape

from pipelines.cli.arguments import quarter_named
from pipelines.cli.console import Format, FormatOption, Home, console, table, write_rows
from pipelines.cli.published import published, rows_of
from resources.publisher import FilePublisher
from resources.settings import load_settings
from resources.states import SOURCE_STATES, SourceStates

_VERDICT = {
    "pass": "[green]✓ pass[/]",
    "fail": "[bold red]✗ FAIL[/]",
    "not_computed": "[dim]– none[/]",
}
_WIDE, _NARROW_ID = 120, 28
"""Characters from which a terminal is wide, and that an id gets where it is not."""

_CLAIM_COLUMNS = (
    "seq", "id", "status", "printed", "computed", "value", "value_date", "accepted", "metric", "quote",
    "flags", "reason",
)  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command()(claims)
    app.command()(status)


def claims(
    quarter: Annotated[str, typer.Argument(help="Quarter of the bulletin, e.g. 2024Q3.")],
    style: FormatOption = Format.table,
    home: Home = None,
) -> None:
    """Hold the bulletin's statements against the figures computed from ledgers. Exit 1 if one fails."""
    name = quarter_named(quarter)
    with published(home) as connection:
        rows = rows_of(
            connection,
            "SELECT seq, claim_id AS id, status, printed, computed, value, value_date, accepted, "
            "metric_id AS metric, quote, flags, reason FROM mart.claim_result WHERE quarter = :q ORDER BY seq",
            q=name,
        )
        (known_at,) = connection.execute(sa.text("SELECT known_at FROM core.cut_off")).one()
    if not rows:
        raise typer.BadParameter(f"no bulletin for {name}: data_contracts/claims holds none")
    if style is Format.table:
        _print_claims(name, rows, known_at)
    else:
        write_rows(rows, _CLAIM_COLUMNS, style)
    if any(row["status"] == "fail" for row in rows):
        raise typer.Exit(1)


def status(style: FormatOption = Format.table, home: Home = None) -> None:
    """What is published, how fresh each table is, what waits in quarantine, what calls for a restatement."""
    from assets.report.materiality import restatements
    from resources.engine import DuckDBSession

    folder = load_settings(home).home / "published"
    with published(home) as connection:
        (known_at,) = connection.execute(sa.text("SELECT known_at FROM core.cut_off")).one()
        rows = rows_of(
            connection,
            'SELECT f.table_name AS "table", f.state, f.last_loaded_at, f.last_changed_at, '
            "coalesce(q.open_rows, 0) AS quarantined, f.cause FROM mart.freshness AS f LEFT JOIN "
            "(SELECT table_name, count(*) AS open_rows FROM meta.quarantine WHERE state IN ('open', 'held') "
            "GROUP BY table_name) AS q ON q.table_name = f.table_name ORDER BY f.table_name",
        )
        stale = rows_of(
            connection,
            "SELECT DISTINCT metric_id FROM mart.quarterly_metric WHERE flags LIKE '%stale:%' ORDER BY metric_id",
        )
        restated = restatements(DuckDBSession(connection))
        unresolved = rows_of(
            connection,
            "SELECT table_name, alias, row_count FROM mart.unresolved_alias "
            "ORDER BY of_what = 'company', row_count DESC, alias",
        )
    stale += _failed_since(load_settings(home).home, known_at, rows)
    if style is not Format.table:
        write_rows(
            rows, ("table", "state", "last_loaded_at", "last_changed_at", "quarantined", "cause"), style
        )
        return
    current = FilePublisher(folder).current
    console.print(
        f"published [bold]{current.name if current else '-'}[/], known at {known_at} UTC", highlight=False
    )
    shown = table(
        "", "table", "state", "last change (UTC)", "in quarantine", "cause", right=("in quarantine",)
    )
    for row in rows:
        state = "[red]stale[/]" if row["state"] == "stale" else row["state"]
        shown.add_row(
            row["table"],
            state,
            str(row["last_changed_at"] or "-"),
            str(row["quarantined"] or "-"),
            escape(row["cause"] or ""),
        )
    console.print(shown)
    if stale:
        names = ", ".join(sorted({row["metric_id"] for row in stale}))
        console.print(f"[red]stale figures[/] ({names.count(',') + 1}): {names}", highlight=False)
    for line in restated:
        console.print(f"[red]restate[/] {escape(line)}", highlight=False)
    if unresolved:
        named = ", ".join(f"{r['alias']} ({r['row_count']} of {r['table_name']})" for r in unresolved[:5])
        more = f" and {len(unresolved) - 5} more, see mart.unresolved_alias" if unresolved[5:] else ""
        console.print(
            f"[yellow]names nobody has mapped[/] ({len(unresolved)}): {escape(named)}{more}", highlight=False
        )


def _failed_since(home: Path, known_at: datetime, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Mark tables whose source failed in a run later than the publication; the figures that rest on them."""
    from assets.mart.figures import tables_behind
    from data_contracts.metric import load_metrics

    later = {
        table: state.cause
        for table, state in SourceStates(home / SOURCE_STATES).all().items()
        if state.cause and state.known_at > known_at.replace(tzinfo=UTC)
    }
    for row in rows:
        if row["table"] in later:
            row |= {"state": "stale", "cause": later[row["table"]]}
    metrics = load_metrics()
    return [{"metric_id": m.id} for m in metrics.values() if tables_behind(m, metrics) & set(later)]


def _print_claims(quarter: str, rows: list[dict[str, Any]], known_at: object) -> None:
    counted = {s: sum(1 for r in rows if r["status"] == s) for s in _VERDICT}
    caption = (
        f"{counted['pass']} pass, {counted['fail']} fail, {counted['not_computed']} not computed; "
        f"known at {known_at} UTC"
    )
    # A narrow terminal has no room for two columns of values beside the claim.
    values = ("printed", "computed") if console.width >= _WIDE else ("printed and computed",)
    shown = table(
        f"{quarter}: what the bulletin says, and what the ledgers say",
        "#", "claim", *values, "verdict",
        right=("#", *values), caption=caption,
    )  # fmt: skip
    shown.columns[-1].no_wrap = True
    for row in rows:
        printed, computed = row["printed"] or "", row["computed"] or ""
        told = (printed, computed) if console.width >= _WIDE else (f"{printed}\n[bold]{computed}[/]",)
        note = f"\n[yellow]{escape(row['reason'])}[/]" if row["reason"] else ""
        claim = f"{_broken(row['id'])}\n[dim]{row['quote']}[/]{note}"
        shown.add_row(str(row["seq"]), claim, *told, _VERDICT[row["status"]])
    console.print(shown)


def _broken(name: str) -> str:
    """A long id broken after an underscore, not inside a word, where the terminal is narrow."""
    if console.width >= _WIDE:
        return name
    lines = [""]
    for word in name.split("_"):
        if lines[-1] and len(lines[-1]) + len(word) > _NARROW_ID:
            lines.append("")
        lines[-1] += word + "_"
    return "\n".join(lines).removesuffix("_")
