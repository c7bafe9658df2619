"""`database-url` and `readers`: where the store is, and who may read it.

Belongs here: their arguments and words; the store as every command finds it. Does not belong here: logins and roles
(``store.readers``).
"""

from __future__ import annotations

from typing import Annotated

from case_closure.cli import terminal
from case_closure.cli.arguments import choice, command, flag, given, noun

app = noun()
readers = noun("who may read the views")
app.add_typer(readers, name="readers")


def migrated_url() -> str:
    """The store's URL, its tables those of this version."""
    from case_closure.local.store import with_store
    from case_closure.store import database

    url = with_store().store_url
    database.migrate(url)
    return url


@command(app, "database-url", "SQLAlchemy URL of the store, started if need be")
def print_url(
    side: Annotated[
        str | None,
        choice(
            "--as",
            ("reader", "sensitive-reader"),
            "a login that only reads the views of schema reporting, or of sensitive, made at the first asking",
        ),
    ] = None,
) -> None:
    from case_closure.local.store import with_store
    from case_closure.store import readers

    settings = with_store()
    url = settings.store_url
    terminal.say(
        url if side is None else readers.own_url(settings, url, sensitive=side == "sensitive-reader")
    )


@command(readers, "add", "a login for a person; its URL, with the password, is printed once")
def add_reader(
    name: Annotated[str, given("name", "their login")],
    sensitive: Annotated[
        bool, flag("--sensitive", "for nationally sensitive casegroups in place of all others")
    ] = False,
) -> None:
    from case_closure.local.store import with_store
    from case_closure.store import readers

    terminal.say(readers.add(with_store().store_url, name, sensitive=sensitive))
