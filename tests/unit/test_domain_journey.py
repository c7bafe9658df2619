"""The journey of a selected casegroup: the states its facts put it in, and every move, legal or not."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from case_closure.domain.journey import (
    CAUSES,
    CLOSED,
    FAILED,
    INHIBITED,
    LIABILITY_ENDED,
    MOVES,
    REACTIVE,
    REMINDED,
    SELECTED,
    STATES,
    Facts,
    IllegalMove,
    checked,
    moves,
    state_of,
)

NOTHING = Facts(reactive=False, reminded=False, ended=False, closed=False, failed=False, inhibited=False)
EVERY = [Facts(*flags) for flags in itertools.product((False, True), repeat=6)]
# Written out once more and differently from the table under test: what may not be, and why.
BACKWARDS = {(REMINDED, SELECTED)}


def facts(*names: str) -> Facts:
    return replace(NOTHING, **dict.fromkeys(names, True))


@pytest.mark.parametrize(
    ("names", "state"),
    [
        ((), SELECTED),
        (("reminded",), REMINDED),
        (("reactive",), REACTIVE),
        (("reactive", "reminded"), REACTIVE),
        (("ended",), LIABILITY_ENDED),
        (("reactive", "ended"), LIABILITY_ENDED),
        (("ended", "closed"), CLOSED),
        (("inhibited",), INHIBITED),
        (("inhibited", "ended"), INHIBITED),
        (("inhibited", "ended", "closed"), CLOSED),  # B70: nothing left to stop
        (("failed",), FAILED),
        (("failed", "inhibited"), FAILED),
        (("failed", "ended", "closed"), FAILED),  # B53: a failure stands before all
    ],
)
def test_the_state_follows_from_the_facts(names: tuple[str, ...], state: str) -> None:
    assert state_of(facts(*names)) == state


def test_every_fact_has_a_state_and_every_state_occurs() -> None:
    assert {state_of(one) for one in EVERY} == set(STATES) == set(CAUSES)


@pytest.mark.parametrize(("left", "came"), [*itertools.product((None, *STATES), STATES)])
def test_every_move_is_legal_or_refused(left: str | None, came: str) -> None:
    """A casegroup begins as selected or reactive; it never stays by moving, and is never unreminded."""
    legal = came in (SELECTED, REACTIVE) if left is None else left != came and (left, came) not in BACKWARDS
    assert (came in MOVES[left]) == legal
    if legal:
        assert checked(left, came) == (left, came)
    else:
        with pytest.raises(IllegalMove, match=f"from {left or 'not selected'} to {came}"):
            checked(left, came)


@pytest.mark.parametrize("one", EVERY, ids=str)
def test_a_casegroup_first_met_begins_selected_or_reactive(one: Facts) -> None:
    """Whatever has happened to it besides: at most two moves, in order, ending where its facts put it."""
    made = moves(None, one)
    first = REACTIVE if one.reactive else SELECTED
    assert made[0] == (None, first)
    target = state_of(one)
    assert made[1:] == ([] if target == first else [(first, target)])


@pytest.mark.parametrize("state", STATES)
def test_one_that_stays_makes_no_move(state: str) -> None:
    staying = [one for one in EVERY if state_of(one) == state]
    assert all(moves(state, one) == [] for one in staying)


@pytest.mark.parametrize("state", STATES)
def test_one_that_goes_makes_one_move_or_is_refused(state: str) -> None:
    for one in EVERY:
        target = state_of(one)
        if target == state:
            continue
        if (state, target) in BACKWARDS:
            with pytest.raises(IllegalMove):
                moves(state, one)
        else:
            assert moves(state, one) == [(state, target)]


@pytest.mark.parametrize("interruption", ["failed", "inhibited"])
@pytest.mark.parametrize("names", [(), ("reminded",), ("reactive",), ("ended",), ("ended", "closed")])
def test_B69_an_interruption_gives_way_to_where_the_casegroup_had_got_to(
    interruption: str, names: tuple[str, ...]
) -> None:
    interrupted = facts(interruption, *names)
    before, during, after = (state_of(one) for one in (facts(*names), interrupted, facts(*names)))
    if during != before:
        assert moves(before, interrupted) == [(before, during)]
        assert moves(during, facts(*names)) == [(during, after)]


def test_a_whole_proactive_journey() -> None:
    told = [
        moves(None, facts()), moves(SELECTED, facts("reminded")), moves(REMINDED, facts("reminded", "ended")),
        moves(LIABILITY_ENDED, facts("reminded", "ended", "closed")),
    ]  # fmt: skip
    assert told == [
        [(None, SELECTED)],
        [(SELECTED, REMINDED)],
        [(REMINDED, LIABILITY_ENDED)],
        [(LIABILITY_ENDED, CLOSED)],
    ]


def test_what_is_closed_opens_again_for_a_case_that_joins_or_that_csa_reopens() -> None:
    assert moves(CLOSED, facts("reminded")) == [(CLOSED, REMINDED)]
    assert moves(LIABILITY_ENDED, facts("reactive")) == [(LIABILITY_ENDED, REACTIVE)]
