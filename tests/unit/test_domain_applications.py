"""What an application does to closure: R1, R2, R3, every date edge of them, and the order in which it is judged."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from case_closure.domain.applications import (
    ALREADY_REACTIVE,
    KEPT_PROACTIVE,
    LIABILITY_ENDED,
    NOT_ELIGIBLE,
    NOT_ON_CSA,
    PROACTIVE,
    REACTIVE,
    Applied,
    CaseThere,
    Decision,
    Ltr,
    Standing,
    after,
    decide,
    ltr_by_hand,
)

RECEIVED = date(2016, 1, 25)
T_DATE, EFFECTIVE = date(2016, 3, 3), date(2016, 3, 4)
NEW = Standing("G1", any_open=True)


def selected(led: date) -> Standing:
    return Standing("G1", any_open=True, journey=PROACTIVE, led=led)


def judged(standing: Standing | None, received_on: date = RECEIVED, eligible: bool = True) -> Decision:
    return decide(received_on, eligible=eligible, standing=standing)


@pytest.mark.parametrize(
    ("received_on", "t_date"),
    [
        (date(2016, 1, 25), date(2016, 3, 3)),  # R1's own example, over 29 February
        (date(2017, 1, 25), date(2017, 3, 4)),  # the same in a common year
        (date(2016, 1, 22), date(2016, 2, 29)),  # ends on the leap day
        (date(2017, 1, 22), date(2017, 3, 1)),
        (date(2016, 2, 29), date(2016, 4, 7)),  # received on it
        (date(2017, 11, 23), date(2017, 12, 31)),  # ends with the year
        (date(2017, 11, 24), date(2018, 1, 1)),
        (date(2017, 12, 31), date(2018, 2, 7)),
        (date(2017, 1, 31), date(2017, 3, 10)),  # from the end of a month
        (date(2017, 3, 23), date(2017, 4, 30)),  # to the end of one
        (date(2017, 3, 25), date(2017, 5, 2)),  # clocks go forward; days are days
        (date(2017, 9, 28), date(2017, 11, 5)),  # a Sunday: no shift for weekends
        (date(2017, 11, 17), date(2017, 12, 25)),  # nor for Christmas
    ],
)
def test_R1_liability_ends_38_calendar_days_after_receipt(received_on: date, t_date: date) -> None:
    """B22: T-Date = received + 38, the day of receipt is day 0; effective the day after."""
    assert judged(NEW, received_on) == Decision(REACTIVE, "G1", t_date, t_date + timedelta(days=1))


@pytest.mark.parametrize(
    ("days", "decision"),
    [
        (0, KEPT_PROACTIVE),
        (1, KEPT_PROACTIVE),
        (37, KEPT_PROACTIVE),
        (38, REACTIVE),
        (39, REACTIVE),
        (400, REACTIVE),
    ],
)
@pytest.mark.parametrize("received_on", [RECEIVED, date(2016, 2, 29), date(2017, 12, 31), date(2017, 1, 31)])
def test_R2_proactive_stays_so_within_38_days_of_the_led(days: int, decision: str, received_on: date) -> None:
    """B23: kept, the LED unchanged and effective the day after it; from 38 days on reactive, and the LED the T-Date."""
    led = received_on + timedelta(days=days)
    found = judged(selected(led), received_on)
    ends_on = received_on + timedelta(days=38)
    if decision == KEPT_PROACTIVE:
        assert found == Decision(KEPT_PROACTIVE, "G1", None, led + timedelta(days=1))
    else:
        assert found == Decision(REACTIVE, "G1", ends_on, ends_on + timedelta(days=1))


def test_R2_at_38_days_the_t_date_is_the_led_it_had() -> None:
    found = judged(selected(T_DATE))
    assert (found.decision, found.t_date) == (REACTIVE, T_DATE)


@pytest.mark.parametrize(("led", "decision"), [
    (RECEIVED - timedelta(days=1), LIABILITY_ENDED), (RECEIVED, KEPT_PROACTIVE), (date(2015, 12, 31), LIABILITY_ENDED),
])  # fmt: skip
def test_R2_no_reactive_once_the_led_has_passed(led: date, decision: str) -> None:
    """The LED itself is not past: it ends at the end of that day."""
    assert judged(selected(led)).decision == decision


def test_R2_a_reactive_led_that_has_passed_has_ended_liability_too() -> None:
    moved = after(NEW, judged(NEW))
    assert judged(moved, T_DATE) == Decision(ALREADY_REACTIVE, "G1", T_DATE, EFFECTIVE)
    assert judged(moved, T_DATE + timedelta(days=1)) == Decision(LIABILITY_ENDED, "G1")


@pytest.mark.parametrize(
    "standing", [Standing("G1", any_open=False), Standing("G1", False, PROACTIVE, date(2030, 1, 1))]
)
def test_nothing_open_means_liability_has_ended(standing: Standing) -> None:
    assert judged(standing) == Decision(LIABILITY_ENDED, "G1")


@pytest.mark.parametrize("standing", [None, NEW, selected(RECEIVED), Standing("G1", any_open=False)])
def test_not_eligible_is_judged_first(standing: Standing | None) -> None:
    """B19: whatever the casegroup; it is named where there is one."""
    assert judged(standing, eligible=False) == Decision(NOT_ELIGIBLE, "G1" if standing else None)


def test_nobody_on_csa_has_no_casegroup() -> None:
    assert judged(None) == Decision(NOT_ON_CSA, None)


@pytest.mark.parametrize("days", [-30, 0, 1, 37])
def test_R2_a_second_application_changes_nothing(days: int) -> None:
    """It has the first one's dates, whenever it was received."""
    moved = after(NEW, judged(NEW))
    second = judged(moved, RECEIVED + timedelta(days=days))
    assert second == Decision(ALREADY_REACTIVE, "G1", T_DATE, EFFECTIVE)
    assert after(moved, second) == moved


def test_R2_a_second_application_does_not_move_what_the_first_left_proactive() -> None:
    """Also one that was received earlier and would have been in time."""
    led = RECEIVED + timedelta(days=20)
    kept = after(selected(led), judged(selected(led)))
    assert (kept.journey, kept.led) == (PROACTIVE, led)
    second = judged(kept, RECEIVED - timedelta(days=100))
    assert second == Decision(KEPT_PROACTIVE, "G1", None, led + timedelta(days=1))


@pytest.mark.parametrize("refused", [Decision(NOT_ELIGIBLE, "G1"), Decision(LIABILITY_ENDED, "G1")])
def test_what_decides_nothing_leaves_the_casegroup_as_it_was(refused: Decision) -> None:
    standing = selected(date(2017, 1, 1))
    assert after(standing, refused) == standing


def test_a_casegroup_becomes_reactive_with_the_t_date_for_its_led() -> None:
    moved = after(selected(date(2017, 1, 1)), judged(selected(date(2017, 1, 1))))
    assert moved == Standing("G1", True, REACTIVE, T_DATE, T_DATE, EFFECTIVE)


# --- LTRs by hand (B26)

CASES = (
    CaseThere("CS2", "A", date(2017, 11, 17)),
    CaseThere("CSCS", "B", date(2017, 9, 17)),
    CaseThere("CS2", "C", None),
)


def test_B26_an_ltr_by_hand_names_the_cases_of_its_system_alone() -> None:
    assert ltr_by_hand("LTR2", "CS2", "APP1", Applied("APP1", "G1", T_DATE), CASES) == Ltr(
        "LTR2-CS2-APP1", "LTR2", "CS2", "A C", "G1", "APP1", T_DATE
    )


@pytest.mark.parametrize(("cases", "t_date"), [(CASES, date(2017, 11, 17)), (CASES[2:], None)])
def test_B26_without_a_t_date_it_has_the_last_end_liability_date_of_any_case(
    cases: tuple[CaseThere, ...], t_date: date | None
) -> None:
    made = ltr_by_hand("LTR2", "CS2", "APP1", Applied("APP1", "G1", None), cases)
    assert isinstance(made, Ltr)
    assert made.t_date == t_date


@pytest.mark.parametrize(
    ("applied", "cases", "why"),
    [(None, (), "There is no application APP1."), (Applied("APP1", None, None), (), "has no case on CSA"),
     (Applied("APP1", "G1", None), CASES, "CCD holds no case of casegroup G1; its cases are on CS2, CSCS."),
     (Applied("APP1", "G1", None), (), "its cases are on no system.")],
)  # fmt: skip
def test_B26_when_there_is_no_ltr_to_issue(
    applied: Applied | None, cases: tuple[CaseThere, ...], why: str
) -> None:
    said = ltr_by_hand("LTR2", "CCD", "APP1", applied, cases)
    assert isinstance(said, str)
    assert why in said
