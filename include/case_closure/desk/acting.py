"""Doing something as a person: whether they may, asked of the one table, and then put on record.

Belongs here: the refusal of who may not, the act around what is done. Does not belong here: who may do what
(``domain.permissions``), how it is kept (``store.acts``), how a person is known (whoever asks).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from case_closure import refusals
from case_closure.domain.permissions import ACTIONS, Actor, role_for
from case_closure.domain.texts import shown
from case_closure.store import acts
from case_closure.store.acts import Act
from case_closure.store.database import Connection

__all__ = ["Act", "Actor", "NotAllowed", "record", "require"]


class NotAllowed(refusals.Refused):
    """Somebody asked for what none of their roles may do; the message says which may."""


def require(actor: Actor, action: str) -> str:
    """The role as which the person does this. Raises NotAllowed, also for somebody without a name."""
    role = role_for(actor, action)
    if role is None:
        who = " or ".join(sorted(one.replace("_", " ") for one in ACTIONS[action].roles))
        raise NotAllowed(
            f"{shown(actor.name) or 'Nobody'} may not {ACTIONS[action].says}: that is for the {who}. Nothing was changed."
        )
    if not actor.name.strip():
        raise NotAllowed("Say who does it: what is done here is kept with a name. Nothing was changed.")
    return role


def record(connection: Connection, actor: Actor, action: str, done: Sequence[Act], *, at: datetime) -> None:
    """Put on record, in the transaction that does it, what the person does; the server is asked as well whether they may.

    Raises NotAllowed.
    """
    acts.record(connection, action, require(actor, action), by=actor.name.strip(), at=at, acts=done)
