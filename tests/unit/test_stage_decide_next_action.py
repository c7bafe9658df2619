"""Decide: letters, work items, the life of exceptions, next actions (B14-B18, B45-B50, B72; R4, R10, R14-R16)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pytest

from case_closure.domain.rules import RULES
from tests.support.builders import (
    ALL_NINE,
    BEFORE,
    ON,
    Night,
    Row,
    balance,
    case,
    nino_of,
    party,
    person,
    records,
    tonight,
)

COMPLETE = ("TRANSITION_COMPLETE", "ARREARS_ADDED")
ISSUED = ("ISSUED", None)


def letter(night: Night, code: str, party: str) -> Row:
    rows = night.decided.letters
    (row,) = records(rows[(rows["code"] == code) & (rows["party_id"] == party)])
    return row


# --- letters (B18, R15)


def test_B18_R15_6301_once_to_the_paying_parent_6302_to_each_receiving_parent_with_a_due() -> None:
    night = tonight(
        case("A", owes=ALL_NINE),
        case("B", owes={"rp_active": 50, "gb_sos_active": -9}),
        case("C", owes={}),
        case("D", owes={"ni_sos_deferred": 7}),
    )
    assert night.letters == {
        ("CMSL6301", "PP-G1"): ISSUED, ("CMSL6302", "RP-A"): ISSUED, ("CMSL6302", "RP-B"): ISSUED, ("CMSL6302", "RP-D"): ISSUED,
    }  # fmt: skip


def test_R15_6302_states_the_dues_of_its_own_case_SoS_included_and_6301_all_of_the_casegroup() -> None:
    night = tonight(case("A", owes=ALL_NINE), case("B", owes={"rp_active": 50, "gb_sos_active": -9}))
    nine = sum(ALL_NINE.values())
    assert letter(night, "CMSL6302", "RP-A")["total_pence"] == nine
    assert letter(night, "CMSL6302", "RP-B")["total_pence"] == 50
    assert letter(night, "CMSL6301", "PP-G1")["total_pence"] == nine + 50


def test_R15_one_for_each_required_case_though_one_parent_receives_for_two() -> None:
    night = tonight(case("A", receiving_parent_id="RP"), case("B", receiving_parent_id="RP"))
    rows = night.decided.letters
    assert sorted(rows[rows["code"] == "CMSL6302"]["csa_case_id"]) == ["A", "B"]


def test_a_letters_key_has_its_empty_parts_kept() -> None:
    night = tonight(case())
    assert letter(night, "CMSL6301", "PP-G1")["letter_id"] == "CMSL6301-G1---PP-G1-2017-08-10"
    assert letter(night, "CMSL6302", "RP-A")["letter_id"] == "CMSL6302-G1-CS2-A-RP-A-2017-08-10"


def test_R15_nothing_for_a_nil_or_held_or_excepted_casegroup() -> None:
    night = tonight(
        case("A", "1", owes={}),
        case("B", "2", case_status="OPEN"),
        case("C", "3", child=False),
        case("D", "4", partially_clerical=True),
    )
    assert night.letters == {}


def test_B13_B15_R16_when_a_letter_is_not_sent() -> None:
    """The first that applies of NO_VALID_ADDRESS, DLO, DECEASED; suppression never halts closure (B16)."""
    dead = {"date_of_death": date(2016, 1, 1)}
    nowhere: Row = {"address_line_1": None}
    no_place: Row = {"postcode": None, "country": None}
    people: dict[str, tuple[Row, tuple[str, str | None]]] = {
        "fine": ({}, ISSUED),
        "no line": (nowhere, ("NOT_ISSUED", "NO_VALID_ADDRESS")),
        "no place": (no_place, ("NOT_ISSUED", "NO_VALID_ADDRESS")),
        "overseas": ({"postcode": None, "country": "FR"}, ISSUED),
        "jersey": ({"postcode": None, "country": "JE"}, ("NOT_ISSUED", "NO_VALID_ADDRESS")),
        "jersey, postcode": ({"postcode": "JE2 3AB", "country": "JE"}, ISSUED),
        "england": ({"postcode": None, "country": "England"}, ("NOT_ISSUED", "NO_VALID_ADDRESS")),
        "nfa": ({"address_line_2": "NFA"}, ("NOT_ISSUED", "NO_VALID_ADDRESS")),
        "dlo": ({"dlo": True}, ("SUPPRESSED", "DLO")),
        "dead": (dead, ("SUPPRESSED", "DECEASED")),
        "dlo, dead": ({"dlo": True} | dead, ("SUPPRESSED", "DLO")),
        "all": (nowhere | {"dlo": True} | dead, ("NOT_ISSUED", "NO_VALID_ADDRESS")),
    }
    # On CMS already, so that an address is no set-up rule's business.
    night = tonight(*(case(name, name, receiver=row, on_cms={}) for name, (row, _) in people.items()))
    assert {name: night.letters["CMSL6302", f"RP-{name}"] for name in people} == {
        name: how for name, (_, how) in people.items()
    }
    assert {night.outcome(name) for name in people} == {COMPLETE}


def test_R16_any_date_of_death_suppresses_also_one_that_CIS_holds_or_one_to_come() -> None:
    night = tonight(
        case("cis", "1", receiver_cis={"date_of_death": date(2016, 1, 1)}, on_cms={}),
        case("later", "2", payer={"date_of_death": date(2030, 1, 1)}),
    )
    assert night.letters["CMSL6302", "RP-cis"] == ("SUPPRESSED", "DECEASED")
    assert night.letters["CMSL6301", "PP-2"] == ("SUPPRESSED", "DECEASED")
    assert night.letters["CMSL6302", "RP-later"] == ISSUED


def test_B14_a_representative_gets_a_covering_letter_linked_to_the_clients() -> None:
    night = tonight(
        case(
            receiver={
                "representative_name": "Rep & Co",
                "representative_address_line_1": "2 Low Road",
                "representative_postcode": "LS1 4AP",
            }
        )
    )
    covering, covered = letter(night, "CMSL6314", "RP-A"), letter(night, "CMSL6302", "RP-A")
    assert (covering["covers_letter_id"], covering["recipient_role"]) == (
        covered["letter_id"],
        "REPRESENTATIVE",
    )
    assert (covering["status"], covering["csa_case_id"]) == ("ISSUED", "A")
    assert pd.Series(covering).isna()["total_pence"]
    assert covering["letter_id"] == "CMSL6314-G1-CS2-A-RP-A-2017-08-10"
    assert len(night.letters) == 3


def test_B14_R16_a_covering_letter_has_the_fate_of_the_letter_it_covers() -> None:
    agent: Row = {
        "representative_name": "Rep",
        "representative_address_line_1": "2 Low Road",
        "representative_postcode": "LS1 4AP",
    }
    night = tonight(
        case("dlo", "1", receiver=agent | {"dlo": True}),
        case("homeless", "2", receiver={"representative_name": "Rep"}),
        case(
            "blank",
            "3",
            receiver={
                "representative_name": "  ",
                "representative_address_line_1": "x",
                "representative_postcode": "LS1 4AP",
            },
        ),
        case("both", "4", receiver={"representative_name": "Rep", "dlo": True}),
        case("payer", "5", payer=agent | {"date_of_death": ON}),
    )
    assert night.letters["CMSL6314", "RP-dlo"] == ("SUPPRESSED", "DLO")
    assert night.letters["CMSL6314", "RP-homeless"] == ("NOT_ISSUED", "NO_VALID_ADDRESS")
    assert night.letters["CMSL6302", "RP-homeless"] == ISSUED
    assert ("CMSL6314", "RP-blank") not in night.letters
    assert night.letters["CMSL6314", "RP-both"] == ("NOT_ISSUED", "NO_VALID_ADDRESS")
    assert night.letters["CMSL6314", "PP-5"] == ("SUPPRESSED", "DECEASED")


# --- B45, R14: further write-off


WRITE_OFF: dict[str, tuple[dict[str, Any], bool]] = {
    "all, owed": ({"rp_arrears_decision": "WRITE_OFF"}, True),
    "all, a penny": ({"rp_arrears_decision": "WRITE_OFF", "owes": {"rp_deferred": 1}}, True),
    "all, SoS only": (
        {"rp_arrears_decision": "WRITE_OFF", "owes": {"gb_sos_active": 500, "ni_sos_active": 5}},
        False,
    ),
    "all, credit only": (
        {"rp_arrears_decision": "WRITE_OFF", "owes": {"rp_active": -5, "gb_sos_active": 9}},
        False,
    ),
    "part, more": ({"rp_arrears_decision": "PART_WRITE_OFF", "rp_keep_pence": 999}, True),
    "part, just that": ({"rp_arrears_decision": "PART_WRITE_OFF", "rp_keep_pence": 1000}, False),
    "part, less": ({"rp_arrears_decision": "PART_WRITE_OFF", "rp_keep_pence": 1001}, False),
    "part, nothing kept": ({"rp_arrears_decision": "PART_WRITE_OFF", "rp_keep_pence": None}, True),
    "part, sum of three": (
        {
            "rp_arrears_decision": "PART_WRITE_OFF",
            "rp_keep_pence": 29,
            "owes": {"rp_active": 10, "rp_suspended": 10, "rp_deferred": 10},
        },
        True,
    ),
    "part, positives only": (
        {
            "rp_arrears_decision": "PART_WRITE_OFF",
            "rp_keep_pence": 15,
            "owes": {"rp_active": 20, "rp_suspended": -10},
        },
        True,
    ),
    "part, SoS beside": (
        {
            "rp_arrears_decision": "PART_WRITE_OFF",
            "rp_keep_pence": 100,
            "owes": {"rp_active": 100, "gb_sos_active": 900},
        },
        False,
    ),
    "collect": ({"rp_arrears_decision": "COLLECT"}, False),
    "not recorded": ({"rp_arrears_decision": None}, False),
}


def test_B45_R14_when_a_further_write_off_is_to_be_confirmed() -> None:
    night = tonight(*(case(name, name, **row) for name, (row, _) in WRITE_OFF.items()))
    assert {item["csa_case_id"] for item in night.items("CONFIRM_WRITE_OFF")} == {
        name for name, (_, fires) in WRITE_OFF.items() if fires
    }
    # R4: an open write-off item does not block completion.
    assert {night.outcome(name) for name in WRITE_OFF} == {COMPLETE}


def test_R14_fires_only_once_the_arrears_are_there() -> None:
    night = tonight(case("A", rp_arrears_decision="WRITE_OFF", case_status="OPEN"))
    assert night.item_types == []


def test_R14_one_item_for_each_case() -> None:
    night = tonight(
        case("A", rp_arrears_decision="WRITE_OFF"), case("B", rp_arrears_decision="WRITE_OFF"), case("C")
    )
    assert sorted(item["csa_case_id"] for item in night.items("CONFIRM_WRITE_OFF")) == ["A", "B"]


# --- B43, B50, R10


def test_B43_each_case_created_is_presented_to_a_caseworker_also_where_another_fails() -> None:
    night = tonight(case("A"), case("B", child=False), case("C", "G2", on_cms={}))
    assert [item["csa_case_id"] for item in night.items("ARREARS_ONLY_CASE_SET_UP")] == ["A"]


def test_B48_B50_R10_one_exception_is_one_record_and_one_work_item_that_names_it() -> None:
    night = tonight(case(child=False, method_of_payment=None, receiver={"surname": None}))
    opened = night.decided.opened
    assert len(opened) == 3
    items = night.items("MANUAL_HANDLING")
    assert {item["subject_reference"] for item in items} == set(opened["exception_id"])
    assert [item["detail"] for item in items] == opened["message"].tolist()


def test_B50_routed_to_the_case_owner_where_a_casegroup_is_on_CMS_else_to_the_transition_team() -> None:
    new_pair = {"receiving_parent_nino": "ZY999999A"}
    night = tonight(
        case("A", "1", on_cms=new_pair | {"case_owner": "Pat"}, child=False),
        case("B", "2", on_cms=new_pair | {"case_owner": None}, child=False),
        case("C", "3", child=False),
    )
    rows = night.decided.opened.set_index("csa_case_id").fillna({"case_owner": ""})
    assert {case_id: (rows["route"][case_id], rows["case_owner"][case_id] or None) for case_id in "ABC"} == {
        "A": ("CASE_OWNER", "Pat"), "B": ("CASE_OWNER", None), "C": ("FT_TEAM", None),
    }  # fmt: skip
    assert {item["csa_case_id"]: item["route"] for item in night.items("MANUAL_HANDLING")} == {
        "A": "CASE_OWNER", "B": "CASE_OWNER", "C": "FT_TEAM",
    }  # fmt: skip


def test_B50_a_case_created_on_an_earlier_night_makes_it_the_case_owners() -> None:
    earlier = {"case_key": "CS2/A", "csa_system": "CS2", "csa_case_id": "A", "casegroup_id": "G1", "cms_case_id": "CMS-CS2-A",
               "cms_casegroup_id": "CMS-G1", "scheme": "2003", "origin": "ARREARS_ONLY", "parents": "G1/PP-G1/RP-A"}  # fmt: skip
    night = tonight(case("A"), case("B", child=False), cms_cases=[earlier])
    assert night.exception("child_missing")["route"] == "CASE_OWNER"


def test_the_exception_says_at_which_stage_it_was_found_and_what_to_do() -> None:
    night = tonight(case("A", "1", child=False), case("B", "2", balance_row={"total_pence": 1}))
    rows = night.decided.opened.set_index("rule_code")
    assert rows["stage"].to_dict() == {
        "child_missing": "set_up_cases",
        "balance_total_mismatch": "receive_balances",
    }
    assert rows["message"]["child_missing"].startswith("The case has no qualifying child. Look up")
    assert rows["severity"].unique().tolist() == ["HOLD"]


def test_an_exceptions_key_is_natural() -> None:
    """The empty part is the parent, whom only a warning names."""
    assert (
        tonight(case(child=False)).exception("child_missing")["exception_id"]
        == "child_missing-G1-CS2-A--2017-08-10"
    )


# --- the life of an exception


def standing(rule: str, case_id: str = "A", casegroup: str = "G1", **over: Any) -> Row:
    row: Row = {
        "exception_id": f"{rule}-{case_id}",
        "business_date": BEFORE,
        "rule_code": rule,
        "severity": "HOLD",
    }
    return (
        row
        | {
            "csa_system": "CS2",
            "csa_case_id": case_id,
            "casegroup_id": casegroup,
            "subject": RULES[rule].subject,
            "status": "OPEN",
        }
        | over
    )


def life(night: Night) -> tuple[set[str], set[str], set[str]]:
    """Opened (by rule), seen again, resolved."""
    decided = night.decided
    return (
        set(decided.opened["rule_code"]),
        set(decided.seen["exception_id"]),
        set(decided.resolved["exception_id"]),
    )


def test_life_an_exception_whose_cause_stands_is_seen_again_and_not_opened_twice() -> None:
    night = tonight(case(child=False), open_exceptions=[standing("child_missing")])
    assert life(night) == (set(), {"child_missing-A"}, set())
    assert night.outcome() == ("EXCEPTION", "child_missing")
    assert night.item_types == []


def test_life_one_that_is_allocated_stays_so() -> None:
    night = tonight(case(child=False), open_exceptions=[standing("child_missing", status="ALLOCATED")])
    assert life(night) == (set(), {"child_missing-A"}, set())


def test_life_it_is_resolved_when_its_cause_is_gone_and_its_casegroup_goes_on_the_same_night() -> None:
    """B49: the case resumes where it stopped, its arrears are added."""
    night = tonight(case(), open_exceptions=[standing("child_missing"), standing("balance_total_mismatch")])
    assert life(night) == (set(), set(), {"child_missing-A", "balance_total_mismatch-A"})
    assert night.outcome() == COMPLETE
    assert night.dues == {("A", "RP", "ACTIVE"): 1000}


def test_life_a_set_up_exception_stays_open_until_set_up_is_reached_again() -> None:
    """Held, or with a balance refused: nobody looked at the child."""
    before = [standing("child_missing")]
    held = tonight(case(case_status="OPEN"), open_exceptions=before)
    refused = tonight(case(balance_row={"total_pence": 1}), open_exceptions=before)
    assert life(held) == (set(), set(), set())
    assert life(refused) == ({"balance_total_mismatch"}, set(), set())
    assert refused.outcome() == ("EXCEPTION", "balance_total_mismatch,child_missing")


def test_life_a_set_up_exception_closes_when_nothing_is_owed_any_more() -> None:
    night = tonight(case(owes={}, child=False), open_exceptions=[standing("child_missing")])
    assert life(night) == (set(), set(), {"child_missing-A"})
    assert night.outcome() == ("TRANSITION_COMPLETE", "NIL_ARREARS")


def test_life_what_is_resolved_says_by_what() -> None:
    entered = {"resolution_id": "R7", "csa_system": "CS2", "csa_case_id": "A", "entity": "BALANCE", "field": "total_pence",
               "old_value": "7", "new_value": "1000", "entered_on": ON}  # fmt: skip
    night = tonight(
        case("A", "1", balance_row={"total_pence": 7}), case("B", "2"),
        resolutions=[entered],
        open_exceptions=[standing("balance_total_mismatch", "A", "1"), standing("balance_total_mismatch", "B", "2")],
    )  # fmt: skip
    resolved = night.decided.resolved.set_index("csa_case_id")["resolved_by"].to_dict()
    assert resolved == {"A": "RESOLUTION R7", "B": "EXTRACT 2017-08-10"}


EITHER_PARENT: dict[str, Row] = {
    "party_missing": {"not_received": ["payer", "receiver"]},
    "surname_missing": {key: {"surname": None} for key in ("payer", "receiver")},
    "date_of_birth_missing": {key: {"date_of_birth": None} for key in ("payer", "receiver")},
    "date_of_birth_implausible": {key: {"date_of_birth": date(2017, 8, 11)} for key in ("payer", "receiver")},
    "nino_missing": {key: {"nino": None} for key in ("payer", "receiver")},
    "nino_invalid": {"payer": {"nino": "GB123456A"}, "receiver": {"nino": "GB123457A"}},
    "contact_missing": {key: {"address_line_1": None} for key in ("payer", "receiver")},
    "cis_no_match": {"not_in_cis": ["payer", "receiver"]},
    "cis_name_mismatch": {key: {"surname": "Otherwise"} for key in ("payer_cis", "receiver_cis")},
    "cis_date_of_birth_mismatch": {key: {"date_of_birth": date(1970, 2, 2)} for key in ("payer_cis", "receiver_cis")},
    "cis_superseded_nino": {key: {"superseded_by_nino": "AB999999A"} for key in ("payer_cis", "receiver_cis")},
    "cis_deceased": {key: {"date_of_death": date(2017, 1, 1)} for key in ("payer_cis", "receiver_cis")},
    "cis_multiple_matches": {},
}  # fmt: skip
PARENTS = ("PAYING_PARENT", "RECEIVING_PARENT")


def broken(but: str | None = None, **more: Any) -> Night:
    """A casegroup for each of the rules, called as it: both parents break it, or all `but` 'payer' or 'receiver'."""
    cases, twice = [], []
    for rule, fault in EITHER_PARENT.items():
        left = {name: value for name, value in fault.items() if but is None or not name.startswith(but)}
        for name in ("not_received", "not_in_cis"):
            if name in fault:
                left[name] = [who for who in fault[name] if who != but]
        cases.append(case(rule, rule, **left))
    for side, who in (("payer", "PP-cis_multiple_matches"), ("receiver", "RP-cis_multiple_matches")):
        if side != but:
            twice.append(person(party(who), nino=nino_of(who)[:8] + "B"))
    return tonight(*cases, more={"cis_persons": twice}, **more)


def test_R38_two_parents_who_break_one_rule_are_two_exceptions_with_an_item_each() -> None:
    both = {code for code, rule in RULES.items() if rule.subject == "PARTY" and rule.severity == "HOLD"}
    night = broken()
    opened = night.decided.opened
    assert sorted(zip(opened["rule_code"], opened["casegroup_id"], opened["subject"], strict=True)) == sorted(
        (rule, rule, who) for rule in both for who in PARENTS
    )
    assert opened["exception_id"].is_unique
    assert sorted(item["subject_reference"] for item in night.items("MANUAL_HANDLING")) == sorted(
        opened["exception_id"]
    )
    assert {night.outcome(rule) for rule in both} == {("EXCEPTION", rule) for rule in both}


@pytest.mark.parametrize(("mended", "side"), [("PAYING_PARENT", "payer"), ("RECEIVING_PARENT", "receiver")])
def test_R38_the_exception_of_the_parent_who_was_mended_closes_alone(mended: str, side: str) -> None:
    before = [
        standing(rule, rule, rule, subject=who, exception_id=f"{rule} {who}")
        for rule in EITHER_PARENT
        for who in PARENTS
    ]
    night = broken(side, open_exceptions=before)
    (stays,) = {*PARENTS} - {mended}
    assert life(night) == (
        set(),
        {f"{rule} {stays}" for rule in EITHER_PARENT},
        {f"{rule} {mended}" for rule in EITHER_PARENT},
    )


def test_life_a_warning_stays_open_and_is_not_said_twice() -> None:
    warned = standing("nino_administrative_prefix", severity="WARNING", subject="PAYING_PARENT")
    again = tonight(case(payer={"nino": "PY123456A"}), open_exceptions=[warned])
    assert life(again) == (set(), {"nino_administrative_prefix-A"}, set())
    gone = tonight(case(), open_exceptions=[warned])
    assert life(gone) == (set(), set(), set())


def test_outcome_joins_all_open_rule_codes_sorted() -> None:
    night = tonight(
        case("A", child=False, method_of_payment=None, receiver={"surname": None}), case("B", child=False),
        open_exceptions=[standing("nino_administrative_prefix", severity="WARNING", subject="PAYING_PARENT")],
    )  # fmt: skip
    assert night.outcome() == ("EXCEPTION", "child_missing,method_of_payment_invalid,surname_missing")


def test_R20_each_changed_arrival_raises_an_item_of_its_own() -> None:
    """ADD_CORRECT_ARREARS, one for each changed arrival, though the exception is the same one."""
    done = {"casegroup_id": "G1", "sensitive": False, "outcome": "TRANSITION_COMPLETE", "reason": "ARREARS_ADDED",
            "received_pence": 900, "posted_pence": 900, "held_pence": 0, "credit_pence": 0, "completed_on": BEFORE}  # fmt: skip
    before: dict[str, Any] = {
        "standing": [done],
        "open_exceptions": [standing("balance_changed_after_completion")],
    }
    arrived = tonight(case(), **before)
    assert life(arrived) == (set(), {"balance_changed_after_completion-A"}, set())
    assert arrived.item_types == ["ADD_CORRECT_ARREARS"]
    old = tonight(case(balance_row={"business_date": BEFORE}), **before)
    assert old.item_types == []


# --- B72: clerical casegroups


def clerical_item(kind: str, case_id: str, casegroup: str = "G1") -> Row:
    return {
        "work_item_id": f"{kind} {case_id}",
        "type": kind,
        "casegroup_id": casegroup,
        "case_key": f"CS2/{case_id}",
    }


def test_B72_a_clerical_balance_is_added_to_a_case_on_CMS_else_a_case_is_applied_for() -> None:
    night = tonight(
        case("A", "1", partially_clerical=True, on_cms={}),
        case("B", "2", partially_clerical=True),
        case("C", "3", partially_clerical=True, owes={"rp_active": -5}),
        case("D", "4", no_balance=True),
        clerical=[balance("D", "4", {"rp_active": 5})],
    )
    items = {(item["type"], item["csa_case_id"]) for item in night.decided.work_items.to_dict("records")}
    assert items == {
        ("ADD_CORRECT_ARREARS", "A"),
        ("ARREARS_ONLY_APPLICATION", "B"),
        ("ARREARS_ONLY_APPLICATION", "D"),
    }
    assert {night.outcome(group)[0] for group in "1234"} == {"CLERICAL"}


def test_B72_for_each_case_with_a_positive_bucket_once() -> None:
    flags: Row = {"partially_clerical": True}
    night = tonight(
        case("A", **flags),
        case("B"),
        case("C"),
        clerical=[balance("A", "G1", {"rp_active": 5})],
        clerical_items=[clerical_item("ARREARS_ONLY_APPLICATION", "C")],
    )
    assert [item["csa_case_id"] for item in night.items("ARREARS_ONLY_APPLICATION")] == ["A", "B"]


def test_B72_what_was_to_be_done_by_hand_is_closed_once_the_night_has_done_it_by_itself() -> None:
    """The flag that made it is gone: the case is set up, or its balance added. Not before, and not while it is clerical."""
    apply_for, add = "ARREARS_ONLY_APPLICATION", "ADD_CORRECT_ARREARS"
    night = tonight(
        case("A", "1"), case("B", "2", on_cms={}), case("C", "3", partially_clerical=True), case("D", "4", case_status="OPEN"),
        case("E", "5"), case("F", "5", child=False), case("G", "5", on_cms={}), case("H", "6", owes={}),
        clerical_items=[
            clerical_item(apply_for, "A", "1"), clerical_item(add, "B", "2"), clerical_item(apply_for, "C", "3"),
            clerical_item(apply_for, "D", "4"), clerical_item(apply_for, "E", "5"), clerical_item(apply_for, "F", "5"),
            clerical_item(add, "G", "5"), clerical_item(apply_for, "H", "6"),
        ],
    )  # fmt: skip
    assert {night.outcome(group)[0] for group in "126"} == {"TRANSITION_COMPLETE"}
    assert set(night.decided.items_closed["work_item_id"]) == {
        f"{apply_for} A", f"{add} B", f"{apply_for} E", f"{apply_for} H"
    }  # fmt: skip


def test_B72_a_clerical_balance_that_nobody_could_place_is_told_to_somebody() -> None:
    """Amounts of clerical balances are not gated; but one that names neither a case that is held nor a casegroup, or no case at
    all, would be asked of nobody."""
    night = tonight(
        case("A", "1", no_balance=True),
        clerical=[
            balance("A", None, {"rp_active": 5}), balance("named", "9", {"rp_active": 5, "ni_sos_active": None}),
            balance("lost", None, {"rp_active": 5}), balance(None, "1", {"rp_active": 7}, balance_id="no case"),
        ],
    )  # fmt: skip
    opened = night.decided.opened.astype(object).where(lambda frame: frame.notna(), None)
    assert set(zip(opened["rule_code"], opened["csa_case_id"], opened["casegroup_id"], opened["route"], strict=True)) == {
        ("balance_case_unknown", "lost", None, "FT_TEAM"), ("balance_key_missing", None, "1", "FT_TEAM"),
    }  # fmt: skip
    assert len(night.items("MANUAL_HANDLING")) == 2
    assert {item["csa_case_id"] for item in night.items("ARREARS_ONLY_APPLICATION")} == {"A", "named"}
    assert {night.outcome(group) for group in "19"} == {("CLERICAL", "CLERICAL_REPORT")}
    assert sum(night.figure("held").values()) == 22


def inhibit(case_id: str, **over: Any) -> Row:
    row: Row = {"business_date": BEFORE, "inhibit_id": case_id, "csa_system": "CS2", "csa_case_id": case_id, "reason": "x",
                "set_by_role": "CASEWORKER", "set_on": BEFORE}  # fmt: skip
    return row | over


@pytest.mark.parametrize(
    "state",
    [
        {}, {"case_status": "OPEN"}, {"partially_clerical": True}, {"child": False}, {"no_balance": True},
        {"balance_row": {"total_pence": 1}}, {"manual_inhibit": True},
    ],
)  # fmt: skip
def test_B70_R43_an_inhibit_that_was_not_authorised_is_done_with_when_it_is_removed_or_set_by_somebody_who_may(
    state: Row,
) -> None:
    """Whatever holds its casegroup."""
    cases = [case(name, name, **state) for name in "ABCD"]
    before = [standing("inhibit_not_authorised", name, name) for name in "ABCD"]
    night = tonight(
        *cases, open_exceptions=before,
        inhibits=[
            inhibit("A"), inhibit("B", removed_on=ON), inhibit("C", set_by_role="MANAGER"),
            inhibit("D", removed_on=date(2017, 8, 11)),
        ],
    )  # fmt: skip
    assert set(night.decided.resolved["csa_case_id"]) == {"B", "C"}
    assert "inhibit_not_authorised" not in set(night.decided.opened["rule_code"])


def test_R43_an_inhibit_that_was_removed_when_it_arrived_has_no_effect() -> None:
    night = tonight(
        case("A", "1"), case("B", "2"),
        inhibits=[inhibit("A", removed_on=ON), inhibit("B", removed_on=ON, set_by_role="TEAM_LEADER")],
    )  # fmt: skip
    assert (night.opened, night.outcome("1"), night.outcome("2")) == (set(), COMPLETE, COMPLETE)


def test_R26_a_casegroup_with_a_nationally_sensitive_case_is_marked_so() -> None:
    """All that belongs to it stands on that side of the views; tests/integration reads them."""
    night = tonight(case("A", "1", nationally_sensitive=True), case("B", "1"), case("C", "2"))
    lines = night.decided.casegroups.set_index("casegroup_id")["sensitive"].to_dict()
    assert lines == {"1": True, "2": False}


# --- B46, B47


def test_B46_B47_the_next_action_of_each_case_with_dues_follows_from_the_table() -> None:
    bank = {"pp_sort_code": "123456", "pp_account_number": "12345678"}
    cases: dict[str, tuple[dict[str, Any], str]] = {
        "asked": ({"rp_arrears_decision": "WRITE_OFF"}, "AWAIT_WRITE_OFF_CONFIRMATION"),
        "asked, SoS": ({"rp_arrears_decision": "WRITE_OFF", "owes": {"gb_sos_active": 5}}, "ARRANGE_PAYMENT"),
        "suspended": ({"owes": {"rp_suspended": 5}}, "MONITOR"),
        "benefit": ({"method_of_payment": "BENEFIT_DEDUCTION"}, "COLLECT_FROM_BENEFIT"),
        "earnings": ({"method_of_payment": "DEO", "employer_reference": "E"}, "COLLECT_FROM_EARNINGS"),
        "bank": ({"method_of_payment": "DIRECT_DEBIT", **bank}, "COLLECT_FROM_BANK"),
        "card": ({}, "ARRANGE_PAYMENT"),
    }
    night = tonight(
        *(case(name, name, **row) for name, (row, _) in cases.items()), case("nil", "nil", owes={})
    )
    rows = night.decided.next_actions
    assert dict(zip(rows["csa_case_id"], rows["action"], strict=True)) == {
        name: action for name, (_, action) in cases.items()
    }


# --- what is stored only when it changed


def test_a_line_that_stands_as_it_was_is_not_stored_again() -> None:
    held = {"casegroup_id": "G1", "sensitive": False, "outcome": "HELD", "reason": "OPEN_CASES", "received_pence": 1000,
            "posted_pence": 0, "held_pence": 1000, "credit_pence": 0, "completed_on": None}  # fmt: skip
    line = {
        "casegroup_id": "G1",
        "csa_system": "CS2",
        "csa_case_id": "A",
        "creditor": "RP",
        "arrears_status": "ACTIVE",
        "received_pence": 1000,
        "posted_pence": 0,
        "held_pence": 1000,
        "credit_pence": 0,
        "business_date": BEFORE,
    }
    same = tonight(case(case_status="OPEN"), standing=[held], positions=[line])
    assert same.decided.casegroups.empty
    assert same.decided.positions.empty
    assert same.decided.positions_gone.empty
    moved = tonight(case(), standing=[held], positions=[line])
    assert moved.outcome() == COMPLETE
    assert moved.decided.positions_gone["casegroup_id"].tolist() == ["G1"]
