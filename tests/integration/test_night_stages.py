"""What a night tells of itself while it runs, and what of it reaches whoever follows a run."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from case_closure.landing.rejection import LandingRejected
from case_closure.local.progress import Event, Follower
from case_closure.night import run as night
from case_closure.store import database, night_stages, posting
from tests.support.builders import case
from tests.support.installation import Installation
from tests.support.older import make_older

pytestmark = pytest.mark.usefixtures("plain_letters")

FIRST, SECOND = date(2017, 8, 10), date(2017, 8, 11)


def context(installation: Installation, on: date = FIRST, run_id: str = "run-1") -> night.NightContext:
    return replace(installation.context(on, run_id), clock=lambda: datetime.now(UTC))


def told(installation: Installation, on: date = FIRST, run_id: str = "run-1") -> list[night_stages.StageRow]:
    with database.transaction(installation.url) as connection:
        return night_stages.of_run(connection, on, run_id)


def ended(installation: Installation, on: date = FIRST, run_id: str = "run-1") -> list[tuple[str, str]]:
    return [(row.stage, row.outcome) for row in told(installation, on, run_id)]


def through(installation: Installation, stage: str, run_id: str = "run-1") -> None:
    for one in night.STAGES[: night.STAGES.index(stage) + 1]:
        night.run_stage(one, context(installation, run_id=run_id))


def disk_is_full(*args: Any, **more: Any) -> Any:
    raise OSError(28, "No space left on device", "/srv/var")


def test_a_night_tells_of_each_stage_in_order_with_its_times_and_figures(installation: Installation) -> None:
    installation.land(FIRST, case())
    summaries: dict[str, night.Summary] = {}
    before = datetime.now(UTC)
    night.run_night(context(installation), summaries.__setitem__)
    rows = told(installation)
    assert [row.stage for row in rows] == list(night.STAGES)
    assert [row.attempt for row in rows] == list(range(1, len(rows) + 1))
    assert {row.outcome for row in rows} == {"ENDED"}
    assert {row.stage: list(row.figures.items()) for row in rows} == {
        stage: list(summary.items()) for stage, summary in summaries.items()
    }, "in the order in which they are shown"
    times = [time for row in rows for time in (row.started_at, row.ended_at)]
    assert [before, *times] == sorted(time for time in (before, *times) if time)
    assert all(row.seconds > 0 and row.reason is None for row in rows)
    assert {row.worker.split()[1] for row in rows} == {str(os.getpid())}


def test_who_follows_a_run_is_told_of_each_row_once_and_of_no_other_run(installation: Installation) -> None:
    installation.land(FIRST, case())
    follower = Follower(installation.settings, FIRST, "run-2")
    through(installation, "receive_extract", "run-1")
    assert list(follower.new_events()) == []
    through(installation, "verify_landing", "run-2")
    assert [(event.stage, event.what) for event in follower.new_events()] == [
        ("open_night", "started"), ("open_night", "ended"), ("verify_landing", "started"), ("verify_landing", "ended"),
    ]  # fmt: skip
    assert list(follower.new_events()) == []
    with database.transaction(installation.url) as connection:
        night_stages.begin(connection, FIRST, "run-2", 99, "receive_extract", datetime.now(UTC))
    assert [(event.stage, event.what) for event in follower.new_events()] == [("receive_extract", "started")]
    with database.transaction(installation.url) as connection:
        night_stages.end(connection, FIRST, 99, {"rows_held": 7}, datetime.now(UTC))
    (event,) = follower.new_events()
    assert (event.what, event.figures) == ("ended", {"rows_held": 7})


def test_a_stage_that_failed_says_why_and_a_rerun_adds_rows_of_its_own(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation.land(FIRST, case())
    with monkeypatch.context() as patched:
        patched.setattr(posting, "copy_in", disk_is_full)
        with pytest.raises(night.MachineFault) as fault:
            night.run_night(context(installation), lambda *_: None)
    failed = told(installation)
    assert (failed[-1].stage, failed[-1].outcome, failed[-1].reason) == (
        "decide_next_action",
        "FAILED",
        str(fault.value),
    )
    assert failed[-1].ended_at is not None
    follower = Follower(installation.settings, FIRST, "run-1")
    assert list(follower.new_events())[-1] == Event("decide_next_action", "failed", reason=str(fault.value))
    night.run_night(context(installation, run_id="run-2"), lambda *_: None)
    assert told(installation) == failed
    assert ended(installation, run_id="run-2") == [(stage, "ENDED") for stage in night.STAGES]


def test_a_stage_that_is_rejected_says_why_once(installation: Installation) -> None:
    (installation.land(FIRST, case()) / "csa_cases.parquet").write_bytes(b"x")
    with pytest.raises(LandingRejected) as rejected:
        through(installation, "verify_landing")
    night.record_failure(
        replace(context(installation), attempt=2), "verify_landing", "said again by the task"
    )
    assert ended(installation) == [("open_night", "ENDED"), ("verify_landing", "FAILED")]
    assert told(installation)[-1].reason == str(rejected.value)


def test_a_process_that_is_killed_leaves_its_stage_started_until_it_is_known_that_it_has_gone(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation.land(FIRST, case())
    through(installation, "follow_closure")
    database.forget_inherited(installation.url)
    child = os.fork()
    if not child:
        try:
            monkeypatch.setattr(posting, "copy_in", lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
            for stage in night.STAGES[night.STAGES.index("receive_balances") :]:
                night.run_stage(stage, context(installation))
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    killed = told(installation)
    assert (killed[-1].stage, killed[-1].outcome, killed[-1].ended_at) == (
        "decide_next_action",
        "STARTED",
        None,
    )
    assert killed[-1].worker.split()[1] == str(child)
    night.run_night(context(installation, run_id="run-2"), lambda *_: None)
    assert told(installation) == killed
    assert ended(installation, run_id="run-2") == [(stage, "ENDED") for stage in night.STAGES]
    night.record_failure(context(installation), "decide_next_action", "ended from outside")
    assert [*ended(installation)[-2:]] == [("post_dues", "ENDED"), ("decide_next_action", "FAILED")]
    assert installation.night_status() == {FIRST: "SUCCESS"}


def test_R21_a_stage_that_was_refused_says_why_and_is_no_attempt(installation: Installation) -> None:
    """So that it reaches the terminal though the night in the way is another's."""
    installation.land(FIRST, case())
    installation.land(SECOND, case())
    through(installation, "verify_landing")
    with pytest.raises(night.NightRefused) as refused:
        night.run_stage("open_night", context(installation, SECOND, "run-2"))
    assert list(Follower(installation.settings, SECOND, "run-2").new_events()) == [
        Event("open_night", "started"), Event("open_night", "failed", reason=str(refused.value)),
    ]  # fmt: skip
    assert [row.attempt for row in told(installation, SECOND, "run-2")] == [None]
    with pytest.raises(night.NightRefused) as refused:
        night.run_stage("receive_extract", context(installation, FIRST, "run-2"))
    assert [row.reason for row in told(installation, FIRST, "run-2")] == [str(refused.value)]
    assert ended(installation) == [("open_night", "ENDED"), ("verify_landing", "ENDED")]
    assert installation.night_status() == {FIRST: "OPEN"}


def test_a_refusal_while_the_same_stage_is_at_work_leaves_that_started(installation: Installation) -> None:
    installation.land(FIRST, case())
    through(installation, "verify_landing")
    with database.transaction(installation.url) as connection:
        night_stages.begin(connection, FIRST, "run-1", 3, "receive_extract", datetime.now(UTC))
    with (
        database.lock(installation.url, database.STAGE_LOCK),
        pytest.raises(night.NightRefused, match="another stage is running"),
    ):
        night.run_stage("receive_extract", context(installation))
    assert ended(installation)[-2:] == [("receive_extract", "STARTED"), ("receive_extract", "FAILED")]


def test_R40_the_first_refusal_of_all_is_told_though_the_store_was_of_an_older_version(
    installation: Installation,
) -> None:
    with database.transaction(installation.url) as connection:
        make_older(connection, "0023")
    follower = Follower(installation.settings, FIRST, "run-1")
    assert list(follower.new_events()) == []
    with pytest.raises(night.NightRefused, match="Nothing"):
        night.run_stage("open_night", context(installation))
    *_, last = follower.new_events()
    assert "was not begun. Nothing" in last.reason
    assert installation.view("nights") == []


def test_a_night_that_cannot_tell_of_itself_is_a_night_like_any_other(installation: Installation) -> None:
    installation.execute("alter table closure.night_stages add constraint full_ck check (false) not valid")
    installation.night(FIRST, case())
    assert told(installation) == []
    assert installation.night_status() == {FIRST: "SUCCESS"}
    assert installation.dues() == {"CS2-A-RP-ACTIVE": 1000}


def test_who_follows_a_store_that_is_away_is_told_nothing_and_knows_why(installation: Installation) -> None:
    away = replace(installation.settings, database_url="postgresql+psycopg://nobody@127.0.0.1:1/none")
    follower = Follower(away, FIRST, "run-1")
    assert list(follower.new_events()) == []
    assert "Connection refused" in str(follower.trouble)


def test_R26_the_view_has_no_figures_and_no_reasons_as_they_are_of_all_casegroups(
    installation: Installation,
) -> None:
    installation.night(FIRST, case(nationally_sensitive=True))
    rows = installation.view("night_stages")
    assert [row["stage"] for row in sorted(rows, key=lambda row: row["attempt"])] == list(night.STAGES)
    assert set(rows[0]) == {
        "business_date",
        "attempt",
        "stage",
        "started_at",
        "ended_at",
        "seconds",
        "outcome",
    }
    assert installation.view("night_stages", "sensitive") == rows
