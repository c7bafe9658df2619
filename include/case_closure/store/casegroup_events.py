"""Everything that is on record of one casegroup, from the views that everybody may see (R26, [31]).

Belongs here: one query for each kind of event, and whether a casegroup is known. Does not belong here: order, sums, words to a
person (``desk.casegroups``). Nothing is read past the views, so that what they hide is not there.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, text

from case_closure.store import sensitive

_LEDGER = """
    select business_date, reference, amount_pence, concat_ws(' ', due_id, lower(reason)) from reporting.ledger
    where kind = '{0}'
      -- As a list, which the view passes on to its index; it would add up the whole ledger for a join.
      and due_id = any(array(select due_id from reporting.dues where casegroup_id = :casegroup_id))
"""
# Each gives business_date, reference, pence and words. In the order in which what bears one date is told.
EVENTS = {
    "BALANCE": """
        select business_date, coalesce(balance_id, 'without a number'), received_pence,
               concat_ws(' ', csa_system, coalesce(csa_case_id, 'without a case number'), lower(source))
        from reporting.balances where casegroup_id = :casegroup_id
    """,
    "RULE": """
        select business_date, concat_ws('-', csa_system, csa_case_id, rule_number), written_off_pence,
               concat_ws(' ', rule_name, result, 'of', before_pence)
        from reporting.debt_rule_results where casegroup_id = :casegroup_id
    """,
    "MOVE": """
        select business_date, move_number || '-' || to_state, null, concat('from ', from_state, ': ', cause)
        from reporting.journeys where casegroup_id = :casegroup_id
    """,
    "DUE": """
        select business_date, due_id, posted_pence, concat_ws(' ', arrears_from, 'to', arrears_to)
        from reporting.dues where casegroup_id = :casegroup_id
    """,
    "CORRECTION": _LEDGER.format("CORRECTION"),
    "PAYMENT": """
        select business_date, csa_receipt_reference, amount_pence,
               concat_ws(' ', source, csa_system, status, allocated_pence || ' allocated on ' || allocated_on)
        from reporting.payments where casegroup_id = :casegroup_id
    """,
    "ALLOCATION": _LEDGER.format("ALLOCATION"),
    "LETTER": """
        select business_date, letter_id, total_pence,
               concat_ws(' ', status, reason, 'to the', replace(lower(recipient_role), '_', ' '))
        from reporting.letters where casegroup_id = :casegroup_id
    """,
    "EXCEPTION": """
        select business_date, exception_id, null,
               concat_ws(' ', rule_code, severity, status, coalesce('since ' || resolved_on, 'with ' || allocated_to))
        from reporting.exceptions where casegroup_id = :casegroup_id
    """,
    "ITEM": """
        select business_date, work_item_id, null, concat_ws(' ', type, status, route)
        from reporting.work_items where casegroup_id = :casegroup_id
    """,
}


class Event(NamedTuple):
    """One thing that happened. ``pence``: what it is about, signed; None where it is about no money."""

    business_date: date
    kind: str
    reference: str
    pence: int | None
    words: str


def read_only(connection: Connection) -> None:
    """All that is read from here on is as of one moment, also while a night is at work. First in its transaction."""
    connection.exec_driver_sql("set transaction isolation level repeatable read, read only")


def outcome(connection: Connection, casegroup_id: str) -> tuple[str | None, str | None]:
    """What has become of it, and why; nothing while no balance was received."""
    row = connection.execute(
        text("select outcome, reason from reporting.casegroup_outcomes where casegroup_id = :casegroup_id"),
        {"casegroup_id": casegroup_id},
    ).first()
    return tuple(row) if row else (None, None)


def is_known(connection: Connection, casegroup_id: str) -> bool:
    """Whether a case of it is held and everybody may see it."""
    return bool(
        connection.execute(
            text(
                "select exists (select from held.csa_cases c where c.casegroup_id = :casegroup_id "  # noqa: S608
                f"and not {sensitive.of_row('c')})"
            ),
            {"casegroup_id": casegroup_id},
        ).scalar_one()
    )


def events(connection: Connection, casegroup_id: str) -> list[Event]:
    """All of them, kind by kind."""
    return [
        Event(on, kind, reference, pence, words)
        for kind, query in EVENTS.items()
        for on, reference, pence, words in connection.execute(text(query), {"casegroup_id": casegroup_id})
    ]
