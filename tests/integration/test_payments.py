"""Payments through whole nights, on the real store: whose each is, where its money stands, which dues it paid (B59-B61)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import psycopg
import pytest

from case_closure.night import run as night
from tests.support.builders import Case, Row, case, nino_of
from tests.support.installation import Databases, Installation

pytestmark = pytest.mark.usefixtures("plain_letters")

FIRST, SECOND, THIRD, FOURTH = (date(2017, 8, day) for day in (10, 11, 12, 14))
COMPLETE = ("TRANSITION_COMPLETE", "ARREARS_ADDED")


def paid(
    casegroup: str, reference: str, value: str, surname: str = "Walker"
) -> tuple[str, str, str, str, str]:
    return (nino_of(f"PP-{casegroup}"), "Alex", surname, reference, value)


def collected(reference: str | None, case_id: str, pence: int | None) -> Row:
    return {"dca_reference": reference, "agency": "Agency", "csa_system": "CS2", "csa_case_id": case_id,
            "amount_pence": pence, "received_on": FIRST}  # fmt: skip


def entered(number: int, reference: str, field: str, value: str) -> Row:
    return {
        "resolution_id": f"RES{number}", "csa_system": None, "csa_case_id": reference, "entity": "PAYMENT", "field": field,
        "old_value": None, "new_value": value, "source_system": "phone", "entered_by": "Pat", "entered_on": FIRST,
    }  # fmt: skip


def waiting(case_id: str, casegroup: str, **more: Any) -> Case:
    """A case that has not closed."""
    return case(case_id, casegroup, case_status="OPEN", closed_reason=None, liability_end_date=None, **more)


Line = tuple[str, str, int, str | None, str, int]


def stood(store: Installation, schema: str = "reporting") -> set[Line]:
    """(reference, night, pence, casegroup, status, allocated) of each payment."""
    return {
        (row["csa_receipt_reference"], row["business_date"].isoformat()[-2:], row["amount_pence"], row["casegroup_id"],
         row["status"], row["allocated_pence"])
        for row in store.view("payments", schema)
    }  # fmt: skip


def outstanding(store: Installation) -> dict[str, int]:
    """What all entries of each due come to."""
    rows = store.query("select due_id, sum(amount_pence)::bigint as pence from reporting.ledger group by 1")
    return {row["due_id"]: row["pence"] for row in rows}


def suspense(store: Installation) -> dict[str, str]:
    """Of each payment exception its status and that of its item, by rule and reference."""
    items = {
        row["work_item_id"]: row["status"]
        for row in store.view("work_items")
        if row["type"] == "PAYMENT_SUSPENSE"
    }
    rows = store.query("select * from closure.exceptions where stage = 'payments'")
    assert len(items) == len(rows)
    return {
        f"{row['rule_code']} {row['subject_reference']}": f"{row['status']} {items['PAYMENT_SUSPENSE-' + row['exception_id']]}"
        for row in rows
    }  # fmt: skip


@pytest.fixture(scope="module")
def four_nights(database_server: Databases) -> Iterator[tuple[Installation, dict[date, dict[str, Any]]]]:
    """What stands after each of four nights: money comes, owners come, people enter whose it is."""
    nights: list[tuple[date, tuple[Case, ...], dict[str, Any]]] = [
        (FIRST, (case("A", "G1", owes={"rp_active": 1000, "gb_sos_deferred": 300}), waiting("B", "G2")), {
            "payments": {
                "CS2": [
                    paid("G1", "R1", "4.00"), paid("G1", "R1", "5.00"), paid("G1", "bad", "1"), paid("G1", "bad too", "1"),
                    paid("G2", "R2", "6.00"), paid("G3", "R3", "7.00"), paid("G1", "R4", "1.00", "Other"),
                ],
                "CSCS": [paid("G1", "R1", "4.00"), paid("G1", "", "1.00")],
            },
            "dca_payments": [
                collected("D1", "A", 100), collected("D2", "B", 200), collected("D3", "C", 300), collected("D1", "A", 100),
                collected(None, "A", 5), collected("D4", "A", None),
            ],
        }),
        (SECOND, (case("B", "G2"), case("C", "G3")), {
            "payments": {"CS2": [paid("G1", "bad", "2.00"), paid("G1", "R1", "4.00"), paid("G3", "R5", "1.00")]},
            "resolutions": [entered(1, "R4", "passed_to", "the Gateway"), entered(2, "R1", "casegroup_id", "G1")],
        }),
        (THIRD, (case("E", "G5"),), {
            "payments": {"CS2": [paid("G1", "R6", "9.00"), paid("G1", "R7", "1.00")]},
            "resolutions": [entered(3, "D2", "manual_allocation", "false"), entered(4, "R6", "manual_allocation", "false")],
        }),
        (FOURTH, (), {}),
    ]  # fmt: skip
    with database_server.installation() as made:
        found: dict[date, dict[str, Any]] = {}
        for on, cases, more in nights:
            made.night(on, *cases, **more)
            found[on] = {
                "payments": stood(made), "outstanding": outstanding(made), "suspense": suspense(made),
                "outcomes": made.outcomes(),
                "prompts": [row for row in made.view("work_items") if row["type"] == "DCA_MANUAL_ALLOCATION"],
            }  # fmt: skip
        yield made, found


def test_R25_B59_B61_each_payment_stands_where_its_owner_and_casegroup_say(
    four_nights: tuple[Installation, dict[date, dict[str, Any]]],
) -> None:
    """[16], [19], [39]: allocated, held, in suspense, duplicate, flagged; a malformed row is an exception only ([11])."""
    after = four_nights[1][FIRST]
    assert after["payments"] == {
        ("R1", "10", 400, "G1", "ALLOCATED", 400), ("R1", "10", 500, None, "SUSPENSE", 0),
        ("R1", "10", 400, None, "DUPLICATE", 0), ("R2", "10", 600, "G2", "HELD", 0), ("R3", "10", 700, None, "SUSPENSE", 0),
        ("R4", "10", 100, None, "SUSPENSE", 0), ("D1", "10", 100, "G1", "ALLOCATED", 100),
        ("D1", "10", 100, None, "DUPLICATE", 0), ("D2", "10", 200, "G2", "FLAGGED", 0), ("D3", "10", 300, None, "SUSPENSE", 0),
    }  # fmt: skip
    assert after["outstanding"] == {"CS2-A-RP-ACTIVE": 500, "CS2-A-GB_SOS-DEFERRED": 300}
    assert after["suspense"] == dict.fromkeys(
        (
            "payment_malformed bad", "payment_malformed bad too", "payment_malformed CSCS 2017-08-10 2",
            "payment_malformed DCA 2017-08-10 5", "payment_malformed D4", "payment_receipt_conflict R1",
            "payment_owner_unknown R3", "payment_owner_unknown D3", "payment_name_mismatch R4",
        ), "OPEN OPEN",
    )  # fmt: skip
    assert after["outcomes"] == {"G1": COMPLETE, "G2": ("HELD", "OPEN_CASES")}
    assert after["prompts"] == []


def test_R25_what_was_held_is_allocated_and_what_was_nobodys_goes_on_the_night_its_casegroup_completes(
    four_nights: tuple[Installation, dict[date, dict[str, Any]]],
) -> None:
    """[13], [17], [18]: owners that came, and what was entered, on one night in one pass; by night received, then reference."""
    after = four_nights[1][SECOND]
    assert after["payments"] - four_nights[1][FIRST]["payments"] == {
        ("R2", "10", 600, "G2", "ALLOCATED", 600), ("R3", "10", 700, "G3", "ALLOCATED", 700),
        ("D3", "10", 300, "G3", "ALLOCATED", 300), ("R5", "11", 100, "G3", "SURPLUS", 0),
        ("R1", "10", 500, "G1", "ALLOCATED", 500), ("bad", "11", 200, "G1", "ALLOCATED", 200),
        ("R1", "11", 400, None, "DUPLICATE", 0), ("R4", "10", 100, None, "PASSED_ON", 0),
    }  # fmt: skip
    assert after["outstanding"] == {
        "CS2-A-RP-ACTIVE": 0, "CS2-A-GB_SOS-DEFERRED": 100, "CS2-B-RP-ACTIVE": 400, "CS2-C-RP-ACTIVE": 0,
    }  # fmt: skip
    history = four_nights[0].query(
        "select h.event, h.by_whom from reporting.exception_history h join reporting.exceptions e using (exception_id) "
        "where e.rule_code = 'payment_receipt_conflict' order by h.event_number"
    )  # [22]
    told = [(row["event"], row["by_whom"]) for row in history]
    assert told == [("OPENED", None), ("ENTERED", "Pat"), ("RESOLVED", None)]
    assert {name for name, state in after["suspense"].items() if state != "RESOLVED CLOSED"} == {
        "payment_malformed bad too", "payment_malformed CSCS 2017-08-10 2", "payment_malformed DCA 2017-08-10 5",
        "payment_malformed D4",
    }  # fmt: skip


def test_R31_a_flagged_payment_waits_for_a_person_who_is_asked_once(
    four_nights: tuple[Installation, dict[date, dict[str, Any]]],
) -> None:
    """[19], [20]: asked on the night of completion, nothing allocated meanwhile; let go the night somebody says so."""
    found = four_nights[1]
    assert ("D2", "10", 200, "G2", "FLAGGED", 0) in found[SECOND]["payments"]
    (prompt,) = found[SECOND]["prompts"]
    assert (prompt["subject_reference"], prompt["casegroup_id"], prompt["csa_case_id"]) == ("D2", "G2", "B")
    assert (prompt["business_date"], prompt["status"]) == (SECOND, "OPEN")
    assert ("D2", "10", 200, "G2", "ALLOCATED", 200) in found[THIRD]["payments"]
    assert [row["status"] for row in found[THIRD]["prompts"]] == ["CLOSED"]


def test_R25_above_the_debt_money_is_surplus_and_is_not_allocated_later(
    four_nights: tuple[Installation, dict[date, dict[str, Any]]],
) -> None:
    """[18]: never a negative due; allocated_on is the night of the pass ([39])."""
    made, found = four_nights
    assert {("R6", "12", 900, "G1", "SURPLUS", 100), ("R7", "12", 100, "G1", "SURPLUS", 0)} <= found[THIRD][
        "payments"
    ]
    assert min(found[FOURTH]["outstanding"].values()) == 0
    assert found[FOURTH]["payments"] == found[THIRD]["payments"]
    rows = {
        row["csa_receipt_reference"]: row for row in made.view("payments") if row["business_date"] == THIRD
    }
    assert {row["allocated_on"] for row in rows.values()} == {THIRD}
    assert {row["source"] for row in made.view("payments") if row["csa_receipt_reference"][0] == "D"} == {
        "DCA"
    }


def test_an_entry_that_no_payment_is_in_a_state_for_is_refused_and_does_not_use_up_its_number(
    four_nights: tuple[Installation, dict[date, dict[str, Any]]],
) -> None:
    """[5], [17], [20]: R6 was never flagged."""
    made, _ = four_nights
    refused = made.query(
        "select row_key, rule_codes, fields from closure.refused_rows where file_name = 'resolutions'"
    )
    assert refused == [{"row_key": "RES4", "rule_codes": ["row_invalid"], "fields": ["field"]}]
    assert made.query("select resolution_id from held.resolutions where resolution_id = 'RES4'") == []


def test_every_allocation_is_a_negative_entry_and_a_due_shows_what_it_was_paid(
    four_nights: tuple[Installation, dict[date, dict[str, Any]]],
) -> None:
    """[18]: dues.allocated_pence, and entries whose reference is the payment's; amount_pence is not changed by money."""
    made, _ = four_nights
    paid_in = made.query(
        "select d.due_id, d.allocated_pence, d.amount_pence, d.posted_pence, "
        "coalesce(-sum(l.amount_pence) filter (where l.kind = 'ALLOCATION'), 0)::bigint as entries "
        "from reporting.dues d left join reporting.ledger l using (due_id) group by 1, 2, 3, 4"
    )
    assert all(row["allocated_pence"] == row["entries"] for row in paid_in)
    assert all(row["amount_pence"] == row["posted_pence"] for row in paid_in)
    assert sum(row["allocated_pence"] for row in paid_in) == sum(row[5] for row in stood(made))
    assert (
        min(made.query("select amount_pence from reporting.ledger where kind <> 'ALLOCATION'")[0].values())
        > 0
    )
    assert made.query("select max(amount_pence) as most from reporting.ledger where kind = 'ALLOCATION'") == [
        {"most": -100}
    ]


def test_R21_each_night_run_again_changes_nothing(
    four_nights: tuple[Installation, dict[date, dict[str, Any]]],
) -> None:
    """Entries of a night count once, what it judged is not judged again."""
    made, _ = four_nights
    before = made.everything(), made.query("select count(*) from closure.payment_events")
    for on in (THIRD, FIRST, FOURTH):
        made.run(on)
    assert (made.everything(), made.query("select count(*) from closure.payment_events")) == before


def test_R21_of_two_payments_of_one_reference_the_night_of_the_second_run_again_judges_both(
    installation: Installation,
) -> None:
    """An exception is of a reference: that of the first is not gone because the second does not break its rule."""
    for on, name, value in ((FIRST, "Other", "1.00"), (SECOND, "Walker", "2.00")):
        line = paid("G1", "R1", value, name)
        installation.night(on, case("A", "G1"), payments={"CS2": [line]})
    assert suspense(installation) == dict.fromkeys(
        ("payment_name_mismatch R1", "payment_receipt_conflict R1"), "OPEN OPEN"
    )
    before = installation.everything()
    installation.run(SECOND, "again")
    assert installation.everything() == before


def test_the_history_of_a_payment_says_each_place_it_stood_in(
    four_nights: tuple[Installation, dict[date, dict[str, Any]]],
) -> None:
    """R30, R31: who let it go stands in it; rows are only ever added, and the server refuses anything else."""
    made, _ = four_nights
    rows = made.query(
        "select p.reference, e.status, e.by_what from closure.payment_events e join closure.payments p using (payment_id) "
        "where p.reference in ('D2', 'R4') and p.status <> 'DUPLICATE' order by e.number"
    )
    told: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        told.setdefault(row["reference"], []).append((row["status"], row["by_what"]))
    assert told == {
        "D2": [
            ("FLAGGED", "EXTRACT 2017-08-10"),
            ("HELD", "RESOLUTION RES3"),
            ("ALLOCATED", "NIGHT 2017-08-12"),
        ],
        "R4": [("SUSPENSE", "EXTRACT 2017-08-10"), ("PASSED_ON", "RESOLUTION RES1")],
    }
    for statement in (
        "delete from closure.payment_events",
        "update closure.payment_events set status = 'HELD'",
    ):
        with pytest.raises(psycopg.errors.RestrictViolation, match="only ever added"):
            made.execute(statement)


@pytest.mark.parametrize(
    "change",
    [
        "allocated_pence = amount_pence + 1",
        "allocated_pence = -1",
        "amount_pence = 0",
        "status = 'LOST'",
        "status = 'HELD'",
        "casegroup_id = null",
        "allocated_on = null",
        "passed_to = 'x'",
        "source = 'BANK'",
        "allocated_pence = allocated_pence - 1",
    ],
)
def test_the_server_refuses_a_payment_that_contradicts_itself(
    four_nights: tuple[Installation, dict[date, dict[str, Any]]], change: str
) -> None:
    made, _ = four_nights
    with pytest.raises(psycopg.errors.CheckViolation):
        made.execute(f"update closure.payments set {change} where reference = 'R2'")  # noqa: S608


def test_two_firsts_of_a_reference_are_refused_by_the_server(
    four_nights: tuple[Installation, dict[date, dict[str, Any]]],
) -> None:
    made, _ = four_nights
    with pytest.raises(psycopg.errors.UniqueViolation):
        made.execute("update closure.payments set is_first = true where reference = 'R1'")


def test_dues_take_what_corrections_have_left_of_them(installation: Installation) -> None:
    """[18]: what is outstanding is the sum of all entries."""
    correction: Row = {"correction_id": "K1", "csa_system": "CS2", "csa_case_id": "A", "creditor": "RP", "reason": "ERROR",
                       "arrears_status": "ACTIVE", "new_amount_pence": 300, "requested_by": "Pat"}  # fmt: skip
    installation.night(FIRST, case("A", "G1"))
    installation.night(SECOND, corrections=[correction], payments={"CS2": [paid("G1", "R1", "5.00")]})
    assert stood(installation) == {("R1", "11", 500, "G1", "SURPLUS", 300)}
    assert outstanding(installation) == {"CS2-A-RP-ACTIVE": 0}


def test_R31_of_a_flag_cleared_on_the_night_of_completion_nobody_is_asked(installation: Installation) -> None:
    """[20]"""
    installation.night(FIRST, waiting("B", "G2"), dca_payments=[collected("D1", "B", 200)])
    installation.night(SECOND, case("B", "G2"), resolutions=[entered(1, "D1", "manual_allocation", "false")])
    assert stood(installation) == {("D1", "10", 200, "G2", "ALLOCATED", 200)}
    assert [row for row in installation.view("work_items") if row["type"] == "DCA_MANUAL_ALLOCATION"] == []


# --- killed, landed again, late


LANDED: dict[str, Any] = {
    "payments": {"CS2": [paid("G1", "R1", "4.00"), paid("G3", "R3", "7.00"), paid("G2", "R2", "1.00")]},
    "dca_payments": [collected("D2", "B", 200)],
}


def until(store: Installation, on: date, stage: str) -> None:
    """The night up to that stage and no further, as if its process had been killed then."""
    stages = night.STAGES[: night.STAGES.index(stage) + 1]
    night.run_night(store.context(on), lambda *_: None, stages)


def test_R22_a_night_killed_after_the_pass_and_run_again_has_paid_once(installation: Installation) -> None:
    """The stage is one transaction, and finds what it has stored."""
    installation.land(FIRST, case("A", "G1"), waiting("B", "G2"), **LANDED)
    until(installation, FIRST, "allocate_payments")
    before = stood(installation), outstanding(installation), suspense(installation)
    until(installation, FIRST, "allocate_payments")
    assert (stood(installation), outstanding(installation), suspense(installation)) == before
    installation.run(FIRST, "run-2")
    assert (stood(installation), outstanding(installation), suspense(installation)) == before
    assert Counter(line[0] for line in before[0]) == Counter(("R1", "R2", "R3", "D2"))


def test_R22_what_was_not_allocated_of_a_replaced_extract_is_gone_and_what_was_stands(
    installation: Installation,
) -> None:
    """In the ledger for good: money that dues have taken is neither taken back nor taken twice. What an entry or an owner of the
    first extract did to a payment of an earlier night is undone, and its exception is open again."""
    installation.night(FIRST, case("A", "G1"), waiting("B", "G2"), **LANDED)
    first = stood(installation)
    came: dict[str, Any] = {"payments": {"CS2": [
        paid("G1", "R8", "1.00"), paid("G9", "R9", "2.00"), paid("G2", "R10", "3.00"), paid("G1", "R11", "x"),
    ]}, "resolutions": [
        entered(1, "R3", "passed_to", "somebody"), entered(2, "D2", "manual_allocation", "false"),
        entered(3, "R9", "casegroup_id", "G2"),
    ]}  # fmt: skip
    installation.land(SECOND, case("F", "G4"), **came)
    until(installation, SECOND, "allocate_payments")
    assert stood(installation) - first == {
        ("R8", "11", 100, "G1", "ALLOCATED", 100), ("R9", "11", 200, "G2", "HELD", 0), ("R10", "11", 300, "G2", "HELD", 0),
        ("R3", "10", 700, None, "PASSED_ON", 0), ("D2", "10", 200, "G2", "HELD", 0),
    }  # fmt: skip
    again = {"CS2": [paid("G1", "R8", "1.00"), paid("G2", "R10", "4.00")]}
    installation.land(SECOND, case("F", "G4"), extract_id="DW-2", payments=again)
    installation.run(SECOND, "run-2")
    assert stood(installation) - first == {
        ("R8", "11", 100, "G1", "ALLOCATED", 100), ("R10", "11", 400, "G2", "HELD", 0),
    }  # fmt: skip
    assert first <= stood(installation)
    assert suspense(installation) == {
        "payment_owner_unknown R3": "OPEN OPEN", "payment_owner_unknown R9": "RESOLVED CLOSED",
        "payment_malformed R11": "RESOLVED CLOSED",
    }  # fmt: skip
    assert outstanding(installation)["CS2-A-RP-ACTIVE"] == 1000 - 400 - 100


def test_R39_a_late_night_judges_its_own_payments_against_all_that_is_known(
    installation: Installation,
) -> None:
    """The first of a reference is the one that was known first, whatever its date; money of other nights is left alone, but that
    of a casegroup the late night completes."""
    installation.night(FIRST, case("A", "G1"), waiting("B", "G2"), **LANDED)
    installation.night(
        THIRD, case("C", "G3"), payments={"CS2": [paid("G1", "R5", "1.00"), paid("G7", "R7", "1.00")]}
    )
    installation.night(
        SECOND, case("B", "G2"),
        payments={"CS2": [paid("G1", "R5", "2.00"), paid("G1", "R6", "3.00"), paid("G3", "R1", "4.00")]},
    )  # fmt: skip
    assert {line for line in stood(installation) if line[0] in ("R1", "R2", "R5", "R6", "R7", "D2")} == {
        ("R1", "10", 400, "G1", "ALLOCATED", 400), ("R1", "11", 400, None, "DUPLICATE", 0),
        ("R5", "12", 100, "G1", "ALLOCATED", 100), ("R5", "11", 200, None, "SUSPENSE", 0),
        ("R6", "11", 300, "G1", "ALLOCATED", 300), ("R2", "10", 100, "G2", "ALLOCATED", 100),
        ("R7", "12", 100, None, "SUSPENSE", 0), ("D2", "10", 200, "G2", "FLAGGED", 0),
    }  # fmt: skip
    (prompt,) = [row for row in installation.view("work_items") if row["type"] == "DCA_MANUAL_ALLOCATION"]
    assert prompt["subject_reference"] == "D2"


def test_what_is_held_goes_with_the_cases_that_leave_its_casegroup(installation: Installation) -> None:
    """[16]: else it would wait for a casegroup that can never complete."""
    installation.night(FIRST, waiting("B", "G2"), payments={"CS2": [paid("G2", "R1", "1.00")]})
    installation.night(SECOND, waiting("B", "G9", paying_parent_id="PP-G2"))
    assert stood(installation) == {("R1", "10", 100, "G9", "HELD", 0)}


def test_R26_payments_of_a_sensitive_casegroup_are_on_its_side_alone(installation: Installation) -> None:
    """Allocated, held and in suspense: by its casegroup, or by whose NINO it names."""
    installation.night(FIRST, case("A", "G1"), waiting("B", "G2"))
    lines = [
        paid("G2", "R1", "1.00"), paid("G2", "R2", "1.00", "Other"), paid("G2", "R1", "1.00"), paid("G2", "", "1.00"),
        paid("G1", "R3", "1.00"),
    ]  # fmt: skip
    hushed = waiting("B", "G2", nationally_sensitive=True)
    installation.night(SECOND, hushed, payments={"CS2": lines}, dca_payments=[collected("D1", "B", 5)])
    assert {line[0] for line in stood(installation)} == {"R3"}
    assert Counter(line[0] for line in stood(installation, "sensitive")) == Counter(("R1", "R1", "R2", "D1"))
    for view in ("exceptions", "work_items"):
        assert [row for row in installation.view(view) if "PAYMENT" in str(row.values()).upper()] == []
    assert (
        len(
            [row for row in installation.view("work_items", "sensitive") if row["type"] == "PAYMENT_SUSPENSE"]
        )
        == 2
    )
