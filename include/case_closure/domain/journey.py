"""The journey of a selected casegroup: its states, and the moves between them that may be.

Belongs here: the states, the one table of moves, the state a casegroup's facts put it in. Not: finding those facts,
storing moves, letters. Nothing else decides a state, and a move that is not in the table is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SELECTED: Final = "SELECTED"
REMINDED: Final = "REMINDED"
REACTIVE: Final = "REACTIVE"
LIABILITY_ENDED: Final = "LIABILITY_ENDED"
CLOSED: Final = "CLOSED"
FAILED: Final = "FAILED"
INHIBITED: Final = "INHIBITED"

# From each state (None: not selected) the states that may follow. No case's journey becomes proactive again, a
# reminder is never unsent, nobody is selected twice; a failure or an inhibit interrupts from anywhere and gives way to
# wherever the casegroup had got to. What is closed opens again only for a case that joins it or that CSA reopens; and what was
# reactive is where a case brings it that comes, selected elsewhere, when all its own have left.
MOVES: Final[dict[str | None, frozenset[str]]] = {
    None: frozenset({SELECTED, REACTIVE}),
    SELECTED: frozenset({REMINDED, REACTIVE, LIABILITY_ENDED, CLOSED, FAILED, INHIBITED}),
    REMINDED: frozenset({REACTIVE, LIABILITY_ENDED, CLOSED, FAILED, INHIBITED}),
    REACTIVE: frozenset({SELECTED, REMINDED, LIABILITY_ENDED, CLOSED, FAILED, INHIBITED}),
    LIABILITY_ENDED: frozenset({SELECTED, REMINDED, REACTIVE, CLOSED, FAILED, INHIBITED}),
    CLOSED: frozenset({SELECTED, REMINDED, REACTIVE, LIABILITY_ENDED, FAILED, INHIBITED}),
    FAILED: frozenset({SELECTED, REMINDED, REACTIVE, LIABILITY_ENDED, CLOSED, INHIBITED}),
    INHIBITED: frozenset({SELECTED, REMINDED, REACTIVE, LIABILITY_ENDED, CLOSED, FAILED}),
}
STATES: Final = tuple(state for state in MOVES if state is not None)
# What brought a casegroup to a state, in words.
CAUSES: Final = {
    SELECTED: "a tranche selected it or a case that came to it, or what interrupted its closure is gone",
    REMINDED: "the reminder of its end liability date is due",
    REACTIVE: "an application to CMS named its paying parent",
    LIABILITY_ENDED: "the liability of every ongoing case has ended",
    CLOSED: "every case is closed on CSA",
    FAILED: "CSA reported that ending a liability failed",
    INHIBITED: "an inhibit stops its closure",
}


class IllegalMove(Exception):
    """A casegroup cannot go from the one state to the other."""


@dataclass(frozen=True)
class Facts:
    """What a state follows from. ``ended``: every ongoing case's liability has; ``closed``: every case is closed besides."""

    reactive: bool
    reminded: bool
    ended: bool
    closed: bool
    failed: bool
    inhibited: bool


def state_of(facts: Facts) -> str:
    """The state a casegroup with these facts is in. A failure stands before all, an inhibit only while there is
    something left to stop (B53, B70)."""
    if facts.failed:
        return FAILED
    if facts.closed:
        return CLOSED
    if facts.inhibited:
        return INHIBITED
    if facts.ended:
        return LIABILITY_ENDED
    return begun(facts)


def begun(facts: Facts) -> str:
    """How far it has come by itself, whatever interrupts it."""
    if facts.reactive:
        return REACTIVE
    return REMINDED if facts.reminded else SELECTED


def moves(state: str | None, facts: Facts) -> list[tuple[str | None, str]]:
    """The moves of one night, in order; none when it stays. Raises IllegalMove.

    A casegroup first met tonight begins as selected or reactive, whatever has happened to it besides. One that was
    interrupted and became reactive or was reminded meanwhile passes through neither again: its state says where it is.
    """
    moves_made: list[tuple[str | None, str]] = []
    if state is None:
        first = REACTIVE if facts.reactive else SELECTED
        moves_made.append(checked(None, first))
        state = first
    target = state_of(facts)
    if target != state:
        moves_made.append(checked(state, target))
    return moves_made


def checked(state: str | None, target: str) -> tuple[str | None, str]:
    """The move, if it may be. Raises IllegalMove."""
    if target not in MOVES[state]:
        raise IllegalMove(
            f"from {state or 'not selected'} to {target}: the journey of a casegroup has no such move"
        )
    return state, target
