"""One night open at a time, in date order, and the same command again always goes on from where it stopped (R21, R22)."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest

from case_closure.landing.rejection import LandingRejected
from case_closure.night import attempts
from case_closure.night import run as night
from case_closure.store import database, holding, nights, posting
from tests.support.builders import Row, case
from tests.support.installation import Databases, Installation

pytestmark = pytest.mark.usefixtures("plain_letters")

FIRST, SECOND, THIRD = date(2017, 8, 10), date(2017, 8, 11), date(2017, 8, 14)


def begin(installation: Installation, on: date, run_id: str, through: str = "open_night") -> None:
    """Run the night's stages up to and with `through`, and no further."""
    for stage in night.STAGES[: night.STAGES.index(through) + 1]:
        night.run_stage(stage, installation.context(on, run_id))


def fail(monkeypatch: pytest.MonkeyPatch, holder: Any, name: str, error: Exception, at: int = 1) -> list[int]:
    """Make a function raise once, the `at`-th time it is called."""
    calls: list[int] = []
    original = getattr(holder, name)

    def once(*args: Any, **more: Any) -> Any:
        calls.append(1)
        if len(calls) == at:
            raise error
        return original(*args, **more)

    monkeypatch.setattr(holder, name, once)
    return calls


@pytest.mark.parametrize("other", [FIRST, THIRD])
def test_R21_a_second_night_is_refused_while_one_is_open_naming_its_date_and_run(
    installation: Installation, other: date
) -> None:
    """Earlier or later: one at a time."""
    installation.land(SECOND, case())
    installation.land(other, case())
    begin(installation, SECOND, "run-in-the-way")
    with pytest.raises(night.NightRefused) as refused:
        installation.run(other, "run-2")
    for word in (other.isoformat(), SECOND.isoformat(), "run-in-the-way", "still open", "again"):
        assert word in str(refused.value)
    assert installation.night_status() == {SECOND: "OPEN"}


def test_R21_a_later_date_is_refused_after_a_failed_one_until_that_is_run_again(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    for on in (FIRST, SECOND):
        installation.land(on, case())
    with monkeypatch.context() as patched:
        fail(patched, posting, "copy_in", RuntimeError("no space"))
        with pytest.raises(RuntimeError):
            installation.run(FIRST, "run-1")
    assert installation.night_status() == {FIRST: "FAILED"}
    with pytest.raises(night.NightRefused) as refused:
        installation.run(SECOND, "run-2")
    for word in (SECOND.isoformat(), FIRST.isoformat(), "run-1", "failed", "date order"):
        assert word in str(refused.value)
    installation.run(FIRST, "run-3")
    installation.run(SECOND, "run-4")
    assert installation.night_status() == {FIRST: "SUCCESS", SECOND: "SUCCESS"}
    assert installation.dues() == {"CS2-A-RP-ACTIVE": 1000}


def test_R21_an_earlier_date_is_not_blocked_by_a_later_one_that_failed(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """'A failed or open night blocks later ones.'"""
    for on in (FIRST, SECOND):
        installation.land(on, case())
    with monkeypatch.context() as patched:
        fail(patched, posting, "copy_in", RuntimeError("no space"))
        with pytest.raises(RuntimeError):
            installation.run(SECOND, "run-1")
    installation.run(FIRST, "run-2")
    assert installation.night_status() == {FIRST: "SUCCESS", SECOND: "FAILED"}


@pytest.mark.parametrize("stage", ["post_dues", "check_money_law", "close_night"])
def test_R21_a_stage_run_by_hand_waits_its_turn_as_a_night_does(
    installation: Installation, stage: str
) -> None:
    """A stage of a night that is over is refused while another night is open, or an earlier one failed."""
    installation.night(SECOND, case())
    installation.land(FIRST, case())
    begin(installation, FIRST, "run-late")
    by_hand = installation.context(SECOND, "by hand")
    with pytest.raises(night.NightRefused, match=r"2017-08-10 is still open \(run run-late"):
        night.run_stage(stage, by_hand)
    night.record_failure(installation.context(FIRST, "run-late"), "verify_landing", "it broke")
    with pytest.raises(night.NightRefused, match="2017-08-10 failed"):
        night.run_stage(stage, by_hand)
    assert installation.night_status() == {FIRST: "FAILED", SECOND: "SUCCESS"}


def test_a_night_that_succeeded_stays_a_success_while_any_stage_of_it_is_run_by_hand_and_nothing_changes(
    installation: Installation,
) -> None:
    """Or it would be left open, and in the way of every other night; to open it is the first stage, and another matter."""
    installation.night(FIRST, case("A"), case("B", "G2", child=False), case("C", "G3", case_status="OPEN"))
    before = installation.everything()
    for stage in night.STAGES[1:]:
        night.run_stage(stage, installation.context(FIRST, "by hand"))
        assert installation.everything() == before, stage
    assert installation.night_status() == {FIRST: "SUCCESS"}


def test_R21_a_night_that_was_never_run_blocks_nothing_and_may_be_run_late(
    installation: Installation,
) -> None:
    installation.night(SECOND, case("A"))
    installation.night(FIRST, case("B", "G2"))
    assert installation.night_status() == {FIRST: "SUCCESS", SECOND: "SUCCESS"}
    assert installation.dues() == {"CS2-A-RP-ACTIVE": 1000, "CS2-B-RP-ACTIVE": 1000}


def test_R21_a_late_night_is_judged_as_of_its_own_date_and_overwrites_nothing(
    installation: Installation,
) -> None:
    """'dates compare with that date; what later nights brought is seen.'"""
    installation.night(SECOND, case("A", case_status="OPEN"))
    installation.night(FIRST, case("A"), case("B", "G2", liability_end_date=SECOND))
    assert installation.outcomes() == {"G1": ("HELD", "OPEN_CASES"), "G2": ("HELD", "OPEN_CASES")}


def test_the_same_night_again_takes_over_from_a_run_that_died(installation: Installation) -> None:
    """Its process is gone; the night is open. The same date goes on, and the old run may not come back."""
    installation.land(FIRST, case())
    begin(installation, FIRST, "run-dead", through="post_dues")
    installation.run(FIRST, "run-new")
    assert installation.night_status() == {FIRST: "SUCCESS"}
    assert installation.dues() == {"CS2-A-RP-ACTIVE": 1000}


def test_a_run_whose_night_was_taken_over_may_do_nothing_more(installation: Installation) -> None:
    installation.land(FIRST, case())
    begin(installation, FIRST, "run-old")
    begin(installation, FIRST, "run-new")
    for stage in night.STAGES[1:]:
        with pytest.raises(night.NightRefused, match="held by run run-new, which took it over from run-old"):
            night.run_stage(stage, installation.context(FIRST, "run-old"))
        night.record_failure(installation.context(FIRST, "run-old"), stage, "too late")
        assert installation.night_status() == {FIRST: "OPEN"}, stage


def test_a_worker_of_a_run_whose_night_was_taken_over_stores_nothing_more(installation: Installation) -> None:
    """It was at work when the other run took over; it asks in the transaction in which it would store."""
    installation.land(FIRST, case())
    begin(installation, FIRST, "run-old")
    begin(installation, FIRST, "run-new")
    for run, stops in (("run-old", pytest.raises(night.NightRefused, match="no longer held by run run-old")),
                       ("run-new", contextlib.nullcontext())):  # fmt: skip
        with database.transaction(installation.url) as connection, stops:
            nights.hold_open(connection, FIRST, run, "decide_next_action", 2)


# Each stage that works on the extract, at a point where it has concluded and not yet stored.
LATER_STAGES = night.STAGES[2:-1]
OFTEN = ("receive_extract", "receive_balances", "decide_next_action", "write_out")


@pytest.mark.parametrize(
    "stage",
    [stage if stage in OFTEN else pytest.param(stage, marks=pytest.mark.soak) for stage in LATER_STAGES],
)
def test_a_process_that_was_thought_dead_stores_nothing_after_its_stage_was_begun_again(
    installation: Installation, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped at its first question to the store; the same run's stage is begun by another process, which takes its lock away,
    and ended; then it wakes, and is refused by name of the attempt. What stands is what the other process did."""
    installation.land(FIRST, case("A"), case("B", "G2", child=False))
    begin(installation, FIRST, "run-1", through=night.STAGES[night.STAGES.index(stage) - 1])
    asked: list[dict[str, list[str]]] = []
    hold_open = nights.hold_open

    def stopped(*args: Any, **more: Any) -> Any:
        if not asked:
            asked.append({})
            night.run_stage(stage, installation.context(FIRST, "run-1"))
            asked[0] = installation.everything()
        return hold_open(*args, **more)

    monkeypatch.setattr(nights, "hold_open", stopped)
    with pytest.raises(night.NightRefused, match=r"attempt \d+ .* was taken over by attempt \d+"):
        night.run_stage(stage, installation.context(FIRST, "run-1"))
    assert installation.everything() == asked[0]
    monkeypatch.undo()
    night.run_night(
        installation.context(FIRST, "run-1"), lambda *_: None, LATER_STAGES[LATER_STAGES.index(stage) :]
    )
    assert installation.dues() == {"CS2-A-RP-ACTIVE": 1000}


# Each way in which the server ends a connection; it says so with errors of several classes.
CLOSED_BY_THE_SERVER = {
    "select pg_terminate_backend(pg_backend_pid())": "The database went away",
    "set idle_in_transaction_session_timeout = '20ms'": "stood still",
    "set transaction_timeout = '20ms'": "stood still",
}


@pytest.mark.parametrize("taken_over", [True, False])
@pytest.mark.parametrize("closing", CLOSED_BY_THE_SERVER)
def test_who_stood_still_until_the_server_closed_its_connection_is_told_who_took_its_place(
    installation: Installation, closing: str, taken_over: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody did: then what became of the connection, and to do the same again."""
    installation.land(FIRST, case("A"))
    begin(installation, FIRST, "run-1", through="select_tranche")
    hold_open, asked = nights.hold_open, list[int]()

    def stopped(connection: Any, *args: Any, **more: Any) -> Any:
        asked.append(1)
        if len(asked) == 1:
            if taken_over:
                night.run_stage("receive_balances", installation.context(FIRST, "run-1"))
            connection.exec_driver_sql(closing)
            time.sleep(0.3)
        return hold_open(connection, *args, **more)

    monkeypatch.setattr(nights, "hold_open", stopped)
    said = (
        pytest.raises(night.NightRefused, match=r"attempt \d+ .* was taken over by attempt \d+")
        if taken_over
        else pytest.raises(night.MachineFault, match=CLOSED_BY_THE_SERVER[closing])
    )
    with said:
        night.run_stage("receive_balances", installation.context(FIRST, "run-1"))
    assert installation.night_status() == {FIRST: "OPEN"}


def zombie_of(
    installation: Installation, stage: str, monkeypatch: pytest.MonkeyPatch, *, then: str
) -> Exception:
    """The error of a process that fails in that stage after its stage was begun again by another of the same run.

    ``then``: the last stage that the other has done by then; of one it is at work on, 'at work'.
    """
    began: list[str] = []
    hold_open = nights.hold_open

    def stopped(*args: Any, **more: Any) -> Any:
        if began:
            return hold_open(*args, **more)
        began.append(stage)
        if then == "at work":
            with database.transaction(installation.url) as connection:
                nights.enter(connection, FIRST, "run-1", stage, datetime.now(UTC))
        else:
            for one in night.STAGES[night.STAGES.index(stage) : night.STAGES.index(then) + 1]:
                night.run_stage(one, installation.context(FIRST, "run-1"))
        raise OSError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(nights, "hold_open", stopped)
        with pytest.raises(Exception, match="disk is full") as failed:
            night.run_stage(stage, installation.context(FIRST, "run-1"))
    return failed.value


@pytest.mark.parametrize("then", ["at work", "post_dues", "decide_next_action"])
def test_a_process_that_was_thought_dead_cannot_fail_the_night_it_no_longer_holds(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    """Whether the attempt after it is at work, done, or past that stage; of the one that holds the night it is recorded."""
    installation.land(FIRST, case())
    begin(installation, FIRST, "run-1", through="set_up_cases")
    error = zombie_of(installation, "post_dues", monkeypatch, then=then)
    row = "select status, stage, reason, attempt from closure.nights"
    (before,) = installation.query(row)
    failed = replace(installation.context(FIRST, "run-1"), attempt=attempts.ended_by(error))
    assert 0 < failed.attempt < before["attempt"]
    night.record_failure(failed, "post_dues", "the disk is full")
    assert installation.query(row) == [before]
    assert before["status"] == "OPEN"
    night.record_failure(replace(failed, attempt=before["attempt"]), before["stage"], "the disk is full")
    assert installation.night_status() == {FIRST: "FAILED"}


def test_a_failure_of_which_the_attempt_is_not_known_counts_unless_the_stage_is_done_passed_or_at_work(
    installation: Installation,
) -> None:
    """As of a task that was ended from outside, which could not say which attempt it was."""
    installation.land(FIRST, case())
    begin(installation, FIRST, "run-1", through="post_dues")
    context = installation.context(FIRST, "run-1")
    for stage in ("set_up_cases", "post_dues"):
        night.record_failure(context, stage, "ended from outside")
        assert installation.night_status() == {FIRST: "OPEN"}
    with database.lock(installation.url, database.STAGE_LOCK):
        night.record_failure(context, "decide_next_action", "ended from outside")
    assert installation.night_status() == {FIRST: "OPEN"}
    night.record_failure(context, "decide_next_action", "ended from outside")
    assert installation.night_status() == {FIRST: "FAILED"}
    with database.transaction(installation.url) as connection:
        nights.enter(connection, FIRST, "run-1", "post_dues", datetime.now(UTC))
    night.record_failure(context, "post_dues", "ended from outside")
    assert installation.night_status() == {FIRST: "FAILED"}


@pytest.mark.parametrize("stage", ["receive_balances", "set_up_cases", "post_dues"])
def test_what_was_concluded_of_another_extract_is_never_gone_on_from(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    """The night fails after that stage; the same date is landed again, mended, and its stages are run by hand from
    receive_extract on, but for the one that had concluded already."""
    installation.land(
        FIRST, case("A", owes={"rp_active": 1000}), case("B", "G2", owes={"rp_active": 50}), extract_id="DW-1"
    )
    begin(installation, FIRST, "run-1", through=stage)
    after = night.STAGES[night.STAGES.index(stage) + 1 :]
    night.record_failure(installation.context(FIRST, "run-1"), after[0], "disk full")
    installation.land(
        FIRST, case("A", owes={"rp_active": 900}), case("B", "G2", owes={"rp_active": 50}), extract_id="DW-2"
    )
    for name in ("verify_landing", "receive_extract", *after):
        night.run_stage(name, installation.context(FIRST, "run-1"))
    assert installation.dues() == {"CS2-A-RP-ACTIVE": 900, "CS2-B-RP-ACTIVE": 50}
    assert installation.night_status() == {FIRST: "SUCCESS"}


def held_rows(installation: Installation) -> dict[str, list[Row]]:
    names = ("csa_cases", "csa_parties", "csa_balances", "csa_children", "cis_persons", "csa_closing_ledger")
    return {name: installation.query(f"select * from held.{name} order by 1, 2, 3, 4") for name in names}  # noqa: S608


def test_R22_what_a_replaced_extract_alone_had_brought_is_taken_back(installation: Installation) -> None:
    """Rows that were there before stand again, rows that were not are gone, what was entered is not entered."""
    installation.night(FIRST, case("A", case_status="OPEN", segment=3), case("B", "G2", child=False))
    before = held_rows(installation)
    entered = {"resolution_id": "R1", "csa_system": "CS2", "csa_case_id": "A", "entity": "CASE", "field": "casegroup_id",
               "old_value": "G1", "new_value": "G2", "entered_by": "ann", "entered_on": SECOND}  # fmt: skip
    installation.land(
        SECOND, case("A", case_status="OPEN", segment=5, owes={"rp_active": 7}, receiver={"surname": "Other"}),
        case("C", "G3", case_status="OPEN"), extract_id="DW-wrong", resolutions=[entered],
    )  # fmt: skip
    begin(installation, SECOND, "run-1", through="receive_balances")
    assert installation.query("select casegroup_id from held.csa_cases where csa_case_id = 'A'") == [
        {"casegroup_id": "G2"}
    ]
    night.record_failure(installation.context(SECOND, "run-1"), "set_up_cases", "disk full")
    installation.land(SECOND, extract_id="DW-right")
    installation.run(SECOND, "run-2")
    assert held_rows(installation) == before
    assert installation.query("select * from held.resolutions") == []
    assert installation.outcomes() == {"G1": ("HELD", "OPEN_CASES"), "G2": ("EXCEPTION", "child_missing")}
    assert installation.query("select * from closure.replaced_rows") == []


def test_R22_what_a_replaced_extract_had_completed_stands_and_another_balance_is_an_exception(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dues are never taken back: what was posted of it is corrected as any completed balance is (R20)."""
    installation.land(FIRST, case("A"), case("B", "G2"), extract_id="DW-1")
    begin(installation, FIRST, "run-1", through="decide_next_action")
    night.record_failure(installation.context(FIRST, "run-1"), "apply_corrections", "disk full")
    installation.land(FIRST, case("A", owes={"rp_active": 900}), extract_id="DW-2")
    installation.run(FIRST, "run-2")
    assert installation.dues() == {"CS2-A-RP-ACTIVE": 1000, "CS2-B-RP-ACTIVE": 1000}
    assert installation.open_rules() == {("balance_changed_after_completion", "A")}
    assert installation.night_status() == {FIRST: "SUCCESS"}


def test_no_stage_runs_before_its_night_is_open(installation: Installation) -> None:
    installation.land(FIRST, case())
    for stage in night.STAGES[1:]:
        with pytest.raises(night.NightRefused, match="never opened"):
            night.run_stage(stage, installation.context(FIRST))
        assert installation.view("nights") == [], stage


def test_a_stage_is_refused_while_another_runs_and_names_it(installation: Installation) -> None:
    installation.land(FIRST, case())
    begin(installation, FIRST, "run-1")
    with (
        database.lock(installation.url, database.STAGE_LOCK),
        pytest.raises(night.NightRefused, match="night of 2017-08-10, run run-1, stage open_night"),
    ):
        night.run_stage("verify_landing", installation.context(FIRST, "run-2"))


def test_a_stage_at_work_is_refused_to_another_run_and_keeps_its_lock(installation: Installation) -> None:
    """A night that succeeded is anybody's to run again: its stage is at work in one run, and another is refused."""
    installation.night(FIRST, case())
    with database.transaction(installation.url) as connection:
        nights.enter(connection, FIRST, "run-1", "post_dues", datetime.now(UTC))
    with database.lock(installation.url, database.STAGE_LOCK):
        for run, stage in (("run-2", "post_dues"), ("run-1", "write_out")):
            with pytest.raises(night.NightRefused, match="another stage is running"):
                night.run_stage(stage, installation.context(FIRST, run))
        assert installation.query("select 1 as held from pg_locks where locktype = 'advisory'") == [
            {"held": 1}
        ]


# --- R22: rejected, mended


def test_R22_a_rejected_night_mended_goes_through_with_the_same_command(installation: Installation) -> None:
    folder = installation.land(FIRST, case())
    (folder / "csa_cases.parquet").write_bytes(b"not what was promised")
    with pytest.raises(LandingRejected, match="csa_cases"):
        installation.run(FIRST)
    assert installation.night_status() == {FIRST: "REJECTED"}
    (figures,) = installation.view("nights")
    assert {
        figures[name]
        for name in figures
        if name.endswith(("_pence", "_received", "_opened", "_resolved", "_issued"))
    } == {0}
    assert installation.query("select count(*) as n from held.csa_cases") == [{"n": 0}]
    installation.land(FIRST, case())
    installation.run(FIRST)
    assert installation.night_status() == {FIRST: "SUCCESS"}
    assert installation.dues() == {"CS2-A-RP-ACTIVE": 1000}


def test_R22_a_rejected_night_blocks_later_ones(installation: Installation) -> None:
    for on in (FIRST, SECOND):
        installation.land(on, case())
    (installation.landing / FIRST.isoformat() / "manifest.json").unlink()
    with pytest.raises(LandingRejected):
        installation.run(FIRST)
    with pytest.raises(night.NightRefused, match=r"2017-08-10 was rejected.*night skip --date 2017-08-10"):
        installation.run(SECOND)


def test_R22_a_folder_that_is_spoilt_after_it_was_verified_is_rejected_before_anything_is_applied(
    installation: Installation,
) -> None:
    folder = installation.land(FIRST, case())
    begin(installation, FIRST, "run-1", through="verify_landing")
    (folder / "csa_balances.parquet").write_bytes(b"")
    with pytest.raises(LandingRejected):
        night.run_stage("receive_extract", installation.context(FIRST, "run-1"))
    assert installation.night_status() == {FIRST: "REJECTED"}
    assert installation.query("select count(*) as n from held.csa_cases") == [{"n": 0}]


def test_an_extract_that_failed_half_way_may_be_replaced_by_another(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The night failed after its extract was held: the mended one of the same date takes its place."""
    installation.land(FIRST, case(balance_row={"total_pence": 7}), extract_id="DW-1")
    with monkeypatch.context() as patched:
        fail(patched, posting, "copy_in", RuntimeError("no space"))
        with pytest.raises(RuntimeError):
            installation.run(FIRST)
    installation.land(FIRST, case(owes={"rp_active": 500}), extract_id="DW-2")
    installation.run(FIRST)
    (row,) = installation.view("nights")
    assert (row["extract_id"], row["received_pence"], row["posted_pence"]) == ("DW-2", 500, 500)
    assert installation.open_rules() == set()
    assert sum(row["failed_rows"] for row in installation.view("rule_results")) == 0, (
        "those of the first are gone"
    )


def test_another_extract_for_a_night_that_succeeded_is_refused(installation: Installation) -> None:
    installation.night(FIRST, case())
    before = installation.everything()
    installation.land(FIRST, case(owes={"rp_active": 7}), extract_id="DW-other")
    with pytest.raises(
        night.NightFailed, match=r"succeeded from another extract.*DW-other.*later business date"
    ):
        installation.run(FIRST)
    assert installation.everything() == before
    assert installation.night_status() == {FIRST: "SUCCESS"}


# --- R21: a rerun


def test_R21_a_rerun_of_a_night_that_succeeded_changes_nothing(installation: Installation) -> None:
    cases = [
        case("A"),
        case("B", "G2", child=False),
        case("C", "G3", case_status="OPEN"),
        case("D", "G4", owes={"rp_active": -5}),
    ]
    installation.night(FIRST, *cases)
    before = installation.everything()
    assert installation.run(FIRST, "again")["receive_extract"]["rows_held"] == 0
    assert installation.everything() == before


def test_R21_a_rerun_retries_that_nights_open_exceptions_and_touches_nothing_else(
    installation: Installation,
) -> None:
    """What a later night mended is seen; a casegroup held by nothing but an open case is left alone."""
    installation.night(FIRST, case("A", child=False), case("B", "G2", case_status="OPEN"))
    told = installation.run(FIRST, "again")
    assert told["receive_balances"]["casegroups_judged"] == 1


def test_a_nights_times_are_those_of_its_first_success(installation: Installation) -> None:
    installation.night(FIRST, case())
    times = "select started_at, finished_at from reporting.nights"
    before = installation.query(times)
    installation.run(FIRST, "again")
    assert installation.query(times) == before


@pytest.mark.parametrize("mended_by", ["another run", "the same run, cleared", "stages by hand"])
def test_a_nights_times_are_of_the_run_that_ended_it_and_what_came_before_is_kept(
    installation: Installation, mended_by: str
) -> None:
    """Rejected, landed again, then failed half-way, then done: three attempts, of which the row is the last."""
    folder = installation.land(FIRST, case())
    (folder / "manifest.json").unlink()
    times = itertools.count(1)

    def at(run_id: str) -> night.NightContext:
        return replace(
            installation.context(FIRST, run_id),
            clock=lambda: datetime(2017, 8, 11, 2, tzinfo=UTC) + timedelta(minutes=next(times)),
        )

    with pytest.raises(LandingRejected):
        night.run_night(at("run-1"), lambda *told: None)
    installation.land(FIRST, case())
    by_hand = "by-hand" if mended_by == "stages by hand" else "run-1"
    stages = night.STAGES if mended_by == "another run" else night.STAGES[1:]
    night.run_night(at("run-2" if mended_by == "another run" else by_hand), lambda *told: None, stages[:5])
    night.record_failure(
        at("run-2" if mended_by == "another run" else by_hand), "post_dues", "the disk is full"
    )
    night.run_night(at("run-3" if mended_by == "another run" else by_hand), lambda *told: None, stages)
    (row,) = installation.view("nights")
    gone_through = sorted(installation.view("night_history"), key=lambda one: one["attempt_number"])
    assert [(one["attempt_number"], one["status"]) for one in gone_through] == [
        (1, "REJECTED"), (2, "FAILED"), (3, "SUCCESS"),
    ]  # fmt: skip
    ends = [moment for one in gone_through for moment in (one["started_at"], one["finished_at"])]
    assert ends == sorted(ends)
    assert (row["status"], row["started_at"], row["finished_at"]) == (
        "SUCCESS", gone_through[-1]["started_at"], gone_through[-1]["finished_at"],
    )  # fmt: skip
    kept = installation.query("select reason from closure.night_history order by attempt_number")
    assert "manifest.json" in kept[0]["reason"]
    assert kept[1]["reason"] == "the disk is full"


# --- what stops a night half-way, in process


@pytest.mark.parametrize(
    ("module", "at"),
    [
        pytest.param(holding, 1, marks=pytest.mark.soak), (holding, 4),
        pytest.param(posting, 1, marks=pytest.mark.soak), (posting, 5),
    ],
)  # fmt: skip
def test_disk_full_fails_the_night_and_the_same_command_finishes_it(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, module: Any, at: int
) -> None:
    """'after a restart the same command finishes the night; nothing posted twice, nothing lost'."""
    installation.land(FIRST, case("A"), case("B", "G2", child=False))
    with monkeypatch.context() as patched:
        calls = fail(
            patched,
            module,
            "copy_in",
            psycopg.errors.DiskFull("could not extend file: No space left on device"),
            at,
        )
        with pytest.raises(
            night.MachineFault, match=r"The disk of the database is full\. .*the same command"
        ):
            installation.run(FIRST, "run-1")
    assert len(calls) == at
    assert installation.night_status() == {FIRST: "FAILED"}
    assert installation.dues() == {}
    installation.run(FIRST, "run-1")
    assert installation.outcomes() == {
        "G1": ("TRANSITION_COMPLETE", "ARREARS_ADDED"),
        "G2": ("EXCEPTION", "child_missing"),
    }
    assert installation.dues() == {"CS2-A-RP-ACTIVE": 1000}
    assert len(installation.view("work_items")) == 2


# --- the money law


_AN_ENTRY = "insert into closure.ledger select 'x', business_date, due_id,"
LAWS = {
    "update held.csa_balances set rp_active_pence = 999 where csa_case_id = 'B'": "received = the latest balances",
    "delete from closure.positions where csa_case_id = 'B'": "received = the latest balances",
    "update closure.dues set posted_pence = 1": "posted = the dues",
    "delete from closure.positions where csa_case_id = 'A'": "posted = the dues",
    f"{_AN_ENTRY} 'CORRECTION', -1001, null, 'C1' from closure.dues": "ever below nothing",
    f"{_AN_ENTRY} 'ALLOCATION', -1001, null, 'P1' from closure.dues":
        "posted [+] corrections - allocated = outstanding",
    "insert into closure.dues select due_id || '-0', business_date, casegroup_id, cms_casegroup_id, cms_case_id, csa_system, "
    "csa_case_id, scheme, creditor, 'DEFERRED', 0 from closure.dues": "only a correction adds a due",
    f"{_AN_ENTRY} 'ALLOCATION', -1, null, 'P1' from closure.dues": "what dues took of a payment is what it says",
    "insert into held.csa_payments select business_date, extract_number, 1, 'x', 'x', 'x', 'CS2 R1', '1.00', 'CS2' "
    "from closure.nights": "every receipt of the night that can be read stands somewhere",
    "update closure.casegroups set received_pence = 1 where casegroup_id = 'G2'": "an outcome adds up its positions",
    "update held.csa_balances set rp_active_pence = 999 where csa_case_id = 'A'":
        "what the night has posted is what is landed now",
    "delete from held.csa_balances where csa_case_id = 'A'": "what the night has posted is what is landed now",
    "update closure.positions set received_pence = 1001, held_pence = 1 where csa_case_id = 'A'":
        "received = what was completed [+] what came since",
}  # fmt: skip


@pytest.fixture(scope="module")
def to_be_checked(database_server: Databases) -> Iterator[Installation]:
    """A night that has stored all it decided: what every breach is made in a copy of."""
    with database_server.installation() as made:
        made.land(FIRST, case("A"), case("B", "G2", case_status="OPEN"))
        begin(made, FIRST, "run-1", through="decide_next_action")
        database.forget(made.url)
        yield made


@pytest.mark.parametrize("breach", LAWS, ids=lambda statement: statement[:60])
def test_breaking_the_money_law_fails_the_night_and_says_where(
    database_server: Databases, to_be_checked: Installation, breach: str
) -> None:
    """'as a check the night itself makes before it closes; breaking it fails the night and says where'."""
    with database_server.installation(copy_of=to_be_checked) as copy:
        # The server would refuse some of them itself; the night sees them also where somebody has switched that off.
        copy.execute(f"set session_replication_role = replica; {breach}")
        with pytest.raises(night.NightFailed, match=LAWS[breach]) as failed:
            night.run_stage("check_money_law", copy.context(FIRST, "run-1"))
        assert "CS2" in str(failed.value) or "G2" in str(failed.value)
        assert copy.night_status() == {FIRST: "FAILED"}


def test_the_money_law_holds_for_credits_holds_and_refused_rows_alike(installation: Installation) -> None:
    installation.night(
        FIRST,
        case("A", "1", owes={"rp_active": 5, "gb_sos_active": -7}),
        case("B", "2", case_status="OPEN", owes={"rp_active": 11, "gb_sos_active": -13}),
        case("C", "3", balance_row={"total_pence": 1}, owes={"rp_active": 17, "gb_sos_active": -19}),
        case("D", "4", partially_clerical=True, owes={"rp_active": 23, "gb_sos_active": -29}),
    )
    (row,) = installation.view("nights")
    credits = sum(line["amount_pence"] for line in installation.view("credits"))
    assert (row["received_pence"], row["posted_pence"], row["held_pence"], credits) == (
        -12,
        5,
        11 + 17 - 19 + 23 - 29,
        -20,
    )
    assert row["received_pence"] == row["posted_pence"] + row["held_pence"] + credits
