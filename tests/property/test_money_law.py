"""The money law: at every commit, and as what stops the night when it is broken.

received = posted + held + credits in every bucket; posted = sum of posted_pence; amount_pence = the sum of its ledger
entries of kind POSTED and CORRECTION; what is allocated never exceeds it. Checked in SQL of our own over the views
(`tests.support.money_law`), not by the night's own check.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from case_closure import sample
from case_closure.night import run as night
from case_closure.store import database
from tests.support import worlds
from tests.support.money_law import breaches
from tests.support.pipeline import STAGES, Store
from tests.support.worlds import NIGHTS


@contextmanager
def watched(store: Store) -> Iterator[Counter[str]]:
    """Looks at the laws whenever a connection that has written is given back: after every commit of the night."""
    looked: Counter[str] = Counter()
    busy = threading.Lock()
    engine = database.engine(store.url)

    def committed(connection: object) -> None:
        wrote.append(True)

    def given_back(*_: object) -> None:
        if wrote and busy.acquire(blocking=False):
            try:
                wrote.clear()
                looked["times"] += 1
                looked.update(breaches(store.url))
            finally:
                busy.release()

    wrote: list[bool] = []
    event.listen(engine, "commit", committed)
    event.listen(engine, "checkin", given_back)
    try:
        yield looked
    finally:
        event.remove(engine, "commit", committed)
        event.remove(engine, "checkin", given_back)


@pytest.mark.parametrize("casegroups", [8, pytest.param(40, marks=pytest.mark.soak)])
def test_it_holds_at_every_commit(store: Store, tmp_path: Path, casegroups: int) -> None:
    """Money law, R7: over two nights of odd worlds, casegroups stored a few at a time so that commits are many."""
    worlds.land(tmp_path / "landing", worlds.world(range(40_000, 40_000 + casegroups), NIGHTS[:2]))
    with watched(store) as looked:
        for on in NIGHTS[:2]:
            store.run(tmp_path / "landing", on, partition_casegroups=4, workers=1)
    times = looked.pop("times")
    assert not looked
    assert times > 40, "the watch saw too few commits to be one"


def test_it_holds_after_every_stage_of_the_sample(store: Store, tmp_path: Path) -> None:
    """Money law: on a sample of two nights, after each stage, in every bucket of every case."""
    first = NIGHTS[0]
    sample.generate(tmp_path / "landing", first, nights=2, casegroups=300, seed=9, fault_rate=0.15)
    seen: list[str] = []

    def look(stage: str) -> None:
        seen.append(stage)
        assert not breaches(store.url), f"after {stage}"

    for day in range(2):
        store.run(tmp_path / "landing", first + timedelta(days=day), after_stage=look)
    assert seen == STAGES * 2


def test_nothing_received_is_lost(store: Store, tmp_path: Path) -> None:
    """Money law, R5: what the extract says is what was received, bucket by bucket, refused and clerical rows included."""
    landing = tmp_path / "landing"
    world = worlds.world(range(41_000, 41_150), NIGHTS[:1])
    worlds.land(landing, world)
    store.run(landing, NIGHTS[0])
    received = [*store.view("reconciliation"), *store.view("reconciliation", sensitive=True)]
    sent = world[NIGHTS[0]]
    for column in worlds.NINE:
        creditor, status = column.removesuffix("_pence").rsplit("_", 1)
        rows = [*sent["csa_balances"], *sent.get("clerical_balances", [])]
        bucket = (creditor.upper(), status.upper())
        found = sum(r["received_pence"] for r in received if (r["creditor"], r["arrears_status"]) == bucket)
        assert found == sum(row[column] or 0 for row in rows), column


BROKEN = {
    "a due is worth another penny": (
        "update closure.dues set posted_pence = posted_pence + 1 where due_id = {due}",
        "update closure.dues set posted_pence = posted_pence - 1 where due_id = {due}",
    ),
    "a due is gone": (
        "create table public.kept_due as select * from closure.dues where due_id = {due}; "
        "delete from closure.dues where due_id = {due}",
        "insert into closure.dues select * from public.kept_due; drop table public.kept_due",
    ),
    "a correction takes more than there was": (
        "insert into closure.ledger select due_id || '-CORRECTION-C1', business_date, due_id, 'CORRECTION', -posted_pence - 1, "
        "'ERROR', 'C1' from closure.dues where due_id = {due}",
        "delete from closure.ledger where due_id = {due}",
    ),
    "more is allocated than there was": (
        "insert into closure.ledger select due_id || '-ALLOCATION-P1', business_date, due_id, 'ALLOCATION', -posted_pence - 1, "
        "null, 'P1' from closure.dues where due_id = {due}",
        "delete from closure.ledger where due_id = {due}",
    ),
    "a position holds a penny that was never received": (
        "update closure.positions set held_pence = held_pence + 1, received_pence = received_pence + 1 where {position}",
        "update closure.positions set held_pence = held_pence - 1, received_pence = received_pence - 1 where {position}",
    ),
    "a position forgets what it received": (
        "update closure.positions set received_pence = received_pence - 100, held_pence = held_pence - 100 where {position}",
        "update closure.positions set received_pence = received_pence + 100, held_pence = held_pence + 100 where {position}",
    ),
    "a position has posted what no due has": (
        "update closure.positions set posted_pence = posted_pence + 5, received_pence = received_pence + 5 where {position}",
        "update closure.positions set posted_pence = posted_pence - 5, received_pence = received_pence - 5 where {position}",
    ),
}


def test_breaking_it_by_hand_fails_the_night_and_says_where(store: Store, tmp_path: Path) -> None:
    """Money law: the night checks it before it closes; nothing goes on until it is mended, then the same command goes through.

    Run to its end once; then what it checked is broken in other ways, and checked again as that run would."""
    landing = tmp_path / "landing"
    worlds.land(landing, {on: worlds.plain(number).first() for number, on in enumerate(NIGHTS[:3], 1)})
    store.run(landing, NIGHTS[0])
    due = store.query("select * from reporting.dues order by due_id limit 1")[0]
    names = {
        "due": f"'{due['due_id']}'",
        "position": f"csa_system = '{due['csa_system']}' and csa_case_id = '{due['csa_case_id']}' "
        f"and creditor = '{due['creditor']}' and arrears_status = '{due['arrears_status']}'",
    }
    stages = STAGES
    run = store.context(landing, NIGHTS[1])
    for how, statements in BROKEN.items():
        broken, mended = (one.format(**names) for one in statements)
        store.execute_unguarded(broken)
        with pytest.raises(night.NightFailed) as failed:
            night.run_night(run, lambda *_: None, stages)
        stages = ["check_money_law"]
        for where in (due["csa_case_id"], due["creditor"], due["arrears_status"], NIGHTS[1].isoformat()):
            assert where in str(failed.value), how
        assert (
            store.query("select status from reporting.nights order by business_date")[-1]["status"]
            == "FAILED"
        ), how
        store.execute_unguarded(mended)

    with pytest.raises(night.NightRefused):
        store.run(landing, NIGHTS[2])
    store.run(landing, NIGHTS[1])
    store.run(landing, NIGHTS[2])
    assert not breaches(store.url)
    assert [row["status"] for row in store.query("select status from reporting.nights")] == ["SUCCESS"] * 3
