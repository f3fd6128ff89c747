"""State and changes of a timeline, on a handful of rows."""

import gc
from datetime import datetime

import pytest

from demo.timeline import Event, Timeline, changes_between, collector_paused, state_at


def at(day: int) -> datetime:
    return datetime(2024, 10, day, 9)


def row(key: str, value: int) -> dict[str, object]:
    return {"key": key, "value": value}


EVENTS: list[Event] = [
    (at(1), False, row("a", 1)),
    (at(2), False, row("b", 1)),
    (at(3), False, row("a", 2)),
    (at(4), True, {"key": "b"}),
    (at(6), False, row("b", 3)),
]
TIMELINE = Timeline("t", ("key", "value"), EVENTS)


@pytest.mark.parametrize(
    ("day", "shown"),
    [
        (1, [row("a", 1)]),
        (2, [row("a", 1), row("b", 1)]),
        (3, [row("a", 2), row("b", 1)]),
        (5, [row("a", 2)]),
        (6, [row("a", 2), row("b", 3)]),
    ],
)
def test_the_last_event_of_a_key_holds_from_its_instant_on(day: int, shown: list[dict[str, object]]) -> None:
    assert state_at(TIMELINE, ["key"], at(day)) == shown


def test_events_may_stand_in_any_order() -> None:
    turned = Timeline("t", TIMELINE.columns, EVENTS[::-1])
    for day in range(1, 8):
        by_key = [
            sorted(state_at(t, ["key"], at(day)), key=lambda r: str(r["key"])) for t in (TIMELINE, turned)
        ]
        assert by_key[0] == by_key[1]


def test_of_two_events_at_one_instant_the_later_in_the_list_holds() -> None:
    both = Timeline("t", TIMELINE.columns, [(at(1), False, row("a", 1)), (at(1), False, row("a", 2))])
    assert state_at(both, ["key"], at(1)) == [row("a", 2)]


def test_keys_of_several_columns_are_one_key() -> None:
    assert len(state_at(TIMELINE, ["key", "value"], at(3))) == 3


def test_changes_are_those_after_one_instant_up_to_another_oldest_first() -> None:
    turned = Timeline("t", TIMELINE.columns, EVENTS[::-1])
    assert changes_between(turned, at(2), at(4)) == [EVENTS[2], EVENTS[3]]


def test_a_key_column_is_needed() -> None:
    with pytest.raises(ValueError, match="at least one"):
        state_at(TIMELINE, [], at(1))
    with pytest.raises(KeyError):
        state_at(TIMELINE, ["missing"], at(1))


def test_the_collector_runs_again_after_a_failed_build() -> None:
    def build() -> None:
        with collector_paused():
            assert not gc.isenabled()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        build()
    assert gc.isenabled()
