"""The finance path over one set of casegroups at once: receive balances, set up cases, post dues, decide.

Belongs here: the order of the stages' conclusions where no parts are worked on: casegroups that are judged again, or tried out.
Does not belong here: what is concluded (the stages), when it is stored (whoever asked), the parts of a night (``parts``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from case_closure.night import decide_next_action, post_dues, receive_balances, set_up_cases
from case_closure.night.judging import Tallies
from case_closure.settings import Settings
from case_closure.stages.decide_next_action import Decided
from case_closure.stages.post_dues import Posted
from case_closure.stages.receive_balances import Received
from case_closure.stages.set_up_cases import SetUp, required_cases
from case_closure.store import posting
from case_closure.store.database import Connection


@dataclass(frozen=True)
class Concluded:
    """What the four stages conclude of the casegroups."""

    received: Received
    set_up: SetUp
    posted: Posted
    decided: Decided

    def store(self, connection: Connection, on: date) -> None:
        """Store all of it in the caller's transaction (R7)."""
        posting.store(connection, on, self.set_up, self.posted, self.decided)


def conclude(connection: Connection, settings: Settings, on: date, casegroup_ids: list[str]) -> Concluded:
    """What a night of that date makes of these casegroups by what stands in this transaction; nothing is stored.

    The same gates judge. Their results are not counted: these were when the casegroups were judged in their part.
    """
    tallies = Tallies()
    gathered, dates = receive_balances.gather_part(connection, on, casegroup_ids)
    received = receive_balances.judge_part(settings, gathered, dates, tallies)
    required = required_cases(received.cases, received.balances, received.casegroups)
    everyone, about, dates = set_up_cases.gather_required(connection, on, required)
    set_up = set_up_cases.judge_required(required, everyone, about, dates, on, tallies)
    posted = post_dues.conclude_within(connection, on, received, set_up)
    decided = decide_next_action.conclude(connection, on, casegroup_ids, received, set_up, posted)
    return Concluded(received, set_up, posted, decided)
