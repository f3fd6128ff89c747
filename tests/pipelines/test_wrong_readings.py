"""Wrong formulas miss what the bulletin accepts, the figures do not, and every computed claim has one or says why."""

from __future__ import annotations

import pytest

from data_contracts.claim import load_bulletin
from tests.pipelines.conftest import First
from tests.pipelines.readings import COMMAND, PAGE, Reading, misread, readings, rendered, without

pytestmark = [pytest.mark.integration, pytest.mark.slow]

QUARTER = "2024Q3"


@pytest.mark.parametrize("reading", readings(QUARTER), ids=lambda r: f"{r.claim}: {r.reading}")
def test_a_wrong_reading_lies_outside_what_the_claim_accepts(first: First, reading: Reading) -> None:
    result, figure = misread(first.published, QUARTER, reading)
    assert result.status == "fail", f"{reading.reading} gives {figure}, accepted {result.accepted}"


def test_every_computed_claim_has_a_wrong_reading_or_says_why_none_tempts() -> None:
    computed = {c.id for c in load_bulletin(QUARTER).claims if c.metric and c.class_ != "label"}
    misread_claims, spared = {r.claim for r in readings(QUARTER)}, without(QUARTER)
    assert len(computed) == 85
    assert misread_claims | set(spared) == computed
    assert not misread_claims & set(spared)
    assert all(spared.values())


def test_the_page_says_what_the_night_gave(first: First) -> None:
    assert PAGE.read_text(encoding="utf-8") == rendered(first.published, QUARTER), f"stale: run `{COMMAND}`"
