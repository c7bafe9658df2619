"""Connections. The pool: one that lay idle is asked whether its server is still there, one that was used just now is not."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from case_closure.store import database
from case_closure.store.transient import is_transient
from tests.support.installation import Installation


def server_process(installation: Installation) -> int:
    with database.transaction(installation.url) as connection:
        return int(connection.execute(text("select pg_backend_pid()")).scalar_one())


def end(installation: Installation, process: int) -> None:
    """As when the server is restarted: the pool does not know."""
    installation.execute(f"select pg_terminate_backend({process}, 10000)")


def test_a_connection_that_lay_idle_while_its_server_went_is_made_anew(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = server_process(installation)
    assert server_process(installation) == first
    end(installation, first)
    monkeypatch.setattr(database, "_IDLE_SECONDS", 0)
    assert server_process(installation) != first


def test_one_whose_server_went_while_it_was_in_use_fails_in_a_way_that_may_pass_and_the_next_is_new(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_IDLE_SECONDS", 600)
    first = server_process(installation)
    end(installation, first)
    with pytest.raises(DBAPIError) as gone:
        server_process(installation)
    assert is_transient(gone.value)
    assert server_process(installation) != first


def test_nobody_is_asked_between_two_transactions_that_follow_each_other(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    dialect = database.engine(installation.url).dialect
    monkeypatch.setattr(dialect, "do_ping", lambda driver: asked.append(driver))
    monkeypatch.setattr(database, "_IDLE_SECONDS", 600)
    for _ in range(3):
        server_process(installation)
    assert asked == []
    monkeypatch.setattr(database, "_IDLE_SECONDS", 0)
    server_process(installation)
    assert len(asked) == 1


def test_a_machine_that_is_gone_is_noticed_before_its_stage_is_begun_again_elsewhere(
    installation: Installation,
) -> None:
    """Airflow begins a stage again that it has not heard of for five minutes; a server waits for hours by itself."""
    with database.transaction(installation.url) as connection:
        idle, interval, count = (
            int(connection.execute(text(f"show tcp_keepalives_{setting}")).scalar_one())
            for setting in ("idle", "interval", "count")
        )
    assert 0 < idle + interval * count < 300


def test_the_connection_that_holds_a_lock_is_ended_and_the_lock_is_anothers(
    installation: Installation,
) -> None:
    with database.lock(installation.url, database.STAGE_LOCK):
        database.take_lock_away(installation.url, database.MIGRATION_LOCK)
        with pytest.raises(database.LockTaken):
            database.lock(installation.url, database.STAGE_LOCK).__enter__()
        database.take_lock_away(installation.url, database.STAGE_LOCK)
        with database.lock(installation.url, database.STAGE_LOCK):
            assert server_process(installation)
