"""Golden figures: fact rows in, figures out, written so that a controller can review them.

Belongs here: running ``tests/golden/metrics/*.yaml``. A case gives the rows of the tables its metrics read
(``same``: columns equal in all rows of a table) and the figures expected of them; an expected figure lists
only what matters. ``absent: true`` expects that no such row exists.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.data_contracts.metric_ground import Ground, check_golden, golden_cases

GOLDEN = Path(__file__).parents[1] / "golden" / "metrics"
SAYS = ("value", "value_date", "value_date_to", "value_text", "row_count", "flags", "unit")


@pytest.mark.parametrize("case", golden_cases(GOLDEN))
def test_figures_are_the_golden_ones(case: dict[str, Any]) -> None:
    check_golden(case, Ground.of(case).figures(), SAYS)
