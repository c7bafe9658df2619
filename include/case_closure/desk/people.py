"""Seeing a client's particulars whole: an act, with a reason, kept on the record of the casegroup concerned.

Belongs here: that nobody sees them without its being on record. Does not belong here: the query (``store.people``), how they are
shown (``web``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from case_closure import refusals
from case_closure.desk import acting
from case_closure.desk.acting import Act, Actor
from case_closure.domain.cases import CSA_SYSTEMS, PAYING_PARENT, RECEIVING_PARENT
from case_closure.store import database, people

_LONGEST_REASON = 500


class NotUnmasked(refusals.Refused):
    """Nothing was shown and nothing put on record; the message says what is missing."""


@dataclass(frozen=True)
class Particulars:
    """What is held of a person, each with its meaning, and what was entered for them on that case since."""

    party_id: str
    role: str
    held: list[tuple[str, str, Any]]
    entered: list[dict[str, Any]]


def unmask(
    url: str,
    casegroup_id: str,
    csa_system: str,
    csa_case_id: str,
    role: str,
    *,
    reason: str,
    by: Actor,
    at: datetime,
    apart: bool,
) -> Particulars | None:
    """The person's particulars, once it stands on record that they were asked for; None: no such parent there (R26).

    ``apart``: among the nationally sensitive, for somebody who may see those. Raises NotUnmasked for a reason that says nothing,
    acting.NotAllowed.
    """
    acting.require(by, "unmask_person")
    if apart:
        acting.require(by, "see_sensitive")
    why = reason.strip()
    if not why or len(why) > _LONGEST_REASON:
        raise NotUnmasked(
            f"Say why you need to see the person's particulars, in at most {_LONGEST_REASON} characters: it is kept with your "
            "name. Nothing was shown."
        )
    if csa_system not in CSA_SYSTEMS or role not in (PAYING_PARENT, RECEIVING_PARENT):
        return None
    with database.transaction(url) as connection:
        party_id = people.party_id(connection, casegroup_id, csa_system, csa_case_id, role, apart=apart)
        if party_id is None:
            return None
        act = Act(
            "PERSON",
            party_id,
            casegroup_id,
            after={"role": role, "case": f"{csa_system}-{csa_case_id}"},
            reason=why,
        )
        acting.record(connection, by, "unmask_person", [act], at=at)
        return Particulars(
            party_id, role, people.particulars(connection, party_id, csa_system, csa_case_id, role),
            people.entered(connection, csa_system, csa_case_id, role),
        )  # fmt: skip
