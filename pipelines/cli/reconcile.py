"""``jibao reconcile``: differences between two ledgers, and signing for one.

Belongs here: reading the published tables and appending a signature. Keep out: comparing (``assets.mart``),
what a signature is worth (``assets.mart.breaks``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import typer
from rich.markup import escape
from typer.core import TyperGroup

from pipelines.cli.arguments import day, quarter_named
from pipelines.cli.console import Format, FormatOption, Home, console, table, write_rows
from pipelines.cli.published import published, rows_of
from resources.settings import load_settings

_STATUS = {"within": "[green]✓ within[/]", "out": "[bold red]✗ out[/]", "not_run": "[dim]– not run[/]"}
_STATE = {"open": "[red]open[/]", "signed": "[green]signed[/]"}
_SUMMARY = (
    "rule_id", "quarter", "name_zh", "name_en", "status", "compared", "left_value", "right_value", "explained",
    "unexplained", "breaks", "signed", "overdue", "oldest_days", "unit", "severity", "owner", "flags", "reason",
)  # fmt: skip
_BREAK = (
    "rule_id", "quarter", "key_text", "org_code", "left_value", "right_value", "explained", "explained_by",
    "unexplained", "allowed", "unit", "age_days", "overdue", "owner", "owner_role", "state", "signed_by",
    "reason_code", "sign_expires",
)  # fmt: skip


class _ListsByDefault(TyperGroup):
    """``reconcile`` and ``reconcile R05`` list; only a word that is a command is one."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put ``list`` before anything that is no command and no call for help."""
        first = args[0] if args else ""
        if first not in self.commands and first not in ctx.help_option_names:
            args = ["list", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=_ListsByDefault, help="Differences between two ledgers, and signing for one.")


@app.callback()
def family() -> None:
    """Differences between two ledgers, and signing for one."""


@app.command("list")
def list_rules(
    rule: Annotated[str, typer.Argument(metavar="[RNN]", help="One rule, with its breaks row by row.")] = "",
    quarter: Annotated[str, typer.Option(help="Only this quarter; default: the newest that has ended.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Every quarter.")] = False,
    style: FormatOption = Format.table,
    home: Home = None,
) -> None:
    """List every reconciliation of a quarter, or the breaks of one rule; `list` may be left out."""
    one = _rule(rule).id if rule else ""
    with published(home) as connection:
        newest = "SELECT max(quarter) FROM core.dim_quarter WHERE NOT is_current"
        wanted = quarter_named(quarter) if quarter else connection.exec_driver_sql(newest).scalar_one()
        where = "(:every OR quarter = :q) AND (:r = '' OR rule_id = :r)"
        chosen: dict[str, Any] = {"every": every or bool(one and not quarter), "q": wanted, "r": one}
        rows = rows_of(
            connection,
            f"SELECT {', '.join(_SUMMARY)} FROM mart.reconciliation WHERE {where} ORDER BY rule_id, quarter",
            **chosen,
        )
        breaks = rows_of(
            connection,
            f"SELECT {', '.join(_BREAK)} FROM mart.recon_break WHERE {where} ORDER BY key_text",
            **chosen,
        )
        (known_at,) = connection.exec_driver_sql("SELECT known_at FROM core.cut_off").one()
    if style is not Format.table:
        write_rows(breaks if one else rows, _BREAK if one else _SUMMARY, style)
        return
    _print_summary(rows, f"known at {known_at} UTC")
    if one:
        _print_breaks(one, breaks)


@app.command("sign")
def sign_break(
    rule: Annotated[str, typer.Argument(metavar="RNN", help="Rule, e.g. R01.")],
    reason_code: Annotated[
        str, typer.Option(help="timing, in_transit, source_error, definition, immaterial, other.")
    ],
    by: Annotated[str, typer.Option(help="Who signs.")],
    preparer: Annotated[str, typer.Option(help="Who prepared the explanation; somebody else.")],
    expires: Annotated[str, typer.Option(help="Last day on which the signature holds (YYYY-MM-DD).")],
    reason: Annotated[str, typer.Option(help="Why, in words.")],
    key: Annotated[
        str, typer.Argument(metavar="[KEY]", help="Key of the break as listed, e.g. '2024Q3|CT-2022-001'.")
    ] = "",
    amount: Annotated[
        str, typer.Option(help="Unexplained difference signed for, in the rule's unit; with KEY.")
    ] = "",
    every: Annotated[
        str, typer.Option(metavar="QUARTER", help="Instead of KEY: every break of the rule in that quarter.")
    ] = "",
    home: Home = None,
) -> None:
    """Sign for a break as published, or for every one of a quarter; worth nothing for another amount or quarter."""
    from assets.mart.breaks import Signature, sign
    from resources.workspace import hold

    chosen = _rule(rule)
    until = _checked(key, amount, every, reason_code, (by, preparer, reason), expires)
    with published(home) as connection:
        found = rows_of(
            connection,
            "SELECT rule_id, quarter, key_text, unexplained, state FROM mart.recon_break WHERE rule_id = :r "
            "ORDER BY key_text",
            r=chosen.id,
        )
    asked = [(key, _amount(amount))] if key else _open_breaks(chosen.id, found, quarter_named(every))
    with hold(load_settings(home), run_id=f"sign {chosen.id}") as workspace:
        for one, difference in asked:
            said = Signature(
                difference,
                reason_code,
                by.strip(),
                preparer.strip(),
                until,
                reason.strip(),
                workspace.known_at,
            )
            entry = sign(workspace.decisions, workspace.known_at, chosen, found, one, said)
            console.print(
                f"[green]✓[/] {chosen.id} {escape(one)}: {entry['amount']} signed for by {escape(entry['by'])} until "
                f"{entry['expires']}", highlight=False,
            )  # fmt: skip
    console.print("[dim]it counts for closing from now on; the next run shows it[/]", highlight=False)


def _checked(
    key: str, amount: str, every: str, reason_code: str, said: tuple[str, ...], expires: str
) -> date:
    """The day a signature expires; raises ``BadParameter`` for words that do not fit each other."""
    from data_contracts.reconciliation import REASON_CODES

    if bool(key) == bool(every) or bool(key) != bool(amount):
        raise typer.BadParameter("give KEY and --amount, or --every QUARTER")
    if reason_code not in REASON_CODES:
        raise typer.BadParameter(f"no reason code {reason_code!r}; there are {', '.join(REASON_CODES)}")
    if not all(word.strip() for word in said):
        raise typer.BadParameter("--by, --preparer and --reason must not be empty")
    until = day("--expires", expires)
    if until is None:
        raise typer.BadParameter("--expires must not be empty")
    return until


def _open_breaks(rule: str, found: Sequence[Mapping[str, Any]], quarter: str) -> list[tuple[str, Decimal]]:
    waiting = [row for row in found if row["quarter"] == quarter and row["state"] != "signed"]
    if not waiting:
        raise typer.BadParameter(f"{rule} has no break in {quarter} that waits for a signature")
    return [(row["key_text"], Decimal(row["unexplained"])) for row in waiting]


def _rule(text: str) -> Any:
    from data_contracts.reconciliation import load_reconciliations

    rules = load_reconciliations()
    if text.upper() not in rules:
        raise typer.BadParameter(f"no reconciliation {text!r}; there are {', '.join(rules)}")
    return rules[text.upper()]


def _amount(text: str) -> Decimal:
    try:
        return Decimal(text.replace(",", ""))
    except InvalidOperation as error:
        raise typer.BadParameter(f"--amount {text!r} is no number") from error


def _print_summary(rows: list[dict[str, Any]], caption: str) -> None:
    counted = ", ".join(f"{sum(r['status'] == s for r in rows)} {s.replace('_', ' ')}" for s in _STATUS)
    quarters = sorted({row["quarter"] for row in rows})
    several = ("quarter",) if quarters[1:] else ()
    shown = table(
        f"reconciliations {quarters[0] if not several else ''}", "rule", *several, "status", "left", "right", "breaks",
        right=("left", "right", "breaks"), caption=f"{counted}; {caption}",
    )  # fmt: skip
    for row in rows:
        signed = f", {row['signed']} signed" if row["signed"] else ""
        reason = f"\n[dim]{escape(row['reason'])}[/]" if row["reason"] else ""
        shown.add_row(
            f"{row['rule_id']} {row['name_zh']}{reason}",
            *(row[name] for name in several),
            _STATUS[row["status"]],
            _number(row["left_value"]),
            _number(row["right_value"]),
            f"{row['breaks'] or ''}{signed}",
        )
    console.print(shown)


def _print_breaks(rule: str, breaks: list[dict[str, Any]]) -> None:
    if not breaks:
        return
    shown = table(
        f"{rule}: breaks", "key", "left", "right", "unexplained", "days", "state",
        right=("left", "right", "explained", "unexplained", "days"),
    )  # fmt: skip
    for row in breaks:
        late = " [red]overdue[/]" if row["overdue"] else ""
        said = _STATE.get(row["state"], f"[yellow]{row['state']}[/]")
        by = f"\n[dim]{escape(row['signed_by'])} until {row['sign_expires']}[/]" if row["signed_by"] else ""
        explained = (
            f"\n[dim]{_number(row['explained'])} {row['explained_by']}[/]" if row["explained_by"] else ""
        )
        shown.add_row(
            escape(row["key_text"]),
            _number(row["left_value"]),
            _number(row["right_value"]),
            _number(row["unexplained"]) + explained,
            f"{row['age_days']}{late}",
            said + by,
        )
    console.print(shown)


def _number(value: Decimal | None) -> str:
    if value is None:
        return ""
    plain = value.normalize()
    return f"{plain:,.2f}" if plain != plain.to_integral_value() else f"{int(plain):,}"
