"""Which gates judge the nights of the property tests.

Belongs here: that. Does not belong here: stores and worlds (`tests/conftest`, `tests/support`).
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import quick_gates

# Of these, by the module or the name of the test, it matters that Great Expectations judges.
_OF_GATES = (
    "test_on_the_sample_of_several_nights", "test_on_worlds_where_most_is_odd", "test_every_rule_alone_and_in_pairs",
    "test_soak_on_small_worlds", "test_soak_on_worlds_where_most_is_odd", "test_soak_on_the_sample",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _quick_gates(request: pytest.FixtureRequest) -> Iterator[None]:
    """All but those are judged by plain pandas."""
    if request.function.__name__ in _OF_GATES:
        yield
    else:
        yield from quick_gates()
