"""Payments (B59-B61, R25, R30, R31): what the gates are asked, where each payment stands, and which dues its pence reach."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pytest

from case_closure.gates import suites
from case_closure.stages import allocate_payments as stage
from case_closure.stages import payment_entries
from case_closure.stages.allocate_payments import Concluded, Receipts, Standing
from case_closure.stages.common.exceptions import Before
from case_closure.stages.payment_entries import Let
from case_closure.tables import handed, handing
from tests.support.builders import ON, Row, frame_like
from tests.support.plain_gate import judge

NIGHT = pd.Timestamp(ON).as_unit("s")
PAYER = {"party_id": "P1", "nino": "AB123456A", "surname": "O'Brien", "casegroup_id": "G1"}


def line(reference: str | None, value: str | None, **over: Any) -> Row:
    """A line of a file of CSA, from the payer of G1."""
    row: Row = {
        "extract_number": 1,
        "csa_system": "CS2",
        "nino": "AB123456B",
        "forenames": "Alex",
        "surname": "O BRIEN",
    }
    return row | {"csa_receipt_reference": reference, "row_value": value, "is_first": False} | over


def agencys(reference: str | None, pence: int | None, **over: Any) -> Row:
    """A receipt of an agency for case A of G1."""
    row: Row = {
        "extract_number": 1,
        "row_number": 1,
        "csa_system": "CS2",
        "csa_case_id": "A",
        "dca_reference": reference,
    }
    return row | {"amount_pence": pence, "casegroup_id": "G1", "is_first": False} | over


def receipts(
    *lines: Row,
    dca: tuple[Row, ...] = (),
    firsts: tuple[Row, ...] = (),
    stored: tuple[str, ...] = (),
    payers: tuple[Row, ...] = (PAYER,),
    entered: tuple[Row, ...] = (),
) -> Receipts:
    numbered = [{"row_number": number} | row for number, row in enumerate(lines, 1)]
    return Receipts(
        frame_like(handed.CSA_RECEIPTS, numbered), frame_like(handed.DCA_RECEIPTS, dca),
        frame_like(handed.PAYMENTS_FIRST, firsts), frame_like(handed.PAYMENT_IDS, [{"payment_id": name} for name in stored]),
        frame_like(handed.PAYERS_BY_NAME, payers), frame_like(handed.ENTERED_FOR_PEOPLE, entered),
    )  # fmt: skip


def concluded(held: Receipts, on: pd.Timestamp = NIGHT) -> Concluded:
    csa, dca = stage.csa_facts(held, on), stage.dca_facts(held, on)
    broke = {
        "csa_payments": judge(suites.csa_payments(), csa),
        "dca_payments": judge(suites.dca_payments(), dca),
    }
    return stage.conclude(csa, dca, broke)


def standing(
    *payments: Row, complete: dict[str, date | None] | None = None, entries: tuple[Row, ...] = ()
) -> Standing:
    groups = {"G1": ON} if complete is None else complete
    return Standing(
        frame_like(handed.PAYMENTS, payments),
        frame_like(handed.RESOLUTIONS, entries),
        frame_like(
            handed.CASEGROUPS_COMPLETED,
            [{"casegroup_id": name, "completed_on": day} for name, day in groups.items()],
        ),
    )


def payment(reference: str, status: str, pence: int = 1000, **over: Any) -> Row:
    row: Row = {
        "payment_id": f"id-{reference}", "source": "CSA", "reference": reference, "extract_number": 1, "row_number": 1,
        "csa_system": "CS2", "amount_pence": pence, "is_first": True, "status": status, "allocated_pence": 0,
        "casegroup_id": "G1" if status in ("HELD", "FLAGGED") else None,
    }  # fmt: skip
    return row | over


def entry(number: int, reference: str, field: str, value: str | None, **over: Any) -> Row:
    row: Row = {"resolution_id": f"R{number}", "csa_case_id": reference, "entity": "PAYMENT", "field": field}
    return row | {"new_value": value, "entered_on": ON} | over


def due(name: str, pence: int, casegroup: str = "G1", **over: Any) -> Row:
    row: Row = {
        "due_id": name,
        "casegroup_id": casegroup,
        "csa_system": "CS2",
        "csa_case_id": "A",
        "creditor": "RP",
    }
    row |= {"arrears_status": "ACTIVE", "arrears_from": date(2010, 1, 1), "arrears_to": date(2011, 1, 1)}
    return row | {"outstanding_pence": pence} | over


def stood(payments: pd.DataFrame) -> dict[str, str]:
    """Where each payment stands, by reference; several of a reference in their order."""
    told: dict[str, list[str]] = {}
    for reference, status in zip(payments["reference"], payments["status"], strict=True):
        told.setdefault(reference, []).append(status)
    return {reference: " ".join(statuses) for reference, statuses in told.items()}


def found(one: Concluded) -> set[tuple[str, str]]:
    return set(zip(one.exceptions_found["rule_code"], one.exceptions_found["subject_reference"], strict=True))


# --- what can be read ([11])


@pytest.mark.parametrize(
    ("value", "pence"),
    [
        ("155.18", 15518),
        ("0.01", 1),
        ("92233720368547758.07", 2**63 - 1),
        ("92233720368547758.08", None),
        ("0.00", None),
        ("-1.00", None),
        ("−1.00", None),
        ("+1.00", None),
        ("1,000.00", None),
        ("1 000.00", None),
        ("1.0", None),
        ("1", None),
        ("1.000", None),
        ("£1.00", None),
        (" 1.00", None),
        ("1.00\n", None),
        ("٢.٥٠", None),
        ("1.00,extra", None),
        ("", None),
        (None, None),
    ],
)
def test_a_value_is_pounds_with_two_decimals_above_nothing_or_the_row_is_malformed(
    value: str | None, pence: int | None
) -> None:
    """[11]: no other sign than a hyphen, no thousands, no other script's digits. A malformed row is an exception only."""
    one = concluded(receipts(line("R1", value)))
    assert one.payments["amount_pence"].tolist() == ([] if pence is None else [pence])
    assert found(one) == (set() if pence else {("payment_malformed", "R1")})


def test_a_row_without_a_reference_is_malformed_and_called_by_its_place() -> None:
    """[11], [40]: its item names no payment, for there is none to name; and each such row is an exception of its own."""
    held = receipts(line(None, "1.00"), line("  ", "2.00"), line(None, None), dca=(agencys(None, 5),))
    one = concluded(held)
    assert len(one.payments) == 0
    places = {"CS2 2017-08-10 1", "CS2 2017-08-10 2", "CS2 2017-08-10 3", "DCA 2017-08-10 1"}
    assert found(one) == {("payment_malformed", place) for place in places}
    items = opened(held, one)["work_items"]
    assert items["subject_reference"].isna().all()
    assert items["work_item_id"].nunique() == 4


@pytest.mark.parametrize(("pence", "good"), [(1, True), (0, False), (-1, False), (None, False)])
def test_an_agencys_amount_is_above_nothing_or_its_row_is_malformed(pence: int | None, good: bool) -> None:
    """[11]."""
    one = concluded(receipts(dca=(agencys("D1", pence),)))
    assert found(one) == (set() if good else {("payment_malformed", "D1")})
    assert len(one.payments) == good


# --- whose it is ([16])


@pytest.mark.parametrize(
    ("over", "status", "rule"),
    [
        ({}, "HELD", None),
        ({"nino": "ab 12 34 56 d"}, "HELD", None),
        ({"nino": None, "surname": None}, "SUSPENSE", "payment_owner_unknown"),
        ({"nino": "AB"}, "SUSPENSE", "payment_owner_unknown"),
        ({"nino": "AB123457A"}, "SUSPENSE", "payment_owner_unknown"),
        ({"surname": "O’Brién"}, "HELD", None),
        ({"surname": "Brien"}, "SUSPENSE", "payment_name_mismatch"),
        ({"surname": None}, "SUSPENSE", "payment_name_mismatch"),
    ],
)
def test_R25_B59_matched_by_eight_characters_and_surname(over: Row, status: str, rule: str | None) -> None:
    """[16], R19; [11]: a NINO or surname missing is owner unknown, or name mismatch."""
    one = concluded(receipts(line("R1", "1.00", **over)))
    assert stood(one.payments) == {"R1": status}
    assert found(one) == ({(rule, "R1")} if rule else set())
    assert (
        one.payments["casegroup_id"].tolist() == (["G1"] if status == "HELD" else [None]) or status != "HELD"
    )


def test_a_payer_without_a_surname_on_record_is_nobodys_namesake() -> None:
    """[16]: nothing is not the same as nothing."""
    one = concluded(receipts(line("R1", "1.00", surname="-"), payers=(PAYER | {"surname": None},)))
    assert found(one) == {("payment_name_mismatch", "R1")}


def test_of_several_casegroups_the_lowest_whose_payer_has_the_name() -> None:
    """[16]."""
    of_three = (("G3", "O'Brien"), ("G2", "O'Brien"), ("G1", "Other"))
    payers = tuple(PAYER | {"casegroup_id": group, "surname": name} for group, name in of_three)
    assert concluded(receipts(line("R1", "1.00"), payers=payers)).payments["casegroup_id"].tolist() == ["G2"]


def test_what_a_caseworker_entered_for_the_payer_counts() -> None:
    """[16], B49: the NINO was missing in the extract, and was entered."""
    entered = {"resolution_id": "R", "csa_system": "CS2", "csa_case_id": "A", "entity": "PAYING_PARENT", "field": "nino",
               "new_value": "AB123456A", "entered_on": ON, "paying_parent_id": "P1", "receiving_parent_id": "P2"}  # fmt: skip
    one = concluded(receipts(line("R1", "1.00"), payers=(PAYER | {"nino": None},), entered=(entered,)))
    assert stood(one.payments) == {"R1": "HELD"}


def test_B61_an_agencys_receipt_is_its_cases_casegroups() -> None:
    """[16]: none held, owner unknown."""
    one = concluded(receipts(dca=(agencys("D1", 5), agencys("D2", 5, casegroup_id=None, row_number=2))))
    assert stood(one.payments) == {"D1": "HELD", "D2": "SUSPENSE"}
    assert found(one) == {("payment_owner_unknown", "D2")}


# --- the first of its reference ([4], [16])


def test_R25_the_same_again_is_a_duplicate_and_another_value_a_conflict() -> None:
    """[16]: whichever system's file; each a row of its own."""
    one = concluded(
        receipts(
            line("R1", "1.00"), line("R1", "1.00"), line("R1", "2.00"), line("R1", "1.00", csa_system="CSCS")
        )
    )
    assert stood(one.payments) == {"R1": "HELD DUPLICATE SUSPENSE DUPLICATE"}
    assert one.payments["is_first"].tolist() == [True, False, False, False]
    assert found(one) == {("payment_receipt_conflict", "R1")}
    assert one.payments["payment_id"].is_unique


def test_R25_an_agencys_receipts_are_held_against_their_first_as_csas_are() -> None:
    """[16]."""
    again = (agencys("D1", 5), agencys("D1", 5, row_number=2), agencys("D1", 6, row_number=3))
    one = concluded(receipts(dca=again))
    assert stood(one.payments) == {"D1": "HELD DUPLICATE SUSPENSE"}
    assert found(one) == {("payment_receipt_conflict", "D1")}


def test_the_first_may_have_come_on_another_night() -> None:
    """[16]."""
    first = {"source": "CSA", "reference": "R1", "amount_pence": 100}
    one = concluded(receipts(line("R1", "1.00"), line("R1", "1.01"), firsts=(first,)))
    assert stood(one.payments) == {"R1": "DUPLICATE SUSPENSE"}
    assert not one.payments["is_first"].any()


def test_a_malformed_row_does_not_use_up_its_reference() -> None:
    """[4]."""
    one = concluded(receipts(line("R1", "x"), line("R1", "1.00")))
    assert stood(one.payments) == {"R1": "HELD"}
    assert one.payments["is_first"].all()


def test_an_agencys_reference_is_another_than_a_receipts_of_the_same_letters() -> None:
    one = concluded(receipts(line("X1", "1.00"), dca=(agencys("X1", 200),)))
    assert stood(one.payments) == {"X1": "HELD HELD"}
    assert one.payments["is_first"].all()


def test_R21_what_is_stored_of_tonight_is_not_taken_for_a_duplicate_of_itself() -> None:
    """The stage run again, or an extract landed again that brings what was allocated already."""
    stored = ("CSA-R1-2017-08-10-CS2-100-1",)
    first = {"source": "CSA", "reference": "R1", "amount_pence": 100}
    one = concluded(receipts(line("R1", "1.00"), line("R1", "1.00"), firsts=(first,), stored=stored))
    assert stood(one.payments) == {"R1": "DUPLICATE"}
    assert one.payments["payment_id"].tolist() == ["CSA-R1-2017-08-10-CS2-100-2"]


def test_a_payment_in_suspense_is_judged_again_and_goes_on_when_its_owner_came() -> None:
    """[13]: one that is still nobody's stays, and nothing of it is stored anew."""
    rows = (
        line("R1", "1.00", payment_id="id-R1", stood="SUSPENSE", is_first=True),
        line("R2", "1.00", payment_id="id-R2", stood="SUSPENSE", is_first=True, nino=None),
        line("R3", "1.00", payment_id="id-R3", stood="SUSPENSE"),
    )
    one = concluded(receipts(*rows))
    assert stood(one.payments) == {"R1": "HELD"}
    assert found(one) == {("payment_owner_unknown", "R2"), ("payment_receipt_conflict", "R3")}


def test_what_waits_for_a_casegroup_that_has_gone_is_judged_again_whose_it_is() -> None:
    """[16]: its cases moved to another; nobody known any more, it is in suspense. A flag stays, whosever it is."""
    again: Row = {"is_first": True}
    rows = (
        line("R1", "1.00", payment_id="id-R1", stood="HELD", **again),
        line("R2", "1.00", payment_id="id-R2", stood="HELD", nino=None, **again),
        line("R3", "1.00", payment_id="id-R3", stood="FLAGGED", **again),
    )
    one = concluded(receipts(*rows, payers=(PAYER | {"casegroup_id": "G9"},)))
    assert stood(one.payments) == {"R1": "HELD", "R2": "SUSPENSE", "R3": "FLAGGED"}
    assert one.payments["casegroup_id"].fillna("").tolist() == ["G9", "", "G9"]


# --- exceptions and their items


def opened(
    held: Receipts, one: Concluded, *open_now: Row, tonight: tuple[str, ...] = ()
) -> dict[str, pd.DataFrame]:
    csa, dca = stage.csa_facts(held, NIGHT), stage.dca_facts(held, NIGHT)
    before = Before(frame_like(handed.EXCEPTIONS_SEEN, open_now), handing.empty(handed.ROUTES))
    decided = stage.exceptions(
        csa, dca, one.exceptions_found, pd.Series(tonight, dtype="str"), before, NIGHT, NIGHT
    )
    return decided.frames


def open_exception(rule: str, reference: str) -> Row:
    return {
        "exception_id": f"{rule}-{reference}", "rule_code": rule, "subject": "PAYMENT", "subject_reference": reference,
    }  # fmt: skip


def test_an_item_payment_suspense_for_each_exception_closed_apart() -> None:
    """[40]: of a payment that breaks two rules there are two; whose it could be is not said."""
    held = receipts(line("R1", "1.00"), line("R1", "2.00", nino=None))
    frames = opened(held, concluded(held))
    assert frames["opened"]["rule_code"].tolist() == ["payment_receipt_conflict", "payment_owner_unknown"]
    assert frames["work_items"]["type"].tolist() == ["PAYMENT_SUSPENSE"] * 2
    assert (
        frames["work_items"]["work_item_id"] == "PAYMENT_SUSPENSE-" + frames["opened"]["exception_id"]
    ).all()
    assert frames["work_items"]["subject_reference"].tolist() == ["R1", "R1"]
    assert frames["opened"][["casegroup_id", "csa_system", "csa_case_id"]].isna().all(axis=None)


def test_payment_malformed_closes_when_its_reference_comes_well_formed_and_not_before() -> None:
    """[13]: a payment in suspense that is judged again is no new row."""
    before = open_exception("payment_malformed", "R1")
    again = receipts(line("R1", "1.00", payment_id="id-R1", stood="SUSPENSE", is_first=True, nino=None))
    assert opened(again, concluded(again), before)["resolved"].empty
    fresh = receipts(line("R1", "1.00"))
    assert opened(fresh, concluded(fresh), before)["resolved"]["exception_id"].tolist() == [
        before["exception_id"]
    ]
    still = receipts(line("R1", "1"))
    frames = opened(still, concluded(still), before)
    assert [len(frames[name]) for name in ("resolved", "opened", "seen")] == [0, 0, 1]


def test_what_an_earlier_run_of_the_night_opened_and_is_not_landed_now_ends() -> None:
    """R22: the extract was landed again without it."""
    held = receipts(line("R2", "1.00"))
    before = open_exception("payment_malformed", "R1")
    assert opened(held, concluded(held), before)["resolved"].empty
    assert len(opened(held, concluded(held), before, tonight=("R1",))["resolved"]) == 1


# --- what people enter, and the flag ([17], [19], [20])


def let(one: Standing, payments: pd.DataFrame | None = None) -> Let:
    return payment_entries.let(handing.empty(handed.PAYMENTS) if payments is None else payments, one, NIGHT)


def test_R31_money_of_an_agency_before_completion_is_flagged_and_of_csa_held() -> None:
    """[19]."""
    held = concluded(receipts(line("R1", "1.00"), dca=(agencys("D1", 5),))).payments
    assert stood(let(standing(complete={"G1": None}), held).payments) == {"R1": "HELD", "D1": "FLAGGED"}
    assert stood(let(standing(), held).payments) == {"R1": "HELD", "D1": "HELD"}


@pytest.mark.parametrize(
    ("status", "field", "value", "becomes"),
    [
        ("SUSPENSE", "casegroup_id", "G1", "HELD"),
        ("SUSPENSE", "casegroup_id", "NOWHERE", None),
        ("SUSPENSE", "passed_to", "the payer", "PASSED_ON"),
        ("SUSPENSE", "passed_to", None, None),
        ("SUSPENSE", "manual_allocation", "true", None),
        ("HELD", "manual_allocation", "true", "FLAGGED"),
        ("FLAGGED", "manual_allocation", "false", "HELD"),
        ("HELD", "manual_allocation", "false", None),
        ("FLAGGED", "manual_allocation", "true", None),
        ("HELD", "casegroup_id", "G1", None),
        ("HELD", "passed_to", "the payer", None),
        *(
            (status, field, value, None)
            for status in ("ALLOCATED", "SURPLUS", "DUPLICATE", "PASSED_ON")
            for field, value in (("casegroup_id", "G1"), ("passed_to", "x"), ("manual_allocation", "false"))
        ),
    ],
)
def test_R30_R31_an_entry_moves_a_payment_that_is_in_a_state_for_it_and_no_other(
    status: str, field: str, value: str | None, becomes: str | None
) -> None:
    """[17], [20]: what no payment was in a state for is told, and nothing changes."""
    after = let(standing(payment("R1", status), entries=(entry(1, "R1", field, value),)))
    assert stood(after.payments) == {"R1": becomes or status}
    assert after.entries["state_fits"].tolist() == [becomes is not None]
    refused = payment_entries.refused_entries(after.entries, judge(suites.payment_entries(), after.entries))
    assert refused.to_dict("records") == ([] if becomes else [{"row_key": "R1", "field": "field"}])
    assert after.events["by_what"].tolist() == (["RESOLUTION R1"] if becomes else [])


def test_an_agencys_money_let_go_to_a_casegroup_that_is_not_complete_is_flagged() -> None:
    """[17], [19]."""
    one = payment("D1", "SUSPENSE", source="DCA")
    entries = (entry(1, "D1", "casegroup_id", "G2"),)
    assert stood(let(standing(one, complete={"G2": None}, entries=entries)).payments) == {"D1": "FLAGGED"}


def test_an_entry_lets_one_payment_go_the_first_of_its_reference_before_what_is_in_conflict() -> None:
    """[17]: a caseworker says of one payment whose it is; two of a reference take two entries."""
    both = (
        payment("R1", "SUSPENSE", payment_id="b", is_first=False),
        payment("R1", "SUSPENSE", payment_id="a"),
    )
    one = let(standing(*both, entries=(entry(1, "R1", "casegroup_id", "G1"),)))
    assert dict(zip(one.payments["payment_id"], one.payments["status"], strict=True)) == {
        "b": "SUSPENSE",
        "a": "HELD",
    }
    entries = (entry(1, "R1", "casegroup_id", "G1"), entry(2, "R1", "passed_to", "the agency"))
    assert sorted(let(standing(*both, entries=entries)).payments["status"]) == ["HELD", "PASSED_ON"]


def test_entries_count_in_the_order_in_which_they_were_entered() -> None:
    """[20]: flagged by one, let go by the next."""
    later = entry(1, "R1", "manual_allocation", "false", entered_on=date(2017, 8, 10))
    sooner = entry(2, "R1", "manual_allocation", "true", entered_on=date(2017, 8, 9))
    after = let(standing(payment("R1", "HELD"), entries=(later, sooner)))
    assert after.events["status"].tolist() == ["FLAGGED", "HELD"]
    assert after.let_go.tolist() == ["R1"]


def test_an_entry_that_names_a_system_is_about_the_payment_of_that_system() -> None:
    one = standing(payment("R1", "SUSPENSE"), entries=(entry(1, "R1", "passed_to", "x", csa_system="CSCS"),))
    assert let(one).entries["state_fits"].tolist() == [False]
    nobody = let(standing(entries=(entry(1, "R9", "passed_to", "x"),))).entries
    assert nobody[["payment_known", "state_fits"]].to_numpy().tolist() == [[False, False]]


def test_what_an_entry_lets_go_ends_its_exceptions_and_not_those_of_another_payment() -> None:
    """[17]: 'both close its exception and item'; the other payment of the reference still breaks its own rule."""
    both = (
        payment("R1", "SUSPENSE", payment_id="a"),
        payment("R1", "SUSPENSE", payment_id="b", is_first=False),
    )
    after = let(standing(*both, entries=(entry(1, "R1", "casegroup_id", "G1"),)))
    broken = frame_like(
        handed.PAYMENT_RULES,
        [
            {"payment_id": "a", "rule_code": "payment_owner_unknown", "reference": "R1"},
            {"payment_id": "b", "rule_code": "payment_receipt_conflict", "reference": "R1"},
        ],
    )
    rules = ("payment_owner_unknown", "payment_receipt_conflict", "payment_malformed")
    before = frame_like(handed.EXCEPTIONS_SEEN, [open_exception(rule, "R1") for rule in rules])
    ended = payment_entries.released(before, after, broken, NIGHT).resolved
    assert ended["rule_code"].tolist() == ["payment_owner_unknown"]
    assert ended["resolved_by"].tolist() == ["RESOLUTION R1"]


def test_one_prompt_for_each_flagged_payment_the_night_its_casegroup_completes() -> None:
    """[19]: and no other night."""
    rows = [payment(f"D{number}", "FLAGGED", source="DCA", csa_case_id="A") for number in (1, 2)]
    rows += [
        payment("D3", "FLAGGED", prompted_on=date(2017, 8, 9)),
        payment("D4", "FLAGGED", casegroup_id="G2"),
    ]
    one = standing(*rows, complete={"G1": ON, "G2": None})
    asked, items = stage.prompted(let(one).payments, one, handing.empty(handed.ROUTES), NIGHT)
    assert items["subject_reference"].tolist() == ["D1", "D2"]
    assert set(items["type"]) == {"DCA_MANUAL_ALLOCATION"}
    assert items[["casegroup_id", "csa_system", "csa_case_id"]].drop_duplicates().to_numpy().tolist() == [
        ["G1", "CS2", "A"]
    ]
    assert asked["prompted_on"].notna().tolist() == [True, True, True, False]
    nobody = standing(payment("R1", "HELD"))
    assert stage.prompted(let(nobody).payments, nobody, handing.empty(handed.ROUTES), NIGHT)[1].empty


def test_a_receipt_of_CSA_that_a_person_has_flagged_has_its_prompt_too() -> None:
    """[19], [20]: which is of no one case."""
    one = standing(payment("R1", "FLAGGED"))
    _, items = stage.prompted(let(one).payments, one, handing.empty(handed.ROUTES), NIGHT)
    assert items["subject_reference"].tolist() == ["R1"]
    assert items[["csa_system", "csa_case_id"]].isna().all(axis=None)


# --- the pass ([18])


def allocated(one: Standing, *dues: Row) -> stage.Allocated:
    return stage.allocate(let(one).payments, frame_like(handed.DUES_OUTSTANDING, dues), one, NIGHT)


def test_R25_active_dues_first_then_the_oldest_then_by_creditor_system_and_case() -> None:
    """[18]: arrears_from, then arrears_to, null last; RP before GB_SOS before NI_SOS."""
    old, older = date(2010, 1, 1), date(2009, 1, 1)
    dues = [
        due("deferred", 1, arrears_status="DEFERRED", arrears_from=older),
        due("suspended", 1, arrears_status="SUSPENDED", arrears_from=older),
        due("undated", 1, arrears_from=None, arrears_to=None),
        due("case B", 1, arrears_from=old, csa_case_id="B"),
        due("system CSCS", 1, arrears_from=old, csa_system="CSCS", csa_case_id="0"),
        due("ni", 1, arrears_from=old, creditor="NI_SOS", csa_system="CCD"),
        due("gb", 1, arrears_from=old, creditor="GB_SOS"),
        due("rp", 1, arrears_from=old),
        due("open end", 1, arrears_from=old, arrears_to=None),
        due("oldest", 1, arrears_from=older, creditor="NI_SOS"),
    ]
    expected = [
        "oldest",
        "rp",
        "case B",
        "system CSCS",
        "gb",
        "ni",
        "open end",
        "undated",
        "suspended",
        "deferred",
    ]
    for count in (1, len(dues)):
        done = allocated(standing(payment("R1", "HELD", count)), *dues)
        assert done.ledger["due_id"].tolist() == expected[:count]
    assert done.ledger["amount_pence"].tolist() == [-1] * len(dues)
    assert set(done.ledger["reference"]) == {"R1"}
    assert set(done.ledger["kind"]) == {"ALLOCATION"}


def test_by_night_received_then_reference_and_what_is_left_over_is_surplus() -> None:
    """[18]: nothing below nothing; a payment that finds no due is surplus whole, with the night of its pass."""
    rows = [
        payment("A2", "HELD", 60), payment("A1", "HELD", 70), payment("Z", "HELD", 70, business_date=date(2017, 8, 9)),
    ]  # fmt: skip
    done = allocated(standing(*rows), due("D", 100))
    took = done.payments.set_index("reference")
    assert took["allocated_pence"].to_dict() == {"A2": 0, "A1": 30, "Z": 70}
    assert took["status"].to_dict() == {"A2": "SURPLUS", "A1": "SURPLUS", "Z": "ALLOCATED"}
    assert (took["allocated_on"] == NIGHT).all()
    assert done.ledger["reference"].tolist() == ["Z", "A1"]
    assert len(done.events) == 3


def test_only_held_payments_of_complete_casegroups_are_allocated() -> None:
    """R25, [19]: flagged, in suspense, or not complete: none of it moves."""
    rows = [payment("F", "FLAGGED"), payment("S", "SUSPENSE"), payment("H", "HELD", casegroup_id="G2")]
    done = allocated(standing(*rows, complete={"G1": ON, "G2": None}), due("D", 100), due("D2", 100, "G2"))
    assert (len(done.ledger), len(done.events)) == (0, 0)
    assert stood(done.payments) == {"F": "FLAGGED", "S": "SUSPENSE", "H": "HELD"}


def test_R39_an_allocation_is_never_dated_before_the_completion_it_follows() -> None:
    done = allocated(standing(payment("R1", "HELD", 10), complete={"G1": date(2017, 8, 14)}), due("D", 100))
    assert done.ledger["business_date"].tolist() == [pd.Timestamp("2017-08-14")]
    assert done.payments["allocated_on"].tolist() == [pd.Timestamp("2017-08-14")]


def test_sums_that_no_int64_holds_are_shared_out_exactly_all_the_same() -> None:
    """A hostile file must neither stop the night nor come out wrong."""
    most = 2**63 - 1
    rows = [payment(f"R{number}", "HELD", most) for number in range(4)] + [
        payment("S", "HELD", 5, casegroup_id="G2")
    ]
    one = standing(*rows, complete={"G1": ON, "G2": ON})
    done = allocated(one, *(due(f"D{number}", most) for number in range(3)), due("E", 3, "G2"))
    took = done.payments.set_index("reference")["allocated_pence"].to_dict()
    assert took == {"R0": most, "R1": most, "R2": most, "R3": 0, "S": 3}


def test_a_stage_told_nothing_decides_nothing() -> None:
    done = allocated(standing(complete={}))
    assert [len(frame) for frame in done.frames.values()] == [0, 0, 0]
