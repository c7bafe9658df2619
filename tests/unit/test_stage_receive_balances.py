"""Receive balances: the first five checks of R11, read as the specification.

clerical or sensitive -> all closed, liability ended -> no inhibit -> balances pass the gate -> positive?
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pandas as pd
import pytest

from case_closure.domain.money import BUCKET_COLUMNS
from case_closure.stages.receive_balances import moves
from tests.support.builders import ALL_NINE, BEFORE, ON, Row, balance, case, records, tonight

AFTER = date(2017, 8, 11)
COMPLETE = ("TRANSITION_COMPLETE", "ARREARS_ADDED")


def closure_failure(case_id: str = "A", **over: Any) -> Row:
    return {"csa_system": "CS2", "csa_case_id": case_id, "failure_code": "F1", "failed_on": BEFORE} | over


def inhibit(case_id: str = "A", **over: Any) -> Row:
    row: Row = {
        "inhibit_id": f"I-{case_id}",
        "csa_system": "CS2",
        "csa_case_id": case_id,
        "set_by_role": "TEAM_LEADER",
    }
    return row | {"set_on": ON, "reason": "appeal"} | over


# --- R12, B29: every case closed and its liability ended


CLOSED: dict[str, tuple[Row, tuple[str, str]]] = {
    "ended tonight": ({"case_status": "CLOSED", "liability_end_date": ON}, COMPLETE),
    "ends tomorrow": ({"case_status": "CLOSED", "liability_end_date": AFTER}, ("HELD", "OPEN_CASES")),
    "not ended": ({"case_status": "CLOSED", "liability_end_date": None}, ("HELD", "OPEN_CASES")),
    "open": (
        {"case_status": "OPEN", "liability_end_date": BEFORE, "closed_reason": None},
        ("HELD", "OPEN_CASES"),
    ),
    "arrears only": ({"case_type": "ARREARS_ONLY", "liability_end_date": None}, COMPLETE),
    "arrears only, ends tomorrow": ({"case_type": "ARREARS_ONLY", "liability_end_date": AFTER}, COMPLETE),
    "arrears only, open": ({"case_type": "ARREARS_ONLY", "case_status": "OPEN"}, ("HELD", "OPEN_CASES")),
    "closed for another reason": ({"closed_reason": "OTHER"}, COMPLETE),
}


def test_B10_B29_R3_a_case_is_closed_and_its_liability_ended() -> None:
    """An arrears-only case has no liability to end; OTHER counts as closed; the end date may be tonight's."""
    night = tonight(*(case(name, name, **row) for name, (row, _) in CLOSED.items()))
    assert {name: night.outcome(name) for name in CLOSED} == {
        name: outcome for name, (_, outcome) in CLOSED.items()
    }


def test_B29_R12_one_open_case_holds_its_whole_casegroup() -> None:
    night = tonight(case("A"), case("B", case_status="OPEN"), case("C", "G2"))
    assert night.outcome("G1") == ("HELD", "OPEN_CASES")
    assert night.outcome("G2") == COMPLETE
    assert night.dues == {("C", "RP", "ACTIVE"): 1000}
    assert night.figure("held") == {("A", "RP", "ACTIVE"): 1000, ("B", "RP", "ACTIVE"): 1000}


def test_R12_a_hold_is_not_an_exception() -> None:
    night = tonight(case(case_status="OPEN"))
    assert night.opened == set()
    assert night.item_types == []


def test_an_open_case_without_a_balance_holds_too() -> None:
    """'A case without a balance is nil: nothing waits for it', but B29 asks that ALL cases have closed."""
    night = tonight(case("A"), case("B", no_balance=True, case_status="OPEN"))
    assert night.outcome() == ("HELD", "OPEN_CASES")


def test_a_casegroup_without_any_balance_has_no_outcome() -> None:
    assert tonight(case(no_balance=True)).decided.casegroups.empty


# --- R12, B70: inhibits


@pytest.mark.parametrize("flag", ["manual_inhibit", "automatic_inhibit"])
def test_B70_R12_one_inhibited_case_holds_its_whole_casegroup(flag: str) -> None:
    inhibited: Row = {flag: True}
    night = tonight(case("A"), case("B", **inhibited))
    assert night.outcome() == ("HELD", "INHIBITED")
    assert night.dues == {}


INHIBITS: dict[str, tuple[Row, bool]] = {
    "by a team leader": ({}, True),
    "by a manager": ({"set_by_role": "MANAGER"}, True),
    "from tomorrow": ({"set_on": AFTER}, False),
    "removed tomorrow": ({"set_on": BEFORE, "removed_on": AFTER}, True),
    "removed tonight": ({"set_on": BEFORE, "removed_on": ON}, False),
    "removed before": ({"set_on": BEFORE, "removed_on": BEFORE}, False),
}


def test_B70_an_authorised_record_holds_from_the_day_set_to_the_day_removed() -> None:
    """set_on <= business date, and removed_on null or after it."""
    records = [inhibit(name, **over) for name, (over, _) in INHIBITS.items()]
    night = tonight(*(case(name, name) for name in INHIBITS), inhibits=records)
    held = {name: night.outcome(name) == ("HELD", "INHIBITED") for name in INHIBITS}
    assert held == {name: holds for name, (_, holds) in INHIBITS.items()}
    assert night.opened == set()


def test_B70_an_inhibit_by_somebody_below_team_leader_is_refused_and_holds_nothing() -> None:
    """inhibit_not_authorised refuses that row only and stands in no outcome."""
    roles = {"caseworker": "CASEWORKER", "nobody": None, "empty": "", "lower case": "team_leader"}
    records = [inhibit(name, set_by_role=role) for name, role in roles.items()]
    night = tonight(*(case(name, name) for name in roles), inhibits=records)
    assert night.opened == {("inhibit_not_authorised", name) for name in roles}
    assert {night.outcome(name) for name in roles} == {COMPLETE}


# --- B53: closure failed


def test_B53_a_closure_failure_is_a_hold_and_an_exception() -> None:
    night = tonight(case("A"), case("B"), closure_failures=[closure_failure("B")])
    assert night.opened == {("closure_failed", "B")}
    assert night.item_types == ["CLOSURE_FAILED"]
    assert night.outcome() == ("HELD", "CLOSURE_FAILED")
    assert night.dues == {}


def test_B53_a_failure_code_on_the_case_is_one_too() -> None:
    night = tonight(case(closure_failure_code="X9"))
    assert night.opened == {("closure_failed", "A")}
    assert night.outcome() == ("HELD", "CLOSURE_FAILED")


def test_B53_a_row_of_a_later_night_that_says_closed_clears_a_report() -> None:
    earlier = closure_failure() | {"business_date": BEFORE}
    assert tonight(case(), closure_failures=[earlier]).outcome() == COMPLETE


def test_B53_a_report_that_was_cleared_stays_so_when_the_case_opens_again() -> None:
    earlier = closure_failure() | {"business_date": date(2017, 8, 7)}
    reopened = case(case_status="OPEN", last_closed_on=BEFORE)
    assert tonight(reopened, closure_failures=[earlier]).outcome() == ("HELD", "OPEN_CASES")
    again = closure_failure() | {"business_date": ON}
    assert tonight(reopened, closure_failures=[again]).outcome() == ("HELD", "CLOSURE_FAILED")


def test_B53_a_later_row_still_open_clears_nothing() -> None:
    earlier = closure_failure() | {"business_date": BEFORE}
    night = tonight(case(case_status="OPEN"), closure_failures=[earlier])
    assert night.outcome() == ("HELD", "CLOSURE_FAILED")


def test_B53_a_row_of_the_same_night_clears_nothing() -> None:
    assert tonight(case(), closure_failures=[closure_failure()]).outcome() == ("HELD", "CLOSURE_FAILED")


def test_B53_a_report_about_a_case_never_received_is_an_exception_of_its_own() -> None:
    night = tonight(case("A"), closure_failures=[closure_failure("Z")])
    assert night.opened == {("closure_failed", "Z")}
    assert night.outcome() == COMPLETE


# --- R11, R12: which is shown when several apply


def test_R12_several_holds_the_first_is_shown() -> None:
    everything: Row = {"manual_inhibit": True, "case_status": "OPEN"}
    assert tonight(case(**everything), closure_failures=[closure_failure()]).outcome() == (
        "HELD",
        "CLOSURE_FAILED",
    )
    assert tonight(case(**everything)).outcome() == ("HELD", "OPEN_CASES")
    assert tonight(case(manual_inhibit=True)).outcome() == ("HELD", "INHIBITED")


def test_R11_a_held_casegroups_broken_balance_is_an_exception_but_held_is_shown() -> None:
    """Outcome shown: CLERICAL, then HELD, then EXCEPTION; input gates judge whatever holds the casegroup."""
    night = tonight(case(case_status="OPEN", balance_row={"total_pence": 1}))
    assert night.opened == {("balance_total_mismatch", "A")}
    assert night.outcome() == ("HELD", "OPEN_CASES")


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ({"nationally_sensitive": True}, {"partially_clerical": True}, "NATIONALLY_SENSITIVE"),
        ({"partially_clerical": True}, {}, "PARTIALLY_CLERICAL"),
        ({}, {"nationally_sensitive": True}, "NATIONALLY_SENSITIVE"),
    ],
)
def test_R12_B73_one_clerical_or_sensitive_case_diverts_its_whole_casegroup(
    first: Row, second: Row, reason: str
) -> None:
    night = tonight(case("A", **first), case("B", **second))
    assert night.outcome() == ("CLERICAL", reason)
    assert night.dues == {}
    assert night.figure("held") == {("A", "RP", "ACTIVE"): 1000, ("B", "RP", "ACTIVE"): 1000}


def test_R13_B72_a_clerical_report_diverts_the_casegroup_of_its_case() -> None:
    night = tonight(case("A"), clerical=[balance("A", "G1", {"rp_active": 5})])
    assert night.outcome() == ("CLERICAL", "CLERICAL_REPORT")
    assert night.dues == {}


def test_R12_sensitive_before_partially_clerical_before_a_report() -> None:
    report = [balance("A", "G1", {"rp_active": 5})]
    assert tonight(case(partially_clerical=True), clerical=report).outcome() == (
        "CLERICAL",
        "PARTIALLY_CLERICAL",
    )
    flags: Row = {"partially_clerical": True, "nationally_sensitive": True}
    assert tonight(case(**flags), clerical=report).outcome() == ("CLERICAL", "NATIONALLY_SENSITIVE")


def test_R11_clerical_is_checked_before_everything_else() -> None:
    night = tonight(
        case(partially_clerical=True, case_status="OPEN", manual_inhibit=True, receiver={"surname": None}),
        closure_failures=[closure_failure()],
    )
    assert night.outcome() == ("CLERICAL", "PARTIALLY_CLERICAL")
    assert ("surname_missing", "A") not in night.opened


def test_R13_a_CCD_case_is_an_ordinary_one() -> None:
    assert tonight(case(csa_system="CCD")).outcome() == COMPLETE


@pytest.mark.parametrize(
    "held",
    [
        {"case_status": "OPEN"},
        {"manual_inhibit": True},
        {"closure_failure_code": "X"},
        {"balance_row": {"total_pence": 1}},
    ],
)
def test_R11_a_stopped_casegroup_gets_no_set_up(held: Row) -> None:
    """Case set-up rules are judged only when their casegroup gets that far."""
    night = tonight(case(receiver={"surname": None}, **held))
    assert ("surname_missing", "A") not in night.opened
    assert night.created == set()


# --- the balance rules' facts: one case each, alone


BROKEN: dict[str, tuple[str, Row]] = {
    "no number": ("balance_key_missing", {"balance_id": None}),
    "other casegroup": ("balance_casegroup_mismatch", {"casegroup_id": "G9"}),
    "no casegroup": ("balance_casegroup_mismatch", {"casegroup_id": None}),
    "no bucket": ("balance_amount_missing", {"gb_sos_deferred_pence": None}),
    "no total": ("balance_amount_missing", {"total_pence": None}),
    "total a penny less": ("balance_total_mismatch", {"total_pence": 999}),
    "total a penny more": ("balance_total_mismatch", {"total_pence": 1001}),
    "backwards": (
        "balance_period_invalid",
        {"arrears_from": date(2017, 8, 1), "arrears_to": date(2017, 7, 31)},
    ),
    "into the future": ("balance_period_invalid", {"arrears_to": AFTER}),
    "no beginning": ("balance_period_invalid", {"arrears_from": None}),
    "no end": ("balance_period_invalid", {"arrears_to": None}),
}


def test_a_balance_that_breaks_one_rule_stops_its_casegroup() -> None:
    """And no other: each rule once, on one of two cases of a casegroup of its own."""
    cases = [case(name, name, balance_row=row) for name, (_, row) in BROKEN.items()]
    night = tonight(*cases, *(case(f"{name} 2", name) for name in BROKEN), case("good", "good"))
    assert night.opened == {(rule, name) for name, (rule, _) in BROKEN.items()}
    assert {name: night.outcome(name) for name in BROKEN} == {
        name: ("EXCEPTION", rule) for name, (rule, _) in BROKEN.items()
    }
    assert night.outcome("good") == COMPLETE
    assert night.dues == {("good", "RP", "ACTIVE"): 1000}


@pytest.mark.parametrize(
    "row",
    [
        {"arrears_from": date(2017, 7, 31), "arrears_to": date(2017, 7, 31)},
        {"arrears_to": ON},
    ],
)
def test_a_period_of_one_day_or_to_tonight_is_valid(row: Row) -> None:
    assert tonight(case(balance_row=row)).outcome() == COMPLETE


@pytest.mark.parametrize("owes", [{}, {"rp_active": -500}])
def test_a_balance_with_nothing_positive_needs_no_period(owes: dict[str, int]) -> None:
    row = {"arrears_from": None, "arrears_to": None}
    assert tonight(case(owes=owes, balance_row=row)).outcome() == ("TRANSITION_COMPLETE", "NIL_ARREARS")


def test_the_period_is_judged_against_the_night_the_balance_arrived() -> None:
    """'arrears_to after the business date of the night it arrived': a later night forgives nothing."""
    night = tonight(case(balance_row={"arrears_to": ON, "business_date": BEFORE}))
    assert night.opened == {("balance_period_invalid", "A")}


@pytest.mark.parametrize(
    ("pence", "plausible"),
    [(100_000_000, True), (100_000_001, False), (-100_000_000, True), (-100_000_001, False)],
)
def test_an_amount_beyond_a_million_pounds_either_way_is_implausible(pence: int, plausible: bool) -> None:
    night = tonight(case(owes={"ni_sos_deferred": pence}))
    assert night.opened == (set() if plausible else {("balance_amount_implausible", "A")})
    if not plausible:
        assert night.exception("balance_amount_implausible")["field"] == "ni_sos_deferred_pence"


def test_the_limit_is_configurable() -> None:
    assert tonight(case(), limit=999).opened == {("balance_amount_implausible", "A")}
    assert tonight(case(), limit=1000).opened == set()


def test_a_total_is_compared_exactly_even_where_int64_overflows() -> None:
    huge = 2**62
    night = tonight(
        case(
            owes={"rp_active": huge, "rp_suspended": huge, "rp_deferred": 5},
            balance_row={"total_pence": 5 - 2**63},
        )
    )
    assert night.opened == {("balance_total_mismatch", "A"), ("balance_amount_implausible", "A")}


def test_a_missing_amount_leaves_the_total_unjudged() -> None:
    night = tonight(case(balance_row={"rp_deferred_pence": None, "total_pence": 5}))
    assert night.opened == {("balance_amount_missing", "A")}
    assert night.exception("balance_amount_missing")["field"] == "rp_deferred_pence"


def test_one_row_that_breaks_several_rules_is_listed_for_each() -> None:
    night = tonight(case(balance_row={"total_pence": 5, "arrears_from": None, "casegroup_id": "G9"}))
    rules = "balance_casegroup_mismatch,balance_period_invalid,balance_total_mismatch"
    assert night.outcome() == ("EXCEPTION", rules)


def test_balance_duplicate_every_row_of_the_case_is_refused_and_counted() -> None:
    """One exception for each case and rule; a duplicated case counts all its rows."""
    one = case("A")
    one.balances.append(balance("A", "G1", {"rp_active": 300}, balance_id="B-A2"))
    night = tonight(one)
    assert night.opened == {("balance_duplicate", "A")}
    assert night.figure("received") == night.figure("held") == {("A", "RP", "ACTIVE"): 1300}


def test_balance_case_unknown_belongs_to_the_casegroup_the_row_names() -> None:
    stray = balance("Z", "G1", {"rp_active": 700})
    night = tonight(case("A"), more={"csa_balances": [stray]})
    assert night.opened == {("balance_case_unknown", "Z")}
    assert night.outcome() == ("EXCEPTION", "balance_case_unknown")
    assert night.figure("held") == {("A", "RP", "ACTIVE"): 1000, ("Z", "RP", "ACTIVE"): 700}


def test_a_balance_rule_belongs_to_the_cases_casegroup_not_the_rows() -> None:
    night = tonight(case("A", "G1", balance_row={"casegroup_id": "G2"}), case("B", "G2"))
    assert night.exception("balance_casegroup_mismatch")["casegroup_id"] == "G1"
    assert night.outcome("G2") == COMPLETE


def test_balance_key_missing_without_a_casegroup_is_kept_apart() -> None:
    stray = balance(None, None, {"rp_active": 700}, csa_system=None, balance_id=None)
    night = tonight(case("A"), more={"csa_balances": [stray]})
    assert ("balance_key_missing", None) in {(rule, None) for rule, _ in night.opened}
    assert night.outcome("G1") == COMPLETE


# --- where a case goes (B49)


@pytest.mark.parametrize(
    ("claimed", "entered", "completed", "goes_to"),
    [("G1", None, False, None), ("G2", None, False, "G2"), ("G2", None, True, None), ("G1", "G3", False, "G3"),
     ("G1", "G3", True, None), (None, None, False, None)],
)  # fmt: skip
def test_a_case_goes_where_its_row_or_an_entry_says_and_stays_where_it_was_completed(
    claimed: str | None, entered: str | None, completed: bool, goes_to: str | None
) -> None:
    cases = pd.DataFrame(
        {"csa_system": ["CS2"], "csa_case_id": ["A"], "casegroup_id": ["G1"], "claimed_casegroup_id": [claimed]}, dtype="str"
    ).assign(completed=completed)  # fmt: skip
    columns = ["resolution_id", "csa_system", "csa_case_id", "entity", "field", "old_value", "new_value"]
    rows = [("R1", "CS2", "A", "CASE", "casegroup_id", "G1", entered)] if entered else []
    entries = pd.DataFrame(rows, columns=columns, dtype="str").assign(entered_on=pd.Timestamp(ON))
    found = moves(cases, entries)
    assert found.to_dict("list") == {
        "csa_system": ["CS2"] if goes_to else [], "csa_case_id": ["A"] if goes_to else [],
        "casegroup_id": [goes_to] if goes_to else [],
    }  # fmt: skip


# --- case rows


def refused(codes: str, fields: str, **over: Any) -> Row:
    row: Row = {
        "rule_codes": json.dumps(codes.split(",")),
        "fields": json.dumps(fields.split(",")),
        "csa_system": "CS2",
        "csa_case_id": "A",
        "told": "[]",
    }
    return row | {"casegroup_id": "G1", "sensitive": False, "original": '{"csa_case_id": "A"}'} | over


def test_a_refused_case_row_stops_its_casegroup() -> None:
    night = tonight(case("B"), refused=[refused("case_enum_invalid", "scheme")])
    assert night.opened == {("case_enum_invalid", "A")}
    assert night.outcome() == ("EXCEPTION", "case_enum_invalid")
    assert night.exception("case_enum_invalid")["field"] == "scheme"


def test_a_case_never_held_makes_its_balance_unknown_too() -> None:
    night = tonight(
        case("B"),
        refused=[refused("case_duplicate", "csa_case_id"), refused("case_duplicate", "csa_case_id")],
        more={"csa_balances": [balance("A", "G1", {"rp_active": 1})]},
    )
    assert night.opened == {("case_duplicate", "A"), ("balance_case_unknown", "A")}


def test_case_key_missing_is_listed_even_so_for_the_transition_team() -> None:
    """Route FT_TEAM, whatever CMS holds."""
    night = tonight(
        case("B", on_cms={}), refused=[refused("case_key_missing", "csa_case_id", csa_case_id=None)]
    )
    assert night.exception("case_key_missing")["route"] == "FT_TEAM"


def test_case_casegroup_conflict_one_for_each_case_of_a_casegroup_with_two_paying_parents() -> None:
    night = tonight(case("A"), case("B", paying_parent_id="PP-other"), case("C", "G2"))
    assert night.opened == {("case_casegroup_conflict", "A"), ("case_casegroup_conflict", "B")}
    assert night.outcome("G1") == ("EXCEPTION", "case_casegroup_conflict")
    assert night.outcome("G2") == COMPLETE


def test_case_casegroup_conflict_a_case_of_a_completed_casegroup_sent_under_another() -> None:
    night = tonight(case("A", claimed_casegroup_id="G7"))
    assert night.opened == {("case_casegroup_conflict", "A")}


# --- R5, R8: positive?


def test_B33_R4_nothing_owed_completes_as_nil() -> None:
    night = tonight(case(owes={}))
    assert night.outcome() == ("TRANSITION_COMPLETE", "NIL_ARREARS")
    assert (night.created, night.letters, night.item_types) == (set(), {}, [])


def test_B33_R15_nil_asks_nothing_of_the_parents() -> None:
    """R8: a nil case needs no CMS case, so nothing of its parents is judged; no letters."""
    night = tonight(case(owes={"rp_active": -100}, receiver={"surname": None}, not_received=["payer"]))
    assert night.outcome() == ("TRANSITION_COMPLETE", "NIL_ARREARS")
    assert night.opened == set()


def test_R4_arrears_added_is_the_other_reason() -> None:
    assert tonight(case(owes=ALL_NINE)).outcome() == COMPLETE


# --- R20: after completion


STANDING = [
    {
        "casegroup_id": "G1",
        "sensitive": False,
        "outcome": "TRANSITION_COMPLETE",
        "reason": "ARREARS_ADDED",
        "received_pence": 1000,
        "posted_pence": 1000,
        "held_pence": 0,
        "credit_pence": 0,
        "completed_on": BEFORE,
    },
]
_LINE = {
    "casegroup_id": "G1",
    "csa_system": "CS2",
    "csa_case_id": "A",
    "creditor": "RP",
    "arrears_status": "ACTIVE",
}
POSITIONS = [
    _LINE
    | {
        "received_pence": 1000,
        "posted_pence": 1000,
        "held_pence": 0,
        "credit_pence": 0,
        "business_date": BEFORE,
    },
]
DUES = [
    {name: value for name, value in _LINE.items() if name != "casegroup_id"}
    | {
        "case_key": "CS2/A",
        "amount_pence": 1000,
        "arrears_from": date(2010, 1, 1),
        "arrears_to": date(2017, 7, 31),
    }
]
COMPLETED: dict[str, Any] = {"standing": STANDING, "positions": POSITIONS, "dues_now": DUES}


def test_R20_a_balance_equal_to_what_was_completed_changes_nothing() -> None:
    night = tonight(case(), **COMPLETED)
    assert night.opened == set()
    assert night.decided.casegroups.empty
    assert night.dues == {}


@pytest.mark.parametrize(
    "change",
    [
        {"owes": {"rp_active": 1001}},
        {"owes": {"rp_active": 1000, "ni_sos_deferred": 1}},
        {"owes": {"rp_suspended": 1000}},
        {"owes": {}},
        {"owes": {"rp_active": 1000, "gb_sos_active": -1}},
        {"balance_row": {"arrears_from": date(2010, 1, 2)}},
        {"balance_row": {"arrears_to": date(2017, 7, 30)}},
    ],
)
def test_R20_B55_any_bucket_or_the_period_that_differs_is_an_exception_and_an_item(change: Row) -> None:
    """It never overwrites: the outcome, its figures and the dues stay."""
    night = tonight(case(**change), **COMPLETED)
    assert night.opened == {("balance_changed_after_completion", "A")}
    assert night.item_types == ["ADD_CORRECT_ARREARS"]
    assert night.decided.casegroups.empty
    assert night.dues == {}
    assert night.decided.positions.empty


def test_R20_a_first_balance_for_another_case_of_a_completed_casegroup() -> None:
    night = tonight(case("A"), case("B"), **COMPLETED)
    assert night.opened == {("balance_changed_after_completion", "B")}
    assert tonight(case("A"), case("B", owes={}), **COMPLETED).opened == set()


def test_R20_closes_when_corrections_have_made_the_dues_equal_to_it() -> None:
    corrected = [DUES[0] | {"amount_pence": 1500}]
    night = tonight(case(owes={"rp_active": 1500}), **(COMPLETED | {"dues_now": corrected}))
    assert night.opened == set()


ACCEPTED: Row = {
    "case_key": "CS2/A", **dict.fromkeys(BUCKET_COLUMNS, 0), "rp_active_pence": 1500, "arrears_from": date(2011, 1, 1),
    "arrears_to": date(2017, 7, 31),
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "opens"),
    [
        ({}, False),
        ({"gb_sos_active_pence": -60}, False),  # below nothing is as none
        ({"arrears_from": date(2012, 1, 1)}, True),  # no balance of that period had come
        ({"rp_active_pence": 1400}, True),  # what had come with that period was another amount
    ],
)
def test_R20_a_balance_that_had_come_when_its_case_was_corrected_to_it_is_accepted_with_its_period(
    change: Row, opens: bool
) -> None:
    """[15]: that balance again is silent, another one opens it anew."""
    standing = COMPLETED | {
        "dues_now": [DUES[0] | {"amount_pence": 1500}],
        "accepted": [ACCEPTED | change],
    }
    again = case(owes={"rp_active": 1500}, balance_row={"arrears_from": date(2011, 1, 1)})
    assert tonight(again, **standing).opened == (
        {("balance_changed_after_completion", "A")} if opens else set()
    )


def test_R20_a_correction_to_another_amount_settles_no_changed_balance() -> None:
    """[15]: though that balance had come by then."""
    standing = COMPLETED | {"dues_now": [DUES[0] | {"amount_pence": 1400}], "accepted": [ACCEPTED]}
    again = case(owes={"rp_active": 1500}, balance_row={"arrears_from": date(2011, 1, 1)})
    assert tonight(again, **standing).opened == {("balance_changed_after_completion", "A")}


def test_R41_what_corrections_have_taken_in_is_neither_received_nor_held() -> None:
    """Penny for penny, bucket by bucket, at most what is held."""
    taken = {"casegroup_id": "G1", "csa_system": "CS2", "csa_case_id": "B", "creditor": "RP"}
    night = tonight(
        case("A"), case("B", owes={"rp_active": 500, "rp_suspended": 40, "rp_deferred": 9}), **COMPLETED,
        taken_in=[taken | {"arrears_status": "ACTIVE", "taken_in_pence": 420},
                  taken | {"arrears_status": "SUSPENDED", "taken_in_pence": 45}],
    )  # fmt: skip
    rows = night.decided.positions
    held = {
        row["arrears_status"]: (row["received_pence"], row["held_pence"])
        for row in records(rows[rows["csa_case_id"] == "B"])
    }
    assert held == {"ACTIVE": (80, 80), "DEFERRED": (9, 9)}


def test_R4_a_completed_casegroup_stays_complete_whatever_comes() -> None:
    night = tonight(
        case(
            case_status="OPEN", manual_inhibit=True, partially_clerical=True, balance_row={"total_pence": 7}
        ),
        **COMPLETED,
    )
    assert night.decided.casegroups.empty
    assert ("balance_total_mismatch", "A") in night.opened
