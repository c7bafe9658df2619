"""Logins for those who read: one of the home's own, kept in it, and others for people.

Belongs here: names, passwords and URLs of readers. Does not belong here: what a reader may do (``store.roles``).

What lies in <home>:
    readers.json    the home's own readers: login and password, readable by the owner only
"""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from pathlib import Path

from case_closure.local import embedded
from case_closure.settings import Settings
from case_closure.store import database, roles


def own_url(settings: Settings, store_url: str, *, sensitive: bool) -> str:
    """URL of the store for a reader of this home's own, whose login is made at the first asking.

    Brings the store to this version first, as a reader's rights come with its views. Raises roles.LoginRefused.
    """
    database.migrate(store_url)
    path = settings.own_home / "readers.json"
    kept: dict[str, dict[str, str]] = json.loads(path.read_text()) if path.exists() else {}
    side = "sensitive" if sensitive else "reporting"
    if side not in kept:
        kept[side] = {"login": f"{side}_reader_{secrets.token_hex(3)}", "password": roles.new_password()}
        settings.own_home.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=settings.own_home)  # 0600 from the start
        with os.fdopen(handle, "w") as out:
            json.dump(kept, out)
        Path(name).replace(path)
    login, password = kept[side]["login"], kept[side]["password"]
    with database.transaction(embedded.admin_url(settings)) as connection:
        roles.make_login(connection, login, password, sensitive=sensitive)
    return roles.url_as(store_url, login, password)


def add(
    settings: Settings, store_url: str, name: str, *, sensitive: bool = False, role: str | None = None
) -> str:
    """URL of the store for a person, with a new password that is kept nowhere. ``role``: one of ``domain.permissions``, else they
    read all of one side. Raises roles.LoginRefused."""
    database.migrate(store_url)
    password = roles.new_password()
    with database.transaction(embedded.admin_url(settings)) as connection:
        roles.make_login(connection, name, password, sensitive=sensitive, role=role)
    return roles.url_as(store_url, name, password)
