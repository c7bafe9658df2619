"""Apply corrections: in order of their number, each by what those before it made of its due (B55, B45; R28, R29, R32)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd
import pytest

from case_closure.gates import suites
from case_closure.stages import apply_corrections
from case_closure.stages.apply_corrections import Applied, Gathered
from case_closure.stages.common.exceptions import Before, Exceptions
from case_closure.tables import handed
from tests.support import plain_gate
from tests.support.builders import BEFORE, ON, Row, frame_like, records

DUE: Row = {
    "due_id": "CS2-A-RP-ACTIVE", "case_key": "CS2/A", "csa_system": "CS2", "csa_case_id": "A", "casegroup_id": "G1",
    "creditor": "RP", "arrears_status": "ACTIVE", "amount_pence": 1000, "allocated_pence": 0,
}  # fmt: skip
CASE: Row = {
    "case_key": "CS2/A", "csa_system": "CS2", "csa_case_id": "A", "casegroup_id": "G1", "scheme": "2003",
    "method_of_payment": "CARD", "rp_keep_pence": 0, "completed": True, "recorded": True, "cms_case_id": "900",
    "cms_casegroup_id": "800", "paying_parent_matched_on": "AB123456", "postcode": "LS1 4AP", "country": "GB-ENG",
    "arrears_from": date(2010, 1, 1), "arrears_to": date(2017, 7, 31),
}  # fmt: skip


def correction(number: str, pence: int | None, reason: str = "ERROR", **over: Any) -> Row:
    return {
        "correction_id": number, "csa_system": "CS2", "csa_case_id": "A", "creditor": "RP", "arrears_status": "ACTIVE",
        "new_amount_pence": pence, "reason": reason,
    } | over  # fmt: skip


def due(creditor: str, status: str, pence: int, allocated: int = 0) -> Row:
    of = {"due_id": f"CS2-A-{creditor}-{status}", "creditor": creditor, "arrears_status": status}
    return DUE | of | {"amount_pence": pence, "allocated_pence": allocated}


def still_open(rule: str, number: str) -> Row:
    return {
        "exception_id": f"{rule}-{number}", "rule_code": rule, "casegroup_id": "G1", "csa_system": "CS2", "csa_case_id": "A",
        "subject": "BALANCE", "subject_reference": number,
    }  # fmt: skip


@dataclass
class Night:
    applied: Applied
    exceptions: Exceptions
    closed: pd.DataFrame

    @property
    def entries(self) -> list[tuple[str, str, int]]:
        """(reference, due, pence) of each ledger entry, in order."""
        rows = self.applied.ledger
        return list(zip(rows["reference"], rows["due_id"], map(int, rows["amount_pence"]), strict=True))

    @property
    def opened(self) -> set[tuple[str, str]]:
        rows = self.exceptions.opened
        return set(zip(rows["rule_code"], rows["subject_reference"], strict=True))


def tonight(
    *corrections: Row,
    dues: Sequence[Row] = (DUE,),
    case: Row | None = CASE,
    items: Sequence[Row] = (),
    gone: Sequence[Row] = (),
    open_exceptions: Sequence[Row] = (),
) -> Night:
    held = Gathered(
        corrections=frame_like(handed.CORRECTIONS, corrections),
        dues=frame_like(handed.DUES_TO_CORRECT, dues),
        cases=frame_like(handed.CASES_TO_CORRECT, [case] if case else []),
        write_off_items=frame_like(handed.WRITE_OFF_ITEMS, items),
        gone=frame_like(handed.EXCEPTIONS_SEEN, gone),
    )
    before = Before(
        open_exceptions=frame_like(handed.EXCEPTIONS_SEEN, open_exceptions),
        routes=frame_like(handed.ROUTES, []),
    )
    judged = apply_corrections.judge_in_order(
        held, lambda facts: plain_gate.judge(suites.corrections(), facts)
    )
    on = pd.Timestamp(ON).as_unit("s")
    told, closed = apply_corrections.exceptions(judged, held, before, on, on)
    return Night(apply_corrections.conclude(judged, held, on), told, closed)


def test_B55_an_entry_is_the_new_amount_less_the_old_and_names_its_correction() -> None:
    """[15]: an entry also where nothing changes."""
    night = tonight(correction("C1", 1500), correction("C2", 1500, "APPEAL"))
    assert night.entries == [("C1", "CS2-A-RP-ACTIVE", 500), ("C2", "CS2-A-RP-ACTIVE", 0)]
    (first, second) = records(night.applied.ledger)
    assert (first["kind"], first["reason"], first["business_date"].date()) == ("CORRECTION", "ERROR", ON)
    assert (first["entry_id"], second["reason"]) == ("CS2-A-RP-ACTIVE-CORRECTION-C1", "APPEAL")


def test_B55_corrections_of_a_due_follow_each_other_in_order_of_their_number() -> None:
    """[15]: by code point, whatever order they came in; C10 comes before C2."""
    night = tonight(correction("C2", 300), correction("C10", 700), correction("C1", 1200))
    assert [(number, pence) for number, _, pence in night.entries] == [
        ("C1", 200),
        ("C10", -500),
        ("C2", -400),
    ]


@pytest.mark.parametrize(
    ("pence", "good"), [(400, True), (399, False), (0, False), (-1, False), (None, False)]
)
def test_R29_a_correction_below_what_was_paid_or_below_nothing_is_refused(
    pence: int | None, good: bool
) -> None:
    """[9]"""
    night = tonight(correction("C1", pence), dues=[DUE | {"allocated_pence": 400}])
    assert night.opened == (set() if good else {("correction_below_zero", "C1")})
    assert len(night.entries) == good


def test_B55_to_nothing_is_a_correction() -> None:
    assert tonight(correction("C1", 0)).entries == [("C1", "CS2-A-RP-ACTIVE", -1000)]


def test_B55_a_refused_correction_has_no_part_in_what_the_next_one_finds() -> None:
    night = tonight(correction("C1", 800), correction("C2", -5), correction("C3", 900))
    assert [(number, pence) for number, _, pence in night.entries] == [("C1", -200), ("C3", 100)]


def test_R28_an_offline_report_adds_a_due_of_nothing_posted_with_the_period_of_the_latest_balance() -> None:
    """[14]"""
    night = tonight(correction("C1", 250, "OFFLINE_REPORT"), dues=[])
    assert night.entries == [("C1", "CS2-A-RP-ACTIVE", 250)]
    (added,) = records(night.applied.dues)
    assert (added["due_id"], added["posted_pence"], added["cms_case_id"]) == ("CS2-A-RP-ACTIVE", 0, "900")
    assert (added["arrears_from"].date(), added["arrears_to"].date()) == (date(2010, 1, 1), date(2017, 7, 31))
    assert night.applied.dues["reference"].isna().all()
    assert night.applied.cms_cases.empty


def test_R28_a_case_that_CMS_has_joins_the_cases_as_existing() -> None:
    """[14]"""
    night = tonight(correction("C1", 250, "OFFLINE_REPORT"), dues=[], case=CASE | {"recorded": False})
    (joined,) = records(night.applied.cms_cases)
    assert (joined["origin"], joined["cms_case_id"], joined["maintenance_region"]) == (
        "EXISTING",
        "900",
        "GB",
    )
    assert joined["created_on"].date() == ON


@pytest.mark.parametrize(
    ("reason", "case"),
    [
        *((reason, CASE) for reason in ("ERROR", "APPEAL", "CHANGE_OF_CIRCUMSTANCES", "WRITE_OFF")),
        ("OFFLINE_REPORT", CASE | {"completed": False}),
        ("OFFLINE_REPORT", CASE | {"recorded": False, "cms_case_id": None}),
        ("OFFLINE_REPORT", None),
    ],
)
def test_R28_any_other_correction_of_nothing_is_refused(reason: str, case: Row | None) -> None:
    """[10], [14]: by another reason, of a casegroup that is not complete, of a case CMS does not have, of none held."""
    night = tonight(correction("C1", 250, reason), dues=[], case=case)
    assert night.opened == {("correction_due_unknown", "C1")}
    assert (night.entries, len(night.applied.dues)) == ([], 0)


def test_R28_what_one_correction_added_the_next_may_change() -> None:
    night = tonight(correction("C1", 250, "OFFLINE_REPORT"), correction("C2", 100), dues=[])
    assert [(number, pence) for number, _, pence in night.entries] == [("C1", 250), ("C2", -150)]
    assert len(night.applied.dues) == 1


@pytest.mark.parametrize(("pence", "entries"), [(999, [-1]), (1000, [0]), (1001, [])])
def test_R32_a_write_off_never_goes_upwards(pence: int, entries: list[int]) -> None:
    """[2], [5]: it is an invalid row, by what its due is when its turn has come; its exception is that of any invalid row."""
    night = tonight(correction("C1", pence, "WRITE_OFF"))
    assert [entry[2] for entry in night.entries] == entries
    assert records(night.applied.not_held) == (
        [] if entries else [{"row_key": "C1", "field": "new_amount_pence"}]
    )
    assert night.opened == set()


def test_R32_a_write_off_is_held_against_what_the_correction_before_it_left() -> None:
    """[2], [15]"""
    night = tonight(correction("C1", 700), correction("C2", 800, "WRITE_OFF"))
    assert night.entries == [("C1", "CS2-A-RP-ACTIVE", -300)]
    assert night.applied.not_held["row_key"].tolist() == ["C2"]


def test_B55_a_correction_refused_before_is_applied_once_it_is_good() -> None:
    """[13]"""
    night = tonight(
        correction("C1", 800, business_date=BEFORE),
        open_exceptions=[still_open("correction_due_unknown", "C1")],
    )
    assert night.entries == [("C1", "CS2-A-RP-ACTIVE", -200)]
    assert night.exceptions.resolved["subject_reference"].tolist() == ["C1"]


def test_B55_a_later_good_one_of_its_bucket_closes_a_refused_one() -> None:
    """[13]: for the same case, creditor and status alone."""
    refused = [still_open("correction_below_zero", "C1"), still_open("correction_below_zero", "C2")]
    night = tonight(
        correction("C1", -1, business_date=BEFORE), correction("C2", -1, business_date=BEFORE, arrears_status="SUSPENDED"),
        correction("C0", 900), dues=[DUE, due("RP", "SUSPENDED", 50)], open_exceptions=refused,
    )  # fmt: skip
    assert night.entries == [("C0", "CS2-A-RP-ACTIVE", -100)]
    assert records(night.closed[["subject_reference", "resolved_by"]]) == [
        {"subject_reference": "C1", "resolved_by": "CORRECTION C0"}
    ]
    assert night.exceptions.seen["subject_reference"].tolist() == ["C1", "C2"]


def test_B55_one_that_a_later_one_of_the_same_night_closes_is_opened_all_the_same() -> None:
    """[13]: and an earlier one closes none."""
    night = tonight(correction("C1", -1), correction("C2", 900), correction("C3", -1))
    assert night.opened == {("correction_below_zero", "C1"), ("correction_below_zero", "C3")}
    assert night.closed["subject_reference"].tolist() == ["C1"]
    assert night.closed["exception_id"].tolist() == ["correction_below_zero-G1-CS2-A-C1-2017-08-10"]


def test_B55_of_a_correction_that_is_held_no_more_nothing_is_left_to_mend() -> None:
    night = tonight(gone=[still_open("correction_below_zero", "C9")])
    assert night.closed["subject_reference"].tolist() == ["C9"]
    assert (night.entries, night.opened) == ([], set())


ITEM = {"work_item_id": "W1", "type": "CONFIRM_WRITE_OFF", "casegroup_id": "G1", "case_key": "CS2/A"}


@pytest.mark.parametrize(
    ("decision", "keep", "to", "closes"),
    [
        ("WRITE_OFF", 0, 0, False),  # the suspended ones are still owed
        ("WRITE_OFF", 0, 1, False),
        ("PART_WRITE_OFF", 60, 10, True),
        ("PART_WRITE_OFF", 60, 11, False),
        ("COLLECT", 0, 500, True),
        (None, 0, 500, True),
    ],
)
def test_R14_B45_confirm_write_off_closes_when_corrections_leave_nothing_that_it_fires_on(
    decision: str | None, keep: int, to: int, closes: bool
) -> None:
    """[40]: what is owed to the receiving parent, over all statuses; what is owed to government never counts."""
    night = tonight(
        correction("C1", to), dues=[DUE, due("RP", "SUSPENDED", 50), due("GB_SOS", "ACTIVE", 9000)],
        case=CASE | {"rp_arrears_decision": decision, "rp_keep_pence": keep}, items=[ITEM],
    )  # fmt: skip
    assert night.applied.items_closed["work_item_id"].tolist() == (["W1"] if closes else [])


def test_R14_no_item_closes_where_nothing_was_corrected() -> None:
    """[40]"""
    case = CASE | {"rp_arrears_decision": "WRITE_OFF"}
    night = tonight(correction("C1", -1), dues=[DUE | {"amount_pence": 0}], case=case, items=[ITEM])
    assert night.applied.items_closed.empty


def test_a_night_without_corrections_changes_nothing() -> None:
    night = tonight(dues=[], case=None)
    assert (night.entries, night.opened, len(night.closed)) == ([], set(), 0)
