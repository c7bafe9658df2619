"""Rows refused alone on their way in, what answers them ([4]-[6], [13]); actions and enforcement referred ([32], [33], [42]).

Belongs here: nights over a store. Does not belong here: each way in which a row can be wrong (`tests/unit`, `tests/gates`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date

import pandas as pd
import pytest

from case_closure.night import run as night
from case_closure.store import database, refused_rows
from tests.support.builders import ON, Row, case
from tests.support.debt_builders import debt
from tests.support.installation import Databases, Installation

pytestmark = pytest.mark.usefixtures("plain_letters")

FIRST, SECOND, THIRD = ON, date(2017, 8, 11), date(2017, 8, 12)


def action(number: str | None, case_id: str | None = "A", kind: str | None = "APPEAL", **over: object) -> Row:
    return {"csa_action_id": number, "csa_system": "CS2", "csa_case_id": case_id, "action_type": kind, "detail": "x",
            "notified_on": FIRST, "notified_by": "csa.five"} | over  # fmt: skip


def record(number: str | None, **over: object) -> Row:
    return {"record_id": number, "kind": "GATEWAY", "casegroup_id": "G1", "reference": "GW-1", "recorded_on": FIRST,
            "recorded_by": "worker.one", "detail": '{"said": "yes"}'} | over  # fmt: skip


def order(number: str | None, **over: object) -> Row:
    return {"action_id": number, "csa_system": "CS2", "csa_case_id": "A", "action_type": "LIABILITY_ORDER", "ongoing": True,
            "in_force": True, "amount_pence": 5000} | over  # fmt: skip


@pytest.fixture(scope="module")
def three(database_server: Databases) -> Iterator[Installation]:
    with database_server.installation() as made:
        made.night(
            FIRST, case("A", "G1"),
            csa_actions=[action("good"), action("bad", kind="QUARREL"), action(None), action("twice"),
                         action("twice", kind="OTHER"), action("second", kind=None), action("second")],
            records=[record("r1"), record("r2", detail="{not json"), record("r3", recorded_by=" ")],
            enforcement_actions=[order("e1"), order("e2", amount_pence=None)],
        )  # fmt: skip
        made.night(
            SECOND,
            csa_actions=[action("good"), action("bad"), action("twice", kind="OTHER")],
            records=[record("r1", reference="GW-2")],
        )
        made.night(THIRD, csa_actions=[action("twice")], records=[record("r1")])
        yield made


def test_4_5_good_rows_are_held_and_bad_ones_refused_alone(three: Installation) -> None:
    rows = three.query("select csa_action_id, action_type from held.csa_actions order by 1")
    assert [(row["csa_action_id"], row["action_type"]) for row in rows] == [
        ("bad", "APPEAL"), ("good", "APPEAL"), ("second", "APPEAL"), ("twice", "APPEAL"),
    ]  # fmt: skip
    assert {row["record_id"] for row in three.view("records")} == {"r1"}


def test_5_6_a_refused_row_is_kept_as_it_came_with_its_rule_until_it_is_answered(three: Installation) -> None:
    rows = three.query(
        "select business_date, file_name, row_key, rule_codes, fields, answered_on from closure.refused_rows "
        "order by business_date, file_name, row_number"
    )
    assert [tuple(row.values()) for row in rows] == [
        (FIRST, "csa_actions", "bad", ["row_invalid"], ["action_type"], SECOND),
        (FIRST, "csa_actions", None, ["row_invalid"], ["csa_action_id"], None),
        (FIRST, "csa_actions", "twice", ["row_changed"], ["csa_action_id"], THIRD),
        (FIRST, "csa_actions", "second", ["row_invalid"], ["action_type"], FIRST),
        (FIRST, "enforcement_actions", "e2", ["row_invalid"], ["amount_pence"], None),
        (FIRST, "records", "r2", ["row_invalid"], ["detail"], None),
        (FIRST, "records", "r3", ["row_invalid"], ["recorded_by"], None),
        (SECOND, "csa_actions", "twice", ["row_changed"], ["csa_action_id"], THIRD),
        (SECOND, "records", "r1", ["row_changed"], ["record_id"], THIRD),
    ]  # fmt: skip


def exceptions(made: Installation) -> dict[tuple[str, str | None], Row]:
    query = "select * from closure.exceptions where starts_with(rule_code, 'row_')"
    return {(row["subject"], row["subject_reference"]): row for row in made.query(query)}


def test_13_each_refused_row_is_an_exception_until_a_good_row_of_its_number_comes(
    three: Installation,
) -> None:
    """row_invalid closes with a later good row of the key, row_changed when the key comes again as first seen."""
    told = {
        key: (row["rule_code"], row["business_date"], row["status"], row["resolved_on"])
        for key, row in exceptions(three).items()
    }
    assert told == {
        ("CSA_ACTION", "bad"): ("row_invalid", FIRST, "RESOLVED", SECOND),
        ("CSA_ACTION", None): ("row_invalid", FIRST, "OPEN", None),
        ("CSA_ACTION", "twice"): ("row_changed", FIRST, "RESOLVED", THIRD),
        ("ENFORCEMENT_ACTION", "e2"): ("row_invalid", FIRST, "OPEN", None),
        ("RECORD", "r1"): ("row_changed", SECOND, "RESOLVED", THIRD),
        ("RECORD", "r2"): ("row_invalid", FIRST, "OPEN", None),
        ("RECORD", "r3"): ("row_invalid", FIRST, "OPEN", None),
    }


def test_B50_its_item_is_closed_with_it_and_no_casegroup_is_held(three: Installation) -> None:
    items = {
        row["subject_reference"]: row["status"]
        for row in three.view("work_items")
        if row["type"] == "MANUAL_HANDLING"
    }
    rows = exceptions(three).values()
    assert items == {row["exception_id"]: "OPEN" if row["status"] == "OPEN" else "CLOSED" for row in rows}
    assert three.outcomes() == {"G1": ("TRANSITION_COMPLETE", "ARREARS_ADDED")}
    assert {row["casegroup_id"] for row in rows} == {"G1"}


def test_32_an_item_is_raised_once_an_action_the_first_night_it_qualifies(three: Installation) -> None:
    """B57, B62: also when the row came again, and when it had been refused before."""
    items = {
        (row["type"], row["subject_reference"]): row["business_date"]
        for row in three.view("work_items") if row["type"] in ("CSA_ACTION_OUTSTANDING", "LIABILITY_ORDER")
    }  # fmt: skip
    assert items == {
        ("CSA_ACTION_OUTSTANDING", "good"): FIRST, ("CSA_ACTION_OUTSTANDING", "second"): FIRST,
        ("CSA_ACTION_OUTSTANDING", "twice"): FIRST, ("CSA_ACTION_OUTSTANDING", "bad"): SECOND,
        ("LIABILITY_ORDER", "e1"): FIRST,
    }  # fmt: skip


def test_32_an_action_that_changes_has_no_second_item_and_an_order_has_its_first_when_it_becomes_ongoing(
    installation: Installation,
) -> None:
    def came(amount_pence: int, *, ongoing: bool) -> list[Row]:
        return [
            order("order", amount_pence=amount_pence), order("other", action_type="DISTRESS", amount_pence=amount_pence),
            order("later", amount_pence=amount_pence, ongoing=ongoing),
        ]  # fmt: skip

    installation.night(FIRST, case("A", "G1"), enforcement_actions=came(5000, ongoing=False))
    installation.night(SECOND, enforcement_actions=came(6000, ongoing=True))
    items = [
        (row["subject_reference"], row["type"], row["business_date"], row["route"])
        for row in installation.view("work_items") if row["type"] in ("ENFORCEMENT_ACTION", "LIABILITY_ORDER")
    ]  # fmt: skip
    assert sorted(items) == [
        ("later", "LIABILITY_ORDER", SECOND, "ENFORCEMENT_TEAM"), ("order", "LIABILITY_ORDER", FIRST, "ENFORCEMENT_TEAM"),
        ("other", "ENFORCEMENT_ACTION", FIRST, "ENFORCEMENT_TEAM"),
    ]  # fmt: skip


def test_the_gates_of_rows_are_in_the_results_of_each_night(three: Installation) -> None:
    results = {
        (row["suite"], row["rule_code"]): (row["judged_rows"], row["failed_rows"])
        for row in three.view("rule_results") if row["business_date"] == FIRST and row["suite"].endswith("_rows")
    }  # fmt: skip
    assert results == {
        ("csa_actions_rows", "row_invalid"): (7, 3), ("csa_actions_rows", "row_changed"): (7, 1),
        ("records_rows", "row_invalid"): (3, 2), ("records_rows", "row_changed"): (3, 0),
        ("enforcement_actions_rows", "row_invalid"): (2, 1),
    }  # fmt: skip


def begin(made: Installation, on: date, through: str) -> None:
    for stage in night.STAGES[: night.STAGES.index(through) + 1]:
        night.run_stage(stage, made.context(on))
    night.record_failure(made.context(on), night.STAGES[night.STAGES.index(through) + 1], "disk full")


def state(
    made: Installation,
) -> tuple[dict[tuple[str, str | None], tuple[str, date]], dict[str, tuple[str, str]]]:
    """Exceptions of rows by what they are about, and items of each kind."""
    told = {key: (row["status"], row["business_date"]) for key, row in exceptions(made).items()}
    items = {row["work_item_id"]: (row["type"], row["status"]) for row in made.view("work_items")
             if row["type"] not in ("ARREARS_ONLY_CASE_SET_UP",)}  # fmt: skip
    return told, items


def test_R21_another_extract_of_the_night_takes_the_whole_place_of_the_one_before(
    installation: Installation,
) -> None:
    """What the first refused is nobody's work, what it answered is open again, its items are gone; a stage run again changes
    nothing."""
    installation.night(FIRST, case("A", "G1"), records=[record("r1", kind="X"), record("r2", kind="X")])
    installation.land(
        SECOND, extract_id="DW-1", records=[record("r1"), record("r3", kind="X")], csa_actions=[action("c1"), action("c2")],
        enforcement_actions=[order("e1"), order("e2"), order("e3", action_type="DISTRESS")],
    )  # fmt: skip
    begin(installation, SECOND, through="refer_actions")
    once = state(installation)
    night.run_stage("refer_actions", installation.context(SECOND))
    assert state(installation) == once
    assert once[0] == {
        ("RECORD", "r1"): ("RESOLVED", FIRST),
        ("RECORD", "r2"): ("OPEN", FIRST),
        ("RECORD", "r3"): ("OPEN", SECOND),
    }
    installation.land(
        SECOND, extract_id="DW-2", records=[record("r2")], csa_actions=[action("c1")],
        enforcement_actions=[order("e1", ongoing=False), order("e2", action_type="DISTRESS"), order("e3")],
    )  # fmt: skip
    night.record_failure(installation.context(SECOND), "check_money_law", "disk full")
    installation.run(SECOND)
    told, items = state(installation)
    assert told == {
        ("RECORD", "r1"): ("OPEN", FIRST),
        ("RECORD", "r2"): ("RESOLVED", FIRST),
        ("RECORD", "r3"): ("RESOLVED", SECOND),
    }
    assert sorted(items.values()) == [
        ("CSA_ACTION_OUTSTANDING", "OPEN"), ("ENFORCEMENT_ACTION", "OPEN"), ("LIABILITY_ORDER", "OPEN"),
        ("MANUAL_HANDLING", "CLOSED"), ("MANUAL_HANDLING", "CLOSED"), ("MANUAL_HANDLING", "OPEN"),
    ]  # fmt: skip
    done = installation.everything()
    installation.run(SECOND, "run-2")
    assert installation.everything() == done


def test_R39_a_late_night_changes_what_it_brought_and_nothing_else(installation: Installation) -> None:
    installation.night(FIRST, case("A", "G1"), csa_actions=[action("c1")])
    installation.night(
        THIRD,
        csa_actions=[action("c1", kind="OTHER"), action("c2")],
        enforcement_actions=[order("e1", ongoing=False)],
    )
    installation.night(
        SECOND, csa_actions=[action("c1"), action("c2", kind="OTHER"), action("c3")],
        enforcement_actions=[order("e1"), order("e2", csa_case_id="B")],
    )  # fmt: skip
    told, items = state(installation)
    # c1 comes as first seen, but before the row that changed it; c2 is known by now, though of a later date.
    assert told == {("CSA_ACTION", "c1"): ("OPEN", THIRD), ("CSA_ACTION", "c2"): ("OPEN", SECOND)}
    assert {kind for kind, _ in items.values()} == {
        "CSA_ACTION_OUTSTANDING",
        "LIABILITY_ORDER",
        "MANUAL_HANDLING",
    }
    enforcement = {
        row["action_id"]: (row["ongoing"], row["business_date"]) for row in installation.view("enforcement")
    }
    assert enforcement == {"e1": (False, SECOND), "e2": (True, SECOND)}
    before = installation.everything()
    installation.night(date(2017, 8, 9))
    after = installation.everything()
    assert {name for name in before if before[name] != after[name]} == {
        "reporting.kept_reconciliation",  # how many nights it is after
        "reporting.nights",
        "sensitive.nights",
    }
    # The case of e2 comes: its item has its casegroup from then on, and is the one it was.
    installation.night(date(2017, 8, 14), case("B", "G2"))
    (item,) = [row for row in installation.view("work_items") if row["subject_reference"] == "e2"]
    assert (item["casegroup_id"], item["route"], item["business_date"]) == ("G2", "FT_TEAM", SECOND)


def test_33_42_an_order_in_force_covers_the_dues_of_its_case_whose_period_meets_its_own(
    installation: Installation,
) -> None:
    """B63, R33: ends included, a null end open, whichever came first, whoever is owed; as of now."""
    periods = {
        "touches the first day": (None, date(2010, 1, 1)), "touches the last day": (date(2017, 7, 31), None),
        "open": (None, None), "before": (None, date(2009, 12, 31)), "after": (date(2017, 8, 1), None),
    }  # fmt: skip
    orders = [order(name, period_from=ends[0], period_to=ends[1]) for name, ends in periods.items()]
    orders += [
        order("not in force", in_force=False),
        order("distress", action_type="DISTRESS"),
        order("other", csa_case_id="B"),
    ]
    installation.night(FIRST, enforcement_actions=orders)
    assert installation.view("enforcement_dues") == []
    assert {row["casegroup_id"] for row in installation.view("enforcement")} == {None}
    installation.night(SECOND, case("A", "G1", owes={"rp_active": 5, "ni_sos_deferred": 7}))
    covers = {name: {row["due_id"] for row in installation.view("enforcement_dues") if row["action_id"] == name}
              for name in {row["action_id"] for row in installation.view("enforcement_dues")}}  # fmt: skip
    both = {"CS2-A-RP-ACTIVE", "CS2-A-NI_SOS-DEFERRED"}
    assert covers == {"touches the first day": both, "touches the last day": both, "open": both}
    assert {row["casegroup_id"] for row in installation.view("enforcement") if row["csa_case_id"] == "A"} == {
        "G1"
    }
    installation.night(
        THIRD, enforcement_actions=[order("before", period_to=None), order("open", in_force=False)]
    )
    assert {row["action_id"] for row in installation.view("enforcement_dues")} == {
        "before", "touches the first day", "touches the last day",
    }  # fmt: skip
    assert {row["business_date"] for row in installation.view("enforcement")} == {FIRST}


def test_42_an_action_is_shown_as_csa_last_sent_it_with_the_night_it_first_came(
    installation: Installation,
) -> None:
    sent = order(
        "e1", ongoing=False, reference="R 1", court="Leeds", granted_on=date(2015, 2, 1), period_from=date(2010, 1, 1),
        period_to=date(2011, 3, 2),
    )  # fmt: skip
    installation.night(
        FIRST, case("A", "G1"), enforcement_actions=[sent | {"ongoing": True, "court": "York"}]
    )
    installation.night(SECOND, enforcement_actions=[sent])
    assert installation.view("enforcement") == [sent | {"business_date": FIRST, "casegroup_id": "G1"}]


def test_4_a_row_that_a_later_stage_cannot_use_is_refused_as_if_on_arrival_and_its_number_is_free(
    installation: Installation,
) -> None:
    """Contract [4], [5], [13]: of whichever night it was; another extract of tonight finds it held again."""
    installation.night(FIRST, case("A", "G1"), records=[record("old"), record("stays")])
    installation.land(SECOND, extract_id="DW-1", records=[record("new")])
    begin(installation, SECOND, through="post_dues")
    refused = pd.DataFrame({"row_key": ["new", "old", "gone"], "field": ["kind", "kind", "kind"]})
    for _ in range(2):  # a stage run again after a kill
        with database.transaction(installation.url) as connection:
            refused_rows.refuse_held(connection, SECOND, "records", "row_invalid", refused)
    kept = installation.query(
        "select row_key, rule_codes, fields, casegroup_id, original from closure.refused_rows order by row_key"
    )
    assert [(row["row_key"], row["rule_codes"], row["fields"], row["casegroup_id"]) for row in kept] == [
        ("new", ["row_invalid"], ["kind"], "G1"), ("old", ["row_invalid"], ["kind"], "G1"),
    ]  # fmt: skip
    assert json.loads(kept[0]["original"])["recorded_on"] == FIRST.isoformat()
    assert {row["record_id"] for row in installation.view("records")} == {"stays"}
    installation.run(SECOND)
    still_open = {key for key, row in exceptions(installation).items() if row["status"] == "OPEN"}
    assert still_open == {("RECORD", "new"), ("RECORD", "old")}
    installation.night(THIRD, records=[record("new", kind="CSA_CONTACT")])
    kinds = {row["record_id"]: row["kind"] for row in installation.view("records")}
    assert kinds == {"stays": "GATEWAY", "new": "CSA_CONTACT"}
    assert exceptions(installation)["RECORD", "new"]["status"] == "RESOLVED"


def test_13_an_invalid_debt_is_answered_by_a_good_row_of_its_case_and_of_no_other(
    installation: Installation,
) -> None:
    installation.night(FIRST, case("A", "G1"), csa_debts=[debt("A", rp_arrears_decision="SOME")])
    for on, name, open_still in ((SECOND, "B", True), (THIRD, "A", False)):
        installation.night(on, case(name, f"G-{name}"), csa_debts=[debt(name)])
        assert (("row_invalid", "A") in installation.open_rules()) is open_still


def test_R21_a_row_of_an_earlier_night_that_was_refused_tonight_is_held_again_when_tonight_is_taken_back(
    installation: Installation,
) -> None:
    installation.night(FIRST, case("A", "G1"), records=[record("old")])
    installation.land(SECOND, extract_id="DW-1", records=[record("new")])
    begin(installation, SECOND, through="post_dues")
    with database.transaction(installation.url) as connection:
        one = pd.DataFrame({"row_key": ["old"], "field": ["kind"]})
        refused_rows.refuse_held(connection, SECOND, "records", "row_invalid", one)
    installation.land(SECOND, extract_id="DW-2", records=[record("other")])
    installation.run(SECOND)
    assert {row["record_id"] for row in installation.view("records")} == {"old", "other"}
    assert exceptions(installation) == {}


def test_5_an_entry_for_a_report_that_is_not_there_is_refused_as_it_arrives(
    installation: Installation,
) -> None:
    """One of the same night is there."""
    came: Row = {"report_id": "REP1", "casegroup_id": "G1", "channel": "OFFLINE_REPORT", "stage": "CLOSURE",
                 "reported_by": "csa.five", "reported_on": FIRST}  # fmt: skip
    entries: list[Row] = [
        {"resolution_id": number, "csa_case_id": report, "entity": "REPORT", "field": "cleared_on",
         "new_value": FIRST.isoformat(), "entered_by": "worker.one", "entered_on": FIRST}
        for number, report in (("S1", "REP1"), ("S2", "REP2"))
    ]  # fmt: skip
    installation.night(FIRST, case("A", "G1"), reported_exceptions=[came], resolutions=entries)
    refused = installation.query("select row_key, rule_codes, fields from closure.refused_rows")
    assert refused == [{"row_key": "S2", "rule_codes": ["row_invalid"], "fields": ["csa_case_id"]}]
    assert installation.open_rules() == {("row_invalid", None)}
    (told,) = installation.query("select resolution_id, reason from reporting.entries_without_effect")
    assert told == {"resolution_id": "S2", "reason": "no report of that number is held"}
