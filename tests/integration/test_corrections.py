"""Corrections over several nights on a real store: the ledger, added dues, what they settle, and that none is applied twice
(B55, B56, B45; R13, R20, R28, R29, R32, R41)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from case_closure.night import apply_corrections
from case_closure.night import run as night
from case_closure.store import database, dues
from tests.support import money_law
from tests.support.builders import Row, balance, case, nino_of
from tests.support.installation import Databases, Installation

pytestmark = pytest.mark.usefixtures("plain_letters")

NIGHTS = [date(2017, 8, day) for day in (10, 11, 14, 15, 16)]
FIRST, SECOND, THIRD, FOURTH, FIFTH = NIGHTS
NAMES = (
    "corrections",
    "ledger",
    "dues",
    "cases",
    "exceptions",
    "work_items",
    "reconciliation",
    "nights",
    "casegroup_outcomes",
)


def correction(number: str, case_id: str, pence: int, reason: str = "ERROR", **over: object) -> Row:
    row: Row = {
        "correction_id": number, "csa_system": "CS2", "csa_case_id": case_id, "creditor": "RP", "arrears_status": "ACTIVE",
        "new_amount_pence": pence, "reason": reason, "requested_by": "Pat",
    }  # fmt: skip
    return row | over


def paid(installation: Installation, due_id: str, on: date, pence: int) -> None:
    """So much of a due is paid."""
    installation.execute(
        f"insert into closure.ledger values ('{due_id}-paid', '{on}', '{due_id}', 'ALLOCATION', -{pence}, null, 'R1')"  # noqa: S608
    )


class Story:
    """What the views said after each night."""

    def __init__(self) -> None:
        self.after: dict[date, dict[str, list[Row]]] = {}

    def keep(self, installation: Installation, on: date) -> None:
        self.after[on] = {name: installation.view(name) for name in NAMES}
        assert money_law.breaches(installation.url) == []

    def rows(self, on: date, name: str, **where: object) -> list[Row]:
        return [row for row in self.after[on][name] if all(row[key] == value for key, value in where.items())]

    def one(self, on: date, name: str, **where: object) -> Row:
        (row,) = self.rows(on, name, **where)
        return row

    def applied(self, on: date) -> dict[str, tuple[int, int]]:
        """correction -> (old, new) of those applied by then."""
        return {
            row["correction_id"]: (row["old_amount_pence"], row["new_amount_pence"])
            for row in self.rows(on, "corrections", status="APPLIED")
        }

    def refused(self, on: date) -> set[tuple[str, str]]:
        """(rule, correction) of every exception of corrections that is open."""
        return {
            (row["rule_code"], row["exception_id"].split("-")[4])
            for row in self.rows(on, "exceptions", stage="corrections")
            if row["status"] == "OPEN"
        }


@pytest.fixture(scope="module")
def told(database_server: Databases, plain_letters: None) -> Iterator[tuple[Story, Installation]]:
    story = Story()
    with database_server.installation() as made:
        made.night(
            FIRST,
            case("A", "G1", rp_arrears_decision="WRITE_OFF"),
            case("N", "G2", owes={}, on_cms={}),
            case("X", "G3", owes={"rp_active": 800}, case_status="OPEN", closed_reason=None),
            case("D", "G4", owes={"rp_active": 2000, "gb_sos_active": -60}),
            case("E", "G5", owes={"rp_active": 900}),
            case("P", "G6", owes={"rp_active": 600}, rp_arrears_decision="PART_WRITE_OFF", rp_keep_pence=100),
            case("Q", "G7", owes={}),
        )
        story.keep(made, FIRST)
        paid(made, "CS2-A-RP-ACTIVE", FIRST, 300)
        made.night(
            SECOND,
            case("F", "G5", owes={"rp_active": 500, "rp_suspended": 40}, on_cms={}),
            csa_balances=[
                balance("D", "G4", {"rp_active": 2500}, balance_id="B-D2", arrears_from=date(2011, 1, 1)),
            ],
            corrections=[
                correction("K1", "A", 1200),
                correction("K2", "A", 700, "APPEAL", offline_calculation='{"weeks": [7, 100], "result": 700}'),
                correction("K3", "A", 299),
                correction("K4", "A", -1),
                correction("K5", "N", 250, "OFFLINE_REPORT", creditor="GB_SOS", arrears_status="DEFERRED"),
                correction("K6", "Q", 250, "OFFLINE_REPORT"),
                correction("K7", "N", 250),
                correction("K8", "X", 750, "CHANGE_OF_CIRCUMSTANCES"),
                correction("K9", "E", 950, "WRITE_OFF"),
            ],
        )  # fmt: skip
        story.keep(made, SECOND)
        made.night(
            THIRD,
            case("X", "G3", no_balance=True),
            corrections=[
                correction("L1", "D", 2500),
                correction("L2", "N", 300, "OFFLINE_REPORT"),
                correction("L3", "F", 500, "OFFLINE_REPORT"),
                correction("L4", "P", 100, "CHANGE_OF_CIRCUMSTANCES"),
                correction("L5", "A", 300, "WRITE_OFF"),
                correction("K9", "E", 850, "WRITE_OFF"),
            ],
        )
        story.keep(made, THIRD)
        made.night(
            FOURTH,
            csa_balances=[
                balance("D", "G4", {"rp_active": 2500}, balance_id="B-D3", arrears_from=date(2011, 1, 1))
            ],
            corrections=[correction("M1", "F", 40, "OFFLINE_REPORT", arrears_status="SUSPENDED")],
        )
        story.keep(made, FOURTH)
        made.night(FIFTH, csa_balances=[balance("D", "G4", {"rp_active": 2600}, balance_id="B-D4")])
        story.keep(made, FIFTH)
        database.forget(made.url)
        yield story, made


def test_B55_corrections_are_applied_in_order_and_what_was_mirrored_stays(
    told: tuple[Story, Installation],
) -> None:
    """[15], [41]"""
    story, _ = told
    applied = story.applied(SECOND)
    assert applied == {"K1": (1000, 1200), "K2": (1200, 700), "K5": (0, 250)}
    due = story.one(SECOND, "dues", due_id="CS2-A-RP-ACTIVE")
    assert (due["posted_pence"], due["amount_pence"]) == (1000, 700)
    entries = story.rows(SECOND, "ledger", due_id="CS2-A-RP-ACTIVE", kind="CORRECTION")
    assert {(row["reference"], row["amount_pence"], row["reason"]) for row in entries} == {
        ("K1", 200, "ERROR"), ("K2", -500, "APPEAL"),
    }  # fmt: skip
    outcome = story.one(FIFTH, "casegroup_outcomes", casegroup_id="G1")
    assert (outcome["posted_pence"], outcome["business_date"]) == (1000, FIRST)


def test_B56_a_correction_is_shown_as_it_came_with_its_calculation_and_its_due(
    told: tuple[Story, Installation],
) -> None:
    """[41]: of a refused one the night it came, and no old amount."""
    story, _ = told
    row = story.one(FIFTH, "corrections", correction_id="K2")
    assert (row["offline_calculation"], row["requested_by"], row["due_id"], row["casegroup_id"]) == (
        '{"weeks": [7, 100], "result": 700}', "Pat", "CS2-A-RP-ACTIVE", "G1",
    )  # fmt: skip
    row = story.one(FIFTH, "corrections", correction_id="K3")
    assert (row["status"], row["business_date"], row["old_amount_pence"], row["due_id"]) == (
        "REFUSED",
        SECOND,
        None,
        None,
    )
    row = story.one(FIFTH, "corrections", correction_id="K8")
    assert (row["status"], row["business_date"], row["old_amount_pence"]) == ("APPLIED", THIRD, 800)


def test_R29_R28_a_refused_correction_refuses_itself_alone(told: tuple[Story, Installation]) -> None:
    """[9], [10]: with an item each, and in no outcome."""
    story, _ = told
    below, unknown = "correction_below_zero", "correction_due_unknown"
    assert story.refused(SECOND) == {
        (below, "K3"),
        (below, "K4"),
        (unknown, "K6"),
        (unknown, "K7"),
        (unknown, "K8"),
    }
    assert all("correction" not in row["reason"] for row in story.after[SECOND]["casegroup_outcomes"])
    items = story.rows(SECOND, "work_items", type="MANUAL_HANDLING", casegroup_id="G1")
    assert len(items) == 2


def test_R28_an_offline_report_adds_a_due_of_a_case_that_CMS_has(told: tuple[Story, Installation]) -> None:
    """[14]: nothing posted, no POSTED entry, the period of the latest balance; the case joins as EXISTING."""
    story, _ = told
    due = story.one(SECOND, "dues", csa_case_id="N")
    assert (due["posted_pence"], due["amount_pence"], due["cms_case_id"]) == (0, 250, "900-N")
    assert (due["arrears_from"], due["arrears_to"]) == (date(2010, 1, 1), date(2017, 7, 31))
    assert [row["kind"] for row in story.rows(SECOND, "ledger", due_id=due["due_id"])] == ["CORRECTION"]
    assert story.rows(FIRST, "cases", csa_case_id="N") == []
    assert story.one(SECOND, "cases", csa_case_id="N")["origin"] == "EXISTING"
    assert story.one(SECOND, "casegroup_outcomes", casegroup_id="G2")["reason"] == "NIL_ARREARS"
    assert story.rows(SECOND, "reconciliation", csa_case_id="N") == []


def test_B55_a_refused_correction_is_judged_again_each_night_and_applied_when_its_due_is_posted(
    told: tuple[Story, Installation],
) -> None:
    """[13]"""
    story, _ = told
    assert story.applied(THIRD)["K8"] == (800, 750)
    assert (
        story.one(THIRD, "exceptions", rule_code="correction_due_unknown", csa_case_id="X")["resolved_on"]
        == THIRD
    )


def test_B55_a_later_good_correction_of_the_bucket_closes_a_refused_one_for_good(
    told: tuple[Story, Installation],
) -> None:
    """[13]: K7 stays REFUSED although the due that L2 added is there now; so do K3 and K4 once L5 was applied."""
    story, _ = told
    assert story.applied(THIRD)["L2"] == (0, 300)
    for on in (THIRD, FIFTH):
        assert story.refused(on) == {("correction_due_unknown", "K6")}
        assert story.one(on, "corrections", correction_id="K7")["status"] == "REFUSED"
        assert story.one(on, "dues", due_id="CS2-N-RP-ACTIVE")["amount_pence"] == 300


def test_R32_a_confirmed_write_off_is_a_correction(told: tuple[Story, Installation]) -> None:
    """[2]: down to what was paid."""
    story, _ = told
    assert story.applied(THIRD)["L5"] == (700, 300)
    assert story.one(THIRD, "ledger", reference="L5")["reason"] == "WRITE_OFF"
    assert story.rows(THIRD, "dues", due_id="CS2-A-RP-ACTIVE")[0]["amount_pence"] == 300


def test_R32_a_write_off_upwards_is_invalid_and_does_not_use_up_its_number(
    told: tuple[Story, Installation],
) -> None:
    """[2], [4], [5]"""
    story, _ = told
    row = story.one(SECOND, "corrections", correction_id="K9")
    assert (row["status"], row["business_date"], row["new_amount_pence"], row["casegroup_id"]) == (
        "REFUSED",
        SECOND,
        950,
        "G5",
    )
    assert story.one(SECOND, "dues", csa_case_id="E")["amount_pence"] == 900
    row = story.one(THIRD, "corrections", correction_id="K9")
    assert (row["status"], row["old_amount_pence"], row["new_amount_pence"]) == ("APPLIED", 900, 850)


def test_B45_R14_confirm_write_off_closes_the_night_corrections_leave_no_more_than_is_kept(
    told: tuple[Story, Installation],
) -> None:
    """[40]: P is left with the 100 that its receiving parent keeps; of A something is owed still."""
    story, _ = told
    status = {
        (on, row["csa_case_id"]): row["status"]
        for on in NIGHTS
        for row in story.rows(on, "work_items", type="CONFIRM_WRITE_OFF")
    }
    assert {key[1] for key in status} == {"A", "P"}
    assert [status[on, "P"] for on in NIGHTS] == ["OPEN", "OPEN", "CLOSED", "CLOSED", "CLOSED"]
    assert {status[on, "A"] for on in NIGHTS} == {"OPEN"}


def test_R20_a_changed_balance_closes_the_night_its_case_was_corrected_to_it(
    told: tuple[Story, Installation],
) -> None:
    """[15]: amounts alone, below nothing as none, so another period is accepted with them; that balance again is silent, another
    one opens it anew."""
    story, _ = told
    changed = {
        on: [(row["business_date"], row["status"], row["resolved_on"]) for row in
             story.rows(on, "exceptions", rule_code="balance_changed_after_completion", csa_case_id="D")]
        for on in NIGHTS
    }  # fmt: skip
    closed = (SECOND, "RESOLVED", THIRD)
    assert changed[SECOND] == [(SECOND, "OPEN", None)]
    assert changed[THIRD] == changed[FOURTH] == [closed]
    assert sorted(changed[FIFTH], key=str) == sorted([closed, (FIFTH, "OPEN", None)], key=str)
    item = story.rows(FIFTH, "work_items", type="ADD_CORRECT_ARREARS", csa_case_id="D")
    assert sorted((row["business_date"], row["status"]) for row in item) == [
        (SECOND, "CLOSED"),
        (FIFTH, "OPEN"),
    ]


def test_R41_money_that_came_after_completion_is_held_until_corrections_take_it_in(
    told: tuple[Story, Installation],
) -> None:
    """Bucket by bucket; the exception closes with the last."""
    story, _ = told
    held = {
        on: {row["arrears_status"]: (row["received_pence"], row["held_pence"]) for row in
             story.rows(on, "reconciliation", csa_case_id="F")}
        for on in NIGHTS
    }  # fmt: skip
    assert held[SECOND] == {"ACTIVE": (500, 500), "SUSPENDED": (40, 40)}
    assert held[THIRD] == {"SUSPENDED": (40, 40)}
    assert held[FOURTH] == held[FIFTH] == {}
    assert [story.one(on, "nights", business_date=on)["held_pence"] for on in NIGHTS] == [800, 1340, 40, 0, 0]
    of_f: dict[str, Any] = {"rule_code": "balance_changed_after_completion", "csa_case_id": "F"}
    assert [story.one(on, "exceptions", **of_f)["status"] for on in NIGHTS[1:]] == [
        "OPEN",
        "OPEN",
        "RESOLVED",
        "RESOLVED",
    ]


def test_what_was_outstanding_on_any_date_is_the_sum_of_the_entries_by_then(
    told: tuple[Story, Installation],
) -> None:
    """[18]: of all kinds; as ``reporting.ledger`` says it too."""
    _, made = told
    with database.transaction(made.url) as connection:
        then = {
            on: dues.outstanding(connection, "G1", on).to_pylist()
            for on in (date(2017, 8, 9), FIRST, SECOND, FIFTH)
        }
    database.forget(made.url)  # nobody is at the store that others are copies of
    figures = ("amount_pence", "allocated_pence", "outstanding_pence")
    assert {on: [tuple(row[name] for name in figures) for row in rows] for on, rows in then.items()} == {
        date(2017, 8, 9): [], FIRST: [(1000, 300, 700)], SECOND: [(700, 300, 400)], FIFTH: [(300, 300, 0)],
    }  # fmt: skip
    for on, rows in then.items():
        asked = made.query(
            "select due_id, sum(amount_pence)::bigint as pence from reporting.ledger where due_id = 'CS2-A-RP-ACTIVE' "
            "and business_date <= %s group by 1", on,
        )  # fmt: skip
        assert [row["pence"] for row in asked] == [row["outstanding_pence"] for row in rows]


def test_R21_the_nights_run_again_apply_nothing_twice(
    database_server: Databases, told: tuple[Story, Installation]
) -> None:
    """[15]: also the refused ones are refused as before."""
    _, made = told
    with database_server.installation(copy_of=made) as copy:
        for on in (SECOND, FIFTH):
            before = copy.everything()
            copy.run(on, f"again-{on}")
            after = copy.everything()
            assert {name for name in after if after[name] != before[name]} <= {"reporting.nights"}


def test_R39_a_late_night_corrects_what_no_later_night_has(
    database_server: Databases, told: tuple[Story, Installation]
) -> None:
    """[13], R21: a row from a later date is not overwritten by an earlier one; it is refused and asks nothing of anybody."""
    _, made = told
    late = date(2017, 8, 12)
    with database_server.installation(copy_of=made) as copy:
        copy.night(
            late,
            case("Z", "G9"),
            corrections=[
                correction("H1", "A", 650),
                correction("H2", "N", 240, creditor="GB_SOS", arrears_status="DEFERRED"),
            ],
        )
        found = {
            row["correction_id"]: (row["status"], row["business_date"]) for row in copy.view("corrections")
        }
        assert (found["H1"], found["H2"]) == (("REFUSED", late), ("APPLIED", late))
        assert [row for row in copy.view("exceptions") if row["business_date"] == late] == []
        assert copy.dues()["CS2-A-RP-ACTIVE"] == 300
        assert copy.dues()["CS2-N-GB_SOS-DEFERRED"] == 240
        assert money_law.breaches(copy.url) == []


def test_R22_what_a_replaced_extract_had_corrected_stands_and_is_not_corrected_again(
    installation: Installation,
) -> None:
    """[15]: its row stays with its entry; of one that was refused and is not sent again nothing is left."""
    installation.night(FIRST, case("A", "G1"))
    first = [correction("K1", "A", 800), correction("K9", "A", -1)]
    installation.land(SECOND, case("B", "G2"), extract_id="DW-1", corrections=first)
    for stage in night.STAGES[: night.STAGES.index("apply_corrections") + 1]:
        night.run_stage(stage, installation.context(SECOND, "run-1"))
    night.record_failure(installation.context(SECOND, "run-1"), "check_money_law", "disk full")
    other = [correction("K0", "A", 900, "APPEAL")]
    installation.land(SECOND, case("B", "G2"), extract_id="DW-2", corrections=other)
    installation.run(SECOND, "run-2")
    entries = {
        row["reference"]: row["amount_pence"]
        for row in installation.view("ledger")
        if row["kind"] == "CORRECTION"
    }
    assert entries == {"K1": -200, "K0": 100}
    assert {row["correction_id"]: row["status"] for row in installation.view("corrections")} == {
        "K0": "APPLIED",
        "K1": "APPLIED",
    }
    assert installation.open_rules() == set()
    assert money_law.breaches(installation.url) == []


def test_R28_a_case_is_on_CMS_by_what_was_created_here_or_by_both_its_parents_in_the_register(
    installation: Installation,
) -> None:
    """[14]: A was created here, M is in the register; one parent of P and of R is, with somebody else. The period is that of the
    latest balance, and not of the first."""
    installation.night(
        FIRST, case("A", "G1"), case("M", "G2", owes={}, on_cms={}),
        case("P", "G3", owes={}, on_cms={"receiving_parent_nino": nino_of("somebody")}),
        case("R", "G4", owes={}, on_cms={"paying_parent_nino": nino_of("somebody")}),
    )  # fmt: skip
    latest = balance("M", "G2", {}, balance_id="B-M2", arrears_from=date(2012, 1, 1))
    of: Row = {"reason": "OFFLINE_REPORT", "arrears_status": "SUSPENDED"}
    reports = [correction(f"C{one}", one, 250, **of) for one in "AMPR"]
    installation.night(SECOND, csa_balances=[latest], corrections=reports)
    suspended = [row for row in installation.view("dues") if row["arrears_status"] == "SUSPENDED"]
    since = {row["csa_case_id"]: row["arrears_from"] for row in suspended}
    assert since == {"A": date(2010, 1, 1), "M": date(2012, 1, 1)}
    unknown = {case_id for rule, case_id in installation.open_rules() if rule == "correction_due_unknown"}
    assert unknown == {"P", "R"}


def test_R20_a_changed_balance_is_settled_by_a_correction_that_comes_with_it_or_after_it(
    installation: Installation,
) -> None:
    """[15]: and by none that came before it, though its dues are what it says; also by one that changes nothing."""

    def changed(pence: int) -> Row:
        since = date(2011, 1, pence // 100)
        return balance("D", "G4", {"rp_active": pence}, balance_id=f"B-{pence}", arrears_from=since)

    installation.night(FIRST, case("D", "G4", owes={"rp_active": 2000}))
    installation.night(SECOND, corrections=[correction("L1", "D", 2500)])
    installation.night(THIRD, csa_balances=[changed(2500)])
    assert installation.open_rules() == {("balance_changed_after_completion", "D")}
    installation.night(FOURTH, corrections=[correction("L2", "D", 2500)])
    assert installation.open_rules() == set()
    installation.night(FIFTH, csa_balances=[changed(2600)], corrections=[correction("L3", "D", 2600)])
    assert installation.open_rules() == set()


def test_a_night_killed_between_its_corrections_and_what_they_settle_is_finished_by_running_it_again(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R20, [15]: which casegroups are judged again stands in the ledger."""
    installation.night(FIRST, case("D", "G4", owes={"rp_active": 2000}))
    changed = balance("D", "G4", {"rp_active": 2500}, balance_id="B-D2")
    installation.land(SECOND, csa_balances=[changed], corrections=[correction("L1", "D", 2500)])

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(apply_corrections, "_judge_again", killed)
        with pytest.raises(KeyboardInterrupt):
            installation.run(SECOND, "run-1")
    assert installation.open_rules() == {("balance_changed_after_completion", "D")}
    installation.run(SECOND, "run-1")
    assert installation.open_rules() == set()
    (row,) = installation.view("corrections")
    assert (row["status"], row["old_amount_pence"], row["new_amount_pence"]) == ("APPLIED", 2000, 2500)
    assert installation.dues() == {"CS2-D-RP-ACTIVE": 2500}
