"""The reconciliation results of a published run as a page: ``python -m pipelines.reconciliation_page [HOME]``.

Belongs here: reading the published file and the breaks the demo plans. Keep out: the page's words
(``data_contracts.reconciliation_docs``).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from data_contracts.reconciliation_docs import RESULTS, results
from data_contracts.yaml_file import read_yaml
from pipelines.cli.published import published, rows_of

PLANNED = Path(__file__).parent.parent / "demo" / "seeds" / "planned_breaks.yaml"


def planned_breaks() -> dict[str, dict[str, Any]]:
    """What the demo breaks on purpose: rule → ``why`` and ``keys`` or how many."""
    found: dict[str, dict[str, Any]] = read_yaml(PLANNED)
    return found


def results_page(home: Path | None, quarter: str = "") -> str:
    """The page of the newest ended quarter, or of ``quarter``, as published in ``home``."""
    with published(home) as connection:
        newest = "SELECT max(quarter) FROM core.dim_quarter WHERE NOT is_current"
        wanted = quarter or connection.exec_driver_sql(newest).scalar_one()
        (known_at,) = connection.exec_driver_sql("SELECT known_at FROM core.cut_off").one()
        rows = rows_of(
            connection,
            "SELECT rule_id, name_zh, quarter, status, compared, left_value, right_value, explained, breaks, reason "
            "FROM mart.reconciliation WHERE quarter = :q ORDER BY rule_id",
            q=wanted,
        )
    return results(rows, {rule: entry["why"] for rule, entry in planned_breaks().items()}, str(known_at))


if __name__ == "__main__":
    RESULTS.write_text(results_page(Path(sys.argv[1]) if sys.argv[1:] else None), encoding="utf-8")
    print(RESULTS)
