"""Selecting a tranche: whole casegroups in the order of their ids, up to the cap; who joins a selected casegroup, who moves."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from case_closure.domain.tranches import Criteria
from case_closure.landing.criteria import parse
from case_closure.stages.select_tranche import Selection, follow

ON = date(2017, 8, 10)


def criteria(**over: Any) -> Criteria:
    fields: dict[str, Any] = {
        "tranche_id": "T01", "ocr_reference": "OCR-1", "authorised_by": "Control Group", "authorised_on": "2016-01-04",
        "reason": None, "segments": [1, 2], "csa_systems": ["CS2", "CSCS"], "case_types": ["ONGOING"], "max_cases": None,
        "notice_days": 180, "reminder_days": 31, "valid_from": None, "valid_to": None,
    }  # fmt: skip
    (made,) = parse(json.dumps([fields | over]).encode(), "criteria.json")
    return made


def candidates(*casegroups: tuple[str, int] | tuple[str, int, str]) -> pd.DataFrame:
    """(casegroup, cases, reason of its last case); in the order given."""
    rows: list[tuple[str, str, str, str | None]] = []
    for name, cases, *reason in casegroups:
        rows += [(name, "CS2", f"{name}-{place}", None) for place in range(cases - 1)]
        rows.append((name, "CS2", f"{name}-{cases}", reason[0] if reason else None))
    frame = pd.DataFrame(rows, columns=["casegroup_id", "csa_system", "csa_case_id", "left_out"])
    return frame.astype("str").where(frame.notna())


def selected(selection: Selection, *parts: pd.DataFrame) -> list[str]:
    taken = pd.concat([selection.take(part) for part in parts])
    return list(dict.fromkeys(taken["casegroup_id"]))


def test_B3_every_case_of_a_casegroup_is_selected() -> None:
    taken = Selection(criteria(), ON, 0).take(candidates(("A", 3), ("B", 1)))
    assert taken["csa_case_id"].tolist() == ["A-0", "A-1", "A-3", "B-1"]


@pytest.mark.parametrize("reason", ["INHIBITED", "CLERICAL", "SENSITIVE", "ALREADY_SELECTED"])
def test_R12_one_case_stops_its_casegroup_and_no_other(reason: str) -> None:
    selection = Selection(criteria(), ON, 0)
    assert selected(selection, candidates(("A", 1), ("B", 3, reason), ("C", 2))) == ["A", "C"]
    assert (selection.casegroups, selection.cases) == (2, 3)


@pytest.mark.parametrize(
    ("cap", "taken", "ended_at"),
    [(0, [], "A"), (1, [], "A"), (2, ["A"], "B"), (4, ["A"], "B"), (5, ["A", "B"], "C"), (6, ["A", "B", "C"], None),
     (7, ["A", "B", "C"], None), (None, ["A", "B", "C"], None)],
)  # fmt: skip
def test_the_first_casegroup_that_would_pass_the_cap_ends_the_selection(
    cap: int | None, taken: list[str], ended_at: str | None
) -> None:
    """Also where a smaller one after it would still fit."""
    selection = Selection(criteria(max_cases=cap), ON, 0)
    assert selected(selection, candidates(("A", 2), ("B", 3), ("C", 1))) == taken
    assert selection.ended_at == ended_at


def test_the_cap_counts_all_cases_over_the_life_of_the_tranche() -> None:
    selection = Selection(criteria(max_cases=10), ON, counted=7)
    assert selected(selection, candidates(("A", 3), ("B", 1))) == ["A"]


def test_a_casegroup_left_out_does_not_count_towards_the_cap() -> None:
    selection = Selection(criteria(max_cases=2), ON, 0)
    assert selected(selection, candidates(("A", 9, "INHIBITED"), ("B", 2))) == ["B"]


@pytest.mark.parametrize(
    "over", [{"authorised_by": None}, {"authorised_on": None}, {"authorised_by": " "}], ids=str
)
def test_B6_without_both_who_authorised_it_and_when_it_selects_nothing(over: dict[str, Any]) -> None:
    selection = Selection(criteria(**over), ON, 0)
    assert selected(selection, candidates(("A", 1))) == []
    assert "not authorised" in str(selection.refused)


@pytest.mark.parametrize(
    ("valid_from", "valid_to", "selects"),
    [(None, None, True), ("2017-08-10", "2017-08-10", True), ("2017-08-11", None, False), (None, "2017-08-09", False),
     ("2017-08-01", None, True), (None, "2017-09-01", True)],
)  # fmt: skip
def test_it_selects_on_the_nights_of_its_period_both_ends_included(
    valid_from: str | None, valid_to: str | None, selects: bool
) -> None:
    selection = Selection(criteria(valid_from=valid_from, valid_to=valid_to), ON, 0)
    assert bool(selected(selection, candidates(("A", 1)))) is selects


@pytest.mark.parametrize(
    ("on", "led"),
    [(date(2017, 8, 10), date(2018, 2, 6)), (date(2016, 2, 28), date(2016, 8, 26)), (date(2017, 12, 31), date(2018, 6, 29))],
)  # fmt: skip
def test_B4_the_end_liability_date_is_the_selection_date_and_the_days_of_notice(on: date, led: date) -> None:
    assert criteria().led(on) == led


@given(sizes=st.lists(st.integers(1, 5), max_size=12), cap=st.integers(0, 20), cut=st.integers(0, 12))
def test_it_does_not_matter_in_which_parts_the_candidates_come(sizes: list[int], cap: int, cut: int) -> None:
    groups = [(f"G{place:02}", size) for place, size in enumerate(sizes)]
    whole, parted = (Selection(criteria(max_cases=cap), ON, 0) for _ in range(2))
    assert selected(whole, candidates(*groups)) == selected(
        parted, candidates(*groups[:cut]), candidates(*groups[cut:])
    )
    assert (whole.cases, whole.ended_at) == (parted.cases, parted.ended_at)


# --- joins and moves


def held(*rows: tuple[str, str, str | None, str | None]) -> pd.DataFrame:
    """(case, casegroup, casegroup it is stamped under, stamp)."""
    frame = pd.DataFrame(
        [(row[1], "CS2", row[0], row[2], row[3]) for row in rows],
        columns=["casegroup_id", "csa_system", "csa_case_id", "stamped_casegroup_id", "stamp"],
    )
    return frame.astype("str").where(frame.notna())


def changes(*rows: tuple[str, str, str | None, str | None]) -> list[tuple[str, str, str | None]]:
    """(case, cause, the case whose stamp it takes)."""
    made = follow(held(*rows))
    leaders = made["leader_csa_case_id"].astype("object").where(made["leader_csa_case_id"].notna(), None)
    return list(zip(made["csa_case_id"], made["cause"], leaders, strict=True))


def test_a_case_that_joins_a_selected_casegroup_takes_its_stamp() -> None:
    assert changes(("A", "G1", "G1", "T01"), ("B", "G1", None, None)) == [("B", "JOINED", "A")]


def test_a_case_that_moves_to_a_selected_casegroup_takes_its_stamp() -> None:
    assert changes(("B", "G2", "G2", "T02"), ("A", "G2", "G1", "T01")) == [("A", "JOINED", "B")]


def test_a_case_that_moves_to_another_casegroup_keeps_its_stamp_and_the_others_there_join_it() -> None:
    assert changes(("A", "G2", None, None), ("B", "G2", "G1", "T01")) == [
        ("A", "JOINED", "B"), ("B", "MOVED", None),
    ]  # fmt: skip


def test_a_casegroup_has_one_stamp_also_when_two_come_to_it_that_differ() -> None:
    rows = [("C", "G3", "G2", "T02"), ("B", "G3", "G1", "T01"), ("D", "G3", "G1", "T01")]
    assert changes(*rows) == [("B", "MOVED", None), ("C", "JOINED", "B"), ("D", "MOVED", None)]
    assert changes(*reversed(rows)) == changes(*rows)


def test_a_casegroup_nobody_came_to_is_left_as_it_is() -> None:
    assert changes(("A", "G1", "G1", "T01"), ("B", "G1", "G1", "T01")) == []
