"""The embedded PostgreSQL: made, found again, recovered, stopped; on loopback and behind a password.

Tests that only look share a server; each other has one of its own.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import psycopg
import pytest

from case_closure.local import embedded
from case_closure.settings import Settings
from case_closure.store.transient import is_transient

START = "from case_closure.local import embedded; print(embedded.ensure_running({home!r}).port)"


def connect(
    server: embedded.Server, database: str = embedded.STORE
) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(server.url(database).replace("+psycopg", ""), autocommit=True)


def postmaster(home: Path) -> psutil.Process:
    return psutil.Process(int((home / "postgres/data/postmaster.pid").read_text().split()[0]))


def test_a_new_home_gets_a_server_with_two_databases(shared_home: Path) -> None:
    server = embedded.ensure_running(shared_home)
    for database in ("case_closure", "airflow"):
        with connect(server, database) as connection:
            encoding = connection.execute("show server_encoding").fetchone()
            assert encoding == ("UTF8",)


def test_a_second_start_finds_the_same_server(shared_home: Path) -> None:
    first = embedded.ensure_running(shared_home)
    number = postmaster(shared_home).pid
    assert embedded.ensure_running(shared_home) == first
    assert postmaster(shared_home).pid == number


def test_it_listens_on_loopback_only_and_asks_for_the_password(shared_home: Path) -> None:
    server = embedded.ensure_running(shared_home)
    listening = {c.laddr for c in postmaster(shared_home).net_connections(kind="all") if c.status == "LISTEN"}
    assert listening == {("127.0.0.1", server.port)}
    assert stat.S_IMODE((shared_home / "postgres.json").stat().st_mode) == 0o600
    stranger = replace(server, admin_password="guessed", passwords=dict.fromkeys(server.passwords, "guessed"))
    for url in (stranger.url(), stranger.url(embedded.AIRFLOW), stranger.admin_url()):
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(url.replace("+psycopg", ""))


def test_what_was_committed_is_durable(shared_home: Path) -> None:
    with connect(embedded.ensure_running(shared_home)) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
            assert connection.execute(f"show {setting}").fetchone() == ("on",), setting


def test_after_a_kill_it_comes_back_with_all_that_was_committed(home: Path) -> None:
    """'Process killed at any instant': the same call goes on, and nothing committed is lost."""
    with connect(embedded.ensure_running(home)) as connection:
        connection.execute("create table kept (pence bigint)")
        connection.execute("insert into kept select generate_series(1, 1000)")
        postmaster(home).kill()
        server = embedded.ensure_running(home)
    with connect(server) as connection:
        assert connection.execute("select count(*), sum(pence)::bigint from kept").fetchone() == (
            1000,
            500500,
        )


def test_a_process_number_taken_over_by_another_program_is_not_mistaken_for_it(home: Path) -> None:
    embedded.ensure_running(home)
    held = home / "postgres/data/postmaster.pid"
    left_behind = held.read_text().splitlines()
    postmaster(home).kill()
    psutil.wait_procs(
        [p for p in psutil.process_iter() if p.name() == "postgres" and _in(p, home)], timeout=10
    )
    held.write_text("\n".join([str(os.getpid()), *left_behind[1:]]) + "\n")
    assert not embedded.is_running(home)
    with connect(embedded.ensure_running(home)) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_two_that_start_it_at_once_get_the_same_server(home: Path) -> None:
    starters = [
        subprocess.Popen(
            [sys.executable, "-c", START.format(home=str(home))], stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    ports = {starter.communicate(timeout=60)[0].strip() for starter in starters}
    assert [starter.returncode for starter in starters] == [0, 0, 0]
    assert ports == {str(embedded.ensure_running(home).port)}


def test_one_killed_while_making_it_leaves_nothing_in_the_way(home: Path) -> None:
    half = home / "postgres/data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with connect(embedded.ensure_running(home)) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    assert not half.exists()


def test_it_moves_to_another_port_when_its_own_was_taken_meanwhile(home: Path) -> None:
    before = embedded.ensure_running(home).port
    embedded.stop(home)
    with socket.create_server(("127.0.0.1", before)):
        after = embedded.ensure_running(home).port
    assert after != before
    assert json.loads((home / "postgres.json").read_text())["port"] == after


def test_stopping_ends_its_sessions_and_stopping_again_does_nothing(home: Path) -> None:
    with connect(embedded.ensure_running(home)):
        process = postmaster(home)
        assert embedded.stop(home) is True
    assert not process.is_running()
    assert embedded.stop(home) is False
    assert not embedded.is_running(home)


def test_ctrl_c_in_the_shell_that_started_it_does_not_reach_it(home: Path) -> None:
    # Tests that are run in the background have Ctrl-C turned off, and would hand that on.
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    shell = subprocess.Popen(
        [sys.executable, "-c", heard + START.format(home=str(home)) + "; import time; time.sleep(60)"],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert shell.stdout is not None
    shell.stdout.readline()
    os.killpg(shell.pid, signal.SIGINT)
    shell.wait(10)
    assert embedded.is_running(home)


def test_a_home_in_a_private_folder_is_not_opened_to_others(home: Path) -> None:
    """Root's server runs as a user of its own, which must get through; nobody else may look."""
    private = home.parent
    private.chmod(0o700)
    with connect(embedded.ensure_running(home)) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    assert private.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH | stat.S_IRGRP | stat.S_IWGRP) == 0


def test_a_database_of_the_users_own_is_used_and_none_is_started(home: Path) -> None:
    settings = Settings.from_environment(
        {
            "CASE_CLOSURE_HOME": str(home),
            "CASE_CLOSURE_DATABASE_URL": "postgresql://me:secret@db.example:5432/cc",
        }
    )
    assert embedded.store_url(settings) == "postgresql+psycopg://me:secret@db.example:5432/cc"
    assert not home.exists()


def test_a_database_that_went_away_may_come_back_but_a_full_disk_stays_full(home: Path) -> None:
    """Which errors a task is tried again for."""
    with connect(embedded.ensure_running(home)) as connection:
        embedded.stop(home)
        with pytest.raises(psycopg.OperationalError) as gone:
            connection.execute("select 1")
    assert is_transient(gone.value)
    assert not is_transient(psycopg.errors.DiskFull("no space left on device"))
    assert not is_transient(psycopg.errors.UniqueViolation("twice"))
    assert not is_transient(ValueError("a mistake"))


def _in(process: psutil.Process, home: Path) -> bool:
    try:
        return process.cwd() == str(home / "postgres/data")
    except psutil.Error:
        return False
