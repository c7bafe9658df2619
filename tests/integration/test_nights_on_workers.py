"""A night on several machines: through CeleryExecutor, by workers with three addresses and nothing of their own.

What the workers share is the database, landing and outbound; here they are processes that share no other folder. The stages in
parts are mapped over two slots.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import psutil
import psycopg
import pyarrow.parquet as pq
import pytest

from case_closure import sample
from case_closure.domain.night import IN_PARTS
from case_closure.local import embedded
from case_closure.night import run as night
from case_closure.store import database
from tests.support.airflow_up import until
from tests.support.celery_up import CeleryUp, Worker
from tests.support.installation import Databases, Installation, assert_the_same_stands

FIRST = date(2017, 8, 10)
STAGES = list(night.STAGES)
STANDING_STILL = (
    "receive_extract",
    *IN_PARTS,
)  # a night each, one after the other: a late one would have little to do
NIGHTS = 5 + len(STANDING_STILL)
PART = 10  # casegroups: both slots have parts to work on

# Minutes each, by six processes and more: in the soak. Five minutes are short on a machine that does much else.
pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def store(shared_home: Path) -> Installation:
    """The store and the folders that the workers share."""
    shared_home.mkdir()
    made = Installation(embedded.ensure_running(shared_home).url(embedded.STORE), shared_home, PART)
    database.migrate(made.url)
    sample.generate(
        made.landing, FIRST, NIGHTS, 200, seed=1
    )  # so many that each night has parts of every stage
    return made


@pytest.fixture(scope="module")
def celery(store: Installation) -> Iterator[CeleryUp]:
    started = CeleryUp(
        store,
        store.folder.parent / "celery",
        workers=2,
        # A task that has not been heard of for so long is begun again; five minutes are Airflow's own.
        AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT="60",
        AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL="5",
        # What the broker has given to a worker that stands still is queued again after so long; ten minutes are Airflow's own.
        AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT="45",
        AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL="10",
    )
    try:
        started.up.wait_until_swept()
        yield started
    finally:
        started.stop()


@pytest.fixture(scope="module")
def in_process(store: Installation, database_server: Databases) -> Iterator[Installation]:
    """The same nights, each in one process."""
    with database_server.installation(partition_casegroups=PART) as made:
        shutil.copytree(store.landing, made.landing)
        yield made


def assert_as_in_process(store: Installation, in_process: Installation, on: date) -> None:
    """Runs in process too what was run until then."""
    for night_on in sorted(set(store.night_status()) - set(in_process.night_status())):
        in_process.run(night_on)
    assert_the_same_stands(store, in_process, on)


def personal(store: Installation) -> set[bytes]:
    """What a worker must not keep of a night: the numbers by which people are known."""
    parties = pq.read_table(store.landing / FIRST.isoformat() / "csa_parties.parquet")
    return {nino.encode() for nino in parties["nino"].to_pylist() if nino}


def left_on(worker: Worker) -> list[Path]:
    """Files on its disk, but for Airflow's own: configuration, logs, and the empty database it makes when told of none."""
    return [
        path
        for path in worker.disk.rglob("*")
        if path.is_file()
        and not path.is_relative_to(worker.airflow / "logs")
        and not (path.parent == worker.airflow and path.name.startswith(("airflow.cfg", "airflow.db")))
    ]


def test_a_night_on_two_workers_comes_to_what_it_comes_to_in_one_process(
    store: Installation, celery: CeleryUp, in_process: Installation
) -> None:
    up = celery.up
    assert up.ended(up.trigger(FIRST.isoformat()), seconds=900) == "success", up.tries(FIRST.isoformat())
    assert up.tries(FIRST.isoformat()) == dict.fromkeys(STAGES, 1)
    assert_as_in_process(store, in_process, FIRST)
    assert all(worker.tasks() for worker in celery.workers)
    parts = store.query("select kind, part, attempt, worker from closure.night_parts")
    assert {row["attempt"] for row in parts} == {1}
    in_both_slots = {row["kind"] for row in parts if row["part"] > 0}
    assert in_both_slots >= {"receive_balances", "set_up_cases", "post_dues", "decide_next_action"}


def test_nothing_of_a_night_stays_on_the_disk_of_a_worker(store: Installation, celery: CeleryUp) -> None:
    ninos = personal(store)
    assert len(ninos) > 50
    for worker in celery.workers:
        assert left_on(worker) == []
        written = [path.read_bytes() for path in worker.disk.rglob("*") if path.is_file()]
        assert len(written) > 1  # Airflow's own
        for text in (*written, worker.log.read_bytes()):
            assert not any(nino in text for nino in ninos)
    assert sorted(path.name for path in (store.folder / "outbound").iterdir()) == [FIRST.isoformat()]


# --- what may happen on the way


def until_in(stage: str, store: Installation, on: date) -> int:
    """Waits until that stage of the night is at work, and returns the process it runs in."""
    at_work = "select worker from closure.night_stages where business_date = %s and stage = %s and outcome = 'STARTED'"
    rows = until(lambda: store.query(at_work, on, stage), 900)
    return int(re.findall(r"\d+", rows[-1]["worker"])[-1])


def test_a_worker_that_is_gone_in_the_middle_of_a_stage_is_nobodys_loss(
    store: Installation, celery: CeleryUp, in_process: Installation
) -> None:
    on = FIRST + timedelta(days=1)
    run = celery.up.trigger(on.isoformat())
    worker = celery.worker_of(until_in("write_out", store, on))
    assert worker is not None
    worker.kill()
    assert celery.up.ended(run, seconds=900) == "success"
    assert celery.up.tries(on.isoformat()) == dict.fromkeys(STAGES, 1) | {"write_out": 2}
    assert_as_in_process(store, in_process, on)
    assert not (store.folder / "outbound" / ".making").exists()
    worker.start()
    worker.wait_until_ready()


def test_a_broker_that_was_away_is_nobodys_loss(
    store: Installation, celery: CeleryUp, in_process: Installation
) -> None:
    on = FIRST + timedelta(days=2)
    run = celery.up.trigger(on.isoformat())
    until_in("receive_extract", store, on)
    celery.broker.kill_and_start_again()
    assert celery.up.ended(run, seconds=900) == "success"
    assert_as_in_process(store, in_process, on)


def test_pages_that_were_away_for_a_minute_are_nobodys_loss(
    store: Installation, celery: CeleryUp, in_process: Installation
) -> None:
    """Workers ask Airflow's API server for all they do, and tell it that they live."""
    on = FIRST + timedelta(days=3)
    run = celery.up.trigger(on.isoformat())
    until_in("receive_extract", store, on)
    server = celery.up.children()["api-server"]
    processes = [server, *server.children(recursive=True)]
    for process in processes:
        process.suspend()
    time.sleep(60)
    for process in processes:
        process.resume()
    assert celery.up.ended(run, seconds=900) == "success"
    assert_as_in_process(store, in_process, on)


def stopped_with_a_part(stage: str, store: Installation, on: date) -> int:
    """Stops the process that works on a part of that stage, with the part claimed and not stored, and returns it.

    A part takes a moment: asked for without a pause, and one that was quicker goes on.
    """
    at_work = (
        "select part, worker from closure.night_parts where business_date = %s and kind = %s and attempt = 1 "
        "and claimed_at is not null and stored_at is null"
    )
    over = "select from closure.nights where business_date = %s and succeeded"
    deadline = time.monotonic() + 900
    with psycopg.connect(store.url.replace("+psycopg", ""), autocommit=True) as connection:
        while time.monotonic() < deadline and not connection.execute(over, (on,)).fetchall():
            for part, worker in connection.execute(at_work, (on, stage)).fetchall():
                process = psutil.Process(int(re.findall(r"\d+", worker)[-1]))
                process.suspend()
                if (part, worker) in connection.execute(at_work, (on, stage)).fetchall():
                    return process.pid
                process.resume()
            time.sleep(0.002)
    raise AssertionError(f"no part of {stage} was seen at work")


def test_a_worker_that_is_gone_in_the_middle_of_each_mapped_stage_is_nobodys_loss(
    store: Installation, celery: CeleryUp, in_process: Installation
) -> None:
    on = FIRST + timedelta(days=4)
    run = celery.up.trigger(on.isoformat())
    for stage in IN_PARTS:
        worker = celery.worker_of(stopped_with_a_part(stage, store, on))
        assert worker is not None, stage
        worker.kill()
        worker.start()
        worker.wait_until_ready()
    assert celery.up.ended(run, seconds=900) == "success"
    assert_as_in_process(store, in_process, on)
    again = "select distinct kind from closure.night_parts where business_date = %s and attempt > 1"
    assert {row["kind"] for row in store.query(again, on)} == set(IN_PARTS)


def said_by(worker: Worker, run: str) -> str:
    """All that the tasks of a run have logged on this worker, in one line."""
    events = [
        str(json.loads(line).get("event"))
        for log in sorted(worker.airflow.joinpath("logs").rglob("*.log"))
        if run in str(log)
        for line in log.read_text().splitlines()
    ]
    return " ".join(" ".join(events).split())


@pytest.mark.parametrize("stage", STANDING_STILL)
def test_a_worker_that_stands_still_is_taken_over_and_refused_by_name_when_it_goes_on(
    store: Installation, celery: CeleryUp, in_process: Installation, stage: str
) -> None:
    """It stands still for longer than Airflow waits to hear of it; its task is begun again and ends; then it goes on. In a mapped
    stage, with a part that it had claimed; in another, with the lock of whoever is at work."""
    on = FIRST + timedelta(days=5 + STANDING_STILL.index(stage))
    run = celery.up.trigger(on.isoformat())
    process = stopped_with_a_part(stage, store, on) if stage in IN_PARTS else until_in(stage, store, on)
    worker = celery.worker_of(process)
    assert worker is not None
    family = worker.family()
    for one in family:
        one.suspend()
    assert celery.up.ended(run, seconds=900) == "success"
    # The task first, or what supervises it hears from Airflow that it is not wanted any more, and ends it.
    psutil.Process(process).resume()
    time.sleep(10)
    for one in family:
        with contextlib.suppress(psutil.NoSuchProcess):  # what the task had started, and has ended with it
            one.resume()
    assert_as_in_process(store, in_process, on)
    assert re.search(r"attempt \d+ at .+? was taken over by attempt \d+", until(lambda: said_by(worker, run)))
    assert worker.process is not None
    assert worker.process.poll() is None
