"""What closure does to a selected casegroup each night: its moves, and which letter goes to whom, and when, and why not."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from case_closure.domain.journey import (
    CLOSED,
    FAILED,
    INHIBITED,
    LIABILITY_ENDED,
    REACTIVE,
    REMINDED,
    SELECTED,
)
from tests.support.builders import BEFORE, ON, Case, Row, case
from tests.support.closure_builders import (
    answered,
    ended_case,
    followed,
    letter_row,
    open_case,
    stamp,
)

NEXT = ON + timedelta(days=1)
ENDED: Row = {"case_status": "CLOSED", "closed_reason": "CASE_CLOSURE", "liability_end_date": ON}


def tonight(*cases: Case, **over: Any) -> list[Row]:
    """Their stamps, selected tonight."""
    return [stamp(one, selected_on=ON, **over) for one in cases]


def turned(*cases: Case) -> list[Row]:
    """Their stamps, selected a while ago and turned reactive tonight."""
    return [
        stamp(one, journey="REACTIVE", led=ON + timedelta(days=38), became_reactive_on=ON) for one in cases
    ]


# --- moves


STANDS: list[tuple[Row, str | None, list[Any]]] = [
    ({}, None, [(None, SELECTED)]),
    ({}, SELECTED, []),
    (ENDED, SELECTED, [(SELECTED, CLOSED)]),
    (ENDED, None, [(None, SELECTED), (SELECTED, CLOSED)]),
    (ENDED | {"liability_end_date": NEXT}, SELECTED, []),  # closed, but liability ends tomorrow
    ({"liability_end_date": ON}, SELECTED, [(SELECTED, LIABILITY_ENDED)]),
    ({"liability_end_date": NEXT}, SELECTED, []),
    (ENDED | {"closed_reason": "OTHER"}, SELECTED, [(SELECTED, CLOSED)]),
    ({"case_type": "ARREARS_ONLY"}, SELECTED, [(SELECTED, LIABILITY_ENDED)]),  # R3: no liability to end
    ({"case_type": "ARREARS_ONLY", "case_status": "CLOSED"}, SELECTED, [(SELECTED, CLOSED)]),
    ({}, CLOSED, [(CLOSED, SELECTED)]),  # reopened
    ({"manual_inhibit": True}, SELECTED, [(SELECTED, INHIBITED)]),
    ({"automatic_inhibit": True}, SELECTED, [(SELECTED, INHIBITED)]),
    (ENDED | {"manual_inhibit": True}, SELECTED, [(SELECTED, CLOSED)]),  # B70: nothing left to stop
    ({}, INHIBITED, [(INHIBITED, SELECTED)]),  # B69: the flag is gone
    ({"closure_failure_code": "CF1"}, SELECTED, [(SELECTED, FAILED)]),
    ({}, FAILED, [(FAILED, SELECTED)]),
]


@pytest.mark.parametrize("state", [None, SELECTED, CLOSED, INHIBITED, FAILED])
def test_where_a_casegroup_of_one_case_stands(state: str | None) -> None:
    """A casegroup each for every line of the table that begins in this state."""
    lines = [(over, moves) for over, before, moves in STANDS if before == state]
    cases = [open_case(str(n), f"G{n}", **over) for n, (over, _) in enumerate(lines)]
    found = followed(*cases, state=state).rows("moves")
    assert [
        [(row["from_state"], row["to_state"]) for row in found if row["casegroup_id"] == f"G{n}"]
        for n in range(len(lines))
    ] == [moves for _, moves in lines]


def test_a_casegroup_is_where_the_last_of_its_cases_is() -> None:
    assert followed(ended_case("A"), open_case("B")).moves == []
    assert followed(ended_case("A"), ended_case("B", ended=NEXT)).moves == []
    assert followed(ended_case("A"), open_case("B", liability_end_date=BEFORE)).moves == [
        (SELECTED, LIABILITY_ENDED)
    ]
    assert followed(ended_case("A"), open_case("B", case_type="ARREARS_ONLY")).moves == [
        (SELECTED, LIABILITY_ENDED)
    ]


def test_R12_one_inhibited_or_failed_case_stops_its_casegroup_and_no_other() -> None:
    cases = [ended_case("A"), open_case("B", manual_inhibit=True), ended_case("C", "G2")]
    assert {(row["casegroup_id"], row["to_state"]) for row in followed(*cases).rows("moves")} == {
        ("G1", INHIBITED), ("G2", CLOSED),
    }  # fmt: skip


def test_moves_are_numbered_on_and_say_why() -> None:
    night = followed(ended_case(), state=REMINDED, moves=3)
    (move,) = night.rows("moves")
    assert (move["move_number"], move["business_date"], move["cause"]) == (
        4,
        ON,
        "every case is closed on CSA",
    )
    assert night.rows("journeys") == [
        {"casegroup_id": "G1", "state": CLOSED, "move_number": 4, "business_date": ON}
    ]


def test_a_new_journey_begins_reactive_when_an_application_selected_it() -> None:
    one = open_case()
    stamps = [stamp(one, tranche_id=None, journey="REACTIVE", selected_on=ON, became_reactive_on=ON)]
    assert followed(one, selected=stamps, state=None).moves == [(None, REACTIVE)]


def test_what_is_not_selected_is_left_alone() -> None:
    night = followed(open_case("A"), ended_case("B", "G2"), selected=[stamp(open_case("A"))])
    assert (night.moves, night.letters) == ([], [])


# --- inhibits (B69, B70)


def inhibit(inhibit_id: str = "I1", **over: Any) -> Row:
    row: Row = {"inhibit_id": inhibit_id, "csa_system": "CS2", "csa_case_id": "A", "set_by_role": "TEAM_LEADER",
                "set_on": BEFORE, "removed_on": None}  # fmt: skip
    return row | over


INHIBITS: list[tuple[list[Row], bool]] = [
    ([inhibit()], True),
    ([inhibit(set_by_role="MANAGER")], True),
    ([inhibit(set_by_role="CASEWORKER")], False),
    ([inhibit(set_on=ON)], True),
    ([inhibit(set_on=NEXT)], False),
    ([inhibit(removed_on=NEXT)], True),
    ([inhibit(removed_on=ON)], False),  # removed today: closure goes on
    ([inhibit(), inhibit("I2", removed_on=ON)], True),  # one of two
    ([inhibit(removed_on=BEFORE), inhibit("I2", removed_on=ON)], False),
    ([inhibit(csa_case_id="Z")], False),
    ([inhibit(csa_system="CCD")], False),
]


def test_B70_who_inhibits_and_until_when() -> None:
    """A casegroup each for every line of the table, its case A; several inhibits on one."""
    cases = [open_case(f"A{n}", f"G{n}") for n in range(len(INHIBITS))]
    rows = [
        row | {"csa_case_id": f"{row['csa_case_id']}{n}"}
        for n, (some, _) in enumerate(INHIBITS)
        for row in some
    ]
    inhibited = {
        row["casegroup_id"]
        for row in followed(*cases, inhibits=rows).rows("moves")
        if row["to_state"] == INHIBITED
    }
    assert inhibited == {f"G{n}" for n, (_, expected) in enumerate(INHIBITS) if expected}


def test_B69_removal_lets_it_go_on_from_where_it_had_got_to() -> None:
    """The reminder was sent before; the removal of the last of several inhibits is the event."""
    one, sent = open_case(), [letter_row("CMSL6306"), letter_row("CMSL6311", open_case())]
    removed = [inhibit(removed_on=BEFORE), inhibit("I2", set_by_role="MANAGER", removed_on=ON)]
    assert followed(one, state=INHIBITED, letters=sent, inhibits=removed).moves == [(INHIBITED, REMINDED)]
    assert followed(one, state=INHIBITED, letters=sent, inhibits=[*removed, inhibit("I3")]).moves == []
    reactive = [stamp(one, journey="REACTIVE", became_reactive_on=BEFORE)]
    assert followed(one, state=INHIBITED, selected=reactive, inhibits=removed).moves == [
        (INHIBITED, REACTIVE)
    ]


def test_B16_an_inhibit_stops_no_letter() -> None:
    one = open_case(manual_inhibit=True)
    assert followed(one, selected=tonight(one), state=None).codes == ["CMSL6303", "CMSL6308"]


# --- failures (B53)


def failure(on: date) -> Row:
    return {"csa_system": "CS2", "csa_case_id": "A", "failure_code": "CF1", "business_date": on}


def test_B53_a_failure_stands_until_a_later_CLOSED_row() -> None:
    """A report of tonight beside tonight's CLOSED row stands; the next night's row clears it; an OPEN row never does."""
    assert followed(open_case(), closure_failures=[failure(ON)]).moves == [(SELECTED, FAILED)]
    assert followed(ended_case(), closure_failures=[failure(ON)]).moves == [(SELECTED, FAILED)]
    assert followed(open_case(), closure_failures=[failure(BEFORE)], state=FAILED).moves == []
    assert followed(ended_case(), closure_failures=[failure(BEFORE)], state=FAILED).moves == [
        (FAILED, CLOSED)
    ]


def test_B53_a_failure_cleared_before_liability_has_ended() -> None:
    night = followed(ended_case(ended=NEXT), closure_failures=[failure(BEFORE)], state=FAILED)
    assert night.moves == [(FAILED, SELECTED)]


# --- first contact (B12)


def test_B12_first_contact_goes_to_the_paying_parent_once_and_to_the_receiving_parent_of_each_ongoing_case() -> (
    None
):
    cases = [
        open_case("A"),
        open_case("B", csa_system="CCD"),
        case("C", case_type="ARREARS_ONLY"),
        ended_case("D"),
    ]
    night = followed(*cases, selected=tonight(*cases), state=None)
    assert [line for line in night.letters if line[0] in ("CMSL6303", "CMSL6308")] == [
        ("CMSL6303", None), ("CMSL6308", "A"), ("CMSL6308", "B"), ("CMSL6308", "D"),
    ]  # fmt: skip
    first = night.letter("CMSL6303")
    assert (first["recipient_role"], first["party_id"], first["csa_system"]) == (
        "PAYING_PARENT",
        "PP-G1",
        None,
    )
    assert first["letter_id"] == "CMSL6303-G1---PP-G1-2017-08-10"
    second = next(row for row in night.rows("letters") if row["csa_case_id"] == "B")
    assert (second["recipient_role"], second["party_id"], second["total_pence"]) == (
        "RECEIVING_PARENT",
        "RP-B",
        None,
    )
    assert second["letter_id"] == "CMSL6308-G1-CCD-B-RP-B-2017-08-10"


def test_B12_an_arrears_only_casegroup_is_told_nothing() -> None:
    one = open_case(case_type="ARREARS_ONLY")
    assert (
        followed(one, selected=tonight(one, journey="REACTIVE", became_reactive_on=ON), state=None).letters
        == []
    )
    ended = case(case_type="ARREARS_ONLY")
    assert followed(ended, on=date(2018, 2, 1), state=SELECTED).letters == []


def test_B12_first_contact_of_a_casegroup_that_an_application_selected_is_the_reactive_one() -> None:
    one = open_case()
    stamps = tonight(one, journey="REACTIVE", tranche_id=None, became_reactive_on=ON)
    assert followed(one, selected=stamps, state=None).letters == [("CMSL6304", None), ("CMSL6309", "A")]


def test_B12_R37_50_one_selected_and_turned_reactive_on_one_night_is_written_to_once() -> None:
    """[50]"""
    one = open_case()
    stamps = tonight(one, journey="REACTIVE", became_reactive_on=ON)
    assert followed(one, selected=stamps, state=None).codes == ["CMSL6304", "CMSL6309"]


def test_first_contact_is_for_the_night_of_selection_alone_and_goes_once() -> None:
    one = open_case()
    assert followed(one, selected=[stamp(one, selected_on=BEFORE)]).letters == []
    sent = [letter_row("CMSL6303", None, ON), letter_row("CMSL6308", one, ON)]
    assert followed(one, selected=tonight(one), letters=sent).letters == []
    assert followed(one, selected=tonight(one), letters=sent[:1]).letters == [("CMSL6308", "A")]


@pytest.mark.parametrize(("journey", "code"), [("PROACTIVE", "CMSL6308"), ("REACTIVE", "CMSL6309")])
def test_B7_a_case_that_joins_brings_its_receiving_parent_the_first_letter(journey: str, code: str) -> None:
    """The paying parent has theirs."""
    there, joining = open_case("A"), open_case("B")
    over = {"journey": journey, "became_reactive_on": BEFORE if journey == "REACTIVE" else None}
    stamps = [stamp(there, **over), stamp(joining, selected_on=ON, **over)]
    assert followed(there, joining, selected=stamps).letters == [(code, "B")]


def test_B7_the_first_ongoing_case_to_join_brings_the_paying_parent_theirs() -> None:
    there, joining = open_case("A", case_type="ARREARS_ONLY"), open_case("B")
    stamps = [stamp(there), stamp(joining, selected_on=ON)]
    assert followed(there, joining, selected=stamps).letters == [("CMSL6303", None), ("CMSL6308", "B")]


# --- second contact


def test_B23_second_contact_when_it_was_proactive_and_turns_reactive() -> None:
    cases = [open_case("A"), open_case("B"), open_case("C", case_type="ARREARS_ONLY")]
    night = followed(*cases, selected=turned(*cases))
    assert night.letters == [("CMSL6305", None), ("CMSL6310", "A"), ("CMSL6310", "B")]
    assert night.moves == [(SELECTED, REACTIVE)]


def test_B23_second_contact_is_for_that_night_alone() -> None:
    one = open_case()
    stamps = [stamp(one, journey="REACTIVE", became_reactive_on=BEFORE)]
    assert followed(one, selected=stamps, state=REACTIVE).letters == []
    assert followed(one, selected=turned(one), letters=[letter_row("CMSL6305", None, ON)]).codes == [
        "CMSL6310"
    ]


def test_one_case_joins_while_the_others_turn_reactive() -> None:
    there, joining = open_case("A"), open_case("B")
    stamps = [*turned(there), *tonight(joining, journey="REACTIVE", became_reactive_on=ON)]
    assert followed(there, joining, selected=stamps).letters == [
        ("CMSL6305", None), ("CMSL6309", "B"), ("CMSL6310", "A"),
    ]  # fmt: skip


# --- reminder


@pytest.mark.parametrize("after_first", [-1, 0, 1])
def test_B12_the_reminder_begins_a_month_before_or_the_days_given(after_first: int) -> None:
    """A casegroup each: no days given and a shorter month before, days given, the LED itself."""
    on = date(2018, 2, 28) + timedelta(days=after_first)
    leds = [
        (date(2018, 3, 31), None),
        (date(2018, 3, 31), 31),
        (date(2018, 2, 28), 0),
        (date(2018, 6, 8), 100),
    ]
    cases = [open_case(str(n), f"G{n}") for n in range(len(leds))]
    stamps = [stamp(one, led=led, reminder_days=days) for one, (led, days) in zip(cases, leds, strict=True)]
    due = {
        row["casegroup_id"]
        for row in followed(*cases, selected=stamps, on=on).rows("letters")
        if row["code"] == "CMSL6306"
    }
    assert due == {-1: set(), 0: {"G0", "G1", "G2", "G3"}, 1: {"G0", "G1", "G3"}}[after_first]


@pytest.mark.parametrize("after_led", [0, 1])
def test_B12_the_reminder_window_ends_with_the_led(after_led: int) -> None:
    one, led = open_case(), date(2018, 2, 6)
    codes = followed(one, selected=[stamp(one, led=led)], on=led + timedelta(days=after_led)).codes
    assert codes == ([] if after_led else ["CMSL6306", "CMSL6311"])


def test_B12_the_reminder_goes_once_and_is_a_move() -> None:
    """Each case has its own; one that joined after the others were reminded still gets it, the paying parent not again."""
    on = date(2018, 1, 20)
    a, b = open_case("A"), open_case("B")
    night = followed(a, b, on=on)
    assert night.letters == [("CMSL6306", None), ("CMSL6311", "A"), ("CMSL6311", "B")]
    assert night.moves == [(SELECTED, REMINDED)]
    sent = [letter_row("CMSL6306"), letter_row("CMSL6311", a)]
    again = followed(a, b, on=on, state=REMINDED, letters=sent)
    assert (again.letters, again.moves) == ([("CMSL6311", "B")], [])


def test_B12_no_reminder_once_reactive() -> None:
    one = open_case()
    stamps = [stamp(one, journey="REACTIVE", led=ON + timedelta(days=20), became_reactive_on=BEFORE)]
    assert followed(one, selected=stamps, state=REACTIVE).letters == []


def test_at_short_notice_first_contact_and_reminder_go_on_one_night() -> None:
    one = open_case()
    stamps = tonight(one, led=ON + timedelta(days=20))
    night = followed(one, selected=stamps, state=None)
    assert night.codes == ["CMSL6303", "CMSL6306", "CMSL6308", "CMSL6311"]
    assert night.moves == [(None, SELECTED), (SELECTED, REMINDED)]


# --- liability ended


def test_B12_liability_ended_for_one_and_for_all() -> None:
    """6312 for each case as it ends; 6307 when the last ongoing one has."""
    assert followed(ended_case("A"), open_case("B")).letters == [("CMSL6312", "A")]
    sent = [letter_row("CMSL6312", ended_case("A"))]
    night = followed(ended_case("A"), ended_case("B"), open_case("C", case_type="ARREARS_ONLY"), letters=sent)
    assert night.letters == [("CMSL6307", None), ("CMSL6312", "B")]
    sent += [letter_row("CMSL6307"), letter_row("CMSL6312", ended_case("B"))]
    assert followed(ended_case("A"), ended_case("B"), letters=sent, state=CLOSED).letters == []


def test_B12_no_word_of_liability_ended_unless_case_closure_ended_it() -> None:
    """Closed otherwise, ends tomorrow, has not ended, still open, arrears only."""
    others: list[Row] = [{"closed_reason": "OTHER"}, {"liability_end_date": NEXT}, {"liability_end_date": None},
                         {"case_status": "OPEN"}, {"case_type": "ARREARS_ONLY"}]  # fmt: skip
    cases = [case(str(n), f"G{n}", **(ENDED | over)) for n, over in enumerate(others)]
    assert followed(*cases).letters == []


def test_B12_one_closed_otherwise_leaves_the_paying_parent_without_the_word() -> None:
    cases = [ended_case("A"), ended_case("B", closed_reason="OTHER")]
    assert followed(*cases).letters == [("CMSL6312", "A")]


# --- whether it goes out (B13-B16, R16)


FATES: list[tuple[Row, tuple[str, str | None]]] = [
    ({}, ("ISSUED", None)),
    ({"address_line_1": None}, ("NOT_ISSUED", "NO_VALID_ADDRESS")),
    ({"address_line_1": "  "}, ("NOT_ISSUED", "NO_VALID_ADDRESS")),
    ({"postcode": "LS1"}, ("NOT_ISSUED", "NO_VALID_ADDRESS")),
    ({"postcode": None, "country": "FR"}, ("ISSUED", None)),
    ({"dlo": True}, ("SUPPRESSED", "DLO")),
    ({"date_of_death": date(2030, 1, 1)}, ("SUPPRESSED", "DECEASED")),
    ({"dlo": True, "date_of_death": BEFORE}, ("SUPPRESSED", "DLO")),
    ({"address_line_1": None, "dlo": True, "date_of_death": BEFORE}, ("NOT_ISSUED", "NO_VALID_ADDRESS")),
]


def test_B13_B15_R16_the_first_reason_counts_and_the_other_parent_is_written_to() -> None:
    """A casegroup each for every line of the table."""
    cases = [open_case(str(n), f"G{n}", receiver=receiver) for n, (receiver, _) in enumerate(FATES)]
    night = followed(*cases, selected=tonight(*cases), state=None)
    found = {
        (row["code"], row["casegroup_id"]): (row["status"], row["reason"]) for row in night.rows("letters")
    }
    assert found == {("CMSL6303", f"G{n}"): ("ISSUED", None) for n in range(len(FATES))} | {
        ("CMSL6308", f"G{n}"): fate for n, (_, fate) in enumerate(FATES)
    }
    assert night.moves == [(None, SELECTED)] * len(FATES), "B16: suppression never halts closure"


def test_R16_a_death_that_only_CIS_knows_suppresses_too() -> None:
    one = open_case(payer_cis={"date_of_death": date(2016, 5, 1)})
    assert followed(one, selected=tonight(one), state=None).letter("CMSL6303")["reason"] == "DECEASED"


def test_B13_an_address_a_caseworker_entered_counts() -> None:
    one = open_case(receiver={"address_line_1": None})
    entered: Row = {
        "resolution_id": "R1", "csa_system": "CS2", "csa_case_id": "A", "entity": "RECEIVING_PARENT", "field": "address_line_1",
        "old_value": None, "new_value": "3 New Road", "entered_on": ON,
    }  # fmt: skip
    night = followed(one, selected=tonight(one), state=None, resolutions=[entered])
    assert night.letter("CMSL6308")["status"] == "ISSUED"


AGENT: Row = {
    "representative_name": "Citizens Advice",
    "representative_address_line_1": "1 Help Street",
    "representative_postcode": "LS2 7EW",
}


def test_B14_a_representative_gets_a_covering_letter_with_the_fate_of_what_it_covers() -> None:
    one = open_case(receiver=AGENT | {"dlo": True})
    night = followed(one, selected=tonight(one), state=None)
    cover = night.letter("CMSL6314")
    assert cover["covers_letter_id"] == night.letter("CMSL6308")["letter_id"]
    assert (cover["recipient_role"], cover["party_id"], cover["total_pence"]) == (
        "REPRESENTATIVE",
        "RP-A",
        None,
    )
    assert (cover["status"], cover["reason"]) == ("SUPPRESSED", "DLO")
    homeless = open_case(receiver=AGENT | {"representative_address_line_1": None})
    cover = followed(homeless, selected=tonight(homeless), state=None).letter("CMSL6314")
    assert (cover["status"], cover["reason"]) == ("NOT_ISSUED", "NO_VALID_ADDRESS")


def test_B14_two_letters_on_one_night_have_a_covering_letter_each() -> None:
    """Their numbers would be the same; the second adds the code it covers."""
    one = open_case(receiver=AGENT)
    night = followed(one, selected=tonight(one, led=ON + timedelta(days=20)), state=None)
    covers = {
        row["letter_id"]: row["covers_letter_id"]
        for row in night.rows("letters")
        if row["code"] == "CMSL6314"
    }
    assert covers == {
        "CMSL6314-G1-CS2-A-RP-A-2017-08-10": "CMSL6308-G1-CS2-A-RP-A-2017-08-10",
        "CMSL6314-G1-CS2-A-RP-A-2017-08-10-CMSL6311": "CMSL6311-G1-CS2-A-RP-A-2017-08-10",
    }


# --- what the legacy teams say they sent (B15)


def test_B15_an_answer_about_a_letter_that_was_suppressed_is_in_order() -> None:
    letter = "CMSL6303-G1---PP-G1-2017-08-09"
    assert answered({"letter_id": letter, "issued_on": ON}, suppressed={letter: "G1"}).rows("opened") == []


def test_B15_an_answer_about_any_other_letter_is_an_exception() -> None:
    """[12]"""
    night = answered(
        {"letter_id": "CMSL6303-G1---PP-G1-2017-08-08", "issued_on": ON}, suppressed={"another": "G1"}
    )
    (line,) = night.rows("opened")
    assert (line["rule_code"], line["route"], line["casegroup_id"]) == (
        "clerical_letter_unknown",
        "FT_TEAM",
        None,
    )
    assert [row["type"] for row in night.rows("work_items")] == ["MANUAL_HANDLING"]


def test_a_night_with_nothing_to_look_at() -> None:
    night = followed()
    assert (night.moves, night.rows("letters"), night.rows("journeys")) == ([], [], [])
