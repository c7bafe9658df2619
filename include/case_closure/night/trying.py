"""Trying what a night would make of casegroups, in a transaction that is rolled back: nothing of it is ever stored.

Belongs here: the order of the stages' conclusions over one set of casegroups. Does not belong here: what is concluded (the
stages), what is told of it (``desk``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from case_closure.night import decide_next_action, post_dues, receive_balances, receive_extract, set_up_cases
from case_closure.night.judging import Tallies
from case_closure.settings import Settings
from case_closure.stages.decide_next_action import Decided
from case_closure.stages.post_dues import Posted
from case_closure.stages.receive_balances import Received
from case_closure.stages.set_up_cases import required_cases
from case_closure.store import casegroups
from case_closure.store.database import Connection


@dataclass(frozen=True)
class Tried:
    """What the stages would conclude."""

    received: Received
    posted: Posted
    decided: Decided


def try_out(connection: Connection, settings: Settings, on: date, casegroup_ids: list[str]) -> Tried:
    """What the rerun of that night would make of these casegroups with all that is held in this transaction ([26]).

    The same gates judge. What a command entered is taken in, within the caller's transaction, which must not be kept.
    """
    tallies = Tallies()
    receive_extract.admit_entered(connection, on)
    judged = casegroups.with_those_moved_to(connection, on, casegroup_ids)
    gathered, dates = receive_balances.gather_part(connection, on, judged)
    received = receive_balances.judge_part(settings, gathered, dates, tallies)
    required = required_cases(received.cases, received.balances, received.casegroups)
    everyone, about, dates = set_up_cases.gather_required(connection, on, required)
    set_up = set_up_cases.judge_required(required, everyone, about, dates, on, tallies)
    posted = post_dues.conclude_within(connection, on, received, set_up)
    decided = decide_next_action.conclude(connection, on, judged, received, set_up, posted)
    return Tried(received, posted, decided)
