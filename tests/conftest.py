"""What more than one folder of tests needs: a store of one's own, and the soak that only runs when asked for.

Belongs here: fixtures and pytest's own business. Does not belong here: worlds, models, assertions (`support`, `model`).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from case_closure.local import embedded
from case_closure.store import database
from tests.support.installation import Databases, wait_for_no_disk
from tests.support.pipeline import Store


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "soak: minutes long; runs with `pytest -m soak` alone")


# Files are given out whole, in this order: what takes minutes begins first, or one process ends long after the others.
_LONGEST = (
    "test_nights_through_airflow.py", "test_nights_on_workers.py", "test_supervisor.py", "test_nights_guard.py",
    "test_model_agrees.py", "test_killed.py", "test_night_in_parts.py",
    "test_money_law.py", "test_late_nights.py", "test_same_night_same_result.py", "test_any_entry.py", "test_stages_by_hand.py",
    "test_programme.py", "test_closure_nights.py", "test_money_follows_its_case.py",
)  # fmt: skip


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(
        key=lambda item: _LONGEST.index(item.path.name) if item.path.name in _LONGEST else len(_LONGEST)
    )
    if config.getoption("markexpr"):
        return
    soaking = [item for item in items if item.get_closest_marker("soak")]
    config.hook.pytest_deselected(items=soaking)
    items[:] = [item for item in items if not item.get_closest_marker("soak")]


@pytest.fixture(scope="session")
def _migrated_store() -> Iterator[Store]:
    # Not pytest's tmp_path: root's PostgreSQL runs as another user, to whom that folder is closed.
    folder = Path(tempfile.mkdtemp(prefix="case-closure-"))
    home = folder / "var"
    try:
        server = embedded.ensure_running(home)
        wait_for_no_disk(server)
        url = server.url(embedded.STORE)
        database.migrate(url)
        yield Store(url, home, server.admin_url(embedded.STORE))
        database.forget(url)
        database.forget(server.admin_url(embedded.STORE))
        embedded.stop(home)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def store(_migrated_store: Store) -> Store:
    """A migrated PostgreSQL store with nothing in it."""
    _migrated_store.empty()
    return _migrated_store


def a_home() -> Iterator[Path]:
    """A home in a folder of its own, whose server is stopped and whose files are gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="case-closure-"))
    try:
        yield folder / "var"
        embedded.stop(folder / "var")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def database_server() -> Iterator[Databases]:
    """One server for all tests that need a store, with a migrated store to copy from."""
    for home in a_home():
        yield Databases.on(embedded.ensure_running(home), home)
