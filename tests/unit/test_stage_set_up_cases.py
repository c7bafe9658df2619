"""Set up cases: who is on CMS already, what is created, what stops it and whose fault that is (B30-B43, R8, R9, R17-R19)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pytest

from tests.support.builders import BEFORE, Case, Night, Row, case, nino_of, records, tonight

COMPLETE = ("TRANSITION_COMPLETE", "ARREARS_ADDED")


def row_of(night: Night, case_id: str) -> Row:
    rows = night.set_up.cms_cases
    (row,) = records(rows[rows["csa_case_id"] == case_id])
    return {name: None if value is pd.NaT or value != value else value for name, value in row.items()}


def one_each(rules: dict[str, tuple[set[str], dict[str, Any]]], **night: Any) -> None:
    """Each entry in a casegroup of its own: the rules its case opens, and the case."""
    made = tonight(*(case(name, name, **over) for name, (_, over) in rules.items()), **night)
    opened: dict[str, set[str]] = {name: set() for name in rules}
    for rule, case_id in made.opened:
        opened[case_id].add(rule)
    assert opened == {name: expected for name, (expected, _) in rules.items()}


# --- every rule of set-up, on either parent


def both_parents(
    name: str, rules: set[str], party: Row, **cis: Row
) -> dict[str, tuple[set[str], dict[str, Any]]]:
    said = {f"{side}_cis": row for side in ("payer", "receiver") for row in cis.values()}
    return {
        f"{name}, payer": (
            rules,
            {"payer": party} | {k: v for k, v in said.items() if k.startswith("payer")},
        ),
        f"{name}, receiver": (
            rules,
            {"receiver": party} | {k: v for k, v in said.items() if k.startswith("receiver")},
        ),
    }


def test_B36_contact_details_of_either_parent() -> None:
    one_each(
        both_parents("no surname", {"surname_missing"}, {"surname": None})
        | both_parents("blank surname", {"surname_missing"}, {"surname": "  "}, cis={"surname": "Walker"})
        | both_parents("no birth date", {"date_of_birth_missing"}, {"date_of_birth": None})
        | both_parents("born tomorrow", {"date_of_birth_implausible"}, {"date_of_birth": date(2017, 8, 11)})
        | both_parents("eleven", {"date_of_birth_implausible"}, {"date_of_birth": date(2005, 8, 11)})
        | both_parents("twelve", set(), {"date_of_birth": date(2005, 8, 10)})
        | both_parents("a hundred and ten", set(), {"date_of_birth": date(1906, 8, 11)})
        | both_parents(
            "a hundred and eleven", {"date_of_birth_implausible"}, {"date_of_birth": date(1906, 8, 10)}
        )
        | both_parents("no nino", {"nino_missing"}, {"nino": None})
        | both_parents("blank nino", {"nino_missing"}, {"nino": "  "})
        | both_parents("bad nino", {"nino_invalid"}, {"nino": "BG123456A"})
        | both_parents("no first line", {"contact_missing"}, {"address_line_1": None})
        | both_parents("blank first line", {"contact_missing"}, {"address_line_1": " "})
        | both_parents("bad postcode", {"contact_missing"}, {"postcode": "LS1"})
        | both_parents("no forenames", {"cis_name_mismatch"}, {"forenames": None}, cis={"forenames": "Alex"})
    )


def test_R16_an_overseas_address_without_a_postcode_is_valid() -> None:
    one_each(
        {
            "payer in France": (set(), {"payer": {"postcode": None, "country": "FR"}}),
            "payer in Jersey": (set(), {"payer": {"postcode": "JE2 3AB", "country": "JE"}}),
            "payer in the UK": ({"contact_missing"}, {"payer": {"postcode": None, "country": "GB-ENG"}}),
            "payer nowhere": ({"contact_missing"}, {"payer": {"postcode": None, "country": None}}),
        }
    )


def test_R17_region_of_the_receiving_parent() -> None:
    """Overseas or unknown is an exception; the creditor says nothing about the region."""
    one_each(
        {
            "overseas": ({"region_unknown"}, {"receiver": {"postcode": None, "country": "FR"}}),
            "isle of man": ({"region_unknown"}, {"receiver": {"postcode": "IM1 1AA", "country": "IM"}}),
            "unknown": (
                {"region_unknown", "contact_missing"},
                {"receiver": {"postcode": None, "country": None}},
            ),
            "NI debt, unknown": (
                {"region_unknown"},
                {"receiver": {"postcode": None, "country": "IE"}, "owes": {"ni_sos_active": 5}},
            ),
            "payer overseas": (set(), {"payer": {"postcode": None, "country": "FR"}}),
        }
    )
    night = tonight(
        case(
            "belfast", "1", receiver={"postcode": "BT1 5GS", "country": "GB-NIR"}, owes={"gb_sos_active": 5}
        ),
        case("leeds", "2", owes={"ni_sos_active": 5}),
    )
    assert (row_of(night, "belfast")["maintenance_region"], row_of(night, "leeds")["maintenance_region"]) == (
        "NI",
        "GB",
    )


def test_party_missing_and_what_then_is_not_judged() -> None:
    """None of that party's other rules, nor region; the other parent and the case are judged as ever."""
    one_each(
        {
            "no payer": ({"party_missing"}, {"not_received": ["payer"]}),
            "no receiver": ({"party_missing"}, {"not_received": ["receiver"]}),
            "nobody named": ({"party_missing"}, {"receiving_parent_id": None}),
            "neither": ({"party_missing"}, {"not_received": ["payer", "receiver"]}),
            "no receiver, bad payer": (
                {"party_missing", "surname_missing"},
                {"not_received": ["receiver"], "payer": {"surname": None}},
            ),
            "no receiver, no child": (
                {"party_missing", "child_missing"},
                {"not_received": ["receiver"], "child": False},
            ),
        }
    )


def test_B39_method_of_payment() -> None:
    bank = {"pp_sort_code": "123456", "pp_account_number": "12345678"}
    bad = {"method_of_payment_invalid"}
    one_each(
        {
            "none": (bad, {"method_of_payment": None}),
            "unknown": (bad, {"method_of_payment": "CHEQUE"}),
            "card": (set(), {"method_of_payment": "CARD"}),
            "dd": (set(), {"method_of_payment": "DIRECT_DEBIT", **bank}),
            "dd no sort code": (bad, {"method_of_payment": "DIRECT_DEBIT", **bank, "pp_sort_code": None}),
            "dd five digits": (bad, {"method_of_payment": "DIRECT_DEBIT", **bank, "pp_sort_code": "12345"}),
            "dd seven digits": (
                bad,
                {"method_of_payment": "DIRECT_DEBIT", **bank, "pp_account_number": "1234567"},
            ),
            "dd nine digits": (
                bad,
                {"method_of_payment": "DIRECT_DEBIT", **bank, "pp_account_number": "123456789"},
            ),
            "dd letters": (bad, {"method_of_payment": "DIRECT_DEBIT", **bank, "pp_sort_code": "12345A"}),
            "dd other digits": (bad, {"method_of_payment": "DIRECT_DEBIT", **bank, "pp_sort_code": "١٢٣٤٥٦"}),
            "so": (set(), {"method_of_payment": "STANDING_ORDER", **bank}),
            "so no account": (bad, {"method_of_payment": "STANDING_ORDER", "pp_sort_code": "123456"}),
            "deo": (set(), {"method_of_payment": "DEO", "employer_reference": "E1"}),
            "deo no employer": (bad, {"method_of_payment": "DEO"}),
            "der blank employer": (bad, {"method_of_payment": "DER", "employer_reference": " "}),
            "der": (set(), {"method_of_payment": "DER", "employer_reference": "E1"}),
        }
    )


def test_child_missing() -> None:
    one_each({"without": ({"child_missing"}, {"child": False}), "with": (set(), {})})


# --- CIS


def test_B37_B38_each_parent_is_verified_against_CIS() -> None:
    one_each(
        both_parents("other surname", {"cis_name_mismatch"}, {}, cis={"surname": "Wilson"})
        | both_parents("other forenames", {"cis_name_mismatch"}, {}, cis={"forenames": "Alexandra"})
        | both_parents(
            "other birth date", {"cis_date_of_birth_mismatch"}, {}, cis={"date_of_birth": date(1980, 5, 18)}
        )
        | both_parents("superseded", {"cis_superseded_nino"}, {}, cis={"superseded_by_nino": "AB999999A"})
        | both_parents("dead", {"cis_deceased"}, {}, cis={"date_of_death": date(2012, 1, 1)})
        | both_parents(
            "accents",
            set(),
            {"forenames": "Siân", "surname": "O'Brien"},
            cis={"forenames": "SIAN", "surname": "O BRIEN"},
        )
        | both_parents(
            "all of it",
            {
                "cis_name_mismatch",
                "cis_date_of_birth_mismatch",
                "cis_superseded_nino",
                "cis_deceased",
            },
            {},
            cis={
                "surname": "X",
                "date_of_birth": date(1970, 1, 1),
                "superseded_by_nino": "AB999999A",
                "date_of_death": date(2012, 1, 1),
            },
        )
    )


def test_cis_no_match_and_multiple_matches_leave_the_other_cis_rules_unjudged() -> None:
    twice = {"nino": nino_of("RP-twice")[:8] + "B", "surname": "Other", "date_of_death": date(2010, 1, 1)}
    payer_twice = {"nino": nino_of("PP-payer twice")[:8] + "B", "benefit_live": False}
    one_each(
        {
            "nobody": ({"cis_no_match"}, {"not_in_cis": ["receiver"]}),
            "twice": ({"cis_multiple_matches"}, {}),
            "payer unknown": (
                {"cis_no_match"},
                {"not_in_cis": ["payer"], "method_of_payment": "BENEFIT_DEDUCTION"},
            ),
            "payer twice": (
                {"cis_multiple_matches"},
                {"payer_cis": {"benefit_live": False}, "method_of_payment": "BENEFIT_DEDUCTION"},
            ),
        },
        more={"cis_persons": [twice, payer_twice]},
    )


def test_a_missing_or_bad_nino_leaves_every_cis_and_benefit_rule_unjudged() -> None:
    one_each(
        {
            "none": ({"nino_missing"}, {"payer": {"nino": None}, "method_of_payment": "BENEFIT_DEDUCTION"}),
            "bad": (
                {"nino_invalid"},
                {"payer": {"nino": "AB12345"}, "method_of_payment": "BENEFIT_DEDUCTION"},
            ),
        }
    )


def test_a_missing_surname_or_birth_date_is_not_its_mismatch() -> None:
    known = {"surname": "Wilson", "date_of_birth": date(1970, 1, 1)}
    both = {"surname": None, "date_of_birth": None}
    one_each(
        {
            "surname": (
                {"surname_missing"},
                {"receiver": {"surname": None}, "receiver_cis": {"surname": "Wilson"}},
            ),
            "birth": (
                {"date_of_birth_missing"},
                {"receiver": {"date_of_birth": None}, "receiver_cis": {"date_of_birth": date(1970, 1, 1)}},
            ),
            "both": ({"surname_missing", "date_of_birth_missing"}, {"receiver": both, "receiver_cis": known}),
        }
    )


def test_B42_benefit_is_asked_for_only_where_it_is_deducted_from() -> None:
    one_each(
        {
            "live": (set(), {"method_of_payment": "BENEFIT_DEDUCTION"}),
            "not live": (
                {"cis_benefit_missing"},
                {"method_of_payment": "BENEFIT_DEDUCTION", "payer_cis": {"benefit_live": False}},
            ),
            "card": (set(), {"payer_cis": {"benefit_live": False}}),
            "receiver's": (
                set(),
                {"method_of_payment": "BENEFIT_DEDUCTION", "receiver_cis": {"benefit_live": False}},
            ),
        }
    )
    night = tonight(case("deducted", "1", method_of_payment="BENEFIT_DEDUCTION"), case("card", "2"))
    assert (row_of(night, "deducted")["benefit_code"], row_of(night, "card")["benefit_code"]) == ("JSA", None)


def test_R18_warnings_stop_nothing() -> None:
    """Administrative prefix, and a suffix that differs from CIS; once for each case and party."""
    other = {"nino": nino_of("RP-suffix")[:8] + "C"}
    night = tonight(
        case("admin", "1", payer={"nino": "PY123456A"}),
        case("suffix", "2", receiver_cis=other),
        case("both", "3", payer={"nino": "CR123456A"}, receiver={"nino": "MW123456A"}),
    )
    assert {night.outcome(group) for group in "123"} == {COMPLETE}
    rows = night.decided.opened
    assert sorted(
        zip(rows["rule_code"], rows["csa_case_id"], rows["subject"], rows["severity"], strict=True)
    ) == [
        ("nino_administrative_prefix", "admin", "PAYING_PARENT", "WARNING"),
        ("nino_administrative_prefix", "both", "PAYING_PARENT", "WARNING"),
        ("nino_administrative_prefix", "both", "RECEIVING_PARENT", "WARNING"),
        ("nino_suffix_differs", "suffix", "RECEIVING_PARENT", "WARNING"),
    ]
    assert rows["route"].isna().all()
    assert rows["exception_id"].is_unique, "one each for both parents of a case"
    assert "MANUAL_HANDLING" not in night.item_types


def test_R18_a_bad_nino_is_not_warned_about() -> None:
    night = tonight(case(receiver={"nino": "PY12345"}))
    assert night.opened == {("nino_invalid", "A")}


def test_R18_a_suffix_that_differs_from_the_register_matches_with_a_warning() -> None:
    night = tonight(case(on_cms={"paying_parent_nino": nino_of("PP-G1")[:8] + "D"}))
    assert night.opened == {("nino_suffix_differs", "A")}
    assert row_of(night, "A")["origin"] == "EXISTING"


# --- whose exception it is


def test_whose_the_paying_parents_rules_come_once_on_its_first_case_nil_or_not() -> None:
    night = tonight(case("B"), case("C"), case("A", owes={}, payer={"surname": None}))
    assert night.opened == {("surname_missing", "A")}
    assert night.exception("surname_missing")["subject"] == "PAYING_PARENT"
    assert night.created == set()


def test_whose_first_is_by_system_then_case() -> None:
    night = tonight(case("9", csa_system="CS2", payer={"surname": None}), case("1", csa_system="CSCS"))
    assert night.opened == {("surname_missing", "9")}


def test_whose_a_receiving_parents_rules_come_on_each_case() -> None:
    bad: Row = {"receiving_parent_id": "RP-both", "receiver": {"surname": None}}
    night = tonight(case("A", **bad), case("B", **bad), case("C"))
    assert night.opened == {("surname_missing", "A"), ("surname_missing", "B")}
    assert night.created == {"C"}


def test_B48_personal_values_are_masked_and_the_original_row_is_kept() -> None:
    night = tonight(case(receiver={"nino": "BG123456A", "surname": "Secret"}))
    row = night.exception("nino_invalid")
    assert (row["field"], row["value"]) == ("nino", "******56A")
    assert '"surname": "Secret"' in row["original"]
    assert "BG123456" not in row["message"]
    assert "Secret" not in row["message"]


# --- B30, B31, B40: on CMS or created


def test_B31_B40_a_case_and_its_casegroup_are_created() -> None:
    row = row_of(tonight(case(scheme="1993", method_of_payment="DEO", employer_reference="E")), "A")
    assert (row["origin"], row["cms_case_id"], row["cms_casegroup_id"]) == (
        "ARREARS_ONLY",
        "CMS-CS2-A",
        "CMS-G1",
    )
    assert (row["scheme"], row["method_of_payment"], row["maintenance_region"]) == ("1993", "DEO", "GB")


def test_B30_B31_a_case_on_CMS_is_linked_and_none_of_set_ups_rules_judged() -> None:
    """R8: only cases that must be created; scheme details are recorded on it all the same."""
    night = tonight(
        case(on_cms={}, child=False, method_of_payment=None, receiver={"surname": None}, not_in_cis=["payer"])
    )
    row = row_of(night, "A")
    assert (row["origin"], row["cms_case_id"], row["cms_casegroup_id"], row["scheme"]) == (
        "EXISTING",
        "900-A",
        "800-G1",
        "2003",
    )
    assert night.opened == set()
    assert night.outcome() == COMPLETE
    assert "ARREARS_ONLY_CASE_SET_UP" not in night.item_types


def test_B30_a_case_is_known_by_both_parents_first_eight_characters() -> None:
    spaced = f"{nino_of('RP-A')[:2].lower()} {nino_of('RP-A')[2:8]} d"
    night = tonight(
        case("A", "1", on_cms={"receiving_parent_nino": spaced}),
        case("B", "2", on_cms={"receiving_parent_nino": "ZY999999A"}),
        case("C", "3", on_cms={"paying_parent_nino": "ZY999999A"}),
    )
    assert {case_id: row_of(night, case_id)["origin"] for case_id in "ABC"} == {
        "A": "EXISTING", "B": "ARREARS_ONLY", "C": "ARREARS_ONLY",
    }  # fmt: skip


def test_B40_a_new_case_is_linked_to_its_paying_parents_casegroup_on_CMS() -> None:
    night = tonight(case(on_cms={"receiving_parent_nino": "ZY999999A"}))
    row = row_of(night, "A")
    assert (row["origin"], row["cms_case_id"], row["cms_casegroup_id"]) == (
        "ARREARS_ONLY",
        "CMS-CS2-A",
        "800-G1",
    )


def test_several_register_rows_for_one_pair_or_payer_the_lowest_id_counts() -> None:
    one = case("A", "1", on_cms={"cms_case_id": "2", "cms_casegroup_id": "Y"})
    one.register.append(one.register[0] | {"cms_case_id": "1", "cms_casegroup_id": "Z"})
    other = case(
        "B", "2", on_cms={"receiving_parent_nino": "ZY999999A", "cms_case_id": "3", "cms_casegroup_id": "M"}
    )
    other.register.append(other.register[0] | {"cms_case_id": "4", "cms_casegroup_id": "L"})
    night = tonight(one, other)
    assert (row_of(night, "A")["cms_case_id"], row_of(night, "B")["cms_casegroup_id"]) == ("1", "L")


def test_R7_a_case_on_the_register_is_found_whatever_stops_another_of_its_casegroup() -> None:
    night = tonight(case("A", on_cms={}, payer={"surname": None}), case("B"))
    assert night.opened == {("surname_missing", "A")}
    assert night.created == {"A"}
    assert night.dues == {}


def two_systems() -> list[Case]:
    """The same two parents with a case on each of two systems."""
    same: Row = {"receiving_parent_id": "RP-same"}
    return [case("1", csa_system="CSCS", **same), case("2", csa_system="CS2", **same)]


def test_two_CSA_cases_of_one_casegroup_with_the_same_parents_make_one_CMS_case() -> None:
    night = tonight(*two_systems())
    assert {row_of(night, case_id)["cms_case_id"] for case_id in "12"} == {"CMS-CS2-2"}
    assert night.dues == {("1", "RP", "ACTIVE"): 1000, ("2", "RP", "ACTIVE"): 1000}


def test_the_second_of_them_joins_the_one_created_before() -> None:
    earlier = {
        "case_key": "CSCS/1",
        "csa_system": "CSCS",
        "csa_case_id": "1",
        "casegroup_id": "G1",
        "cms_case_id": "CMS-CSCS-1",
        "cms_casegroup_id": "CMS-G1",
        "scheme": "2003",
        "origin": "ARREARS_ONLY",
        "parents": "G1/PP-G1/RP-same",
    }
    night = tonight(*two_systems(), cms_cases=[earlier])
    assert night.created == {"2"}
    assert row_of(night, "2")["cms_case_id"] == "CMS-CSCS-1"


def test_B40_a_paying_parents_casegroup_created_here_before_is_linked_to() -> None:
    night = tonight(case("A", "G2", paying_parent_id="PP"), payer_casegroups={"PP": "CMS-G1"})
    assert row_of(night, "A")["cms_casegroup_id"] == "CMS-G1"


def test_a_case_created_before_is_not_judged_again() -> None:
    earlier = {"case_key": "CS2/A", "csa_system": "CS2", "csa_case_id": "A", "casegroup_id": "G1", "cms_case_id": "CMS-CS2-A",
               "cms_casegroup_id": "CMS-G1", "scheme": "2003", "origin": "ARREARS_ONLY", "parents": "G1/PP-G1/RP-A"}  # fmt: skip
    night = tonight(case(child=False, receiver={"surname": None}), cms_cases=[earlier])
    assert night.opened == set()
    assert night.outcome() == COMPLETE
    assert night.created == set()


# --- B37, B38: interest flags


def test_B37_B38_CIS_is_asked_to_flag_the_parents_of_created_cases() -> None:
    night = tonight(
        case("new", "1"),
        case("flagged", "2", receiver_cis={"interest_registered": True}),
        case("existing", "3", on_cms={}),
        case("failed", "4", child=False),
    )
    assert set(night.set_up.interest_flags["party_id"]) == {"PP-1", "RP-new", "PP-2"}


def test_an_interest_flag_is_asked_for_once_a_person() -> None:
    night = tonight(case("A"), case("B"))
    assert sorted(night.set_up.interest_flags["party_id"]) == ["PP-G1", "RP-A", "RP-B"]


# --- B49: what caseworkers entered


def resolution(
    entity: str, field: str | None, old: str | None, new: str | None, case_id: str = "A", **over: Any
) -> Row:
    row: Row = {
        "resolution_id": f"R-{field}-{new}",
        "csa_system": "CS2",
        "csa_case_id": case_id,
        "entity": entity,
        "field": field,
    }
    return row | {"old_value": old, "new_value": new, "entered_on": BEFORE} | over


def test_B49_what_was_entered_mends_the_case() -> None:
    night = tonight(
        case("A", "1", receiver={"surname": None}, receiver_cis={"surname": "Walker"}),
        case("B", "2", method_of_payment="CHEQUE"),
        case("C", "3", balance_row={"total_pence": 7}),
        case("D", "4", payer={"date_of_birth": None}, payer_cis={"date_of_birth": date(1980, 5, 17)}),
        resolutions=[
            resolution("RECEIVING_PARENT", "surname", None, "Walker", "A"),
            resolution("CASE", "method_of_payment", "CHEQUE", "CARD", "B"),
            resolution("BALANCE", "total_pence", "7", "1000", "C"),
            resolution("PAYING_PARENT", "date_of_birth", None, "1980-05-17", "D"),
        ],
    )
    assert {night.outcome(group) for group in "1234"} == {COMPLETE}


def test_B49_it_stands_only_where_the_field_still_holds_the_old_value() -> None:
    night = tonight(
        case("A", "1", receiver={"surname": "Wlker"}, receiver_cis={"surname": "Walker"}),
        case("B", "2", receiver={"surname": "Wolker"}, receiver_cis={"surname": "Walker"}),
        resolutions=[
            resolution("RECEIVING_PARENT", "surname", "Wlker", "Walker", "A"),
            resolution("RECEIVING_PARENT", "surname", "Wlker", "Walker", "B"),
        ],
    )
    assert night.opened == {("cis_name_mismatch", "B")}


def test_B49_they_are_applied_in_the_order_they_were_entered() -> None:
    first = resolution(
        "CASE", "method_of_payment", None, "DEO", entered_on=date(2017, 8, 8), resolution_id="2"
    )
    second = resolution(
        "CASE", "method_of_payment", "DEO", "CARD", entered_on=date(2017, 8, 9), resolution_id="1"
    )
    assert tonight(case(method_of_payment=None), resolutions=[second, first]).outcome() == COMPLETE


def test_22_what_was_entered_for_a_parent_is_for_the_person_on_whichever_case_they_stand() -> None:
    """Also of another casegroup, and where they are the other parent."""
    bad: Row = {
        "receiving_parent_id": "RP-both",
        "receiver": {"surname": None},
        "receiver_cis": {"surname": "Walker"},
    }
    payer: Row = {"payer": {"surname": None}, "payer_cis": {"surname": "Walker"}}
    night = tonight(
        case("A", "1", **payer), case("B", "1"), case("C", "2", **bad), case("D", "2", **bad), case("E", "3", **bad),
        case("F", "4", paying_parent_id="RP-both", payer=bad["receiver"], payer_cis=bad["receiver_cis"]),
        case("G", "5", receiver={"surname": None}, receiver_cis={"surname": "Walker"}),
        resolutions=[
            resolution("PAYING_PARENT", "surname", None, "Walker", "B"),
            resolution("RECEIVING_PARENT", "surname", None, "Walker", "C"),
        ],
    )  # fmt: skip
    assert {night.outcome(group) for group in "1234"} == {COMPLETE}
    assert night.opened == {("surname_missing", "G")}


def test_22_who_the_parent_is_may_have_been_entered_too() -> None:
    night = tonight(
        case("A", "1", receiving_parent_id="nobody", not_received=["receiver"]),
        case("B", "2", receiver={"surname": None}, receiver_cis={"surname": "Walker"}),
        resolutions=[
            resolution("CASE", "receiving_parent_id", "nobody", "RP-B"),
            resolution("RECEIVING_PARENT", "surname", None, "Walker"),
        ],
    )
    assert {night.outcome(group) for group in "12"} == {COMPLETE}


def test_B49_nothing_but_a_field_of_its_entity_can_be_entered() -> None:
    """Not keys, what the store keeps beside a row, or what a stage has made of it; and not in another case of letters."""
    bad: Row = {"receiver": {"surname": None}, "receiver_cis": {"surname": "Walker"}}
    entries: list[tuple[str, str | None, str | None, str | None]] = [
        ("CASE", "csa_case_id", "A", "B"), ("CASE", "csa_system", "CS2", "CSCS"),
        ("CASE", "business_date", "2017-08-10", "2017-08-01"),
        ("CASE", "claimed_casegroup_id", "G1", "G2"), ("CASE", "last_closed_on", "2017-08-10", None),
        ("CASE", "case_key", "CS2/A", "CS2/B"), ("RECEIVING_PARENT", "casegroup_id", "G1", "G2"),
        ("RECEIVING_PARENT", "sensitive", "false", "true"), ("RECEIVING_PARENT", "role", "RECEIVING_PARENT", "PAYING_PARENT"),
        ("RECEIVING_PARENT", "party_id", "RP-A", "PP-G1"), ("RECEIVING_PARENT", "Surname", None, "Walker"),
        ("RECEIVING_PARENT", " surname", None, "Walker"), ("RECEIVING_PARENT", None, None, "Walker"),
    ]  # fmt: skip
    night = tonight(
        case(**bad),
        resolutions=[resolution(*entry, resolution_id=str(at)) for at, entry in enumerate(entries)],
    )
    assert night.opened == {("surname_missing", "A")}
    assert night.figure("held") == {("A", "RP", "ACTIVE"): 1000}


@pytest.mark.parametrize(
    ("field", "old", "new"),
    [
        ("case_status", "CLOSED", "BROKEN"), ("case_status", "CLOSED", None), ("case_type", "ONGOING", "ongoing"),
        ("casegroup_id", "G1", None), ("method_of_payment", "CARD", "CHEQUE"), ("scheme", "2003", "2012"),
        ("liability_end_date", "2017-07-31", "20170801"), ("liability_end_date", "2017-07-31", "2017-W32-4"),
        ("closed_reason", "CASE_CLOSURE", "BORED"), ("rp_arrears_decision", None, "KEEP"),
    ],
)  # fmt: skip
def test_B49_a_value_outside_its_list_or_in_another_form_changes_nothing(
    field: str, old: str | None, new: str | None
) -> None:
    entered = tonight(case(), resolutions=[resolution("CASE", field, old, new)])
    assert (entered.outcome(), entered.dues) == (COMPLETE, {("A", "RP", "ACTIVE"): 1000})
    cases = entered.received.cases
    assert cases["method_of_payment"].tolist() == ["CARD"]
    assert cases["scheme"].tolist() == ["2003"]
    assert cases["rp_arrears_decision"].isna().all()


def test_B49_a_new_value_that_cannot_be_one_changes_nothing() -> None:
    night = tonight(
        case("A", "1", balance_row={"total_pence": 7}),
        case("B", "2", liability_end_date=None),
        case("C", "3", manual_inhibit=True),
        case("D", "4", manual_inhibit=True),
        resolutions=[
            resolution("BALANCE", "total_pence", "7", "a thousand", "A"),
            resolution("CASE", "liability_end_date", None, "31/07/2017", "B"),
            resolution("CASE", "manual_inhibit", "true", "perhaps", "C"),
            resolution("CASE", "manual_inhibit", "true", "false", "D"),
            resolution("CASE", "no_such_field", None, "x", "D"),
        ],
    )
    assert [night.outcome(group)[0] for group in "1234"] == [
        "EXCEPTION",
        "HELD",
        "HELD",
        "TRANSITION_COMPLETE",
    ]
