"""Publish the warehouse file of a run: what it says about itself, the copy, the switch, the log entry.

Belongs here: the order of these. Keep out: the file handling (``resources.publisher``), Dagster.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from assets.publish.bi import create_bi_views
from assets.publish.comments import comment_layers
from assets.publish.record import fingerprints, write_quarantine
from assets.staged.verdicts import DECIDED
from data_contracts.model import TableContract
from resources.publisher import FilePublisher, again
from resources.workspace import Workspace


@dataclass(frozen=True)
class Publication:
    """A published file: its path, rejected rows still open, fingerprints by table."""

    path: Path
    quarantined: int
    fingerprints: Mapping[str, str]


def loaded_since(ws: Workspace) -> list[str]:
    """Tables loaded after the last publication: the figures that stand do not know of those rows."""
    loaded: dict[str, None] = {}
    for entry in ws.decisions.entries():
        if entry["kind"] == "run":
            loaded.clear()
        elif entry["kind"] in ("load", *DECIDED):
            loaded[entry["table"]] = None
    return list(loaded)


def publish(ws: Workspace, contracts: Mapping[str, TableContract], *, rebuilt: bool = True) -> Publication:
    """Copy the warehouse as it stands and switch readers to the copy.

    ``rebuilt``: this run computed the figures anew, so that its ``known_at`` is a cut-off from here on. A signature or
    a bulletin is published beside the same figures and is none.
    """
    with ws.engine.begin() as session:
        quarantined = write_quarantine(session, contracts)
        comment_layers(session, contracts)
        create_bi_views(session)
        prints = fingerprints(session)
    ws.expectations.close()
    publisher = FilePublisher(ws.home / "published", ws.settings.keep_published)
    path = publisher.publish(ws.engine, ws.stamp if rebuilt else again(ws.stamp))
    kind = "run" if rebuilt else "republish"
    ws.decisions.append(kind, ws.known_at, run_id=ws.run_id, published=path.name, fingerprints=prints)
    return Publication(path, quarantined, prints)
