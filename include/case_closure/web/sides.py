"""As which of the database's roles a person reads, and the two sides that records stand on (R26): what everybody in a role sees,
and what is nationally sensitive.

Belongs here: that, and in which order the sides are read. Does not belong here: what is read.
"""

from __future__ import annotations

from fastapi import HTTPException

from case_closure.domain.permissions import SENSITIVE, Actor, role_for
from case_closure.store.shown.casegroups import Schema


def reads_as(person: Actor, action: str) -> str:
    """The role as which they read what this takes. Raises a 403 where none of theirs may: nobody reads as the store's owner."""
    role = role_for(person, action)
    if role is None:
        raise HTTPException(403, action)
    return role


def reads_apart(person: Actor, action: str) -> str:
    """The role as which they read nationally sensitive casegroups alone. Raises a 404, as for what is not there."""
    there = dict(sides(person, action))
    if "sensitive" not in there:
        raise HTTPException(404)
    return there["sensitive"]


def sides(person: Actor, action: str) -> list[tuple[Schema, str]]:
    """Schema and role of each side the person may see for this action, the ordinary first."""
    seen: list[tuple[Schema, str]] = [("reporting", reads_as(person, action))]
    if person.may("see_sensitive"):
        seen.append(("sensitive", SENSITIVE))
    return seen
