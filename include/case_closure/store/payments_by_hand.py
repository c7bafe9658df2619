"""Payments as people work on them: one, locked; what was entered on it and waits; what the stage needs to say what will happen.

Belongs here: the queries. Does not belong here: whether something may be entered (``desk.payments``), a night's payments
(``store.payments``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import pandas as pd
from sqlalchemy import Connection, text

from case_closure.store import sensitive
from case_closure.store.copy import copy_out, select_list
from case_closure.store.database import raw
from case_closure.tables import handed
from case_closure.tables.frames import to_frame

ENDED_BY_ENTRIES: Final = ("payment_receipt_conflict", "payment_owner_unknown", "payment_name_mismatch")
"""Rules of payments that an entry of a person can end: all but a row that cannot be read."""
_NUMBER = "(select min(v.number) from closure.payment_events v where v.payment_id = p.payment_id)"


@dataclass(frozen=True)
class Waiting:
    """An entry on a payment that no night has taken in yet."""

    resolution_id: str
    csa_system: str | None
    field: str
    new_value: str | None
    source_system: str | None
    entered_by: str
    entered_on: date
    entered_at: datetime
    apart: bool

    @property
    def said(self) -> str:
        """Its value, as whoever may see the payment may see it: not of a casegroup that is nationally sensitive (R26)."""
        return "what is not for everybody to see" if self.apart else self.new_value or ""


def id_of(connection: Connection, number: int) -> str | None:
    """The payment_id of the payment to which the thing of that number happened; whether a person may see it, their role's view
    says."""
    if not 0 < number < 2**63:
        return None
    query = text("select payment_id from closure.payment_events where number = :number")
    found: str | None = connection.execute(query, {"number": number}).scalar_one_or_none()
    return found


def lock(connection: Connection, payment_id: str, *, apart: bool) -> dict[str, Any] | None:
    """The payment on that side (R26), with its number; nobody else works on it until the transaction ends."""
    query = sensitive.with_names(
        f"""
        select p.*, {_NUMBER} as payment_number from closure.payments p
        where p.payment_id = :payment_id and {sensitive.of_row("p", references=("reference",))} = :apart
        for update of p
        """  # noqa: S608  conditions of the store
    )
    row = connection.execute(text(query), {"payment_id": payment_id, "apart": apart}).mappings().first()
    return dict(row) if row else None


def last_event(connection: Connection, payment_id: str) -> int:
    """The number of the last thing that happened to it."""
    query = text("select coalesce(max(number), 0) from closure.payment_events where payment_id = :payment_id")
    return int(connection.execute(query, {"payment_id": payment_id}).scalar_one())


def waiting(connection: Connection, payment_id: str) -> list[Waiting]:
    """What was entered on payments of its reference that no night has taken in, in order."""
    rows = connection.execute(
        text(
            f"""
            select r.resolution_id, r.csa_system, r.field, r.new_value, r.source_system, r.entered_by, r.entered_on, r.entered_at,
                   {sensitive.of_casegroup("r.new_value")}
            from closure.payments p join held.resolutions r on r.csa_case_id = p.reference and r.entity = 'PAYMENT'
            where p.payment_id = :payment_id and r.waiting
              and (r.csa_system is null or r.csa_system = p.csa_system)
              and not exists (select from closure.payment_events v
                              where v.payment_id = p.payment_id and v.by_what = 'RESOLUTION ' || r.resolution_id)
            order by r.entered_on, r.resolution_id
            """  # noqa: S608  a condition of the store
        ),
        {"payment_id": payment_id},
    )
    return [Waiting(*row) for row in rows]


def open_exceptions(connection: Connection, reference: str) -> list[str]:
    """The open exceptions of payments of that reference that an entry can end."""
    rows = connection.execute(
        text(
            "select exception_id from closure.exceptions where rule_code = any(:rules) and status <> 'RESOLVED' "
            "and subject_reference = :reference order by 1"
        ),
        {"reference": reference, "rules": list(ENDED_BY_ENTRIES)},
    )
    return list(rows.scalars())


def casegroups(connection: Connection, casegroup_ids: list[str], *, apart: bool) -> pd.DataFrame:
    """Those of which a case is held, and when they completed; the nationally sensitive ones only with ``apart``."""
    return to_frame(
        copy_out(
            raw(connection),
            f"""
            select w.casegroup_id, g.completed_on from unnest(%(ids)s::text[]) w (casegroup_id)
            left join closure.casegroups g using (casegroup_id)
            where (g.completed_on is not null or exists (select from held.csa_cases c where c.casegroup_id = w.casegroup_id))
              and (%(apart)s or not {sensitive.of_casegroup("w.casegroup_id")})
            """,  # noqa: S608  a condition of the store
            handed.CASEGROUPS_COMPLETED,
            {"ids": casegroup_ids, "apart": apart},
        )
    )


def of_reference(connection: Connection, reference: str, casegroup_ids: list[str]) -> pd.DataFrame:
    """The payments of that reference, and those that wait for one of these casegroups: they go in one pass."""
    return to_frame(
        copy_out(
            raw(connection),
            f"""
            select {select_list(handed.PAYMENTS, "p")} from closure.payments p
            where p.reference = %(reference)s
               or p.casegroup_id = any(%(ids)s::text[]) and p.status in ('HELD', 'FLAGGED')
            order by p.payment_id
            """,  # noqa: S608  names of the shape
            handed.PAYMENTS,
            {"reference": reference, "ids": casegroup_ids},
        )
    )
