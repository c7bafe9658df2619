"""Tranche selection on a real store: whole casegroups, the cap, criteria in versions, joins and moves, nothing twice."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from case_closure.desk import criteria as criteria_commands
from case_closure.desk import preview as looking
from case_closure.domain.permissions import whoever_has_the_shell
from case_closure.domain.tranches import Criteria
from case_closure.landing.criteria import parse
from case_closure.night import receive_extract, select_tranche
from case_closure.store import database, holding, tranches
from case_closure.tables.landed import FILES
from tests.support.builders import BEFORE, ON, Row, balance, case, table
from tests.support.installation import Installation

pytestmark = pytest.mark.usefixtures("plain_letters")

NEXT = date(2017, 8, 11)
AT = datetime(2017, 8, 10, 3, tzinfo=UTC)


def fields(**over: Any) -> dict[str, Any]:
    """T01 of the contract's example, but valid at any time."""
    return {
        "tranche_id": "T01", "ocr_reference": "OCR-1", "authorised_by": "Control Group", "authorised_on": "2016-01-04",
        "reason": "segments 1 and 2", "segments": [1, 2], "csa_systems": ["CS2", "CSCS"], "case_types": ["ONGOING"],
        "max_cases": None, "notice_days": 180, "reminder_days": 31, "valid_from": None, "valid_to": None,
    } | over  # fmt: skip


def criteria(**over: Any) -> Criteria:
    (made,) = parse(json.dumps([fields(**over)]).encode(), "criteria.json")
    return made


def open_case(case_id: str, casegroup: str, **over: Any) -> Row:
    row = case(
        case_id, casegroup, case_status="OPEN", closed_reason=None, liability_end_date=None, segment=1
    ).row
    return row | over


def hold(store: Installation, on: date, cases: Iterable[Row], **more: list[Row]) -> None:
    """What a night's receive_extract leaves of these rows."""
    with database.transaction(store.url) as connection:
        for name, rows in ({"csa_cases": list(cases)} | more).items():
            held = table(name, rows)
            numbered = held.append_column("row_number", [list(range(1, len(rows) + 1))])
            holding.hold(connection, FILES[name], lambda numbered=numbered: [numbered], on, 1)  # type: ignore[misc]
        receive_extract.place_cases(connection, on)
    if "csa_cases" not in more:
        store.execute("update held.csa_cases set claimed_casegroup_id = casegroup_id")


def night(store: Installation, on: date, *given: Criteria) -> dict[str, int]:
    """Criteria and selection, in one transaction as the night has them."""
    with database.transaction(store.url) as connection:
        tranches.record(connection, given, source=tranches.NIGHTLY_FILE, by=f"night {on}", at=AT)
        return select_tranche.select(connection, on)


def stamped(store: Installation) -> dict[str, tuple[Any, ...]]:
    rows = store.query("select * from closure.end_liability order by csa_case_id")
    return {
        row["csa_case_id"]: (row["casegroup_id"], row["tranche_id"], row["selected_on"], row["led"])
        for row in rows
    }


def told(store: Installation, on: date) -> dict[str, str]:
    rows = store.query(
        "select csa_case_id, cause from closure.end_liability_notices where business_date = %s", on
    )
    return {row["csa_case_id"]: row["cause"] for row in rows}


def everything(store: Installation) -> list[Any]:
    tables = ("end_liability", "end_liability_notices", "tranche_criteria", "tranche_selections")
    return [sorted(map(str, store.query(f"select * from closure.{name}"))) for name in tables]  # noqa: S608


def test_B3_B4_every_case_of_a_matching_casegroup_is_stamped_on_all_three_systems(
    installation: Installation,
) -> None:
    hold(installation, ON, [
        open_case("A", "G1"), open_case("B", "G1", csa_system="CCD", segment=5),
        case("C", "G1", csa_system="CSCS", case_type="ARREARS_ONLY").row, open_case("D", "G2", segment=3),
    ])  # fmt: skip
    assert night(installation, ON, criteria()) == {
        "casegroups_selected": 1, "cases_selected": 3, "cases_joined": 0, "cases_moved": 0,
    }  # fmt: skip
    stamp = ("G1", "T01", ON, date(2018, 2, 6))
    assert stamped(installation) == {"A": stamp, "B": stamp, "C": stamp}
    assert told(installation, ON) == {"A": "SELECTED", "B": "SELECTED", "C": "SELECTED"}


@pytest.mark.parametrize("fresh", [True, False], ids=["one of many", "whatever the parts"])
def test_B2_only_casegroups_with_a_matching_open_case_and_nothing_in_the_way(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, fresh: bool
) -> None:
    """R12: one inhibited, clerical or sensitive case leaves its casegroup out. Candidates may come in any parts."""
    if not fresh:
        monkeypatch.setattr(select_tranche, "PART", 2)
    odd: list[Row] = [
        {"case_status": "CLOSED"}, {"segment": 3}, {"segment": None}, {"csa_system": "CCD"}, {"case_type": "ARREARS_ONLY"},
        {"manual_inhibit": True}, {"automatic_inhibit": True, "manual_inhibit": None}, {"partially_clerical": True},
        {"nationally_sensitive": True}, {"csa_caseworker": "anybody"},
    ]  # fmt: skip
    cases = [open_case(f"{place}", f"G{place}", **over) for place, over in enumerate(odd)]
    # A second case that matches mends nothing where the first is in the way, and selects where the first just does not match.
    cases += [open_case(f"{place}-2", f"H{place}") for place in range(len(odd))]
    cases += [open_case(f"{place}-1", f"H{place}", **over) for place, over in enumerate(odd)]
    hold(installation, ON, reversed(cases))
    night(installation, ON, criteria())
    assert {row[0] for row in stamped(installation).values()} == {"G9", "H0", "H1", "H2", "H3", "H4", "H9"}


def test_B70_an_inhibit_counts_while_it_is_in_force_and_set_by_a_team_leader_or_manager(
    installation: Installation,
) -> None:
    inhibits: dict[str, list[Row]] = {
        "none": [], "today": [{}], "yesterday": [{"set_on": BEFORE}], "tomorrow": [{"set_on": NEXT}],
        "removed": [{"set_on": BEFORE, "removed_on": ON}], "removed tomorrow": [{"removed_on": NEXT}],
        "caseworker": [{"set_by_role": "CASEWORKER"}], "manager": [{"set_by_role": "MANAGER"}],
        "two": [{"set_on": BEFORE, "removed_on": ON}, {}],
    }  # fmt: skip
    rows: list[Row] = [
        {"inhibit_id": f"{name}{place}", "csa_system": "CS2", "csa_case_id": name, "set_by_role": "TEAM_LEADER",
         "set_on": ON, "removed_on": None} | over
        for name, all_of_it in inhibits.items() for place, over in enumerate(all_of_it)
    ]  # fmt: skip
    hold(installation, ON, [open_case(name, f"G {name}") for name in inhibits], inhibits=rows)
    night(installation, ON, criteria())
    assert set(stamped(installation)) == {"none", "tomorrow", "removed", "caseworker"}


def test_R12_a_clerical_report_leaves_the_casegroup_out_by_its_case_or_by_its_own_number(
    installation: Installation,
) -> None:
    reported = [balance("A", "G1", {}), balance(None, "G2", {}), balance("C", "G9", {})]
    hold(installation, ON, [open_case("A", "G1"), open_case("B", "G2"), open_case("C", "G3"), open_case("D", "G4")],
         clerical_balances=reported)  # fmt: skip
    night(installation, ON, criteria())
    assert set(stamped(installation)) == {"D"}


def test_casegroups_are_taken_in_the_order_of_their_ids_as_text_up_to_the_cap(
    installation: Installation,
) -> None:
    """By code point: capitals first, G10 before G9. The first that would pass the cap ends it, also for a smaller one after."""
    ids = ["a1", "G9", "G10", "B2", "É1", "g1"]
    hold(installation, ON, [open_case(f"{name}-{place}", name) for name in ids for place in range(2)]
         + [open_case("G9-3", "G9"), open_case("a1-3", "a1")])  # fmt: skip
    night(installation, ON, criteria(max_cases=8))
    assert list(dict.fromkeys(sorted(row[0] for row in stamped(installation).values()))) == [
        "B2",
        "G10",
        "G9",
    ]
    # Over the life of the tranche: seven count, a1 has three, so that it ends the selection on every later night too.
    assert night(installation, NEXT)["cases_selected"] == 0
    (told_of,) = installation.view("tranche_selections")
    assert (told_of["casegroups"], told_of["cases"], told_of["cap_met"]) == (3, 7, True)


def test_B7_an_amended_version_selects_what_newly_matches_and_each_version_is_kept(
    installation: Installation,
) -> None:
    hold(
        installation,
        ON,
        [open_case("A", "G1"), open_case("B", "G2", segment=4), open_case("C", "G3", segment=5)],
    )
    night(installation, ON, criteria(segments=[1]))
    night(installation, NEXT, criteria(segments=[1, 4], ocr_reference="OCR-2", reason="four as well"))
    assert stamped(installation) == {
        "A": ("G1", "T01", ON, date(2018, 2, 6)), "B": ("G2", "T01", NEXT, date(2018, 2, 7)),
    }  # fmt: skip
    kept = [
        (
            row["version"],
            row["in_force"],
            row["ocr_reference"],
            row["segments"],
            row["cases_selected"],
            row["first_selected_on"],
        )
        for row in sorted(installation.view("tranche_criteria"), key=lambda row: row["version"])
    ]
    assert kept == [(1, False, "OCR-1", [1], 1, ON), (2, True, "OCR-2", [1, 4], 1, NEXT)]


def test_several_tranches_take_their_turn_in_the_order_of_their_ids(installation: Installation) -> None:
    hold(installation, ON, [open_case("A", "G1"), open_case("B", "G2")])
    night(
        installation, ON, criteria(tranche_id="T2", notice_days=90), criteria(tranche_id="T10", max_cases=1)
    )
    assert {case: row[1] for case, row in stamped(installation).items()} == {"A": "T10", "B": "T2"}


def test_R21_run_again_it_changes_nothing(installation: Installation) -> None:
    hold(installation, ON, [open_case(f"{place}", f"G{place}") for place in range(6)])
    given = criteria(max_cases=4)
    night(installation, ON, given)
    before = everything(installation)
    assert set(night(installation, ON, given).values()) == {0}
    assert everything(installation) == before


def test_the_order_in_which_cases_were_received_does_not_matter(installation: Installation) -> None:
    cases = [open_case(f"{place}-{case}", f"G{place}") for place in range(6) for case in range(1 + place % 3)]
    found = []
    for order in (cases, list(reversed(cases))):
        installation.execute("truncate held.csa_cases, closure.end_liability, closure.end_liability_notices")
        installation.execute("truncate closure.tranche_criteria, closure.tranche_selections")
        hold(installation, ON, order)
        night(installation, ON, criteria(max_cases=7))
        found.append(stamped(installation))
    assert found[0] == found[1]


# --- joining and moving


def test_a_case_that_comes_to_a_selected_casegroup_takes_its_stamp_that_night(
    installation: Installation,
) -> None:
    hold(installation, ON, [open_case("A", "G1"), open_case("Z", "G2", segment=5)])
    night(installation, ON, criteria())
    installation.execute(
        "update closure.end_liability set journey = 'REACTIVE', led = '2017-09-20', became_reactive_on = '2017-08-10'"
    )
    hold(installation, NEXT, [open_case("B", "G1", case_status="CLOSED", closed_reason="OTHER")])
    assert night(installation, NEXT)["cases_joined"] == 1
    assert stamped(installation)["B"] == ("G1", "T01", NEXT, date(2017, 9, 20))
    (row,) = installation.query("select * from closure.end_liability where csa_case_id = 'B'")
    assert (row["journey"], row["criteria_version"], row["reminder_days"], row["became_reactive_on"]) == (
        "REACTIVE",
        1,
        31,
        ON,
    )
    assert told(installation, NEXT) == {"B": "JOINED"}
    before = everything(installation)
    night(installation, NEXT)
    assert everything(installation) == before


def test_a_case_that_moves_between_selected_casegroups_takes_the_new_ones_stamp(
    installation: Installation,
) -> None:
    hold(installation, ON, [open_case("A", "G1"), open_case("A2", "G1"), open_case("B", "G2", segment=2)])
    night(installation, ON, criteria(segments=[1]), criteria(tranche_id="T02", segments=[2], notice_days=90))
    hold(installation, NEXT, [open_case("A", "G2")])
    assert night(installation, NEXT) == {
        "casegroups_selected": 0,
        "cases_selected": 0,
        "cases_joined": 1,
        "cases_moved": 0,
    }
    assert stamped(installation)["A"] == ("G2", "T02", NEXT, date(2017, 11, 8))
    assert stamped(installation)["A2"] == ("G1", "T01", ON, date(2018, 2, 6))


def test_a_case_that_moves_to_a_casegroup_not_selected_brings_its_stamp(installation: Installation) -> None:
    hold(installation, ON, [open_case("A", "G1"), open_case("B", "G2", segment=5)])
    night(installation, ON, criteria())
    hold(installation, NEXT, [open_case("A", "G2")])
    assert night(installation, NEXT)["cases_moved"] == 1
    stamp = ("T01", date(2018, 2, 6))
    assert {case: (row[0], row[2], (row[1], row[3])) for case, row in stamped(installation).items()} == {
        "A": ("G2", ON, stamp), "B": ("G2", NEXT, stamp),
    }  # fmt: skip
    assert told(installation, NEXT) == {"A": "MOVED", "B": "JOINED"}


# --- versions


def given_by(store: Installation, *rows: Criteria, source: str) -> list[int]:
    with database.transaction(store.url) as connection:
        return [
            made.version for made in tranches.record(connection, rows, source=source, by="somebody", at=AT)
        ]


def in_force(store: Installation) -> dict[str, tuple[int, tuple[int, ...]]]:
    with database.transaction(store.url) as connection:
        return {
            one.criteria.tranche_id: (one.version, one.criteria.segments)
            for one in tranches.in_force(connection)
        }


def test_the_same_criteria_again_are_no_new_version(installation: Installation) -> None:
    assert given_by(installation, criteria(), criteria(tranche_id="T02"), source="f.json") == [1, 1]
    assert given_by(
        installation, criteria(), criteria(tranche_id="T02", reason="other"), source="f.json"
    ) == [2]
    assert in_force(installation) == {"T01": (1, (1, 2)), "T02": (2, (1, 2))}


def test_a_file_nobody_touched_does_not_undo_a_change_made_otherwise(installation: Installation) -> None:
    """criteria.json is read every night: what counts is what it newly says."""
    given_by(installation, criteria(), source=tranches.NIGHTLY_FILE)
    given_by(installation, criteria(segments=[5]), source="amendment.json")
    assert given_by(installation, criteria(), source=tranches.NIGHTLY_FILE) == []
    assert in_force(installation) == {"T01": (2, (5,))}
    assert given_by(installation, criteria(segments=[3]), source=tranches.NIGHTLY_FILE) == [3]


def proposed(store: Installation, run: str = "1", **over: Any) -> int:
    with database.transaction(store.url) as connection:
        new = criteria(authorised_by=None, authorised_on=None, **over)
        return tranches.propose(connection, new, source=run, by="anna", at=AT).version


def decided(
    store: Installation, version: int, by: str, approved: bool = True, may_approve: Iterable[str] = ()
) -> tuple[str, str | None]:
    """The proposal's state once that person has answered, and why the answer was not accepted, if it was not."""
    settings = replace(store.settings, control_group=tuple((name, None) for name in may_approve))
    why = None
    try:
        criteria_commands.decide(
            settings, "T01", version, approved=approved, by=whoever_has_the_shell(by), at=AT, comment=None
        )
    except criteria_commands.CriteriaRefused as refused:
        why = str(refused)
    with database.transaction(store.url) as connection:
        found = tranches.find(connection, "T01", version)
    assert found is not None
    return found.state, why


def test_B6_a_proposal_selects_nothing_until_another_approves_it(installation: Installation) -> None:
    hold(installation, ON, [open_case("A", "G1")])
    version = proposed(installation)
    assert night(installation, ON)["cases_selected"] == 0
    assert decided(installation, version, "ben") == ("APPROVED", None)
    assert night(installation, ON)["cases_selected"] == 1
    (row,) = installation.view("tranche_criteria")
    assert (row["recorded_by"], row["decided_by"], row["authorised_by"], row["authorised_on"]) == (
        "anna",
        "ben",
        "ben",
        ON,
    )


@pytest.mark.parametrize(
    ("by", "more", "state", "why"),
    [("anna", {}, "REFUSED", "anna proposed it"), (" ANNA", {}, "REFUSED", "proposed it and may not"),
     ("anna", {"may_approve": ["anna"]}, "REFUSED", "anna proposed it"), ("eve", {"may_approve": ["ben"]}, "REFUSED", "is not"),
     ("ben", {"may_approve": ["ben", "anna"]}, "APPROVED", None), ("ben", {"approved": False}, "REFUSED", None),
     ("anna", {"approved": False}, "REFUSED", None)],
)  # fmt: skip
def test_B6_who_may_approve(
    installation: Installation, by: str, more: Any, state: str, why: str | None
) -> None:
    version = proposed(installation)
    found, said = decided(installation, version, by, **more)
    assert found == state
    assert (said is None) == (why is None)
    assert (why or "") in (said or "")
    assert in_force(installation) == ({"T01": (1, (1, 2))} if state == "APPROVED" else {})
    (row,) = installation.view("tranche_criteria")
    assert (row["authorised_by"], row["authorised_on"]) == ((by, ON) if state == "APPROVED" else (None, None))
    # An answer once given stands.
    assert decided(installation, version, "ben") == (state, None)


def test_a_proposal_against_criteria_that_changed_since_is_not_approved(installation: Installation) -> None:
    first, second = proposed(installation, "1"), proposed(installation, "2", segments=[3])
    assert proposed(installation, "1") == first  # the same run again is the same proposal
    assert decided(installation, second, "ben") == ("APPROVED", None)
    state, why = decided(installation, first, "ben")
    assert state == "REFUSED"
    assert "changed after it was proposed" in str(why)
    assert in_force(installation) == {"T01": (2, (3,))}


# --- looking first


@pytest.fixture
def book(installation: Installation) -> Installation:
    """Casegroups of every kind, one selected before."""
    hold(installation, BEFORE, [open_case("S", "A0")])
    night(installation, BEFORE, criteria(tranche_id="T00", valid_to="2017-08-09"))
    arrears = {"indicative_arrears_pence": 1050}
    hold(installation, ON, [
        open_case("A", "G1", **arrears), case("A2", "G1", case_type="ARREARS_ONLY", indicative_arrears_pence=None).row,
        open_case("B", "G2", manual_inhibit=True), open_case("C", "G3", partially_clerical=True),
        open_case("D", "G4", nationally_sensitive=True), open_case("E", "G5", **arrears), open_case("E2", "G5", **arrears),
        open_case("F", "G6"), open_case("H", "G7", segment=3),
    ])  # fmt: skip
    return installation


def test_a_preview_says_what_would_be_selected_and_what_is_left_out_and_why(book: Installation) -> None:
    """R26: nationally sensitive casegroups are not even counted."""
    before = everything(book)
    (seen,) = looking.preview(book.url, [criteria(max_cases=4, authorised_by=None)], ON)
    assert (seen.casegroups, seen.cases, seen.arrears_pence) == (2, 4, 3150)
    assert seen.letters == {"CMSL6303": 2, "CMSL6308": 3}
    assert seen.ended_at == "G6"
    assert {(left.reason, left.casegroups, left.examples) for left in seen.left_out} == {
        ("CLERICAL", 1, ("G3",)), ("INHIBITED", 1, ("G2",)), ("ALREADY_SELECTED", 1, ("A0",)), ("OVER_THE_CAP", 1, ("G6",)),
    }  # fmt: skip
    assert everything(book) == before
    assert night(book, ON, criteria(max_cases=4))["cases_selected"] == seen.cases


@pytest.mark.parametrize(
    ("over", "no_match"),
    [({}, None), ({"segments": [5]}, ("segments",)), ({"csa_systems": ["CCD"]}, ("csa_systems",)),
     ({"segments": [5], "csa_systems": ["CCD"]}, ()), ({"case_types": ["ARREARS_ONLY"]}, ("case_types",))],
)  # fmt: skip
def test_a_preview_says_which_criterion_alone_is_in_the_way(
    book: Installation, over: Any, no_match: Any
) -> None:
    (seen,) = looking.preview(book.url, [criteria(**over)], ON)
    assert seen.no_match == no_match


def test_a_preview_lets_the_tranches_in_force_take_their_turn(book: Installation) -> None:
    given_by(book, criteria(tranche_id="T02", max_cases=2), source="f.json")
    mine, later = looking.preview(
        book.url, [criteria(tranche_id="T01", max_cases=2), criteria(tranche_id="T03")], ON
    )
    assert (mine.cases, mine.overlaps) == (2, ("T02", "T03"))
    assert (later.cases, later.overlaps) == (1, ("T01", "T02"))


def test_a_preview_of_a_night_outside_the_period_selects_nothing_and_says_so(book: Installation) -> None:
    (seen,) = looking.preview(book.url, [criteria(valid_from="2017-08-11")], ON)
    assert (seen.cases, seen.refused) == (0, "it is valid from 2017-08-11 to the end")


# --- from a shell


def test_what_a_person_reads_of_a_preview_and_of_a_load(book: Installation, tmp_path: Path) -> None:
    file = tmp_path / "amended.json"
    file.write_text(json.dumps([fields(max_cases=4, authorised_by=None)]))
    assert criteria_commands.preview(book.settings, on=ON, file=file) == [
        "Tranche T01 on 2017-08-10: 4 cases of 2 casegroups, £31.50 indicative arrears, letters 2 CMSL6303, 3 CMSL6308",
        "  end liability date 2018-02-06, 180 days after",
        "  cap 4 cases, 0 of them selected before",
        "  left out: 1 clerical (G3)",
        "  left out: 1 inhibited (G2)",
        "  left out: 1 over the cap (G6)",
        "  left out: 1 selected already (A0)",
        "  note: not authorised yet: until it is, it selects nothing (B6)",
        "  note: the cap ends it at casegroup G6, whose cases would pass it",
    ]
    assert criteria_commands.load(book.settings, file, by=whoever_has_the_shell("anna"), at=AT) == [
        "Tranche T01: version 1 is in force",
        "  it selects nothing until it says authorised_by and authorised_on (B6)",
        "  it overlaps T00: a casegroup goes to the first that selects it",
    ]
    with pytest.raises(
        criteria_commands.CriteriaRefused, match="There is no tranche 'T7' in force; there is T00, T01"
    ):
        criteria_commands.preview(book.settings, on=ON, tranche="T7")
    file.write_text(json.dumps([fields(notice_days=0)]))
    before = everything(book)
    with pytest.raises(
        criteria_commands.CriteriaInvalid, match="tranche T01, notice_days: expected a whole number from 1"
    ):
        criteria_commands.load(book.settings, file, by=whoever_has_the_shell("anna"), at=AT)
    assert everything(book) == before


def test_what_the_approver_reads_is_old_against_new_and_says_nothing_to_markdown(book: Installation) -> None:
    given_by(book, criteria(), source="f.json")
    form = fields(segments=[1], reason="less | [click](http://x)")
    tranche, version, shown = criteria_commands.propose(
        book.settings, form, on=ON, by=whoever_has_the_shell("anna"), run="r1", at=AT
    )
    again = criteria_commands.propose(
        book.settings, form, on=ON, by=whoever_has_the_shell("anna"), run="r1", at=AT
    )
    assert again[:2] == (tranche, version), "the run was tried again"
    assert (tranche, version) == ("T01", 2)
    assert "| segments | 1, 2 | **1** |" in shown
    assert "| csa\\_systems" not in shown
    assert "less \\| \\[click\\]\\(http://x\\)" in shown
    assert "£31.50 indicative arrears" in shown
    assert in_force(book) == {"T00": (1, (1, 2)), "T01": (1, (1, 2))}
    with pytest.raises(criteria_commands.CriteriaRefused, match="was not approved: anna proposed it"):
        criteria_commands.decide(
            book.settings, "T01", 2, approved=True, by=whoever_has_the_shell("anna"), at=AT, comment=None
        )
