"""What the page of payments reads: the lists that people work through, one payment, what happened to it, what it paid.

Belongs here: queries of the views of ``reporting``, or of ``sensitive`` (R26). A payment is called by its number, which tells
nothing of whose it is. Does not belong here: what waits about it (``desk.payments``).
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection

from case_closure.store.payments_by_hand import ENDED_BY_ENTRIES
from case_closure.store.shown.casegroups import Schema
from case_closure.store.shown.reading import Rows, all_of, page_of

LISTS: Final = ("SUSPENSE", "FLAGGED", "HELD", "SURPLUS")
"""Where the payments stand that people look through; by an index, each of them."""
_KEY = (("business_date", "date"), ("payment_id", "text"))


def payments_page(
    connection: Connection, status: str, source: str, after: str | None, schema: Schema
) -> Rows:
    """Those that stand so (one of LISTS), the oldest first, from after the one of that payment_id; ``following`` is a number.

    Raises KeyError for another status.
    """
    # Written out: an index of a part of the table serves a value that is known when the query is planned.
    listed = {name: f"status = '{name}'" for name in LISTS}[status]
    select = f"select * from {schema}.numbered_payments where {listed}"  # noqa: S608  one of two schemas, one of LISTS
    values: dict[str, Any] = {}
    if source:
        select, values = select + " and source = :source", {"source": source}
    last = find(connection, after, schema) if after is not None else None
    beyond = [str(last[name]) for name, _ in _KEY] if last else []
    page = page_of(connection, select, values, order=_KEY, after=beyond)
    return Rows(page.rows, [str(page.rows[-1]["payment_number"])] if page.following else None)


def find(connection: Connection, payment_id: str, schema: Schema) -> dict[str, Any] | None:
    """That payment; None: there is none on that side."""
    query = f"select * from {schema}.numbered_payments where payment_id = :payment_id"  # noqa: S608  one of two schemas
    found = all_of(connection, query, payment_id=payment_id)
    return found[0] if found else None


def of_reference(connection: Connection, reference: str, schema: Schema) -> list[dict[str, Any]]:
    """Those with that reference, the first received first."""
    return all_of(
        connection,
        f"select * from {schema}.numbered_payments where csa_receipt_reference = :reference "  # noqa: S608  one of two schemas
        "order by business_date, payment_id limit 100",
        reference=reference,
    )


def events(connection: Connection, payment_id: str, schema: Schema) -> list[dict[str, Any]]:
    """What happened to it, in order."""
    query = f"select * from {schema}.payment_events where payment_id = :payment_id order by event_number"  # noqa: S608  one of two schemas
    return all_of(connection, query, payment_id=payment_id)


def allocations(connection: Connection, payment: dict[str, Any], schema: Schema) -> list[dict[str, Any]]:
    """What each due took of it."""
    if payment["casegroup_id"] is None:
        return []
    return all_of(
        connection,
        f"""
        select business_date, due_id, -amount_pence as pence from {schema}.ledger
        where kind = 'ALLOCATION' and due_id = any(array(
                select due_id from {schema}.dues where casegroup_id = :casegroup_id))
          and entry_id = due_id || '-ALLOCATION-' || :payment_id
        order by due_id
        """,  # noqa: S608  one of two schemas
        casegroup_id=payment["casegroup_id"], payment_id=payment["payment_id"],
    )  # fmt: skip


def exceptions(connection: Connection, payment: dict[str, Any], schema: Schema) -> list[dict[str, Any]]:
    """Why it is in suspense; of one that is not there is nothing to ask."""
    if payment["status"] != "SUSPENSE":
        return []
    return all_of(
        connection,
        f"select exception_id, rule_code, business_date, message, status, allocated_to from {schema}.exceptions "  # noqa: S608  one of two schemas
        "where rule_code = any(:rules) and status <> 'RESOLVED' and subject_reference = :reference order by exception_id",
        reference=payment["csa_receipt_reference"], rules=list(ENDED_BY_ENTRIES),
    )  # fmt: skip


def acts(connection: Connection, number: int, schema: Schema) -> list[dict[str, Any]]:
    """What people did to it here."""
    return all_of(
        connection,
        f"select acted_at, acted_by, acted_as, action, after, reason from {schema}.acts "  # noqa: S608  one of two schemas
        "where reference = :number and about = 'PAYMENT' order by act_number",
        number=str(number),
    )
