"""What a night's applications do: whose casegroup moves and when its liability ends, LTRs, look-ups, answers to LTRs."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from case_closure.domain.applications import (
    ALREADY_REACTIVE,
    KEPT_PROACTIVE,
    LIABILITY_ENDED,
    NOT_ELIGIBLE,
    NOT_ON_CSA,
    REACTIVE,
)
from tests.support.builders import ON, Case, Row, case, nino_of
from tests.support.closure_builders import Taken, application, applied, open_case, stamp

T_DATE = ON + timedelta(days=38)
STRANGER = "AE123456A"


def two_on_two_systems() -> tuple[Case, Case]:
    return open_case("A"), open_case("B", csa_system="CCD")


# --- decisions (B19-B23, R1-R3)


def test_R1_received_25_january_2016_ends_on_3_march() -> None:
    on = date(2016, 1, 28)
    night = applied(application(received_on=date(2016, 1, 25)), cases=[open_case()], on=on)
    assert night.dates() == (REACTIVE, date(2016, 3, 3), date(2016, 3, 4))
    assert night.moved == {"A": (REACTIVE, date(2016, 3, 3))}


R2_EDGES = [
    (received_on, days, KEPT_PROACTIVE if days < 38 else REACTIVE)
    for received_on in (
        date(2016, 1, 25),
        date(2016, 2, 29),
        date(2017, 1, 31),
        date(2017, 12, 31),
        date(2017, 2, 28),
    )
    for days in (0, 37, 38, 39)
]


def test_R2_38_days_before_the_led() -> None:
    """B23: kept proactive it changes no LED and sends no LTR. A casegroup each: leap years, ends of months and years."""
    cases = [open_case(str(n), f"G{n}") for n in range(len(R2_EDGES))]
    stamps = [
        stamp(one, led=received_on + timedelta(days=days))
        for one, (received_on, days, _) in zip(cases, R2_EDGES, strict=True)
    ]
    rows = [
        application(f"AP{n}", received_on, named_paying_parent_nino=nino_of(f"PP-G{n}"))
        for n, (received_on, _, _) in enumerate(R2_EDGES)
    ]
    night = applied(*rows, cases=cases, selected=stamps, on=date(2018, 1, 2))
    kept = {f"AP{n}": (KEPT_PROACTIVE, None, received_on + timedelta(days=days + 1))
            for n, (received_on, days, decision) in enumerate(R2_EDGES) if decision == KEPT_PROACTIVE}  # fmt: skip
    moved = {f"AP{n}": (REACTIVE, received_on + timedelta(days=38), received_on + timedelta(days=39))
             for n, (received_on, _, decision) in enumerate(R2_EDGES) if decision == REACTIVE}  # fmt: skip
    assert {row["application_id"]: night.dates(row["application_id"]) for row in rows} == kept | moved
    assert night.moved == {name.removeprefix("AP"): (REACTIVE, dates[1]) for name, dates in moved.items()}
    assert night.ltrs == sorted(f"LTR1-CS2-{name}" for name in moved)


def test_R2_the_day_that_counts_is_the_day_of_receipt_not_of_the_night() -> None:
    """Received 40 days before the LED and landed 36 before it: in time; the T-date may then be near."""
    one = open_case()
    selected = [stamp(one, led=ON + timedelta(days=36))]
    night = applied(application(received_on=ON - timedelta(days=4)), cases=[one], selected=selected)
    assert night.dates() == (REACTIVE, ON + timedelta(days=34), ON + timedelta(days=35))


def test_R2_the_led_has_passed() -> None:
    one = open_case()
    for led, decision in ((ON - timedelta(days=1), LIABILITY_ENDED), (ON, KEPT_PROACTIVE)):
        night = applied(application(), cases=[one], selected=[stamp(one, led=led)])
        assert night.decisions == {"AP1": decision}
        assert (night.moved, night.ltrs) == ({}, [])


def test_nothing_open_means_liability_has_ended() -> None:
    night = applied(application(), cases=[case("A"), case("B", case_type="ARREARS_ONLY")])
    assert (night.dates(), night.moved, night.ltrs) == ((LIABILITY_ENDED, None, None), {}, [])
    assert night.rows("applications")[0]["casegroup_id"] == "G1"


def test_one_open_case_is_enough() -> None:
    night = applied(application(), cases=[case("A"), open_case("B")])
    assert night.moved == {"A": (REACTIVE, T_DATE), "B": (REACTIVE, T_DATE)}


def test_R3_an_arrears_only_casegroup_is_reactive_too_and_its_LTRs_are_sent() -> None:
    night = applied(application(), cases=[open_case("A", case_type="ARREARS_ONLY")])
    assert night.dates() == (REACTIVE, T_DATE, T_DATE + timedelta(days=1))
    assert night.ltrs == ["LTR1-CS2-AP1"]


def test_B20_the_whole_casegroup_moves_selected_or_not_and_no_other_does() -> None:
    """Selected cases keep their tranche and the night they were selected; others are selected tonight by no tranche."""
    a, b, c = open_case("A"), case("B", csa_system="CSCS"), open_case("C", "G2")
    night = applied(application(), cases=[a, b, c], selected=[stamp(a), stamp(c)])
    lines = {row["csa_case_id"]: row for row in night.rows("end_liability")}
    assert set(lines) == {"A", "B"}
    assert {row["journey"] for row in lines.values()} == {REACTIVE}
    assert {(row["led"], row["became_reactive_on"]) for row in lines.values()} == {(T_DATE, ON)}
    assert (lines["A"]["tranche_id"], lines["A"]["selected_on"]) == ("T01", date(2017, 7, 3))
    assert (lines["B"]["tranche_id"], lines["B"]["selected_on"]) == (None, ON)


def test_not_eligible_moves_nothing() -> None:
    night = applied(application(eligible=False), cases=[open_case()])
    assert (night.dates(), night.moved, night.ltrs) == ((NOT_ELIGIBLE, None, None), {}, [])
    assert night.rows("applications")[0]["casegroup_id"] == "G1"


def test_B19_only_a_paying_parent_of_a_csa_case_has_a_casegroup() -> None:
    """Not a stranger, nobody, a NINO that cannot exist, or somebody who is a receiving parent only."""
    named = (STRANGER, None, "QQ123456C", nino_of("RP-A"))
    night = applied(
        *(application(f"AP{n}", named_paying_parent_nino=nino) for n, nino in enumerate(named)),
        cases=[open_case()],
    )
    assert night.decisions == {f"AP{n}": NOT_ON_CSA for n in range(4)}
    assert [row["casegroup_id"] for row in night.rows("applications")] == [None] * 4


def test_B67_a_number_that_cannot_exist_finds_nobody_even_if_CSA_holds_it() -> None:
    night = applied(
        application(named_paying_parent_nino="QQ123456C"), cases=[open_case(payer={"nino": "QQ123456C"})]
    )
    assert night.decisions == {"AP1": NOT_ON_CSA}
    assert night.items == [("LOOKUP_FAILED_PAYING_PARENT", "AP1")]


def test_R18_the_paying_parent_is_found_by_the_first_eight_characters_however_they_are_written() -> None:
    written = nino_of("PP-G1")
    spaced = f" {written[:2].lower()} {written[2:4]} {written[4:8]}d "
    assert applied(application(named_paying_parent_nino=spaced), cases=[open_case()]).decisions == {
        "AP1": REACTIVE
    }


@pytest.mark.parametrize("order", [1, -1])
def test_applications_are_judged_by_day_of_receipt_then_number(order: int) -> None:
    """Two on one day: the lower number counts, the other has its dates; the order of rows does not matter."""
    rows = [application("AP2", ON), application("AP1", ON), application("AP3", ON - timedelta(days=1))]
    night = applied(*rows[::order], cases=[open_case()])
    assert night.decisions == {"AP3": REACTIVE, "AP1": ALREADY_REACTIVE, "AP2": ALREADY_REACTIVE}
    t_date = T_DATE - timedelta(days=1)
    assert {night.dates(name)[1:] for name in ("AP1", "AP2", "AP3")} == {(t_date, t_date + timedelta(days=1))}
    assert night.ltrs == ["LTR1-CS2-AP3"]


def test_R2_a_second_application_on_a_later_night_changes_nothing() -> None:
    one, first_t_date = open_case(), ON + timedelta(days=30)
    before: Row = {"application_id": "AP0", "casegroup_id": "G1", "decision": REACTIVE, "business_date": ON - timedelta(days=8),
                   "t_date": first_t_date, "effective_date": first_t_date + timedelta(days=1)}  # fmt: skip
    reactive = stamp(one, journey=REACTIVE, led=first_t_date)
    night = applied(application(), cases=[one], selected=[reactive], earlier=[before])
    assert night.dates() == (ALREADY_REACTIVE, first_t_date, first_t_date + timedelta(days=1))
    assert (night.moved, night.ltrs) == ({}, [])


def test_R2_an_application_that_came_too_late_leaves_it_proactive_for_good() -> None:
    """Also for one that was received earlier but arrives after it."""
    one, led = open_case(), ON + timedelta(days=20)
    before: Row = {"application_id": "AP0", "casegroup_id": "G1", "decision": KEPT_PROACTIVE, "t_date": None,
                   "business_date": ON - timedelta(days=1), "effective_date": led + timedelta(days=1)}  # fmt: skip
    late = application(received_on=ON - timedelta(days=60))
    night = applied(late, cases=[one], selected=[stamp(one, led=led)], earlier=[before])
    assert night.dates() == (KEPT_PROACTIVE, None, led + timedelta(days=1))
    assert applied(late, cases=[one], selected=[stamp(one, led=led)]).decisions == {"AP1": REACTIVE}


def test_R2_an_application_sent_again_does_not_stand_in_its_own_way() -> None:
    """Kept proactive for the day it gave at first; with the right one it is in time."""
    one, led = open_case(), ON + timedelta(days=40)
    before: Row = {"application_id": "AP1", "casegroup_id": "G1", "decision": KEPT_PROACTIVE, "t_date": None,
                   "business_date": ON - timedelta(days=1), "effective_date": led + timedelta(days=1)}  # fmt: skip
    assert applied(
        application(), cases=[one], selected=[stamp(one, led=led)], earlier=[before]
    ).decisions == {"AP1": REACTIVE}


def test_two_casegroups_are_decided_each_for_itself() -> None:
    named = application("AP2", named_paying_parent_nino=nino_of("PP-G2"), applicant_nino=nino_of("RP-B"))
    night = applied(application(), named, cases=[open_case("A"), open_case("B", "G2")])
    assert night.decisions == {"AP1": REACTIVE, "AP2": REACTIVE}
    assert night.ltrs == ["LTR1-CS2-AP1", "LTR1-CS2-AP2"]


# --- LTRs (B24, B25)


def test_B24_one_LTR1_for_each_system_that_holds_a_case() -> None:
    third = case("C", csa_system="CCD", case_type="ARREARS_ONLY")
    night = applied(application(), cases=[*two_on_two_systems(), third])
    assert night.ltrs == ["LTR1-CCD-AP1", "LTR1-CS2-AP1"]
    line = night.rows("ltrs")[0]
    assert (line["ltr_type"], line["issued_by"], line["casegroup_id"], line["t_date"]) == (
        "LTR1",
        "system",
        "G1",
        T_DATE,
    )


def response(number: int, outcome: str | None) -> Row:
    return {"ltr_id": f"LTR1-CS2-AP{number}", "acknowledged_on": ON, "outcome": outcome}


def sent(*numbers: int) -> list[Row]:
    return [
        {"ltr_id": f"LTR1-CS2-AP{number}", "csa_system": "CS2", "casegroup_id": "G1"} for number in numbers
    ]


def test_B25_an_answer_to_an_LTR_that_was_sent_is_in_order() -> None:
    """No outcome yet: the CSA team has acknowledged it."""
    answers = [response(n, outcome) for n, outcome in enumerate(("CLOSED", "REFUSED", "PENDING", None))]
    assert applied(responses=answers, ltrs=sent(0, 1, 2, 3)).opened == set()


def test_B25_an_answer_that_is_not() -> None:
    """[12]: of an LTR never sent, of an outcome that is none, of both: an exception and an item each, the casegroup if known."""
    answers = [response(0, "CLOSED"), response(1, "DONE"), response(2, "closed"), response(3, "DONE")]
    night = applied(responses=answers, ltrs=sent(1, 2))
    assert night.opened == {
        ("ltr_unknown", "LTR1-CS2-AP0"), ("ltr_outcome_invalid", "LTR1-CS2-AP1"), ("ltr_outcome_invalid", "LTR1-CS2-AP2"),
        ("ltr_unknown", "LTR1-CS2-AP3"), ("ltr_outcome_invalid", "LTR1-CS2-AP3"),
    }  # fmt: skip
    assert [kind for kind, _ in night.items] == ["MANUAL_HANDLING"] * 5
    groups = {(row["subject_reference"][-3:], row["casegroup_id"]) for row in night.rows("opened")}
    assert groups == {("AP0", None), ("AP1", "G1"), ("AP2", "G1"), ("AP3", None)}


# --- bad applications


def test_an_impossible_date_of_receipt_refuses_the_application_alone() -> None:
    """[12]: none, or one after the night it arrived: nothing is decided, nobody looked up; the other of the night is judged."""
    days = (None, ON + timedelta(days=1), date(2099, 1, 1))
    bad = [application(f"AP{n}", received_on, applicant_nino=None) for n, received_on in enumerate(days)]
    night = applied(*bad, application("AP9"), cases=[open_case()], routes={"G1": "owner-1"})
    assert night.decisions == {"AP9": REACTIVE}
    assert night.opened == {("application_date_invalid", f"AP{n}") for n in range(3)}
    assert [kind for kind, _ in night.items] == ["MANUAL_HANDLING"] * 3
    routes = {(row["casegroup_id"], row["route"], row["case_owner"]) for row in night.rows("opened")}
    assert routes == {("G1", "CASE_OWNER", "owner-1")}


def test_a_mended_application_closes_its_exception() -> None:
    standing: Row = {
        "exception_id": "application_date_invalid-G1---AP1-2017-08-09", "rule_code": "application_date_invalid",
        "severity": "HOLD", "casegroup_id": "G1", "subject": "APPLICATION", "subject_reference": "AP1", "status": "OPEN",
        "route": "FT_TEAM", "business_date": ON - timedelta(days=1),
    }  # fmt: skip
    night = applied(application(), cases=[open_case()], open_exceptions=[standing])
    assert [row["exception_id"] for row in night.rows("resolved")] == [standing["exception_id"]]
    assert night.decisions == {"AP1": REACTIVE}
    again = applied(application(received_on=None), cases=[open_case()], open_exceptions=[standing])
    assert (again.opened, again.rows("resolved"), len(again.rows("seen"))) == (set(), [], 1)


# --- look-ups (B65-B67)


def looked_up(*differently: dict[str, Any]) -> list[list[str]]:
    """The kinds of look-up items of applications with those columns, one night, among cases A of G1 and B of G2."""
    rows = [application(f"AP{number}", **over) for number, over in enumerate(differently)]
    night = applied(*rows, cases=[open_case(), open_case("B", "G2")])
    return [[kind for kind, about in night.items if about == row["application_id"]] for row in rows]


ROLES = {
    "APPLICANT": ("applicant_nino", "applicant_says_csa"),
    "PAYING_PARENT": ("named_paying_parent_nino", "paying_parent_says_csa"),
    "PARTNER": ("partner_nino", "partner_says_csa"),
}


@pytest.mark.parametrize("role", ROLES)
def test_B67_a_look_up_without_a_valid_nino_fails_and_does_not_differ(role: str) -> None:
    """'Failed' is not 'differs', whatever the client said; one item of its own for each role."""
    column, says = ROLES[role]
    overs = [
        {column: nino, says: answer}
        for nino in (None, "", "QQ123456C", "AB12345")
        for answer in (True, False)
    ]
    assert looked_up(*overs) == [[f"LOOKUP_FAILED_{role}"]] * 8


def test_B67_all_three_can_fail() -> None:
    over = {"applicant_nino": None, "named_paying_parent_nino": None, "partner_says_csa": True}
    assert looked_up(over) == [
        [f"LOOKUP_FAILED_{role}" for role in ("APPLICANT", "PARTNER", "PAYING_PARENT")]
    ]


@pytest.mark.parametrize("role", ["applicant", "partner"])
def test_B66_a_look_up_differs_from_what_the_client_said(role: str) -> None:
    """Found: a parent of any case held, paying or receiving, whatever the suffix. An answer not given never differs."""
    on_csa = (nino_of("RP-A"), nino_of("RP-A")[:8] + "D", nino_of("PP-G2"))
    agreed = [(nino, True) for nino in on_csa] + [(STRANGER, False), (STRANGER, None), (on_csa[0], None)]
    differ = [(nino, False) for nino in on_csa] + [(STRANGER, True)]
    overs = [{f"{role}_nino": nino, f"{role}_says_csa": answer} for nino, answer in (*agreed, *differ)]
    assert looked_up(*overs) == [[]] * len(agreed) + [["LOOKUP_DIFFERS"]] * len(differ)


def test_B66_the_paying_parent_is_looked_up_too() -> None:
    found = looked_up(*({"paying_parent_says_csa": answer} for answer in (True, False, None)))
    assert found == [[], ["LOOKUP_DIFFERS"], []]


def test_B65_there_is_no_partner_unless_one_is_given() -> None:
    """A NINO or an answer makes one; neither, nobody to look up."""
    found = looked_up({}, {"partner_nino": STRANGER}, {"partner_says_csa": False})
    assert found == [[], [], ["LOOKUP_FAILED_PARTNER"]]


def test_B66_each_role_that_differs_has_an_item_of_its_own() -> None:
    night = applied(
        application(
            applicant_says_csa=False,
            paying_parent_says_csa=False,
            partner_nino=STRANGER,
            partner_says_csa=True,
        ),
        cases=[open_case()],
    )
    assert night.items == [("LOOKUP_DIFFERS", "AP1")] * 3
    assert len({row["work_item_id"] for row in night.rows("work_items")}) == 3
    assert len({row["detail"] for row in night.rows("work_items")}) == 3


def test_B66_an_application_sent_again_is_looked_up_once_for_each_role() -> None:
    """What is asked already is not asked again; what only now differs is."""
    first = applied(application(applicant_says_csa=False), cases=[open_case()]).rows("work_items")
    both = application(applicant_says_csa=False, paying_parent_says_csa=False)
    asked = [{name: row[name] for name in ("type", "subject_reference", "detail")} for row in first]
    again = applied(both, cases=[open_case()], look_ups=asked).rows("work_items")
    assert [(row["type"], "the paying parent" in row["detail"]) for row in again] == [
        ("LOOKUP_DIFFERS", True)
    ]


def test_B65_every_application_is_looked_up_whatever_its_decision() -> None:
    overs: list[dict[str, Any]] = [{}, {}, {"eligible": False}, {"named_paying_parent_nino": STRANGER}]
    assert looked_up(*(over | {"applicant_says_csa": False} for over in overs)) == [["LOOKUP_DIFFERS"]] * 4


def test_B50_look_ups_go_to_the_case_owner_where_there_is_one() -> None:
    def route(night: Taken) -> list[tuple[str, str | None]]:
        return [(row["route"], row["casegroup_id"]) for row in night.rows("work_items")]

    differs = application(applicant_says_csa=False)
    assert route(applied(differs, cases=[open_case()], routes={"G1": None})) == [("CASE_OWNER", None)]
    assert route(applied(differs, cases=[open_case()])) == [("FT_TEAM", None)]
    assert route(applied(differs | {"named_paying_parent_nino": STRANGER}, cases=[open_case()])) == [
        ("FT_TEAM", None)
    ]


def test_a_night_without_applications_does_nothing() -> None:
    night = applied()
    assert all(frame.empty for frame in night.frames.values())
