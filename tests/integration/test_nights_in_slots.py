"""The same nights on one machine, by LocalExecutor: a task a stage, and stages in parts by four slots at once.

What stands is what one process makes of them. On two machines: test_nights_on_workers.py.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from case_closure import sample
from case_closure.domain.night import IN_PARTS, PUT_TOGETHER
from case_closure.local import embedded
from case_closure.night import run as night
from case_closure.settings import HOME, LOGIN_PORT, PARTITION_CASEGROUPS, SLOTS
from case_closure.store import database
from tests.support.airflow_up import Up
from tests.support.installation import Databases, Installation, assert_the_same_stands

FIRST = date(2017, 8, 10)
NIGHTS = [FIRST, FIRST + timedelta(days=1)]
PART = 20  # casegroups: a part for each of four slots

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def in_process(database_server: Databases) -> Iterator[Installation]:
    """The sample's nights, with every fault in them, each in one process."""
    with database_server.installation(partition_casegroups=PART) as made:
        sample.generate(made.landing, FIRST, len(NIGHTS), 100, seed=1)
        for on in NIGHTS:
            made.run(on)
        yield made


@pytest.mark.parametrize("slots", [1, 4])
def test_nights_by_local_executor_come_to_what_they_come_to_in_one_process(
    home: Path, in_process: Installation, slots: int
) -> None:
    """The same rows in every view, of both schemas, and the same bytes outbound."""
    home.mkdir()
    store = Installation(embedded.ensure_running(home).url(embedded.STORE), home, PART)
    shutil.copytree(in_process.landing, store.landing)
    of_its_own = {HOME: str(home), LOGIN_PORT: "0", PARTITION_CASEGROUPS: str(PART), SLOTS: str(slots)}
    up = Up(home, {**os.environ, **of_its_own, "AIRFLOW__CORE__PARALLELISM": "4"})
    try:
        up.wait_until_swept()
        for on in NIGHTS:
            run = up.trigger(on.isoformat())
            assert up.ended(run, seconds=900) == "success", up.tries(on.isoformat())
            assert up.tries(on.isoformat()) == dict.fromkeys(night.STAGES, 1)
            tasks = up.client.get(f"/api/v2/dags/nightly/dagRuns/{run}/taskInstances")["task_instances"]
            in_slots = slots > 1
            mapped = len(IN_PARTS) * slots + len(PUT_TOGETHER) if in_slots else 0
            assert len(tasks) == len(night.STAGES) + mapped
        assert_the_same_stands(store, in_process, *NIGHTS)
        if slots > 1:
            rows = store.query("select kind, part %% %s as slot from closure.night_parts", slots)
            worked = {(row["kind"], row["slot"]) for row in rows}
            assert {("receive_balances", slot) for slot in range(slots)} <= worked
    finally:
        with contextlib.suppress(ProcessLookupError):
            up.process.terminate()
        up.process.wait(120)
        database.forget(store.url)
