"""The nine rules over debts: when each fires, what it takes and from where, and what becomes of a debt that is refused (B71)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from case_closure.domain.debt_rules import RULES, TABLES
from case_closure.domain.money import BUCKET_COLUMNS
from case_closure.gates import suites
from case_closure.stages.judge_debts import own_facts
from case_closure.tables import handed
from tests.support.builders import ALL_NINE, case, frame_like
from tests.support.debt_builders import debt, judged
from tests.support.plain_gate import judge

THE_NINE = (
    "RP_WRITE_OFF RP_PART_WRITE_OFF RP_DIED PP_DIED INTERIM_ASSESSMENT NO_FURTHER_ACTION PART_PAYMENT_ACCEPTED "
    "DUPLICATE_LIABILITY LOW_VALUE"
)
EARLY, LATE = date(2010, 1, 24), date(2010, 1, 25)


def test_R23_exactly_nine_rules_in_their_order() -> None:
    """[36]"""
    for table in TABLES.values():
        assert [rule.number for rule in table] == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert [rule.name for rule in RULES] == THE_NINE.split()


BOTH = {"rp_active": 600, "gb_sos_active": 400}
RULE_BY_RULE: list[tuple[str, dict[str, Any], dict[str, int]]] = [
    ("nothing fires", {}, BOTH),
    ("RP_WRITE_OFF", {"rp_arrears_decision": "WRITE_OFF"}, {"gb_sos_active": 400}),
    ("collect", {"rp_arrears_decision": "COLLECT", "rp_keep_pence": 1}, BOTH),
    ("RP_PART_WRITE_OFF", {"rp_arrears_decision": "PART_WRITE_OFF", "rp_keep_pence": 1},
     {"rp_active": 1, "gb_sos_active": 400}),
    ("a part not said is nothing kept", {"rp_arrears_decision": "PART_WRITE_OFF"}, {"gb_sos_active": 400}),
    ("more kept than is owed", {"rp_arrears_decision": "PART_WRITE_OFF", "rp_keep_pence": 601}, BOTH),
    ("less than nothing kept", {"rp_arrears_decision": "PART_WRITE_OFF", "rp_keep_pence": -5}, {"gb_sos_active": 400}),
    ("PP_DIED, no estate", {"pp_no_estate": True}, {}),
    ("INTERIM_ASSESSMENT", {"ima_pence": 450}, {"rp_active": 550}),
    ("never more than is there", {"ima_pence": 1001}, {}),
    ("no interim assessment", {"ima_pence": 0}, BOTH),
    ("less than no interim assessment", {"ima_pence": -1}, BOTH),
    ("NO_FURTHER_ACTION", {"no_further_action_told": True}, {}),
    ("PART_PAYMENT_ACCEPTED", {"part_payment_accepted_pence": 100}, {"rp_active": 100}),
    ("a part payment above the debt", {"part_payment_accepted_pence": 1001}, BOTH),
    ("DUPLICATE_LIABILITY", {"duplicate_liability_pence": 1}, {"rp_active": 600, "gb_sos_active": 399}),
]  # fmt: skip


@pytest.mark.parametrize(("what", "facts", "left"), RULE_BY_RULE, ids=[what for what, _, _ in RULE_BY_RULE])
def test_R23_each_rule_takes_what_it_says(what: str, facts: dict[str, Any], left: dict[str, int]) -> None:
    """[36]; of rules 1 and 2, what the receiving parent decided (B68)."""
    assert judged(debt(**BOTH, **facts)).left() == left


def test_R23_a_death_counts_by_csa_or_by_cis_and_the_paying_parents_only_before_25_january_2010() -> None:
    """[36] rules 3 and 4."""
    cases = [
        case("A", "G1", receiver={"date_of_death": LATE}),
        case("B", "G2", receiver_cis={"date_of_death": LATE}),
        case("C", "G3", payer={"date_of_death": EARLY}),
        case("D", "G4", payer={"date_of_death": LATE}),
        case("E", "G5", payer={"date_of_death": LATE}, payer_cis={"date_of_death": EARLY}),
        case("F", "G6", payer_cis={"date_of_death": LATE}),
    ]
    night = judged(*(debt(one, **BOTH) for one in "ABCDEF"), cases=cases)
    found = {one: [*night.rules(one)] for one in "ABCDEF"}
    assert found == {"A": ["RP_DIED"], "B": ["RP_DIED"], "C": ["PP_DIED"], "D": [], "E": ["PP_DIED"], "F": []}
    assert night.left("A") == {"gb_sos_active": 400}


def test_B49_what_was_entered_for_a_parent_counts() -> None:
    entry = {"csa_system": "CS2", "csa_case_id": "A", "old_value": None, "entered_on": date(2017, 8, 9)}
    died = entry | {
        "resolution_id": "1",
        "entity": "RECEIVING_PARENT",
        "field": "date_of_death",
        "new_value": "2016-01-01",
    }
    assert [*judged(debt(), cases=[case("A")], resolutions=[died]).rules()] == ["RP_DIED"]
    dead = case("B", "G2", receiver={"date_of_death": EARLY})
    other = entry | {
        "resolution_id": "2", "entity": "CASE", "field": "receiving_parent_id", "old_value": "RP-A", "new_value": "RP-B",
    }  # fmt: skip
    assert [*judged(debt(), cases=[case("A"), dead], resolutions=[other]).rules()] == ["RP_DIED"]


def test_R23_low_value_is_off_unless_it_is_set() -> None:
    """[36] rule 9: what is left and not above it, after the eight before."""
    owed = debt(rp_active=500, ni_sos_active=100, duplicate_liability_pence=100)
    assert [*judged(owed).rules()] == ["DUPLICATE_LIABILITY"]
    assert judged(owed, low_value_pence=499).left() == {"rp_active": 500}
    assert judged(owed, low_value_pence=500).rules()["LOW_VALUE"] == ("OFF", 500, 500, 0)


def test_R34_a_rule_takes_deferred_before_suspended_before_active_and_the_receiving_parents_money_last() -> (
    None
):
    """[35]: in each of those, from NI_SOS, then GB_SOS, then RP."""
    order = [
        f"{creditor}_{status}"
        for status in ("deferred", "suspended", "active")
        for creditor in ("ni_sos", "gb_sos", "rp")
    ]
    taken = 0
    for place, bucket in enumerate(order):
        night = judged(debt(**ALL_NINE, ima_pence=taken + 1))
        left = {name: ALL_NINE[name] for name in order[place:]} | {bucket: ALL_NINE[bucket] - 1}
        assert night.left() == {name: pence for name, pence in left.items() if pence}
        taken += ALL_NINE[bucket]


def test_R34_a_credit_is_not_touched_and_makes_no_room() -> None:
    """[35], R5: only buckets above 0 are written off; one below stays, and 'before' is of those above."""
    night = judged(debt(rp_active=300, gb_sos_deferred=-200, ni_sos_active=50, no_further_action_told=True))
    assert night.left() == {"gb_sos_deferred": -200}
    assert night.rules() == {"NO_FURTHER_ACTION": ("OFF", 350, 350, 0)}
    asked = judged(
        debt(rp_active=300, rp_deferred=-100, rp_arrears_decision="PART_WRITE_OFF", rp_keep_pence=100)
    )
    assert asked.left() == {"rp_active": 100, "rp_deferred": -100}


def test_R23_each_rule_works_on_what_those_before_it_left() -> None:
    """[35], [43]: OFF when nothing is left in what it may take from; the rules after it took nothing."""
    night = judged(
        debt(rp_active=600, gb_sos_active=400, rp_arrears_decision="WRITE_OFF", ima_pence=100,
             part_payment_accepted_pence=50, duplicate_liability_pence=900)
    )  # fmt: skip
    assert night.rules() == {
        "RP_WRITE_OFF": ("OFF", 1000, 600, 400), "INTERIM_ASSESSMENT": ("DOWN", 400, 100, 300),
        "PART_PAYMENT_ACCEPTED": ("DOWN", 300, 250, 50), "DUPLICATE_LIABILITY": ("OFF", 50, 50, 0),
    }  # fmt: skip
    assert night.left() == {}


def test_a_debt_is_refused_by_its_own_rules_and_alone() -> None:
    """[8]: the case unknown, twice in the file, an amount missing, a total that does not add up (not where one is missing)."""
    twice, missing, wrong = debt("B"), debt("C", rp_active=None, total_pence=5), debt("D", total_pence=999)
    stranger, blank = debt("nowhere", total_pence=1), debt("E", total_pence=None)
    cases = [case(one, f"G{one}") for one in "ABCDE"]
    night = judged(debt("A"), twice, missing, wrong, stranger, blank, cases=cases, times={"B": 2})
    assert night.opened == {
        ("debt_duplicate", "B"), ("debt_amount_missing", "C"), ("debt_total_mismatch", "D"), ("debt_amount_missing", "E"),
        ("debt_case_unknown", "nowhere"), ("debt_total_mismatch", "nowhere"),
    }  # fmt: skip
    assert night.cases == ["A"]
    assert set(night.concluded.work_items["type"]) == {"MANUAL_HANDLING"}
    assert night.concluded.opened.set_index("csa_case_id")["field"]["C"] == "rp_active_pence"
    assert night.concluded.opened["subject_reference"].isna().all()  # [38]


def test_arrears_that_no_total_can_state_are_a_total_that_does_not_add_up() -> None:
    """Credits may bring them back into 64 bits; summed up by a rule they would come round at the other end."""
    most = 2**63 - 1
    night = judged(debt("A", rp_active=most, rp_deferred=-most, gb_sos_active=1), debt("B", rp_active=most))
    assert night.opened == {("debt_total_mismatch", "A")}
    assert night.left("B") == {"rp_active": most}


def test_a_debt_that_is_what_was_judged_last_is_not_judged_again() -> None:
    """[34]"""
    night = judged(debt("A"), debt("B"), unchanged=["A"])
    assert night.cases == ["B"]


def test_a_refused_debt_is_one_exception_until_it_is_good() -> None:
    """[13], R43: seen again, with the casegroup its case came with; what is good now, or gone, is resolved."""
    known = [
        {
            "exception_id": f"E{number}",
            "rule_code": rule,
            "csa_system": "CS2",
            "csa_case_id": one,
            "subject": "DEBT",
        }
        for number, (rule, one) in enumerate(
            [("debt_case_unknown", "A"), ("debt_total_mismatch", "A"), ("debt_total_mismatch", "gone")]
        )
    ]
    night = judged(debt("A", total_pence=1), cases=[case("A", "G1")], known=known).concluded
    assert night.opened.empty
    assert night.seen[["exception_id", "casegroup_id"]].to_numpy().tolist() == [["E1", "G1"]]
    assert night.resolved["exception_id"].tolist() == ["E0", "E2"]


def test_no_debts_are_no_lines() -> None:
    assert judged().cases == []
    assert set(BUCKET_COLUMNS) == {f"{name}_pence" for name in ALL_NINE}


def test_a_file_of_debts_alone_tells_which_stand_twice_lack_an_amount_or_do_not_add_up() -> None:
    """[8]: what `case-closure check` can say before a night; whether their case is held, it cannot."""
    rows = frame_like(
        handed.DEBTS, [debt("A"), debt("A"), debt("B", rp_active=None), debt("C", total_pence=1)]
    )
    facts = own_facts(rows.drop(columns=["times_in_file", "case_held"]))
    broke = judge(suites.csa_debts(), facts)
    assert set(zip(broke["rule_code"], broke["position"], strict=True)) == {
        ("debt_duplicate", 0), ("debt_duplicate", 1), ("debt_amount_missing", 2), ("debt_total_mismatch", 3),
    }  # fmt: skip
