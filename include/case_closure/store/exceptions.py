"""Exceptions as people work on them: finding them, who has them, what was entered on them, their history ([22]-[28]).

Belongs here: reading and writing them one by one, for whoever is at a desk. Does not belong here: whether it may be done
(``desk.exceptions``), what a night opens and resolves (``posting``). Nationally sensitive casegroups are in no answer (R26).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, text

from case_closure.store import sensitive
from case_closure.store.schema.tables import REMAINDER

# Those that may be seen, with the last thing that happened to each.
_SEEN = sensitive.with_names(
    f"""
    select e.exception_id, e.business_date, e.rule_code, e.severity, e.csa_system, e.csa_case_id, e.casegroup_id, e.subject,
           e.subject_reference, e.field, e.message, e.status, e.allocated_to, l.event_number, l.event, l.by_whom
    from closure.exceptions e
    left join lateral (select event_number, event, by_whom from closure.exception_events v
                       where v.exception_id = e.exception_id order by event_number desc limit 1) l on true
    where not {sensitive.of_exception("e")}
    """  # noqa: S608
)


@dataclass(frozen=True)
class Found:
    """An exception, and the last thing that happened to it."""

    exception_id: str
    business_date: date
    rule_code: str
    severity: str
    csa_system: str | None
    csa_case_id: str | None
    casegroup_id: str | None
    subject: str | None
    subject_reference: str | None
    field: str | None
    message: str
    status: str
    allocated_to: str | None
    event_number: int | None
    event: str | None
    by_whom: str | None


def find(connection: Connection, exception_ids: Iterable[str]) -> dict[str, Found]:
    """Those of these numbers that there are, by their number."""
    rows = connection.execute(text(f"{_SEEN} and e.exception_id = any(:ids)"), {"ids": list(exception_ids)})
    return {row.exception_id: Found(*row) for row in rows}


def lock(connection: Connection, exception_ids: Iterable[str]) -> None:
    """Nobody else works on these until the transaction ends; waits for whoever does."""
    connection.execute(
        text(
            "select 1 from closure.exceptions where exception_id = any(:ids) order by exception_id for update"
        ),
        {"ids": list(exception_ids)},
    ).all()


def open_ids(connection: Connection, *, rule_code: str | None = None, like: str | None = None) -> list[str]:
    """The open HOLD exceptions, the oldest first: all, those of a rule, those with the same cause as that one (``causes``)."""
    rows = connection.execute(
        text(
            sensitive.with_names(
                f"""
            select e.exception_id from closure.exceptions e
            where not {sensitive.of_exception("e")} and e.status <> 'RESOLVED' and e.severity = 'HOLD'
            and (cast(:rule as text) is null or e.rule_code = :rule)
            and (cast(:like as text) is null
                 or e.cause_key = (select cause_key from closure.exceptions where exception_id = :like))
            order by e.business_date, e.exception_id collate "C"
            """  # noqa: S608
            )
        ),
        {"rule": rule_code, "like": like},
    )
    return [row.exception_id for row in rows]


def unresolved(connection: Connection) -> set[str]:
    """All that are not resolved, warnings and those of sensitive casegroups too: to be held against the same a moment later."""
    query = text("select exception_id from closure.exceptions where status <> 'RESOLVED'")
    return set(connection.execute(query).scalars())


def allocate(connection: Connection, found: Found, on: date, *, to: str, by: str) -> None:
    """It is theirs from now on, and its history says who gave it to them."""
    connection.execute(
        text(
            "update closure.exceptions set status = 'ALLOCATED', allocated_to = :to where exception_id = :id"
        ),
        {"id": found.exception_id, "to": to},
    )
    was = f"; it was {found.allocated_to}'s" if found.allocated_to else ""
    add_event(
        connection, found.exception_id, on, "ALLOCATED", by_what=to, by_whom=by, detail=f"To {to}{was}."
    )


def add_event(
    connection: Connection,
    exception_id: str,
    on: date,
    event: str,
    *,
    by_what: str,
    by_whom: str,
    detail: str,
) -> None:
    """Something a person did to an exception; the caller has locked it."""
    connection.execute(
        text(
            """
            insert into closure.exception_events (exception_id, event_number, business_date, event, by_what, by_whom, detail)
            select :id, 1 + coalesce(max(event_number), 0), :on, :event, :what, :whom, :detail
            from closure.exception_events where exception_id = :id
            """
        ),
        {"id": exception_id, "on": on, "event": event, "what": by_what, "whom": by_whom, "detail": detail},
    )


def original(connection: Connection, exception_id: str) -> str | None:
    """The row as it came, as JSON; of several that broke the rule a list of them. Personal: whoever shows it masks it."""
    query = text("select original from closure.exceptions where exception_id = :id")
    return connection.execute(query, {"id": exception_id}).scalar()


def history(connection: Connection, exception_id: str) -> list[dict[str, Any]]:
    """What happened to it, in order; empty where there is no such exception."""
    rows = connection.execute(
        text("select * from reporting.exception_history where exception_id = :id order by event_number"),
        {"id": exception_id},
    )
    return [dict(row._mapping) for row in rows]


def latest_events(connection: Connection, exception_ids: Iterable[str], event: str) -> dict[str, str]:
    """What the last event of each says, of those whose last but allocations is of that kind."""
    rows = connection.execute(
        text(
            """
            select distinct on (exception_id) exception_id, event, detail from closure.exception_events
            where exception_id = any(:ids) and event <> 'ALLOCATED' order by exception_id, event_number desc
            """
        ),
        {"ids": list(exception_ids)},
    )
    return {row.exception_id: row.detail for row in rows if row.event == event}


def casegroups_of(connection: Connection, exception_ids: Sequence[str]) -> dict[str, str]:
    """The casegroup under which each is judged; empty for what belongs to none."""
    rows = connection.execute(
        text(
            """
            select e.exception_id, coalesce(e.casegroup_id, c.casegroup_id, '') from closure.exceptions e
            left join held.csa_cases c on e.casegroup_id is null and c.csa_system = e.csa_system
                and c.csa_case_id = e.csa_case_id
            where e.exception_id = any(:ids)
            """
        ),
        {"ids": list(exception_ids)},
    )
    return {row[0]: row[1] for row in rows}


def casegroups_of_the_same_people(connection: Connection, casegroup_ids: Iterable[str]) -> list[str]:
    """Casegroups with something open in which a parent of these stands too: what is entered for a person counts on each. Of
    sensitive ones nothing is told."""
    # One by one (offset 0), by the index of each role: joined, the server would sooner read every case.
    theirs = " union all ".join(
        f"(select casegroup_id from held.csa_cases h where h.{role}_id = p.party_id "  # noqa: S608  names of columns
        f"and {REMAINDER.format(f'h.{role}_id')} = {REMAINDER.format('p.party_id')} offset 0)"
        for role in ("paying_parent", "receiving_parent")
    )
    rows = connection.execute(
        text(
            f"""
            with people as materialized (
                select distinct v.party_id from held.csa_cases c
                cross join lateral (values (c.paying_parent_id), (c.receiving_parent_id)) v (party_id)
                where c.casegroup_id = any(:ids) and v.party_id is not null),
            groups as materialized (
                select distinct c.casegroup_id from people p cross join lateral ({theirs}) c)
            select casegroup_id from groups
            where casegroup_id not in (select casegroup_id from closure.sensitive_casegroups)
              and exists (select from closure.exceptions e where e.casegroup_id = groups.casegroup_id and e.status <> 'RESOLVED'
                          and e.severity = 'HOLD')
            order by 1
            """  # noqa: S608  the query above
        ),
        {"ids": list(casegroup_ids)},
    )
    return list(rows.scalars())


def causes(connection: Connection) -> list[dict[str, Any]]:
    """Open HOLD exceptions by what they have in common, what holds most first: the rows of ``reporting.exception_causes``.

    A value that several have in common is a cause of its own; those that stand alone are one line a rule and field.
    """
    query = """
        select * from reporting.exception_causes
        order by held_pence desc, exceptions desc, rule_code collate "C", exception_id collate "C"
    """
    return [dict(row._mapping) for row in connection.execute(text(query))]
