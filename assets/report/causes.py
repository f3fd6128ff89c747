"""Why a ledger row is another one at a later cut-off: exactly one cause a row and step, or none, as SQL.

Belongs here: the causes in their order, and for each ledger the rows that changed between ``before`` and ``after``
(schemas of ``known`` views at the two cut-offs) with their causes. Keep out: what a cause does to a figure
(``bridge``).

The order is part of what a bridge means: figures that do not add up depend on it. Rows are compared by their
identity, the natural key without revisions; a revision is the same statement said again. What a change of a column
means is its role in the contract (docs/contracts.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from assets.staged.known import TECHNICAL, refers
from assets.staged.tables import key_text
from data_contracts.calendar import naive_utc
from data_contracts.model import Column, TableContract
from resources.engine import Session, insert_rows, quoted

CAUSES = (
    "definition", "mapping", "admission", "gap_fill", "reversal", "deletion", "late_entry", "late_status",
    "reclassification", "correction", "adjustment",
)  # fmt: skip
"""Causes of a row, in the order in which they are applied."""

REST = "no_cause"
"""Of a changed row that fits no cause: words, or a revision that says the same. Where it moves a figure, an alarm."""

IN_STEPS = ("late_status", "reclassification", "correction")
"""Causes that one row may have together: each is a step from the row that the one before left."""

_NONE = "∅"


@dataclass(frozen=True)
class Between:
    """What happened between two cut-offs besides the rows: batches known at the first, and decisions since.

    ``batches``: (table, batch_id) known at the first. ``restaged`` and ``revoked``: (table, known_at) of the log's
    entries between the two. ``as_of``: last day of the quarter.
    """

    first: datetime
    as_of: date
    batches: tuple[tuple[str, str], ...]
    restaged: tuple[tuple[str, datetime], ...] = ()
    revoked: tuple[tuple[str, datetime], ...] = ()


def record(session: Session, between: Between) -> None:
    """Tables ``change._batch``, ``change._restaged`` and ``change._revoked`` that the changes are judged by."""
    session.run("CREATE TABLE change._batch (table_name VARCHAR, batch_id VARCHAR)")
    insert_rows(session, "change._batch", between.batches)
    for name, entries in (("_restaged", between.restaged), ("_revoked", between.revoked)):
        session.run(f"CREATE TABLE change.{name} (table_name VARCHAR, known_at TIMESTAMP)")
        insert_rows(session, f"change.{name}", ((table, naive_utc(at)) for table, at in entries))


def change_statements(contracts: Mapping[str, TableContract], between: Between) -> list[str]:
    """``change.<table>`` of each ledger: the identities that changed, ``causes`` (comma-separated) and ``said``."""
    return [
        *(_changes(contract, between) for contract in contracts.values()),
        *_reversals(contracts),
    ]


def has(cause: str, alias: str = "c") -> str:
    """SQL test: the change has this cause."""
    return f"list_contains(string_split({alias}.causes, ','), '{cause}')"


def is_last(cause: str, alias: str = "c") -> str:
    """SQL test: with this cause the row is what it is at the later cut-off."""
    return f"string_split({alias}.causes, ',')[-1] = '{cause}'"


def same(contract: TableContract, left: str, right: str) -> str:
    """SQL test that two rows are alike in their identity."""
    return " AND ".join(f'{left}."{name}" = {right}."{name}"' for name in contract.identity)


def standing(contract: TableContract, schema: str) -> str:
    """SELECT of the ledger's rows as they stand: of several revisions the highest."""
    revisions = [f'"{c}" DESC' for c in contract.key if c not in contract.identity]
    newest = (
        f" QUALIFY row_number() OVER (PARTITION BY {quoted(contract.identity)} ORDER BY {', '.join(revisions)}) = 1"
        if revisions
        else ""
    )
    return f"SELECT * FROM {schema}.{contract.name}{newest}"


def in_between(contract: TableContract, cause: str, as_of: date) -> str:
    """SELECT list over ``b`` (before) and ``a`` (after): the row once ``cause`` and those ahead of it have acted."""
    acted = IN_STEPS[: IN_STEPS.index(cause) + 1]
    columns = []
    for column in contract.public:
        taken = {
            "date": f'CASE WHEN {_filled(column, as_of)} THEN a."{column.name}" ELSE b."{column.name}" END',
            "status": f'a."{column.name}"',
            "classification": f'a."{column.name}"',
        }.get(column.role)
        step = "reclassification" if column.role == "classification" else "late_status"
        if taken is None or step not in acted or column.name in contract.key:
            columns.append(f'b."{column.name}"')
        else:
            columns.append(
                f'CASE WHEN {has(step)} THEN {taken} ELSE b."{column.name}" END AS "{column.name}"'
            )
    unchanged = quoted([name for name in TECHNICAL if name != "_row_hash"], "b")
    return ", ".join([*columns, unchanged, "md5(b._row_hash || a._row_hash) AS _row_hash"])


def _changes(contract: TableContract, between: Between) -> str:
    """Rows of one ledger that are not the same, each with its causes in the order of the tests."""
    name, at = contract.name, f"TIMESTAMP '{naive_utc(between.first)}'"
    ids = quoted(contract.identity)
    gone = f'a."{contract.key[0]}" IS NULL'
    new = f'b."{contract.key[0]}" IS NULL'
    restaged = f"SELECT known_at FROM change._restaged WHERE table_name = '{name}'"
    revoked = f"SELECT known_at FROM change._revoked WHERE table_name = '{name}'"
    batches = f"SELECT batch_id FROM change._batch WHERE table_name = '{name}'"
    first = [
        (f"({gone} AND m.ended IN ({restaged})) OR a._known_from IN ({restaged})", "definition"),
        *([("TRUE", contract.cause)] if contract.cause else []),
        (f"a._row_hash IS DISTINCT FROM b._row_hash AND a._batch_id IN ({batches})", "admission"),
        (f"{gone} AND NOT {new} AND (m.still_there OR m.ended IN ({revoked}))", "admission"),
        (f"{new} AND NOT {gone} AND {_gap(contract, between.as_of)}", "gap_fill"),
        (f"{new} AND NOT {gone} AND {_reversing(contract)}", "reversal"),
        (
            f"{gone} OR (NOT {new} AND {_in_force(contract, 'b')} AND NOT {_in_force(contract, 'a')})",
            "deletion",
        ),
        (new, "late_entry"),
        (f"NOT {_in_force(contract, 'b')} AND {_in_force(contract, 'a')}", "late_status"),
    ]
    cases = "\n    ".join(f"WHEN {test} THEN '{cause}'" for test, cause in first)
    return f"""\
CREATE TABLE change.{name} AS
WITH one AS ({standing(contract, "before")}),
two AS ({standing(contract, "after")}),
moved AS (
  SELECT {ids}, max(_known_to) AS ended, bool_or(_known_to IS NULL) AS still_there
  FROM after.{name}__versions
  GROUP BY {ids}
  HAVING max(_known_from) > {at} OR max(_known_to) > {at}
  UNION ALL
  -- Held back for its parent at one of the two, itself unchanged.
  SELECT {ids}, NULL AS ended, TRUE AS still_there
  FROM (SELECT {ids}, _row_hash FROM one UNION ALL SELECT {ids}, _row_hash FROM two) AS v
  GROUP BY {ids}
  HAVING count(*) = 1 AND NOT EXISTS (
    SELECT 1 FROM after.{name}__versions AS w
    WHERE {same(contract, "w", "v")} AND (w._known_from > {at} OR w._known_to > {at})
  )
),
step AS (
  SELECT {quoted(contract.identity, "m")}, a._row_hash AS after_hash, b._row_hash AS before_hash,
    CASE
    {cases}
    END AS cause,
    {_late(contract, between.as_of)} AS is_late,
    {_any_differs(contract, ("classification",))} AS is_reclassified,
    {_rest_differs(contract, between.as_of)} AS is_corrected,
    {_said(contract)} AS said
  FROM moved AS m LEFT JOIN one AS b ON {same(contract, "b", "m")} LEFT JOIN two AS a ON {same(contract, "a", "m")}
)
SELECT {ids}, {key_text(contract, columns=contract.identity)} AS key_text,
  COALESCE(cause, NULLIF(concat_ws(',',
    CASE WHEN is_late THEN 'late_status' END,
    CASE WHEN is_reclassified THEN 'reclassification' END,
    CASE WHEN is_corrected THEN 'correction' END
  ), ''), '{REST}') AS causes,
  CASE WHEN after_hash IS NOT NULL AND before_hash IS NOT NULL THEN said ELSE '' END AS said
FROM step"""


def _gap(contract: TableContract, as_of: date) -> str:
    """The report this row stands in was owed and nothing of it was known."""
    if contract.report is None:
        return "FALSE"
    alike = " AND ".join(
        f'r."{name}" = a."{name}"' for name in (*contract.report.unit, *contract.report.period)
    )
    period = " || ".join(f'a."{name}"' for name in contract.report.period)
    return (
        f"{period} <= '{as_of:%Y%m}' AND NOT EXISTS (SELECT 1 FROM before.{contract.name} AS r WHERE {alike})"
    )


def _reversing(contract: TableContract) -> str:
    named = [f"COALESCE(a.\"{c.name}\", '') <> ''" for c in contract.public if c.role == "reversal"]
    return " OR ".join(named) if named else "FALSE"


def _in_force(contract: TableContract, alias: str) -> str:
    tests = [
        f'CAST({alias}."{c.name}" AS VARCHAR) IN ({", ".join(f"{chr(39)}{v}{chr(39)}" for v in c.in_force)})'
        for c in contract.public
        if c.in_force
    ]
    return f"COALESCE({' AND '.join(tests)}, FALSE)" if tests else "TRUE"


def _differs(column: Column) -> str:
    return f'b."{column.name}" IS DISTINCT FROM a."{column.name}"'


def _filled(column: Column, as_of: date) -> str:
    """A date that was empty is there now, and lies in the time the quarter speaks of."""
    return f'b."{column.name}" IS NULL AND CAST(a."{column.name}" AS DATE) <= DATE \'{as_of}\''


def _compared(contract: TableContract) -> list[Column]:
    return [c for c in contract.public if not c.lineage and c.name not in contract.key]


def _any_differs(contract: TableContract, roles: tuple[str, ...]) -> str:
    return " OR ".join(_differs(c) for c in _compared(contract) if c.role in roles) or "FALSE"


def _late(contract: TableContract, as_of: date) -> str:
    filled = [f"({_filled(c, as_of)})" for c in _compared(contract) if c.role == "date"]
    return " OR ".join(filled) or "FALSE"


def _rest_differs(contract: TableContract, as_of: date) -> str:
    """Something differs that neither a late status nor another class explains; words alone are no figure."""
    tests = [_differs(c) for c in _compared(contract) if c.role == "measure"]
    tests += [
        f"({_differs(c)} AND NOT ({_filled(c, as_of)}))" for c in _compared(contract) if c.role == "date"
    ]
    statuses = " OR ".join(_differs(c) for c in _compared(contract) if c.role == "status")
    if statuses:
        tests.append(f"(({statuses}) AND NOT ({_late(contract, as_of)}))")
    return " OR ".join(tests) or "FALSE"


def _said(contract: TableContract) -> str:
    """``column: old → new`` of each column that differs."""
    told = [
        f"CASE WHEN {_differs(c)} THEN '{c.name}: ' || COALESCE(CAST(b.\"{c.name}\" AS VARCHAR), '{_NONE}') || ' → ' "
        f"|| COALESCE(CAST(a.\"{c.name}\" AS VARCHAR), '{_NONE}') END"
        for c in _compared(contract)
    ]
    return f"concat_ws('; ', {', '.join(told)})" if told else "''"


def _reversals(contracts: Mapping[str, TableContract]) -> list[str]:
    """What was entered anew for a document that was reversed, and the lines of both, are reversals too."""
    statements = []
    for contract in contracts.values():
        of = next((c.name for c in contract.public if c.role == "reversal"), None)
        if of is None or len(contract.identity) != 1:
            continue
        lines = [
            (child, r)
            for child in contracts.values()
            for r in child.relationships
            if r.parent == contract.name
            and r.child != contract.name
            and r.parent_columns == contract.identity
        ]
        named = [(contract, contract.identity), *((child, r.columns) for child, r in lines)]
        statements += [
            _entered_anew(contract, of, f'SELECT "{c.name}", {quoted(key)} FROM after.{ledger.name}')
            for ledger, key in named
            for c in ledger.public
            if c.role == "document"
        ]
        statements += [
            f"UPDATE change.{child.name} AS c SET causes = 'reversal' WHERE c.causes = 'late_entry' AND EXISTS ("
            f"SELECT 1 FROM after.{child.name} AS d JOIN change.{contract.name} AS p ON {refers(r, 'd', 'p')} "
            f"WHERE {same(child, 'd', 'c')} AND p.causes = 'reversal')"
            for child, r in lines
        ]
    return statements


def _entered_anew(contract: TableContract, of: str, documents: str) -> str:
    """A new row on the document of a row that another new one reverses. ``documents``: (document, key of the row)."""
    (key,) = contract.identity
    return (
        f"UPDATE change.{contract.name} AS c SET causes = 'reversal' WHERE c.causes = 'late_entry' "
        f'AND c."{key}" IN (WITH said(document, key) AS ({documents}) SELECT n.key FROM said AS n '
        "JOIN said AS o ON o.document = n.document "
        f'JOIN after.{contract.name} AS r ON r."{of}" = o.key '
        f'JOIN change.{contract.name} AS x ON x."{key}" = r."{key}" '
        "WHERE x.causes = 'reversal' AND n.document <> '')"
    )
