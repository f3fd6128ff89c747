"""The views of schema ``bi`` in the warehouse.

Belongs here: making them anew before each publication, with comments. Keep out: what they show
(``data_contracts.bi``).
"""

from __future__ import annotations

from assets.materialize import comment_on
from data_contracts.bi import SCHEMA, bi_views
from resources.engine import Session


def create_bi_views(session: Session) -> int:
    """Make every view whose tables are there; returns how many."""
    tables = {
        f"{schema}.{name}"
        for schema, name in session.rows(
            "SELECT table_schema, table_name FROM information_schema.tables "
            "WHERE table_catalog = current_database() AND table_schema IN ('core', 'mart', 'report')"
        )
    }
    session.run(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
    session.run(f"CREATE SCHEMA {SCHEMA}")
    views = [view for view in bi_views() if set(view.reads) <= tables]
    for view in views:
        session.run(f"CREATE VIEW {view.full_name} AS {view.sql}")
        comment_on(session, "view", view.full_name, view.comment, {c.name: c.comment for c in view.columns})
    return len(views)
