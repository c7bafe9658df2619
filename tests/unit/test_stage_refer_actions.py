"""Items for outstanding actions and enforcement, and the life of exceptions of refused rows (B57, B62-B64, R33, [13], [32]).

Belongs here: the pure stage. Does not belong here: judging rows (`tests/gates`), nights (`tests/integration`).
"""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from case_closure.stages import refer_actions
from case_closure.stages.common.exceptions import Exceptions
from case_closure.stages.refer_actions import Actions, Refused
from case_closure.tables import handed
from case_closure.tables.frames import to_frame
from tests.support.builders import Row

ONE, TWO, THREE = (pd.Timestamp(f"2017-08-1{day}").as_unit("s") for day in (0, 1, 2))
ROUTES = [{"casegroup_id": "G1", "case_owner": "owner.one"}]


def frame(shape: pa.Schema, *rows: Row) -> pd.DataFrame:
    return to_frame(
        pa.Table.from_pylist([{name: row.get(name) for name in shape.names} for row in rows], shape)
    )


def raised(csa: list[Row] | None = None, enforced: list[Row] | None = None) -> list[Row]:
    case: Row = {"csa_system": "CS2", "csa_case_id": "A", "casegroup_id": "G1"}
    actions = Actions(
        frame(handed.CSA_ACTIONS, *(case | {"action_type": "APPEAL"} | row for row in csa or [])),
        frame(handed.ENFORCEMENT_ACTIONS, *(case | {"ongoing": True} | row for row in enforced or [])),
    )
    items: list[Any] = refer_actions.items(actions, frame(handed.ROUTES, *ROUTES), ONE).to_dict("records")
    return items


def test_B57_an_outstanding_action_is_an_item_for_the_case_owner_and_of_a_case_not_held_for_the_team() -> (
    None
):
    """Contract [32]: once a csa_action_id, routed as B50; a case not held: casegroup_id null, route FT_TEAM."""
    owned, elsewhere, unknown = raised(
        [{"csa_action_id": "1"}, {"csa_action_id": "2", "casegroup_id": "G2"}, {"csa_action_id": "3", "casegroup_id": None}]
    )  # fmt: skip
    assert [(row["type"], row["subject_reference"], row["route"]) for row in (owned, elsewhere, unknown)] == [
        ("CSA_ACTION_OUTSTANDING", "1", "CASE_OWNER"), ("CSA_ACTION_OUTSTANDING", "2", "FT_TEAM"),
        ("CSA_ACTION_OUTSTANDING", "3", "FT_TEAM"),
    ]  # fmt: skip
    assert not isinstance(unknown["casegroup_id"], str)
    assert owned["work_item_id"] == "CSA_ACTION_OUTSTANDING-G1-CS2-A-1-2017-08-10"


@pytest.mark.parametrize(
    ("kind", "ongoing", "item"),
    [
        ("LIABILITY_ORDER", True, "LIABILITY_ORDER"), ("LIABILITY_ORDER", False, None),
        *((kind, ongoing, "ENFORCEMENT_ACTION")
          for kind in ("CHARGING_ORDER", "DISTRESS", "COMMITTAL", "DISQUALIFICATION") for ongoing in (True, False)),
    ],
)  # fmt: skip
def test_B62_an_item_for_each_action_and_for_a_liability_order_once_it_is_ongoing(
    kind: str, ongoing: bool, item: str | None
) -> None:
    """R33, contract [32]: to the enforcement team; never one a case."""
    rows = [{"action_id": number, "action_type": kind, "ongoing": ongoing} for number in ("E1", "E2")]
    items = raised(enforced=rows)
    expected = [(item, number, "ENFORCEMENT_TEAM") for number in ("E1", "E2") if item]
    assert [(row["type"], row["subject_reference"], row["route"]) for row in items] == expected


def test_32_of_a_case_that_is_not_held_enforcement_goes_to_the_financial_transition_team() -> None:
    (item,) = raised(enforced=[{"action_id": "E1", "action_type": "DISTRESS", "casegroup_id": None}])
    assert (item["route"], isinstance(item["casegroup_id"], str), item["csa_case_id"]) == (
        "FT_TEAM",
        False,
        "A",
    )


def refused(number: str | None, on: pd.Timestamp = ONE, file: str = "records", **over: Any) -> Row:
    original = {
        "record_id": number,
        "csa_system": None,
        "csa_case_id": None,
        "detail": "{",
        "kind": "X",
    } | over
    return {
        "business_date": on, "file_name": file, "row_key": number, "rule_code": "row_invalid", "field": "kind",
        "csa_system": original["csa_system"], "csa_case_id": original["csa_case_id"], "casegroup_id": None, "sensitive": False,
        "original": json.dumps(original),
    }  # fmt: skip


def as_open(concluded: Exceptions, on: pd.Timestamp, **over: Any) -> list[Row]:
    rows: list[Any] = concluded.opened.to_dict("records")
    return [row | {"business_date": on, "answered_tonight": False} | over for row in rows]


def concluded(
    rows: list[Row], open_exceptions: list[Row] | None = None, on: pd.Timestamp = ONE, *, late: bool = False
) -> Exceptions:
    clean = [{key: None if value is not None and value != value else value for key, value in row.items()}
             for row in open_exceptions or []]  # fmt: skip
    held = Refused(
        frame(handed.ROWS_UNANSWERED, *rows),
        frame(handed.ROW_EXCEPTIONS, *clean),
        frame(handed.ROUTES, *ROUTES),
    )
    return refer_actions.conclude(held, on, THREE, late=late)


def test_5_a_refused_row_is_an_exception_with_its_item_that_shows_the_field_and_hides_what_is_personal() -> (
    None
):
    shown, hidden = (
        concluded([refused("R1")]).opened.to_dict("records")[0],
        concluded([refused("R1") | {"field": "detail"}]).opened.to_dict("records")[0],
    )
    assert (shown["rule_code"], shown["subject"], shown["subject_reference"], shown["field"], shown["value"]) == (
        "row_invalid", "RECORD", "R1", "kind", "X",
    )  # fmt: skip
    assert "{" not in hidden["value"]
    (item,) = concluded([refused("R1")]).work_items.to_dict("records")
    assert (item["type"], item["route"], item["subject_reference"]) == (
        "MANUAL_HANDLING",
        "FT_TEAM",
        shown["exception_id"],
    )


def test_38_each_file_has_its_subject_and_channel_and_a_number_of_two_files_is_two_exceptions() -> None:
    """A debt is known by its case alone."""
    files = (
        "corrections",
        "csa_actions",
        "enforcement_actions",
        "reported_exceptions",
        "resolutions",
        "csa_debts",
    )
    rows = [refused("N1", file=file) for file in files]
    opened = concluded(rows).opened
    assert opened["exception_id"].is_unique
    told = {row["subject"]: (row["channel"], row["subject_reference"]) for row in opened.to_dict("records")}
    assert told.pop("DEBT")[0] == "EXTRACT"
    assert told == {
        "CORRECTION": ("OFFLINE_REPORT", "N1"), "CSA_ACTION": ("CSA_CASEWORKER", "N1"), "ENFORCEMENT_ACTION": ("EXTRACT", "N1"),
        "REPORT": ("OFFLINE_REPORT", "N1"), "RESOLUTION": ("EXTRACT", "N1"),
    }  # fmt: skip


@pytest.mark.parametrize("entity", ["PAYMENT", "REPORT"])
def test_3_the_number_of_a_payment_or_report_that_an_entry_names_is_no_case(entity: str) -> None:
    (row,) = concluded([refused("S1", file="resolutions", entity=entity, csa_case_id="DCA1")]).opened.to_dict(
        "records"
    )
    assert not isinstance(row["csa_case_id"], str)


def test_13_it_is_seen_again_while_no_good_row_came_and_resolved_when_one_did() -> None:
    first = concluded([refused("R1")])
    held = as_open(first, ONE)
    again = concluded([refused("R1"), refused("R1", TWO)], held, TWO)
    assert (len(again.opened), again.seen["exception_id"].tolist(), len(again.resolved)) == (
        0, first.opened["exception_id"].tolist(), 0,
    )  # fmt: skip
    done = concluded([], held, TWO)
    (row,) = done.resolved.to_dict("records")
    assert (row["resolved_by"], row["resolved_on"]) == ("EXTRACT 2017-08-11", THREE)


def test_13_what_opens_again_has_the_number_it_had_and_the_same_rows_come_to_the_same_end() -> None:
    """Another extract of the night took back the row that had answered it."""
    first = concluded([refused("R1")], on=ONE)
    again = concluded([refused("R1")], [], TWO)
    assert again.opened["exception_id"].tolist() == first.opened["exception_id"].tolist()
    both = concluded([refused("R1"), refused("R1", TWO)], as_open(first, ONE), TWO)
    assert len(both.opened) == 0


def test_R39_a_late_night_touches_only_what_it_brought_or_answered() -> None:
    others = as_open(concluded([refused("R1", TWO)], on=TWO), TWO)
    nothing = concluded([], others, ONE, late=True)
    assert (len(nothing.opened), len(nothing.seen), len(nothing.resolved)) == (0, 0, 0)
    answered = [row | {"answered_tonight": True} for row in others]
    assert len(concluded([], answered, ONE, late=True).resolved) == 1
    brought = concluded([refused("R2", ONE)], others, ONE, late=True)
    assert brought.opened["subject_reference"].tolist() == ["R2"]


def test_R43_an_exception_takes_its_casegroup_when_its_case_comes_and_stays_one() -> None:
    row = refused("A1", file="csa_actions", csa_system="CS2", csa_case_id="A")
    first = concluded([row])
    later = concluded([row | {"casegroup_id": "G1"}], as_open(first, ONE), TWO)
    assert (len(later.opened), later.seen["casegroup_id"].tolist()) == (0, ["G1"])
