"""The nights after: one without news moves nothing, an edit moves exactly its figures, five weeks bring late entries,
and every earlier night can still be had as it was known then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from assets.mart.past import built, past_statements
from data_contracts.contract_file import load_contracts
from data_contracts.metric import load_metrics
from demo.systems import group
from tests.pipelines.conftest import LATER, First, Night, spent
from tests.pipelines.homes import moved
from tests.pipelines.nights import Edits, edit_three, values

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@dataclass(frozen=True)
class Edited:
    """Three edits, and the night after them."""

    edits: Edits
    night: Night


@pytest.fixture(scope="package")
def edited(first: First, second: Night) -> Edited:
    if first.disturbance:
        # It still reads the systems that are about to be edited.
        first.disturbance.join()
    edits = edit_three(second.place)
    return Edited(edits, spent(second.place, second.place.night()))


@pytest.fixture(scope="package")
def advanced(edited: Edited) -> Night:
    """The night of 15 November."""
    place = edited.night.place
    group.advance(place.home, LATER)
    return spent(place, place.night())


def instant(night: Night) -> datetime:
    """The night's known_at as the warehouse stores it."""
    return datetime.fromisoformat(night.entry["at"]).astimezone(UTC).replace(tzinfo=None)


def test_a_second_night_with_nothing_new_moves_nothing(first: First, second: Night) -> None:
    assert second.entry["fingerprints"] == first.night.entry["fingerprints"]
    assert second.figures == first.night.figures
    ((new, landed),) = second.place.rows(
        "SELECT sum(new_version) + sum(deleted), sum(landed) FROM mart.conservation WHERE known_at > :k",
        second.file,
        k=datetime.fromisoformat(first.night.entry["at"]).replace(tzinfo=None),
    )
    assert new == 0
    assert landed > 1000, "the overlap was asked for again, and every row of it was known"
    history = "SELECT * FROM mart.quarterly_metric_history ORDER BY ALL"
    assert second.place.rows(history, second.file) == first.published.rows(history)
    assert second.file != first.night.file


def test_breaks_are_as_old_as_the_run_that_found_them(first: First, second: Night) -> None:
    seen = first.night.entry["at"]
    opened = list(second.place.decisions.entries("breaks"))
    assert [e["at"] for e in opened] == [seen]
    rows = second.place.rows(
        "SELECT DISTINCT CAST(first_seen_at AS VARCHAR) FROM mart.recon_break", second.file
    )
    assert rows == [(seen[:19].replace("T", " "),)]


def test_three_edits_move_exactly_their_figures_and_by_the_right_amount(
    second: Night, edited: Edited
) -> None:
    before, after = values(second), values(edited.night)
    metrics, expected = load_metrics(), edited.edits.expected()
    found = {key: after[key] - before[key] for key in moved(second.figures, edited.night.figures)}
    made = {key for key in found if metrics[key[0]].inputs}
    assert {key: amount for key, amount in found.items() if key not in made} == expected
    # What is computed from figures that moved has moved with them, and nothing else.
    inputs = {name for key in made for name in metrics[key[0]].inputs}
    assert {"concrete_revenue", "effective_investment"} <= inputs
    assert all(set(metrics[key[0]].inputs) & {k[0] for k in expected} for key in made)


def test_an_edit_makes_one_version_of_each_row_it_changed(edited: Edited) -> None:
    made = edited.night.place.rows(
        "SELECT table_name, new_version FROM mart.conservation WHERE known_at = :k AND new_version > 0",
        file=edited.night.file,
        k=instant(edited.night),
    )
    versions = dict(made)
    # The finance system makes its balances anew: both accounts of the voucher, from that period on.
    assert versions.pop("fin_balance") > 0
    assert versions == {"con_invest_month": 1, "park_hazard": 1, "fin_voucher": 1, "fin_voucher_line": 2}


def test_only_tables_that_were_edited_have_other_fingerprints(second: Night, edited: Edited) -> None:
    changed = {k for k, v in edited.night.fingerprints.items() if second.fingerprints[k] != v}
    assert changed == {
        "staged.con_invest_month",
        "staged.park_hazard",
        "staged.fin_voucher",
        "staged.fin_voucher_line",
        "staged.fin_balance",
        "mart.quarterly_metric",
    }


LATE = {
    "fin_voucher_line": "pk_voucher IN (SELECT pk_voucher FROM staged.fin_voucher WHERE fiscal_year = '2024' "
    "AND period_no <= '09')",
    "con_cc_delivery": "CAST(delivered_at AS DATE) < DATE '2024-10-01'",
    "park_hazard": "verified_date <= DATE '2024-09-30'",
    "con_invest_month": "stat_month <= '202409'",
    "park_activity": "activity_date <= DATE '2024-09-30'",
}


@pytest.mark.parametrize("table", LATE)
def test_late_entries_are_known_from_the_night_they_came(advanced: Night, table: str) -> None:
    rows = advanced.place.rows(
        f"SELECT DISTINCT _known_from, _reconstructed FROM staged.{table} WHERE {LATE[table]} "
        "AND _known_from > TIMESTAMP '2024-10-11'",
        file=advanced.file,
    )
    assert rows == [(instant(advanced), False)], "whatever day the ledger says they belong to"


@pytest.mark.parametrize("metric", ["concrete_revenue", "concrete_volume", "hazards_rectified"])
def test_late_entries_move_a_quarter_that_was_over(edited: Edited, advanced: Night, metric: str) -> None:
    changes = moved(edited.night.figures, advanced.figures)
    assert (metric, "2024Q3", "ytd", "group", "") in changes


def test_figures_as_known_on_an_earlier_night_are_those_published_then(
    second: Night, edited: Edited, advanced: Night
) -> None:
    for night in (second, edited.night):
        at = datetime.fromisoformat(night.entry["at"])
        with (
            advanced.place.engine() as engine,
            built(engine, past_statements(load_contracts(), at)) as catalog,
            engine.begin() as session,
        ):
            columns = (
                "metric_id, quarter, period, grain, scope_code, value, value_date, value_date_to, value_text"
            )
            rows = session.rows(f"SELECT {columns} FROM {catalog}mart.quarterly_metric")
        assert moved(night.figures, {row[:5]: row[5:] for row in rows}) == {}


def test_the_history_says_what_each_figure_was_on_each_night(
    second: Night, edited: Edited, advanced: Night
) -> None:
    for night in (second, edited.night, advanced):
        rows = advanced.place.rows(
            "SELECT metric_id, quarter, period, grain, scope_code, value, value_date, value_date_to, value_text "
            "FROM mart.quarterly_metric_history WHERE _known_from <= :k AND (_known_to IS NULL OR _known_to > :k)",
            file=advanced.file,
            k=instant(night),
        )
        assert {row[:5]: row[5:] for row in rows} == night.figures
