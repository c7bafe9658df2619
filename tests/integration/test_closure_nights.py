"""Closure through whole nights on PostgreSQL: what one night leaves for the next, sent again, run again, run late."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest

from tests.support.builders import ON, Row, case
from tests.support.closure_builders import application, open_case
from tests.support.installation import Installation

pytestmark = pytest.mark.usefixtures("plain_letters")

DAY = timedelta(days=1)
T_DATE = ON + timedelta(days=38)
AGENT: Row = {
    "representative_name": "Citizens Advice",
    "representative_address_line_1": "1 Help Street",
    "representative_postcode": "LS2 7EW",
}


def tranche(store: Installation, **over: Any) -> None:
    """One tranche that selects every open case, with 90 days' notice."""
    row: Row = {
        "tranche_id": "T01", "ocr_reference": "OCR-1", "authorised_by": "Control Group", "authorised_on": "2017-01-04",
        "reason": "all", "segments": [1, 2, 3, 4, 5], "csa_systems": ["CS2", "CSCS", "CCD"], "case_types": ["ONGOING"],
        "max_cases": None, "notice_days": 90, "reminder_days": None, "valid_from": "2017-08-01", "valid_to": None,
    }  # fmt: skip
    store.landing.mkdir(parents=True, exist_ok=True)
    (store.landing / "criteria.json").write_text(json.dumps([row | over]))


def decided(store: Installation) -> dict[str, tuple[str, date | None]]:
    return {row["application_id"]: (row["decision"], row["t_date"]) for row in store.view("applications")}


def letters(store: Installation, on: date | None = None) -> list[tuple[str, str | None]]:
    rows = [row for row in store.view("letters") if row["business_date"] == (on or row["business_date"])]
    return sorted(((row["code"], row["csa_case_id"]) for row in rows), key=str)


def state(store: Installation, casegroup: str = "G1") -> str:
    (row,) = store.query("select state from closure.journeys where casegroup_id = %s", casegroup)
    return str(row["state"])


def items(store: Installation) -> list[tuple[str, str]]:
    rows = store.view("work_items")
    return sorted((row["type"], row["subject_reference"]) for row in rows if row["type"].startswith("LOOKUP"))


def test_applications_sent_again_changed_and_run_again(installation: Installation) -> None:
    """R2, R20, R21: unchanged it is not judged again; what moved nothing is judged anew when it says something new, and
    looked up once for each role; what moved its casegroup stays as it was decided."""
    no = application("AP1", eligible=False, applicant_says_csa=False)
    named = application("AP2", named_paying_parent_nino="AE123456A", applicant_says_csa=False)
    installation.night(ON, open_case(), cms_applications=[no, named])
    assert decided(installation) == {"AP1": ("NOT_ELIGIBLE", None), "AP2": ("NOT_ON_CSA", None)}
    differ = [("LOOKUP_DIFFERS", "AP1"), ("LOOKUP_DIFFERS", "AP2")]
    assert items(installation) == differ

    installation.night(ON + DAY, cms_applications=[no | {"eligible": True}, named])
    assert decided(installation) == {"AP1": ("REACTIVE", T_DATE), "AP2": ("NOT_ON_CSA", None)}
    assert items(installation) == differ
    assert [row["ltr_id"] for row in installation.view("ltrs")] == ["LTR1-CS2-AP1"]

    moved = no | {"eligible": True, "received_on": ON - 5 * DAY}
    installation.night(ON + 2 * DAY, cms_applications=[moved, application("AP3", ON + 2 * DAY)])
    assert decided(installation)["AP1"] == ("REACTIVE", T_DATE)
    assert decided(installation)["AP3"] == ("ALREADY_REACTIVE", T_DATE)
    before = installation.everything()
    for on in (ON, ON + 2 * DAY, ON + DAY):
        installation.run(on, "again")
        assert installation.everything() == before


def test_R37_50_one_selected_and_made_reactive_on_one_night_has_one_first_contact(
    installation: Installation,
) -> None:
    """[50]: letters come last in a night, so nothing of the proactive journey is written first."""
    tranche(installation)
    installation.night(ON, open_case("A"), open_case("B"), cms_applications=[application()])
    assert decided(installation) == {"AP1": ("REACTIVE", T_DATE)}
    stamped = {(row["tranche_id"], row["journey"], row["led"]) for row in installation.view("end_liability")}
    assert stamped == {("T01", "REACTIVE", T_DATE)}
    assert letters(installation) == [("CMSL6304", None), ("CMSL6309", "A"), ("CMSL6309", "B")]


def test_an_application_kept_proactive_and_sent_again_with_an_earlier_day_is_judged_by_that(
    installation: Installation,
) -> None:
    """R2: it is the same application, so it does not stand in its own way; a second one would be left where the first put it."""
    tranche(installation, notice_days=39)
    late = application("AP1", ON + 2 * DAY)
    installation.night(ON, open_case())
    installation.night(ON + 2 * DAY, cms_applications=[late])
    assert decided(installation) == {"AP1": ("KEPT_PROACTIVE", None)}
    installation.night(ON + 3 * DAY, cms_applications=[late | {"received_on": ON}])
    assert decided(installation) == {"AP1": ("REACTIVE", T_DATE)}


def test_answers_that_name_nothing_and_answers_that_do(installation: Installation) -> None:
    """B15, B25, [12]: an unknown LTR or letter is an exception that stays open until it is sent right; others are noted."""
    tranche(installation)
    answer: Row = {"ltr_id": "LTR1-CS2-AP1", "acknowledged_on": ON, "outcome": "CLOSED"}
    letter = f"CMSL6304-G1---PP-G1-{ON}"
    installation.night(
        ON, open_case(payer={"dlo": True}), cms_applications=[application()], ltr_responses=[answer],
        clerical_letters=[{"letter_id": letter, "issued_on": ON}],
    )  # fmt: skip
    unknown = {("ltr_unknown", None), ("clerical_letter_unknown", None)}
    assert installation.open_rules() == unknown, (
        "neither the LTR nor the letter had been sent when they were answered"
    )
    assert [(row["acknowledged_on"], row["outcome"]) for row in installation.view("ltrs")] == [(ON, "CLOSED")]

    again = [answer | {"acknowledged_on": ON + DAY, "outcome": "DONE"}]
    installation.night(
        ON + DAY, ltr_responses=again, clerical_letters=[{"letter_id": letter, "issued_on": ON + DAY}]
    )
    assert installation.open_rules() == {("ltr_outcome_invalid", None)}
    assert [row["outcome"] for row in installation.view("ltrs")] == [None], "a refused answer is no answer"
    sent = {row["letter_id"]: row["clerical_issued_on"] for row in installation.view("letters")}
    assert sent[letter] == ON + DAY

    installation.night(ON + 2 * DAY, ltr_responses=[again[0] | {"outcome": "REFUSED"}])
    assert installation.open_rules() == set()
    assert [row["outcome"] for row in installation.view("ltrs")] == ["REFUSED"]
    before = installation.everything()
    installation.run(ON + DAY, "again")
    assert installation.everything() == before


def test_B15_an_answer_about_a_letter_that_was_issued_names_none_that_was_suppressed(
    installation: Installation,
) -> None:
    """[12]"""
    tranche(installation)
    installation.night(ON, open_case())
    sent = next(row["letter_id"] for row in installation.view("letters") if row["status"] == "ISSUED")
    installation.night(ON + DAY, clerical_letters=[{"letter_id": sent, "issued_on": ON}])
    assert installation.open_rules() == {("clerical_letter_unknown", None)}


def test_a_whole_journey_with_what_interrupts_it(installation: Installation) -> None:
    """B53, B69, B70: selected, inhibited between two nights, released, failed, closed; each letter once."""
    tranche(installation)
    one = open_case(receiver=AGENT)
    installation.night(ON, one)
    record: Row = {"inhibit_id": "I1", "csa_system": "CS2", "csa_case_id": "A", "reason": "Appeal", "set_by": "leader",
                   "set_by_role": "MANAGER", "set_on": ON + 2 * DAY, "removed_on": None}  # fmt: skip
    installation.night(ON + DAY, inhibits=[record])
    assert state(installation) == "SELECTED", "the inhibit is for a day to come"
    installation.night(ON + 4 * DAY)
    assert state(installation) == "INHIBITED"
    installation.night(ON + 5 * DAY, inhibits=[record | {"removed_on": ON + 5 * DAY}])
    assert state(installation) == "SELECTED"
    failure: Row = {
        "csa_system": "CS2",
        "csa_case_id": "A",
        "failure_code": "CF1",
        "failed_on": ON + 90 * DAY,
    }
    installation.night(ON + 90 * DAY, closure_failures=[failure])
    assert (state(installation), installation.open_rules()) == ("FAILED", {("closure_failed", "A")})
    assert letters(installation, ON + 90 * DAY) == [("CMSL6306", None), ("CMSL6311", "A"), ("CMSL6314", "A")]

    ended = case(receiver=AGENT, liability_end_date=ON + 91 * DAY)
    installation.night(ON + 91 * DAY, ended)
    assert (state(installation), installation.open_rules()) == ("CLOSED", set())
    assert installation.outcomes() == {"G1": ("TRANSITION_COMPLETE", "ARREARS_ADDED")}
    assert letters(installation, ON + 91 * DAY) == [
        ("CMSL6301", None), ("CMSL6302", "A"), ("CMSL6307", None), ("CMSL6312", "A"), ("CMSL6314", "A"), ("CMSL6314", "A"),
    ]  # fmt: skip
    covers = {
        row["covers_letter_id"]
        for row in installation.view("letters")
        if row["business_date"] == ON + 91 * DAY
    }
    assert {letter[:8] for letter in covers if letter} == {"CMSL6302", "CMSL6312"}
    moves = installation.query("select from_state, to_state from closure.journey_moves order by move_number")
    assert [row["to_state"] for row in moves] == ["SELECTED", "INHIBITED", "SELECTED", "FAILED", "CLOSED"]
    assert [row["from_state"] for row in moves[1:]] == [row["to_state"] for row in moves[:-1]]


@pytest.mark.parametrize("closing_is_late", [False, True], ids=["in order", "the closing night late"])
def test_B53_a_failure_cleared_stays_cleared_when_the_case_opens_again(
    installation: Installation, closing_is_late: bool
) -> None:
    """It was mended for good; a failure reported after that is another."""
    tranche(installation)
    failure: Row = {"csa_system": "CS2", "csa_case_id": "A", "failure_code": "CF1", "failed_on": ON}
    installation.night(ON, open_case(), closure_failures=[failure])
    assert state(installation) == "FAILED"
    closing, opening = ON + DAY, ON + 2 * DAY
    for night in (opening, closing) if closing_is_late else (closing, opening):
        installation.night(night, case(no_balance=True) if night == closing else open_case())
    assert (state(installation), installation.open_rules()) == ("SELECTED", set())
    installation.night(ON + 3 * DAY, open_case())
    assert (state(installation), installation.open_rules()) == ("SELECTED", set())
    installation.night(ON + 4 * DAY, closure_failures=[failure | {"failed_on": ON + 4 * DAY}])
    assert (state(installation), installation.open_rules()) == ("FAILED", {("closure_failed", "A")})


def test_B53_a_row_closed_with_a_failure_on_it_clears_nothing(installation: Installation) -> None:
    """Nor once the case is open again and its row names no failure."""
    tranche(installation)
    failure: Row = {"csa_system": "CS2", "csa_case_id": "A", "failure_code": "CF1", "failed_on": ON}
    installation.night(ON, open_case(), closure_failures=[failure])
    installation.night(ON + DAY, case(no_balance=True, closure_failure_code="CF2"))
    installation.night(ON + 2 * DAY, open_case())
    assert (state(installation), installation.open_rules()) == ("FAILED", {("closure_failed", "A")})


def test_a_casegroup_is_looked_at_when_a_case_leaves_it(installation: Installation) -> None:
    """B3: what is left of it may be closed already; the case keeps its end liability date and is a casegroup's of its own."""
    tranche(installation)
    installation.night(ON, case("A"), open_case("B"))
    assert state(installation) == "SELECTED"
    installation.night(ON + DAY, open_case("B", "G2"))
    assert (state(installation), state(installation, "G2")) == ("CLOSED", "SELECTED")
    assert letters(installation, ON + DAY) == [("CMSL6301", None), ("CMSL6302", "A"), ("CMSL6307", None)]


def test_R2_a_case_selected_elsewhere_that_comes_when_all_others_have_left_brings_its_journey(
    installation: Installation,
) -> None:
    """Where a reactive casegroup was, a proactive one is then: the case keeps its date and its letters."""
    tranche(installation)
    installation.night(ON, open_case("A", "G1"), open_case("B", "G2"))
    installation.night(ON + DAY, cms_applications=[application("AP1", ON + DAY)])
    assert (state(installation), state(installation, "G2")) == ("REACTIVE", "SELECTED")
    installation.night(ON + 2 * DAY, open_case("A", "G3"))
    installation.night(ON + 3 * DAY, open_case("B", "G1"))
    assert (state(installation), state(installation, "G3")) == ("SELECTED", "REACTIVE")
    journeys = {row["csa_case_id"]: row["journey"] for row in installation.view("end_liability")}
    assert journeys == {"A": "REACTIVE", "B": "PROACTIVE"}


def test_a_late_night_undoes_nothing_of_closure(installation: Installation) -> None:
    """R21: what a later night has closed stays closed; what the late night brings is taken, and what of it ends after
    its own date is told of on the next night."""
    tranche(installation, notice_days=30, valid_to=ON.isoformat())
    both = open_case("A"), open_case("B", case_type="ARREARS_ONLY", receiver={"dlo": True})
    installation.night(ON, *both, open_case("C", "G2", manual_inhibit=True), open_case("D", "G3"))
    installation.night(ON + 40 * DAY, case("A", liability_end_date=ON + 30 * DAY),
                       case("B", case_type="ARREARS_ONLY", liability_end_date=None, receiver={"dlo": True}))  # fmt: skip
    assert state(installation) == "CLOSED"
    before = installation.everything()
    installation.night(ON + 20 * DAY)
    after = installation.everything()
    changed = {view for view, rows in after.items() if rows != before[view]}
    assert changed <= {f"{schema}.{view}" for schema in ("reporting", "sensitive")
                       for view in ("nights", "rule_results", "programme", "programme_months")}  # fmt: skip

    named = {"named_paying_parent_nino": case("C", "G2").payer["nino"]}  # type: ignore[index]
    ended = case("D", "G3", liability_end_date=ON + 25 * DAY)
    installation.night(ON + 21 * DAY, ended, cms_applications=[application("AP1", ON + 20 * DAY, **named)])
    assert decided(installation) == {"AP1": ("REACTIVE", ON + 58 * DAY)}
    assert state(installation, "G2") == "INHIBITED"
    assert letters(installation, ON + 21 * DAY) == [("CMSL6304", None), ("CMSL6309", "C")]
    assert (state(installation), state(installation, "G3")) == ("CLOSED", "CLOSED")
    installation.night(ON + 41 * DAY)
    told = [("CMSL6301", None), ("CMSL6302", "D"), ("CMSL6307", None), ("CMSL6312", "D")]
    assert letters(installation, ON + 41 * DAY) == told
