"""A casegroup as a caseworker tells it on the telephone: everything on record, in order of date ([31]).

Belongs here: the order, what is outstanding, the refusal of one that is not there. Does not belong here: reading it
(``store.casegroup_events``), how it is printed (``cli``).
"""

from __future__ import annotations

from dataclasses import dataclass

from case_closure import refusals
from case_closure.domain.texts import shown
from case_closure.store import casegroup_events, database
from case_closure.store.casegroup_events import EVENTS, Event

# What is posted and what has changed it since: the pence of these add up to what is outstanding ([18]). What a balance, a
# payment or a letter says is on record beside them, and is the same money.
ON_THE_ACCOUNT = ("DUE", "CORRECTION", "ALLOCATION")


class CasegroupUnknown(refusals.Refused):
    """There is no such casegroup to be shown, or nobody may see it here: the words are the same (R26)."""


@dataclass(frozen=True)
class Story:
    """A casegroup with all its events, the earliest first; of one date in the order of ``EVENTS``."""

    casegroup_id: str
    outcome: str | None
    reason: str | None
    events: list[Event]

    @property
    def outstanding_pence(self) -> int:
        """What its dues come to now, less what was paid."""
        return sum(self.adds(event) for event in self.events)

    @staticmethod
    def adds(event: Event) -> int:
        """What the event adds to what is outstanding, in pence."""
        return event.pence or 0 if event.kind in ON_THE_ACCOUNT else 0


def show(url: str, casegroup_id: str) -> Story:
    """The story of a casegroup, as of one moment. Raises CasegroupUnknown."""
    with database.transaction(url) as connection:
        casegroup_events.read_only(connection)
        outcome, reason = casegroup_events.outcome(connection, casegroup_id)
        events = casegroup_events.events(connection, casegroup_id)
        if not (outcome or events or casegroup_events.is_known(connection, casegroup_id)):
            raise CasegroupUnknown(
                f"There is no casegroup {shown(casegroup_id, 200)}, or it is not for everybody to see. The view "
                "reporting.casegroup_outcomes lists those a balance was received for."
            )
    order = {kind: place for place, kind in enumerate(EVENTS)}
    events.sort(key=lambda event: (event.business_date, order[event.kind], event.reference, event.words))
    return Story(casegroup_id, outcome, reason, events)
