"""What an extraction refuses beside earlier batches: emptied files, fields that are gone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assets.raw.assets import _landed
from assets.raw.extract import Reach, extract
from data_contracts.model import TableContract, Update
from resources.failures import PermanentFailure
from resources.raw_store import Manifest
from resources.settings import load_settings
from resources.workspace import hold
from tests.resources.park_server import HAZARDS, TOKEN, Park, serving
from tests.resources.tables import column, contract

EXPECTED = Reach()
FIRST = datetime(2024, 10, 10, 12, tzinfo=UTC)
METERS = contract(
    {
        "kind": "file", "format": "csv", "encoding": "utf-8", "defaults": {"file_version": "1"},
        "files": r"meter_(?P<file_period>\d{6})(?:_v(?P<file_version>\d+))?\.csv",
    },
    column("meter_no", "电表编号", key=1),
    column("used_kwh", "用电量", kind="decimal"),
    column("file_period"),
    column("file_version", kind="integer"),
    update=Update("replace", scope=("file_period",), version="file_version"),
    name="park_meter",
)  # fmt: skip
UPSERTED = replace(METERS, update=Update("upsert", watermark="file_period", version="file_version"))
LISTED = contract(
    {k: v for k, v in HAZARDS.transport.items() if k != "since"}, *HAZARDS.columns, name="park_hazard"
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("JIBAO_SOURCES__HERE__URL", str(tmp_path / "drops"))
    (tmp_path / "drops").mkdir()
    return tmp_path


@pytest.fixture
def park(monkeypatch: pytest.MonkeyPatch) -> Iterator[Park]:
    with serving() as state:
        monkeypatch.setenv("JIBAO_SOURCES__HERE__URL", state.url)
        monkeypatch.setenv("JIBAO_SOURCES__HERE__TOKEN", TOKEN)
        yield state


def _night(home: Path, table: TableContract, day: int, reach: Reach = EXPECTED) -> Manifest:
    with hold(load_settings(home), run_id=f"night{day}xxxx", now=FIRST + timedelta(days=day)) as ws:
        return extract(ws, table, reach)


def _file(home: Path, name: str, *meters: str) -> None:
    lines = ["电表编号,用电量", *(f"{meter},1" for meter in meters)]
    (home / "drops" / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.parametrize("table", [METERS, UPSERTED])
@pytest.mark.parametrize("again", ["meter_202410_v2.csv", "meter_202410.csv"])
def test_a_report_delivered_again_without_its_rows_is_refused(
    home: Path, table: TableContract, again: str
) -> None:
    _file(home, "meter_202409.csv", "M1")
    _file(home, "meter_202410.csv", "M1", "M2")
    _night(home, table, 1)
    _file(home, again)
    for day, reach in enumerate((Reach(), Reach(full=True)), 2):
        with pytest.raises(PermanentFailure) as caught:
            _night(home, table, day, reach)
    assert str(caught.value) == (
        f"here / park_meter / {again} [empty pull]: the file holds no rows; meter_202410.csv, delivered before "
        "it, held 2 → find out why it is empty and have it sent again, or take it out of the folder; if all its "
        "rows are to go, have them sent with zero amounts"
    )
    _file(home, "meter_202410_v3.csv", "M1")
    assert _night(home, table, 4).rows == 1


def test_a_nil_report_is_one_also_where_other_months_have_rows(home: Path) -> None:
    _file(home, "meter_202409.csv", "M1")
    _night(home, METERS, 1)
    _file(home, "meter_202410.csv")
    assert _night(home, METERS, 2).rows == 0
    # Its old files left the folder; then the month has rows after all.
    (home / "drops" / "meter_202409.csv").unlink()
    assert _night(home, METERS, 3, Reach(full=True)).rows == 0
    _file(home, "meter_202410_v2.csv", "M1")
    assert _night(home, METERS, 4).rows == 1
    assert _night(home, METERS, 5, Reach(full=True)).rows == 1


def _without(park: Park, name: str, *more: int) -> None:
    for record in [r for i, r in enumerate(park.records) if not more or i in more]:
        record.pop(name, None)


def test_a_field_that_a_whole_list_lost_is_refused(home: Path, park: Park) -> None:
    _without(park, "area_m2", 0)
    _night(home, LISTED, 1)
    for record in park.records:
        record["area"] = record.pop("area_m2", None)
    with pytest.raises(PermanentFailure) as caught:
        _night(home, LISTED, 2)
    assert str(caught.value).startswith(
        "here / park_hazard / /api/hazard.get_list [changed field]: field area_m2 is in none of the 7 records; "
        "6 of the 7 read before had it; they have, unread, area → correct physicalName in the contract, or have "
        "the source changed back; if the source leaves the field out where it is empty, name it in transport.omits"
    )
    told = replace(LISTED, transport={**LISTED.transport, "omits": ["area_m2"]})
    assert _night(home, told, 3).rows == 7


@pytest.mark.parametrize(("earlier", "refused"), [((), True), ((0,), False)])
def test_changed_rows_lack_what_every_row_had_or_what_some_left_out(
    home: Path, park: Park, earlier: tuple[int, ...], refused: bool
) -> None:
    if earlier:
        _without(park, "area_m2", *earlier)
    _night(home, HAZARDS, 1)
    _without(park, "area_m2")
    changed = Reach(since=FIRST.date())
    if not refused:
        assert _night(home, HAZARDS, 2, changed).proof["absent_values"] == {"area_m2": 7}
        return
    with pytest.raises(PermanentFailure, match="in none of the 7 records; all of the 7 read before had it"):
        _night(home, HAZARDS, 2, changed)


def test_a_field_that_never_came_is_told_beside_the_rows(home: Path, park: Park) -> None:
    _without(park, "area_m2")
    with hold(load_settings(home), run_id="night1xxxx", now=FIRST) as ws:
        result = _landed(ws, LISTED, extract(ws, LISTED, Reach()))
    (check,) = result.check_results or ()
    assert (check.passed, check.severity.value) == (False, "WARN")
    assert (check.description or "").startswith(
        "7 rows landed; in none of them: area_m2 → correct physicalName"
    )
