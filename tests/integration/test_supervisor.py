"""`case-closure nightly` and `make up` with a real Airflow, and a night that does nothing but write down
what was asked of it.

What is tested is the wiring: order, retries, callbacks, exit codes, processes. Real nights through Airflow are
in test_nights_through_airflow.py. Tests run in the order written: first runs from a shell alone, then all that
needs a scheduler, with one Airflow, then its end.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from case_closure.domain.permissions import ROLES
from case_closure.local import embedded, environment, people, supervisor
from case_closure.sample import mark
from case_closure.settings import Settings
from tests.support.airflow_up import Up, until

NOOP = Path(__file__).parent / "noop"
STAGES = [
    "open_night",
    "verify_landing",
    "receive_extract",
    "select_tranche",
    "take_applications",
    "judge_debts",
    "follow_closure",
    "receive_balances",
    "set_up_cases",
    "post_dues",
    "decide_next_action",
    "apply_corrections",
    "allocate_payments",
    "refer_actions",
    "check_money_law",
    "write_out",
    "close_night",
]

# Five minutes are short on a machine that does much else.
pytestmark = pytest.mark.timeout(1200)


class Installation:
    """A home whose night does nothing, and what was asked of that night."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.record = home / "record.jsonl"
        self.landing = home / "landing"
        self.outbound = home / "outbound"
        self.landing.mkdir(parents=True)
        self.variables = {
            **os.environ,
            "CASE_CLOSURE_HOME": str(home),
            "CASE_CLOSURE_PORT": "0",
            "NOOP_NIGHT_RECORD": str(self.record),
            "PYTHONPATH": str(NOOP),
        }
        self.settings = Settings.from_environment(self.variables)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "case_closure.cli", *arguments],
            env=self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def nightly(self, night: str) -> tuple[int, list[str]]:
        """Exit code and lines of `case-closure nightly --date <night>`."""
        process = self.start("nightly", "--date", night)
        printed, _ = process.communicate(timeout=400)
        return process.returncode, printed.splitlines()

    def trouble(self, night: str, stage: str, kind: str) -> Path:
        path = self.landing / night / stage
        path.parent.mkdir(exist_ok=True)
        path.write_text(kind)
        return path

    def asked(self, *nights: str) -> list[dict[str, str]]:
        """What the night was asked, in order: all of it, or of these dates."""
        if not self.record.exists():
            return []
        lines = [json.loads(line) for line in self.record.read_text().splitlines()]
        return [line for line in lines if not nights or line["business_date"] in nights]

    def ran(self, *nights: str) -> list[tuple[str, str]]:
        return [
            (line["business_date"], line["stage"]) for line in self.asked(*nights) if line["what"] == "ran"
        ]

    def recorded_as_failed(self, night: str) -> list[tuple[str, str]]:
        return [
            (line["stage"], line["reason"])
            for line in self.asked(night)
            if line["what"] == "recorded as failed"
        ]


@pytest.fixture(scope="module")
def installation(shared_home: Path) -> Installation:
    return Installation(shared_home)


# --- from a shell, no Airflow up --------------------------------------------------------------------------


def test_a_night_from_a_shell_runs_every_stage_in_order_and_shows_each(installation: Installation) -> None:
    code, printed = installation.nightly("2017-08-10")
    assert code == 0, printed
    assert installation.ran() == [("2017-08-10", stage) for stage in STAGES]
    shown = [
        match.groups()
        for line in printed
        if (match := re.match(r"  (\w+) +(started|done in [\d.]+ s)", line))
    ]
    assert [stage for stage, what in shown if what == "started"] == STAGES
    assert [stage for stage, what in shown if what != "started"] == STAGES
    assert sum("rows 3" in line for line in printed) == len(STAGES)
    assert [line.split()[0] for line in printed[-5:-2]] == ["case-closure", "case-closure", "make"]
    assert printed[-2] == ""
    assert re.match(r"Night of 2017-08-10", printed[-1]), printed[-1]
    assert str(installation.home / "outbound" / "2017-08-10") in printed[-1]


def test_the_landing_zone_is_opened_as_object_storage(installation: Installation) -> None:
    """So that a URL of any store Airflow knows is as good as a folder."""
    first = installation.asked("2017-08-10")[0]
    assert (first["landing_type"], first["landing"]) == ("ObjectStoragePath", str(installation.landing))


def test_a_refused_night_ends_with_the_reason_and_is_not_recorded_as_failed(
    installation: Installation,
) -> None:
    """R21: it was never begun."""
    installation.trouble("2017-08-11", "open_night", "refused")
    code, printed = installation.nightly("2017-08-11")
    assert code == 1
    assert printed[-1] == "the night of 2017-08-09 is open, run by run-1"
    assert installation.ran("2017-08-11") == [("2017-08-11", "open_night")]
    assert installation.recorded_as_failed("2017-08-11") == []


def test_a_night_whose_command_is_killed_is_killed_with_it(installation: Installation) -> None:
    """Else the same command, given again, would find the night still open and running."""
    installation.trouble("2017-08-12", "open_night", "slow")
    command = installation.start("nightly", "--date", "2017-08-12")
    asked = until(lambda: installation.asked("2017-08-12"))
    night = psutil.Process(int(asked[0]["process"]))
    command.kill()
    command.wait(10)
    night.wait(10)
    assert not night.is_running()


# --- with Airflow up --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def up(installation: Installation) -> Iterator[Up]:
    # Nothing but a sample is there.
    (installation.landing / "2017-01-01").mkdir()
    (installation.landing / "2017-01-01" / "manifest.json").write_text("{}")
    mark.write(installation.landing)
    installation.variables["AIRFLOW__FAB__CACHE_TTL"] = "1"
    started = Up(installation.home, installation.variables)
    yield started
    with contextlib.suppress(ProcessLookupError):
        started.process.terminate()
    started.process.wait(60)


def test_airflow_comes_up_with_the_night_scheduled_and_nothing_of_the_past_started(
    installation: Installation, up: Up
) -> None:
    dag = up.client.get("/api/v2/dags/nightly")
    assert dag["is_paused"] is False
    assert dag["next_dagrun_logical_date"] is not None
    assert up.client.get("/api/v2/importErrors")["total_entries"] == 0
    health = up.client.get("/api/v2/monitor/health")
    assert health["scheduler"]["status"] == health["dag_processor"]["status"] == "healthy"
    runs = up.client.get("/api/v2/dags/nightly/dagRuns?run_type=scheduled")
    assert runs["total_entries"] == 0


def desk_of(up: Up, token: str) -> tuple[int, str]:
    """The first page of the desk, as whoever has this token of Airflow's."""
    asked = urllib.request.Request(f"{up.client.url}/desk/", headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_on_a_sample_somebody_for_each_role_signs_in_with_a_password_that_was_said_once(
    installation: Installation, up: Up
) -> None:
    printed = up.log.read_text().partition("somebody for each role")[2].partition("The night is scheduled")[0]
    passwords = dict(re.findall(r"^  (\w+) +(\S+)", printed, re.M))
    assert list(passwords) == list(ROLES)
    for name, password in passwords.items():
        status, page = desk_of(up, up.client.sign_in(name, password))
        assert status == 200, name
        assert f"{name}: " in page, "the role is not known at the desk"
    for nobody in ("", "nonsense", f"{up.client.sign_in('analyst', passwords['analyst'])}x"):
        status, page = desk_of(up, nobody)
        assert (status, "You are not signed in" in page) == (401, True)
    kept = [
        path
        for path in environment.airflow_home(installation.settings).rglob("*")
        if path.is_file() and any(password.encode() in path.read_bytes() for password in passwords.values())
    ]
    assert kept == []


def test_roles_and_people_are_made_once_and_a_role_that_was_changed_is_as_it_should_be_again(up: Up) -> None:
    assert people.make_people(up.client) == []
    assert people.make_roles(up.client) == []
    everything = up.client.get("/auth/fab/v1/roles/Admin")["actions"]
    up.client.patch("/auth/fab/v1/roles/analyst", {"name": "analyst", "actions": everything})
    (said,) = people.make_roles(up.client)
    assert "'analyst'" in said
    assert "can_edit on Roles" in said.partition("taken away")[0]
    assert people.make_roles(up.client) == []


def test_who_has_lost_their_role_is_told_so_and_sees_nothing(up: Up) -> None:
    person = {
        "username": "ben",
        "password": "for a test",
        "email": "ben",
        "first_name": "B",
        "last_name": "B",
    }
    up.client.post("/auth/fab/v1/users", {**person, "roles": [{"name": "auditor"}]})
    token = up.client.sign_in("ben", "for a test")
    assert desk_of(up, token)[0] == 200
    up.client.patch("/auth/fab/v1/users/ben?update_mask=roles", {"roles": [{"name": "Viewer"}]})
    page = until(lambda: (found := desk_of(up, token))[0] == 403 and found[1], 30)
    assert "This is not for your role" in page


def test_a_run_abandoned_by_a_killed_shell_is_not_taken_up_by_the_scheduler(
    installation: Installation, up: Up
) -> None:
    runs = up.client.get("/api/v2/dags/nightly/dagRuns?state=running")
    assert runs["total_entries"] == 0
    assert [stage for _, stage in installation.ran("2017-08-12")] == ["open_night"]


def test_everything_listens_on_loopback_only(up: Up) -> None:
    everyone = psutil.Process(up.process.pid).children(recursive=True)
    listening = {
        connection.laddr.ip
        for process in everyone
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}


@pytest.mark.parametrize(
    ("night", "kind", "reason"),
    [
        ("2017-02-01", "failed", "the money law is broken in RP ACTIVE"),
        ("2017-02-02", "bug", "KeyError: 'a mistake in the program'"),
    ],
)
def test_a_failed_stage_is_not_tried_again_and_the_night_is_recorded_as_failed(
    installation: Installation, up: Up, night: str, kind: str, reason: str
) -> None:
    installation.trouble(night, "open_night", kind)
    run = up.trigger(night)
    assert up.ended(run) == "failed"
    assert installation.ran(night) == [(night, "open_night")]
    assert until(lambda: installation.recorded_as_failed(night)) == [("open_night", reason)]
    log = up.client.get(f"/api/v2/dags/nightly/dagRuns/{run}/taskInstances/open_night.run/logs/1")
    assert "What to do: mend what is named above, then clear this task" in json.dumps(log)


def test_a_night_from_a_shell_runs_in_the_airflow_that_is_up_and_what_may_pass_by_itself_is_tried_again(
    installation: Installation, up: Up
) -> None:
    """Never two schedulers of one database. The first stage loses its connection once: it is begun
    again, and the night goes on."""
    installation.trouble("2017-08-14", "open_night", "transient")
    code, printed = installation.nightly("2017-08-14")
    assert code == 0, printed
    assert f"Airflow is up: the run is {up.client.url}" in "\n".join(printed)
    assert [stage for _, stage in installation.ran("2017-08-14")] == ["open_night", *STAGES]
    assert installation.recorded_as_failed("2017-08-14") == []
    tasks = [line["process"] for line in installation.asked("2017-08-14")]
    assert len(set(tasks)) == len(tasks), "each in a process of its own"


def test_a_second_up_is_refused_and_says_where_the_first_is(installation: Installation, up: Up) -> None:
    second = installation.start("up")
    printed, _ = second.communicate(timeout=60)
    assert second.returncode == 1
    assert printed.splitlines()[-1] == f"Airflow is already up at {up.client.url}."
    assert len(up.children()) == 3


def test_a_process_that_ends_is_started_again(up: Up) -> None:
    before = up.children()["dag-processor"]
    before.kill()
    until(lambda: up.children().get("dag-processor", before).pid != before.pid)
    assert "Airflow's dag-processor ended with code -9; starting it again" in up.log.read_text()


def test_sigterm_leaves_no_process_behind(installation: Installation, up: Up) -> None:
    everyone = psutil.Process(up.process.pid).children(recursive=True)
    assert len(everyone) > 3
    up.process.send_signal(signal.SIGTERM)
    assert up.process.wait(60) == 0
    last = "Airflow is stopped. The database was running before and goes on; 'make down' stops it."
    assert up.log.read_text().splitlines()[-1] == last
    _, alive = psutil.wait_procs(everyone, timeout=1)
    assert alive == []
    assert supervisor.serving(installation.settings) is None
    home = str(environment.airflow_home(installation.settings))
    assert [p for p in psutil.process_iter() if _airflow_home(p) == home] == []


def test_the_database_it_found_running_is_left_running(installation: Installation) -> None:
    assert embedded.is_running(installation.home)


def _airflow_home(process: psutil.Process) -> str | None:
    try:
        return process.environ().get("AIRFLOW_HOME")
    except psutil.Error:
        return None
