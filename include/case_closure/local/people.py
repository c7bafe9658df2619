"""Airflow's roles for the people of the desk, and on the sample installation a person for each: made by `make up`.

Belongs here: what each role may do in Airflow itself, asking Airflow's API for them. Does not belong here: what a role may do at
the desk (``domain.permissions``), when this is done (``supervisor``).

The roles are code: one that somebody changed in the pages is as it is here again the next time. Who needs more than a role has
gets another beside it. People are made once, where there is nobody of that name, and never changed.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from case_closure.domain.permissions import CASEWORKER, CONTROL_GROUP, OPERATOR, ROLES, SENSITIVE
from case_closure.local.rest import AirflowClient, RestError
from case_closure.sample import mark
from case_closure.settings import Settings
from case_closure.store import database, nights

Permission = tuple[str, str]
"""What is done, and to what kind of thing, as Airflow calls them."""

_EVERYBODY: Final = {("can_read", "Plugins"), ("menu_access", "Plugins")}
"""Without these Airflow names no page of a plugin."""
_ANSWERS: Final = {("can_edit", "HITL Detail"), ("menu_access", "HITL Detail"), ("can_edit", "DAGs")}
"""To answer what waits under Required actions. Airflow asks for can_edit on DAGs as well, by which a Dag can be paused."""


@dataclass(frozen=True)
class Person:
    """Somebody who can sign in: their name there, their password, and their roles."""

    name: str
    password: str
    roles: tuple[str, ...]


def make_roles(client: AirflowClient) -> list[str]:
    """Have each role of ours in Airflow as it is here; what that changed of roles that were there, in words.

    Raises RestError.
    """
    viewer, op = (_permissions(client, name) or set() for name in ("Viewer", "Op"))
    changed = []
    for role in ROLES:
        wanted = viewer | _EVERYBODY
        if role == OPERATOR:
            wanted |= op
        if role == CONTROL_GROUP:
            wanted |= _ANSWERS
        there = _permissions(client, role)
        if there == wanted:
            continue
        body = {
            "name": role,
            "actions": [
                {"action": {"name": action}, "resource": {"name": thing}} for action, thing in sorted(wanted)
            ],
        }
        if there is None:
            client.post("/auth/fab/v1/roles", body)
            continue
        client.patch(f"/auth/fab/v1/roles/{role}", body)
        changed.append(
            f"Airflow's role '{role}' is as it should be again: {_told(wanted - there)} given, {_told(there - wanted)} taken "
            "away. Whoever needs more than a role has gets another beside it."
        )
    return changed


def make_people(client: AirflowClient) -> list[Person]:
    """Somebody for each role, called as it is, where there is nobody of that name; those that are new. Raises RestError."""
    new = []
    for role in ROLES:
        if _find(client, f"/auth/fab/v1/users/{role}") is not None:
            continue
        roles = (role, CASEWORKER) if role == SENSITIVE else (role,)
        person = Person(role, secrets.token_urlsafe(12), roles)
        client.post(
            "/auth/fab/v1/users",
            {
                "username": person.name, "password": person.password, "email": f"{role}@localhost", "first_name": "Sample",
                "last_name": role.replace("_", " ").capitalize(), "roles": [{"name": one} for one in person.roles],
            },
        )  # fmt: skip
        new.append(person)
    return new


def is_sample(settings: Settings, store_url: str) -> bool:
    """Whether all that this installation has, landed and taken in, was made by `case-closure sample`."""
    if "://" in settings.landing:
        return False
    with database.transaction(store_url) as connection:
        begun = nights.begun(connection)
    return mark.is_all(Path(settings.landing), begun)


def _permissions(client: AirflowClient, role: str) -> set[Permission] | None:
    found = _find(client, f"/auth/fab/v1/roles/{role}")
    return (
        found
        if found is None
        else {(one["action"]["name"], one["resource"]["name"]) for one in found["actions"]}
    )


def _find(client: AirflowClient, path: str) -> dict[str, list[dict[str, dict[str, str]]]] | None:
    try:
        return client.get(path)
    except RestError as error:
        if error.status == 404:
            return None
        raise


def _told(permissions: Iterable[Permission]) -> str:
    return ", ".join(f"{action} on {thing}" for action, thing in sorted(permissions)) or "nothing"
