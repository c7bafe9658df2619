"""Tranche selection on a real store: whole casegroups, the cap, criteria in versions, joins and moves, nothing twice."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from case_closure.domain.tranches import Criteria
from case_closure.landing.contracts import FILES
from case_closure.landing.criteria import parse
from case_closure.store import database, holding, tranches
from tests.integration.installation import Installation
from tests.unit.builders import ON, Row, case, table

NEXT = date(2017, 8, 11)
AT = datetime(2017, 8, 10, 3, tzinfo=UTC)


def criteria(**over: Any) -> Criteria:
    """T01 of the contract's example, but valid at any time."""
    fields: dict[str, Any] = {
        "tranche_id": "T01", "ocr_reference": "OCR-1", "authorised_by": "Control Group", "authorised_on": "2016-01-04",
        "reason": "segments 1 and 2", "segments": [1, 2], "csa_systems": ["CS2", "CSCS"], "case_types": ["ONGOING"],
        "max_cases": None, "notice_days": 180, "reminder_days": 31, "valid_from": None, "valid_to": None,
    }  # fmt: skip
    (made,) = parse(json.dumps([fields | over]).encode(), "criteria.json")
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
    if "csa_cases" not in more:
        store.execute("update held.csa_cases set claimed_casegroup_id = casegroup_id")


def night(store: Installation, on: date, *given: Criteria) -> dict[str, int]:
    """Criteria and selection, in one transaction as the night has them."""
    with database.transaction(store.url) as connection:
        tranches.record(connection, given, source=tranches.NIGHTLY_FILE, by=f"night {on}", at=AT)
        return tranches.select(connection, on)


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


@pytest.mark.parametrize(
    "over",
    [{"case_status": "CLOSED"}, {"segment": 3}, {"segment": None}, {"csa_system": "CCD"}, {"case_type": "ARREARS_ONLY"},
     {"manual_inhibit": True}, {"automatic_inhibit": True, "manual_inhibit": None}, {"partially_clerical": True},
     {"nationally_sensitive": True}],
    ids=str,
)  # fmt: skip
def test_a_case_that_does_not_match_selects_nothing(installation: Installation, over: Row) -> None:
    hold(installation, ON, [open_case("A", "G1", **over)])
    night(installation, ON, criteria())
    assert stamped(installation) == {}
