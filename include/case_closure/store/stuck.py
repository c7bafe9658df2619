"""Things that may be stuck, and the work items that say so ([30]).

Belongs here: what stands, for each kind of thing; items STUCK and what becomes of them. Does not belong here: from when on
something is stuck and in which words (``domain.stuck``).

An item's number ends with the date it was raised on; before that stands what it is about. An index lets a thing have one open
item and no more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, text

from case_closure.domain import stuck
from case_closure.domain.rules import FT_TEAM
from case_closure.domain.stuck import Thing

# Of each kind, all that still stands as it should not, whatever its age.
STANDING = {
    stuck.EXCEPTION: """
        select 'EXCEPTION-' || e.exception_id as key, e.exception_id as reference, e.business_date as since,
               e.rule_code as state, e.allocated_to as who, null::bigint as pence, e.casegroup_id, e.csa_system, e.csa_case_id,
               e.sensitive
        from closure.exceptions e where e.severity = 'HOLD' and e.status <> 'RESOLVED'
    """,
    stuck.PAYMENT: """
        select 'PAYMENT-' || p.payment_id, p.reference, p.business_date, p.status, null, p.amount_pence, p.casegroup_id,
               p.csa_system, p.csa_case_id, false
        from closure.payments p where p.status = any(:payments)
    """,
    stuck.NIGHT: """
        select 'NIGHT-' || n.business_date, n.business_date::text, n.business_date, n.status, null, null::bigint, null, null,
               null, false
        from closure.nights n where n.status = any(:nights)
    """,
    stuck.LETTER: """
        select 'LETTER-' || d.letter_id, d.letter_id, d.business_date, d.state, null, null::bigint, l.casegroup_id, l.csa_system,
               l.csa_case_id, false
        from closure.letter_deliveries d join closure.letters l using (letter_id) where d.state = any(:letters)
    """,
}
_COLUMNS = "key, reference, since, state, who, pence, casegroup_id, csa_system, csa_case_id, sensitive"
_STATES = {"nights": list(stuck.NIGHTS), "payments": list(stuck.PAYMENTS), "letters": list(stuck.LETTERS)}
_ALL = f"({' union all '.join(STANDING.values())}) s ({_COLUMNS})"
# What an item is about: its number without the date.
_OF_ITEM = "left(w.work_item_id, -11) = 'STUCK-' || s.key"


@dataclass(frozen=True)
class Item:
    """An open or closed item, as far as it is told."""

    work_item_id: str
    subject_reference: str
    casegroup_id: str | None
    detail: str


def _execute(connection: Connection, query: str, **values: Any) -> Any:
    used = {name: value for name, value in _STATES.items() if f":{name}" in query}
    return connection.execute(text(query), used | values)


def close_gone(connection: Connection, on: date) -> list[str]:
    """Close the items of what does not stand any more; their numbers. The others go with their casegroup."""
    closed = _execute(
        connection,
        f"""
        update closure.work_items w set status = 'CLOSED', closed_on = greatest(w.business_date, :on)
        where w.type = 'STUCK' and w.status = 'OPEN' and not exists (select from {_ALL} where {_OF_ITEM})
        returning w.work_item_id
        """,  # noqa: S608
        on=on,
    )
    numbers: list[str] = sorted(closed.scalars())
    _execute(
        connection,
        f"""
        update closure.work_items w set casegroup_id = s.casegroup_id from {_ALL}
        where w.type = 'STUCK' and w.status = 'OPEN' and {_OF_ITEM} and w.casegroup_id is distinct from s.casegroup_id
        """,  # noqa: S608
    )
    return numbers


def standing(connection: Connection, kind: str, before: date | None) -> list[Thing]:
    """What stands of that kind since before that date (None: since whenever) and has no open item, the oldest first."""
    rows = _execute(
        connection,
        f"""
        select {_COLUMNS} from ({STANDING[kind]}) s ({_COLUMNS})
        where (cast(:before as date) is null or s.since < :before) and not exists (
            select from closure.work_items w where w.type = 'STUCK' and w.status = 'OPEN' and {_OF_ITEM})
        order by since, key
        """,  # noqa: S608
        before=before,
    )
    return [Thing(kind, *row) for row in rows]


def raise_items(connection: Connection, on: date, things: Iterable[Thing]) -> list[str]:
    """An item for each, dated ``on``; one that was closed on that date is open again. Their numbers."""
    rows = [
        {
            "work_item_id": f"STUCK-{thing.key}-{on}", "on": on, "casegroup_id": thing.casegroup_id,
            "csa_system": thing.csa_system, "csa_case_id": thing.csa_case_id, "sensitive": thing.sensitive,
            "subject_reference": thing.reference, "route": FT_TEAM, "detail": stuck.words(thing),
        }
        for thing in things
    ]  # fmt: skip
    if rows:
        connection.execute(
            text(
                """
                insert into closure.work_items (work_item_id, business_date, type, casegroup_id, csa_system, csa_case_id,
                                                sensitive, subject_reference, route, status, detail)
                values (:work_item_id, :on, 'STUCK', :casegroup_id, :csa_system, :csa_case_id, :sensitive, :subject_reference,
                        :route, 'OPEN', :detail)
                on conflict (work_item_id) do update set status = 'OPEN', closed_on = null, detail = excluded.detail
                """
            ),
            rows,
        )
    return sorted(str(row["work_item_id"]) for row in rows)


def told(connection: Connection, numbers: list[str]) -> list[Item]:
    """Those of these items that everybody may see (R26), in the order of their numbers."""
    rows = connection.execute(
        text(
            "select work_item_id, subject_reference, casegroup_id, detail from reporting.work_items "
            'where work_item_id = any(:numbers) order by work_item_id collate "C"'
        ),
        {"numbers": numbers},
    )
    return [Item(*row) for row in rows]


def count_open(connection: Connection) -> int:
    """How many stuck things everybody may see (R26)."""
    return int(
        connection.exec_driver_sql(
            "select count(*) from reporting.work_items where type = 'STUCK' and status = 'OPEN'"
        ).scalar_one()
    )
