"""From a landed batch to a verdict on each of its rows.

Belongs here: building the candidate table, marking rules, and the disposition of every row. Keep out:
writing versions and quarantine (``load``).

Dispositions are disjoint and cover every landed row: ``new_version unchanged duplicate control quarantined``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from assets.staged.tables import key_text
from assets.staged.verdicts import NOTHING_DECIDED, Deferred, Verdicts, Waiver, short
from data_contracts.model import TableContract
from data_contracts.rules import Rule
from data_contracts.to_sql import candidate_select, counts_select, marks_select
from resources.engine import Engine, Session

DISPOSITIONS = ("new_version", "unchanged", "duplicate", "control", "quarantined")


def relation(contract: TableContract, part: str = "") -> str:
    """Name of the candidate table, or of a part of it: ``marks``, ``broken``, ``disposition``."""
    return f"private.candidate.{contract.name}{f'__{part}' if part else ''}"


def build_candidate(
    engine: Engine, private: Session, contract: TableContract, parquet: Path, landed: Collection[str]
) -> int:
    """Create the candidate table of one batch, beside the versions staged so far; returns its rows."""
    select = candidate_select(contract, landed, engine.scan(parquet), f"staged.{contract.name}")
    private.run(f"CREATE OR REPLACE TABLE {relation(contract)} AS {select}")
    return int(private.row(f"SELECT count(*) FROM {relation(contract)}")[0])


def mark(
    private: Session, contract: TableContract, rules: Sequence[Rule], decided: Verdicts = NOTHING_DECIDED
) -> Mapping[str, int]:
    """Mark every broken rule on every row; exact violations by rule id, in each rule's unit.

    A waived rule is broken all the same and counted; it rejects the row no longer.
    """
    candidate, marks = relation(contract), relation(contract, "marks")
    private.run(f"CREATE OR REPLACE TABLE {marks} AS {marks_select(rules, candidate)}")
    counts = private.row(counts_select(rules, candidate, marks))
    broken = relation(contract, "broken")
    _record_waivers(private, contract, decided.waivers)
    private.run(
        f"CREATE OR REPLACE TABLE {broken} AS {_broken(contract, rules, marks, bool(decided.waivers))}"
    )
    _defer(private, contract, decided.deferred)
    return {rule.id: int(count or 0) for rule, count in zip(rules, counts, strict=True)}


def dispose(private: Session, contract: TableContract, rules: Sequence[Rule]) -> Mapping[str, int]:
    """Give every landed row its disposition; rows per disposition, all five keys present."""
    target = relation(contract, "disposition")
    private.run(f"CREATE OR REPLACE TABLE {target} AS {_disposition(contract, rules)}")
    found: dict[str, int] = dict(
        private.rows(f"SELECT disposition, count(*) FROM {target} GROUP BY disposition")
    )
    return {name: int(found.get(name, 0)) for name in DISPOSITIONS}


def _record_waivers(private: Session, contract: TableContract, waivers: Collection[Waiver]) -> None:
    table = relation(contract, "waived")
    private.run(f"CREATE OR REPLACE TABLE {table} (key_text VARCHAR, row_hash VARCHAR, rule VARCHAR)")
    for waiver in sorted(waivers, key=repr):
        private.run(
            f"INSERT INTO {table} VALUES (:k, :h, :r)", k=waiver.key_text, h=waiver.row_hash, r=waiver.rule
        )


def _defer(private: Session, contract: TableContract, deferred: Sequence[Deferred]) -> None:
    broken = relation(contract, "broken")
    for row in deferred:
        rules = ",".join(f"{contract.name}.{rule}" for rule in row.rules)
        private.run(f"DELETE FROM {broken} WHERE _row_id = :i", i=row.row_id)
        private.run(f"INSERT INTO {broken} VALUES (:i, :r, :r)", i=row.row_id, r=rules)


def _broken(contract: TableContract, rules: Sequence[Rule], marks: str, waived: bool) -> str:
    """Rule ids per marked row. A uniqueness error with a declared first copy spares that copy."""
    marking = [r for r in rules if r.scope != "table"]
    texts, errors, ranks = [], [], []
    for i, rule in enumerate(marking):
        texts.append(f"CASE WHEN m.r{i} THEN '{rule.id}' END")
        if rule.severity != "error":
            continue
        spared = ""
        if first := rule.params.get("keep_first"):
            keys = ", ".join(f'c."{k}"' for k in rule.keys)
            own = ", ".join(f'c."{k}"' for k in contract.key)
            ranks.append(
                f'row_number() OVER (PARTITION BY m.r{i}, {keys} ORDER BY c."{first}", {own}, m._row_id) AS k{i}'
            )
            spared = f" AND m.k{i} > 1"
        if waived:
            spared += f" AND strpos(m.waived, ',{short(rule.id, contract.name)},') = 0"
        errors.append(f"CASE WHEN m.r{i}{spared} THEN '{rule.id}' END")
    if waived:
        ranks.append(
            "coalesce((SELECT ',' || string_agg(w.rule, ',') || ',' FROM "
            f"{relation(contract, 'waived')} AS w WHERE w.row_hash = c._row_hash "
            f"AND w.key_text = {key_text(contract, 'c')}), '') AS waived"
        )
    source = f"SELECT m.*{''.join(f', {r}' for r in ranks)} FROM {marks} AS m"
    if ranks:
        source += f" JOIN {relation(contract)} AS c ON c._row_id = m._row_id"
    return (
        f"SELECT m._row_id, concat_ws(',', {', '.join(texts) or 'NULL'}) AS rules, "
        f"nullif(concat_ws(',', {', '.join(errors) or 'NULL'}), '') AS errors FROM ({source}) AS m"
    )


def _disposition(contract: TableContract, rules: Sequence[Rule]) -> str:
    candidate, broken = relation(contract), relation(contract, "broken")
    keys = ", ".join(f'c."{k}"' for k in contract.key)
    on_key = " AND ".join(f's."{k}" = c."{k}"' for k in contract.key)
    # Only rows of a key that stands more than once need an order between them.
    order = [f'c."{o}"' for o in (contract.update.watermark, contract.update.version) if o]
    order_text = " || '|' || ".join(f"coalesce(CAST({o} AS VARCHAR), '')" for o in order) or "''"
    window = f"PARTITION BY {keys} ORDER BY {', '.join(f'{o} DESC' for o in order)}{', ' if order else ''}"
    marking = [r.id for r in rules if r.scope != "table"]
    twice = marking.index(f"{contract.name}.key.unique")
    return f"""
WITH repeated AS (
  SELECT c._row_id, {keys}, c._row_hash, {order_text} AS _order,
    row_number() OVER ({window}c._row_id DESC) AS _rank
  FROM {candidate} AS c
  JOIN {relation(contract, "marks")} AS m ON m._row_id = c._row_id AND m.r{twice}
  LEFT JOIN {broken} AS b ON b._row_id = c._row_id
  WHERE b.errors IS NULL
), ambiguous AS (
  SELECT DISTINCT {keys.replace('c."', 'a."')} FROM repeated AS a JOIN repeated AS c
    ON a._rank = 1 AND c._rank > 1 AND c._order = a._order AND c._row_hash <> a._row_hash
    AND {" AND ".join(f'a."{k}" = c."{k}"' for k in contract.key)}
){_already_there(contract, rules)}
SELECT c._row_id,
  CASE WHEN c._row_kind = 'control' THEN 'control'
    WHEN c._row_kind = 'superseded'{_outranked(contract)} THEN 'duplicate'
    WHEN b.errors IS NOT NULL OR x._row_id IS NOT NULL{_taken(contract, rules)} THEN 'quarantined'
    WHEN p._rank > 1 THEN 'duplicate'
    WHEN s._row_hash = c._row_hash THEN 'unchanged'
    ELSE 'new_version' END AS disposition,
  concat_ws(',', nullif(b.errors, ''), CASE WHEN x._row_id IS NOT NULL THEN '{contract.name}.key.unique' END
    {_taken_text(contract, rules)}) AS errors,
  s._row_hash IS NOT NULL AS replaces_current,
  {key_text(contract, "c")} AS key_text
FROM {candidate} AS c
LEFT JOIN {broken} AS b ON b._row_id = c._row_id
LEFT JOIN repeated AS p ON p._row_id = c._row_id
LEFT JOIN (SELECT p._row_id FROM repeated AS p JOIN ambiguous AS c
  ON {" AND ".join(f'p."{k}" = c."{k}"' for k in contract.key)}) AS x ON x._row_id = c._row_id
LEFT JOIN staged.{contract.name} AS s ON s._known_to IS NULL AND {on_key}
{_outranked_join(contract)}{_taken_join(contract, rules)}"""


def _first_rules(rules: Sequence[Rule]) -> list[Rule]:
    return [r for r in rules if r.kind == "unique" and r.params.get("keep_first") and r.severity == "error"]


def _already_there(contract: TableContract, rules: Sequence[Rule]) -> str:
    """Rows whose other key is already held by another current row: the earlier one stays."""
    parts = []
    for i, rule in enumerate(_first_rules(rules)):
        same = " AND ".join(f't."{k}" = c."{k}"' for k in rule.keys)
        other = " OR ".join(f't."{k}" <> c."{k}"' for k in contract.key)
        gone = " AND ".join(f'o."{k}" = t."{k}"' for k in contract.key)
        parts.append(
            f", taken{i} AS (\n  SELECT DISTINCT c._row_id FROM {relation(contract)} AS c\n"
            f"  JOIN staged.{contract.name} AS t ON t._known_to IS NULL AND {same} AND ({other})\n"
            f"  LEFT JOIN {relation(contract)} AS o ON {gone}\n  WHERE c._row_kind = 'data' AND o._row_id IS NULL\n)"
        )
    return "".join(parts)


def _taken(contract: TableContract, rules: Sequence[Rule]) -> str:
    return "".join(f" OR t{i}._row_id IS NOT NULL" for i, _ in enumerate(_first_rules(rules)))


def _taken_text(contract: TableContract, rules: Sequence[Rule]) -> str:
    return "".join(
        f", CASE WHEN t{i}._row_id IS NOT NULL THEN '{r.id}' END" for i, r in enumerate(_first_rules(rules))
    )


def _taken_join(contract: TableContract, rules: Sequence[Rule]) -> str:
    return "".join(
        f"LEFT JOIN taken{i} AS t{i} ON t{i}._row_id = c._row_id\n" for i, _ in enumerate(_first_rules(rules))
    )


def _outranked(contract: TableContract) -> str:
    """An older delivery that comes late changes nothing: of its scope, or of an upserted row (its file)."""
    update = contract.update
    if update.version and update.scope:
        return f' OR c."{update.version}" < v.version'
    if update.verb == "upsert" and update.version and update.watermark:
        period, version = f'"{update.watermark}"', f'"{update.version}"'
        return f" OR c.{period} < s.{period} OR (c.{period} = s.{period} AND c.{version} < s.{version})"
    return ""


def _outranked_join(contract: TableContract) -> str:
    if not (contract.update.version and contract.update.scope):
        return ""
    return (
        f"LEFT JOIN meta.scope_version AS v ON v.table_name = '{contract.name}' "
        f"AND v.scope = {scope_text(contract, 'c')}\n"
    )


def scope_text(contract: TableContract, alias: str) -> str:
    """SQL text of the scope a row belongs to: its scope columns joined by ``|``."""
    return " || '|' || ".join(
        f"coalesce(CAST({alias}.\"{c}\" AS VARCHAR), '')" for c in contract.update.scope
    )
