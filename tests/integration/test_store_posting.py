"""Storing what a night decided: the same again changes nothing, other content under a stored key is refused."""

from __future__ import annotations

import dataclasses
from datetime import date
from typing import Any

import pytest

from case_closure.store import database, posting
from tests.support.builders import ALL_NINE, ON, Night, case, tonight
from tests.support.installation import Installation

BETWEEN, NEXT = date(2017, 8, 11), date(2017, 8, 12)
AGENT = {
    "representative_name": "R",
    "representative_address_line_1": "x",
    "representative_postcode": "LS1 4AP",
}


def store(installation: Installation, night: Night, on: date = ON) -> None:
    """As the night does: what it decided replaces what stood of the same casegroups."""
    gone = night.decided.positions[["casegroup_id"]].drop_duplicates()
    decided = dataclasses.replace(night.decided, positions_gone=gone)
    with database.transaction(installation.url) as connection:
        posting.store(connection, on, night.set_up, night.posted, decided)


def a_night() -> Night:
    return tonight(
        case("A", "1", owes=ALL_NINE, receiver=AGENT),
        case("B", "2", child=False), case("C", "3", case_status="OPEN"), case("D", "4", owes={"rp_active": -5}),
    )  # fmt: skip


def test_the_same_again_changes_nothing(installation: Installation) -> None:
    """Nothing posted twice: duplicate means success."""
    night = a_night()
    store(installation, night)
    before = installation.everything()
    store(installation, night)
    assert installation.everything() == before
    assert len(installation.dues()) == 9


@pytest.mark.parametrize(
    ("part", "frame", "column", "value"),
    [
        ("posted", "dues", "posted_pence", 1),
        ("posted", "dues", "casegroup_id", "9"),
        ("posted", "dues", "scheme", None),
        ("posted", "dues", "reference", "another balance"),
        ("decided", "letters", "total_pence", 1),
        ("set_up", "cms_cases", "cms_case_id", "other"),
        ("decided", "next_actions", "action", "other"),
    ],
)
def test_a_stored_key_with_other_content_is_refused_whole(
    installation: Installation, part: str, frame: str, column: str, value: Any
) -> None:
    """A due is never changed (R6): nothing of the part is stored, the stored row stands."""
    store(installation, a_night())
    before = installation.everything()
    other = a_night()
    rows = getattr(other, part).frames[frame]
    place = 0 if column != "total_pence" else rows["total_pence"].notna().idxmax()
    rows.loc[place, column] = value
    with pytest.raises(posting.ContentConflict, match="is stored already and says something else"):
        store(installation, other)
    assert installation.everything() == before


def test_new_rows_beside_stored_ones_are_added(installation: Installation) -> None:
    store(installation, tonight(case("A", "1")))
    store(installation, tonight(case("A", "1"), case("B", "2")))
    assert installation.dues() == {"CS2-A-RP-ACTIVE": 1000, "CS2-B-RP-ACTIVE": 1000}


def test_an_exceptions_history_is_opened_resolved_reopened(installation: Installation) -> None:
    """'Exceptions keep a history: opened, last seen, resolved, by what.' Also reopened the night it was resolved."""
    broken, mended = case(child=False), case()
    key = "child_missing-G1-CS2-A--2017-08-10"
    held = {"exception_id": key, "business_date": ON, "rule_code": "child_missing", "severity": "HOLD", "csa_system": "CS2",
            "csa_case_id": "A", "casegroup_id": "G1", "subject": "CHILD", "status": "OPEN"}  # fmt: skip
    store(installation, tonight(broken))
    store(installation, tonight(broken))
    resolved = tonight(mended, open_exceptions=[held])
    store(installation, resolved)
    store(installation, resolved)
    store(installation, tonight(broken))
    history = installation.query(
        "select event_number, event, by_what from reporting.exception_history order by event_number"
    )
    assert [tuple(row.values()) for row in history] == [
        (1, "OPENED", "set_up_cases"), (2, "RESOLVED", "EXTRACT 2017-08-10"), (3, "REOPENED", "set_up_cases"),
    ]  # fmt: skip
    (row,) = installation.view("exceptions")
    assert (row["status"], row["resolved_on"]) == ("OPEN", None)


def test_seeing_an_exception_again_moves_only_last_seen_on(installation: Installation) -> None:
    held = {
        "exception_id": "child_missing-G1-CS2-A--2017-08-10",
        "business_date": ON,
        "rule_code": "child_missing",
        "severity": "HOLD",
        "csa_system": "CS2",
        "csa_case_id": "A",
        "casegroup_id": "G1",
        "subject": "CHILD",
        "status": "OPEN",
    }
    store(installation, tonight(case(child=False)))
    for night in (NEXT, BETWEEN):
        store(installation, tonight(case(child=False), on=night, open_exceptions=[held]), night)
        (row,) = installation.view("exceptions")
        assert (row["business_date"], row["last_seen_on"], row["status"]) == (ON, NEXT, "OPEN")
    assert len(installation.view("exception_history")) == 1


def test_resolving_an_exception_closes_its_work_item(installation: Installation) -> None:
    held = {
        "exception_id": "child_missing-G1-CS2-A--2017-08-10",
        "business_date": ON,
        "rule_code": "child_missing",
        "severity": "HOLD",
        "csa_system": "CS2",
        "csa_case_id": "A",
        "casegroup_id": "G1",
        "subject": "CHILD",
        "status": "OPEN",
    }
    store(installation, tonight(case(child=False)))
    store(installation, tonight(case(), on=NEXT, open_exceptions=[held]), NEXT)
    assert {row["type"]: row["status"] for row in installation.view("work_items")} == {
        "MANUAL_HANDLING": "CLOSED", "ARREARS_ONLY_CASE_SET_UP": "OPEN",
    }  # fmt: skip


def test_a_missing_amount_is_an_error_not_a_zero(installation: Installation) -> None:
    night = tonight(case())
    night.posted.dues["posted_pence"] = night.posted.dues["posted_pence"].astype("float64") + 0.5
    with pytest.raises(Exception, match=r"[Ff]loat|truncat"):
        store(installation, night)
    assert installation.dues() == {}
