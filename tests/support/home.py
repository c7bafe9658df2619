"""A home of its own for the bench and the simulations: an embedded server, a database for each store, processes in it.

Belongs here: what is made for measuring or playing and is gone afterwards. Does not belong here: what is measured or played.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psutil

from case_closure.local import embedded
from case_closure.settings import DATABASE_URL, HOME, LANDING, LOGIN_PORT, OUTBOUND
from case_closure.store import database

REPOSITORY = Path(__file__).resolve().parents[2]


class MeasuringFailed(Exception):
    """What was to be measured did not go through; the message says what, and where its words are."""


# A server that can be backed up while it runs, and can be copied to another, logs all that it writes.
CAN_BE_BACKED_UP = {"wal_level": "replica", "max_wal_senders": "10"}

# Every store is a copy of one that was migrated once.
_TEMPLATE = "bench_migrated"


class Home:
    """An embedded server with nothing in it, in a folder that :func:`new_home` takes away again."""

    def __init__(self, folder: Path, configuration: Mapping[str, str] | None = None) -> None:
        """``configuration``: in what the server is to differ from the one that comes with the product."""
        self.folder = folder
        self._server = embedded.ensure_running(folder, configuration)
        self._made = 0

    @contextlib.contextmanager
    def store(self) -> Iterator[str]:
        """The URL of a migrated store with nothing in it; dropped on leaving. What was written before is on disk by then."""
        self._made += 1
        name = f"bench_{self._made}"
        url = self._server.admin_url(name)
        if self._made == 1:
            self._execute(f"create database {_TEMPLATE}")
            database.migrate(self._server.admin_url(_TEMPLATE))
            database.forget(self._server.admin_url(_TEMPLATE))
        self._execute(f"create database {name} template {_TEMPLATE}")
        try:
            self._execute("checkpoint")
            yield url
        finally:
            database.forget(url)
            self._execute(f"drop database if exists {name} with (force)")

    def restart(self) -> None:
        """Have the server running again after it was killed."""
        database.forget(self._server.admin_url())
        before, self._server = self._server, embedded.ensure_running(self.folder)
        if self._server != before:
            raise MeasuringFailed(
                "The database came back on another port, as its own was taken meanwhile: begin again."
            )

    def checkpoint(self) -> None:
        """Have everything written so far on disk, so that it is not paid for by what is measured next."""
        self._execute("checkpoint")

    def shown(self, setting: str) -> str:
        """A setting of the server, as it says itself."""
        with database.engine(self._server.admin_url()).connect() as connection:
            return str(connection.exec_driver_sql(f"show {setting}").scalar_one())

    def wal_bytes(self) -> int:
        """How much the server has written to its log since it was made."""
        with database.engine(self._server.admin_url()).connect() as connection:
            return int(connection.exec_driver_sql("select pg_current_wal_lsn() - '0/0'::pg_lsn").scalar_one())

    def _execute(self, statement: str) -> None:
        with database.engine(self._server.admin_url()).connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql(statement)

    def server_folder(self, name: str) -> Path:
        """A new folder that the server itself can read and write."""
        folder = self.folder / "postgres" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        owner = (self.folder / "postgres" / "data").stat()
        os.chown(folder, owner.st_uid, owner.st_gid)
        return folder

    def environment(self, url: str, **more: str) -> dict[str, str]:
        """The environment of a process that works on this store: nothing of the caller's own installation in it.

        Compiled modules are kept in the home and found there by the next process, as an installation has them: else
        what is measured is Python compiling libraries, wherever they were installed without.
        """
        others = (HOME, DATABASE_URL, LANDING, OUTBOUND, LOGIN_PORT, "PYTHONDONTWRITEBYTECODE")
        kept = {
            name: value
            for name, value in os.environ.items()
            if name not in others and not name.startswith("AIRFLOW")
        }
        ours = {
            HOME: str(self.folder),
            DATABASE_URL: url,
            "PYTHONPYCACHEPREFIX": str(self.folder / "compiled"),
        }
        return {**kept, **ours, **more}

    def postmaster(self) -> psutil.Process:
        """The server's first process."""
        return psutil.Process(
            int((self.folder / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
        )

    @contextlib.contextmanager
    def watched(self) -> Iterator[list[int]]:
        """While inside, the server's processes are looked at; the list then holds the most memory one had, in bytes."""
        most, ended = [0], threading.Event()

        def look() -> None:
            while not ended.wait(0.25):
                with contextlib.suppress(psutil.Error, OSError):
                    sizes = [process.memory_info().rss for process in self.postmaster().children()]
                    most[0] = max(most[0], *sizes, 0)

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        try:
            yield most
        finally:
            ended.set()
            thread.join()

    def run(self, arguments: Sequence[str], environment: dict[str, str]) -> str:
        """A Python process run to its end; what it printed. Raises MeasuringFailed with its last words."""
        log = self.folder / "bench.log"
        with log.open("w") as words:
            process = subprocess.Popen(
                [sys.executable, *arguments], env=environment, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=words, text=True
            )  # fmt: skip
            try:
                printed, _ = process.communicate()
            finally:
                process.kill()
                process.wait()
        if process.returncode != 0:
            said = (printed + log.read_text()).strip().splitlines()[-8:]
            raise MeasuringFailed(
                f"'{' '.join(arguments)}' ended with code {process.returncode}: " + "\n  ".join(said)
            )
        return printed


@contextlib.contextmanager
def new_home(given: Path | None, configuration: Mapping[str, str] | None = None) -> Iterator[Home]:
    """A home in the folder given, which must not exist or be empty, else in the system's temporary one.

    On leaving its server is stopped and its files are gone. Raises MeasuringFailed when there is something in the folder.
    """
    if given is not None and given.exists() and any(given.iterdir()):
        raise MeasuringFailed(
            f"{given}: expected no folder or an empty one, for it is emptied afterwards; found files in it."
        )
    outer = None if given else Path(tempfile.mkdtemp(prefix="case-closure-bench-"))
    folder = given.absolute() if given else (outer or Path()) / "var"
    try:
        yield Home(folder, configuration)
    finally:
        with contextlib.suppress(embedded.ServerUnavailable):
            embedded.stop(folder)
        shutil.rmtree(outer or folder, ignore_errors=True)
