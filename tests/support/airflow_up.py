"""A real Airflow for tests: `case-closure up` with its scheduler and workers, and its API.

Belongs here: starting it, asking it, waiting for what it does. Does not belong here: what a night ought to do.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from case_closure.local.rest import AirflowClient


def until(true: Callable[[], Any], seconds: float = 300.0) -> Any:
    """Waits for what must become true, and returns it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = true()
        if found:
            return found
        time.sleep(0.5)  # each time it is asked Airflow works too, on the same two processors
    raise AssertionError(f"not within {seconds:.0f} s")


# On few processors, what is asked often is done instead of the night's work; no DAG file changes in a test.
_SELDOM = {
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "1",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
}


class Up:
    """`case-closure up`, its output, and its API."""

    def __init__(self, home: Path, variables: dict[str, str]) -> None:
        self.log = home / "up.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "case_closure.cli", "up"],
                env=_SELDOM | variables,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        until(lambda: "Ctrl-C stops everything" in self.log.read_text() or self.process.poll() is not None)
        printed = self.log.read_text()
        assert self.process.poll() is None, printed
        url = re.search(r"http://127\.0\.0\.1:\d+", printed)
        password = re.search(r"password +(\S+)", printed)
        assert url is not None, printed
        assert password is not None, printed
        self.client = AirflowClient(url[0], "admin", password[1])

    def wait_until_swept(self) -> None:
        """The morning's sweep begins as soon as there are workers, and a night that is open meanwhile is an item for somebody."""
        path = "/api/v2/dags/sweep/dagRuns"

        def ended() -> bool:
            states = [run["state"] for run in self.client.get(path)["dag_runs"]]
            return bool(states) and set(states) <= {"success", "failed"}

        until(ended)

    def children(self) -> dict[str, psutil.Process]:
        """Airflow's processes by name."""
        found = {}
        for child in psutil.Process(self.process.pid).children():
            try:
                words = " ".join(child.cmdline()).replace("api_server", "api-server")
            except psutil.NoSuchProcess:  # one that has ended since, or nobody has asked how it ended
                continue
            for name in ("api-server", "scheduler", "dag-processor"):
                if name in words:
                    found[name] = child
        return found

    def run_of(self, night: str) -> dict[str, Any]:
        """The run whose logical date is this night."""
        exactly = f"logical_date_gte={night}T00:00:00Z&logical_date_lte={night}T00:00:00Z"
        runs = self.client.get(f"/api/v2/dags/nightly/dagRuns?{exactly}")["dag_runs"]
        assert len(runs) == 1, runs
        return dict(runs[0])

    def trigger(self, night: str) -> str:
        body = {"logical_date": f"{night}T00:00:00Z", "conf": {}}
        return str(self.client.post("/api/v2/dags/nightly/dagRuns", body)["dag_run_id"])

    def ended(self, run: str, dag: str = "nightly", seconds: float = 300.0) -> str:
        path = f"/api/v2/dags/{dag}/dagRuns/{run}"
        until(lambda: self.client.get(path)["state"] in ("success", "failed"), seconds)
        return str(self.client.get(path)["state"])

    def backfill(self, first: str, last: str) -> None:
        """What Trigger, Backfill in the pages does; returns when every run of it has ended."""
        body = {"dag_id": "nightly", "from_date": f"{first}T00:00:00Z", "to_date": f"{last}T00:00:00Z"}
        made = self.client.post("/api/v2/backfills", {**body, "dag_run_conf": {}, "max_active_runs": 1})
        until(lambda: self.client.get(f"/api/v2/backfills/{made['id']}")["completed_at"], 900)

    def clear(self, night: str, stage: str) -> str:
        """What clearing a task with Downstream in the pages does; the state in which the run of that night ends."""
        run = str(self.run_of(night)["dag_run_id"])
        body = {"dry_run": False, "task_ids": [f"{stage}.run"], "dag_run_id": run, "only_failed": False}
        self.client.post("/api/v2/dags/nightly/clearTaskInstances", {**body, "include_downstream": True})
        return self.ended(run)

    def tries(self, night: str) -> dict[str, int]:
        """How often each stage of a night was begun, in their order; of several tasks, the one begun most often."""
        run = self.run_of(night)["dag_run_id"]
        tasks = self.client.get(f"/api/v2/dags/nightly/dagRuns/{run}/taskInstances")["task_instances"]
        begun = sorted((task for task in tasks if task["try_number"]), key=lambda task: task["start_date"])
        tries: dict[str, int] = {}
        for task in begun:
            stage = task["task_id"].partition(".")[0]
            tries[stage] = max(tries.get(stage, 0), task["try_number"])
        return tries

    def log_of(self, night: str, stage: str, attempt: int = 1) -> str:
        """What a person reads in the log of a stage."""
        run = self.run_of(night)["dag_run_id"]
        path = f"/api/v2/dags/nightly/dagRuns/{run}/taskInstances/{stage}.run/logs/{attempt}"
        lines = self.client.get(path)["content"]
        return "\n".join(str(line["event"]) for line in lines)
