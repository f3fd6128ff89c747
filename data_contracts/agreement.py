"""Agreement of the two back ends: the same rule must count the same violations in SQL and in its expectation.

Belongs here: the comparison of two sets of counts. Keep out: counting, and what a disagreement leads to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from data_contracts.to_expectations import Outcome


@dataclass(frozen=True)
class Disagreement:
    """One rule on which the back ends do not agree; ``message`` says how and what to look at."""

    rule_id: str
    message: str


def disagreements(sql: Mapping[str, int], expectations: Mapping[str, Outcome]) -> tuple[Disagreement, ...]:
    """Every rule whose two counts differ, in the order of ``sql``; empty when the back ends agree.

    ``sql`` and ``expectations``: by rule id, counts in the unit of the rule. A rule that only one side knows
    and an expectation that could not run are disagreements too: neither shows that the data is right.
    """
    ids = list(dict.fromkeys([*sql, *expectations]))
    found = ((rule_id, _difference(sql.get(rule_id), expectations.get(rule_id))) for rule_id in ids)
    return tuple(Disagreement(rule_id, f"{rule_id}: {what}") for rule_id, what in found if what)


def _difference(sql: int | None, outcome: Outcome | None) -> str | None:
    if outcome is None:
        return "SQL counted it, but it has no expectation → give the rule an expectation"
    if outcome.could_not_run is not None:
        return f"its expectation could not run ({outcome.could_not_run}) → correct the rule in the contract"
    if sql is None:
        return "it has an expectation, but SQL did not count it → count the rule in SQL"
    if outcome.violations == sql:
        return None
    return (
        f"SQL counts {sql} violations, Great Expectations {outcome.violations} → "
        "the rule does not mean the same to both; rewrite it in the contract"
    )
