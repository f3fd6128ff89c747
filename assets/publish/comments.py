"""Comments on every table and column that no output contract describes: ``staged``, ``known`` and ``meta``.

Belongs here: their words. Keep out: ``core``, ``mart`` and ``report``, commented when they are made.
"""

from __future__ import annotations

from collections.abc import Mapping

from assets.materialize import comment_on
from data_contracts.model import TableContract
from resources.engine import Session

_TECHNICAL = {
    "_known_from": "Since when the warehouse knows this version (UTC).",
    "_known_to": "Until when it held (UTC, exclusive); empty: it is current.",
    "_reconstructed": "True when _known_from was taken from the ledger's own recording time at the first load.",
    "_row_hash": "md5 of the row's content in canonical text.",
    "_batch_id": "Landed batch the version came with.",
    "_source_ref": "Where the row stands at the source: table, file!sheet!row, or endpoint and page.",
    "_row_no": "Number of the row in its source or batch.",
}

_META: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "batch_load": (
        "Landed batches and what became of their rows; the five dispositions add up to landed.",
        {
            "status": "loaded, or blocked: it changed nothing.",
            "landed": "Rows landed.",
            "new_version": "Rows that made a new version.",
            "unchanged": "Rows equal to the current version.",
            "duplicate": "Copies, and rows a later delivery outranks.",
            "control": "Subtotal and total rows of sheets.",
            "quarantined": "Rows rejected.",
            "deleted": "Current rows ended because a complete delivery left them out.",
            "watermark": "Newest value of the table's watermark in the batch.",
            "contract_version": "Version of the contract it was held to.",
        },
    ),
    "rule_result": (
        "Every rule on every batch, counted by SQL and by Great Expectations.",
        {
            "rule_id": "Stable id of the rule.",
            "severity": "error or warning.",
            "unit": "What a violation counts: row, key or table.",
            "evaluated": "Rows judged.",
            "violations": "Violations counted by SQL.",
            "expectation_violations": "Violations counted by Great Expectations; empty where only SQL judged.",
            "status": "pass, fail or could_not_run.",
            "message": "What is wrong, in words.",
        },
    ),
    "control_total": (
        "Each number of a subtotal or total row beside the sum of the rows read that it stands for.",
        {
            "sheet": "File and sheet.",
            "row_no": "Number of the subtotal or total row in the sheet.",
            "column_name": "Column.",
            "quarter": "Quarter of the month in the file's name, else of the day it became known.",
            "printed": "What the row says.",
            "read": "Sum of the rows read.",
            "rows_read": "Number of those rows.",
        },
    ),
    "scope_version": (
        "Highest delivered version of each scope of a re-sent workbook.",
        {"scope": "Values of the scope columns, joined by |.", "version": "Version in force."},
    ),
    "staged_definition": (
        "Definition each table's rows were staged under; a change of it stages the table anew.",
        {"definition_hash": "Hash of the SQL its contract compiles to."},
    ),
    "metric": (
        "What each figure is; docs/metrics.md says it in words.",
        {
            "metric_id": "Id of the figure.",
            "name_zh": "Chinese name.",
            "name_en": "English name.",
            "kind": "flow, stock, distinct, ratio, event_date or forecast.",
            "unit": "Unit of the stored value.",
            "owner": "Department that answers for the definition.",
            "certifying_unit": "Unit that certifies the figure.",
            "not_over": "Dimensions over which values may not be added, blank between.",
            "definition_hash": "sha256 of what decides the value.",
        },
    ),
    "movement": (
        "Decisions on rejected rows: waivers, revocations, replays; see mart.quarantine_movement.",
        {
            "seq": "Line of the decisions log.",
            "kind": "waive, revoke or replay.",
            "rule_id": "Rule waived; of a replay the rule it was limited to.",
            "key_text": "Natural key, its parts joined by |.",
            "decided_by": "Who decided.",
            "reason": "Why.",
            "considered": "Rejected rows it looked at.",
            "admitted": "Rows no longer rejected.",
            "kept_out": "Rows that stay rejected.",
            "ended": "Versions it ended.",
            "made": "Versions it made.",
        },
    ),
    "source_state": (
        "How the last extraction of each table went.",
        {
            "state": "ok, or failed: the last good version is shown.",
            "cause": "Why it failed, and the cure.",
            "last_good_known_at": "Last run that loaded a batch of the table (UTC).",
        },
    ),
    "quarantine": (
        "Rejected and held rows without their content: where they stand and which rules they broke.",
        {
            "key_text": "Natural key, its parts joined by |.",
            "rules": "Ids of the rules broken, joined by commas.",
            "source_ref": "Where the row stands at the source.",
            "row_no": "Number of the row there.",
            "replaces_current": "True when an older version of the row stays current meanwhile.",
            "state": "open, held (its parent is not known yet), resolved (a later version passed), waived (admitted "
            "by a person) or replayed (it passed when judged again).",
        },
    ),
}
_SHARED = {
    "table_name": "Source table.",
    "batch_id": "Landed batch.",
    "known_at": "Run in which it became known (UTC).",
}


def comment_layers(session: Session, contracts: Mapping[str, TableContract]) -> None:
    """Comment ``staged``, ``known`` and ``meta``; repeated each night since views are made anew."""
    for contract in contracts.values():
        words = {c.name: f"{c.business_name}: {c.description}".strip(": ") for c in contract.public}
        text = f"{contract.business_name}: {contract.description}"
        without_end = {k: v for k, v in _TECHNICAL.items() if k != "_known_to"}
        name = contract.name
        comment_on(session, "table", f"staged.{name}", f"{text} All versions.", words | _TECHNICAL)
        comment_on(
            session, "view", f"known.{name}__versions", f"{text} All versions known.", words | _TECHNICAL
        )
        comment_on(session, "view", f"known.{name}", f"{text} Current rows.", words | without_end)
    for table, (text, columns) in _META.items():
        present = {name for name, _ in session.columns(f"SELECT * FROM meta.{table}")}
        shared = {k: v for k, v in _SHARED.items() if k in present}
        comment_on(session, "table", f"meta.{table}", text, {**shared, **columns})
