"""Where a balance is when its case moves, and when it comes after completion (B49, R20, R41, [49])."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.support.builders import Case, Row, balance, case
from tests.support.installation import Installation

pytestmark = pytest.mark.usefixtures("plain_letters")

FIRST, SECOND, THIRD = date(2017, 8, 10), date(2017, 8, 11), date(2017, 8, 14)


def entered(case_id: str, old: str | None, new: str | None, **over: Any) -> Row:
    row: Row = {
        "resolution_id": f"R-{case_id}", "csa_system": "CS2", "csa_case_id": case_id, "entity": "CASE", "field": "casegroup_id",
        "old_value": old, "new_value": new, "source_system": "CS2", "entered_by": "ann", "entered_on": SECOND,
    }  # fmt: skip
    return row | over


def where(installation: Installation) -> dict[str, tuple[str, int]]:
    """Of each case, the casegroup and pence of its positions that are not nothing."""
    rows = installation.query(
        "select csa_case_id, casegroup_id, received_pence from closure.positions where received_pence <> 0"
    )
    return {row["csa_case_id"]: (row["casegroup_id"], row["received_pence"]) for row in rows}


def night(installation: Installation, on: date, *cases: Case, **files: Any) -> None:
    """Land and run, but for what goes out."""
    installation.land(on, *cases, extract_id=f"DW-{on}", **files)
    installation.run(on, without="write_out")


# --- a case that moves


def test_B49_a_case_goes_to_the_casegroup_that_was_entered_and_its_balance_with_it(
    installation: Installation,
) -> None:
    night(installation, FIRST, case("A", case_status="OPEN"), case("B", "G2", case_status="OPEN"))
    night(installation, SECOND, resolutions=[entered("A", "G1", "G2")])
    assert where(installation) == {"A": ("G2", 1000), "B": ("G2", 1000)}
    # Two paying parents in one casegroup now: that is for somebody to see, and no mismatch of the balance.
    assert {rule for rule, _ in installation.open_rules()} == {"case_casegroup_conflict"}
    assert installation.outcomes() == {"G2": ("HELD", "OPEN_CASES")}


def test_B49_a_case_that_was_entered_where_its_balance_is_completes(installation: Installation) -> None:
    night(installation, FIRST, case("A", "WRONG", balance_row={"casegroup_id": "G1"}))
    assert installation.open_rules() == {("balance_casegroup_mismatch", "A")}
    night(installation, SECOND, resolutions=[entered("A", "WRONG", "G1")])
    assert installation.outcomes() == {"G1": ("TRANSITION_COMPLETE", "ARREARS_ADDED")}
    assert (installation.open_rules(), installation.dues()) == (set(), {"CS2-A-RP-ACTIVE": 1000})


def test_B49_what_was_entered_stands_while_the_extract_sends_the_old_casegroup_and_ends_when_it_sends_a_third(
    installation: Installation,
) -> None:
    night(installation, FIRST, case("A", case_status="OPEN"))
    night(installation, SECOND, case("A", case_status="OPEN"), resolutions=[entered("A", "G1", "G2")])
    assert (where(installation), installation.open_rules()) == ({"A": ("G2", 1000)}, set())
    night(installation, THIRD, case("A", "G3", case_status="OPEN"))
    assert (where(installation), installation.open_rules()) == ({"A": ("G3", 1000)}, set())


@pytest.mark.parametrize("new", ["", None, "G1"])
def test_B49_a_case_is_never_entered_into_no_casegroup(installation: Installation, new: str | None) -> None:
    night(installation, FIRST, case("A", case_status="OPEN"))
    night(installation, SECOND, resolutions=[entered("A", "G1", new)])
    assert where(installation) == {"A": ("G1", 1000)}


def test_a_completed_case_stays_whatever_is_entered_and_somebody_is_told(installation: Installation) -> None:
    night(installation, FIRST, case("A"), case("B", "G2", case_status="OPEN"))
    night(installation, SECOND, resolutions=[entered("A", "G1", "G2")])
    assert where(installation) == {"A": ("G1", 1000), "B": ("G2", 1000)}
    assert installation.open_rules() == {("case_casegroup_conflict", "A")}


@pytest.mark.parametrize("with_balances", [False, True])
def test_a_case_moves_with_its_balance_whether_or_not_a_balances_file_lands_that_night(
    installation: Installation, with_balances: bool
) -> None:
    night(installation, FIRST, case("A", case_status="OPEN"), case("B", "G2", case_status="OPEN"))
    moved = case("A", "G2", case_status="OPEN", no_balance=True)
    others = [case("C", "G3", case_status="OPEN")] if with_balances else []
    files: dict[str, list[Row]] = {} if with_balances else {"csa_balances": []}
    night(installation, SECOND, moved, *others, **files)
    assert installation.open_rules() == set()
    assert {id_: place for id_, place in where(installation).items() if id_ != "C"} == {
        "A": ("G2", 1000), "B": ("G2", 1000),
    }  # fmt: skip


def test_a_clerical_balance_moves_with_its_case_too(installation: Installation) -> None:
    reported = balance("A", "G1", {"rp_active": 30}, balance_id="K-A")
    night(installation, FIRST, case("A", no_balance=True), clerical_balances=[reported])
    night(installation, SECOND, case("A", "G2", no_balance=True))
    assert where(installation) == {"A": ("G2", 30)}
    assert installation.outcomes() == {"G2": ("CLERICAL", "CLERICAL_REPORT")}


def on_cms(installation: Installation) -> dict[str, tuple[str, str, str]]:
    """Of each case on CMS: the casegroup it is in, its casegroup on CMS, its case there."""
    return {
        row["csa_case_id"]: (row["casegroup_id"], row["cms_casegroup_id"], row["cms_case_id"])
        for row in installation.view("cases")
    }


WAITS: Row = {"receiver": {"surname": None}}


def test_R7_what_was_set_up_for_a_case_goes_with_it_to_another_casegroup_of_its_payer(
    installation: Installation,
) -> None:
    """Created while another case of its casegroup failed, it stands under its payer's casegroup on CMS, and is set up once."""
    payer: Row = {"paying_parent_id": "PP-G1"}
    night(installation, FIRST, case("A"), case("B", **WAITS))
    assert on_cms(installation) == {"A": ("G1", "CMS-G1", "CMS-CS2-A")}
    night(installation, SECOND, case("A", "G2", **payer))
    assert on_cms(installation) == {"A": ("G2", "CMS-G1", "CMS-CS2-A")}
    assert installation.outcomes()["G2"] == ("TRANSITION_COMPLETE", "ARREARS_ADDED")


def test_R7_a_case_that_goes_to_another_paying_parent_is_set_up_on_that_ones_account(
    installation: Installation,
) -> None:
    """Arrears are never added to the account of the parent that its case was of."""
    night(installation, FIRST, case("A"), case("B", **WAITS))
    night(installation, SECOND, case("A", "G2"))
    assert on_cms(installation) == {"A": ("G2", "CMS-G2", "CMS-CS2-A-G2")}
    (due,) = installation.view("dues")
    assert (due["cms_casegroup_id"], due["cms_case_id"]) == ("CMS-G2", "CMS-CS2-A-G2")
    night(installation, THIRD, case("C", "G3"))
    assert on_cms(installation)["A"] == ("G2", "CMS-G2", "CMS-CS2-A-G2")


# --- money that comes after completion


def test_R41_a_case_moves_into_a_completed_casegroup_with_its_credit(installation: Installation) -> None:
    """It is held there whole, the credit it had where it was as well: it was no part of what was completed."""
    owes = {"rp_active": 1000, "rp_deferred": -200}
    night(installation, FIRST, case("A", case_status="OPEN", owes=owes), case("B", "G2"))
    night(installation, SECOND, case("A", "G2", no_balance=True, paying_parent_id="PP-G2"))
    rows = [row for row in installation.view("reconciliation") if row["csa_case_id"] == "A"]
    assert {row["arrears_status"]: (row["received_pence"], row["held_pence"]) for row in rows} == {
        "ACTIVE": (1000, 1000), "DEFERRED": (-200, -200),
    }  # fmt: skip


def lines(installation: Installation) -> dict[str, tuple[int, int, int, str | None]]:
    """Of each case in reconciliation: received, posted, held, break."""
    return {
        row["csa_case_id"]: (row["received_pence"], row["posted_pence"], row["held_pence"], row["break_type"])
        for row in installation.view("reconciliation")
    }


def left_csa(case_id: str, pence: int) -> Row:
    return {"csa_system": "CS2", "csa_case_id": case_id, "creditor": "RP", "arrears_status": "ACTIVE",
            "amount_pence": pence, "written_off_pence": 0}  # fmt: skip


def complete(installation: Installation) -> None:
    night(
        installation, FIRST, case("A"), case("Z", no_balance=True), csa_closing_ledger=[left_csa("A", 1000)]
    )
    assert installation.outcomes() == {"G1": ("TRANSITION_COMPLETE", "ARREARS_ADDED")}


def test_R41_a_clerical_balance_of_a_completed_casegroup_is_held_beside_what_was_posted(
    installation: Installation,
) -> None:
    """[49]: an item for the case, received and held in the reconciliation and in the night; the outcome stays."""
    complete(installation)
    before = installation.view("casegroup_outcomes")
    night(installation, SECOND, clerical_balances=[balance("A", "G1", {"rp_active": 70}, balance_id="K-A")])
    assert lines(installation) == {"A": (1070, 1000, 70, "AMOUNT_DIFFERS")}
    assert installation.view("casegroup_outcomes") == before
    added = [row for row in installation.view("work_items") if row["business_date"] == SECOND]
    assert [(row["type"], row["csa_case_id"]) for row in added] == [("ADD_CORRECT_ARREARS", "A")]
    (told,) = [row for row in installation.view("nights") if row["business_date"] == SECOND]
    assert (told["received_pence"], told["posted_pence"], told["held_pence"]) == (70, 0, 70)


def test_R41_a_clerical_balance_of_a_completed_casegroup_is_to_be_added_also_where_it_owed_nothing(
    installation: Installation,
) -> None:
    """[49]: nobody is asked to apply for a case of a casegroup that has moved."""
    night(installation, FIRST, case("A", owes={}))
    assert installation.outcomes() == {"G1": ("TRANSITION_COMPLETE", "NIL_ARREARS")}
    night(installation, SECOND, clerical_balances=[balance("A", "G1", {"rp_active": 70}, balance_id="K-A")])
    added = [row for row in installation.view("work_items") if row["business_date"] == SECOND]
    assert [(row["type"], row["csa_case_id"]) for row in added] == [("ADD_CORRECT_ARREARS", "A")]


def test_R41_a_first_balance_of_another_case_is_held_and_a_changed_one_of_a_posted_case_is_not(
    installation: Installation,
) -> None:
    complete(installation)
    first = balance("Z", "G1", {"rp_active": 40, "gb_sos_active": -3})
    changed = balance("A", "G1", {"rp_active": 1500}, balance_id="B2")
    night(installation, SECOND, csa_balances=[first, changed])
    assert {(row["csa_case_id"], row["creditor"]): (row["received_pence"], row["posted_pence"], row["held_pence"])
            for row in installation.view("reconciliation")} == {
        ("A", "RP"): (1000, 1000, 0), ("Z", "RP"): (40, 0, 40), ("Z", "GB_SOS"): (-3, 0, -3)}  # fmt: skip
    assert installation.open_rules() == {
        ("balance_changed_after_completion", "A"), ("balance_changed_after_completion", "Z"),
    }  # fmt: skip
    night(installation, THIRD, csa_balances=[balance("Z", "G1", {}, balance_id="B3")])
    assert installation.open_rules() == {("balance_changed_after_completion", "A")}
    assert {row["csa_case_id"] for row in installation.view("reconciliation")} == {"A"}


@pytest.mark.parametrize("by", ["extract", "caseworker"])
def test_R41_a_balance_that_moves_into_a_completed_casegroup_is_held_there(
    installation: Installation, by: str
) -> None:
    complete(installation)
    night(installation, SECOND, case("M", "G9", case_status="OPEN", owes={"rp_active": 60}))
    moves = {"resolutions": [entered("M", "G9", "G1")]} if by == "caseworker" else {}
    cases = [] if moves else [case("M", "G1", case_status="OPEN", no_balance=True)]
    night(installation, THIRD, *cases, **moves)
    assert lines(installation)["M"] == (60, 0, 60, "NOT_ON_CSA")
    assert where(installation) == {"A": ("G1", 1000), "M": ("G1", 60)}
    assert ("balance_changed_after_completion", "M") in installation.open_rules()
    assert installation.outcomes() == {"G1": ("TRANSITION_COMPLETE", "ARREARS_ADDED")}


def test_R41_money_of_a_case_that_was_never_received_is_held_in_the_completed_casegroup_it_names(
    installation: Installation,
) -> None:
    complete(installation)
    night(installation, SECOND, csa_balances=[balance("NOBODY", "G1", {"rp_active": 5})])
    assert lines(installation)["NOBODY"] == (5, 0, 5, "NOT_ON_CSA")
    assert installation.open_rules() == {("balance_case_unknown", "NOBODY")}


def test_R41_amounts_past_all_money_do_not_stop_the_night(installation: Installation) -> None:
    complete(installation)
    largest = balance("A", "G1", {"rp_active": 2**63 - 1}, balance_id="K-A", total_pence=0)
    night(installation, SECOND, clerical_balances=[largest])
    assert lines(installation)["A"][1] == 1000


# --- rows without their case number, and cases that stand twice


def test_51_a_balance_without_its_case_number_is_held_under_its_casegroup_until_a_whole_row_comes(
    installation: Installation,
) -> None:
    """[51]: received and counted with a case number of null, and not said to be of an unknown case."""
    stray = balance(None, "G1", {"rp_active": 300}, balance_id="B-1")
    night(installation, FIRST, case("A", no_balance=True), csa_balances=[stray])
    assert installation.open_rules() == {("balance_key_missing", None)}
    assert installation.outcomes() == {"G1": ("EXCEPTION", "balance_key_missing")}
    (line,) = installation.view("reconciliation")
    assert (line["csa_case_id"], line["received_pence"], line["held_pence"]) == (None, 300, 300)
    (told,) = installation.view("nights")
    assert (told["casegroups_received"], told["received_pence"], told["held_pence"]) == (1, 300, 300)

    # A whole row of another casegroup mends nothing of it.
    night(installation, SECOND, case("Z", "G2"))
    assert installation.open_rules() == {("balance_key_missing", None)}
    night(installation, THIRD, csa_balances=[balance("A", "G1", {"rp_active": 300})])
    assert installation.open_rules() == set()
    assert installation.outcomes()["G1"] == ("TRANSITION_COMPLETE", "ARREARS_ADDED")
    assert {row["csa_case_id"]: (row["received_pence"], row["held_pence"]) for row in installation.view("reconciliation")} == {
        "A": (300, 0), "Z": (1000, 0),
    }  # fmt: skip


@pytest.mark.parametrize("second", ["the same", "another status"])
def test_51_of_a_case_that_stands_twice_what_was_held_stays(installation: Installation, second: str) -> None:
    """[51]: case_duplicate, also when both rows are the same; neither is taken in."""
    night(installation, FIRST, case("A", case_status="OPEN", scheme="1993"))
    over: dict[str, Any] = {} if second == "the same" else {"case_status": "OPEN"}
    night(installation, SECOND, case("A", no_balance=True), case("A", no_balance=True, **over))
    assert installation.open_rules() == {("case_duplicate", "A")}
    (held,) = installation.query("select case_status, scheme, business_date from held.csa_cases")
    assert tuple(held.values()) == ("OPEN", "1993", FIRST)
    assert installation.outcomes() == {"G1": ("HELD", "OPEN_CASES")}
    assert where(installation) == {"A": ("G1", 1000)}
    night(installation, THIRD, case("A", no_balance=True))
    assert installation.open_rules() == set()
    assert installation.dues() == {"CS2-A-RP-ACTIVE": 1000}
