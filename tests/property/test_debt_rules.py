"""The nine rules against a second account of them, one penny-pinching step after another in plain Python (B71, R23, R34)."""

from __future__ import annotations

import random
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from case_closure.domain.money import BUCKET_COLUMNS
from case_closure.stages.judge_debts import write_off
from tests.support.builders import Row

ORDER = [
    f"{creditor}_{status}_pence"
    for status in ("deferred", "suspended", "active")
    for creditor in ("ni_sos", "gb_sos", "rp")
]
AMOUNTS = [0, 0, 0, 1, 2, 49, 50, 51, 1000, 2**61, -1, -70]
FACTS = ("ima_pence", "part_payment_accepted_pence", "duplicate_liability_pence", "rp_keep_pence")


def some_debt(rng: random.Random) -> Row:
    return {
        **{column: rng.choice(AMOUNTS if rng.random() < 0.7 else AMOUNTS[:9]) for column in BUCKET_COLUMNS},
        "rp_arrears_decision": rng.choice([None, None, "COLLECT", "WRITE_OFF", "PART_WRITE_OFF"]),
        **{name: rng.choice([0, 0, *AMOUNTS, -5]) for name in FACTS},
        "rp_died": rng.random() < 0.15, "pp_no_estate": rng.random() < 0.1, "no_further_action_told": rng.random() < 0.1,
        "pp_died_on": rng.choice([None, None, None, date(2010, 1, 25), date(2010, 1, 24), date(1999, 1, 1)]),
    }  # fmt: skip


def told(row: Row, low_value: int | None) -> tuple[list[tuple[int, int, int]], dict[str, int]]:
    """(before, written off, left in reach) of each rule, and the buckets left: pence by pence where it is few."""
    left = {column: row[column] for column in ORDER}
    lines = []
    for number in range(1, 10):
        reach = [column for column in ORDER if number > 3 or column.startswith("rp_")]
        owed = {column: max(left[column], 0) for column in ORDER}
        before, there = sum(owed.values()), sum(owed[column] for column in reach)
        died_early = row["pp_died_on"] is not None and row["pp_died_on"] < date(2010, 1, 25)
        keep = {2: row["rp_keep_pence"], 7: row["part_payment_accepted_pence"]}
        wanted = {
            1: there if row["rp_arrears_decision"] == "WRITE_OFF" else 0,
            2: there - max(keep[2], 0) if row["rp_arrears_decision"] == "PART_WRITE_OFF" else 0,
            3: there if row["rp_died"] else 0,
            4: there if row["pp_no_estate"] or died_early else 0,
            5: row["ima_pence"],
            6: there if row["no_further_action_told"] else 0,
            7: there - keep[7] if keep[7] > 0 else 0,
            8: row["duplicate_liability_pence"],
            9: there if low_value is not None and before <= low_value else 0,
        }[number]
        for column in reach:
            while wanted > 0 and left[column] > 0:
                some = min(wanted, left[column], 10**30 if wanted > 100 else 1)
                left[column] -= some
                wanted -= some
        after = sum(max(pence, 0) for pence in left.values())
        lines.append((before, before - after, sum(max(left[column], 0) for column in reach)))
    return lines, left


@pytest.mark.parametrize("low_value", [None, 50])
def test_R34_the_rules_agree_with_a_second_account_and_no_penny_is_lost(low_value: int | None) -> None:
    """[35], [36], [44]: never below 0, credits as they were, debt = written off + left, whatever stands in the row."""
    rng = random.Random(20170810)
    rows = [some_debt(rng) for _ in range(400)]
    rows = [row for row in rows if sum(max(row[column], 0) for column in BUCKET_COLUMNS) < 2**63]
    frame = pd.DataFrame(rows).astype({"pp_died_on": "datetime64[s]", "rp_arrears_decision": "str"})
    found = write_off(frame, low_value)
    debts = frame[list(BUCKET_COLUMNS)].to_numpy(np.int64)
    for place, row in enumerate(rows):
        lines, left = told(row, low_value)
        ours: Any = zip(
            found.before_pence[place], found.taken_pence[place], found.left_in_reach_pence[place], strict=True
        )
        assert [tuple(map(int, line)) for line in ours] == lines, row
        assert dict(zip(BUCKET_COLUMNS, map(int, found.final_pence[place]), strict=True)) == left, row
    assert (found.final_pence[debts <= 0] == debts[debts <= 0]).all()
    assert ((found.final_pence >= 0) | (debts < 0)).all()
    assert ((debts - found.final_pence).sum(axis=1) == found.taken_pence.sum(axis=1)).all()
    assert np.any(found.taken_pence > 0, axis=0).sum() == (9 if low_value else 8)


def test_R23_the_order_in_which_debts_are_judged_is_of_no_matter() -> None:
    rng = random.Random(7)
    frame = pd.DataFrame([some_debt(rng) for _ in range(50)]).astype(
        {"pp_died_on": "datetime64[s]", "rp_arrears_decision": "str"}
    )
    once, turned = (
        write_off(frame, 50).final_pence,
        write_off(frame[::-1].reset_index(drop=True), 50).final_pence,
    )
    assert (once == turned[::-1]).all()
