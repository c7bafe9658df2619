"""Payment and correction rows that cannot be used: refused alone, holding no casegroup (R25, B55, B59, B60)."""

from __future__ import annotations

from datetime import date

import pytest

from tests.support.builders import Row, case, nino_of
from tests.support.installation import Installation

pytestmark = pytest.mark.usefixtures("plain_letters")

FIRST, SECOND = date(2017, 8, 10), date(2017, 8, 11)
COMPLETE = ("TRANSITION_COMPLETE", "ARREARS_ADDED")
PAYER = nino_of("PP-G1")


def correction(number: int, **over: object) -> Row:
    row: Row = {"correction_id": f"C{number}", "csa_system": "CS2", "csa_case_id": "A", "creditor": "RP"}
    row |= {"arrears_status": "ACTIVE", "new_amount_pence": 500, "reason": "ERROR", "requested_by": "Pat"}
    return row | over


def test_each_rule_on_payments_and_corrections_refuses_its_row_alone(installation: Installation) -> None:
    """'refuse that row only, hold no casegroup and stand in no outcome'; matched on eight characters and the surname (R25)."""
    installation.night(FIRST, case("A", "G1"))
    installation.night(
        SECOND,
        case("B", "G2"),
        payments={
            "CS2": [
                (PAYER, "Alex", "WALKER", "good", "1.00"),
                (PAYER[:8].lower() + "d", "Alex", "Wal-ker", "other suffix", "1.00"),
                (PAYER, "Alex", "Walker", "nothing", "0.00"),
                (PAYER, "Alex", "Walker", "less", "-1.00"),
                (PAYER, "Alex", "Walker", "no pence", "1"),
                (PAYER, "Alex", "Walker", "conflict", "1.00"),
                (PAYER, "Alex", "Walker", "conflict", "1.01"),
                (PAYER, "Alex", "Walker", "again", "2.00"),
                (PAYER, "Alex", "Walker", "again", "2.00"),
                (nino_of("nobody"), "Alex", "Walker", "stranger", "1.00"),
                (PAYER, "Alex", "Wilson", "other name", "1.00"),
            ]
        },
        corrections=[
            correction(1),
            correction(2, new_amount_pence=0),
            correction(3, new_amount_pence=-1),
            correction(4, csa_case_id="nowhere"),
            correction(5, arrears_status="DEFERRED"),
        ],
    )
    found = {
        (row["rule_code"], row["exception_id"].rpartition("-2017")[0].rpartition("-")[2])
        for row in installation.view("exceptions")
    }
    assert found == {
        ("payment_malformed", "nothing"), ("payment_malformed", "less"), ("payment_malformed", "no pence"),
        ("payment_receipt_conflict", "conflict"), ("payment_owner_unknown", "stranger"), ("payment_name_mismatch", "other name"),
        ("correction_below_zero", "C3"), ("correction_due_unknown", "C4"), ("correction_due_unknown", "C5"),
    }  # fmt: skip
    assert set(installation.outcomes().values()) == {COMPLETE}
    types = {
        row["subject_reference"]: row["type"]
        for row in installation.view("work_items")
        if row["subject_reference"]
    }
    assert types["stranger"] == "PAYMENT_SUSPENSE"
    assert sorted(types.values()) == ["MANUAL_HANDLING"] * 3 + ["PAYMENT_SUSPENSE"] * 6
