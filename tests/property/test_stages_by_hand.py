"""Stages run by hand, out of turn, with another extract landed in between: what stands is the extract that landed last.

A night stops after some stage; its date is landed again with other amounts; somebody runs a stage by hand, perhaps what
follows it too. Each call either does its work on what is landed now or is refused in words. No due is made of an extract that is
no longer there, and the whole night, run again, comes to what it would have come to at once. What had been stored before the
second extract landed stands (dues are never taken back): there the second is a balance changed after completion (R20).
"""

from __future__ import annotations

import contextlib
import itertools
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from case_closure.landing.rejection import LandingRejected
from case_closure.night import run as night
from tests.support import worlds
from tests.support.money_law import breaches
from tests.support.pipeline import STAGES, Store
from tests.support.worlds import NIGHTS, Files

IN_WORDS = (night.NightRefused, night.NightFailed, LandingRejected)
EVERY_PAIR = list(itertools.product(STAGES, STAGES))
ON = NIGHTS[0]
_RIGHT: dict[str, dict[str, Counter[Any]]] = {}
"""What each extract comes to by itself, of the first test that asked."""


def extracts() -> tuple[Files, Files]:
    """A few casegroups, refused and clerical ones among them, and the same with other amounts and other cases refused."""
    first: list[worlds.Casegroup] = []
    second: list[worlds.Casegroup] = []
    for number, (before, after) in enumerate(
        [
            (None, None),
            (None, "child_missing"),
            ("balance_total_mismatch", None),
            (None, "partially_clerical"),
        ],
        1,
    ):
        for fault, into in ((before, first), (after, second)):
            group = worlds.plain(number, cases=1)
            if fault is not None:
                group.break_something(fault, 0, 0)
            into.append(group)
    for group in second:
        for row in group.sound["csa_balances"]:
            column = next(column for column in worlds.NINE if row[column])
            for changed in (column, "total_pence"):
                row[changed] += 10_000
    return worlds.merged([one.first() for one in first]), worlds.merged([one.first() for one in second])


def dues(store: Store) -> set[tuple[Any, ...]]:
    return {
        (row["csa_case_id"], row["creditor"], row["arrears_status"], row["posted_pence"])
        for side in (False, True)
        for row in store.view("dues", side)
    }


def owed(files: Files) -> set[tuple[Any, ...]]:
    return {
        (row["csa_case_id"], *column.removesuffix("_pence").upper().rsplit("_", 1), row[column])
        for row in files["csa_balances"]
        for column in worlds.NINE
        if row[column]
    }


def by_hand(context: night.NightContext, stages: Sequence[str]) -> None:
    """Runs these one after the other, and goes on past those that are refused in words."""
    for stage in stages:
        with contextlib.suppress(*IN_WORDS):
            night.run_stage(stage, context)


def assert_what_landed_last_stands(
    store: Store, tmp_path: Path, pairs: Sequence[tuple[str, str]], follow: bool, taken_in: bool
) -> None:
    """For each pair: the first extract through one stage; the second lands; the other stage, and what follows it, by hand.

    By hand is in turn the same run again, as when a red task is cleared, and another run."""
    landing = tmp_path / "landing"
    before, after = extracts()
    if not _RIGHT:
        for which, files in (("before", before), ("after", after)):
            store.empty()
            worlds.land(landing, {ON: files})
            store.run(landing, ON, workers=1)
            _RIGHT[which] = store.dump()
            assert dues(store)
    for number, (through, stage) in enumerate(pairs):
        where = f"through {through}, then {stage}"
        store.empty()
        worlds.land(landing, {ON: before})
        first = store.context(landing, ON, workers=1)
        for one in STAGES[: STAGES.index(through) + 1]:
            night.run_stage(one, first)
        over = through == STAGES[-1]
        if not over:
            night.record_failure(first, STAGES[STAGES.index(through) + 1], "the disk is full")
        worlds.land(landing, {ON: after})
        hand = first if number % 2 else store.context(landing, ON, workers=1)
        if taken_in:
            by_hand(hand, ["open_night", "verify_landing", "receive_extract"])
        by_hand(hand, STAGES[STAGES.index(stage) :] if follow else [stage])
        stored = STAGES.index(through) >= STAGES.index("decide_next_action")
        status = [row["status"] for row in store.query("select status from reporting.nights")]
        if "SUCCESS" in status:
            assert dues(store) <= owed(after) | (owed(before) if stored else set()), where
            assert not breaches(store.url), where
        if over:  # a night that succeeded is not run from another extract
            with pytest.raises(IN_WORDS):
                store.run(landing, ON, workers=1)
        else:
            store.run(landing, ON, workers=1)
        assert not breaches(store.url), where
        if stored and not over:
            assert_each_due_is_landed_or_told_of(store, after, where)
            continue
        for view, rows in store.dump().items():
            wanted = _RIGHT["before" if over else "after"][view]
            assert (list(rows - wanted)[:3], list(wanted - rows)[:3]) == ([], []), f"{where}: {view}"


def assert_each_due_is_landed_or_told_of(store: Store, landed: Files, where: str) -> None:
    """A due that is not what is landed now has an exception of R20 to show for it."""
    told = {
        row["csa_case_id"]
        for side in (False, True)
        for row in store.view("exceptions", side)
        if row["rule_code"] == "balance_changed_after_completion" and row["status"] == "OPEN"
    }
    assert {due[0] for due in dues(store) - owed(landed)} <= told, where


def test_a_stage_by_hand_after_another_extract_landed(store: Store, tmp_path: Path) -> None:
    """R21, R22: any second stage after any first one, by seed; `make soak` has them all."""
    pairs = random.Random(4).sample(EVERY_PAIR, 4)[:2]
    assert_what_landed_last_stands(store, tmp_path, pairs, follow=False, taken_in=False)


@pytest.mark.parametrize("taken_in", [False, True])
def test_a_stage_and_what_follows_it_by_hand(store: Store, tmp_path: Path, taken_in: bool) -> None:
    """R21, R22: stages and the next of each, in turn with the new extract taken in by hand first, and without; `make soak` has
    them all."""
    pairs = list(itertools.pairwise(STAGES[STAGES.index("receive_extract") :]))[taken_in::7]
    assert_what_landed_last_stands(store, tmp_path, pairs, follow=True, taken_in=taken_in)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("follow", [False, True])
@pytest.mark.parametrize("taken_in", [False, True])
def test_soak_every_pair(store: Store, tmp_path: Path, follow: bool, taken_in: bool) -> None:
    """R21, R22: every second stage after every first one, alone and to the end of the night."""
    assert_what_landed_last_stands(store, tmp_path, EVERY_PAIR, follow, taken_in)
