"""One run of the night's DAG from a shell, followed to its end.

Belongs here: choosing between a run in a process of its own and a run in the Airflow that is up, and
following either. Does not belong here: the words on the terminal (`terminal.py`), or a night without
Airflow (`night.run_night`).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import math
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from case_closure.local import environment, progress, supervisor
from case_closure.local.rest import AirflowClient, RestError
from case_closure.local.store import with_store
from case_closure.settings import Settings

DAG_ID = "nightly"
_SEEN_WITHIN_SECONDS = 60.0
_SILENT_FOR_SECONDS = 300.0
_SAYS_WHY_WITHIN_SECONDS = 5.0


@dataclass(frozen=True)
class Ended:
    """How a run ended. reason is empty on success, else for the person who must act; log is where the raw
    words are.
    """

    succeeded: bool
    reason: str
    log: str


def run(
    settings: Settings,
    business_date: date,
    *,
    landing: str | None,
    outbound: str | None,
    show: Callable[[progress.Event], None],
    say: Callable[[str], None],
) -> Ended:
    """Runs the night through its DAG. Raises AirflowFailed, RestError, ServerUnavailable, SettingsInvalid."""
    conf = {"business_date": business_date.isoformat(), "landing": landing, "outbound": outbound}
    # The time of day only keeps runs of one night apart: Airflow holds one run for each logical date.
    logical_date = datetime.combine(business_date, datetime.now(UTC).timetz())
    run_id = f"cli__{business_date}-{secrets.token_hex(6)}"
    following = _Following(with_store(settings), business_date, run_id, show)
    with _airflow_to_ourselves(settings) as alone:
        if alone:
            return _in_own_process(settings, logical_date, run_id, conf, following, say)
    return _in_running_airflow(settings, logical_date, run_id, conf, following, say)


class _Following:
    """Shows what the run tells as it comes, and keeps why it failed."""

    def __init__(
        self, settings: Settings, business_date: date, run_id: str, show: Callable[[progress.Event], None]
    ) -> None:
        self.reason = ""
        self._settings = settings
        self._follower = progress.Follower(settings, business_date, run_id)
        self._show = show

    def look(self) -> None:
        for event in self._follower.new_events():
            self._show(event)
            self.reason = event.reason or self.reason

    def why_it_failed(self, otherwise: str) -> str:
        """What a stage said; else why it could say nothing, when the store is away; else what is given."""
        from case_closure.night import faults

        trouble = self._follower.trouble
        return self.reason or (trouble and faults.in_words(trouble, self._settings)) or otherwise


@contextlib.contextmanager
def _airflow_to_ourselves(settings: Settings) -> Iterator[bool]:
    """True while no scheduler serves the metadata database; one cannot start meanwhile. Other runs like
    this one may.
    """
    environment.airflow_home(settings).mkdir(parents=True, exist_ok=True)
    with supervisor.lock_file(settings).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield supervisor.serving(settings) is None


def _in_own_process(
    settings: Settings,
    logical_date: datetime,
    run_id: str,
    conf: dict[str, str | None],
    following: _Following,
    say: Callable[[str], None],
) -> Ended:
    variables = environment.airflow_environment(settings)
    environment.prepare(settings, variables, say)
    logs = settings.own_home / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / f"nightly-{conf['business_date']}-{datetime.now(UTC):%Y%m%dT%H%M%S}.log"
    say(f"Starting Airflow for one run (raw log: {_short(log)})")
    with log.open("wb") as out:
        child = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "case_closure.local.one_run",
                str(environment.DAGS / "nightly.py"),
                logical_date.isoformat(),
                run_id,
                json.dumps(conf),
            ],
            env=variables | environment.WITHOUT_PAGES,
            stdin=subprocess.PIPE,  # closed when we end, however we end: the child then ends too
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            while True:
                done = child.poll() is not None
                following.look()
                if done:
                    break
                time.sleep(0.2)
        finally:
            child.kill()
            child.wait()
    if child.returncode == 0:
        return Ended(True, "", str(log))
    unsaid = f"The run ended with code {child.returncode} before a stage could say why: see {log}."
    return Ended(False, following.why_it_failed(unsaid), str(log))


def _in_running_airflow(
    settings: Settings,
    logical_date: datetime,
    run_id: str,
    conf: dict[str, str | None],
    following: _Following,
    say: Callable[[str], None],
) -> Ended:
    serving = supervisor.serving(settings)
    if serving is None:
        raise RestError(
            "Airflow is just being started or stopped by 'make up'. Wait until it is up, or "
            "down, and run this again."
        )
    client = AirflowClient(serving.url, "admin", environment.admin_password(settings))
    _wait_until_known(client)
    client.post(
        f"/api/v2/dags/{DAG_ID}/dagRuns",
        {
            "dag_run_id": run_id,
            "logical_date": logical_date.isoformat(),
            "conf": conf,
            "note": f"Night of {conf['business_date']}, run from a shell",
        },
    )
    page = f"{serving.url}/dags/{DAG_ID}/runs/{run_id}"
    say(f"Airflow is up: the run is {page}")
    state, silent_since = "queued", math.inf
    patience = time.monotonic() + 10
    while state not in ("success", "failed"):
        following.look()
        try:
            state = str(client.get(f"/api/v2/dags/{DAG_ID}/dagRuns/{run_id}")["state"])
            silent_since = math.inf
        except RestError as error:
            # A machine that is busy answers late: the night goes on meanwhile, and so does the waiting.
            silent_since = min(silent_since, time.monotonic())
            if error.status or time.monotonic() - silent_since > _SILENT_FOR_SECONDS:
                raise
        if state == "queued" and time.monotonic() > patience:
            patience = math.inf
            say("Waiting for Airflow to begin it; nights run one at a time")
        time.sleep(0.3)
    # Airflow may call a run failed before its task has come to say why.
    patience = time.monotonic() + _SAYS_WHY_WITHIN_SECONDS
    following.look()
    while state == "failed" and not following.reason and time.monotonic() < patience:
        time.sleep(0.3)
        following.look()
    if state == "success":
        return Ended(True, "", page)
    unsaid = f"The run failed before a stage could say why: see {page}."
    return Ended(False, following.why_it_failed(unsaid), page)


def _wait_until_known(client: AirflowClient) -> None:
    deadline = time.monotonic() + _SEEN_WITHIN_SECONDS
    while True:
        try:
            if client.get(f"/api/v2/dags/{DAG_ID}")["is_paused"]:
                raise RestError(
                    f"The DAG '{DAG_ID}' is paused in the Airflow that is up: unpause it there, "
                    f"then run this again."
                )
            return
        except RestError as error:
            if error.status != 404 or time.monotonic() > deadline:
                raise
        time.sleep(1)


def _short(path: Path) -> str:
    with contextlib.suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)
