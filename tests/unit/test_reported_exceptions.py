"""Exceptions reported from outside, and whom an entry is for: pure stages (B49, B51; R27, R38; [1] [7] [21] [22])."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest

from case_closure.domain.dates import NightDates
from case_closure.domain.rules import entity_of
from case_closure.stages.decide_next_action import entered_on
from case_closure.tables import handed
from case_closure.tables.frames import to_frame
from case_closure.tables.resolutions import cannot_be, shapes
from tests.support.builders import (
    BEFORE,
    ON,
    Night,
    Row,
    case,
    entered_for,
    frame_like,
    records,
    table,
    tonight,
)

AFTER = ON + timedelta(days=1)


def report(number: str = "REP1", **over: Any) -> Row:
    row: Row = {"report_id": number, "casegroup_id": "G1", "channel": "CSA_CASEWORKER", "stage": "ADD_ARREARS",
                "reported_by": "csa.one", "reported_on": BEFORE}  # fmt: skip
    return row | over


def reports_open(night: Night) -> set[str]:
    rows = night.decided.opened
    return set(rows.loc[rows["rule_code"] == "exception_reported", "subject_reference"])


def test_R27_a_report_holds_its_casegroup_from_the_gates_on_and_nothing_is_set_up() -> None:
    """[21]: the stage and channel are the report's; each report has an item of its own, whatever else is open."""
    night = tonight(
        case(child=False), reports=[report(), report("REP2", channel="OFFLINE_REPORT", stage="CLOSURE")]
    )
    assert night.outcome() == ("EXCEPTION", "exception_reported")
    assert (night.created, night.dues) == (set(), {})
    opened = {row["subject_reference"]: row for row in records(night.decided.opened)}
    assert {row["subject"] for row in opened.values()} == {"REPORT"}
    assert (opened["REP1"]["stage"], opened["REP1"]["channel"]) == ("ADD_ARREARS", "CSA_CASEWORKER")
    assert (opened["REP2"]["stage"], opened["REP2"]["channel"]) == ("CLOSURE", "OFFLINE_REPORT")
    items = night.items("MANUAL_HANDLING")
    assert {item["subject_reference"] for item in items} == {row["exception_id"] for row in opened.values()}
    assert len(items) == 2


def test_R27_it_holds_before_a_balance_came_and_without_any_case() -> None:
    """[21]"""
    night = tonight(case(no_balance=True), reports=[report(), report("REP2", casegroup_id="nobody's")])
    assert reports_open(night) == {"REP1", "REP2"}
    assert night.decided.casegroups.empty


@pytest.mark.parametrize(
    ("reported_on", "cleared_on", "holds"),
    [
        (BEFORE, None, True), (ON, None, True), (AFTER, None, False), (None, None, True),
        (BEFORE, AFTER, True), (BEFORE, ON, False), (BEFORE, BEFORE, False),
    ],
)  # fmt: skip
def test_R27_it_holds_from_the_day_it_is_reported_to_the_day_it_is_cleared(
    reported_on: date | None, cleared_on: date | None, holds: bool
) -> None:
    """[7]"""
    night = tonight(case(), reports=[report(reported_on=reported_on, cleared_on=cleared_on)])
    assert bool(reports_open(night)) is holds
    assert bool(night.dues) is not holds


@pytest.mark.parametrize(
    ("reported_on", "cleared_on", "holds"),
    [
        (BEFORE, AFTER, True),
        (AFTER, None, True),
        (AFTER, AFTER, False),
        (BEFORE, ON, False),
        (AFTER + timedelta(1), None, False),
    ],
)
def test_R39_what_holds_on_either_date_of_a_late_night_holds(
    reported_on: date, cleared_on: date | None, holds: bool
) -> None:
    """[7] by the two dates of a night that runs late."""
    row = report(reported_on=reported_on, cleared_on=cleared_on)
    night = tonight(case(), reports=[row], dates=NightDates(ON, AFTER))
    assert bool(reports_open(night)) is holds


def entry(entity: str, field: str, old: str | None, new: str | None, **over: Any) -> Row:
    row: Row = {"resolution_id": "RES1", "csa_system": None, "csa_case_id": "REP1", "entity": entity, "field": field,
                "old_value": old, "new_value": new, "entered_on": ON}  # fmt: skip
    return row | over


def test_R27_a_caseworkers_entry_clears_it_and_the_casegroup_goes_on_that_night() -> None:
    """[21]; and it stands when the report is sent again as it was, but not over another word of whoever reported it."""
    cleared = entry("REPORT", "cleared_on", None, "2017-08-10")
    open_report: Row = {
        "exception_id": "it", "business_date": BEFORE, "rule_code": "exception_reported", "severity": "HOLD",
        "casegroup_id": "G1", "subject": "REPORT", "subject_reference": "REP1", "status": "OPEN",
    }  # fmt: skip
    night = tonight(case(), reports=[report()], resolutions=[cleared], open_exceptions=[open_report])
    assert night.decided.resolved[["exception_id", "resolved_by"]].values.tolist() == [
        ["it", "RESOLUTION RES1"]
    ]
    assert night.outcome() == ("TRANSITION_COMPLETE", "ARREARS_ADDED")
    again = tonight(case(), reports=[report(cleared_on=AFTER)], resolutions=[cleared])
    assert reports_open(again) == {"REP1"}


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (entry("REPORT", "cleared_on", None, "2017-08-10"), None),
        (entry("PAYMENT", "casegroup_id", None, "G1"), None), (entry("PAYMENT", "passed_to", None, "the payer"), None),
        (entry("PAYMENT", "manual_allocation", "true", "false"), None),
        (entry("REPORT", "cleared_on", None, "10/08/2017"), "no date"), (entry("REPORT", "detail", None, "x"), "has no field"),
        (entry("PAYMENT", "manual_allocation", None, "maybe"), "neither true nor false"),
        (entry("PAYMENT", "passed_to", "x", None), "cannot be empty"),
        (entry("PAYMENT", "value", None, "1"), "has no field"),
        (entry("REPORT", "cleared_on", None, "2017-08-10", csa_case_id=None), "names no report"),
        (entry("CASE", "scheme", None, "2003"), "names no case"),
    ],
)  # fmt: skip
def test_B49_what_may_be_entered_for_a_payment_or_a_report(row: Row, why: str | None) -> None:
    """[3]: found by their number, csa_system may be null."""
    unfit = cannot_be(to_frame(table("resolutions", [row | {"entered_by": "worker.one"}])), shapes())
    assert (why in unfit[0].why) if why else not unfit


def test_B49_a_report_that_is_not_there_cannot_be_cleared() -> None:
    """[5]: row_invalid."""
    row = entry("REPORT", "cleared_on", None, "2017-08-10", entered_by="worker.one")
    rows = to_frame(table("resolutions", [row]))
    assert cannot_be(rows, shapes(), {"REP2"})[0].field == "csa_case_id"
    assert not cannot_be(rows, shapes(), {"REP1"})


# --- whom an entry is for ([22])


def exception(rule: str, subject: str, case_id: str | None = "A", **over: Any) -> Row:
    row: Row = {"exception_id": f"{rule} {subject} {case_id}", "rule_code": rule, "subject": subject, "csa_system": "CS2",
                "csa_case_id": case_id, "casegroup_id": "G1", "status": "OPEN"}  # fmt: skip
    return row | over


def parents(case_id: str, payer: str = "P", receiver: str = "R") -> Row:
    return {"csa_system": "CS2", "csa_case_id": case_id, "paying_parent_id": payer, "receiving_parent_id": receiver,
            "case_key": f"CS2/{case_id}"}  # fmt: skip


def entered(exceptions: list[Row], *resolutions: Row, cases: list[Row]) -> set[tuple[str, str]]:
    rows = frame_like(handed.RESOLUTIONS, resolutions)
    found = entered_on(
        frame_like(handed.OPEN_EXCEPTIONS, exceptions), pd.DataFrame(cases), rows,
        entered_for(resolutions, {"csa_cases": cases}),
    )  # fmt: skip
    return set(zip(found["exception_id"], found["resolution_id"], strict=True))


def of(entity: str, case_id: str, number: str = "RES1") -> Row:
    return {"resolution_id": number, "csa_system": "CS2", "csa_case_id": case_id, "entity": entity, "field": "x",
            "new_value": "y", "entered_on": ON}  # fmt: skip


def test_R38_an_entry_is_for_what_is_open_of_its_case_and_subject_and_of_no_other() -> None:
    """[22]: subject BALANCE for balance_*; the receiving parent for region_unknown, the paying one for cis_benefit_missing."""
    balance, child = exception("balance_total_mismatch", "BALANCE"), exception("child_missing", "CHILD")
    region, benefit = (
        exception("region_unknown", "RECEIVING_PARENT"),
        exception("cis_benefit_missing", "PAYING_PARENT"),
    )
    report_open = exception("exception_reported", "REPORT", None, csa_system=None, subject_reference="REP1")
    elsewhere = exception("child_missing", "CHILD", "B")
    everything = [balance, child, region, benefit, report_open, elsewhere]
    cases = [parents("A"), parents("B", "P2", "R2")]

    def on(*resolutions: Row) -> set[str]:
        return {exception_id for exception_id, _ in entered(everything, *resolutions, cases=cases)}

    assert on(of("BALANCE", "A")) == {balance["exception_id"]}
    assert on(of("CASE", "A")) == {child["exception_id"]}
    assert on(of("RECEIVING_PARENT", "A")) == {region["exception_id"]}
    assert on(of("PAYING_PARENT", "A")) == {benefit["exception_id"]}
    assert on(of("REPORT", "REP1")) == {report_open["exception_id"]}


def test_R38_an_entry_for_a_parent_is_for_that_person_on_whichever_case_and_in_whichever_role_they_stand() -> (
    None
):
    """[22]: by party_id."""
    payer = exception("nino_missing", "PAYING_PARENT", "A")
    also_receives = exception("surname_missing", "RECEIVING_PARENT", "B")
    another = exception("nino_missing", "RECEIVING_PARENT", "A")
    cases = [parents("A"), parents("B", "P2", "P"), parents("C", "P", "R3")]
    assert entered([payer, also_receives, another], of("PAYING_PARENT", "C"), cases=cases) == {
        (payer["exception_id"], "RES1"), (also_receives["exception_id"], "RES1"),
    }  # fmt: skip


def test_B49_what_no_entry_mends_has_no_entity() -> None:
    """[26]: row_*, correction_*, debt_*, payment_malformed; what other systems answered has none either."""
    assert entity_of("correction_below_zero", "BALANCE") is None
    assert entity_of("payment_malformed", "PAYMENT") is None
    assert entity_of("ltr_unknown", "LTR") is None
    assert entity_of("payment_owner_unknown", "PAYMENT") == "PAYMENT"
    assert entity_of("inhibit_not_authorised", "CASE") == "CASE"
