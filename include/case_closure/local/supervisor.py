"""`make up`: Airflow's processes started together, watched, and stopped together.

Belongs here: which processes, their order, their end, and how others find out that they run. Does not
belong here: Airflow's settings (`environment.py`), or what is scheduled.

What lies in <home>/airflow: up.json (the processes and the address, while up), up.lock (held while up),
logs/<process>.log.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from case_closure import refusals
from case_closure.local import embedded, environment, people
from case_closure.local.rest import AirflowClient, RestError
from case_closure.local.store import with_store
from case_closure.settings import LOGIN_PORT, Settings

# No log servers: they would listen on every interface, and the pages read the log files themselves. No
# triggerer: nothing defers.
_API_SERVER = ("api-server", ("api-server",))
_DAG_PROCESSOR = ("dag-processor", ("dag-processor",))
_SCHEDULER = ("scheduler", ("scheduler", "--skip-serve-logs"))
_ANSWERS_WITHIN_SECONDS = 180.0
_STOPS_WITHIN_SECONDS = 20.0
_RESTARTS = 3  # of one process within ten minutes, before giving up
_RESTARTS_WITHIN_SECONDS = 600.0


class UpRefused(refusals.Refused):
    """Airflow cannot be brought up; the message says what is in the way."""


@dataclass(frozen=True)
class Serving:
    """An Airflow that is up: where."""

    url: str


def lock_file(settings: Settings) -> Path:
    """Held exclusively by `up`, shared by single runs: a scheduler must never serve a database that a
    single run uses.
    """
    return environment.airflow_home(settings) / "up.lock"


def serving(settings: Settings) -> Serving | None:
    """The Airflow of this home that is up, were it only the remains of one whose supervisor was killed;
    else None.
    """
    state = _read_state(settings)
    if state is None or not any(_alive(number, born) for number, born in state["processes"]):
        return None
    return Serving(str(state["url"]))


def up(settings: Settings, say: Callable[[str], None]) -> int:
    """Brings Airflow up and stays until SIGINT or SIGTERM; stops every process it started. Returns the exit
    code.

    Raises UpRefused, AirflowFailed, ServerUnavailable.
    """
    environment.airflow_home(settings).mkdir(parents=True, exist_ok=True)
    with lock_file(settings).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            already = serving(settings)
            raise UpRefused(
                f"Airflow is already up at {already.url}."
                if already
                else "A night is being run from a shell in this home. Wait for its end, then 'make up' again."
            ) from None
        return _Supervisor(settings, say).run()


class _Stop(Exception):
    """A signal asked for the end."""


@dataclass
class _Child:
    name: str
    arguments: tuple[str, ...]
    process: subprocess.Popen[bytes]
    started: list[float]


class _Supervisor:
    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        self.settings = settings
        self.say = say
        self.children: list[_Child] = []
        self.variables: dict[str, str] = {}
        self.url = ""

    def run(self) -> int:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, _raise_stop)
        database_was_running = embedded.is_running(self.settings.own_home)
        try:
            self._start()
            self._watch()
        except _Stop:
            return 0
        finally:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not leave anything behind
            self.say("Stopping Airflow")
            _end([child.process.pid for child in self.children])
            _state_file(self.settings).unlink(missing_ok=True)
            self._say_what_is_stopped(database_was_running)
        return 1

    def _say_what_is_stopped(self, database_was_running: bool) -> None:
        left = [child.name for child in self.children if child.process.poll() is None]
        if left:
            self.say(
                f"Not stopped: {', '.join(left)}. See the processes that run from {self.settings.own_home}."
            )
        elif database_was_running:
            self.say("Airflow is stopped. The database was running before and goes on; 'make down' stops it.")
        else:
            if embedded.stop(self.settings.own_home):
                self.say("Stopped the database")
            self.say("Everything is stopped")

    def _start(self) -> None:
        self._end_remains()
        port = self._port()
        self.url = environment.pages_url(port)
        self.say("Preparing the database")
        self.variables = environment.airflow_environment(self.settings, port=port)
        environment.prepare(self.settings, self.variables, self.say)
        password = environment.admin_user(self.settings, self.variables)
        self.say("Starting Airflow")
        self._launch(*_API_SERVER)
        self._until_answering()
        client = AirflowClient(self.url, "admin", password)
        _end_abandoned_runs(client)
        # The DAGs are read afresh before anyone acts on them: what was to run next when this home was last up
        # may be long past.
        began = datetime.now(UTC)
        self._launch(*_DAG_PROCESSOR)
        for line in people.make_roles(client):  # while the DAGs are read
            self.say(line)
        paused = self._until_read(client, began)
        self._launch(*_SCHEDULER)
        new_people = self._make_people(client)
        self._until_healthy(client)
        scheduled = (
            "The DAG 'nightly' is paused: no night starts by itself until you unpause it."
            if paused
            else "The night is scheduled for each midnight UTC."
        )
        for line in (
            "",
            f"Airflow is up:  {self.url}",
            "  login         admin",
            f"  password      {password}",
            *_shown(new_people),
            f"{scheduled} Logs: {environment.airflow_home(self.settings) / 'logs'}",
            "Ctrl-C stops everything.",
        ):
            self.say(line)

    def _make_people(self, client: AirflowClient) -> list[people.Person]:
        """Nobody but on the sample installation: whoever looks after another adds the people who are to be there."""
        if not people.is_sample(self.settings, with_store(self.settings).store_url):
            return []
        return people.make_people(client)

    def _launch(self, name: str, arguments: tuple[str, ...], earlier: list[float] | None = None) -> None:
        logs = environment.airflow_home(self.settings) / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        with (logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "airflow", *arguments],
                env=self.variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=environment.airflow_home(self.settings),
                start_new_session=True,  # Ctrl-C reaches us alone; we end each group
            )
        self.children.append(_Child(name, arguments, process, [*(earlier or []), time.monotonic()]))
        self._write_state()

    def _until_answering(self) -> None:
        deadline = time.monotonic() + _ANSWERS_WITHIN_SECONDS
        while True:
            with (
                contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError),
                urllib.request.urlopen(f"{self.url}/api/v2/version", timeout=5),
            ):
                return
            self._refuse_if_ended(deadline, "answer")
            time.sleep(0.2)

    def _until_read(self, client: AirflowClient, since: datetime) -> bool:
        """Waits until the DAG of the night has been read since then; whether someone has paused it."""
        deadline = time.monotonic() + _ANSWERS_WITHIN_SECONDS
        while True:
            try:
                dag = client.get("/api/v2/dags/nightly")
                if datetime.fromisoformat(dag["last_parsed_time"]) > since:
                    return bool(dag["is_paused"])
            except RestError as error:
                if error.status != 404:
                    raise
            self._refuse_if_ended(deadline, "read the DAGs")
            time.sleep(0.2)

    def _until_healthy(self, client: AirflowClient) -> None:
        deadline = time.monotonic() + _ANSWERS_WITHIN_SECONDS
        while client.get("/api/v2/monitor/health")["scheduler"]["status"] != "healthy":
            self._refuse_if_ended(deadline, "start its scheduler")
            time.sleep(0.2)

    def _refuse_if_ended(self, deadline: float, what: str) -> None:
        logs = environment.airflow_home(self.settings) / "logs"
        for child in self.children:
            if child.process.poll() is not None:
                raise UpRefused(
                    f"Airflow's {child.name} ended with code {child.process.returncode} while "
                    f"starting: see {logs / child.name}.log."
                )
        if time.monotonic() > deadline:
            raise UpRefused(f"Airflow did not {what} within {_ANSWERS_WITHIN_SECONDS:.0f} s: see {logs}.")

    def _watch(self) -> None:
        while True:
            time.sleep(0.5)
            for child in list(self.children):
                code = child.process.poll()
                if code is None:
                    continue
                _end([child.process.pid])  # its workers
                recent = [at for at in child.started if time.monotonic() - at < _RESTARTS_WITHIN_SECONDS]
                log = environment.airflow_home(self.settings) / "logs" / f"{child.name}.log"
                if len(recent) > _RESTARTS:
                    raise UpRefused(
                        f"Airflow's {child.name} ended {len(recent)} times within ten minutes, "
                        f"last with code {code}: see {log}."
                    )
                self.say(f"Airflow's {child.name} ended with code {code}; starting it again (see {log})")
                self.children.remove(child)
                self._launch(child.name, child.arguments, recent)

    def _port(self) -> int:
        wanted = self.settings.port
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", wanted))
            except OSError:
                raise UpRefused(
                    f"Port {wanted} on loopback is taken by another program. Set {LOGIN_PORT} to "
                    f"a free port, or to 0 for any."
                ) from None
            return int(probe.getsockname()[1])

    def _end_remains(self) -> None:
        state = _read_state(self.settings)
        if state is None:
            return
        remains = [number for number, born in state["processes"][1:] if _alive(number, born)]
        if remains:
            self.say("Ending the remains of an Airflow whose supervisor was killed")
            _end(remains)

    def _write_state(self) -> None:
        processes = [os.getpid(), *(child.process.pid for child in self.children)]
        state = {"url": self.url, "processes": [(number, _born(number)) for number in processes]}
        environment.write_private(_state_file(self.settings), json.dumps(state))


def _shown(new_people: list[people.Person]) -> list[str]:
    """Who can sign in as well, with passwords that are said now and never again."""
    if not new_people:
        return []
    return [
        "On this sample somebody for each role, too; these passwords are kept nowhere but in Airflow, and not shown again:",
        *(
            f"  {person.name:<14}{person.password}"
            + (f"   ({' and '.join(person.roles)})" if len(person.roles) > 1 else "")
            for person in new_people
        ),
    ]


def _raise_stop(number: int, frame: object) -> None:
    raise _Stop


def _state_file(settings: Settings) -> Path:
    return environment.airflow_home(settings) / "up.json"


def _read_state(settings: Settings) -> dict[str, Any] | None:
    try:
        state: dict[str, Any] = json.loads(_state_file(settings).read_text())
        return state
    except (OSError, ValueError):
        return None


def _born(number: int) -> float:
    try:
        return psutil.Process(number).create_time()
    except psutil.NoSuchProcess:
        return 0.0


def _alive(number: int, born: float) -> bool:
    try:
        process = psutil.Process(number)
        return abs(process.create_time() - born) < 1 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _end(leaders: list[int]) -> None:
    """Ends these processes, their groups and all their descendants: asked first, then killed."""
    family: list[psutil.Process] = []
    for leader in leaders:
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(leader)
            family += [process, *process.children(recursive=True)]
    # Descendants of a leader that is gone already are still in its group.
    family += [p for p in psutil.process_iter() if _group(p.pid) in leaders and p not in family]
    for leader in leaders:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGTERM)
    _, left = psutil.wait_procs(family, timeout=_STOPS_WITHIN_SECONDS)
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            left += process.children(recursive=True)
            process.kill()
    for leader in leaders:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)
    psutil.wait_procs(left, timeout=5)


def _group(number: int) -> int:
    try:
        return os.getpgid(number)
    except ProcessLookupError:
        return -1


def _end_abandoned_runs(client: AirflowClient) -> None:
    """Runs started from a shell whose process was killed still read 'running'; the scheduler would take
    them up again.
    """
    running = client.get("/api/v2/dags/~/dagRuns?state=running&limit=100")["dag_runs"]
    for run in running:
        if run["triggered_by"] == "test":
            client.patch(f"/api/v2/dags/{run['dag_id']}/dagRuns/{run['dag_run_id']}", {"state": "failed"})
