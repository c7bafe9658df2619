"""`database-url` and `readers`: where the store is, and who may read it.

Belongs here: their arguments and words; the store as every command finds it. Does not belong here: logins and roles
(``local.readers``).
"""

from __future__ import annotations

from typing import Annotated

from case_closure.cli import terminal
from case_closure.cli.arguments import choice, command, flag, given, noun
from case_closure.domain.permissions import ROLES
from case_closure.refusals import Refused

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
            ("reader", "sensitive-reader", "administrator"),
            "a login that only reads the views of schema reporting, or of sensitive, made at the first asking; or the superuser "
            "of the server that comes along",
        ),
    ] = None,
) -> None:
    from case_closure.local import embedded, readers
    from case_closure.local.store import with_store
    from case_closure.settings import Settings

    settings = Settings.from_environment()
    url = with_store(settings).store_url
    if side == "administrator":
        url = embedded.admin_url(settings)
    elif side is not None:
        url = readers.own_url(settings, url, sensitive=side == "sensitive-reader")
    terminal.say(url)


@command(readers, "add", "a login for a person; its URL, with the password, is printed once")
def add_reader(
    name: Annotated[str, given("name", "their login")],
    sensitive: Annotated[
        bool, flag("--sensitive", "for nationally sensitive casegroups in place of all others")
    ] = False,
    role: Annotated[
        str | None, choice("--role", tuple(ROLES), "what somebody in this role sees, and no more (all views)")
    ] = None,
) -> None:
    from case_closure.local import readers
    from case_closure.local.store import with_store
    from case_closure.settings import Settings

    if sensitive and role:
        raise Refused(
            "Give --sensitive or --role, not both: --role sensitive is what adds sensitive casegroups to a role."
        )
    settings = Settings.from_environment()
    terminal.say(readers.add(settings, with_store(settings).store_url, name, sensitive=sensitive, role=role))
