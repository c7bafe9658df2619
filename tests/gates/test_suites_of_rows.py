"""Rows that are refused alone as they arrive: each way in which one can be wrong, file by file ([4]-[6], [2]).

Belongs here: the facts of a row and the suite that judges them, by Great Expectations. Does not belong here: what becomes of a
refused row (`tests/integration/test_row_gates.py`).
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from case_closure.domain.rules import ROWS, rows_suite, rules_of
from case_closure.gates import suites
from case_closure.night import row_gates
from case_closure.tables.landed import FILES
from tests.support.builders import Row, balance

DAY = date(2017, 8, 10)
GOOD: dict[str, Row] = {
    "corrections": {"correction_id": "C1", "csa_system": "CS2", "csa_case_id": "A", "creditor": "RP", "arrears_status": "ACTIVE",
                    "new_amount_pence": 0, "reason": "WRITE_OFF", "requested_by": "worker.one", "offline_calculation": None},
    "csa_actions": {"csa_action_id": "C1", "csa_system": "CS2", "csa_case_id": "A", "action_type": "APPEAL", "detail": "x",
                    "notified_on": DAY, "notified_by": "csa.five"},
    "records": {"record_id": "R1", "kind": "GATEWAY", "casegroup_id": "G1", "csa_system": None, "csa_case_id": None,
                "reference": "GW-1", "recorded_on": DAY, "recorded_by": "worker.one", "detail": "{}"},
    "enforcement_actions": {"action_id": "E1", "csa_system": "CS2", "csa_case_id": "A", "action_type": "DISTRESS",
                            "ongoing": None, "in_force": None, "amount_pence": 0},
    "reported_exceptions": {"report_id": "X1", "casegroup_id": "G1", "csa_system": None, "csa_case_id": None,
                            "channel": "OFFLINE_REPORT", "stage": "CLOSURE", "reported_by": "csa.five", "reported_on": DAY},
    "resolutions": {"resolution_id": "S1", "csa_system": "CS2", "csa_case_id": "A", "entity": "CASE", "field": "scheme",
                    "old_value": None, "new_value": "1993", "entered_by": "worker.one", "entered_on": DAY},
    "csa_debts": {**balance("A", "G1", {"rp_active": None}), "rp_arrears_decision": None, "rp_keep_pence": None},
}  # fmt: skip
for _name in ("balance_id", "casegroup_id"):
    del GOOD["csa_debts"][_name]

# file, what differs from the good row, the field at fault; None: nothing is wrong
CASES: list[tuple[str, Row, str | None]] = [
    *((file, {}, None) for file in GOOD),
    *((file, {name: None}, name) for file in GOOD for name in FILES[file].key),
    *((file, {name: None}, name) for file in ("corrections", "csa_actions") for name in ("csa_system", "csa_case_id")),
    *((file, {"csa_system": "CS3"}, "csa_system") for file in GOOD),
    *(("corrections", {name: value}, name)
      for name in ("creditor", "arrears_status", "reason") for value in (None, "", "rp", "ANY")),
    *(("corrections", {"reason": name, "creditor": "NI_SOS"}, None)
      for name in ("ERROR", "CHANGE_OF_CIRCUMSTANCES", "APPEAL", "OFFLINE_REPORT")),
    *(("corrections", {"creditor": name}, "creditor") for name in ("GB_SOS", "NI_SOS")),
    ("corrections", {"new_amount_pence": None}, "new_amount_pence"),
    ("corrections", {"new_amount_pence": -1}, None),  # below zero is a rule of its own ([9])
    ("corrections", {"requested_by": None}, "requested_by"),
    *(("corrections", {"offline_calculation": text}, None) for text in ('{"a": [1, 2.50]}', "7", '"\\u0000"', "9" * 5000)),
    *(("corrections", {"offline_calculation": text}, "offline_calculation") for text in ("", "{", "NaN", "{'a': 1}", "[" * 9999)),
    *(("csa_actions", {"action_type": value}, "action_type") for value in (None, "QUARREL")),
    ("csa_actions", {"detail": None, "notified_by": None, "notified_on": None}, None),
    *(("records", {"kind": value}, "kind") for value in (None, "LETTER")),
    ("records", {"recorded_by": None}, "recorded_by"),
    ("records", {"detail": None}, None), ("records", {"detail": "said yes"}, "detail"),
    *(("enforcement_actions", {"action_type": value}, "action_type") for value in (None, "PRISON")),
    ("enforcement_actions", {"amount_pence": None}, "amount_pence"),
    ("enforcement_actions", {"csa_system": None, "csa_case_id": None}, None),
    *(("reported_exceptions", {name: value}, name) for name in ("channel", "stage") for value in (None, "OTHER")),
    ("reported_exceptions", {"reported_by": None}, "reported_by"),
    *(("resolutions", {name: None}, name)
      for name in ("csa_system", "csa_case_id", "entity", "field", "new_value", "entered_by")),
    ("resolutions", {"entity": "CHILD"}, "entity"),
    *(("resolutions", {"field": name}, "field")
      for name in ("csa_system", "csa_case_id", "party_id", "colour", "Scheme", "surname")),
    ("resolutions", {"entity": "PAYING_PARENT", "field": "party_id", "new_value": "P2"}, "field"),
    ("resolutions", {"entity": "PAYING_PARENT", "field": "surname", "new_value": "Ng"}, None),
    ("resolutions", {"entity": "PAYING_PARENT", "field": "date_of_birth", "new_value": "17.5.1980"}, "new_value"),
    ("resolutions", {"entity": "PAYING_PARENT", "field": "date_of_birth", "new_value": "19800517"}, "new_value"),
    ("resolutions", {"new_value": "2012"}, "new_value"),
    ("resolutions", {"entity": "BALANCE", "field": "rp_active_pence", "new_value": "ten"}, "new_value"),
    ("csa_debts", {"rp_arrears_decision": "SOME"}, "rp_arrears_decision"),
]  # fmt: skip


def rows_of(file: str, *rows: Row) -> pa.Table:
    schema = FILES[file].schema
    return pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema)


def judged(file: str, rows: pa.Table, before: pa.Table | None = None) -> dict[int, tuple[str, str]]:
    """By the place of each row that is refused: the rule it broke and the field at fault."""
    contract = FILES[file]
    findings, facts = row_gates.judge(
        suites.arriving_rows(file),
        contract,
        rows,
        contract.schema.empty_table() if before is None else before,
    )
    found = row_gates.fields_named(findings.rows, facts)
    return {int(row["position"]): (row["rule_code"], row["field"]) for row in found.to_dict("records")}


@pytest.mark.parametrize("file", GOOD)
def test_5_a_row_is_refused_for_what_it_lacks_or_what_cannot_stand_there_and_for_nothing_else(
    file: str,
) -> None:
    """Contract [5], and of a write-off [2]: each row between others, in a file of its own kind."""
    mine = [(over, name) for of, over, name in CASES if of == file]
    (key, *_) = FILES[file].key
    rows = [GOOD[file] | {key: f"N{place}"} | over for place, (over, _) in enumerate(mine)]
    if file == "csa_debts":
        rows = [GOOD[file] | over for over, _ in mine]
    assert judged(file, rows_of(file, *rows)) == {
        place: ("row_invalid", name) for place, (_, name) in enumerate(mine) if name is not None
    }


def again(**over: Any) -> Row:
    return GOOD["csa_actions"] | over


@pytest.mark.parametrize(
    ("held", "landed", "refused"),
    [
        ([again()], [again()], {}),
        ([again()], [again(detail="y")], {0: "row_changed"}),
        ([again()], [again(detail=None)], {0: "row_changed"}),
        ([again()], [again(csa_action_id="C2", detail="y")], {}),
        ([], [again(), again()], {}),
        ([], [again(), again(detail="y"), again()], {1: "row_changed"}),
        ([], [again(action_type=None), again(), again(action_type=None)], {0: "row_invalid", 2: "row_invalid"}),
        ([], [again(csa_system="X"), again(detail="y"), again()], {0: "row_invalid", 2: "row_changed"}),
        ([again()], [again(action_type=None), again()], {0: "row_invalid"}),
        ([], [again(csa_action_id=None), again(csa_action_id=None, detail="y")], {0: "row_invalid", 1: "row_invalid"}),
    ],
)  # fmt: skip
def test_4_6_a_number_that_comes_again_says_what_it_said_first_and_a_refused_row_does_not_use_it_up(
    held: list[Row], landed: list[Row], refused: dict[int, str]
) -> None:
    """Contract [4], [6]."""
    found = judged("csa_actions", rows_of("csa_actions", *landed), rows_of("csa_actions", *held))
    assert {place: rule for place, (rule, _) in found.items()} == refused


@pytest.mark.parametrize("file", ROWS)
def test_the_rules_that_a_night_lists_for_the_rows_of_a_file_are_those_it_judges(file: str) -> None:
    assert sorted(rules_of(rows_suite(file))) == sorted(suites.arriving_rows(file).rule_codes)


# Of each file what a row may say otherwise: what is in its last column.
OTHERWISE: dict[str, Row] = {
    "corrections": {"offline_calculation": "{}"}, "csa_actions": {"notified_by": "csa.six"},
    "records": {"detail": '{"a": 1}'}, "resolutions": {"entered_on": date(2017, 8, 11)},
}  # fmt: skip


@pytest.mark.parametrize("file", OTHERWISE)
def test_6_whatever_is_other_in_a_row_that_comes_again_refuses_it_whichever_file_it_is_of(file: str) -> None:
    """Contract [4], [6]."""
    first = rows_of(file, GOOD[file])
    assert judged(file, rows_of(file, GOOD[file] | OTHERWISE[file]), first) == {
        0: ("row_changed", FILES[file].event_key[0])
    }
    assert judged(file, first, first) == {}


def test_6_what_happens_once_is_an_event_of_the_contract() -> None:
    """Contract [4], [6]: corrections, csa_actions, records, resolutions."""
    assert {file for file, rows in ROWS.items() if rows.once} == {
        file for file in ROWS if FILES[file].kind == "event"
    }
