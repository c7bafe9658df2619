"""Post dues: the mirror of the balances, the barrier, and where every penny is (B32, B44; R4-R8)."""

from __future__ import annotations

from datetime import date
from itertools import permutations

import pytest

from case_closure.domain.money import BUCKETS, Bucket
from tests.support.builders import ALL_NINE, ON, Night, Row, balance, case, tonight


def short(bucket: Bucket) -> str:
    return bucket.column.removesuffix("_pence")


def balanced(night: Night) -> bool:
    """Money law: received = posted + held + credits, in every bucket; posted = the dues."""
    lines = night.posted.positions
    adds_up = (
        lines["received_pence"] == lines["posted_pence"] + lines["held_pence"] + lines["credit_pence"]
    ).all()
    return bool(adds_up) and night.figure("posted") == night.dues


def test_B44_R6_each_bucket_alone_is_mirrored_by_one_due() -> None:
    night = tonight(*(case(short(bucket), short(bucket), owes={short(bucket): 12345}) for bucket in BUCKETS))
    assert night.dues == {
        (short(bucket), bucket.creditor, bucket.arrears_status): 12345 for bucket in BUCKETS
    }
    assert balanced(night)


def test_B44_R6_all_nine_together() -> None:
    night = tonight(case(owes=ALL_NINE))
    assert night.dues == {("A", b.creditor, b.arrears_status): ALL_NINE[short(b)] for b in BUCKETS}
    assert balanced(night)


def test_R5_no_netting_between_any_two_buckets() -> None:
    """A credit in one takes nothing from another, whoever it is owed to."""
    pairs = {f"{short(one)}/{short(other)}": (one, other) for one, other in permutations(BUCKETS, 2)}
    night = tonight(
        *(
            case(name, name, owes={short(one): 700, short(other): -300})
            for name, (one, other) in pairs.items()
        )
    )
    assert night.dues == {(name, one.creditor, one.arrears_status): 700 for name, (one, _) in pairs.items()}
    assert night.figure("credit") == {
        (name, other.creditor, other.arrears_status): -300 for name, (_, other) in pairs.items()
    }
    assert balanced(night)


def test_R6_a_due_has_the_period_scheme_and_casegroup_of_its_balance() -> None:
    night = tonight(
        case(scheme="1993", balance_row={"arrears_from": date(2001, 2, 3), "arrears_to": date(2002, 3, 4)})
    )
    (due,) = night.posted.dues.to_dict("records")
    assert due | {} == {
        "due_id": "CS2-A-RP-ACTIVE", "business_date": due["business_date"], "casegroup_id": "G1", "cms_casegroup_id": "CMS-G1",
        "cms_case_id": "CMS-CS2-A", "csa_system": "CS2", "csa_case_id": "A", "scheme": "1993", "creditor": "RP",
        "arrears_status": "ACTIVE", "posted_pence": 1000, "arrears_from": due["arrears_from"], "arrears_to": due["arrears_to"],
        "reference": "B-A",
    }  # fmt: skip
    days = [due[name].date() for name in ("business_date", "arrears_from", "arrears_to")]
    assert days == [ON, date(2001, 2, 3), date(2002, 3, 4)]


def test_each_due_names_the_balance_it_mirrors() -> None:
    night = tonight(case(owes=ALL_NINE))
    assert night.posted.dues["reference"].tolist() == ["B-A"] * 9


@pytest.mark.parametrize("pence", [1, 100_000_000])
def test_R5_one_penny_is_positive_and_so_is_the_most_plausible_amount(pence: int) -> None:
    assert tonight(case(owes={"ni_sos_active": pence})).dues == {("A", "NI_SOS", "ACTIVE"): pence}


def test_R5_a_zero_makes_no_due_and_no_line() -> None:
    night = tonight(case(owes={"rp_active": 0}))
    assert night.dues == {}
    assert night.posted.positions.empty


def test_R5_a_credit_is_not_transferred_and_is_listed() -> None:
    night = tonight(case(owes={"rp_active": -250}))
    assert night.dues == {}
    assert night.figure("credit") == night.figure("received") == {("A", "RP", "ACTIVE"): -250}


def test_R5_no_netting_between_cases_or_people() -> None:
    night = tonight(case("A", owes={"rp_active": 500}), case("B", owes={"rp_active": -500}))
    assert night.dues == {("A", "RP", "ACTIVE"): 500}
    assert night.figure("credit") == {("B", "RP", "ACTIVE"): -500}


@pytest.mark.parametrize(
    "hold", [{"case_status": "OPEN"}, {"manual_inhibit": True}, {"receiver": {"surname": None}}]
)
def test_credits_count_as_soon_as_their_own_row_passes_whatever_holds_the_casegroup(hold: Row) -> None:
    night = tonight(case("A", owes={"rp_active": 900, "gb_sos_active": -40}, **hold))
    assert night.figure("held") == {("A", "RP", "ACTIVE"): 900}
    assert night.figure("credit") == {("A", "GB_SOS", "ACTIVE"): -40}


def test_a_credit_in_a_refused_row_counts_signed_as_held() -> None:
    night = tonight(case(owes={"rp_active": 900, "gb_sos_active": -40}, balance_row={"total_pence": 1}))
    assert night.figure("held") == {("A", "RP", "ACTIVE"): 900, ("A", "GB_SOS", "ACTIVE"): -40}
    assert night.figure("credit") == {}


def test_a_credit_of_a_passing_row_counts_even_if_another_row_of_its_casegroup_is_refused() -> None:
    night = tonight(case("A", owes={"rp_active": -40}), case("B", balance_row={"total_pence": 1}))
    assert night.figure("credit") == {("A", "RP", "ACTIVE"): -40}


@pytest.mark.parametrize("flag", ["partially_clerical", "nationally_sensitive"])
def test_a_credit_in_a_clerical_casegroup_counts_signed_as_held(flag: str) -> None:
    clerical: Row = {flag: True}
    night = tonight(case("A", owes={"rp_active": -40}), case("B", **clerical))
    assert night.figure("held") == {("A", "RP", "ACTIVE"): -40, ("B", "RP", "ACTIVE"): 1000}
    assert night.figure("credit") == {}


def test_B72_a_clerical_report_is_received_and_held_beside_the_balance() -> None:
    night = tonight(case("A"), clerical=[balance("A", "G1", {"rp_active": 5, "ni_sos_active": -3})])
    assert (
        night.figure("received")
        == night.figure("held")
        == {("A", "RP", "ACTIVE"): 1005, ("A", "NI_SOS", "ACTIVE"): -3}
    )


def test_received_counts_a_missing_amount_as_nothing_and_the_buckets_not_the_total() -> None:
    night = tonight(case(owes={"rp_active": 900, "rp_deferred": None}, balance_row={"total_pence": 5555}))
    assert night.figure("received") == {("A", "RP", "ACTIVE"): 900}


# --- R7, R8: the barrier


def test_R7_one_required_case_that_fails_holds_every_due_of_its_casegroup() -> None:
    """Cases that pass are still created; dues, letters and completion wait."""
    night = tonight(case("A"), case("B", child=False), case("C", "G2"))
    assert night.created == {"A", "C"}
    assert night.dues == {("C", "RP", "ACTIVE"): 1000}
    assert night.outcome("G1") == ("EXCEPTION", "child_missing")
    assert {party for _, party in night.letters} == {"PP-G2", "RP-C"}
    assert balanced(night)


def test_R7_the_paying_parents_fault_stops_every_case_that_must_be_created() -> None:
    night = tonight(case("A", payer={"surname": None}), case("B"))
    assert night.created == set()
    assert night.outcome() == ("EXCEPTION", "surname_missing")


def test_R7_a_case_on_CMS_is_linked_though_another_of_its_casegroup_fails() -> None:
    night = tonight(case("A", on_cms={}), case("B", child=False))
    assert night.created == {"A"}
    assert night.dues == {}


def test_R8_a_nil_case_needs_no_CMS_case_and_holds_nothing() -> None:
    night = tonight(
        case("A"),
        case("B", owes={}, child=False, receiver={"nino": None}),
        case("C", owes={"rp_active": -1}, child=False),
    )
    assert night.outcome() == ("TRANSITION_COMPLETE", "ARREARS_ADDED")
    assert night.created == {"A"}


def test_R7_all_dues_of_a_casegroup_come_together() -> None:
    night = tonight(case("A", owes=ALL_NINE), case("B", owes=ALL_NINE), case("C", owes=ALL_NINE))
    assert len(night.dues) == 27
    assert balanced(night)


def test_the_order_of_rows_does_not_matter() -> None:
    cases = [
        case("A", owes=ALL_NINE),
        case("B", "G2"),
        case("C", "G2", child=False),
        case("D", "G3", owes={}),
    ]
    one, other = tonight(*cases), tonight(*reversed(cases))
    assert one.dues == other.dues
    assert [one.outcome(g) for g in ("G1", "G2", "G3")] == [other.outcome(g) for g in ("G1", "G2", "G3")]
