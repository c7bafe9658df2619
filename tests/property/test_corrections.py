"""Any history of dues, corrections and payments: the law of each due holds, corrections follow each other by their number, and
what is played again changes nothing (B55; R21, R28, R29).

Against a model of one page that knows nothing of frames, gates or stores.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from case_closure.gates import suites
from case_closure.stages import apply_corrections
from case_closure.stages.apply_corrections import Gathered
from case_closure.tables import handed
from tests.support import plain_gate
from tests.support.builders import ON, Row, frame_like

BUCKETS = [(case_id, status) for case_id in ("A", "B") for status in ("ACTIVE", "SUSPENDED")]
SUITE = suites.corrections()


@dataclass(frozen=True, order=True)
class Correction:
    came: int
    number: str
    case_id: str = field(compare=False)
    status: str = field(compare=False)
    pence: int = field(compare=False)
    adds: bool = field(compare=False)

    @property
    def bucket(self) -> tuple[str, str]:
        return (self.case_id, self.status)


@dataclass
class Night:
    """What a night brings: dues posted, corrections, and how much of each due may be paid at most."""

    posted: dict[tuple[str, str], int]
    corrections: list[tuple[str, tuple[str, str], int, bool]]
    paid: dict[tuple[str, str], int]


nights = st.builds(
    Night,
    posted=st.dictionaries(st.sampled_from(BUCKETS), st.integers(1, 50), max_size=2),
    corrections=st.lists(
        st.tuples(
            st.sampled_from([f"C{n}" for n in range(12)]), st.sampled_from(BUCKETS), st.integers(-2, 60), st.booleans()
        ),
        max_size=6,
    ),
    paid=st.dictionaries(st.sampled_from(BUCKETS), st.integers(1, 40), max_size=2),
)  # fmt: skip


class Model:
    """Every due as two numbers, and the corrections that wait."""

    def __init__(self) -> None:
        self.amount: dict[tuple[str, str], int] = {}
        self.paid: dict[tuple[str, str], int] = {}
        self.waiting: list[Correction] = []

    def night(self, new: list[Correction]) -> list[tuple[str, int]]:
        """The entries of the night: number and pence."""
        entries, good, bad = [], [], []
        for one in sorted([*self.waiting, *new], key=lambda one: one.number):
            known = one.bucket in self.amount or one.adds
            if not known or one.pence < self.paid.get(one.bucket, 0) or one.pence < 0:
                bad.append(one)
                continue
            entries.append((one.number, one.pence - self.amount.get(one.bucket, 0)))
            self.amount[one.bucket] = one.pence
            good.append(one)
        self.waiting = [
            one for one in bad if not any(later.bucket == one.bucket and later > one for later in good)
        ]
        return entries


class Played:
    """The same through the stage: a ledger that is only added to, and what the store would hand to it."""

    def __init__(self) -> None:
        self.posted: dict[tuple[str, str], int] = {}
        self.ledger: list[tuple[str, str, int, str]] = []
        self.open: list[Correction] = []

    def _sum(self, due_id: str, kind: str) -> int:
        return sum(pence for due, of_kind, pence, _ in self.ledger if (due, of_kind) == (due_id, kind))

    def outstanding(self) -> dict[tuple[str, str], int]:
        return {
            (case_id, status): posted + sum(pence for due, _, pence, _ in self.ledger if due == f"CS2-{case_id}-RP-{status}")
            for (case_id, status), posted in self.posted.items()
        }  # fmt: skip

    def night(self, new: list[Correction], day: int) -> list[tuple[str, int]]:
        applied = {reference for _, kind, _, reference in self.ledger if kind == "CORRECTION"}
        judged = [one for one in [*self.open, *new] if one.number not in applied]
        gathered = Gathered(
            corrections=frame_like(handed.CORRECTIONS, map(_row, judged)),
            dues=frame_like(handed.DUES_TO_CORRECT, self._dues()),
            cases=frame_like(handed.CASES_TO_CORRECT, [_case(name) for name in ("A", "B")]),
            write_off_items=frame_like(handed.WRITE_OFF_ITEMS, []),
            gone=frame_like(handed.EXCEPTIONS_SEEN, []),
        )
        told = apply_corrections.judge_in_order(gathered, lambda facts: plain_gate.judge(SUITE, facts))
        changes = apply_corrections.conclude(told, gathered, pd.Timestamp(ON + timedelta(day)).as_unit("s"))
        for case_id, status in zip(changes.dues["csa_case_id"], changes.dues["arrears_status"], strict=True):
            assert (case_id, status) not in self.posted
            self.posted[case_id, status] = 0
        rows = changes.ledger
        self.ledger += zip(
            rows["due_id"], rows["kind"], map(int, rows["amount_pence"]), rows["reference"], strict=True
        )
        good = set(rows["reference"])
        by = apply_corrections.overtaken_by(pd.concat(told.facts), told.good())["correction_id"].tolist()
        self.open = [one for one in judged if one.number not in good and one.number not in by]
        return list(zip(rows["reference"], map(int, rows["amount_pence"]), strict=True))

    def _dues(self) -> list[Row]:
        return [
            {"due_id": (due := f"CS2-{case_id}-RP-{status}"), "case_key": f"CS2/{case_id}", "csa_system": "CS2",
             "csa_case_id": case_id, "casegroup_id": "G1", "creditor": "RP", "arrears_status": status,
             "amount_pence": posted + self._sum(due, "CORRECTION"), "allocated_pence": -self._sum(due, "ALLOCATION")}
            for (case_id, status), posted in self.posted.items()
        ]  # fmt: skip


def _row(one: Correction) -> Row:
    return {
        "business_date": ON + timedelta(one.came), "correction_id": one.number, "csa_system": "CS2", "csa_case_id": one.case_id,
        "creditor": "RP", "arrears_status": one.status, "new_amount_pence": one.pence,
        "reason": "OFFLINE_REPORT" if one.adds else "ERROR",
    }  # fmt: skip


def _case(name: str) -> Row:
    return {
        "case_key": f"CS2/{name}", "csa_system": "CS2", "csa_case_id": name, "casegroup_id": "G1", "completed": True,
        "recorded": True, "cms_case_id": f"900-{name}", "cms_casegroup_id": "800", "rp_keep_pence": 0,
    }  # fmt: skip


@settings(max_examples=10, deadline=None)
@given(history=st.lists(nights, min_size=1, max_size=4))
def test_B55_R29_any_history_ends_as_the_model_says_and_no_due_below_nothing(history: list[Night]) -> None:
    """[9], [13]-[15]: entry by entry; played again, a night adds none."""
    model, played, seen = Model(), Played(), set()
    for day, night in enumerate(history):
        for bucket, pence in night.posted.items():
            if bucket not in played.posted:
                model.amount[bucket] = played.posted[bucket] = pence
        new = []
        for number, bucket, pence, adds in night.corrections:
            if number not in seen:
                seen.add(number)
                new.append(Correction(day, number, *bucket, pence, adds))
        entries = played.night(new, day)
        assert entries == model.night(new)
        numbers = [number for number, _ in entries]
        assert numbers == sorted(numbers)
        assert played.night([], day) == []
        assert {one.number for one in played.open} == {one.number for one in model.waiting}
        for bucket, pence in night.paid.items():
            pays = min(pence, played.outstanding().get(bucket, 0))
            if pays:
                played.ledger.append((f"CS2-{bucket[0]}-RP-{bucket[1]}", "ALLOCATION", -pays, f"P{day}"))
                model.paid[bucket] = model.paid.get(bucket, 0) + pays
        assert all(pence >= 0 for pence in played.outstanding().values())
        assert played.outstanding() == {
            bucket: pence - model.paid.get(bucket, 0) for bucket, pence in model.amount.items()
        }
