"""What more than one folder of tests needs: a store of one's own, and the soak that only runs when asked for.

Belongs here: fixtures and pytest's own business. Does not belong here: worlds, models, assertions (`support`, `model`).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from case_closure.gates import engine
from case_closure.local import embedded
from case_closure.store import database
from tests.support import plain_gate
from tests.support.installation import Databases
from tests.support.pipeline import Store


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "soak: minutes long; runs with `pytest -m soak` alone")


# Files are given out whole, in this order: what takes minutes begins first, or one process ends long after the others.
_LONGEST = (
    "test_nights_through_airflow.py", "test_supervisor.py", "test_killed.py", "test_exceptions_worked.py", "test_nights_guard.py",
    "test_model_agrees.py", "test_row_gates.py", "test_closure_nights.py", "test_payments.py", "test_money_follows_its_case.py",
    "test_outbound_night.py", "test_looks.py", "test_privacy.py", "test_exceptions.py", "test_night_in_parts.py",
    "test_money_law.py", "test_bench.py", "test_sample_nights.py", "test_stage_receive_balances.py", "test_roles.py",
    "test_corrections.py", "test_late_nights.py", "test_nights_not_run.py", "test_stage_decide_next_action.py",
    "test_any_entry.py", "test_same_night_same_result.py", "test_access.py", "test_store_schema.py", "test_bad_input.py",
    "test_embedded.py",
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
def _migrated_store(database_server: Databases) -> Iterator[Store]:
    server = database_server.server
    database_server.make_store()
    yield Store(server.url(embedded.STORE), database_server.home, server.admin_url(embedded.STORE))
    database.forget(server.url(embedded.STORE))
    database.forget(server.admin_url(embedded.STORE))


@pytest.fixture
def store(_migrated_store: Store) -> Store:
    """A migrated PostgreSQL store with nothing in it."""
    _migrated_store.empty()
    return _migrated_store


def quick_gates() -> Iterator[None]:
    """Gates judged by plain pandas, which finds what Great Expectations finds (tests/gates), in a tenth of the time."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(engine, "run", plain_gate.run)
        yield


def a_home() -> Iterator[Path]:
    """A home in a folder of its own, whose server is stopped and whose files are gone afterwards."""
    # Not pytest's tmp_path: root's PostgreSQL runs as another user, to whom that folder is closed.
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
