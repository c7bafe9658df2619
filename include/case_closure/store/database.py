"""Connections, transactions, locks and migrations.

Belongs here: opening the store, the unit of work, the lock that keeps one night open at a time.
Does not belong here: what is read or written.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import psycopg
from psycopg import sql
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

__all__ = [
    "Connection",
    "LockTaken",
    "engine",
    "lock",
    "lock_within",
    "migrate",
    "raw",
    "rolled_back",
    "run_at_once",
    "take_lock_away",
    "transaction",
]

_log = logging.getLogger(__name__)

# One number for this product, so that it does not meet other users' advisory locks: 'CASE' in ASCII.
_LOCK_SPACE = 0x43415345
MIGRATION_LOCK, STAGE_LOCK, NIGHT_LOCK, SENDING_LOCK, SWEEPING_LOCK, ASKING_LOCK = 1, 2, 3, 4, 5, 6
# No server that was restarted is up again so soon.
_IDLE_SECONDS = 0.5


@functools.cache
def engine(url: str) -> Engine:
    """The pool for a database, one a process. ``url`` names its driver: 'postgresql+psycopg://...'."""
    new_engine = create_engine(url, pool_size=4)
    event.listen(new_engine, "connect", _hold_up_nobody_for_long)
    _ask_after_those_that_lay_idle(new_engine)
    return new_engine


# In seconds: a machine that is gone is noticed before Airflow begins its stage again elsewhere.
_KEEPALIVES = {"tcp_keepalives_idle": 60, "tcp_keepalives_interval": 15, "tcp_keepalives_count": 6}


def _hold_up_nobody_for_long(connection: psycopg.Connection[Any], _: object) -> None:
    """A process that stands still in a transaction, as a stopped one does, loses it, and a machine that is gone all it held."""
    connection.execute("set idle_in_transaction_session_timeout = '300s'")
    for setting, value in _KEEPALIVES.items():
        connection.execute(sql.SQL("set {} = {}").format(sql.Identifier(setting), sql.Literal(value)))
    connection.commit()


def _ask_after_those_that_lay_idle(engine: Engine) -> None:
    """A connection that lay in the pool for a while is asked whether its server is still there, or else made anew.

    Not one that was used just now, as SQLAlchemy's own ``pool_pre_ping`` would: a stage is many short transactions. Should the
    server go in between, the stage fails with an error that may pass (``transient``).
    """

    @event.listens_for(engine, "checkin")
    def given_back(_: Any, record: ConnectionPoolEntry) -> None:
        record.info["given_back"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def taken(driver: Any, record: ConnectionPoolEntry, _: Any) -> None:
        if time.monotonic() - record.info.get("given_back", time.monotonic()) > _IDLE_SECONDS:
            try:
                engine.dialect.do_ping(driver)
            except psycopg.Error as gone:
                raise DisconnectionError from gone


def forget(url: str) -> None:
    """Close the idle connections to a database, as when its server is stopped."""
    engine(url).dispose()


def forget_inherited(url: str) -> None:
    """Close idle connections before a fork, so that no two processes talk on one."""
    engine(url).dispose()


def raw(connection: Connection) -> psycopg.Connection[Any]:
    """The psycopg connection under a SQLAlchemy one: the same transaction, for COPY."""
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)


def run_at_once(
    connection: Connection, *statements: sql.Composable, values: Mapping[str, Any] | None = None
) -> list[tuple[Any, ...]]:
    """Run statements one after the other, sent together; the rows that the last gives. Of SQL and names of our own alone.

    Each that is sent by itself waits for the server's answer. ``values`` stand in them as %(name)s; the driver writes them in.
    """
    cursor = psycopg.ClientCursor(raw(connection))
    cursor.execute(sql.SQL("; ").join(statements), values)
    while cursor.nextset():
        pass
    return cursor.fetchall() if cursor.description else []


@contextlib.contextmanager
def transaction(url: str) -> Iterator[Connection]:
    """One transaction: committed on leaving, rolled back on any error."""
    with engine(url).begin() as connection:
        yield connection


@contextlib.contextmanager
def rolled_back(url: str) -> Iterator[Connection]:
    """One transaction to look with: rolled back on leaving, whatever was done in it."""
    with engine(url).connect() as connection:
        yield connection
        connection.rollback()


class LockTaken(Exception):
    """Somebody else holds the lock."""


@contextlib.contextmanager
def lock(url: str, number: int, *, wait: bool = False) -> Iterator[None]:
    """Hold an advisory lock for as long as the block lasts; it goes with the process if that is killed.

    Raises LockTaken when another connection holds it and ``wait`` is False.
    """
    with engine(url).connect() as connection:
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        key = {"space": _LOCK_SPACE, "number": number}
        if wait:
            connection.execute(text("select pg_advisory_lock(:space, :number)"), key)
        elif not connection.execute(text("select pg_try_advisory_lock(:space, :number)"), key).scalar_one():
            raise LockTaken
        try:
            yield
        finally:
            # A connection that died has given its locks back already.
            with contextlib.suppress(Exception):
                connection.execute(text("select pg_advisory_unlock(:space, :number)"), key)


def lock_within(connection: Connection, number: int) -> None:
    """Wait for an advisory lock and hold it until the transaction ends."""
    connection.execute(
        text("select pg_advisory_xact_lock(:space, :number)"), {"space": _LOCK_SPACE, "number": number}
    )


def take_lock_away(url: str, number: int) -> None:
    """End the connections that hold an advisory lock; returns when it is free, or after some seconds.

    Whoever held it works on without it: to be asked only where something else keeps that from storing anything. A user may end
    connections of its own; those of another are left.
    """
    with engine(url).connect() as connection:
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        holders = (
            "from pg_locks l join pg_stat_activity a using (pid) where l.locktype = 'advisory' and l.granted "
            "and l.classid = :space and l.objid = :number and a.datname = current_database()"
        )
        key = {"space": _LOCK_SPACE, "number": number}
        with contextlib.suppress(DBAPIError):  # not one of ours: a user of another name
            connection.execute(text(f"select pg_terminate_backend(pid, 5000) {holders}"), key)


_MIGRATIONS = Path(__file__).parent / "schema" / "migrations"


def migrate(url: str) -> list[str]:
    """Bring the store to this version's tables, views and roles. Safe to call at every start, and concurrently.

    Returns what the server did not let us do about roles, in words for its administrator; all else is done.
    """
    with lock(url, MIGRATION_LOCK, wait=True):
        missing = _as_it_is(url)
        if missing is None:
            missing = _upgraded(url)
    for words in missing:
        _log.warning(words)
    return missing


def _as_it_is(url: str) -> list[str] | None:
    """Of a store that is of this version, as nearly every night finds it, what is missing of its roles; None of any other.

    Nothing is loaded for it that only an upgrade needs.
    """
    from case_closure.store import roles
    from case_closure.store.schema import views

    latest = max(path.name[:4] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))
    with transaction(url) as connection:
        version = "select to_regclass('public.case_closure_version') is not null"
        if not connection.exec_driver_sql(version).scalar_one():
            return None
        found = connection.exec_driver_sql("select version_num from public.case_closure_version").scalars()
        if list(found) != [latest] or not views.are_current(connection):
            return None
        return roles.apply(connection)


def _upgraded(url: str) -> list[str]:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["url"] = url
    command.upgrade(config, "head")
    missing: list[str] = config.attributes["missing"]
    return missing
