"""The workspace: one writer, and a known_at that only moves forward."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from resources.decisions import BrokenChain
from resources.failures import PermanentFailure, RefusedRun
from resources.settings import load_settings, parse_instant
from resources.workspace import hold, stamp, stamped

NOW = datetime(2024, 10, 10, 12, tzinfo=UTC)


def test_a_second_writer_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    settings = load_settings(tmp_path)
    with (
        hold(settings, run_id="first", now=NOW),
        pytest.raises(RefusedRun, match="first"),
        hold(settings, run_id="second", now=NOW + timedelta(days=1)),
    ):
        pass
    with hold(settings, run_id="third", now=NOW):
        pass


def test_no_run_goes_on_from_a_log_that_was_edited(tmp_path: Path) -> None:
    settings = load_settings(tmp_path)
    with hold(settings, run_id="first", now=NOW) as workspace:
        workspace.decisions.append("batch", workspace.known_at, table="t", batch_id="b")
        workspace.decisions.append("run", workspace.known_at)
        path = workspace.decisions.path
    path.write_text(path.read_text().replace('"t"', '"u"'))
    for reading in (False, True):
        with pytest.raises(BrokenChain, match="line 1"), hold(settings, run_id="next", reading=reading):
            pass


def test_known_at_must_be_later_than_every_earlier_run(tmp_path: Path) -> None:
    settings = load_settings(tmp_path)
    with hold(settings, run_id="first", now=NOW) as workspace:
        workspace.decisions.append("batch", workspace.known_at, table="t", batch_id="b")
    for now in (NOW, NOW - timedelta(seconds=1)):
        with pytest.raises(RefusedRun, match="not later"), hold(settings, run_id="late", now=now):
            pass


def test_a_pinned_clock_moves_on_by_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIBAO_CLOCK", "2024-10-10T20:00:00+08:00")
    settings = load_settings(tmp_path)
    for seconds in range(3):
        with hold(settings, run_id="r", now=None) as workspace:
            assert workspace.known_at == NOW + timedelta(seconds=seconds)
            workspace.decisions.append("run", workspace.known_at)


def test_settings_come_from_the_home_file_and_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "settings.env").write_text(
        "JIBAO_SOURCES__FINANCE__URL=sqlite:///a\nJIBAO_SOURCES__FINANCE__TOKEN=s3cret\n"
    )
    assert load_settings(tmp_path).source("finance", "fin_org").url == "sqlite:///a"
    assert "s3cret" not in repr(load_settings(tmp_path))
    monkeypatch.setenv("JIBAO_SOURCES__FINANCE__URL", "sqlite:///b")
    assert load_settings(tmp_path).source("finance", "fin_org").url == "sqlite:///b"


def test_a_source_nobody_set_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(PermanentFailure, match="JIBAO_SOURCES__FINANCE__URL"):
        load_settings(tmp_path).source("finance", "fin_org")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-10-10", "2024-10-10T15:59:59.999999+00:00"),
        ("2024-10-10T20:00:00", "2024-10-10T12:00:00+00:00"),
        ("2024-10-10T20:00:00+08:00", "2024-10-10T12:00:00+00:00"),
        ("2024-10-10T12:00:00Z", "2024-10-10T12:00:00+00:00"),
    ],
)
def test_instants_without_a_zone_are_shanghai_time(text: str, expected: str) -> None:
    assert parse_instant(text).astimezone(UTC).isoformat() == expected


def test_a_stamp_reads_back_and_sorts_by_time() -> None:
    assert stamped(stamp(NOW)) == NOW
    assert stamp(NOW) < stamp(NOW + timedelta(seconds=1)) < stamp(NOW + timedelta(days=365))
