"""Rows refused alone on their way in: what is wrong with one, what came before it, and what answers it ([4]-[6], [13]).

Belongs here: nights over a store. Does not belong here: each way in which a row can be wrong (`tests/unit`, `tests/gates`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from tests.support.builders import ON, Row, case
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
