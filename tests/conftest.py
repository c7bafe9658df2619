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
from tests.support.installation import wait_for_no_disk
from tests.support.pipeline import Store


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "soak: minutes long; runs with `pytest -m soak` alone")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
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
