"""What people did here, and the server's own word on whether they may: the second wall behind every form.

Belongs here: the act as it is kept, the functions of schema ``desk`` through which alone it is kept, the roles whose they are.
Does not belong here: who may do what (``domain.permissions``), the refusal in words (``desk.acting``).

For each action that changes something there is one function, which writes the act and which only the roles that may do it can
call. It is called as the person's role, in the transaction that does the thing: should a page be talked into what its person
may not do, the server refuses, and nothing of it is done.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, text

from case_closure.domain.permissions import ACTIONS, ROLES

PREFIX: Final = "case_closure_"
SCHEMA: Final = "desk"


_WORKS_FOR_THE_STORE = (
    "pg_has_role(session_user, (select c.relowner from pg_class c where c.oid = 'closure.acts'::regclass), "
    "'MEMBER')"
)


@dataclass(frozen=True)
class Act:
    """What is done to one thing. ``about``: its kind, as CASEGROUP or EXCEPTION; ``reference``: its number.

    ``before``, ``after``: what changes, by name; nothing personal but in the words of ``reason``.
    """

    about: str
    reference: str
    casegroup_id: str | None = None
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    reason: str | None = None


def login_role(role: str) -> str:
    """The server's role of everybody in this role of ours."""
    return PREFIX + role


def statements() -> list[str]:
    """The SQL that makes schema ``desk`` anew: a function for each action that changes something, granted to nobody yet."""
    written = [
        f"drop schema if exists {SCHEMA} cascade",
        f"create schema {SCHEMA}",
        f"comment on schema {SCHEMA} is 'What people may do, each action a function granted to the roles that may'",
    ]
    for name, action in ACTIONS.items():
        if not action.changes:
            continue
        signature = f"{SCHEMA}.{name}(timestamptz, text, jsonb)"
        written += [
            # The role is what was set, and no argument: nobody says of themselves as what they act. Who acts is told by whoever
            # works for the store; somebody with a login of their own is who they are, whatever they say.
            f"create function {signature} returns void language sql security definer set search_path = pg_catalog, pg_temp as $$ "  # noqa: S608
            "insert into closure.acts "
            "(acted_at, acted_by, acted_as, action, about, reference, casegroup_id, before, after, reason) "
            f"select $1, case when {_WORKS_FOR_THE_STORE} then $2 else session_user::text end, "
            f"replace(nullif(current_setting('role'), 'none'), '{PREFIX}', ''), '{name}', a.about, a.reference, "
            "a.casegroup_id, a.before, a.after, a.reason from jsonb_to_recordset($3) as a (about text, reference text, "
            "casegroup_id text, before jsonb, after jsonb, reason text) $$",
            f"comment on function {signature} is 'Puts on record that somebody who may, did: {name}'",
            f"revoke all on function {signature} from public",
        ]
    return written


def grants() -> list[tuple[str, str]]:
    """What is granted, with the role that it is granted to, both as SQL has them."""
    granted = [(f"usage on schema {SCHEMA}", login_role(role)) for role in ROLES]
    granted += [
        (f"execute on function {SCHEMA}.{name}(timestamptz, text, jsonb)", login_role(role))
        for name, action in ACTIONS.items() if action.changes
        for role in sorted(action.roles)
    ]  # fmt: skip
    return granted


def record(
    connection: Connection, action: str, role: str, *, by: str, at: datetime, acts: Sequence[Act]
) -> None:
    """Put on record what somebody does in this role, as that role. Raises what the server says when it may not.

    On a server on which the roles could not be made it is put on record as the store's own login.
    """
    told = json.dumps([
        {
            "about": act.about, "reference": act.reference, "casegroup_id": act.casegroup_id, "before": dict(act.before),
            "after": dict(act.after), "reason": act.reason,
        } for act in acts
    ], default=str)  # fmt: skip
    walled = become(connection, role)
    connection.execute(
        text(f"select {SCHEMA}.{action}(:at, :by, cast(:acts as jsonb))"),
        {"at": at, "by": by, "acts": told},
    )
    if walled:
        connection.exec_driver_sql("reset role")


def become(connection: Connection, role: str) -> bool:
    """Be this role until the transaction ends or the role is reset; False where this server has no such role for us."""
    able = can_become(connection, role)
    if able:
        connection.exec_driver_sql(f"set local role {login_role(role)}")
    return able


def can_become(connection: Connection, role: str) -> bool:
    """Whether this server lets us be this role."""
    able = connection.execute(
        text("select pg_has_role(current_user, oid, 'SET') from pg_roles where rolname = :role"),
        {"role": login_role(role)},
    ).scalar()
    return bool(able)
