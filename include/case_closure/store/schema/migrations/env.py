"""How Alembic reaches the store. Called by ``store.database.migrate`` and by nothing else."""

from __future__ import annotations

from alembic import context

from case_closure.store import roles
from case_closure.store.database import engine
from case_closure.store.schema import views
from case_closure.store.schema.tables import metadata

_OURS = ("held", "closure")


def _ours(name: str | None, type_: str, parent_names: object) -> bool:
    return type_ != "schema" or name in _OURS


def _run() -> None:
    with engine(context.config.attributes["url"]).begin() as connection:
        context.configure(
            connection=connection, target_metadata=metadata, include_schemas=True, include_name=_ours,
            version_table_schema="public", version_table="case_closure_version",
        )  # fmt: skip
        granted = roles.grants(connection)
        if context.get_context().get_current_revision() != context.get_head_revision():
            views.drop(connection)  # a table cannot be changed under a view
        context.run_migrations()
        # Views hold no data: made anew whenever they differ from this version's, with all grants, in the same transaction.
        views.refresh(connection, granted)
        context.config.attributes["missing"] = roles.apply(connection)


_run()
