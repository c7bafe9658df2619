"""A night whose stages are planned and worked on in slots: what stands is what one process makes of it, whoever is killed.

Slots are called here in one process, one after the other or one within the other: they share the store alone, as machines do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest

from case_closure import sample
from case_closure.domain.night import IN_PARTS, PUT_TOGETHER
from case_closure.night import parts
from case_closure.night import run as night
from case_closure.outbound import folder
from case_closure.store import database, night_parts
from tests.support.builders import case
from tests.support.installation import Databases, Installation

pytestmark = pytest.mark.usefixtures("plain_letters")

ON = date(2017, 8, 10)
CASEGROUPS = 24
PART = 6


@pytest.fixture(scope="module")
def landed(database_server: Databases) -> Iterator[Installation]:
    """The sample's first night, with every fault in it, landed and not run."""
    with database_server.installation(partition_casegroups=PART) as made:
        sample.generate(made.landing, ON, 1, CASEGROUPS, seed=1)
        yield made


@pytest.fixture
def store(database_server: Databases, landed: Installation) -> Iterator[Installation]:
    with database_server.installation(landed, partition_casegroups=PART) as made:
        yield made


@pytest.fixture(scope="module")
def as_one_process_has_it(database_server: Databases, landed: Installation) -> tuple[Any, dict[str, bytes]]:
    with database_server.installation(landed, partition_casegroups=PART) as made:
        made.run(ON)
        return made.everything(), outbound(made)


def outbound(store: Installation) -> dict[str, bytes]:
    folder = store.folder / "outbound"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def run_in_slots(store: Installation, slots: int, order: Callable[[str], list[int]]) -> None:
    """The night, its stages in parts planned and then worked on by slots in that order."""
    for stage in night.STAGES:
        if stage not in IN_PARTS:
            night.run_stage(stage, store.context(ON))
            continue
        night.plan_stage(stage, store.context(ON))
        for slot in order(stage):
            night.run_slot(stage, store.context(ON), slot, slots)
        put_together(store, stage)


def up_to(store: Installation, stage: str) -> None:
    """All stages before that one, and its plan."""
    for before in night.STAGES[: night.STAGES.index(stage)]:
        night.run_stage(before, store.context(ON))
    night.plan_stage(stage, store.context(ON))


def put_together(store: Installation, stage: str) -> None:
    if stage in PUT_TOGETHER:
        night.put_together(stage, store.context(ON))


def finish_from(store: Installation, stage: str) -> None:
    for slot in (0, 1):
        night.run_slot(stage, store.context(ON), slot, 2)
    for after in night.STAGES[night.STAGES.index(stage) + 1 :]:
        night.run_stage(after, store.context(ON))


def watched(monkeypatch: pytest.MonkeyPatch, watch: Callable[[parts.Work, night_parts.Claim], None]) -> None:
    """From now on `watch` is called with the work on each part, and the part, in place of the work."""
    whole = night.stage_in_parts

    def in_parts(name: str) -> parts.InParts:
        stage = whole(name)

        def begin(ctx: night.NightContext, url: str) -> parts.Work:
            work = stage.begin(ctx, url)
            return lambda claimed: watch(work, claimed)

        return replace(stage, begin=begin)

    monkeypatch.setattr(night, "stage_in_parts", in_parts)


def test_the_dags_know_which_stages_are_put_together() -> None:
    """They are read without loading any stage, so the list stands apart from the stages."""
    assert tuple(name for name in IN_PARTS if night.stage_in_parts(name).put_together) == PUT_TOGETHER


def test_slots_in_any_order_come_to_what_one_process_comes_to(
    store: Installation, as_one_process_has_it: tuple[Any, dict[str, bytes]]
) -> None:
    """The same rows in every view, of both schemas, and the same bytes outbound; a slot that comes twice changes nothing."""
    run_in_slots(store, 3, lambda stage: [0, 1, 0, 2] if stage in IN_PARTS[:2] else [2, 0, 1])
    everything, sent = as_one_process_has_it
    assert store.everything() == everything
    assert outbound(store) == sent


def test_the_plan_and_its_progress_are_rows_and_the_stage_ends_with_its_last_part(
    store: Installation,
) -> None:
    up_to(store, "receive_balances")
    rows = store.query("select * from closure.night_parts where kind = 'receive_balances' order by part")
    assert len(rows) >= 3
    assert [row["part"] for row in rows] == list(range(len(rows)))
    assert all(row["last_casegroup_id"] < after["first_casegroup_id"] for row, after in pairwise(rows))
    assert {(row["attempt"], row["stored_at"]) for row in rows} == {(0, None)}

    def stage() -> tuple[str, bool]:
        (row,) = store.query(
            "select outcome, stage_done from closure.night_stages join closure.nights using (business_date) "
            "where night_stages.stage = 'receive_balances'"
        )
        return row["outcome"], row["stage_done"]

    assert night.run_slot("receive_balances", store.context(ON), 1, 2) == {}
    assert stage() == ("STARTED", False)
    stored = store.query(
        "select part, worker from closure.night_parts where kind = 'receive_balances' and stored_at is not null"
    )
    assert {row["part"] % 2 for row in stored} == {1}
    assert all(row["worker"] for row in stored)
    told = night.run_slot("receive_balances", store.context(ON), 0, 2)
    figures = store.query("select figures from closure.night_parts where kind = 'receive_balances'")
    assert told["casegroups_judged"] == sum(row["figures"]["casegroups_judged"] for row in figures)
    assert stage() == ("ENDED", True)


def test_who_was_thought_dead_is_refused_by_name_and_its_part_stands_as_the_other_stored_it(
    store: Installation, as_one_process_has_it: tuple[Any, dict[str, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In each stage a slot stands still with a part claimed; its task is begun again and ends; then it goes on."""
    stood_still: list[str] = []

    def stand_still(work: parts.Work, claimed: night_parts.Claim) -> None:
        if claimed.stage not in stood_still:
            stood_still.append(claimed.stage)
            night.run_slot(claimed.stage, store.context(ON), 0, 1)
        work(claimed)

    watched(monkeypatch, stand_still)
    for stage in night.STAGES:
        if stage not in IN_PARTS:
            night.run_stage(stage, store.context(ON))
            continue
        night.plan_stage(stage, store.context(ON))
        with pytest.raises(
            night.NightRefused, match=r"attempt 1 at its part 0 was taken over by attempt 2 \(.+ \d+\)"
        ):
            night.run_slot(stage, store.context(ON), 0, 1)
        put_together(store, stage)
    assert tuple(stood_still) == IN_PARTS
    everything, sent = as_one_process_has_it
    assert store.everything() == everything
    assert outbound(store) == sent


def test_who_lost_its_connection_with_a_part_that_another_has_stored_is_told_by_whom(
    store: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stood still for so long that the server closed it."""
    stood_still: list[int] = []

    def stand_still(work: parts.Work, claimed: night_parts.Claim) -> None:
        if not stood_still:
            stood_still.append(claimed.part)
            night.run_slot(claimed.stage, store.context(ON), 0, 1)
            with database.transaction(store.url) as connection:
                connection.exec_driver_sql("select pg_terminate_backend(pg_backend_pid())")
        work(claimed)

    watched(monkeypatch, stand_still)
    for stage in night.STAGES[: night.STAGES.index("receive_balances")]:
        if stage in IN_PARTS:
            night.plan_stage(stage, store.context(ON))
            break
        night.run_stage(stage, store.context(ON))
    with pytest.raises(night.NightRefused, match=r"attempt 1 at its part 0 was taken over by attempt 2"):
        night.run_slot(stage, store.context(ON), 0, 1)


def test_a_slot_that_is_killed_goes_on_with_the_parts_that_are_not_stored(
    store: Installation, as_one_process_has_it: tuple[Any, dict[str, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    worked_on: list[tuple[str, int]] = []

    def die_at_the_second(work: parts.Work, claimed: night_parts.Claim) -> None:
        worked_on.append((claimed.stage, claimed.part))
        if claimed.part == 1 and worked_on.count((claimed.stage, 1)) == 1:
            raise KeyboardInterrupt
        work(claimed)

    watched(monkeypatch, die_at_the_second)
    for stage in night.STAGES:
        if stage not in IN_PARTS:
            night.run_stage(stage, store.context(ON))
            continue
        # Few casegroups are looked at on a first night: parts of one each.
        small = replace(store, partition_casegroups=1 if stage == "follow_closure" else PART)
        night.plan_stage(stage, small.context(ON))
        with pytest.raises(KeyboardInterrupt):
            night.run_slot(stage, store.context(ON), 0, 1)
        night.run_slot(stage, store.context(ON), 0, 1)
        put_together(store, stage)
        assert worked_on.count((stage, 0)) == 1, "stored before the kill"
        assert worked_on.count((stage, 1)) == 2, "claimed, and not stored"
    everything, sent = as_one_process_has_it
    assert store.everything() == everything
    assert outbound(store) == sent


def test_what_a_killed_try_left_aside_is_gone_when_the_stage_is_run_again(store: Installation) -> None:
    """Letters lie in it: not until the next night is opened."""
    up_to(store, "write_out")
    left = store.folder / "outbound" / folder.MAKING / "of-a-killed-try" / ON.isoformat() / "letters"
    left.mkdir(parents=True)
    (left / "batch.pdf").write_bytes(b"what somebody was told")
    night.run_slot("write_out", store.context(ON), 0, 1)
    assert left.exists(), "others may be at work: a slot leaves it"
    put_together(store, "write_out")
    assert [path.name for path in (store.folder / "outbound").iterdir()] == [ON.isoformat()]


def test_a_slot_of_an_earlier_plan_stores_nothing(
    store: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    up_to(store, "set_up_cases")
    whole = night.stage_in_parts("set_up_cases")

    def planned_again(ctx: night.NightContext, url: str) -> parts.Work:
        work = whole.begin(ctx, url)
        monkeypatch.setattr(night, "stage_in_parts", lambda name: whole)
        night.plan_stage("set_up_cases", store.context(ON))
        return work

    monkeypatch.setattr(night, "stage_in_parts", lambda name: replace(whole, begin=planned_again))
    with pytest.raises(
        night.NightRefused, match=r"attempt \d+ at the night of 2017-08-10 was taken over by attempt"
    ):
        night.run_slot("set_up_cases", store.context(ON), 0, 2)
    assert (
        store.query("select 1 from closure.night_parts where kind = 'set_up_cases' and stored_at is not null")
        == []
    )


def test_a_slot_without_a_plan_is_told_what_to_do(store: Installation) -> None:
    for stage in night.STAGES[: night.STAGES.index("receive_balances")]:
        night.run_stage(stage, store.context(ON))
    with pytest.raises(night.NightRefused, match=r"are not planned\. Clear the task receive_balances\.plan"):
        night.run_slot("receive_balances", store.context(ON), 0, 2)
    night.plan_stage("receive_balances", store.context(ON))
    with pytest.raises(night.NightRefused, match="run run-1 is at stage receive_balances"):
        night.run_slot("receive_balances", store.context(ON, "run-2"), 0, 2)
    with pytest.raises(night.NightRefused, match="are not planned"):
        night.run_slot("post_dues", store.context(ON), 0, 2)


def test_a_slot_that_failed_the_night_opens_it_again_when_it_is_begun_again(
    store: Installation,
    as_one_process_has_it: tuple[Any, dict[str, bytes]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As when its red task is cleared: the other slots' parts stand."""
    stage = "post_dues"
    up_to(store, stage)
    whole = night.stage_in_parts(stage)

    def failing(ctx: night.NightContext, url: str) -> parts.Work:
        raise night.NightFailed("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(night, "stage_in_parts", lambda name: replace(whole, begin=failing))
        with pytest.raises(night.NightFailed) as failed:
            night.run_slot(stage, store.context(ON), 1, 2)
    (row,) = store.query("select attempt from closure.nights")
    night.record_failure(replace(store.context(ON), attempt=row["attempt"]), stage, str(failed.value))
    assert store.night_status() == {ON: "FAILED"}
    finish_from(store, stage)
    assert store.night_status() == {ON: "SUCCESS"}
    everything, sent = as_one_process_has_it
    assert store.everything() == everything
    assert outbound(store) == sent


def test_while_one_slot_has_failed_the_night_others_end_their_parts_and_it_is_failed_until_that_one_is_begun_again(
    store: Installation,
    as_one_process_has_it: tuple[Any, dict[str, bytes]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whether they were at work when it failed, or are begun then; what stood before is in the night's history (R21)."""
    stage = "decide_next_action"
    up_to(store, stage)
    failed: list[int] = []

    def fail(slot: int) -> None:
        failed.append(slot)
        (row,) = store.query("select attempt from closure.nights")
        of_slot = replace(store.context(ON), attempt=row["attempt"], slot=slot)
        night.record_failure(of_slot, stage, f"the disk of slot {slot} is full")

    def fail_others_first(work: parts.Work, claimed: night_parts.Claim) -> None:
        if not failed:
            fail(1)
            fail(2)
        work(claimed)

    with monkeypatch.context() as patched:
        watched(patched, fail_others_first)
        assert night.run_slot(stage, store.context(ON), 0, 4) == {}
    assert night.run_slot(stage, store.context(ON), 3, 4) == {}
    assert failed == [1, 2]

    def stands() -> tuple[str, str | None, list[int]]:
        (row,) = store.query("select status, reason, failed_slots from closure.nights")
        return row["status"], row["reason"], row["failed_slots"]

    left = "select part from closure.night_parts where kind = %s and stored_at is null"
    assert {row["part"] % 4 for row in store.query(left, stage)} == {1, 2}
    assert stands() == ("FAILED", "the disk of slot 1 is full", [1, 2])
    history = "select status, stage, reason from closure.night_history"
    assert store.query(history) == []
    night.run_slot(stage, store.context(ON), 1, 4)
    assert stands() == ("FAILED", "the disk of slot 1 is full", [2])
    assert night.run_slot(stage, store.context(ON), 2, 4)["casegroups_changed"]
    assert stands() == ("OPEN", None, [])
    failure = {"status": "FAILED", "stage": stage, "reason": "the disk of slot 1 is full"}
    assert store.query(history) == [failure]
    for after in night.STAGES[night.STAGES.index(stage) + 1 :]:
        night.run_stage(after, store.context(ON))
    everything, sent = as_one_process_has_it
    assert store.everything() == everything
    assert outbound(store) == sent


def test_R21_slots_of_a_night_that_failed_store_nothing_more_once_an_earlier_night_is_begun(
    store: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, earlier = "post_dues", ON - timedelta(days=1)
    store.land(earlier, case("E", "GE"))
    up_to(store, stage)

    def begin_another(work: parts.Work, claimed: night_parts.Claim) -> None:
        (row,) = store.query("select attempt from closure.nights where business_date = %s", ON)
        night.record_failure(
            replace(store.context(ON), attempt=row["attempt"], slot=1), stage, "the disk is full"
        )
        night.run_stage("open_night", store.context(earlier))
        work(claimed)

    watched(monkeypatch, begin_another)
    with pytest.raises(night.NightRefused, match=r"attempt \d+ at the night of 2017-08-10 was taken over"):
        night.run_slot(stage, store.context(ON), 0, 2)
    stored = "select 1 from closure.night_parts where kind = %s and stored_at is not null"
    assert store.query(stored, stage) == []
    assert store.night_status() == {earlier: "OPEN", ON: "FAILED"}


def test_a_night_with_nothing_to_judge_ends_each_stage_when_it_is_planned(
    database_server: Databases,
) -> None:
    with database_server.installation() as store:
        store.land(ON, case(no_balance=True))
        for stage in night.STAGES:
            if stage in IN_PARTS:
                night.plan_stage(stage, store.context(ON))
                night.run_slot(stage, store.context(ON), 0, 2)
                put_together(store, stage)
            else:
                night.run_stage(stage, store.context(ON))
        assert store.night_status() == {ON: "SUCCESS"}
        stages = store.query("select stage, outcome from closure.night_stages")
        assert {row["outcome"] for row in stages} == {"ENDED"}
        assert {row["stage"] for row in stages} == set(night.STAGES)
