"""Everything that is on record of one casegroup, from the views that everybody may see (R26, [31]).

Belongs here: one query for each kind of event, and its cases. Does not belong here: order, sums, words to a person
(``desk.casegroups``). Nothing is read past the views, so that what they hide is not there; a nationally sensitive casegroup is
told from the same views of schema ``sensitive``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection, CursorResult, text

_LEDGER = """
    select business_date, reference, amount_pence, concat_ws(' ', due_id, lower(reason)) from reporting.ledger
    where kind = '{0}' and due_id = any(cast(:due_ids as text[]))
"""
_DUES = "DUE"
# Each gives business_date, reference, pence and words. In the order in which what bears one date is told: dues, and what is in
# the ledger of them. These are asked for as a list, which the view passes on to its index; it would add up the whole ledger for a
# join.
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
        select business_date, move_number || '-' || to_state, null, concat_ws(': ', 'from ' || nullif(from_state, ''), cause)
        from reporting.journeys where casegroup_id = :casegroup_id
    """,
    _DUES: """
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


# What the pages tell besides; in the order in which what bears one date is told, before and after the others.
BEFORE = {
    "SELECTION": """
        select selected_on, concat_ws('-', csa_system, csa_case_id), null,
               concat_ws(' ', coalesce('tranche ' || tranche_id, 'by an application'), lower(journey), 'liability ends', led)
        from reporting.end_liability where casegroup_id = :casegroup_id
    """,
    "APPLICATION": """
        select business_date, application_id, null,
               concat_ws(' ', lower(replace(decision, '_', ' ')), 'received', received_on, 'T-Date ' || t_date,
                         'in effect from ' || effective_date)
        from reporting.dated_applications where casegroup_id = :casegroup_id
    """,
    "LTR": """
        select coalesce(business_date, current_date), ltr_id, null,
               concat_ws(' ', case when business_date is null then 'waits for the next night,' end, 'liability ends', t_date,
                         'issued by', issued_by, 'acknowledged ' || acknowledged_on, lower(outcome))
        from reporting.ltrs where casegroup_id = :casegroup_id
    """,
}
# The same as in EVENTS, with what a page has beside it: a payment's number, and all of a work item.
FOR_PAGES = {
    "PAYMENT": """
        select business_date, csa_receipt_reference, amount_pence,
               concat_ws(' ', source, csa_system, status, allocated_pence || ' allocated on ' || allocated_on),
               payment_number::text
        from reporting.numbered_payments where casegroup_id = :casegroup_id
    """,
    "ITEM": """
        select business_date, work_item_id, null, concat_ws(' ', type, status, route),
               json_build_object('type', type, 'csa_system', csa_system, 'csa_case_id', csa_case_id, 'route', route,
                                 'status', status, 'detail', detail)::text
        from reporting.work_items where casegroup_id = :casegroup_id
    """,
}
# What was asked for and not done: it changes no due.
NOT_DONE = {
    "CORRECTION_REFUSED": """
        select c.business_date, c.correction_id, c.new_amount_pence,
               concat_ws(' ', c.csa_system, c.csa_case_id, lower(c.creditor), lower(c.arrears_status), lower(c.reason)),
               -- Its record as it came is shown with what was wrong with it.
               (select min(e.exception_id) from reporting.exceptions e
                where e.casegroup_id = :casegroup_id and e.stage = 'corrections' and e.subject_reference = c.correction_id)
        from reporting.corrections c where c.casegroup_id = :casegroup_id and c.status = 'REFUSED'
    """,
}
# By case as well as by casegroup where the case is what an index has.
AFTER = {
    "CASE": """
        select created_on, concat_ws('-', csa_system, csa_case_id), null,
               concat_ws(' ', lower(replace(origin, '_', ' ')), 'on CMS as', cms_case_id,
                         lower(replace(method_of_payment, '_', ' ')))
        from reporting.cases where casegroup_id = :casegroup_id
    """,
    "ACTION": """
        select business_date, concat_ws('-', csa_system, csa_case_id), null, concat_ws(' ', action, '(' || reason || ')')
        from reporting.next_actions where casegroup_id = :casegroup_id
          and csa_system = any(:csa_systems) and csa_case_id = any(:csa_case_ids)
    """,
    "ENFORCEMENT": """
        select business_date, action_id, amount_pence,
               concat_ws(' ', lower(replace(action_type, '_', ' ')), case when ongoing then 'ongoing' end,
                         case when in_force then 'in force' end, period_from, 'to ' || period_to)
        from reporting.enforcement where casegroup_id = :casegroup_id
          and csa_system = any(:csa_systems) and csa_case_id = any(:csa_case_ids)
    """,
    "RECORD": """
        select recorded_on, record_id, null, concat_ws(' ', lower(replace(kind, '_', ' ')), reference, 'by', recorded_by)
        from reporting.records where casegroup_id = :casegroup_id
    """,
    "ACT": """
        select (acted_at at time zone 'UTC')::date, act_number::text, null,
               concat_ws(' ', acted_by, 'as', replace(acted_as, '_', ' ') || ':', replace(action, '_', ' '), lower(about),
                         reference, '(' || reason || ')')
        from reporting.acts where casegroup_id = :casegroup_id
    """,
}


class Event(NamedTuple):
    """One thing that happened. ``pence``: what it is about, signed; None where it is about no money. ``more``: see FOR_PAGES."""

    business_date: date
    kind: str
    reference: str
    pence: int | None
    words: str
    more: str | None = None


def read_only(connection: Connection) -> None:
    """All that is read from here on is as of one moment, also while a night is at work. First in its transaction."""
    connection.exec_driver_sql("set transaction isolation level repeatable read, read only")


def outcome(
    connection: Connection, casegroup_id: str, schema: str = "reporting"
) -> tuple[str | None, str | None]:
    """What has become of it, and why; nothing while no balance was received."""
    row = _run(
        connection, schema, "select outcome, reason from reporting.casegroup_outcomes where casegroup_id = :casegroup_id",
        casegroup_id=casegroup_id,
    ).first()  # fmt: skip
    return tuple(row) if row else (None, None)


def cases(connection: Connection, casegroup_id: str, schema: str = "reporting") -> list[dict[str, Any]]:
    """Its cases as CSA last sent them, those held; see ``reporting.csa_cases``."""
    query = "select * from reporting.csa_cases where casegroup_id = :casegroup_id order by csa_system, csa_case_id"
    rows = _run(connection, schema, query, casegroup_id=casegroup_id)
    return [dict(row) for row in rows.mappings()]


def events(
    connection: Connection, casegroup_id: str, schema: str = "reporting", kinds: Mapping[str, str] = EVENTS,
    cases: Iterable[Mapping[str, Any]] = (),
) -> list[Event]:  # fmt: skip
    """All of these kinds, kind by kind. ``cases``: those of the casegroup, for what is on record by case alone."""
    listed = list(cases)
    values: dict[str, Any] = {
        "casegroup_id": casegroup_id, "csa_systems": sorted({case["csa_system"] for case in listed}),
        "csa_case_ids": sorted({case["csa_case_id"] for case in listed}),
    }  # fmt: skip
    told: list[Event] = []
    for kind, query in kinds.items():
        values["due_ids"] = [event.reference for event in told if event.kind == _DUES]
        rows = map(tuple, _run(connection, schema, query, **values))
        told += [
            Event(on, kind, reference, pence, words, *more)
            for on, reference, pence, words, *more in rows
            if on is not None
        ]
    return told


def _run(connection: Connection, schema: str, query: str, **values: Any) -> CursorResult[Any]:
    """A query written for ``reporting``, of the side asked for."""
    statement = text(query.replace("reporting.", f"{schema}."))
    return connection.execute(
        statement, {name: value for name, value in values.items() if f":{name}" in query}
    )
