"""What caseworkers enter and what becomes of exceptions, over two nights on one store (B48-B50, B70, B72; R38, R43).

Belongs here: what needs a night that has been and one that follows. Does not belong here: rules judged on one night
(`tests/unit`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from tests.support.builders import ON, Row, balance, case, party
from tests.support.installation import Databases, Installation

pytestmark = pytest.mark.usefixtures("plain_letters")

FIRST, SECOND = ON, date(2017, 8, 11)
NAMELESS: Row = {"surname": None}
WALKER: Row = {"surname": "Walker"}


def entry(
    number: str, case_id: str | None, entity: str | None, field: str | None, old: str | None, new: str | None
) -> Row:
    return {"resolution_id": number, "csa_system": "CS2", "csa_case_id": case_id, "entity": entity, "field": field,
            "old_value": old, "new_value": new, "entered_by": "worker.one", "entered_on": SECOND}  # fmt: skip


def inhibit(case_id: str, **over: Any) -> Row:
    row: Row = {"inhibit_id": case_id, "csa_system": "CS2", "csa_case_id": case_id, "reason": "x", "set_by": "w",
                "set_by_role": "CASEWORKER", "set_on": FIRST}  # fmt: skip
    return row | over


# Entries that nothing can come of: what is entered, and a word of what is said of it.
USELESS: dict[str, tuple[tuple[str | None, str | None, str | None, str | None, str | None], str]] = {
    "01": (("useless", "CASE", "no_such_field", None, "x"), "has no field 'no_such_field'"),
    "02": (("useless", "RECEIVING_PARENT", "Surname", None, "Walker"), "surname is one"),
    "03": (("useless", "RECEIVING_PARENT", "date_of_birth", "1980-05-17", "31/12/1970"), "written as date_of_birth must be"),
    "04": (("useless", "RECEIVING_PARENT", "surname", "Payer", "Walker"), "the other parent of the case has that value"),
    "05": (("useless", "CASE", "case_status", "CLOSED", "BROKEN"), "OPEN, CLOSED"),
    "06": (("useless", "CASE", "method_of_payment", "CHEQUE", "CASH"), "DIRECT_DEBIT"),
    "07": (("useless", "CASE", "method_of_payment", "CARD", "DEO"), "old_value is not what is held"),
    "08": (("useless", "BALANCE", "rp_active_pence", "1000", "10.00"), "no whole number"),
    "09": (("useless", "BALANCE", "total_pence", "1000", "99999999999999999999"), "no whole number"),
    "10": (("useless", "CASE", "nationally_sensitive", "false", "maybe"), "neither true nor false"),
    "11": (("useless", "CASE", "csa_case_id", "useless", "other"), "cannot be entered"),
    "12": (("useless", "ALIEN", "surname", None, "x"), "its entity is none of"),
    "13": (("useless", None, "scheme", "2003", "1993"), "its entity is none of"),
    "14": (("useless", "CASE", None, "2003", "1993"), "names no field"),
    "15": ((None, "CASE", "scheme", "2003", "1993"), "names no case"),
    "16": (("unknown", "CASE", "scheme", "2003", "1993"), "its case is not held"),
    "17": (("unknown", "PAYING_PARENT", "surname", None, "x"), "its case is not held"),
    "18": (("no balance", "BALANCE", "total_pence", "1", "2"), "no balance of its case is held"),
    "19": (("no payer", "PAYING_PARENT", "surname", None, "x"), "that parent of its case is not held"),
    "20": (("useless", "RECEIVING_PARENT", "surname", None, ""), "both its values are empty"),
    "21": (("useless", "CASE", "scheme", "2003", None), "cannot be empty"),
}  # fmt: skip


@pytest.fixture(scope="module")
def two(database_server: Databases) -> Iterator[Installation]:
    """Two nights of many casegroups, each called as what happens to it."""
    with database_server.installation() as made:
        shared: Row = {"receiving_parent_id": "RP-shared", "receiver": NAMELESS, "receiver_cis": WALKER}
        made.night(
            FIRST,
            case("both", "both", payer=NAMELESS, receiver=NAMELESS, payer_cis=WALKER, receiver_cis=WALKER),
            case("removed", "removed", case_status="OPEN"),
            case("no key", None, balance_row={"casegroup_id": "key"}),
            case("flagged", "flagged", partially_clerical=True),
            case("useless", "useless", payer={"surname": "Payer"}, receiver=NAMELESS, method_of_payment="CHEQUE"),
            case("no balance", "no balance", no_balance=True), case("no payer", "no payer", not_received=["payer"]),
            case("here", "here", **shared), case("there", "there", **shared),
            clerical_balances=[balance("lost", None, {"rp_active": 5})],
            closure_failures=[{"csa_system": "CS2", "csa_case_id": "fails", "failure_code": "F1", "failed_on": FIRST}],
            inhibits=[inhibit("removed"), inhibit("fails")],
        )  # fmt: skip
        made.land(
            SECOND, case("flagged", "flagged"), case("fails", "fails", case_status="OPEN"),
            csa_parties=[party("PP-both")],
            inhibits=[inhibit("removed", removed_on=SECOND)],
            resolutions=[
                entry("key", "no key", "CASE", "casegroup_id", None, "key"),
                entry("person", "here", "RECEIVING_PARENT", "surname", None, "Walker"),
                *(entry(number, *what) for number, (what, _) in USELESS.items()),
            ],
        )  # fmt: skip
        made.told = made.run(SECOND)  # type: ignore[attr-defined]
        yield made


def exceptions(made: Installation, *case_ids: str | None) -> list[Row]:
    return [row for row in made.view("exceptions") if row["csa_case_id"] in case_ids]


def item_states(made: Installation, case_id: str) -> list[tuple[str, str, str | None]]:
    rows = [row for row in made.view("work_items") if row["csa_case_id"] == case_id]
    return sorted((row["type"], row["status"], row["casegroup_id"]) for row in rows)


def test_R38_of_two_parents_who_break_one_rule_the_one_who_is_mended_is_done_with_alone(
    two: Installation,
) -> None:
    assert {(row["subject"], row["status"]) for row in exceptions(two, "both")} == {
        ("PAYING_PARENT", "RESOLVED"), ("RECEIVING_PARENT", "OPEN"),
    }  # fmt: skip
    assert item_states(two, "both") == [
        ("MANUAL_HANDLING", "CLOSED", "both"),
        ("MANUAL_HANDLING", "OPEN", "both"),
    ]
    assert two.outcomes()["both"] == ("EXCEPTION", "surname_missing")


def test_B69_an_inhibit_that_was_removed_is_done_with_though_its_casegroup_is_held(two: Installation) -> None:
    (row,) = exceptions(two, "removed")
    assert (row["rule_code"], row["status"], row["resolved_on"]) == (
        "inhibit_not_authorised",
        "RESOLVED",
        SECOND,
    )
    assert two.outcomes()["removed"] == ("HELD", "OPEN_CASES")


def test_B49_a_casegroup_that_was_missing_can_be_entered(two: Installation) -> None:
    rows = exceptions(two, "no key")
    assert {(row["rule_code"], row["status"]) for row in rows} == {
        ("case_key_missing", "RESOLVED"), ("balance_case_unknown", "RESOLVED"),
    }  # fmt: skip
    assert two.outcomes()["key"] == ("TRANSITION_COMPLETE", "ARREARS_ADDED")


def test_B72_an_application_that_the_night_has_made_needless_is_closed(two: Installation) -> None:
    assert item_states(two, "flagged") == [
        ("ARREARS_ONLY_APPLICATION", "CLOSED", "flagged"), ("ARREARS_ONLY_CASE_SET_UP", "OPEN", "flagged"),
    ]  # fmt: skip


def test_B72_a_clerical_balance_that_belongs_nowhere_is_told_to_somebody(two: Installation) -> None:
    (row,) = exceptions(two, "lost")
    assert (row["rule_code"], row["casegroup_id"], row["route"], row["status"]) == (
        "balance_case_unknown", None, "FT_TEAM", "OPEN",
    )  # fmt: skip
    assert item_states(two, "lost") == [("MANUAL_HANDLING", "OPEN", None)]


def test_R43_what_was_reported_of_a_case_takes_its_casegroup_when_the_case_comes(two: Installation) -> None:
    rows = exceptions(two, "fails")
    assert {(row["rule_code"], row["business_date"], row["casegroup_id"], row["status"]) for row in rows} == {
        ("closure_failed", FIRST, "fails", "OPEN"), ("inhibit_not_authorised", FIRST, "fails", "OPEN"),
    }  # fmt: skip
    assert item_states(two, "fails") == [
        ("CLOSURE_FAILED", "OPEN", "fails"),
        ("MANUAL_HANDLING", "OPEN", "fails"),
    ]
    assert two.outcomes()["fails"] == ("HELD", "CLOSURE_FAILED")


def test_22_an_entry_for_a_parent_mends_the_person_on_every_case(two: Installation) -> None:
    assert {row["status"] for row in exceptions(two, "here", "there")} == {"RESOLVED"}
    assert {two.outcomes()[name][0] for name in ("here", "there")} == {"TRANSITION_COMPLETE"}
    by = two.query(
        "select distinct resolved_by from closure.exceptions where csa_case_id in ('here', 'there')"
    )
    assert by == [{"resolved_by": "RESOLUTION person"}]
    told = two.query(
        "select csa_case_id, event, by_whom from reporting.exception_history join reporting.exceptions using (exception_id) "
        "where csa_case_id in ('here', 'there') order by csa_case_id, event_number"
    )
    events = [("OPENED", None), ("ENTERED", "worker.one"), ("RESOLVED", None)]
    expected = [(name, *one) for name in ("here", "there") for one in events]
    assert [tuple(row.values()) for row in told] == expected


def test_B49_each_entry_that_changed_nothing_is_told_with_the_reason(two: Installation) -> None:
    said = {row["resolution_id"]: row["reason"] for row in two.view("entries_without_effect")}
    assert set(said) == set(USELESS)
    assert [number for number, (_, words) in USELESS.items() if words not in said[number]] == []
    told: Any = two.told  # type: ignore[attr-defined]
    assert told["receive_extract"]["resolutions_that_changed_nothing"] == len(USELESS)


def test_B49_and_nothing_came_of_them(two: Installation) -> None:
    """[22]: in the history stands why."""
    assert two.outcomes()["useless"] == ("EXCEPTION", "method_of_payment_invalid,surname_missing")
    why = two.query(
        "select e.rule_code, h.detail from reporting.exception_history h join reporting.exceptions e using (exception_id) "
        "where e.csa_case_id = 'useless' and h.event = 'NOT_MENDED' order by 1"
    )
    assert [row["rule_code"] for row in why] == ["method_of_payment_invalid", "surname_missing"]
    assert all("changed nothing: its old_value is not what is held" in row["detail"] for row in why)


def test_R43_nothing_is_resolved_before_it_was_first_seen(two: Installation) -> None:
    assert all(
        row["resolved_on"] is None or row["resolved_on"] >= row["business_date"]
        for row in two.view("exceptions")
    )
