"""Homes for tests: folders of their own whose servers are stopped and whose files are gone afterwards.

Not pytest's tmp_path: every pytest that starts on the machine closes that folder to other users again, and
root's PostgreSQL runs as another user.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from case_closure.outbound.letters import batches
from tests.conftest import a_home, quick_gates
from tests.support.installation import Databases, Installation
from tests.support.plain_letters import PlainTypesetters


@pytest.fixture
def home() -> Iterator[Path]:
    """A CASE_CLOSURE_HOME that does not exist yet, inside a private folder."""
    yield from a_home()


@pytest.fixture(scope="module")
def shared_home() -> Iterator[Path]:
    """The same, one for all tests of a module."""
    yield from a_home()


@pytest.fixture
def installation(database_server: Databases) -> Iterator[Installation]:
    """A store that has seen no night, and empty folders to land in."""
    with database_server.installation() as made:
        yield made


# What the gates find is the matter of these.
_OF_GATES = ("test_bad_input", "test_row_gates", "test_outbound_night", "test_disks")


@pytest.fixture(scope="module", autouse=True)
def _quick_gates(request: pytest.FixtureRequest) -> Iterator[None]:
    """All but those are judged by plain pandas; nights in processes of their own by what judges them at work."""
    if request.path.stem in _OF_GATES:
        yield
    else:
        yield from quick_gates()


@pytest.fixture(scope="module")
def plain_letters() -> Iterator[None]:
    """For modules that look at no document: their nights write letters as bare text."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(batches, "Workers", PlainTypesetters)
        yield
