"""The decision table of what follows on CMS, as data (B46, B47)."""

from __future__ import annotations

from itertools import product

from case_closure.domain.cases import METHODS_OF_PAYMENT, RP_ARREARS_DECISIONS
from case_closure.domain.next_actions import TABLE, Row


def fits(row: Row, owed_to: str, collectable: bool, decision: str | None, method: str) -> bool:
    return (
        row.owed_to in (None, owed_to)
        and row.collectable in (None, collectable)
        and (row.decisions is None or decision in row.decisions)
        and (row.methods is None or method in row.methods)
    )


def test_B47_every_case_with_arrears_meets_a_row() -> None:
    for situation in product(("RP", "SOS"), (True, False), (None, *RP_ARREARS_DECISIONS), METHODS_OF_PAYMENT):
        assert any(fits(row, *situation) for row in TABLE), situation


def test_B47_every_row_is_the_first_that_fits_somewhere() -> None:
    decided = {
        next(row.number for row in TABLE if fits(row, *situation))
        for situation in product(
            ("RP", "SOS"), (True, False), (None, *RP_ARREARS_DECISIONS), METHODS_OF_PAYMENT
        )
    }
    assert decided == {row.number for row in TABLE}


def test_B47_rows_are_numbered_in_order_and_say_something() -> None:
    assert [row.number for row in TABLE] == list(range(1, len(TABLE) + 1))
    assert all(row.says and row.action for row in TABLE)
