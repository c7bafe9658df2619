"""Airflow's configuration for one <home>, wholly in environment variables, and the metadata database made
ready.

Belongs here: every Airflow setting the project makes, with its reason, each a default that the user's own variable stands over;
the secrets of one home; the database migration. Does not belong here: starting the long-running processes (`supervisor.py`).
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import hashlib
import importlib.metadata
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import case_closure
from case_closure import refusals
from case_closure.local import embedded
from case_closure.settings import HOME, LOGIN_PORT, Settings, SettingsInvalid

REPOSITORY = Path(case_closure.__file__).resolve().parents[2]
DAGS = REPOSITORY / "dags"
PLUGINS = REPOSITORY / "plugins"
_METADATA = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"


# What the supervisor cannot do without, and what to do instead of setting it otherwise.
CANNOT_BE_THEIRS = {
    "AIRFLOW__API__PORT": f"Set {LOGIN_PORT} instead, which is also where the night is asked for from a shell.",
    "AIRFLOW__CORE__AUTH_MANAGER": "'up' makes the user admin with this one, and asks Airflow as that user. To use another, "
    "start Airflow's processes yourself: docs/runbook.md, 'Settings'.",
    "AIRFLOW__API__SSL_CERT": "'up' asks Airflow by http, from this machine. Let a proxy in front of it speak TLS.",
}

# Of a run that has no pages: who may see which DAG is settled by the Airflow that shows them, whenever it reads them.
WITHOUT_PAGES = {
    "AIRFLOW__CORE__AUTH_MANAGER": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
}


class AirflowFailed(refusals.Refused):
    """An Airflow command failed; the message says which, and where its words are."""


def airflow_home(settings: Settings) -> Path:
    return settings.own_home / "airflow"


def airflow_environment(settings: Settings, *, port: int | None = None) -> dict[str, str]:
    """The environment for any Airflow process of this home. Starts the embedded PostgreSQL unless it is not
    needed.

    A variable of Airflow's that the user has set stays as it is. Raises SettingsInvalid for one that cannot be theirs.
    """
    home = airflow_home(settings)
    home.mkdir(parents=True, exist_ok=True)
    kept = _secrets(home)
    port = settings.port if port is None else port
    if _is_theirs(_METADATA):
        metadata = os.environ.get(_METADATA)
    else:
        metadata = embedded.ensure_running(settings.own_home).url(embedded.AIRFLOW)
    defaults = {
        # psycopg 3 speaks both ways; the default is another driver
        **({_METADATA: metadata, f"{_METADATA}_ASYNC": metadata} if metadata else {}),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_POOL_SIZE": "3",
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PLUGINS),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "2",  # LocalExecutor forks this many at once; a night is sequential
        "AIRFLOW__CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
        "AIRFLOW__CORE__FERNET_KEY": kept["fernet_key"],
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{pages_url(port)}/execution/",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": pages_url(port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__SECRET_KEY": kept["secret_key"],
        "AIRFLOW__API_AUTH__JWT_SECRET": kept["jwt_secret"],
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.25",  # a stage begins soon after the one before
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "30",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",  # nothing leaves the machine
        "AIRFLOW__API__INSTANCE_NAME": "Case closure",
    }
    for name, why in CANNOT_BE_THEIRS.items():
        ours_alone = defaults.get(name, "")
        if os.environ.get(name, "") not in ("", ours_alone):
            expected = f"not to be set, or to be '{ours_alone}'" if ours_alone else "not to be set"
            raise SettingsInvalid(f"{name}: expected it {expected}, found '{os.environ[name]}'. {why}")
    ours = {
        HOME: str(settings.own_home),
        "AIRFLOW_HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PYTHONWARNINGS": "ignore",
        "PYTHONUNBUFFERED": "1",
    }
    return {
        **os.environ,
        **ours,
        **{name: value for name, value in defaults.items() if not _is_theirs(name)},
    }


def _is_theirs(name: str) -> bool:
    """Whether the user has set this option of Airflow's, in any of the ways in which a variable may.

    airflow.cfg is not asked: Airflow writes it, with every default in it, so that what a person chose cannot be told.
    """
    return any(os.environ.get(name + way) for way in ("", "_CMD", "_SECRET"))


def pages_url(port: int) -> str:
    """Where this machine asks Airflow: at loopback, unless the user has it listen at another address alone."""
    host = os.environ.get("AIRFLOW__API__HOST") or "127.0.0.1"
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def prepare(settings: Settings, environment: dict[str, str], say: Callable[[str], None]) -> None:
    """Brings Airflow's metadata database to this version. Quick when it was done before. Raises
    AirflowFailed.
    """
    if _is_theirs(_METADATA):
        run_airflow(settings, environment, "db", "migrate")
        return
    # Kept beside the cluster, so that it goes with it when someone deletes the database.
    done = settings.own_home / "postgres" / "airflow.version"
    version = importlib.metadata.version("apache-airflow-core")
    with _only_one(airflow_home(settings)):
        if done.exists() and done.read_text() == version:
            return
        say("Making Airflow's database, once")
        run_airflow(settings, environment, "db", "migrate")
        done.write_text(version)


def run_airflow(settings: Settings, environment: dict[str, str], *arguments: str, secret: str = "") -> str:
    """Runs one Airflow command to its end and hands back what it printed. Raises AirflowFailed.

    secret is typed when asked for, twice: as an argument any user of the machine could read it.
    """
    done = subprocess.run(
        [sys.executable, "-m", "airflow", *arguments],
        env=environment,
        input=f"{secret}\n{secret}\n",
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,  # without a terminal of its own the question is read from standard input
    )
    log = airflow_home(settings) / "commands.log"
    with log.open("a") as out:
        out.write(
            f"$ airflow {arguments[0]} "
            f"{arguments[1] if len(arguments) > 1 else ''}\n{done.stdout}{done.stderr}\n"
        )
    if done.returncode != 0:
        raise AirflowFailed(
            f"'airflow {' '.join(arguments[:2])}' failed with code {done.returncode}; its words are in {log}."
        )
    return done.stdout + done.stderr


def write_private(path: Path, text: str) -> None:
    """Writes a file only its owner can read, whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w") as out:
        out.write(text)
    Path(name).replace(path)


def _secrets(home: Path) -> dict[str, str]:
    path = home / "secrets.json"
    with _only_one(home):
        if not path.exists():
            secrets_made = {
                "fernet_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
                "secret_key": secrets.token_urlsafe(48),
                "jwt_secret": secrets.token_urlsafe(64),
                "admin_password": secrets.token_urlsafe(12),
            }
            write_private(path, json.dumps(secrets_made))
        secrets_kept = json.loads(path.read_text())
    return {str(name): str(value) for name, value in secrets_kept.items()}


def admin_user(settings: Settings, environment: dict[str, str]) -> str:
    """Makes Airflow's user 'admin' if there is none yet; returns its password. Raises AirflowFailed."""
    password = admin_password(settings)
    password_sha256 = hashlib.sha256(password.encode()).hexdigest()
    marker = settings.own_home / "postgres" / "airflow.admin"
    if not _is_theirs(_METADATA) and marker.exists() and marker.read_text() == password_sha256:
        return password
    named = ["--username", "admin"]
    person = ["--role", "Admin", "--firstname", "Case", "--lastname", "Closure", "--email", "admin@localhost"]
    said = run_airflow(settings, environment, "users", "create", *named, *person, secret=password)
    if "already exist" in said:
        run_airflow(settings, environment, "users", "reset-password", *named, secret=password)
    if not _is_theirs(_METADATA):
        marker.write_text(password_sha256)
    return password


def admin_password(settings: Settings) -> str:
    """The password of Airflow's user 'admin' in this home."""
    return _secrets(airflow_home(settings))["admin_password"]


@contextlib.contextmanager
def _only_one(home: Path) -> Iterator[None]:
    with (home / "prepare.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
