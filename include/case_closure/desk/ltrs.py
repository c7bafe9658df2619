"""LTRs that a caseworker issues by hand (B26).

Belongs here: asking whether one may be issued, storing it, and the words when it is not. Does not belong here: when it may be
(``domain.applications``), the file that carries it (``outbound``).
"""

from __future__ import annotations

from datetime import datetime

from case_closure import refusals
from case_closure.desk import acting
from case_closure.desk.acting import Act, Actor
from case_closure.domain.applications import ltr_by_hand
from case_closure.domain.texts import shown
from case_closure.store import applications, database


class LtrRefused(refusals.Refused):
    """The LTR was not issued; the message says why and what to do."""


def issue(url: str, ltr_type: str, csa_system: str, application_id: str, *, by: Actor, at: datetime) -> str:
    """Issue an LTR; the next night's file carries it. Returns its ltr_id.

    Raises LtrRefused: no such application, its paying parent is not on CSA, no case on that system, issued already;
    acting.NotAllowed.
    """
    acting.require(by, "record_ltrs")
    with database.transaction(url) as connection:
        applied = applications.find(connection, application_id)
        group = applied.casegroup_id if applied else None
        cases = applications.cases_of(connection, group) if group is not None else []
        ltr = ltr_by_hand(ltr_type, csa_system, application_id, applied, cases)
        if isinstance(ltr, str):
            raise LtrRefused(ltr)
        if not applications.store_ltr(connection, ltr, by=by.name.strip(), at=at):
            issued_by, night = applications.issued(connection, ltr.ltr_id)
            sent = f"went out with the night of {night}" if night else "goes out with the next night"
            raise LtrRefused(
                f"{shown(ltr.ltr_id, 200)} was issued already, by {shown(issued_by)}, and {sent}. Nothing was changed."
            )
        about = Act("LTR", ltr.ltr_id, ltr.casegroup_id, after={"application_id": application_id})
        acting.record(connection, by, "record_ltrs", [about], at=at)
    return ltr.ltr_id
