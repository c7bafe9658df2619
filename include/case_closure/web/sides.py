"""The two sides that records stand on (R26): what everybody in a role sees, and what is nationally sensitive.

Belongs here: which of the two a person reads from, in which order, each as the database's role for it. Does not belong here:
what is read.
"""

from __future__ import annotations

from case_closure.domain.permissions import SENSITIVE, Actor, role_for
from case_closure.store.shown.casegroups import Schema


def sides(person: Actor, action: str) -> list[tuple[Schema, str]]:
    """Schema and role of each side the person may see for this action, the ordinary first."""
    seen: list[tuple[Schema, str]] = [("reporting", role_for(person, action) or "")]
    if person.may("see_sensitive"):
        seen.append(("sensitive", SENSITIVE))
    return seen
