"""Trying what a night would make of casegroups, in a transaction that is rolled back: nothing of it is ever kept.

Belongs here: what of a night is tried, and that it is as its rerun. Does not belong here: what is concluded (the stages), what is
told of it (``desk``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from case_closure.night import allocate_payments, finance_path, receive_extract
from case_closure.night.context import NightContext
from case_closure.settings import Settings
from case_closure.stages.decide_next_action import Decided
from case_closure.stages.post_dues import Posted
from case_closure.stages.receive_balances import Received
from case_closure.store import casegroups
from case_closure.store.database import Connection


@dataclass(frozen=True)
class Tried:
    """What the stages would conclude, and how many pence of payments dues would take."""

    received: Received
    posted: Posted
    decided: Decided
    allocated_pence: int


def try_out(connection: Connection, settings: Settings, on: date, casegroup_ids: list[str]) -> Tried:
    """What the rerun of that night would make of these casegroups, and of payments, by what this transaction holds ([26]).

    The same gates judge. What a command entered is taken in and what follows is stored, within the caller's transaction, which
    must not be kept.
    """
    receive_extract.admit_entered(connection, on)
    judged = casegroups.with_those_moved_to(connection, on, casegroup_ids)
    concluded = finance_path.conclude(connection, settings, on, judged)
    concluded.store(connection, on)
    told = allocate_payments.within(_context(settings, on), connection, own=True, rerun=True)
    return Tried(concluded.received, concluded.posted, concluded.decided, int(told["allocated_pence"]))


def unfit_entries(connection: Connection, settings: Settings, on: date) -> list[str]:
    """The numbers of the waiting entries about payments that none is in a state for; as above."""
    receive_extract.admit_entered(connection, on)
    return allocate_payments.unfit_entries(_context(settings, on), connection)


def _context(settings: Settings, on: date) -> NightContext:
    return NightContext(on, "tried out", None, None, settings)
