"""From when on something is stuck, and what its work item says (R36, [30])."""

from __future__ import annotations

from datetime import date

import pytest

from case_closure.domain import stuck
from case_closure.domain.stuck import Thing

SINCE = date(2017, 8, 10)


def thing(kind: str, state: str, **over: object) -> Thing:
    row = {"kind": kind, "key": "K", "reference": "R", "since": SINCE, "state": state, "who": None, "pence": None,
           "casegroup_id": "G1", "csa_system": None, "csa_case_id": None, "sensitive": False}  # fmt: skip
    return Thing(**(row | over))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [stuck.EXCEPTION, stuck.PAYMENT])
def test_R36_30_of_28_days_a_29th_is_one_too_many(kind: str) -> None:
    before = stuck.since_before(kind, date(2017, 9, 7), 28)
    assert before == SINCE  # what began that day waits for 28 days, and what began before it for more


def test_30_a_night_is_stuck_on_the_next_day_and_a_letter_at_once() -> None:
    assert stuck.since_before(stuck.NIGHT, SINCE, 28) == SINCE
    assert stuck.since_before(stuck.LETTER, SINCE, 28) is None


@pytest.mark.parametrize(
    ("one", "says"),
    [
        (thing(stuck.EXCEPTION, "surname_missing"), "surname_missing is open since 2017-08-10, and nobody has it"),
        (thing(stuck.EXCEPTION, "surname_missing", who="ann"), "and ann has it"),
        (thing(stuck.PAYMENT, "HELD", pence=123_456), "A payment of 1,234.56 GBP is HELD; it was received on 2017-08-10."),
        (thing(stuck.NIGHT, "REJECTED"), "The night of 2017-08-10 is REJECTED: land it right and run it, or skip it"),
        (thing(stuck.NIGHT, "OPEN"), "if its process has gone, run it again"),
        (thing(stuck.LETTER, "FAILED"), "why stands in letter_deliveries"),
    ],
)  # fmt: skip
def test_30_its_item_says_what_waits_and_what_to_do(one: Thing, says: str) -> None:
    assert says in stuck.words(one)


def test_R40_a_skipped_night_is_not_stuck_and_every_other_that_did_not_succeed_is() -> None:
    assert set(stuck.NIGHTS) == set(stuck.WHAT_TO_DO) == {"OPEN", "FAILED", "REJECTED"}
