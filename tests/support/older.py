"""A store as an earlier version of this product left it.

Belongs here: undoing migrations, so that a test can see them done again. Does not belong here: what a migration does.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, text

from case_closure.store.schema import tables, views


def make_older(connection: Connection, version: str) -> None:
    """Undo every migration after that version, the latest first; the views are gone with them."""
    folder = Path(tables.__file__).parent / "migrations" / "versions"
    later = sorted(path.stem for path in folder.glob("[0-9]*.py") if path.stem[:4] > version)
    assert later
    views.drop(connection)
    with Operations.context(MigrationContext.configure(connection)):
        for name in reversed(later):
            import_module(f"case_closure.store.schema.migrations.versions.{name}").downgrade()
    connection.execute(
        text("update public.case_closure_version set version_num = :version"), {"version": version}
    )
